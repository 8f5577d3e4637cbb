"""The reading of rows (名册解析): every rule of the column table, all faults of a row at once."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from bot.errors import BadValueError
from bot.registration.archive import ArchiveEntry, ArchiveItems, ArchiveStatus, ReceivingType, TransferType
from bot.registration.destination import Destination, parse_category
from bot.registration.dossier import SchoolData
from bot.registration.graduate import Completion, Counsellor, Graduate, Level
from bot.registration.household import Household
from bot.registration.identity_number import IdentityNumber
from bot.registration.particulars import (
    parse_name,
    parse_phone,
    parse_postcode,
    parse_student_number,
    parse_uscc,
)
from bot.registration.season import SHANGHAI, day_of
from bot.roster.cells import Cell, date_of, flag_of, is_blank, text_of
from bot.roster.columns import ARCHIVE, DESTINATION_DETAILS, Column, Headings, Line
from bot.roster.rows import Fault, Parsed, RosterRow

T = TypeVar("T")

_FIRST_DAY = date(2000, 1, 1)
_YEARS_AHEAD = 3
_LONGEST = 200
_EMPTY = "不能为空"
_LEVELS: Mapping[str, Level] = {level.value: level for level in Level} | {
    "大专": Level.ASSOCIATE,
    "专科生": Level.ASSOCIATE,
    "大学本科": Level.BACHELOR,
    "本科生": Level.BACHELOR,
    "硕士研究生": Level.MASTER,
    "博士研究生": Level.DOCTOR,
}
# What is left of a rare character after a bad conversion; in a name a question mark is such a rest as well.
_LOST_CHARACTER = re.compile("[\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff]")
_LOST_IN_NAME = re.compile("[?？□〓]")
_EXAM_NUMBER = re.compile(r"[0-9]{14}")


@lru_cache(1 << 15, typed=True)  # typed: 1, 1.0 and TRUE are equal in Python and different in a cell
def _shared(parse: Callable[[str], str], cell: Cell) -> str:
    """Read a text cell whose value repeats over thousands of rows; a graduate's own values are not kept like this."""
    return parse(text_of(cell))


_shared_flag = lru_cache(64, typed=True)(flag_of)
_shared_date = lru_cache(4096, typed=True)(date_of)


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
    chsi_bound = cells.read(Column.CHSI_BOUND, _shared_flag, None)
    real_person_at = cells.read(Column.REAL_PERSON, lambda cell: _real_person_at(cell, now), None)
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
        return self._text(column, lambda cell: parse(text_of(cell)), required=required)

    def shared(self, column: Column, parse: Callable[[str], str], *, required: bool = False) -> str:
        """Read a text cell that many graduates share; "" for an empty or a faulty one."""
        return self._text(column, lambda cell: _shared(parse, cell), required=required)

    def _text(self, column: Column, parse: Callable[[Cell], str], *, required: bool) -> str:
        cell = self._values.get(column)
        if cell is None:
            if required:
                self.fault(column, _EMPTY)
            return ""
        try:
            return parse(cell)
        except BadValueError as error:
            self.fault(column, str(error))
            return ""


def _person(cells: _Cells, now: datetime) -> dict[str, object]:
    today = day_of(now)
    number = cells.own(Column.STUDENT_NUMBER, parse_student_number, required=True)
    name = cells.own(Column.NAME, _name, required=True)
    identity = cells.own(Column.IDENTITY_NUMBER, lambda text: IdentityNumber.parse(text, today).value, required=True)
    cells.keys.extend(
        (column, key) for column, key in ((Column.STUDENT_NUMBER, number), (Column.IDENTITY_NUMBER, identity)) if key
    )
    return {
        "student_number": number,
        "name": name,
        "identity_number": IdentityNumber(identity),
        "college": cells.shared(Column.COLLEGE, _words, required=True),
        "major": cells.shared(Column.MAJOR, _words, required=True),
        "class_name": cells.shared(Column.CLASS, _words),
        "level": Level(cells.shared(Column.LEVEL, _level, required=True) or Level.BACHELOR),
        "graduation_date": cells.read(Column.GRADUATION_DATE, lambda cell: _graduation_date(cell, today), today),
        "completion": Completion(cells.shared(Column.COMPLETION, _completion) or Completion.GRADUATED),
        "exam_number": cells.own(Column.EXAM_NUMBER, _exam_number),
        "mobile": cells.own(Column.MOBILE, parse_phone),
        "place_of_origin": cells.shared(Column.PLACE_OF_ORIGIN, _words),
    }


def _counsellor(cells: _Cells) -> Counsellor:
    return Counsellor(
        cells.shared(Column.COUNSELLOR, _words, required=True),
        cells.shared(Column.COUNSELLOR_PHONE, parse_phone),
        cells.shared(Column.COUNSELLOR_STAFF_NUMBER, _words),
    )


def _destination(cells: _Cells) -> Destination | None:
    code = cells.shared(Column.DESTINATION, _category)
    unit, place, post = (cells.shared(c, _words) for c in (Column.UNIT, Column.UNIT_PLACE, Column.POST))
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
    transfer = cells.shared(Column.TRANSFER_TYPE, _transfer_type)
    receiving = cells.shared(Column.RECEIVING_TYPE, _receiving_type)
    _check_receiving_type(cells, transfer)
    items = ArchiveItems(
        TransferType(transfer) if transfer else TransferType.ORIGIN,
        ReceivingType(receiving) if receiving else None,
        cells.shared(Column.ARCHIVE_UNIT, _words),
        cells.shared(Column.ARCHIVE_ADDRESS, _words),
        cells.shared(Column.ARCHIVE_POSTCODE, _postcode),
        cells.shared(Column.ARCHIVE_CONTACT, _words),
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
    moved = cells.read(Column.HOUSEHOLD_MOVED, _shared_flag, None)
    address = cells.own(Column.HOUSEHOLD_ADDRESS, _words)
    # A 是 that could not be read has its own fault already.
    says_no = moved is False or not cells.filled(Column.HOUSEHOLD_MOVED)
    if says_no and address:
        cells.fault(Column.HOUSEHOLD_ADDRESS, "户口未转入学校，不应有户口迁往地址")
    return Household(bool(moved), address)


def _words(text: str) -> str:
    if len(text) > _LONGEST:
        raise BadValueError(f"太长了，最多 {_LONGEST} 个字")
    if _LOST_CHARACTER.search(text):
        raise BadValueError("有字符在转换时丢失（显示为方框或问号），请改用标准汉字")
    return text


def _name(text: str) -> str:
    if _LOST_CHARACTER.search(text) or _LOST_IN_NAME.search(text):
        raise BadValueError("姓名中有字符在转换时丢失（显示为方框或问号），请改用标准汉字")
    return parse_name(text)


def _level(text: str) -> str:
    try:
        return _LEVELS[text]
    except KeyError:
        raise BadValueError(f"学历层次应为 {'、'.join(Level)}") from None


def _completion(text: str) -> str:
    return _one_of(Completion, text)


def _graduation_date(cell: Cell, today: date) -> date:
    day = _shared_date(cell)
    if day is None:
        raise BadValueError(_EMPTY)
    if not (day >= _FIRST_DAY and day.year <= today.year + _YEARS_AHEAD):
        raise BadValueError("毕业日期不合理，请核对年份")
    return day


def _exam_number(text: str) -> str:
    value = unicodedata.normalize("NFKC", text).replace(" ", "")
    if not _EXAM_NUMBER.fullmatch(value):
        raise BadValueError("考生号应为 14 位数字")
    return value


def _postcode(text: str) -> str:
    if re.fullmatch(r"[0-9]{5}", text):
        raise BadValueError("邮编应为 6 位数字；如开头的 0 丢失，请把该列设为文本格式")
    return parse_postcode(text)


def _category(text: str) -> str:
    return parse_category(text).code


def _transfer_type(text: str) -> str:
    return _one_of(TransferType, text)


def _receiving_type(text: str) -> str:
    return _one_of(ReceivingType, text)


def _one_of(choices: type[StrEnum], text: str) -> str:
    if text not in list(choices):
        raise BadValueError(f"应为 {'、'.join(choices)}")
    return text


def _real_person_at(cell: Cell, now: datetime) -> datetime | None:
    if cell is None or isinstance(cell, bool) or (isinstance(cell, str) and text_of(cell) in {"", "是", "否"}):
        return now if _shared_flag(cell) else None
    try:
        day = _shared_date(cell)
    except BadValueError as error:
        raise BadValueError(f"请填 是、否 或验证日期（{error}）") from error
    if day is None:
        return None
    if day > day_of(now):
        raise BadValueError("实人验证日期在今天之后")
    return datetime.combine(day, time(), SHANGHAI)
