"""Understanding (理解): what people mean by what they type, kindly for choices and strictly for agreement.

Full width, traditional characters, Chinese numerals, polite filler and punctuation do not matter. A refusal is
never taken for a yes: agreement is matched whole, and a negation in a longer sentence matches nothing.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from importlib.resources import files

from bot.errors import BadValueError
from bot.registration.particulars import clean_line, parse_date
from bot.registration.season import add_months

_OUTER = " \t\r\n。.,，、!！~～…;；:：\"'“”‘’()（）[]【】《》<>^_-—+*"
_NEGATIONS = re.compile(
    r"不|没|别|勿|莫|未|非|否|无法|取消|撤|停|免|放弃|拒|反悔|算了|等等|等一下|等会|稍后|以后再|再说|再想|错|吗|么|\?|？"
    r"|cancel|\bno\b|\bnot\b|n't",
    re.IGNORECASE,
)
_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"两": 2, "俩": 2, "〇": 0}
_NUMBER = re.compile(r"(?:选项?|第)?([0-9]{1,2}|[一二三四五六七八九十两]{1,3})(?:个|项|号|条|种)?")


@cache
def _simplified() -> dict[int, str]:
    """Return the table traditional → simplified (繁简), from the OpenCC project's data."""
    lines = files("opencc").joinpath("dictionary", "TSCharacters.txt").read_text("utf-8").splitlines()
    return {ord(old): new.split(" ")[0] for old, new in (line.split("\t") for line in lines)}


def simplify(text: str) -> str:
    """Return the text in simplified characters; everything else stays."""
    return text if text.isascii() else text.translate(_simplified())


def fold(text: str) -> str:
    """Return the text as it is compared: NFKC, simplified, lower case, without blanks and outer punctuation."""
    return re.sub(r"\s", "", simplify(unicodedata.normalize("NFKC", clean_line(text))).casefold()).strip(_OUTER)


def bare(text: str) -> str:
    """Return the folded text without polite filler around it; filler alone stays as it is."""
    word, fillers = fold(text), phrases()["fillers"]
    while word:
        front = next((p for p in fillers["before"] if word.startswith(p) and len(word) > len(p)), "")
        back = next((p for p in fillers["after"] if word.endswith(p) and len(word) > len(p)), "")
        stripped = word[len(front) :] if front else word[: len(word) - len(back)] if back else word
        stripped = stripped.strip(_OUTER)
        if stripped == word or not stripped:
            return word
        word = stripped
    return word


def small_number(text: str) -> int | None:
    """Read a whole number up to 99 in digits or Chinese numerals (十二, 两); None if it is none."""
    if re.fullmatch(r"[0-9]{1,2}", text):
        return int(text)
    tens, ten, units = text.partition("十")
    if not ten:
        return _DIGITS.get(text)
    high, low = _DIGITS.get(tens, 1 if not tens else None), _DIGITS.get(units, 0 if not units else None)
    return None if high is None or low is None else high * 10 + low


@cache
def phrases() -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the phrases people use for each choice: table name → choice key → folded phrases (phrases.zh.toml)."""
    table = tomllib.loads(files(__package__).joinpath("phrases.zh.toml").read_text("utf-8"))
    return {
        name: {key: tuple(dict.fromkeys(fold(word) for word in words)) for key, words in options.items()}
        for name, options in table.items()
    }


def choose(text: str, options: Sequence[str], words: Mapping[str, Sequence[str]], *, whole: bool = False) -> str | None:
    """Return the option a text means: by number as shown, by phrase, or (unless ``whole``) by a unique part.

    Args:
        text: as typed or tapped.
        options: keys in the order shown; the first is number 1.
        words: option key → folded phrases.
        whole: match the whole text only; for agreement, where a part may be turned round by a 不.

    Returns:
        A key of ``options``, or None if the text means none or more than one.
    """
    for word in dict.fromkeys((fold(text), bare(text))):
        if (hit := _exact(word, options, words)) is not None:
            return hit
        numbered = re.fullmatch(r"([0-9]{1,2})[.、,:：)]?(.+)", word)
        if numbered and _exact(numbered[2], options, words) == _by_number(numbered[1], options) is not None:
            return _by_number(numbered[1], options)
    return None if whole else _by_part(fold(text), options, words)


def _exact(word: str, options: Sequence[str], words: Mapping[str, Sequence[str]]) -> str | None:
    for key in options:
        if word == key or word in words.get(key, ()):
            return key
    return _by_number(word, options)


def _by_number(word: str, options: Sequence[str]) -> str | None:
    found = _NUMBER.fullmatch(word)
    number = small_number(found[1]) if found else None
    return options[number - 1] if number and number <= len(options) else None


def _by_part(word: str, options: Sequence[str], words: Mapping[str, Sequence[str]]) -> str | None:
    hits = [(phrase, key) for key in options for phrase in words.get(key, ()) if len(phrase) > 1 and phrase in word]
    longest = max(hits, key=lambda hit: len(hit[0]), default=None)
    if longest is None or _NEGATIONS.search(word.replace(longest[0], "")) or _NEGATIONS.search(longest[0]):
        return None
    # A shorter hit of another key is harmless only inside the longest one: 签约单位接收 also holds 单位接收.
    same = all(key == longest[1] or phrase in longest[0] for phrase, key in hits)
    return longest[1] if same else None


def several(text: str, options: Sequence[str], words: Mapping[str, Sequence[str]]) -> tuple[str, ...] | None:
    """Return the options a text names, in the order shown: 1 3, 一、三, 姓名和专业; None if any part is unclear."""
    whole = fold(text)
    if (
        re.fullmatch(r"[0-9]+", whole)
        and len(whole) > 1
        and len(options) < 10
        and small_number(whole) not in range(1, len(options) + 1)
    ):
        parts: list[str] = list(whole)
    else:
        cleaned = simplify(unicodedata.normalize("NFKC", clean_line(text)))
        parts = [p for p in re.split(r"[\s,，、;；/和与及跟+]+|还有|以及", cleaned) if fold(p)]
    found = [choose(part, options, words) for part in parts]
    if not found or None in found:
        return None
    return tuple(key for key in options if key in found)


def read_day(text: str, today: date) -> date | None:
    """Read the last day of a period: 一周, 2个月, 30天, 半个月, 7月16日, 2023-07-16, 明天, 月底; None if it is none.

    A day without a year is the next such day from today on.
    """
    word = bare(text)
    if _NEGATIONS.search(word):
        return None
    word = re.sub(r"^(?:有效期|期限)?(?:设置?[为成]?|为|是|截[止至]到?|直?到|至|延长?[到至]?)*", "", word)
    word = re.sub(r"(?:为止|止|之内|以内|内|有效|之前|前)+$", "", word)
    for reader in (_span, _full_date, _month_day, _named_day):
        if (day := reader(word, today)) is not None:
            return day
    return None


def _span(word: str, today: date) -> date | None:
    number_word = r"([0-9]{1,3}|[一二三四五六七八九十两俩半]{1,3})"
    found = re.fullmatch(number_word + r"(个)?(半)?(天|日|周|星期|礼拜|月|年)", word)
    # 7月 and 16日 are parts of a date, 7个月 and 16天 are spans.
    if not found or (found[1].isdigit() and found[4] in {"月", "日"} and not found[2]):
        return None
    text, _, half, unit = found.groups()
    if text == "半":
        half_spans = {"月": today + timedelta(days=15), "年": add_months(today, 6)}
        return half_spans.get(unit)
    number = int(text) if text.isdigit() else small_number(text)
    if not number:
        return None
    if half:
        return add_months(today, number) + timedelta(days=15) if unit == "月" else None
    if unit in {"天", "日"}:
        return today + timedelta(days=number)
    if unit in {"周", "星期", "礼拜"}:
        return today + timedelta(weeks=number)
    return add_months(today, number * (12 if unit == "年" else 1))


def _full_date(word: str, _today: date) -> date | None:
    try:
        return parse_date(word.replace("号", "日"))
    except BadValueError:
        return None


def _month_day(word: str, today: date) -> date | None:
    number = r"([0-9]{1,2}|[一二三四五六七八九十]{1,3})"
    found = re.fullmatch(number + r"(?:月|[-/.])" + number + r"[日号]?", word)
    if not found:
        return None
    month, day = (small_number(part) for part in found.groups())
    for year in (today.year, today.year + 1):
        try:
            read = date(year, month or 0, day or 0)
        except ValueError:
            continue
        if read >= today:
            return read
    return None


def _named_day(word: str, today: date) -> date | None:
    month_end = add_months(today.replace(day=1), 1) - timedelta(days=1)
    return {
        "今天": today,
        "明天": today + timedelta(days=1),
        "后天": today + timedelta(days=2),
        "月底": month_end,
        "本月底": month_end,
        "这个月底": month_end,
        "年底": date(today.year, 12, 31),
        "今年底": date(today.year, 12, 31),
    }.get(word)
