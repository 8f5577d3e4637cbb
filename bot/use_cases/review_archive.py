"""Reviewing archive entries (审核档案信息, N7): each is decided once, by somebody who saw exactly what is decided.

Whoever decides says what he or she was shown, as a digest. The step looks at it in the transaction that writes, so of
two reviewers one decides, and the other hears who was first; what the graduate changed meanwhile is not decided unseen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from bot.errors import MovedError, QuxiangError
from bot.registration.archive import ArchiveStatus
from bot.registration.dossier import Dossier
from bot.registration.season import Season
from bot.staff.deed import Action, Deed
from bot.staff.policy import Act
from bot.staff.reasons import read_reason
from bot.use_cases.staff_changes import NotFoundError, Office, change_dossier

_DECISIONS = {ArchiveStatus.APPROVED: Action.ARCHIVE_APPROVED, ArchiveStatus.RETURNED: Action.ARCHIVE_RETURNED}


@dataclass(frozen=True, slots=True)
class Shown:
    """What a reviewer was shown (所见): an entry, and the digest of what it said."""

    dossier_id: str
    digest: str


@dataclass(frozen=True, slots=True)
class Decided:
    """How an entry was decided before (已有的审核结果).

    Attributes:
        status: APPROVED or RETURNED.
        at: when, or None if it came with the roster.
        by: name of who decided, or "" if the log does not say.
        is_own: whether it was the one who asks.
    """

    status: ArchiveStatus
    at: datetime | None
    by: str
    is_own: bool = False


class LateError(QuxiangError):
    """The entry is not any more what the reviewer saw (来晚了).

    Attributes:
        decided: how it was decided meanwhile; None if the graduate or the school changed it.
    """

    def __init__(self, decided: Decided | None) -> None:
        super().__init__("decided or changed meanwhile")
        self.decided = decided


class Outcome(Enum):
    """What became of one entry of many (办理结果)."""

    DONE = "done"
    LATE = "late"
    GONE = "gone"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome for one entry of many (逐份结果), with how it was decided by others, if it was."""

    dossier_id: str
    outcome: Outcome
    decided: Decided | None = None


class _OtherError(QuxiangError):
    """What is stored is not what was shown."""


def approve(office: Office, shown: Shown) -> Dossier:
    """Approve an entry as it was shown (通过).

    Raises:
        ForbiddenError: the role does not review.
        NotFoundError: no such graduate in the scope.
        LateError: it is not any more what was shown.
        MovedError: the dossier kept changing.
    """
    return _decide(office, shown, "")


def return_with(office: Office, shown: Shown, reason: str) -> Dossier:
    """Return an entry as it was shown, with a reason the graduate reads (退回).

    Raises:
        BadValueError: the reason is missing or too long.
        ForbiddenError, NotFoundError, LateError, MovedError: as ``approve``.
    """
    return _decide(office, shown, read_reason(reason))


def decide_many(office: Office, many: Sequence[Shown], reason: str | None) -> Sequence[Result]:
    """Approve (reason None) or return many entries with one reason (批量), each in a transaction of its own.

    Raises:
        BadValueError: the reason is missing or too long; nothing was decided.
        ForbiddenError: the role does not review.
    """
    office.by.demand(Act.REVIEW)
    tidy = "" if reason is None else read_reason(reason)
    return [_result(office, shown, tidy) for shown in many]


def decided(office: Office, dossier: Dossier) -> Decided | None:
    """Return how the entry of a dossier was decided, by the audit log; None if it waits or is missing."""
    entry = dossier.archive
    action = _DECISIONS.get(entry.status)
    if action is None:
        return None
    with office.work.reading() as uow:
        noted = next((n for n in uow.audit.done_to(dossier.id, action, 5) if n.at == entry.reviewed_at), None)
    if noted is None:
        return Decided(entry.status, entry.reviewed_at, "")
    return Decided(entry.status, noted.at, noted.actor_name, noted.actor_id == office.by.id)


def _result(office: Office, shown: Shown, reason: str) -> Result:
    try:
        _decide(office, shown, reason)
    except LateError as late:
        return Result(shown.dossier_id, Outcome.LATE, late.decided)
    except NotFoundError:
        return Result(shown.dossier_id, Outcome.GONE)
    except MovedError:
        return Result(shown.dossier_id, Outcome.BUSY)
    return Result(shown.dossier_id, Outcome.DONE)


def _decide(office: Office, shown: Shown, reason: str) -> Dossier:
    found: list[Dossier] = []

    def step(dossier: Dossier, _season: Season, now: datetime) -> Dossier:
        found.append(dossier)
        is_waiting = dossier.archive.status is ArchiveStatus.SUBMITTED
        if not is_waiting or dossier.archive.digest != shown.digest:
            raise _OtherError
        return dossier.return_archive(reason, now) if reason else dossier.approve_archive(now)

    deed = (
        Deed(Act.REVIEW, Action.ARCHIVE_RETURNED, {"理由": reason})
        if reason
        else Deed(Act.REVIEW, Action.ARCHIVE_APPROVED)
    )
    try:
        return change_dossier(office, shown.dossier_id, step, deed)
    except _OtherError:
        pass
    raise LateError(decided(office, found[-1]))
