"""The reading of rows (名册解析): every rule of the column table, all faults of a row at once."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple, TypeVar

from bot.errors import BadValueError
from bot.registration.archive import ArchiveEntry, ArchiveItems, ArchiveStatus, ReceivingType, TransferType
from bot.registration.destination import Destination
from bot.registration.dossier import SchoolData
from bot.registration.graduate import Completion, Counsellor, Graduate, Level
from bot.registration.household import Household
from bot.registration.identity_number import IdentityNumber
from bot.registration.particulars import parse_phone, parse_student_number
from bot.registration.season import day_of
from bot.roster import values
from bot.roster.cells import Cell, is_blank, text_of
from bot.roster.columns import ARCHIVE, DESTINATION_DETAILS, Column, Headings, Line
from bot.roster.rows import Fault, Parsed, RosterRow

T = TypeVar("T")
_Faults = list[tuple[Column, str]]

_STUDY = (
    *(Column.COLLEGE, Column.MAJOR, Column.CLASS, Column.LEVEL),
    *(Column.GRADUATION_DATE, Column.COMPLETION, Column.PLACE_OF_ORIGIN),
)
_COUNSELLOR = (Column.COUNSELLOR, Column.COUNSELLOR_PHONE, Column.COUNSELLOR_STAFF_NUMBER)
_DESTINATION = (Column.DESTINATION, *DESTINATION_DETAILS)
_ARCHIVE = (*ARCHIVE, Column.RECEIVING_TYPE)


def parse_row(headings: Headings, line: Line, now: datetime) -> Parsed:
    """Read a line as a row of the roster (解析一行), or say all that is wrong with it.

    Args:
        headings: where the columns stand.
        line: the line.
        now: aware; today's day bounds dates, and 是 for 实人验证 counts from this moment.
    """
    cells = _Cells(_filled(headings, line))
    today = _today(now)
    number = cells.text(Column.STUDENT_NUMBER, parse_student_number, required=True)
    name = cells.text(Column.NAME, values.name, required=True)
    identity = cells.text(Column.IDENTITY_NUMBER, lambda text: IdentityNumber.parse(text, today).value, required=True)
    exam_number = cells.text(Column.EXAM_NUMBER, values.exam_number)
    mobile = cells.text(Column.MOBILE, parse_phone)
    study = cells.part(_STUDY, _study, now)
    counsellor = cells.part(_COUNSELLOR, _counsellor, now)
    destination = cells.part(_DESTINATION, _destination, now)
    archive = cells.part(_ARCHIVE, _archive, now)
    household = _household(cells)
    chsi_bound = cells.read(Column.CHSI_BOUND, values.flag, None)
    real_person_at = cells.read(Column.REAL_PERSON, lambda cell: values.real_person_at(cell, now), None)
    keys = tuple(
        (column, key) for column, key in ((Column.STUDENT_NUMBER, number), (Column.IDENTITY_NUMBER, identity)) if key
    )
    if cells.faults:
        return Parsed(line.number, None, _told(headings, line, cells.faults), keys)
    graduate = Graduate(
        number, name, IdentityNumber(identity), *study.first, counsellor, exam_number, mobile, study.place_of_origin
    )
    data = SchoolData(graduate, destination, archive, household, chsi_bound)
    return Parsed(line.number, RosterRow(line.number, data, real_person_at), (), keys)


_today = lru_cache(8)(day_of)


def _filled(headings: Headings, line: Line) -> dict[Column, Cell]:
    """Return the cells of a line that hold anything."""
    cells, width = line.cells, len(line.cells)
    filled: dict[Column, Cell] = {}
    for column, place in headings.places.items():
        if place < width and (cell := cells[place]) is not None:
            # Three million cells come by: what begins with a letter or a digit is told here, without a call.
            if cell.__class__ is str and (not cell or (not cell[0].isalnum() and is_blank(cell))):
                continue
            filled[column] = cell
    return filled


def _told(headings: Headings, line: Line, faults: _Faults) -> tuple[Fault, ...]:
    """Return the faults in the order of the columns."""
    told = (Fault(line.number, headings.letter(column), column, reason) for column, reason in faults)
    return tuple(sorted(told, key=lambda fault: headings.places.get(Column(fault.heading), -1)))


class _Cells:
    """The cells of one line, or of a part of it, that hold anything, by column, and what is wrong with them."""

    __slots__ = ("_values", "faults")

    def __init__(self, filled: Mapping[Column, Cell]) -> None:
        self._values = filled
        self.faults: _Faults = []

    def filled(self, column: Column) -> bool:
        return column in self._values

    def fault(self, column: Column, reason: str) -> None:
        self.faults.append((column, reason))

    def read(self, column: Column, parse: Callable[[Cell], T], otherwise: T) -> T:
        """Read any cell; ``otherwise`` stands for a faulty one."""
        try:
            return parse(self._values.get(column))
        except BadValueError as error:
            self.fault(column, str(error))
            return otherwise

    def text(self, column: Column, parse: Callable[[str], str], *, required: bool = False) -> str:
        """Read a text cell; "" for an empty or a faulty one."""
        cell = self._values.get(column)
        if cell is None:
            if required:
                self.fault(column, values.EMPTY)
            return ""
        try:
            return parse(text_of(cell))
        except BadValueError as error:
            self.fault(column, str(error))
            return ""

    def part(self, columns: tuple[Column, ...], build: "Callable[[_Cells, datetime], T]", now: datetime) -> T:
        """Read cells that are the same for many graduates; equal ones are read once and share one value."""
        part: tuple[T, _Faults] = _part(build, now, *map(self._values.get, columns))
        self.faults += part[1]
        return part[0]


# typed: 1, 1.0 and TRUE are equal in Python and different in a cell.
@lru_cache(1 << 12, typed=True)
def _part(build: Callable[[_Cells, datetime], T], now: datetime, *cells: Cell) -> tuple[T, _Faults]:
    columns = _COLUMNS_OF[build]
    part = _Cells({column: cell for column, cell in zip(columns, cells, strict=True) if cell is not None})
    return build(part, now), part.faults


class _Study(NamedTuple):
    """The study data of a graduate: all but the place of origin stand together in Graduate."""

    first: tuple[str, str, str, Level, date, Completion]
    place_of_origin: str


def _study(cells: _Cells, now: datetime) -> _Study:
    today = day_of(now)
    return _Study(
        (
            cells.text(Column.COLLEGE, values.words, required=True),
            cells.text(Column.MAJOR, values.words, required=True),
            cells.text(Column.CLASS, values.words),
            Level(cells.text(Column.LEVEL, values.level, required=True) or Level.BACHELOR),
            cells.read(Column.GRADUATION_DATE, lambda cell: values.graduation_date(cell, today), today),
            Completion(cells.text(Column.COMPLETION, values.completion) or Completion.GRADUATED),
        ),
        cells.text(Column.PLACE_OF_ORIGIN, values.words),
    )


def _counsellor(cells: _Cells, _: datetime) -> Counsellor:
    return Counsellor(
        cells.text(Column.COUNSELLOR, values.words, required=True),
        cells.text(Column.COUNSELLOR_PHONE, parse_phone),
        cells.text(Column.COUNSELLOR_STAFF_NUMBER, values.words),
    )


def _destination(cells: _Cells, _: datetime) -> Destination | None:
    code = cells.text(Column.DESTINATION, values.category)
    unit, place, post = (cells.text(c, values.words) for c in (Column.UNIT, Column.UNIT_PLACE, Column.POST))
    uscc = cells.text(Column.USCC, values.uscc)
    if not cells.filled(Column.DESTINATION):
        for column in DESTINATION_DETAILS:
            if cells.filled(column):
                cells.fault(Column.DESTINATION, f"填了“{column}”，却没有填毕业去向")
                break
        return None
    return Destination(code, unit, uscc, place, post)


def _archive(cells: _Cells, now: datetime) -> ArchiveEntry:
    if not any(cells.filled(column) for column in _ARCHIVE):
        return ArchiveEntry()
    for column in ARCHIVE:
        if not cells.filled(column):
            cells.fault(column, "档案信息要么全部填写，要么全部留空")
    transfer = cells.text(Column.TRANSFER_TYPE, values.transfer_type)
    receiving = cells.text(Column.RECEIVING_TYPE, values.receiving_type)
    _check_receiving_type(cells, transfer)
    items = ArchiveItems(
        TransferType(transfer) if transfer else TransferType.ORIGIN,
        ReceivingType(receiving) if receiving else None,
        cells.text(Column.ARCHIVE_UNIT, values.words),
        cells.text(Column.ARCHIVE_ADDRESS, values.words),
        cells.text(Column.ARCHIVE_POSTCODE, values.postcode),
        cells.text(Column.ARCHIVE_CONTACT, values.words),
        cells.text(Column.ARCHIVE_PHONE, parse_phone),
    )
    return ArchiveEntry(ArchiveStatus.APPROVED, items, reviewed_at=now)


def _check_receiving_type(cells: _Cells, transfer: str) -> None:
    has_one = cells.filled(Column.RECEIVING_TYPE)
    if transfer == TransferType.ORIGIN and has_one:
        cells.fault(Column.RECEIVING_TYPE, f"{TransferType.ORIGIN}没有接收类型，请留空")
    if transfer == TransferType.UNIT and not has_one:
        cells.fault(Column.RECEIVING_TYPE, f"{TransferType.UNIT}须填接收类型：{'、'.join(ReceivingType)}")


def _household(cells: _Cells) -> Household:
    moved = cells.read(Column.HOUSEHOLD_MOVED, values.flag, None)
    address = cells.text(Column.HOUSEHOLD_ADDRESS, values.words)
    # A 是 that could not be read has its own fault already.
    says_no = moved is False or not cells.filled(Column.HOUSEHOLD_MOVED)
    if says_no and address:
        cells.fault(Column.HOUSEHOLD_ADDRESS, "户口未转入学校，不应有户口迁往地址")
    return Household(bool(moved), address)


_COLUMNS_OF: Mapping[Callable[[_Cells, datetime], object], tuple[Column, ...]] = {
    _study: _STUDY,
    _counsellor: _COUNSELLOR,
    _destination: _DESTINATION,
    _archive: _ARCHIVE,
}
"""Which cells each part is read from; no argument of the cached function, for its hash costs as much as the look."""
