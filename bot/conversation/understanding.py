"""Understanding (理解): what people mean by what they type, kindly for choices and strictly for agreement.

Full width, traditional characters, Chinese numerals, polite filler and punctuation do not matter. A refusal is
never taken for a yes: agreement is matched whole, and a negation in a longer sentence matches nothing.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from bot.registration.particulars import clean_line

_EMOJI = "👌👍👏😊😄😁😀🙂😃🙏🎉✅✔💪🌹❤☺😂🤝🆗🥰😘"
"""Signs of friendliness beside an answer; a doubting one (🤔) stays and keeps the answer from being understood."""
_JOINTS = re.compile("[\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff]")
_OUTER = _EMOJI + " \t\r\n。.,，、!！~～…;；:：\"'“”‘’()（）[]【】《》<>^_-—+*"
NEGATIONS = re.compile(
    r"不|没|别|勿|莫|未|非|否|无法|取消|撤|停|免|放弃|拒|反悔|算了|等等|等一下|等会|稍后|以后再|再说|再想|错|吗|(?<![怎什])么|\?|？"
    r"|cancel|\bno\b|\bnot\b|n't",
    re.IGNORECASE,
)
_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"两": 2, "俩": 2, "〇": 0}
_BETWEEN = re.compile(r"[\s,.;:、。!~]+")
_WRONG = re.compile(
    r"(?:信息)?(?:都|全)?(?:写|填)?(?:错了?|错误|有误|有错误?|不对|不正确|有问题|要改|要更正|需要更正)[。.!！\s]*$"
)
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
    plain = _JOINTS.sub("", unicodedata.normalize("NFKC", clean_line(text)))
    return re.sub(r"\s", "", simplify(plain).casefold()).strip(_OUTER)


def bare(text: str, *, whole: bool = False) -> str:
    """Return the folded text without polite filler around it; filler alone stays as it is.

    Args:
        text: as typed or tapped.
        whole: for agreements: leave filler that makes a doubt or a question of a yes (没问题吧, 请问确认).
    """
    return stripped(fold(text), whole=whole)


def stripped(word: str, *, whole: bool = False) -> str:
    """Return what ``bare`` returns, of a text that is folded already."""
    fillers = phrases()["fillers"]
    doubts = fillers["doubting"] if whole else ()
    while word:
        if not word.startswith(fillers["before"]) and not word.endswith(fillers["after"]):
            return word  # most words, and this look costs nothing
        front = next((p for p in fillers["before"] if word.startswith(p) and len(word) > len(p)), "")
        back = next((p for p in fillers["after"] if word.endswith(p) and len(word) > len(p)), "")
        if front in doubts:
            front = ""
        if back in doubts:
            back = ""
        rest = word[len(front) :] if front else word[: len(word) - len(back)] if back else word
        rest = rest.strip(_OUTER)
        if rest == word or not rest:
            return word
        word = rest
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


def choose(
    text: str,
    options: Sequence[str],
    words: Mapping[str, Sequence[str]],
    *,
    whole: bool = False,
    numbered: bool = True,
) -> str | None:
    """Return the option a text means: by number as shown, by phrase, or (unless ``whole``) by a unique part.

    Args:
        text: as typed or tapped.
        options: keys in the order shown; the first is number 1.
        words: option key → folded phrases.
        whole: match the whole text only; for agreement, where a part may be turned round by a 不.
        numbered: whether the options are shown with numbers.

    Returns:
        A key of ``options``, or None if the text means none or more than one.
    """
    shown, folded = options if numbered else (), fold(text)
    for word in dict.fromkeys((folded, stripped(folded, whole=whole))):
        if (hit := _exact(word, options, words)) is not None or (hit := _by_number(word, shown)) is not None:
            return hit
        both = re.fullmatch(r"([0-9]{1,2})[.、,:：)]?(.+)", word)
        if both and (hit := _by_number(both[1], shown)) is not None and _exact(both[2], options, words) == hit:
            return hit
    if (hit := _by_number(stripped(folded), shown)) is not None:
        return hit
    return _agreed(text, options, words) if whole else _by_part(folded, options, words)


def _agreed(text: str, options: Sequence[str], words: Mapping[str, Sequence[str]]) -> str | None:
    """Return the option that every part of the text means by itself: 没问题，确认. 不对，确认 means none."""
    parts = [bare(part, whole=True) for part in _BETWEEN.split(unicodedata.normalize("NFKC", text))]
    found = {_exact(part, options, words) for part in parts if part and part not in phrases()["fillers"]["after"]}
    return found.pop() if len(found) == 1 else None


def _exact(word: str, options: Sequence[str], words: Mapping[str, Sequence[str]]) -> str | None:
    return next((key for key in options if word == key or word in words.get(key, ())), None)


def _by_number(word: str, options: Sequence[str]) -> str | None:
    found = _NUMBER.fullmatch(word)
    number = small_number(found[1]) if found else None
    return options[number - 1] if number and number <= len(options) else None


def _by_part(word: str, options: Sequence[str], words: Mapping[str, Sequence[str]]) -> str | None:
    hits = [(phrase, key) for key in options for phrase in words.get(key, ()) if len(phrase) > 1 and phrase in word]
    longest = max(hits, key=lambda hit: len(hit[0]), default=None)
    if longest is None or NEGATIONS.search(word.replace(longest[0], "")):
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
        cleaned = _WRONG.sub("", simplify(unicodedata.normalize("NFKC", clean_line(text))))
        parts = [p for p in re.split(r"[\s,，、;；/和与及跟+]+|还有|以及", cleaned) if fold(p)]
    found = [choose(part, options, words) for part in parts]
    if not found or None in found:
        return None
    return tuple(key for key in options if key in found)
