"""Receive a message (接收消息): the one corridor every message of a graduate goes through.

Read once, look up what the step needs, decide (pure), write everything in one transaction. There is no lock: the
talk's ``seq`` is compared and swapped, so of two racing deliveries one wins and the other, trying again, finds the
stored answer. Nothing slow happens inside the transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.conversation import effects
from bot.conversation.facts import Facts, Seen
from bot.conversation.flow import Need, revision
from bot.conversation.flows.consent import VERSION
from bot.conversation.incoming import Incoming, Kind
from bot.conversation.looks_lines import REVEALS_SHOWN, SHOWN
from bot.conversation.reply import Rendered, Reply
from bot.conversation.talk import Talk
from bot.conversation.texts import texts
from bot.conversation.turn import Say, Turn, judge, stand, with_answers
from bot.conversation.wording import compose
from bot.errors import MovedError, RuleError
from bot.ports import Chsi, Clock, Footstep, Links, Opened, UnitOfWork, Work
from bot.registration.correction import Correction
from bot.registration.dossier import Dossier
from bot.registration.verification import Verification
from bot.staff.deed import Action
from bot.staff.reveals import Reveal
from bot.use_cases.broadcast_words import held_reply
from bot.use_cases.tell import Teller

ATTEMPTS = 5
"""How often a turn is tried again after somebody else wrote first; each try is a few milliseconds."""

PATIENCE = timedelta(seconds=1.5)
"""After this long no further try is begun: one that waits for a lock may take seconds, and WeChat waits five in all."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the corridor needs from the world (柜台).

    Attributes:
        work: opens units of work.
        chsi: the student-information network.
        links: makes web links.
        clock: the present moment.
        new_id: makes identifiers (32 hex digits).
        new_number: makes eight-digit numbers nobody can guess.
        render: turns a reply into pages of at most 2000 bytes.
    """

    work: Work
    chsi: Chsi
    links: Links
    clock: Clock
    new_id: Callable[[], str]
    new_number: Callable[[], str]
    render: Callable[[Reply], tuple[str, ...]]


def receive_message(desk: Desk, incoming: Incoming) -> Rendered:
    """Answer one message exactly once; a re-push gets the stored answer and changes nothing.

    Returns:
        The rendered answer; empty text means silence.
    """
    until = desk.clock() + PATIENCE
    for _ in range(ATTEMPTS):
        try:
            return _attempt(desk, incoming)
        except MovedError:
            if desk.clock() > until:
                break
    return _stored(desk, incoming) or Rendered(texts()["error.busy"], _seconds(desk.clock()))


def _stored(desk: Desk, incoming: Incoming) -> Rendered | None:
    """Whoever wrote first may have been this message itself, pushed to another process: then its answer is there."""
    with desk.work.reading() as uow:
        return uow.talks.open(incoming.openid).talk.stored_reply(incoming.key)


def _attempt(desk: Desk, incoming: Incoming) -> Rendered:
    now = desk.clock()
    with desk.work.reading() as uow:
        opened = uow.talks.open(incoming.openid)
        if (stored := opened.talk.stored_reply(incoming.key)) is not None:
            return stored
        if incoming.kind is Kind.QUIET:
            return Rendered("", _seconds(now))
        if opened.season is None:
            return Rendered("" if incoming.kind is Kind.UNFOLLOW else texts()["welcome.no_season"], _seconds(now))
        facts = Facts(now, opened.season, opened.dossier)
        turn = judge(opened.talk, incoming, facts)
        # Most messages change the talk only. What is written then is a transaction by itself, so that the same
        # connection will do; it is held for the millisecond of thinking.
        if isinstance(turn, Turn) and not turn.effects and not opened.held and incoming.kind is not Kind.UNFOLLOW:
            return _write(_Scene(desk, uow, opened, facts), incoming, turn)
    while not isinstance(turn, Turn):
        facts = _looked_up(desk, opened, incoming, facts, turn)
        turn = judge(opened.talk, incoming, facts)
    with desk.work.writing() as uow:
        if incoming.kind is Kind.UNFOLLOW:
            return _forget(uow, opened, incoming, now)
        return _write(_Scene(desk, uow, opened, facts), incoming, turn)


def _looked_up(desk: Desk, opened: Opened, incoming: Incoming, facts: Facts, wanted: str) -> Facts:
    """Add what the step needs from outside, before any transaction is open."""
    if wanted == Need.CANDIDATE:
        number = stand(opened.talk, facts).kept["student_number"]
        with desk.work.reading() as uow:
            candidate = uow.registry.by_student_number(facts.season.id, number)
            locked = uow.guards.locked_until(_subjects(incoming.openid, facts.season.id, number), facts.now)
        return replace(facts, looked_up=number, candidate=candidate, locked_until=locked)
    if wanted == Need.SEEN:
        return replace(facts, seen=_seen(desk, facts.own))
    if wanted == Need.BINDING and facts.candidate is not None:
        return replace(facts, binding=desk.chsi.binding(facts.candidate))
    return replace(facts, real_person=desk.chsi.real_person(facts.own))


def _seen(desk: Desk, own: Dossier) -> Seen:
    ids = [verification.id for verification in own.verifications]
    with desk.work.reading() as uow:
        revealed = uow.audit.done_to(own.id, Action.REVEALED, REVEALS_SHOWN)
        return Seen(
            tuple(uow.looks.of(ids, SHOWN)),
            uow.looks.count(ids),
            tuple(uow.receipts.of(ids)),
            tuple(map(Reveal.read, revealed)),
            # Counting is a look of its own, for the few who have more than are shown.
            uow.audit.times_done_to(own.id, Action.REVEALED) if len(revealed) == REVEALS_SHOWN else len(revealed),
        )


def _subjects(openid: str, season_id: str, student_number: str) -> tuple[str, str]:
    return guard_subject(season_id, student_number), f"openid:{openid}"


def guard_subject(season_id: str, student_number: str) -> str:
    """Return the name under which failed identity checks of a student number are counted."""
    return f"student:{season_id}:{student_number}"


def _forget(uow: UnitOfWork, opened: Opened, incoming: Incoming, now: datetime) -> Rendered:
    """Unfollowing takes the binding and the chat away; the registration itself belongs to the school.

    One that is told late, after an outage, says nothing about somebody who has come back and written since.
    """
    if incoming.at < opened.talk.at:
        return Rendered("", _seconds(now))
    if opened.dossier is not None:
        uow.registry.save(opened.dossier, opened.dossier.unbind())
    uow.notices.drop(opened.talk.openid)
    uow.subscriptions.forget(opened.talk.openid)
    uow.talks.erase(opened.talk.openid)
    uow.commit()
    return Rendered("", _seconds(now))


@dataclass(frozen=True, slots=True)
class _Scene:
    """The open transaction of one turn."""

    desk: Desk
    uow: UnitOfWork
    opened: Opened
    facts: Facts

    def teller(self) -> Teller:
        return Teller(self.facts.season, self.facts.now, self.desk.links, self.desk.new_id)


def _write(scene: _Scene, incoming: Incoming, turn: Turn) -> Rendered:
    talk, says, facts = _do_all(scene, turn)
    at, more, to = _seconds(facts.now), list(talk.more), None
    if turn.page:
        rendered = Rendered(turn.page, at)
    elif any(isinstance(effect, effects.Unbind) for effect in turn.effects):
        talk, more = Talk(talk.openid, talk.seq, at=talk.at, spoke_at=talk.spoke_at, acted_at=talk.acted_at), []
        rendered = Rendered("\n\n".join(texts()[say.key] for say in says), at)
    else:
        talk, reply, to = compose(talk, says, facts, scene.desk.links)
        first, *more = scene.desk.render(_with_held(scene, reply, facts))
        rendered = Rendered(first, at)
    talk = replace(talk, more=tuple(more), seen=talk.seen_with(incoming.key, rendered))
    who, to = facts.dossier.id if facts.dossier else "", to or stand(talk, facts)
    step = Footstep(who, revision(), turn.step, turn.outcome, f"{to.flow.name}.{to.step.name}", facts.now)
    scene.uow.turns.keep(scene.opened.talk, talk, step)
    scene.uow.commit()
    return rendered


def _with_held(scene: _Scene, reply: Reply, facts: Facts) -> Reply:
    """Put what WeChat would not take in front of the answer (补发), as far as it is still true."""
    if not scene.opened.held:
        return reply
    taken = scene.uow.notices.take_held(scene.opened.talk.openid, scene.facts.now)
    held = [shown for each in taken if (shown := held_reply(each, facts)) is not None]
    text = "\n\n".join(part for part in (*(notice.text for notice in held), reply.text) if part)
    return replace(reply, text=text, links=(*(link for notice in held for link in notice.links), *reply.links))


def _do_all(scene: _Scene, turn: Turn) -> tuple[Talk, tuple[Say, ...], Facts]:
    talk, says, facts = turn.talk, turn.says, scene.facts
    for effect in turn.effects:
        if isinstance(effect, effects.Consent):
            talk = replace(talk, consent=VERSION)
        elif isinstance(effect, effects.FailIdentity):
            talk, says, facts = _fail_identity(scene, talk, says)
        elif isinstance(effect, effects.Bind):
            facts = _bind(scene)
        elif isinstance(effect, effects.WithdrawReceipts):
            _withdraw_receipts(scene)
        else:
            old = facts.own
            try:
                new = _changed(scene, effect, old)
            except RuleError as error:
                return replace(talk, flow=""), (Say(error.key, says[0].extra if says else {}),), facts
            scene.uow.registry.save(old, new)
            if isinstance(effect, effects.Unbind):
                scene.uow.notices.drop(talk.openid)
            facts = replace(facts, dossier=None if isinstance(effect, effects.Unbind) else new)
    return talk, says, facts


def _fail_identity(scene: _Scene, talk: Talk, says: tuple[Say, ...]) -> tuple[Talk, tuple[Say, ...], Facts]:
    facts = scene.facts
    subjects = _subjects(talk.openid, facts.season.id, facts.looked_up)
    scene.uow.guards.fail(subjects, facts.now)
    locked = scene.uow.guards.locked_until(subjects, facts.now)
    if locked is None:
        return talk, says, facts
    return with_answers(talk, "login", ()), (Say("login.tail.locked"),), replace(facts, locked_until=locked)


def _withdraw_receipts(scene: _Scene) -> None:
    for receipt in scene.facts.seen.receipts if scene.facts.seen else ():
        scene.uow.receipts.withdraw(receipt.id, "graduate", scene.facts.now)


def _bind(scene: _Scene) -> Facts:
    facts, openid = scene.facts, scene.opened.talk.openid
    candidate = facts.candidate
    if candidate is None:
        raise LookupError("bind without a candidate")
    if candidate.openid is not None and candidate.openid != openid:
        # What the old account has not read yet is about somebody who has left it.
        scene.uow.notices.drop(candidate.openid)
        contacts = f"{facts.season.office}：{facts.season.office_phone}"
        once = f"rebound:{candidate.id}:{candidate.version}"
        scene.teller().tell(scene.uow, candidate, "rebound", once, notice_contacts=contacts)
    bound = candidate.bind(openid)
    scene.uow.registry.save(candidate, bound)
    scene.uow.guards.clear(_subjects(openid, facts.season.id, facts.looked_up))
    return replace(facts, dossier=bound)


def _changed(scene: _Scene, effect: effects.Effect, own: Dossier) -> Dossier:
    """Return the dossier after an effect; the rules themselves stand in the dossier."""
    now, season, desk = scene.facts.now, scene.facts.season, scene.desk
    match effect:
        case effects.Check():
            return own.check(now)
        case effects.SubmitArchive(items):
            return own.submit_archive(items, now)
        case effects.Report(items):
            return own.report(Correction(desk.new_id(), items, now))
        case effects.Confirm():
            return own.confirm(season, now)
        case effects.VerifyPerson():
            seen = scene.facts.real_person
            return own.verify_person(seen.at if seen and seen.at else now)
        case effects.Authorise(subject, last_day):
            new = Verification(desk.new_id(), desk.new_number(), subject, "", now, last_day)
            return own.authorise(new, season)
        case effects.Extend(subject, last_day):
            return own.extend(subject, last_day, season, now)
        case effects.Close(subject):
            return own.close(subject, now)
        case effects.Unbind():
            return own.unbind()
    raise LookupError(type(effect).__name__)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
