"""Staff changes (老师办理): reviews, corrections, destinations; each tells the graduate in the same transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.errors import MovedError, QuxiangError
from bot.ports import Clock, Links, Work
from bot.registration.correction import CorrectionState
from bot.registration.destination import UNEMPLOYED, Destination
from bot.registration.dossier import Dossier, SchoolData
from bot.registration.season import Season, day_of
from bot.use_cases.receive_message import guard_subject
from bot.use_cases.tell import Teller

ATTEMPTS = 5


class NotFoundError(QuxiangError):
    """There is no such graduate or season."""


@dataclass(frozen=True, slots=True)
class Office:
    """What staff's work needs from the world (办公室)."""

    work: Work
    links: Links
    clock: Clock
    new_id: Callable[[], str]


Step = Callable[[Dossier, Season, datetime], Dossier]
"""A step of staff on a dossier: (dossier, season, now) → dossier."""


def change(office: Office, student_number: str, step: Step) -> Dossier:
    """Take one dossier through a step, store it and tell the graduate what it means.

    Raises:
        NotFoundError: no season, or no such student number.
        RuleError: the rules forbid the step.
        MovedError: the dossier kept changing under our hands.
    """
    for attempt in range(ATTEMPTS):
        try:
            return _change(office, student_number, step)
        except MovedError:
            if attempt == ATTEMPTS - 1:
                raise
    raise MovedError


def _change(office: Office, student_number: str, step: Step) -> Dossier:
    now = office.clock()
    with office.work.writing() as uow:
        season = uow.seasons.current()
        if season is None:
            raise NotFoundError("还没有届别：请先运行 quxiang season set")
        old = uow.registry.by_student_number(season.id, student_number)
        if old is None:
            raise NotFoundError(f"{season.id} 届没有这个学号")
        new = step(old, season, now)
        uow.registry.save(old, new)
        if old.openid is not None and new.openid is None:
            uow.notices.drop(old.openid)
        _clear_guard(uow.guards.clear, old, new, season)
        Teller(season, now, office.links, office.new_id)(uow, old, new)
        uow.commit()
        return new


def _clear_guard(clear: Callable[[tuple[str]], None], old: Dossier, new: Dossier, season: Season) -> None:
    """A name or ID number the school had wrong must not keep the graduate locked out until tomorrow."""
    one, other = old.graduate, new.graduate
    if (one.name, one.identity_number) != (other.name, other.identity_number):
        clear((guard_subject(season.id, other.student_number),))


def approve_archive(office: Office, student_number: str) -> Dossier:
    """Approve a submitted archive entry (审核通过, N7)."""
    return change(office, student_number, lambda dossier, _season, now: dossier.approve_archive(now))


def return_archive(office: Office, student_number: str, reason: str) -> Dossier:
    """Return a submitted archive entry with a reason (退回, N7)."""
    return change(office, student_number, lambda dossier, _season, now: dossier.return_archive(reason, now))


def replace_school_data(office: Office, student_number: str, data: Callable[[Dossier], SchoolData]) -> Dossier:
    """Put new data of the school into the dossier; N15 follows by itself."""
    return change(
        office, student_number, lambda dossier, season, now: dossier.with_school_data(data(dossier), season, now)
    )


def apply_correction(office: Office, student_number: str, data: Callable[[Dossier], SchoolData]) -> Dossier:
    """Correct what the error report named, and close the report (更正, N11)."""

    def step(dossier: Dossier, season: Season, now: datetime) -> Dossier:
        decided = dossier.decide_correction(CorrectionState.APPLIED, "", now)
        return decided.with_school_data(data(dossier), season, now)

    return change(office, student_number, step)


def refuse_correction(office: Office, student_number: str, reason: str) -> Dossier:
    """Refuse the error report with a reason the graduate reads (未采纳, N11)."""
    return change(
        office,
        student_number,
        lambda dossier, _season, now: dossier.decide_correction(CorrectionState.REFUSED, reason, now),
    )


def register_unplaced(office: Office) -> int:
    """Register everybody without a destination as 未就业 (N18); safe to repeat.

    Returns:
        How many were registered now; 0 before the cut-off day.
    """
    now = office.clock()
    with office.work.writing() as uow:
        season = uow.seasons.current()
        if season is None:
            raise NotFoundError("还没有届别：请先运行 quxiang season set")
        if day_of(now) < season.cutoff:
            return 0
        teller = Teller(season, now, office.links, office.new_id)
        unplaced = tuple(uow.registry.without_destination(season.id))
        for old in unplaced:
            data = SchoolData(old.graduate, Destination(UNEMPLOYED), old.archive, old.household, old.chsi_bound)
            uow.registry.save(old, new := old.with_school_data(data, season, now))
            teller.tell(uow, new, "unplaced", f"unplaced:{new.id}")
        uow.commit()
        return len(unplaced)


def note_real_person(office: Office, dossier_id: str, at: datetime) -> bool:
    """Note CHSI's call that the real person was seen (实人验证回调, N12); False if there is no such dossier."""
    with office.work.reading() as uow:
        found = uow.registry.by_id(dossier_id)
    if found is None:
        return False
    change(office, found.graduate.student_number, lambda dossier, _season, _now: dossier.verify_person(at))
    return True
