"""Correcting (更正, N11): the sheet goes out, comes back, is looked at, and every report is decided on its own."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from bot.errors import MovedError, RuleError
from bot.ports import Reported
from bot.registration.correction import Correction, CorrectionState, Outcome, Verdict
from bot.registration.dossier import Dossier
from bot.registration.graduate import Counsellor
from bot.registration.season import Season
from bot.roster.rows import Fault
from bot.staff.correction_answers import Answer
from bot.staff.correction_sheet import SENSITIVE, Heading, slots_of
from bot.staff.deed import Action, Deed
from bot.staff.policy import Act
from bot.staff.ruling import UnfitError, rule
from bot.use_cases.staff_changes import ATTEMPTS, NotFoundError, Office, change_dossier

REPORT = "更正"
"""Name of the detail in the audit log that holds the identifier of the error report."""


class Fate(Enum):
    """What becomes of a report (结果); the value is what staff read."""

    READY = "可以办理"
    DONE = "已办理"
    ALREADY = "之前已处理过，没有改动"
    UNFIT = "没有办理"
    UNKNOWN = "没有这份更正"


@dataclass(frozen=True, slots=True)
class Judged:
    """What becomes of one report of a sheet (一份的结果).

    Attributes:
        fate: see Fate.
        answers: what staff wrote.
        dossier: as it was looked at, or as it is since; None for an unknown one.
        correction: the report, decided if the fate is DONE or ALREADY.
        outcomes: what becomes of each item; empty unless READY or DONE.
        faults: why it cannot be done.
    """

    fate: Fate
    answers: tuple[Answer, ...] = field(repr=False)
    dossier: Dossier | None = None
    correction: Correction | None = None
    outcomes: tuple[Outcome, ...] = ()
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Export:
    """What a sheet is made of (导出内容).

    Attributes:
        season: the current season.
        at: when.
        dossiers: with an open report, by counsellor.
    """

    season: Season
    at: datetime
    dossiers: tuple[Dossier, ...] = field(repr=False)


def export(office: Office, counsellor: Counsellor | None) -> Export:
    """Return what the sheet of a counsellor, or of the whole scope, is made of (导出更正表), and write that down first.

    Raises:
        ForbiddenError: the role does not allow it.
        NotFoundError: no season, or nothing waits there in the actor's scope.
    """
    office.by.demand(Act.SEE_CORRECTIONS)
    office.by.demand(Act.EXPORT)  # the sheet holds ID numbers and addresses in full
    now = office.clock()
    with office.work.reading() as uow:
        season = uow.seasons.current()
        found = uow.corrections.waiting(season.id, office.by.scope, counsellor) if season else ()
    # Between two reads a report may have been decided.
    dossiers = tuple(reported.dossier for reported in found if reported.dossier.has_open_correction)
    if season is None or not dossiers:
        raise NotFoundError("没有待处理的更正，或者不在您的可见范围")
    slots = [slot for dossier in dossiers for slot in slots_of(dossier)]
    details = {
        "辅导员": counsellor.name if counsellor else "全部",
        "份数": str(len(dossiers)),
        "敏感项": "、".join(dict.fromkeys(slot.key.item for slot in slots if slot.key.item in SENSITIVE)) or "无",
    }
    for attempt in range(ATTEMPTS):
        try:
            with office.work.writing() as uow:
                uow.audit.append(office.by, Action.CORRECTIONS_EXPORTED, "", details, now)
                uow.commit()
            break
        except MovedError:
            if attempt == ATTEMPTS - 1:
                raise
    return Export(season, now, dossiers)


def look(office: Office, answers: Sequence[Answer]) -> tuple[Judged, ...]:
    """Tell what the answers would do, without doing it (预览).

    Raises:
        ForbiddenError: the role does not allow it.
        NotFoundError: there is no season yet.
    """
    office.by.demand(Act.APPLY_CORRECTIONS)
    now = office.clock()
    groups = _grouped(answers)
    with office.work.reading() as uow:
        season = uow.seasons.current()
        found = uow.corrections.by_ids(office.by.scope, list(groups))
    if season is None:
        raise NotFoundError("还没有届别，请管理员先建立")
    return tuple(_looked_at(found.get(id_), group, season, now) for id_, group in groups.items())


def carry_out(office: Office, answers: Sequence[Answer]) -> tuple[Judged, ...]:
    """Decide every report the answers speak of (办理), each in a transaction of its own; done again, nothing changes.

    Raises:
        ForbiddenError: the role does not allow it.
    """
    office.by.demand(Act.APPLY_CORRECTIONS)
    groups = _grouped(answers)
    with office.work.reading() as uow:
        found = uow.corrections.by_ids(office.by.scope, list(groups))
    return tuple(_decided(office, found.get(id_), group) for id_, group in groups.items())


def _grouped(answers: Sequence[Answer]) -> Mapping[str, tuple[Answer, ...]]:
    groups: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        groups[answer.key.correction_id].append(answer)
    return {id_: tuple(group) for id_, group in groups.items()}


def _looked_at(found: Reported | None, answers: tuple[Answer, ...], season: Season, now: datetime) -> Judged:
    if (settled := _settled(found, answers)) or found is None:
        return settled or Judged(Fate.UNKNOWN, answers)
    try:
        outcomes = rule(found.dossier, answers, season, now).outcomes
    except UnfitError as error:
        return Judged(Fate.UNFIT, answers, *found, faults=error.faults)
    return Judged(Fate.READY, answers, *found, outcomes)


def _settled(found: Reported | None, answers: tuple[Answer, ...]) -> Judged | None:
    """Return what needs no decision any more: a report that is unknown here, or decided."""
    if found is None:
        reason = "没有这份更正，或者不在您的可见范围"
        return Judged(Fate.UNKNOWN, answers, faults=(Fault(answers[0].row, "", Heading.KEY, reason),))
    if found.correction.state is not CorrectionState.OPEN or not _is_open(found.dossier, found.correction.id):
        return Judged(Fate.ALREADY, answers, *found)
    return None


def _is_open(dossier: Dossier, correction_id: str) -> bool:
    return dossier.correction is not None and dossier.correction.id == correction_id and dossier.has_open_correction


def _decided(office: Office, found: Reported | None, answers: tuple[Answer, ...]) -> Judged:
    if (settled := _settled(found, answers)) or found is None:
        return settled or Judged(Fate.UNKNOWN, answers)
    made: list[tuple[Outcome, ...]] = []

    def step(dossier: Dossier, season: Season, now: datetime) -> Dossier:
        if not _is_open(dossier, found.correction.id):
            raise RuleError("staff.no_open_correction")
        ruling = rule(dossier, answers, season, now)
        made.append(ruling.outcomes)
        return ruling.dossier

    try:
        dossier = change_dossier(office, found.dossier.id, step, _deed(found.correction, answers))
    except RuleError:
        return Judged(Fate.ALREADY, answers, *found)
    except UnfitError as error:
        return Judged(Fate.UNFIT, answers, *found, faults=error.faults)
    except (MovedError, NotFoundError):
        reason = "这名毕业生的数据正在被别人修改，请过一会儿再办一次"
        fault = Fault(answers[0].row, "", Heading.KEY, reason)
        return Judged(Fate.UNFIT, answers, *found, faults=(fault,))
    return Judged(Fate.DONE, answers, dossier, dossier.correction, made[-1])


def _deed(correction: Correction, answers: Sequence[Answer]) -> Deed:
    """Return what the audit log keeps: which items, never a value; those stand sealed in the report itself."""
    details = {REPORT: correction.id}
    for verdict in Verdict:
        items = dict.fromkeys(answer.key.item.value for answer in answers if answer.verdict is verdict)
        if items:
            details[verdict.value] = "、".join(items)
    is_taken = Verdict.TAKEN.value in details
    return Deed(Act.APPLY_CORRECTIONS, Action.CORRECTION_APPLIED if is_taken else Action.CORRECTION_REFUSED, details)
