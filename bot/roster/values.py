"""The values (字段取值) of the roster that only a roster has; what people write anywhere is in ``particulars``."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, time
from enum import StrEnum
from functools import lru_cache

from bot.errors import BadValueError
from bot.registration.archive import ReceivingType, TransferType
from bot.registration.destination import parse_category
from bot.registration.graduate import Completion, Level
from bot.registration.particulars import parse_name, parse_postcode, parse_uscc
from bot.registration.season import SHANGHAI, day_of
from bot.roster.cells import Cell, date_of, flag_of, text_of

EMPTY = "不能为空"
"""The reason for a required cell without content."""

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


@lru_cache(64, typed=True)  # typed: 1, 1.0 and TRUE are equal in Python and different in a cell
def flag(cell: Cell) -> bool | None:
    """Read 是 or 否 (是否), remembered: a file has three different cells of the kind.

    Raises:
        BadValueError: anything else.
    """
    return flag_of(cell)


# Thousands have the same employer, and the check takes longer than all the rest of the cell.
uscc = lru_cache(1 << 14)(parse_uscc)
"""Read a unified social credit code (统一社会信用代码), as ``parse_uscc`` does."""

_day = lru_cache(4096, typed=True)(date_of)


def words(text: str) -> str:
    """Read free words (文字), e.g. the name of a college or an address.

    Raises:
        BadValueError: too long, or with the rest of a lost character.
    """
    if len(text) > _LONGEST:
        raise BadValueError(f"太长了，最多 {_LONGEST} 个字")
    if _LOST_CHARACTER.search(text):
        raise BadValueError("有字符在转换时丢失（显示为方框或问号），请改用标准汉字")
    return text


def name(text: str) -> str:
    """Read a full name (姓名); rare characters are kept.

    Raises:
        BadValueError: no name, or a character was lost in conversion.
    """
    if _LOST_CHARACTER.search(text) or _LOST_IN_NAME.search(text):
        raise BadValueError("姓名中有字符在转换时丢失（显示为方框或问号），请改用标准汉字")
    return parse_name(text)


def level(text: str) -> str:
    """Read a level of study (学历层次), also by its longer names.

    Raises:
        BadValueError: none of the four.
    """
    try:
        return _LEVELS[text]
    except KeyError:
        raise BadValueError(f"学历层次应为 {'、'.join(Level)}") from None


def completion(text: str) -> str:
    """Read 毕业 or 结业 (毕结业, N1).

    Raises:
        BadValueError: neither.
    """
    return _one_of(Completion, text)


def graduation_date(cell: Cell, today: date) -> date:
    """Read the graduation date (毕业日期), between the year 2000 and three years from today.

    Raises:
        BadValueError: empty, no date, or out of these bounds.
    """
    day = _day(cell)
    if day is None:
        raise BadValueError(EMPTY)
    if not (day >= _FIRST_DAY and day.year <= today.year + _YEARS_AHEAD):
        raise BadValueError("毕业日期不合理，请核对年份")
    return day


def exam_number(text: str) -> str:
    """Read an examinee number (考生号): fourteen digits; public pages contradict each other on what they mean.

    Raises:
        BadValueError: not fourteen digits.
    """
    value = unicodedata.normalize("NFKC", text).replace(" ", "")
    if not _EXAM_NUMBER.fullmatch(value):
        raise BadValueError("考生号应为 14 位数字")
    return value


def postcode(text: str) -> str:
    """Read a postcode (邮编), with a hint where a spreadsheet took the leading zero.

    Raises:
        BadValueError: not six digits.
    """
    if re.fullmatch(r"[0-9]{5}", text):
        raise BadValueError("邮编应为 6 位数字；如开头的 0 丢失，请把该列设为文本格式")
    return parse_postcode(text)


def category(text: str) -> str:
    """Read a destination category (毕业去向) by code or name; return its code.

    Raises:
        BadValueError: not in the table.
    """
    return parse_category(text).code


def transfer_type(text: str) -> str:
    """Read a transfer type (户档转递类型, N10).

    Raises:
        BadValueError: neither of the two.
    """
    return _one_of(TransferType, text)


def receiving_type(text: str) -> str:
    """Read a receiving type (接收类型, N10).

    Raises:
        BadValueError: none of the three.
    """
    return _one_of(ReceivingType, text)


def _one_of(choices: type[StrEnum], text: str) -> str:
    if text not in list(choices):
        raise BadValueError(f"应为 {'、'.join(choices)}")
    return text


def real_person_at(cell: Cell, now: datetime) -> datetime | None:
    """Read when the real person was checked (实人验证, N12): 是 counts from now, 否 and empty are None.

    Raises:
        BadValueError: another word, or a day after today.
    """
    if cell is None or isinstance(cell, bool) or (isinstance(cell, str) and text_of(cell) in {"", "是", "否"}):
        return now if flag(cell) else None
    try:
        day = _day(cell)
    except BadValueError as error:
        raise BadValueError(f"请填 是、否 或验证日期（{error}）") from error
    if day is None:
        return None
    if day > day_of(now):
        raise BadValueError("实人验证日期在今天之后")
    return datetime.combine(day, time(), SHANGHAI)
