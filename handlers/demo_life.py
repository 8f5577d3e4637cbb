"""The life of the demo (演示学校的日子): what the invented graduates and the office did in the days before today.

Everything goes through the rules of the dossier and the writer of the registry, on a clock that walks through the days,
so the pages of the console show what they would show at a real school. The people named for trying stay as they are.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import groupby
from random import Random

from bot.conversation.flow import revision
from bot.ports import Footstep, UnitOfWork
from bot.registration.archive import ArchiveItems, ArchiveStatus, ReceivingType, TransferType
from bot.registration.correction import Correction, Item
from bot.registration.dossier import Dossier
from bot.registration.look import Look, Receipt, Way
from bot.registration.report import Standing
from bot.registration.season import SHANGHAI, Season, day_of
from bot.registration.verification import Subject, Verification
from bot.staff.deed import Action
from bot.staff.policy import Actor
from handlers.roster.invented import ARCHIVE_OFFICES
from storage.unit_of_work import SqlWork

DAYS_BEFORE = 3
"""How many days before the window the first graduates come."""

_REASON = "接收单位名称不全，请写到档案部门"
_HASTY = ("王老师", "学校旁边的小区", "000000")
"""An entry that would come back: a person as unit, no room, no postcode."""

_Act = Callable[["_Scene"], Dossier | None]
"""What happens at one moment: returns the dossier as it is afterwards, or None if it could not happen."""


@dataclass(frozen=True, slots=True)
class Life:
    """What the days are made of (演示环境).

    Attributes:
        work: opens units of work; its clock is replaced.
        season: the demo's season.
        now: where the days end.
        office: who of the office acted.
        new_id, new_number: make identifiers and verification numbers.
        new_openid: gives the account of one more phone.
    """

    work: SqlWork = field(repr=False)
    season: Season
    now: datetime
    office: Actor
    new_id: Callable[[], str]
    new_number: Callable[[], str]
    new_openid: Callable[[], str]


@dataclass(frozen=True, slots=True)
class _Scene:
    life: Life
    uow: UnitOfWork = field(repr=False)
    dossier: Dossier
    at: datetime
    random: Random = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Event:
    at: datetime
    dossier_id: str
    act: _Act
    steps: tuple[tuple[str, str, str], ...] = ()


@dataclass(slots=True)
class _Walking:
    """A clock that is set to the moment of each event."""

    at: datetime

    def __call__(self) -> datetime:
        return self.at


def live(life: Life, left_alone: Sequence[str], each_day: Callable[[SqlWork, datetime], object]) -> int:
    """Let the days before today happen (过日子).

    Args:
        life: see Life.
        left_alone: student numbers of the people named for trying.
        each_day: called at the end of each day with units of work of that day and the moment, to take stock.

    Returns:
        How many things happened.
    """
    random = Random(life.season.id)  # noqa: S311 -- an invention that can be repeated, no secret
    with life.work.reading() as uow:
        people = [each for each in uow.registry.all_of(life.season.id) if each.chsi_bound is not False]
    people = [each for each in people if each.graduate.student_number not in set(left_alone)]
    events = [event for dossier in people for event in _way(life, dossier, random) if event.at < life.now]
    clock = _Walking(life.now)
    work = life.work.at(clock)
    for day, of_day in groupby(sorted(events, key=lambda event: event.at), key=lambda event: day_of(event.at)):
        with work.writing() as uow:
            _happen(life, uow, of_day, clock, random)
            uow.commit()
        clock.at = min(life.now, datetime.combine(day, time(23, 59), SHANGHAI))
        each_day(work, clock.at)
    return len(events)


def _happen(life: Life, uow: UnitOfWork, events: Iterable[_Event], clock: _Walking, random: Random) -> None:
    current: dict[str, Dossier] = {}
    for event in events:
        clock.at = event.at
        old = current.get(event.dossier_id) or uow.registry.by_id(event.dossier_id)
        if old is None:
            continue
        new = event.act(_Scene(life, uow, old, event.at, random))
        if new is None:
            continue
        uow.registry.save(old, new)
        current[event.dossier_id] = new
        for number, (step, outcome, to) in enumerate(event.steps):
            at = event.at + timedelta(seconds=20 * number)
            uow.trail.add(Footstep(event.dossier_id, revision(), step, outcome, to, at))


# -- the way of one graduate -------------------------------------------------------------------------


def _way(life: Life, dossier: Dossier, random: Random) -> Iterable[_Event]:
    """Yield what one graduate does and meets, each with its moment; some come early, some late, some get stuck."""
    opens = datetime.combine(life.season.opens, time(8), SHANGHAI)
    whole = (life.now - opens) + timedelta(days=DAYS_BEFORE)
    at = _awake(opens - timedelta(days=DAYS_BEFORE) + whole * random.betavariate(1.3, 1.6))
    who = dossier.id

    yield _Event(at, who, _bind, (("login.tail", "done", "personal.check"),))
    at = _later(at, random, 1)
    if dossier.graduate.major.startswith("（") or random.random() < 0.03:
        yield _Event(at, who, _report, (("personal.check", "wrong", "correction.items"),))
        return
    if random.random() < 0.06:  # looked, and went away
        return
    yield _Event(at, who, lambda scene: scene.dossier.check(scene.at), (("personal.check", "right", "board.menu"),))
    if dossier.destination is None:
        return
    if dossier.archive.status is ArchiveStatus.MISSING:
        if random.random() < 0.12:  # does not know yet where the archive will go
            return
        at = _later(at, random, 8)
        yield _Event(
            at,
            who,
            _submit,
            (
                ("board.menu", "archive", "archive.transfer_type"),
                ("archive.read_back", "submit", "board.menu"),
            ),
        )
        at = _at_work(_later(at, random, 12))
        yield _Event(at, who, _review)
    at = max(_later(at, random, 10), opens + timedelta(minutes=random.randint(0, 600)))
    yield _Event(at, who, _confirm, (("confirmation.preview", "yes", "verification.period"),))
    at = _later(at, random, 6)
    yield _Event(at, who, lambda scene: scene.dossier.verify_person(scene.at) if scene.dossier.is_confirmed else None)
    at = _later(at, random, 5)
    yield _Event(at, who, _authorise, (("verification.period", "chosen", "board.menu"),))
    at = _later(at, random, 30)
    yield _Event(at, who, _looked_at)


def _later(at: datetime, random: Random, hours: float) -> datetime:
    return _awake(at + timedelta(hours=min(random.expovariate(1 / hours), hours * 5), minutes=2))


def _awake(at: datetime) -> datetime:
    """Nobody registers between one and seven in the morning, so that the trend looks like life."""
    local = at.astimezone(SHANGHAI)
    return local + timedelta(hours=7) if local.hour in range(1, 7) else local


def _at_work(at: datetime) -> datetime:
    """The office reviews from nine to six, and what comes later waits for the morning."""
    local = at.astimezone(SHANGHAI)
    if local.hour >= 18:
        local += timedelta(days=1)
    return local if 9 <= local.hour < 18 else local.replace(hour=9 + local.minute % 9)


def _bind(scene: _Scene) -> Dossier | None:
    return scene.dossier.bind(scene.life.new_openid()) if scene.dossier.openid is None else None


def _report(scene: _Scene) -> Dossier | None:
    is_major = scene.dossier.graduate.major.startswith("（")
    wrong = (Item.MAJOR, "应为软件工程") if is_major else (Item.PLACE_OF_ORIGIN, "应为江苏省苏州市")
    return scene.dossier.report(Correction(scene.life.new_id(), (wrong,), scene.at))


def _submit(scene: _Scene) -> Dossier | None:
    unit, address, postcode, phone = scene.random.choice(ARCHIVE_OFFICES)
    if scene.random.random() < 0.2:
        unit, address, postcode = _HASTY
    items = ArchiveItems(TransferType.UNIT, ReceivingType.TRUSTEE, unit, address, postcode, "档案科", phone)
    return scene.dossier.submit_archive(items, scene.at)


def _review(scene: _Scene) -> Dossier | None:
    """The office returns what would come back, and approves the rest; a good part still waits."""
    items = scene.dossier.archive.items
    if scene.dossier.archive.status is not ArchiveStatus.SUBMITTED or items is None or scene.random.random() < 0.2:
        return None
    if (items.unit, items.address, items.postcode) == _HASTY:
        _note(scene, Action.ARCHIVE_RETURNED, {"理由": _REASON})
        return scene.dossier.return_archive(_REASON, scene.at)
    _note(scene, Action.ARCHIVE_APPROVED, {})
    return scene.dossier.approve_archive(scene.at)


def _note(scene: _Scene, action: Action, details: dict[str, str]) -> None:
    scene.uow.audit.append(scene.life.office, action, scene.dossier.id, details, scene.at)


def _confirm(scene: _Scene) -> Dossier | None:
    is_open = scene.dossier.confirmation_gate(scene.life.season, scene.at) is None
    return scene.dossier.confirm(scene.life.season, scene.at) if is_open else None


def _authorise(scene: _Scene) -> Dossier | None:
    life, dossier = scene.life, scene.dossier
    if dossier.verification_gate(life.season, scene.at) is not None:
        return None
    wanted = day_of(scene.at) + timedelta(days=scene.random.choice((7, 30, 90)))
    last_day = min(wanted, dossier.last_verification_day(life.season))
    granted = Verification(life.new_id(), life.new_number(), Subject.ARCHIVE, dossier.digest, scene.at, last_day)
    return dossier.authorise(granted, life.season)


def _looked_at(scene: _Scene) -> Dossier | None:
    """A department scans the paper, and sometimes notes that the archive has come."""
    running = scene.dossier.running(Subject.ARCHIVE, scene.at)
    if running is None:
        return None
    new_id, department = scene.life.new_id, "示例市人才服务中心"
    scene.uow.looks.add(Look(new_id(), running.id, scene.at, Way.SCAN, Standing.IN_FORCE, department))
    if scene.random.random() < 0.5:
        at = scene.at + timedelta(minutes=3)
        scene.uow.receipts.add(Receipt(new_id(), running.id, at, department, "0512-62000001", "已上架"))
    return scene.dossier
