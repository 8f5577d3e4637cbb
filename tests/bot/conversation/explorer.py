"""Exploring (穷举): every state the real step code can reach by answers, from every situation that matters."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date

from bot.conversation.facts import Facts
from bot.conversation.flow import Position
from bot.conversation.flows import FLOWS
from bot.conversation.flows.consent import VERSION
from bot.conversation.incoming import Incoming, Kind
from bot.conversation.standing import home, stand
from bot.conversation.talk import Talk
from bot.conversation.texts import label
from bot.ports import ChsiAnswer
from bot.registration.archive import ArchiveStatus
from bot.registration.dossier import Dossier
from tests.bot import people
from tests.bot.conversation.world import Step, World, event, judged, say
from tests.bot.people import OPENID

AGREED = Talk(OPENID, at=1_000_000, consent=VERSION)
MOMENTS = {
    "before": people.BEFORE,
    "open": people.OPEN,
    "last_day": people.LAST_DAY,
    "after": people.AFTER,
    "changes_over": people.CHANGES_OVER,
    "half_year_over": people.HALF_YEAR_OVER,
}
VERIFICATIONS = ("none", "running", "longest", "expired", "closed", "superseded")


def strangers() -> Iterator[tuple[str, World]]:
    """Yield the situations of somebody who is not bound: consent, candidate, lock, CHSI (N3)."""
    other = people.new_dossier(who=people.graduate("2023010199", "李四", "110101199001001234"))
    for consent, (name, candidates) in itertools.product(
        (0, VERSION),
        {
            "unknown": (),
            "known": (people.new_dossier(),),
            "elsewhere": (people.new_dossier("oOther"),),
            "checked_elsewhere": (replace(people.verified(), openid="oOther"),),
        }.items(),
    ):
        talk = Talk(OPENID, at=1_000_000, consent=consent)
        for school_knows, answer in itertools.product((True, None), ChsiAnswer):
            if school_knows and answer is not ChsiAnswer.YES:
                continue  # CHSI is not asked what the school knows
            known = tuple(replace(d, chsi_bound=school_knows) for d in candidates)
            for failures in (0, 4, 5):
                world = World(talk, (*known, other), binding=answer, failures=failures)
                yield f"{name}, consent {consent}, school {school_knows}, chsi {answer}, failures {failures}", world


def registered() -> Iterator[tuple[str, World]]:
    """Yield the situations of a bound graduate: every sensible combination of what is registered and when (N4-N18)."""
    for name, dossier in _unconfirmed():
        for moment, now in MOMENTS.items():
            yield f"{name}, {moment}", World(AGREED, (dossier,), now)
    for moved, person, verification in itertools.product((False, True), (False, True), VERIFICATIONS[:-1]):
        dossier = _verified(verification, moved=moved, person=person)
        for moment, now in MOMENTS.items():
            yield f"confirmed, moved {moved}, person {person}, {verification}, {moment}", World(AGREED, (dossier,), now)


def _unconfirmed() -> Iterator[tuple[str, Dossier]]:
    for checked, destination, status, moved, reported, verification in itertools.product(
        (False, True), (False, True), ArchiveStatus, (False, True), (False, True), ("none", "superseded")
    ):
        dossier = people.with_archive(people.new_dossier(OPENID), status)
        dossier = replace(
            dossier,
            checked_at=people.BEFORE if checked else None,
            destination=people.DESTINATION if destination else None,
            household=people.MOVED if moved else dossier.household,
        )
        if verification == "superseded":
            ended = replace(people.verification(dossier), digest="old", superseded_at=people.OPEN)
            dossier = replace(dossier, verifications=(ended,), real_person_at=people.OPEN, reopened_at=people.OPEN)
        if reported:
            dossier = people.with_correction(dossier)
        name = f"checked {checked}, destination {destination}, archive {status.name}, moved {moved}"
        yield f"{name}, reported {reported}, {verification}", dossier


def _verified(state: str, *, moved: bool, person: bool) -> Dossier:
    base = people.ready()
    base = replace(base, household=people.MOVED if moved else base.household)
    base = replace(people.confirmed(base), real_person_at=people.OPEN if person else None)
    last_day = {"expired": date(2023, 6, 25), "longest": date(2023, 12, 30)}.get(state, date(2023, 7, 16))
    given = people.verification(base, last_day)
    if state == "closed":
        given = replace(given, closed_at=people.OPEN)
    return base if state == "none" else replace(base, verifications=(given,))


def in_every_flow(world: World) -> Iterator[World]:
    """Yield the world with the question asked, in the flow forced by the facts or in every flow open from the board."""
    asked = event(world, Kind.IMAGE).after
    yield asked
    at = stand(asked.talk, asked.facts())
    if at.flow.name == "board":
        assert at.step.options is not None
        for entry in (*at.step.options(at.kept, asked.facts()), "unbind"):
            yield say(asked, label("board.menu", entry)).after


def known(world: World) -> Facts:
    """Return the facts with the candidate looked up, as for any message."""
    return judged(world, Incoming("k", OPENID, world.talk.at, Kind.IMAGE))[1]


def position(world: World) -> Position:
    """Return where the talk stands."""
    return stand(world.talk, known(world))


def flow_of(world: World) -> str:
    """Return the name of the flow the talk is in."""
    return home(world.talk, world.facts()).name


def answers(world: World) -> tuple[str, ...]:
    """Return good answers to the present question: the labels offered, and samples of everything else."""
    at = position(world)
    options = at.step.options(at.kept, known(world)) if at.step.options else ()
    labels = tuple(label(at.words, option) for option in options)
    if at.words == "correction.items":
        numbers = range(1, len(options) + 1)
        return (*labels, *(f"{one} {other}" for one, other in itertools.combinations(numbers, 2)))
    is_whole = labels and at.words not in {"board.menu", "verification.period", "real_person.check"}
    return tuple(dict.fromkeys((*labels, *(() if is_whole else at.step.samples))))


def variants(world: World) -> Iterator[World]:
    """Yield the world as it may be when the next message comes: CHSI's mind and the lock change in between."""
    yield world
    at = position(world)
    if at.words == "login.chsi":
        yield from (replace(world, binding=answer) for answer in ChsiAnswer)
    if at.words == "login.tail":
        yield replace(world, failures=5)
    if at.words == "real_person.check":
        yield from (replace(world, person=answer) for answer in ChsiAnswer)


def starts() -> list[World]:
    """Return every flow opened in every situation; of flows that look at few facts, once for what they look at."""
    found: dict[object, World] = {}
    for _, world in (*strangers(), *registered()):
        for opened in in_every_flow(world):
            found.setdefault(_matters(opened), opened)
    return list(found.values())


def _matters(world: World) -> object:
    flow, own = flow_of(world), world.own
    if own is None or flow not in {"archive", "correction", "unbind", "household", "personal"}:
        return key(world)
    if flow == "archive":
        return flow, own.archive.status
    return flow, own.household.moved, own.is_confirmed, own.checked_at is None


def key(world: World) -> object:
    """Return what tells two worlds apart; identifiers, exact moments and the count of tries do not."""
    talk = world.talk
    return (
        (talk.consent, talk.flow, talk.answers, talk.asked, talk.more),
        tuple(_key(dossier, world) for dossier in world.dossiers),
        (world.now, world.binding, world.person, world.failures),
    )


def _key(dossier: Dossier, world: World) -> object:
    return (
        (dossier.id, dossier.openid, dossier.chsi_bound, dossier.checked_at is None, dossier.destination is None),
        (dossier.archive.status, dossier.archive.items, dossier.household, dossier.is_confirmed, dossier.reopened_at),
        (dossier.real_person_at is None, dossier.correction and (dossier.correction.state, dossier.correction.items)),
        tuple((v.subject, v.last_day, dossier.state_of(v, world.now)) for v in dossier.verifications[-2:]),
    )


@dataclass(slots=True)
class Explored:
    """What an exploration saw (所见).

    Attributes:
        states: all states, by key.
        steps: every answer given in every state.
        edges: "flow.step" and outcome of all answers that were taken.
    """

    states: dict[object, World] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    edges: set[tuple[str, str]] = field(default_factory=set)


def explore(starts: Iterable[World], most: int = 20_000) -> Explored:
    """Follow every good answer from every start until nothing new appears.

    An answer that leads into another flow is not followed there: the situations it leads to are starts themselves.
    """
    seen = Explored()
    todo: list[World] = []

    def meet(world: World) -> None:
        assert len(seen.states) < most, "a state space that does not end is a fault too"
        for each in variants(world):
            if seen.states.setdefault(key(each), each) is each:
                todo.append(each)
                at = position(each)
                seen.edges |= {(f"{at.flow.name}.{answer.step}", answer.out) for answer in at.path}

    for world in starts:
        meet(world)
    while todo:
        world = todo.pop()
        for text in answers(world):
            step = say(world, text, tap=True)
            seen.steps.append(step)
            seen.edges.add((step.turn.step, step.turn.outcome))
            if flow_of(step.after) == flow_of(world):
                meet(step.after)
    return seen


def declared() -> set[tuple[str, str]]:
    """Return all edges the flows declare: "flow.step" and outcome."""
    return {(f"{flow.name}.{step.name}", out) for flow in FLOWS.values() for step in flow.steps for out in step.to}


def shape(world: World) -> object:
    """Return what tells two states of the talk apart, whatever else is registered: question, answers, choices."""
    at = position(world)
    options = at.step.options(at.kept, known(world)) if at.step.options else ()
    return at.flow.name, at.step.name, tuple(at.kept.items()), options
