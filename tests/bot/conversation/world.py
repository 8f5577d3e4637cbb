"""A whole world in one value: talk, dossiers, clock and CHSI; one message leads to the next world (pure).

It does with the effects of a turn what ``bot.use_cases.receive_message`` does, without a database, so that every
reachable state can be looked at in seconds.
"""

import itertools
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.conversation import effects
from bot.conversation.facts import Facts, Seen
from bot.conversation.flow import Need
from bot.conversation.flows.consent import VERSION
from bot.conversation.incoming import Incoming, Kind
from bot.conversation.reply import Reply
from bot.conversation.talk import Talk
from bot.conversation.turn import Say, Turn, judge, stand, with_answers
from bot.conversation.wording import compose
from bot.errors import RuleError
from bot.ports import ChsiAnswer, RealPerson
from bot.registration.correction import Correction
from bot.registration.dossier import Dossier
from bot.registration.season import Season
from bot.registration.verification import Verification
from tests.bot.people import OPEN, OPENID, SEASON

_COUNT = itertools.count(10_000_000)


class StubLinks:
    """Links that show what they are for."""

    def report(self, verification: Verification) -> str:
        return f"https://quxiang.example/r/{verification.id}"

    def real_person(self, dossier: Dossier) -> str:
        return f"https://quxiang.example/p/{dossier.id}"


LINKS = StubLinks()


NOBODY = Seen()
"""Nobody has looked yet."""


@dataclass(frozen=True, slots=True)
class World:
    """Everything that matters for the next answer (世界).

    Attributes:
        talk: the talk of the one account looked at.
        dossiers: all there are; at most one is bound to the account.
        now: the present moment.
        binding, person: what CHSI would say.
        failures: failed identity checks so far; the fifth locks.
        season: the season.
    """

    talk: Talk = field(default_factory=lambda: Talk(OPENID))
    dossiers: tuple[Dossier, ...] = ()
    now: datetime = OPEN
    binding: ChsiAnswer = ChsiAnswer.YES
    person: ChsiAnswer = ChsiAnswer.YES
    failures: int = 0
    season: Season = SEASON
    seen: Seen = NOBODY

    @property
    def own(self) -> Dossier | None:
        """The dossier bound to the account, or None."""
        return next((d for d in self.dossiers if d.openid == self.talk.openid), None)

    @property
    def locked_until(self) -> datetime | None:
        """Until when the identity check is locked, or None."""
        return self.now + timedelta(days=1) if self.failures >= 5 else None

    def facts(self) -> Facts:
        """Return what is known before anything is looked up."""
        return Facts(self.now, self.season, self.own)


@dataclass(frozen=True, slots=True)
class Step:
    """What one message did: the worlds before and after, the turn, and the answer (None: silence)."""

    before: World
    incoming: Incoming
    turn: Turn
    after: World
    reply: Reply | None


def say(world: World, text: str, *, tap: bool = False, late: bool = False) -> Step:
    """Send words: typed, tapped under the present question, or sent before the last message but arriving after it."""
    at = world.talk.at - 5 if late else world.talk.at
    return deliver(world, Incoming("k", OPENID, at, Kind.TEXT, text, world.talk.asked if tap else None))


def event(world: World, kind: Kind, text: str = "") -> Step:
    """Send something that is not words."""
    return deliver(world, Incoming("k", OPENID, world.talk.at, kind, text))


def deliver(world: World, incoming: Incoming) -> Step:
    """Let one message be answered."""
    turn, facts = judged(world, incoming)
    if turn.silent:
        return Step(world, incoming, turn, replace(world, talk=turn.talk), None)
    after, says, facts = _do(world, turn, facts)
    if turn.page:
        return Step(world, incoming, turn, after, Reply(turn.page))
    if any(isinstance(effect, effects.Unbind) for effect in turn.effects):
        return Step(world, incoming, turn, replace(after, talk=Talk(OPENID, at=turn.talk.at)), Reply(turn.says[0].key))
    talk, reply, _ = compose(after.talk, says, facts, LINKS)
    return Step(world, incoming, turn, replace(after, talk=talk), reply)


def judged(world: World, incoming: Incoming) -> tuple[Turn, Facts]:
    """Return what a message leads to, and the facts that had to be known for it."""
    facts = world.facts()
    while not isinstance(turn := judge(world.talk, incoming, facts), Turn):
        facts = _looked_up(world, facts, turn)
    return turn, facts


def _looked_up(world: World, facts: Facts, wanted: str) -> Facts:
    if wanted == Need.CANDIDATE:
        number = stand(world.talk, facts).kept["student_number"]
        found = next((d for d in world.dossiers if d.graduate.student_number == number), None)
        return replace(facts, looked_up=number, candidate=found, locked_until=world.locked_until)
    if wanted == Need.SEEN:
        return replace(facts, seen=world.seen)
    if wanted == Need.BINDING:
        return replace(facts, binding=world.binding)
    return replace(facts, real_person=RealPerson(world.person, world.now))


def _do(world: World, turn: Turn, facts: Facts) -> tuple[World, tuple[Say, ...], Facts]:
    world, says = replace(world, talk=turn.talk), turn.says
    for effect in turn.effects:
        if isinstance(effect, effects.Consent):
            world = replace(world, talk=replace(world.talk, consent=VERSION))
        elif isinstance(effect, effects.FailIdentity):
            world = replace(world, failures=world.failures + 1)
            if world.locked_until:
                world = replace(world, talk=with_answers(world.talk, "login", ()))
                says, facts = (Say("login.tail.locked"),), replace(facts, locked_until=world.locked_until)
        elif isinstance(effect, effects.Bind):
            assert facts.candidate is not None
            world = _put(world, facts.candidate.bind(OPENID))
            facts = replace(facts, dossier=world.own)
        elif isinstance(effect, effects.WithdrawReceipts):
            stopped = tuple(replace(r, withdrawn_at=world.now) for r in world.seen.receipts)
            world = replace(world, seen=replace(world.seen, receipts=stopped))
        else:
            try:
                world = _put(world, _changed(effect, facts))
            except RuleError as error:
                return replace(world, talk=replace(world.talk, flow="")), (Say(error.key),), facts
            facts = replace(facts, dossier=world.own)
    return world, says, facts


def _put(world: World, dossier: Dossier) -> World:
    return replace(world, dossiers=tuple(dossier if d.id == dossier.id else d for d in world.dossiers))


def _changed(effect: effects.Effect, facts: Facts) -> Dossier:
    own, season, now = facts.own, facts.season, facts.now
    match effect:
        case effects.Check():
            return own.check(now)
        case effects.SubmitArchive(items):
            return own.submit_archive(items, now)
        case effects.Report(items):
            return own.report(Correction("c2", items, now))
        case effects.Confirm():
            return own.confirm(season, now)
        case effects.VerifyPerson():
            return own.verify_person(now)
        case effects.Authorise(subject, last_day):
            number = str(next(_COUNT))
            return own.authorise(Verification(f"v{number}", number, subject, "", now, last_day), season)
        case effects.Extend(subject, last_day):
            return own.extend(subject, last_day, season, now)
        case effects.Close(subject):
            return own.close(subject, now)
        case effects.Unbind():
            return own.unbind()
    raise AssertionError(effect)
