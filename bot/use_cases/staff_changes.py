"""Staff changes (老师办理): reviews, corrections, destinations; each tells the graduate in the same transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.errors import MovedError, QuxiangError
from bot.ports import Clock, Links, UnitOfWork, Work
from bot.registration.correction import CorrectionState
from bot.registration.dossier import Dossier, SchoolData
from bot.registration.season import Season
from bot.staff.deed import SYSTEM, Action, Deed
from bot.staff.policy import Act, Actor
from bot.staff.ruling import all_refused, outcomes_between
from bot.use_cases.receive_message import guard_subject
from bot.use_cases.tell import Teller

ATTEMPTS = 5


class NotFoundError(QuxiangError):
    """There is no such graduate or season."""


@dataclass(frozen=True, slots=True)
class Office:
    """What staff's work needs from the world (办公室).

    Attributes:
        work: opens the transactions.
        links: makes web links for notices.
        clock: tells the moment.
        new_id: makes identifiers.
        by: who acts; the policy is asked about this person, and the audit log names him or her.
    """

    work: Work
    links: Links
    clock: Clock
    new_id: Callable[[], str]
    by: Actor = SYSTEM


Step = Callable[[Dossier, Season, datetime], Dossier]
"""A step of staff on a dossier: (dossier, season, now) → dossier."""


Find = Callable[[UnitOfWork, Season], Dossier | None]
"""Finds the dossier to be changed."""


def change(office: Office, student_number: str, step: Step, deed: Deed | None = None) -> Dossier:
    """Take one dossier through a step, store it, note the deed in the audit log, and tell the graduate what it means.

    Args:
        office: see Office.
        student_number: 学号 in the current season.
        step: see Step.
        deed: what the policy must allow and the log keeps; None only for what the system does by itself.

    Raises:
        ForbiddenError: the role does not allow the deed.
        NotFoundError: no season, no such student number, or one out of the actor's scope.
        RuleError: the rules forbid the step.
        MovedError: the dossier kept changing under our hands.
    """
    return changed(office, lambda uow, season: uow.registry.by_student_number(season.id, student_number), step, deed)


def change_dossier(office: Office, dossier_id: str, step: Step, deed: Deed) -> Dossier:
    """Do what ``change`` does to the dossier of an identifier."""
    return changed(office, lambda uow, _season: uow.registry.by_id(dossier_id), step, deed)


def changed(office: Office, find: Find, step: Step, deed: Deed | None) -> Dossier:
    """Do what ``change`` does to the dossier that ``find`` returns."""
    if deed is not None:
        office.by.demand(deed.act)
    for attempt in range(ATTEMPTS):
        try:
            return _change(office, find, step, deed)
        except MovedError:
            if attempt == ATTEMPTS - 1:
                raise
    raise MovedError


def _change(office: Office, find: Find, step: Step, deed: Deed | None) -> Dossier:
    now = office.clock()
    with office.work.writing() as uow:
        season = uow.seasons.current()
        if season is None:
            raise NotFoundError("还没有届别：请先运行 quxiang season set")
        old = find(uow, season)
        if old is None or not office.by.scope.covers(old):
            # One answer for both: who may not see a graduate need not learn that there is one.
            raise NotFoundError(f"{season.id} 届没有这个学号，或者这名毕业生不在您的可见范围")
        new = step(old, season, now)
        uow.registry.save(old, new)
        if old.openid is not None and new.openid is None:
            # Whoever holds that phone now must not go on reading, nor find what was half typed.
            uow.notices.drop(old.openid)
            uow.talks.erase(old.openid)
        _clear_guard(uow.guards.clear, old, new, season)
        Teller(season, now, office.links, office.new_id)(uow, old, new)
        if deed is not None:
            uow.audit.append(office.by, deed.action, new.id, deed.details, now)
        uow.commit()
        return new


def _clear_guard(clear: Callable[[tuple[str]], None], old: Dossier, new: Dossier, season: Season) -> None:
    """A name or ID number the school had wrong must not keep the graduate locked out until tomorrow."""
    one, other = old.graduate, new.graduate
    if (one.name, one.identity_number) != (other.name, other.identity_number):
        clear((guard_subject(season.id, other.student_number),))


def approve_archive(office: Office, student_number: str) -> Dossier:
    """Approve a submitted archive entry (审核通过, N7)."""
    deed = Deed(Act.REVIEW, Action.ARCHIVE_APPROVED)
    return change(office, student_number, lambda dossier, _season, now: dossier.approve_archive(now), deed)


def return_archive(office: Office, student_number: str, reason: str) -> Dossier:
    """Return a submitted archive entry with a reason (退回, N7)."""
    deed = Deed(Act.REVIEW, Action.ARCHIVE_RETURNED, {"理由": reason})
    return change(office, student_number, lambda dossier, _season, now: dossier.return_archive(reason, now), deed)


def replace_school_data(office: Office, student_number: str, data: Callable[[Dossier], SchoolData]) -> Dossier:
    """Put new data of the school into the dossier; N15 follows by itself."""
    return change(
        office,
        student_number,
        lambda dossier, season, now: dossier.with_school_data(data(dossier), season, now),
        Deed(Act.IMPORT, Action.SCHOOL_DATA_CHANGED),
    )


def apply_correction(office: Office, student_number: str, data: Callable[[Dossier], SchoolData]) -> Dossier:
    """Correct what the error report named, and close the report (更正, N11)."""

    def step(dossier: Dossier, season: Season, now: datetime) -> Dossier:
        new = data(dossier)
        outcomes = outcomes_between(dossier, dossier.with_school_data(new, season, now))
        return dossier.decide_correction(CorrectionState.APPLIED, "", now, outcomes).with_school_data(new, season, now)

    return change(office, student_number, step, Deed(Act.APPLY_CORRECTIONS, Action.CORRECTION_APPLIED))


def refuse_correction(office: Office, student_number: str, reason: str) -> Dossier:
    """Refuse the error report with a reason the graduate reads (未采纳, N11)."""
    return change(
        office,
        student_number,
        lambda dossier, _season, now: dossier.decide_correction(
            CorrectionState.REFUSED, reason, now, all_refused(dossier, reason)
        ),
        Deed(Act.APPLY_CORRECTIONS, Action.CORRECTION_REFUSED, {"理由": reason}),
    )


def annul_verification(office: Office, number: str, reason: str) -> Dossier:
    """Annul a verification by its number (作废核验, V5), also one of an earlier season; the graduate reads the reason.

    Raises:
        NotFoundError: no season, or no such number.
        RuleError: it is annulled already.
    """
    with office.work.reading() as uow:
        hit = uow.registry.by_number(number)
    if hit is None:
        raise NotFoundError("没有这个核验编号")
    dossier, verification = hit
    return change_dossier(
        office,
        dossier.id,
        lambda found, _season, now: found.annul(verification.id, reason, now),
        Deed(Act.CHANGE_VERIFICATIONS, Action.VERIFICATION_ANNULLED, {"核验编号": number, "理由": reason}),
    )


def note_real_person(office: Office, dossier_id: str, at: datetime) -> bool:
    """Note CHSI's call that the real person was seen (实人验证回调, N12); False if there is no such dossier."""
    with office.work.reading() as uow:
        found = uow.registry.by_id(dossier_id)
    if found is None:
        return False
    change(office, found.graduate.student_number, lambda dossier, _season, _now: dossier.verify_person(at))
    return True
