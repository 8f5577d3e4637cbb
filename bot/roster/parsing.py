"""The reading of rows (名册解析): every rule of the column table, all faults of a row at once."""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from bot.errors import BadValueError
from bot.registration.archive import ArchiveEntry, ArchiveItems, ArchiveStatus, ReceivingType, TransferType
from bot.registration.destination import Destination
from bot.registration.dossier import SchoolData
from bot.registration.graduate import Completion, Counsellor, Graduate, Level
from bot.registration.household import Household
from bot.registration.identity_number import IdentityNumber
from bot.registration.particulars import (
    parse_phone,
    parse_student_number,
    parse_uscc,
)
from bot.registration.season import day_of
from bot.roster import values
from bot.roster.cells import Cell, is_blank, text_of
from bot.roster.columns import ARCHIVE, DESTINATION_DETAILS, Column, Headings, Line
from bot.roster.rows import Fault, Parsed, RosterRow

T = TypeVar("T")

_TextReader = Callable[[Callable[[str], str], Cell], str]


def _own(parse: Callable[[str], str], cell: Cell) -> str:
    """Read a text cell of one graduate."""
    return parse(text_of(cell))


@lru_cache(1 << 15, typed=True)  # typed: 1, 1.0 and TRUE are equal in Python and different in a cell
def _shared(parse: Callable[[str], str], cell: Cell) -> str:
    """Read a text cell whose value repeats over thousands of rows; a graduate's own values are not kept like this."""
    return parse(text_of(cell))


def parse_row(headings: Headings, line: Line, now: datetime) -> Parsed:
    """Read a line as a row of the roster (解析一行), or say all that is wrong with it.

    Args:
        headings: where the columns stand.
        line: the line.
        now: aware; today's day bounds dates, and 是 for 实人验证 counts from this moment.
    """
    cells = _Cells(headings, line)
    person = _person(cells, now)
    counsellor = _counsellor(cells)
    destination = _destination(cells)
    archive = _archive(cells, now)
    household = _household(cells)
    chsi_bound = cells.read(Column.CHSI_BOUND, values.flag, None)
    real_person_at = cells.read(Column.REAL_PERSON, lambda cell: values.real_person_at(cell, now), None)
    if cells.faults:
        return Parsed(line.number, None, tuple(cells.faults), tuple(cells.keys))
    graduate = Graduate(counsellor=counsellor, **person)  # type: ignore[arg-type] # every value was checked above
    data = SchoolData(graduate, destination, archive, household, chsi_bound)
    return Parsed(line.number, RosterRow(line.number, data, real_person_at), (), tuple(cells.keys))


class _Cells:
    """The cells of one line that hold anything, by column, and what is wrong with them."""

    __slots__ = ("_headings", "_number", "_values", "faults", "keys")

    def __init__(self, headings: Headings, line: Line) -> None:
        self._headings = headings
        self._number = line.number
        cells, width = line.cells, len(line.cells)
        self._values = {
            column: cell
            for column, place in headings.places.items()
            if place < width and (cell := cells[place]) is not None and not (isinstance(cell, str) and is_blank(cell))
        }
        self.faults: list[Fault] = []
        self.keys: list[tuple[Column, str]] = []

    def filled(self, column: Column) -> bool:
        return column in self._values

    def fault(self, column: Column, reason: str) -> None:
        self.faults.append(Fault(self._number, self._headings.letter(column), column, reason))

    def read(self, column: Column, parse: Callable[[Cell], T], otherwise: T) -> T:
        """Read any cell; ``otherwise`` stands for a faulty one."""
        try:
            return parse(self._values.get(column))
        except BadValueError as error:
            self.fault(column, str(error))
            return otherwise

    def own(self, column: Column, parse: Callable[[str], str], *, required: bool = False) -> str:
        """Read a text cell of one graduate; "" for an empty or a faulty one."""
        return self._text(column, _own, parse, required=required)

    def shared(self, column: Column, parse: Callable[[str], str], *, required: bool = False) -> str:
        """Read a text cell that many graduates share; "" for an empty or a faulty one."""
        return self._text(column, _shared, parse, required=required)

    def _text(self, column: Column, read: _TextReader, parse: Callable[[str], str], *, required: bool) -> str:
        cell = self._values.get(column)
        if cell is None:
            if required:
                self.fault(column, values.EMPTY)
            return ""
        try:
            return read(parse, cell)
        except BadValueError as error:
            self.fault(column, str(error))
            return ""


def _person(cells: _Cells, now: datetime) -> dict[str, object]:
    today = day_of(now)
    number = cells.own(Column.STUDENT_NUMBER, parse_student_number, required=True)
    name = cells.own(Column.NAME, values.name, required=True)
    identity = cells.own(Column.IDENTITY_NUMBER, lambda text: IdentityNumber.parse(text, today).value, required=True)
    cells.keys.extend(
        (column, key) for column, key in ((Column.STUDENT_NUMBER, number), (Column.IDENTITY_NUMBER, identity)) if key
    )
    return {
        "student_number": number,
        "name": name,
        "identity_number": IdentityNumber(identity),
        "college": cells.shared(Column.COLLEGE, values.words, required=True),
        "major": cells.shared(Column.MAJOR, values.words, required=True),
        "class_name": cells.shared(Column.CLASS, values.words),
        "level": Level(cells.shared(Column.LEVEL, values.level, required=True) or Level.BACHELOR),
        "graduation_date": cells.read(Column.GRADUATION_DATE, lambda cell: values.graduation_date(cell, today), today),
        "completion": Completion(cells.shared(Column.COMPLETION, values.completion) or Completion.GRADUATED),
        "exam_number": cells.own(Column.EXAM_NUMBER, values.exam_number),
        "mobile": cells.own(Column.MOBILE, parse_phone),
        "place_of_origin": cells.shared(Column.PLACE_OF_ORIGIN, values.words),
    }


def _counsellor(cells: _Cells) -> Counsellor:
    return Counsellor(
        cells.shared(Column.COUNSELLOR, values.words, required=True),
        cells.shared(Column.COUNSELLOR_PHONE, parse_phone),
        cells.shared(Column.COUNSELLOR_STAFF_NUMBER, values.words),
    )


def _destination(cells: _Cells) -> Destination | None:
    code = cells.shared(Column.DESTINATION, values.category)
    unit, place, post = (cells.shared(c, values.words) for c in (Column.UNIT, Column.UNIT_PLACE, Column.POST))
    uscc = cells.shared(Column.USCC, parse_uscc)
    if not cells.filled(Column.DESTINATION):
        for column in DESTINATION_DETAILS:
            if cells.filled(column):
                cells.fault(Column.DESTINATION, f"填了“{column}”，却没有填毕业去向")
                break
        return None
    return Destination(code, unit, uscc, place, post)


def _archive(cells: _Cells, now: datetime) -> ArchiveEntry:
    columns = (*ARCHIVE, Column.RECEIVING_TYPE)
    if not any(cells.filled(column) for column in columns):
        return ArchiveEntry()
    for column in ARCHIVE:
        if not cells.filled(column):
            cells.fault(column, "档案信息要么全部填写，要么全部留空")
    transfer = cells.shared(Column.TRANSFER_TYPE, values.transfer_type)
    receiving = cells.shared(Column.RECEIVING_TYPE, values.receiving_type)
    _check_receiving_type(cells, transfer)
    items = ArchiveItems(
        TransferType(transfer) if transfer else TransferType.ORIGIN,
        ReceivingType(receiving) if receiving else None,
        cells.shared(Column.ARCHIVE_UNIT, values.words),
        cells.shared(Column.ARCHIVE_ADDRESS, values.words),
        cells.shared(Column.ARCHIVE_POSTCODE, values.postcode),
        cells.shared(Column.ARCHIVE_CONTACT, values.words),
        cells.shared(Column.ARCHIVE_PHONE, parse_phone),
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
    address = cells.own(Column.HOUSEHOLD_ADDRESS, values.words)
    # A 是 that could not be read has its own fault already.
    says_no = moved is False or not cells.filled(Column.HOUSEHOLD_MOVED)
    if says_no and address:
        cells.fault(Column.HOUSEHOLD_ADDRESS, "户口未转入学校，不应有户口迁往地址")
    return Household(bool(moved), address)
