"""Import a roster (导入毕业生名册): look at every row first, then apply all of it in one transaction, or nothing."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from bot.errors import MovedError
from bot.ports import UnitOfWork, Work
from bot.registration.dossier import Dossier, SchoolData
from bot.registration.season import Season
from bot.roster.columns import Column, Headings, Line, find_headings
from bot.roster.keeping import keep_absent
from bot.roster.parsing import parse_row
from bot.roster.rows import Fault, Parsed, RosterRow
from bot.use_cases.receive_message import guard_subject

CHUNK = 2000
"""Rows looked up and written at a time."""

_ATTEMPTS = 3
_DUPLICATE = {
    Column.STUDENT_NUMBER: "与第 {} 行的学号重复",
    Column.IDENTITY_NUMBER: "与第 {} 行的身份证号重复",
}

Tell = Callable[[UnitOfWork, Dossier, Dossier], None]
"""Stores the notices (主动消息) that a change of a dossier brings, in the transaction of the change."""


@dataclass(frozen=True, slots=True)
class Importing:
    """What an import works with (导入环境).

    Attributes:
        work: opens the transactions.
        season: the season (届) the roster is for.
        now: aware.
        new_id: makes the identifiers of new dossiers.
        tell: see Tell; called for changed dossiers with a bound account.
    """

    work: Work
    season: Season
    now: datetime
    new_id: Callable[[], str]
    tell: Tell


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


@dataclass(slots=True)
class _Plan:
    """What the first look at a file found; ``touched`` are the rows that would write something, by number."""

    headings: Headings
    added: int = 0
    unchanged: int = 0
    known: int = 0
    faults: list[Fault] = field(default_factory=list)
    touched: dict[int, RosterRow] = field(default_factory=dict, repr=False)
    new: set[int] = field(default_factory=set)
    same: set[int] = field(default_factory=set)
    first_rows: dict[tuple[Column, str], int] = field(default_factory=dict, repr=False)


def import_roster(
    lines: Iterable[Line],
    importing: Importing,
    *,
    dry_run: bool,
    partial: bool = False,
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
        progress: called with the number of rows looked at so far.

    Raises:
        BadValueError: the headings are not those of a roster.
        MovedError: others kept changing the same dossiers; nothing was applied.
    """
    plan = _look(iter(lines), importing, progress)
    with importing.work.reading() as uow:
        missing = uow.registry.count(importing.season.id) - plan.known
    applies = not dry_run and (partial or not plan.faults)
    if applies:
        _apply_all(plan, importing)
    return ImportResult(
        added=len(plan.new),
        changed=len(plan.touched) - len(plan.new),
        unchanged=len(plan.same),
        faults=tuple(sorted(plan.faults, key=lambda fault: fault.row)),
        known=plan.known,
        missing=missing,
        unknown_headings=plan.headings.unknown,
        is_applied=applies,
    )


# -- the look ----------------------------------------------------------------------------------------


def _look(lines: Iterator[Line], importing: Importing, progress: Callable[[int], None]) -> _Plan:
    plan = _Plan(find_headings(lines))
    seen = 0
    while chunk := list(islice(lines, CHUNK)):
        parsed = [_without_doubles(plan, parse_row(plan.headings, line, importing.now)) for line in chunk]
        _compare(plan, parsed, importing)
        seen += len(chunk)
        progress(seen)
    return plan


def _without_doubles(plan: _Plan, parsed: Parsed) -> Parsed:
    """Refuse a row whose student number or ID number stood in an earlier row, and that row too: either may be wrong."""
    doubles = []
    for key in parsed.keys:
        first = plan.first_rows.setdefault(key, parsed.number)
        if first != parsed.number:
            doubles.append(_double(plan.headings, parsed.number, key[0], first))
            plan.faults.append(_double(plan.headings, first, key[0], parsed.number))
            plan.touched.pop(first, None)
            plan.new.discard(first)
            plan.same.discard(first)
    if doubles:
        parsed = replace(parsed, row=None, faults=(*parsed.faults, *doubles))
    plan.faults.extend(parsed.faults)
    return parsed


def _double(headings: Headings, row: int, column: Column, other: int) -> Fault:
    return Fault(row, headings.letter(column), column, _DUPLICATE[column].format(other))


def _compare(plan: _Plan, chunk: Sequence[Parsed], importing: Importing) -> None:
    """Find out what the rows of a chunk would write."""
    named = {
        value: parsed
        for parsed in chunk
        for column, value in parsed.keys
        if column is Column.STUDENT_NUMBER and plan.first_rows[column, value] == parsed.number
    }
    with importing.work.reading() as uow:
        dossiers = uow.registry.by_student_numbers(importing.season.id, list(named))
    plan.known += len(dossiers)
    refused = {fault.row for fault in plan.faults}
    for student_number, parsed in named.items():
        if parsed.row is None or parsed.number in refused:
            continue
        old = dossiers.get(student_number)
        if old is not None and _taken(parsed.row, old, plan.headings, importing) == old:
            plan.same.add(parsed.number)
            continue
        plan.touched[parsed.number] = parsed.row
        if old is None:
            plan.new.add(parsed.number)


# -- the transaction ---------------------------------------------------------------------------------


def _apply_all(plan: _Plan, importing: Importing) -> None:
    if not plan.touched:
        return
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with importing.work.writing() as uow:
                rows = iter(plan.touched.values())
                while chunk := list(islice(rows, CHUNK)):
                    _apply(uow, chunk, plan.headings, importing)
                uow.commit()
        except MovedError:
            if attempt == _ATTEMPTS:
                raise
        else:
            return


def _apply(uow: UnitOfWork, chunk: Sequence[RosterRow], headings: Headings, importing: Importing) -> None:
    season = importing.season
    dossiers = uow.registry.by_student_numbers(season.id, [row.student_number for row in chunk])
    new = [_opened(row, importing) for row in chunk if row.student_number not in dossiers]
    changes = [
        (old, _taken(row, old, headings, importing)) for row in chunk if (old := dossiers.get(row.student_number))
    ]
    changes = [(old, new) for old, new in changes if old != new]
    uow.registry.add_many(new)
    uow.registry.save_many(changes)
    for old, changed in changes:
        if _proves_otherwise(old, changed):
            uow.guards.clear((guard_subject(season.id, changed.graduate.student_number),))
        if changed.openid is not None:
            importing.tell(uow, old, changed)


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


def _taken(row: RosterRow, old: Dossier, headings: Headings, importing: Importing) -> Dossier:
    """Return the dossier with the row's data (N15); a real-person check that is known already keeps its moment."""
    data = keep_absent(row.data, old, headings)
    new = old if _says_nothing_new(data, old) else old.with_school_data(data, importing.season, importing.now)
    return new if row.real_person_at is None else new.verify_person(row.real_person_at)


def _says_nothing_new(data: SchoolData, old: Dossier) -> bool:
    """Tell at little cost that ``with_school_data`` would change nothing, which holds for nearly all rows of a file."""
    entry = data.archive
    return (
        data.graduate == old.graduate
        and data.destination == old.destination
        and data.household == old.household
        and data.chsi_bound == old.chsi_bound
        and (entry.items is None or (entry.status, entry.items) == (old.archive.status, old.archive.items))
    )


def _proves_otherwise(old: Dossier, new: Dossier) -> bool:
    """Tell whether name or ID number changed: failures counted against the wrong ones must not lock the graduate."""
    one, other = old.graduate, new.graduate
    return (one.name, one.identity_number) != (other.name, other.identity_number)
