"""The reading of rows (名册解析): every rule of the column table, all faults of a row at once."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
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
    clean_line,
    parse_name,
    parse_phone,
    parse_postcode,
    parse_student_number,
    parse_uscc,
)
from bot.registration.season import SHANGHAI, day_of
from bot.roster.cells import Cell, date_of, flag_of, text_of
from bot.roster.columns import ARCHIVE, DESTINATION_DETAILS, Column, Headings, Line
from bot.roster.rows import Fault, Parsed, RosterRow

T = TypeVar("T")

_FIRST_DAY = date(2000, 1, 1)
_YEARS_AHEAD = 3
_LONGEST = 200
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
# Units, counsellors and offices repeat over thousands of rows; graduates' own numbers do not and are not kept.
_shared_phone = lru_cache(4096)(parse_phone)
_shared_uscc = lru_cache(4096)(parse_uscc)
_shared_category = lru_cache(256)(parse_category)


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
    chsi_bound = cells.read(Column.CHSI_BOUND, flag_of, None)
    real_person_at = cells.read(Column.REAL_PERSON, lambda cell: _real_person_at(cell, now), None)
    if cells.faults:
        return Parsed(line.number, None, tuple(cells.faults), tuple(cells.keys))
    graduate = Graduate(counsellor=counsellor, **person)  # type: ignore[arg-type] # every value was checked above
    data = SchoolData(graduate, destination, archive, household, chsi_bound)
    return Parsed(line.number, RosterRow(line.number, data, real_person_at), (), tuple(cells.keys))


@dataclass(slots=True)
class _Cells:
    """The cells of one line by column, collecting what is wrong with them."""

    headings: Headings
    line: Line
    faults: list[Fault] = field(default_factory=list)
    keys: list[tuple[Column, str]] = field(default_factory=list)

    def raw(self, column: Column) -> Cell:
        place = self.headings.places.get(column)
        return self.line.cells[place] if place is not None and place < len(self.line.cells) else None

    def fault(self, column: Column, reason: str) -> None:
        self.faults.append(Fault(self.line.number, self.headings.letter(column), column, reason))

    def read(self, column: Column, parse: Callable[[Cell], T], otherwise: T) -> T:
        """Read any cell; ``otherwise`` stands for a faulty one."""
        try:
            return parse(self.raw(column))
        except BadValueError as error:
            self.fault(column, str(error))
            return otherwise

    def text(self, column: Column, parse: Callable[[str], str], *, required: bool = False) -> str:
        """Read a text cell; "" for an empty or a faulty one."""
        try:
            text = text_of(self.raw(column))
            if text:
                return parse(text)
        except BadValueError as error:
            self.fault(column, str(error))
            return ""
        if required:
            self.fault(column, "不能为空")
        return ""

    def filled(self, column: Column) -> bool:
        cell = self.raw(column)
        return bool(clean_line(cell)) if isinstance(cell, str) else cell is not None


def _person(cells: _Cells, now: datetime) -> dict[str, object]:
    today = day_of(now)
    number = cells.text(Column.STUDENT_NUMBER, parse_student_number, required=True)
    name = cells.text(Column.NAME, _name, required=True)
    identity = cells.text(Column.IDENTITY_NUMBER, lambda text: IdentityNumber.parse(text, today).value, required=True)
    cells.keys.extend(
        (column, key) for column, key in ((Column.STUDENT_NUMBER, number), (Column.IDENTITY_NUMBER, identity)) if key
    )
    return {
        "student_number": number,
        "name": name,
        "identity_number": IdentityNumber(identity),
        "college": cells.text(Column.COLLEGE, _words, required=True),
        "major": cells.text(Column.MAJOR, _words, required=True),
        "class_name": cells.text(Column.CLASS, _words),
        "level": cells.read(Column.LEVEL, _level, Level.BACHELOR),
        "graduation_date": cells.read(Column.GRADUATION_DATE, lambda cell: _graduation_date(cell, today), today),
        "completion": cells.read(Column.COMPLETION, _completion, Completion.GRADUATED),
        "exam_number": cells.text(Column.EXAM_NUMBER, _exam_number),
        "mobile": cells.text(Column.MOBILE, parse_phone),
        "place_of_origin": cells.text(Column.PLACE_OF_ORIGIN, _words),
    }


def _counsellor(cells: _Cells) -> Counsellor:
    return Counsellor(
        cells.text(Column.COUNSELLOR, _words, required=True),
        cells.text(Column.COUNSELLOR_PHONE, _shared_phone),
        cells.text(Column.COUNSELLOR_STAFF_NUMBER, _words),
    )


def _destination(cells: _Cells) -> Destination | None:
    code = cells.text(Column.DESTINATION, lambda text: _shared_category(text).code)
    unit, place, post = (cells.text(c, _words) for c in (Column.UNIT, Column.UNIT_PLACE, Column.POST))
    uscc = cells.text(Column.USCC, _shared_uscc)
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
    transfer = cells.text(Column.TRANSFER_TYPE, lambda text: _choice(TransferType, text))
    receiving = cells.text(Column.RECEIVING_TYPE, lambda text: _choice(ReceivingType, text))
    _check_receiving_type(cells, transfer)
    items = ArchiveItems(
        TransferType(transfer) if transfer else TransferType.ORIGIN,
        ReceivingType(receiving) if receiving else None,
        cells.text(Column.ARCHIVE_UNIT, _words),
        cells.text(Column.ARCHIVE_ADDRESS, _words),
        cells.text(Column.ARCHIVE_POSTCODE, _postcode),
        cells.text(Column.ARCHIVE_CONTACT, _words),
        cells.text(Column.ARCHIVE_PHONE, _shared_phone),
    )
    return ArchiveEntry(ArchiveStatus.APPROVED, items, reviewed_at=now)


def _check_receiving_type(cells: _Cells, transfer: str) -> None:
    has_one = cells.filled(Column.RECEIVING_TYPE)
    if transfer == TransferType.ORIGIN and has_one:
        cells.fault(Column.RECEIVING_TYPE, f"{TransferType.ORIGIN}没有接收类型，请留空")
    if transfer == TransferType.UNIT and not has_one:
        cells.fault(Column.RECEIVING_TYPE, f"{TransferType.UNIT}须填接收类型：{'、'.join(ReceivingType)}")


def _household(cells: _Cells) -> Household:
    moved = cells.read(Column.HOUSEHOLD_MOVED, flag_of, None)
    address = cells.text(Column.HOUSEHOLD_ADDRESS, _words)
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


def _level(cell: Cell) -> Level:
    text = text_of(cell)
    if not text:
        raise BadValueError("不能为空")
    try:
        return _LEVELS[text]
    except KeyError:
        raise BadValueError(f"学历层次应为 {'、'.join(Level)}") from None


def _completion(cell: Cell) -> Completion:
    text = text_of(cell) or Completion.GRADUATED
    if text not in {completion.value for completion in Completion}:
        raise BadValueError(f"毕结业应为 {' 或 '.join(Completion)}")
    return Completion(text)


def _graduation_date(cell: Cell, today: date) -> date:
    day = date_of(cell)
    if day is None:
        raise BadValueError("不能为空")
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


def _choice(choices: type[TransferType | ReceivingType], text: str) -> str:
    if text not in {choice.value for choice in choices}:
        raise BadValueError(f"应为 {'、'.join(choices)}")
    return text


def _real_person_at(cell: Cell, now: datetime) -> datetime | None:
    if isinstance(cell, bool) or (isinstance(cell, str) and text_of(cell) in {"", "是", "否"}):
        return now if flag_of(cell) else None
    try:
        day = date_of(cell)
    except BadValueError as error:
        raise BadValueError(f"请填 是、否 或验证日期（{error}）") from error
    if day is None:
        return None
    if day > day_of(now):
        raise BadValueError("实人验证日期在今天之后")
    return datetime.combine(day, time(), SHANGHAI)
