"""Look at a roster (核对名册): what every row would write, and every reason why one cannot be taken; writes nothing."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from bot.errors import BadValueError
from bot.ports import UnitOfWork, Work
from bot.registration.dossier import Dossier, SchoolData
from bot.registration.season import Season
from bot.roster.columns import Column, Headings, Line, Merged, find_headings
from bot.roster.differing import differences, masked
from bot.roster.keeping import keep_absent
from bot.roster.parsing import parse_row
from bot.roster.plan import NEW, Plan, Preview
from bot.roster.rows import Parsed, RosterRow

CHUNK = 2000
"""Rows looked up and written at a time."""

MOST_REFUSED = 20_000
"""Rows that may be refused; with more, something is wrong with the file as a whole."""

_DUPLICATE = {
    Column.STUDENT_NUMBER: "与第 {} 行的学号重复，两行都请核对",
    Column.IDENTITY_NUMBER: "与第 {} 行的身份证号重复，两行都请核对",
}
_TAKEN = "库里学号 {} 的毕业生已经用了这个身份证号；请核对学号和身份证号，学号确实改了请联系管理员"
_MERGED = "在合并单元格里，表格只在左上角那一格存有内容；请取消合并，每一行都填上"

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
class Seeing:
    """How a file is looked at (核对方式).

    Attributes:
        preview: filled with the lists; without one, the rows are kept to be applied.
        merged: merged cells, known when the last line is read.
        progress: called with the number of rows looked at so far.
        most_rows: how many rows the file may have.
    """

    preview: Preview | None = None
    merged: Sequence[Merged] = ()
    progress: Callable[[int], None] = lambda _: None
    most_rows: int = 200_000


def look(lines: Iterable[Line], importing: Importing, seeing: Seeing) -> Plan:
    """Look at a file (核对名册), without a lock.

    Raises:
        BadValueError: the headings are not those of a roster, there are too many rows, or nearly none can be taken.
    """
    preview = seeing.preview
    source = iter(lines)
    headings = find_headings(source)
    with importing.work.reading() as uow:
        plan = Plan(headings, uow.registry.count(importing.season.id))
    seen = 0
    while chunk := list(islice(source, CHUNK)):
        parsed = [_parsed(plan, line, importing.now, preview) for line in chunk]
        _compare(plan, chunk, parsed, _Looking(importing, preview))
        seen += len(chunk)
        seeing.progress(seen)
        if seen > seeing.most_rows:
            raise BadValueError(f"文件超过 {seeing.most_rows:,} 行；请按学院拆分后分别上传")
        if len(plan.refused) > MOST_REFUSED:
            raise BadValueError(
                f"前 {seen:,} 行里有 {len(plan.refused):,} 行不能用，多半是整列的格式不对或错了位。"
                f"例如{plan.faults[0]}。请先整列改好，再上传一次。"
            )
    _refuse_taken(plan, preview)
    _refuse_merged(plan, seeing.merged)
    return plan


def taken(row: RosterRow, old: Dossier, headings: Headings, importing: Importing) -> Dossier:
    """Return the dossier with the row's data (N15); a real-person check that is known already keeps its moment."""
    data = keep_absent(row.data, old, headings)
    new = old if _says_nothing_new(data, old) else old.with_school_data(data, importing.season, importing.now)
    return new if row.real_person_at is None else new.verify_person(row.real_person_at)


def digest_of(old: Dossier, new: Dossier) -> bytes:
    """Return a digest of what a row changes (变更摘要)."""
    return _digest(differences(old, new))


def digest_of_new(row: RosterRow) -> bytes:
    """Return a digest of what a row adds: the file stays, so that it is new is all there is to say."""
    return _digest(["new", row.student_number])


def _digest(facts: object) -> bytes:
    return hashlib.blake2b(json.dumps(facts, ensure_ascii=False).encode(), digest_size=8).digest()


@dataclass(frozen=True, slots=True)
class _Looking:
    importing: Importing
    preview: Preview | None


def _parsed(plan: Plan, line: Line, now: datetime, preview: Preview | None) -> Parsed:
    """Read a row, and refuse it and the earlier one if student number or ID number stood there: either may be wrong."""
    parsed = parse_row(plan.headings, line, now)
    for key in parsed.keys:
        first = plan.first_rows.setdefault(key, parsed.number)
        if first != parsed.number:
            doubled = plan.fault(parsed.number, key[0], _DUPLICATE[key[0]].format(first))
            parsed = replace(parsed, row=None, faults=(*parsed.faults, doubled))
            plan.refuse(plan.fault(first, key[0], _DUPLICATE[key[0]].format(parsed.number)))
    for fault in parsed.faults:
        plan.refuse(fault)
    if parsed.row is None and preview is not None:
        preview.keep_cells(line)
    return parsed


def _compare(plan: Plan, chunk: Sequence[Line], parsed: Sequence[Parsed], looking: _Looking) -> None:
    """Find out what the rows of a chunk would write."""
    season_id = looking.importing.season.id
    named = {
        value: (line, row)
        for line, row in zip(chunk, parsed, strict=True)
        for column, value in row.keys
        if column is Column.STUDENT_NUMBER and plan.first_rows[column, value] == row.number
    }
    good = {
        number: (line, row.row) for number, (line, row) in named.items() if row.row and row.number not in plan.refused
    }
    with looking.importing.work.reading() as uow:
        known = uow.enrolment.compare(season_id, _said(named, good, plan.headings)) if plan.registered else {}
        others = [number for number in good if not known.get(number)]
        dossiers = uow.registry.by_student_numbers(season_id, [number for number in others if number in known])
        plan.known += len(known)
        plan.same.update(row.number for number, (_, row) in good.items() if known.get(number))
        for number in others:
            _note(plan, good[number][1], dossiers.get(number), looking)
        if plan.registered:
            _note_holders(plan, [good[number] for number in others], dossiers, uow.enrolment.holders, season_id)


def _said(
    named: Mapping[str, tuple[Line, Parsed]], good: Mapping[str, tuple[Line, RosterRow]], headings: Headings
) -> dict[str, tuple[SchoolData, bool] | None]:
    """Return what the file says of everybody; None where it says only a part, which cannot be compared."""
    if len(headings.places) < len(Column):
        return dict.fromkeys(named)
    return {
        number: (good[number][1].data, good[number][1].real_person_at is not None) if number in good else None
        for number in named
    }


def _note(plan: Plan, row: RosterRow, old: Dossier | None, looking: _Looking) -> None:
    """Note what one row would write."""
    who, preview = row.data.graduate, looking.preview
    if old is None:
        plan.versions[row.number], plan.digests[row.number] = NEW, digest_of_new(row)
        if preview is not None:
            preview.added.add([row.number, who.student_number, who.name, who.college, who.class_name])
    else:
        new = taken(row, old, plan.headings, looking.importing)
        if new == old:
            plan.same.add(row.number)
            return
        found = differences(old, new)
        falls = old.is_confirmed and not new.is_confirmed
        plan.versions[row.number], plan.digests[row.number] = old.version, _digest(found)
        if falls:
            plan.falls.add(row.number)
        if preview is not None:
            lines = [masked(difference) for difference in found]
            preview.changed.add([row.number, who.student_number, who.name, falls, lines])
    if preview is None:
        plan.rows[row.number] = row


def _note_holders(
    plan: Plan,
    rows: Sequence[tuple[Line, RosterRow]],
    dossiers: Mapping[str, Dossier],
    holders: Callable[[str, Sequence[str]], Mapping[str, str]],
    season_id: str,
) -> None:
    """Note who is registered already under the ID number of a row that brings it."""
    bringing = {}
    for line, row in rows:
        identity, old = row.data.graduate.identity_number, dossiers.get(row.student_number)
        if old is None or old.graduate.identity_number != identity:
            bringing[identity.value] = line, row.student_number
    for identity_number, holder in holders(season_id, list(bringing)).items():
        line, student_number = bringing[identity_number]
        if holder != student_number:
            plan.conflicts.append((line, holder))


def _refuse_taken(plan: Plan, preview: Preview | None) -> None:
    """Refuse rows whose ID number somebody keeps; who gives it up in this file, in a good row, is no obstacle."""
    for line, holder in plan.conflicts:
        row = plan.first_rows.get((Column.STUDENT_NUMBER, holder))
        if row is None or row in plan.refused:
            plan.refuse(plan.fault(line.number, Column.IDENTITY_NUMBER, _TAKEN.format(holder)))
            if preview is not None:
                preview.keep_cells(line)


def _refuse_merged(plan: Plan, merged: Sequence[Merged]) -> None:
    """Refuse rows below the headings in which merged cells hide what belongs there."""
    rows = {*plan.versions, *plan.same, *plan.refused}
    for cells in merged:
        columns = [c for c, place in plan.headings.places.items() if cells.first_place <= place <= cells.last_place]
        for row in range(cells.first_row, cells.last_row + 1) if columns else ():
            is_whole = row == cells.first_row and cells.first_place == cells.last_place
            if row in rows and not is_whole:
                plan.refuse(plan.fault(row, columns[0], _MERGED))


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


def missing_from(plan: Plan, uow: UnitOfWork, season_id: str) -> Iterator[Sequence[str]]:
    """Yield who is registered and not named in the file (缺少的毕业生)."""
    if plan.registered > plan.known:
        for one in uow.enrolment.everybody(season_id):
            if not plan.names(one.student_number):
                yield one
