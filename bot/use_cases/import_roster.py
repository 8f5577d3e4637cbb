"""Import a roster (导入毕业生名册): look at every row first, then apply all of it in one transaction, or nothing."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from bot.errors import MovedError, QuxiangError
from bot.ports import UnitOfWork
from bot.registration.dossier import Dossier
from bot.roster.columns import Line, Merged
from bot.roster.plan import Plan
from bot.roster.rows import Fault, RosterRow
from bot.use_cases import look_at_roster
from bot.use_cases.look_at_roster import Importing, Seeing, digest_of, look, taken
from bot.use_cases.receive_message import guard_subject

__all__ = ["ImportResult", "Importing", "Keeper", "OutdatedError", "import_roster", "write_plan"]

_ATTEMPTS = 3


class OutdatedError(QuxiangError):
    """What staff saw in the preview is not what would be written any more (预览已过时)."""


class Keeper(Protocol):
    """Keeps what it takes to undo an import (留底)."""

    def before_change(self, uow: UnitOfWork, pairs: Sequence[tuple[Dossier, Dossier]]) -> None:
        """Keep dossiers that are about to change, old and new."""

    def added(self, uow: UnitOfWork, dossiers: Sequence[Dossier]) -> None:
        """Note dossiers that were added."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did, or would do (导入结果).

    Attributes:
        added: dossiers that are new.
        changed: dossiers with new school data.
        unchanged: rows that said nothing new.
        faults: all that was refused, in the order of the file.
        known: dossiers of the season that the file names, refused rows included.
        missing: dossiers of the season that the file does not name; they are left alone.
        unknown_headings: columns that were ignored.
        is_applied: whether anything was allowed to be written; False for a dry run and for a refused file.
    """

    added: int
    changed: int
    unchanged: int
    faults: tuple[Fault, ...]
    known: int
    missing: int
    unknown_headings: tuple[str, ...]
    is_applied: bool

    @property
    def refused(self) -> int:
        """The number of rows refused."""
        return len({fault.row for fault in self.faults})


def import_roster(  # noqa: PLR0913 -- three ways to run the same thing, each named at the call
    lines: Iterable[Line],
    importing: Importing,
    *,
    dry_run: bool,
    partial: bool = False,
    merged: Sequence[Merged] = (),
    progress: Callable[[int], None] = lambda _: None,
) -> ImportResult:
    """Import a roster (导入毕业生名册), or with ``dry_run`` only say what it would do.

    The look at the file holds no lock. What it found to be new or changed is then applied in one transaction, on
    the dossiers as they are at that moment; a row that says nothing new writes nothing. Changes go through
    ``Dossier.with_school_data``, so confirmed data that changes has to be confirmed again (N15).

    Args:
        lines: the lines of the file, headings first.
        importing: see Importing.
        dry_run: write nothing.
        partial: apply the good rows although others are refused; otherwise one fault keeps everything out.
        merged: merged cells, known when the last line is read.
        progress: called with the number of rows looked at so far.

    Raises:
        BadValueError: the headings are not those of a roster.
        MovedError: others kept changing the same dossiers; nothing was applied.
    """
    plan = look(lines, importing, Seeing(merged=merged, progress=progress))
    applies = not dry_run and (partial or not plan.faults)
    if applies:
        _apply_all(plan, importing)
    return ImportResult(
        added=plan.added,
        changed=plan.changed,
        unchanged=len(plan.same),
        faults=tuple(sorted(plan.faults, key=lambda fault: fault.row)),
        known=plan.known,
        missing=plan.registered - plan.known,
        unknown_headings=plan.headings.unknown,
        is_applied=applies,
    )


def _apply_all(plan: Plan, importing: Importing) -> None:
    if not plan.rows:
        return
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with importing.work.writing() as uow:
                write_plan(uow, plan, importing)
                uow.commit()
        except MovedError:
            if attempt == _ATTEMPTS:
                raise
        else:
            return


def write_plan(uow: UnitOfWork, plan: Plan, importing: Importing, keeper: Keeper | None = None) -> None:
    """Write what a plan says (写入), on the dossiers as they are now; the caller commits.

    Args:
        uow: a writing unit.
        plan: of ``look`` without a preview.
        importing: see Importing.
        keeper: keeps what an undo needs; with one, nothing but what the plan saw may be written.

    Raises:
        OutdatedError: with a keeper, a row would write something else than the plan saw.
        MovedError: somebody changed one of the dossiers meanwhile.
    """
    rows = iter(plan.rows.values())
    while chunk := list(islice(rows, look_at_roster.CHUNK)):
        _write(uow, chunk, plan, importing, keeper)


def _write(
    uow: UnitOfWork, chunk: Sequence[RosterRow], plan: Plan, importing: Importing, keeper: Keeper | None
) -> None:
    season = importing.season
    dossiers = uow.registry.by_student_numbers(season.id, [row.student_number for row in chunk])
    pairs = [
        (row, old, taken(row, old, plan.headings, importing))
        for row in chunk
        if (old := dossiers.get(row.student_number))
    ]
    new = [_opened(row, importing) for row in chunk if row.student_number not in dossiers]
    changes = [(old, changed) for _, old, changed in pairs if old != changed]
    if keeper is not None:
        _demand_as_seen(chunk, pairs, plan)
        keeper.before_change(uow, changes)
        keeper.added(uow, new)
    uow.registry.add_many(new)
    uow.registry.save_many(changes)
    for old, changed in changes:
        if _proves_otherwise(old, changed):
            uow.guards.clear((guard_subject(season.id, changed.graduate.student_number),))
        if changed.openid is not None:
            importing.tell(uow, old, changed)


def _demand_as_seen(
    chunk: Sequence[RosterRow], pairs: Sequence[tuple[RosterRow, Dossier, Dossier]], plan: Plan
) -> None:
    """Refuse to write anything but what the plan saw; a graduate who only logged in meanwhile is no obstacle."""
    there = {row.number for row, _, _ in pairs}
    for row in chunk:
        if (plan.versions[row.number] >= 0) is not (row.number in there):
            raise OutdatedError
    for row, old, changed in pairs:
        if old.version != plan.versions[row.number] and digest_of(old, changed) != plan.digests[row.number]:
            raise OutdatedError


def _opened(row: RosterRow, importing: Importing) -> Dossier:
    data = row.data
    return Dossier(
        id=importing.new_id(),
        season_id=importing.season.id,
        graduate=data.graduate,
        destination=data.destination,
        archive=data.archive,
        household=data.household,
        chsi_bound=data.chsi_bound,
        real_person_at=row.real_person_at,
    )


def _proves_otherwise(old: Dossier, new: Dossier) -> bool:
    """Tell whether name or ID number changed: failures counted against the wrong ones must not lock the graduate."""
    one, other = old.graduate, new.graduate
    return (one.name, one.identity_number) != (other.name, other.identity_number)
