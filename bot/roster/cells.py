"""The cells (单元格): what spreadsheets put into a field, and what of it can still be trusted as text."""

import re
from dataclasses import dataclass
from datetime import date, datetime

from bot.errors import BadValueError
from bot.registration.particulars import clean_line, parse_date


@dataclass(frozen=True, slots=True)
class Broken:
    """A cell without a value of its own (失效单元格): a formula that failed or was never calculated.

    Attributes:
        reason: what is wrong, as a sentence part for the person who repairs the file.
    """

    reason: str


Cell = str | int | float | bool | date | datetime | Broken | None
"""One cell as a reader hands it over; ``""`` and None are both empty."""

_EXACT = 10**15
"""Spreadsheets keep 15 digits of a number; what is longer has lost its last digits in the file itself."""

_LOST = "单元格是数字格式，末尾几位已经丢失；请把该列设为文本格式，再重新填写"
_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?[Ee]\+[0-9]{1,3}")
_UNCLEAN = re.compile(r"[^\S ]|  |^ | $|[\u200b-\u200f\u2028-\u202e\u2060\ufeff\x00-\x1f\x7f]")
_MIDNIGHT = re.compile(r"[T ]00:00(?::00(?:\.0+)?)?$")


def is_blank(text: str) -> bool:
    """Tell whether nothing can be seen of the text (空白): blanks and invisible characters only."""
    return not text or (not text[0].isalnum() and not clean_line(text))


def text_of(cell: Cell) -> str:
    """Return the cell as one clean line (单元格文字); "" for an empty cell.

    Whole numbers up to fifteen digits are taken as their digits, so ``20220001.0`` is 20220001.

    Raises:
        BadValueError: the cell holds a number that lost digits, a fraction, a date, a truth value or a formula.
    """
    if isinstance(cell, str):
        if cell.isalnum():  # the common case: neither blanks nor signs
            return cell
        text = clean_line(cell) if _UNCLEAN.search(cell) else cell
        if text[:1] in {"=", "＝"}:
            raise BadValueError("单元格里是公式，请改成它的值")
        if "E" in text.upper() and _SCIENTIFIC.fullmatch(text):
            raise BadValueError(_LOST)
        return text
    if cell is None:
        return ""
    if isinstance(cell, Broken):
        raise BadValueError(cell.reason)
    if isinstance(cell, bool):
        raise BadValueError("单元格是逻辑值 TRUE / FALSE，请改成文字")
    if isinstance(cell, date):
        raise BadValueError("单元格是日期格式，请把该列设为文本格式，再重新填写")
    return _digits(cell)


def date_of(cell: Cell) -> date | None:
    """Return the cell as a day (单元格日期), from a date cell or from text; None for an empty cell.

    Raises:
        BadValueError: no date, or a number that a spreadsheet only shows as a date.
    """
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = _MIDNIGHT.sub("", text_of(cell))
    return parse_date(text) if text else None


def flag_of(cell: Cell) -> bool | None:
    """Return 是 as True, 否 as False and an empty cell as None (是否).

    Raises:
        BadValueError: anything else.
    """
    if isinstance(cell, bool):
        return cell
    try:
        return {"": None, "是": True, "否": False}[text_of(cell)]
    except KeyError:
        raise BadValueError("请填 是 或 否") from None


def _digits(number: float) -> str:
    if not -_EXACT < number < _EXACT:  # infinities and not-a-number too
        raise BadValueError(_LOST)
    if number < 0 or number != int(number):
        raise BadValueError("单元格是带小数或负号的数字，请把该列设为文本格式，再重新填写")
    return str(int(number))
