"""Days (日期和期限): the last day of a period as people write it: 两周, 一个半月, 7月16日, 下周五, 月底."""

import re
from datetime import date, timedelta

from bot.conversation.understanding import NEGATIONS, bare, small_number
from bot.errors import BadValueError
from bot.registration.particulars import parse_date
from bot.registration.season import add_months

_BEFORE = re.compile(
    r"^(?:有效期|期限|时间)?(?:设为|设置为|设置|设成|设到|设|为|是|到|至|截止到|截至|直到|延长到|延长至|延长|延到|延|再"
    r"|大概|大约|约|差不多|最多|先)+"
)
_AFTER = re.compile(
    r"(?:为止|止|之内|以内|内|有效|之前|以前|前|以后|之后|后|左右|就行|就可以|就好|即可|够了|可以|行|好)+$"
)
_NUMBER = r"([0-9]{1,2}|[一二三四五六七八九十]{1,3})"
_SPAN = re.compile(r"([0-9]{1,3}|[一二三四五六七八九十两俩半]{1,3})(?:个)?(半)?(天|周|星期|礼拜|月|年)")
_WEEKDAYS = {**{word: place for place, word in enumerate("一二三四五六")}, "日": 6, "天": 6, "末": 6}


def read_day(text: str, today: date) -> date | None:
    """Read the last day of a period: 一周, 2个月, 30天, 半个月, 7月16日, 2023-07-16, 明天, 月底; None if it is none.

    A day without a year is the next such day from today on. 16日 alone is not read: it may be a day or a number of
    days.
    """
    word = _core(text)
    readers = (_span, _full_date, _month_day, _day_of_month, _weekday, _named_day)
    return next((day for reader in readers if (day := reader(word, today)) is not None), None)


def read_span(text: str, start: date) -> date | None:
    """Read a length of time, counted from ``start``: 一周, 2个月, 30天, 半个月; None if it is none."""
    return _span(_core(text), start)


def _core(text: str) -> str:
    """Return the words that name the day; nothing of a refusal."""
    word = bare(text)
    return "" if NEGATIONS.search(word) else _AFTER.sub("", _BEFORE.sub("", word))


def _span(word: str, start: date) -> date | None:
    found = _SPAN.fullmatch(word)
    if not found:
        return None
    text, half, unit = found.groups()
    if text == "半":
        return {"月": start + timedelta(days=15), "年": add_months(start, 6)}.get(unit)
    number = int(text) if text.isdigit() else small_number(text)
    if not number:
        return None
    if half:
        return add_months(start, number) + timedelta(days=15) if unit == "月" else None
    if unit == "天":
        return start + timedelta(days=number)
    if unit in {"周", "星期", "礼拜"}:
        return start + timedelta(weeks=number)
    return add_months(start, number * (12 if unit == "年" else 1))


def _full_date(word: str, today: date) -> date | None:
    if word.startswith(("今年", "明年")):
        word = f"{today.year + (word[0] == '明')}年{word[2:]}"
    # Months and days may be Chinese numerals here too: 2023年七月十六号.
    parts = re.fullmatch(rf"([12][0-9]{{3}})年{_NUMBER}月{_NUMBER}[日号]?", word)
    if parts:
        word = f"{parts[1]}-{small_number(parts[2])}-{small_number(parts[3])}"
    try:
        return parse_date(word)
    except BadValueError:
        return None


def _month_day(word: str, today: date) -> date | None:
    found = re.fullmatch(_NUMBER + r"(?:月份?|[-/.])" + _NUMBER + r"[日号]?", word)
    if not found:
        return None
    month, day = (small_number(part) or 0 for part in found.groups())
    years = (_day(year, month, day) for year in (today.year, today.year + 1))
    return next((read for read in years if read and read >= today), None)


def _day_of_month(word: str, today: date) -> date | None:
    found = re.fullmatch(r"(本月|这个?月|当月|下个?月)?" + _NUMBER + r"(号|日)?", word)
    if not found or not (found[1] or found[3] == "号"):
        return None
    day = small_number(found[2]) or 0
    months = [1] if (found[1] or "").startswith("下") else [0] if found[1] else [0, 1]
    firsts = (add_months(today.replace(day=1), ahead) for ahead in months)
    reads = (_day(first.year, first.month, day) for first in firsts)
    return next((read for read in reads if read and read >= today), None)


def _weekday(word: str, today: date) -> date | None:
    found = re.fullmatch(r"(这个?|本|下个?)?(?:周|星期|礼拜)([一二三四五六日天末])", word)
    if not found:
        return None
    day = today - timedelta(days=today.weekday()) + timedelta(days=_WEEKDAYS[found[2]])
    if (found[1] or "").startswith("下"):
        return day + timedelta(weeks=1)
    return day if day >= today or found[1] else day + timedelta(weeks=1)


def _named_day(word: str, today: date) -> date | None:
    month_end = add_months(today.replace(day=1), 1) - timedelta(days=1)
    next_end = add_months(today.replace(day=1), 2) - timedelta(days=1)
    ends = dict.fromkeys(("月底", "月末", "本月底", "这月底", "这个月底", "本月末", "这个月末"), month_end)
    ends |= dict.fromkeys(("下月底", "下个月底", "下月末", "下个月末"), next_end)
    ends |= dict.fromkeys(("年底", "今年底", "今年年底", "年末"), date(today.year, 12, 31))
    near = {"今天": 0, "今日": 0, "明天": 1, "明日": 1, "后天": 2, "大后天": 3}
    ends |= {name: today + timedelta(days=days) for name, days in near.items()}
    ends |= {"下周": today + timedelta(weeks=1), "下个月": add_months(today, 1), "下月": add_months(today, 1)}
    return ends.get(word)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
