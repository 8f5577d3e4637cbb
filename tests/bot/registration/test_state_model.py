"""A hundred thousand random steps: what is shown always equals a model that knows nothing of digests or precedence.

The model remembers plain facts (who ended it, which data was confirmed, which second it ends) and says in five plain
lines what a receiving department must be told. Nothing that the model does not call in force is ever shown green.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import pytest

from bot.errors import RuleError
from bot.registration.archive import ArchiveItems
from bot.registration.correction import Correction, CorrectionState, Item
from bot.registration.dossier import Dossier
from bot.registration.report import Happening, Standing, history_of
from bot.registration.season import SHANGHAI
from bot.registration.verification import PRECEDENCE, State, Subject, Verification
from tests.bot import people
from tests.bot.use_cases.test_rules import data_of

STEPS = 100_000
SEASON = replace(people.SEASON, changes_until=date(2024, 12, 31), closes=date(2024, 12, 31))
CODES = {
    "annulled": "V5",
    "closed": "V4",
    "changed": "V3",
    "expired": "V2",
    "unconfirmed": "V1",
    "in force": "V0",
}


@dataclass
class Known:
    """What the model knows of one verification."""

    data: int
    ends: datetime
    ended_by: set[str] = field(default_factory=set)


@dataclass
class Model:
    """The plain facts beside the dossier: which data there is, which was confirmed, and every verification."""

    own: Dossier
    now: datetime = people.OPEN
    data: int = 0
    newest: int = 0
    confirmed: int | None = None
    known: dict[str, Known] = field(default_factory=dict)

    def expected(self, verification: Verification) -> str:
        """Return the code that must be shown."""
        fact = self.known[verification.id]
        for who in ("annulled", "closed", "changed"):
            if who in fact.ended_by:
                return CODES[who]
        if self.confirmed is not None and (self.confirmed != self.data or self.data != fact.data):
            return CODES["changed"]
        if self.now > fact.ends:
            return CODES["expired"]
        return CODES["unconfirmed" if self.confirmed is None else "in force"]

    def falls(self) -> None:
        """Everything that still stood has fallen with the confirmation."""
        for fact in self.known.values():
            if not fact.ended_by & {"closed", "changed"}:
                fact.ended_by.add("changed")
        self.confirmed = None


def _end(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=SHANGHAI)


def _items(number: int) -> ArchiveItems:
    return replace(people.ITEMS, unit=f"示例中心{number}")


def _change(model: Model, chance: random.Random) -> None:
    """The school changes the data, sometimes back to what it once was."""
    target = chance.choice([model.newest + 1, chance.randint(0, model.newest)])
    base = data_of(model.own)
    entry = replace(model.own.archive, items=_items(target))
    model.own = model.own.with_school_data(replace(base, archive=entry), SEASON, model.now)
    if target != model.data:
        if model.confirmed is not None:
            model.falls()
        model.data, model.newest = target, max(target, model.newest)


def _meddle(model: Model, chance: random.Random) -> None:
    """Somebody writes into the row behind everybody's back."""
    target = chance.randint(0, model.newest)
    model.own = replace(model.own, archive=replace(model.own.archive, items=_items(target)))
    model.data = target


def _forget(model: Model, _: random.Random) -> None:
    """A confirmation is lost behind everybody's back: nothing may read as in force."""
    model.own = replace(model.own, confirmation=None)
    model.confirmed = None


def _confirm(model: Model, _: random.Random) -> None:
    model.own = model.own.confirm(SEASON, model.now)
    model.confirmed = model.data


def _authorise(model: Model, chance: random.Random) -> None:
    subject = chance.choice(list(Subject))
    day = model.now.astimezone(SHANGHAI).date() + timedelta(days=chance.randint(0, 20))
    name = f"v{len(model.known)}"
    running = model.own.running(subject, model.now)
    new = Verification(name, f"{len(model.known):08d}", subject, "", model.now, day)
    model.own = model.own.authorise(new, SEASON)
    if running:
        model.known[running.id].ended_by.add("closed")
    model.known[name] = Known(model.data, _end(day))


def _extend(model: Model, chance: random.Random) -> None:
    subject = chance.choice(list(Subject))
    day = model.now.astimezone(SHANGHAI).date() + timedelta(days=chance.randint(0, 40))
    model.own = model.own.extend(subject, day, SEASON, model.now)
    latest = model.own.verification_of(subject)
    assert latest
    model.known[latest.id].ends = _end(day)


def _close(model: Model, chance: random.Random) -> None:
    subject = chance.choice(list(Subject))
    running = model.own.running(subject, model.now)
    model.own = model.own.close(subject, model.now)
    assert running
    model.known[running.id].ended_by.add("closed")


def _annul(model: Model, chance: random.Random) -> None:
    name = f"v{chance.randint(0, len(model.known))}"
    model.own = model.own.annul(name, "误发", model.now)
    model.known[name].ended_by.add("annulled")


def _report(model: Model, _: random.Random) -> None:
    model.own = model.own.report(Correction("c", ((Item.MAJOR, "应为英语"),), model.now))
    if model.confirmed is not None:
        model.falls()


def _decide(model: Model, _: random.Random) -> None:
    model.own = model.own.decide_correction(CorrectionState.REFUSED, "不改", model.now)


def _wait(model: Model, chance: random.Random) -> None:
    """Let time pass: often to just before, at, or just after an end."""
    ends = sorted(fact.ends for fact in model.known.values() if fact.ends > model.now)
    if ends and chance.random() < 0.5:
        model.now = max(model.now, ends[0] + timedelta(seconds=chance.choice([-1, 0, 1])))
    else:
        model.now += timedelta(hours=chance.randint(1, 60))


MOVES: tuple[tuple[Callable[[Model, random.Random], None], int], ...] = (
    (_confirm, 6),
    (_authorise, 6),
    (_extend, 4),
    (_close, 2),
    (_annul, 1),
    (_change, 2),
    (_report, 1),
    (_decide, 2),
    (_wait, 5),
    (_meddle, 1),
    (_forget, 1),
)


def _start() -> Model:
    own = replace(people.ready(), household=people.MOVED, real_person_at=people.OPEN)
    return Model(replace(own, archive=replace(own.archive, items=_items(0))))


@pytest.mark.parametrize("seed", range(4))
def test_what_is_shown_equals_the_model_after_every_step(seed: int) -> None:
    chance = random.Random(seed)
    moves, weights = zip(*MOVES, strict=True)
    seen: Counter[str] = Counter()
    model = _start()
    for step in range(STEPS // 4):
        if len(model.known) >= 12 or model.now > people.OPEN + timedelta(days=150):
            model = _start()
        move = chance.choices(moves, weights)[0]
        try:
            move(model, chance)
        except RuleError:
            continue
        for verification in model.own.verifications:
            code = Standing.of(model.own.state_of(verification, model.now)).value
            assert code == model.expected(verification), (step, move.__name__, verification.id)
            seen[code] += 1
        _history_is_whole(model)
    assert set(seen) == set(CODES.values()), "every state has to be met, or nothing was proved about it"


def _history_is_whole(model: Model) -> None:
    for verification in model.own.verifications:
        events = history_of(model.own, verification)
        assert events[0].happening is Happening.ISSUED
        assert [event.at for event in events] == sorted(event.at for event in events)
        ended = {event.happening for event in events} - {Happening.ISSUED, Happening.EXTENDED}
        marks = (verification.annulled_at, verification.closed_at, verification.superseded_at)
        assert len(ended) == sum(mark is not None for mark in marks)
        last = [event.until for event in events if event.until is not None][-1]
        assert last == model.known[verification.id].ends


def test_the_precedence_names_every_state_and_ends_with_what_is_left() -> None:
    assert {state for state, _ in PRECEDENCE} == set(State)
    assert PRECEDENCE[-1][0] is State.IN_FORCE
    order = list(dict.fromkeys(state for state, _ in PRECEDENCE))
    assert order == [
        State.ANNULLED,
        State.CLOSED,
        State.CONFIRM_AGAIN,
        State.EXPIRED,
        State.UNCONFIRMED,
        State.IN_FORCE,
    ]
