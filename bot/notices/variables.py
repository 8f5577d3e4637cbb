"""The variables (变量) of a broadcast's text: their names, what they stand for, and whether a text can be sent."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from bot.conversation.lines import chinese_day
from bot.errors import BadValueError
from bot.notices.broadcast import Message
from bot.notices.parcel import LONGEST_TITLE
from bot.registration.season import Season
from bot.registration.stage import Stage

MOST_BYTES = 1500
"""Bytes a text may have before its variables are filled in: three pages of a phone, and one message has 2,000."""

NEXT_STEP = "下一步"
"""The one variable that needs the whole dossier."""

_VARIABLE = re.compile(r"\{([^{}\n]{0,20})\}")
_LINK_MARK = re.compile(r"^@", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Person:
    """What a broadcast may say about its reader (收件人), as of the moment of sending.

    Attributes:
        id: of the dossier.
        stage: where the graduate stands (办理阶段).
        openid: the account bound now, or None.
        name, college, major, class_name: as in the roster.
        counsellor, counsellor_phone: name and telephone of the counsellor.
    """

    id: str
    stage: Stage
    openid: str | None = field(repr=False)
    name: str = field(repr=False)
    college: str = ""
    major: str = ""
    class_name: str = ""
    counsellor: str = field(default="", repr=False)
    counsellor_phone: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a text (一次填写): by whom, when, and what the day is.

    Attributes:
        season: the season.
        today: in Shanghai.
        day: the day the message names (截止日期).
        person: who reads it, or None for a text that is the same for everybody.
        next_step: the sentence of what this person does next.
    """

    season: Season
    today: date
    day: date
    person: Person | None = None
    next_step: str = field(default="", repr=False)


class Variable(NamedTuple):
    """A variable (变量): what staff read about it, and its value."""

    said: str
    value: Callable[[Reading], str]


def _of(pick: Callable[[Person], str], otherwise: str = "") -> Callable[[Reading], str]:
    return lambda reading: (pick(reading.person) if reading.person else "") or otherwise


PERSONAL: dict[str, Variable] = {
    "姓名": Variable("毕业生的姓名", _of(lambda person: person.name)),
    "学院": Variable("所在学院", _of(lambda person: person.college)),
    "专业": Variable("所学专业", _of(lambda person: person.major)),
    "班级": Variable("所在班级", _of(lambda person: person.class_name)),
    "辅导员": Variable("辅导员的姓名", _of(lambda person: person.counsellor)),
    "辅导员电话": Variable("辅导员的电话", _of(lambda person: person.counsellor_phone, "问学院")),
    NEXT_STEP: Variable("这名毕业生接下来要办什么", lambda reading: reading.next_step),
}
"""Variables that differ from reader to reader (因人而异的变量)."""

VARIABLES: Mapping[str, Variable] = PERSONAL | {
    "截止日期": Variable("通知里填的截止日期", lambda reading: chinese_day(reading.day)),
    "剩余天数": Variable(
        "到截止日期还有几天，当天算 1 天", lambda reading: str(max((reading.day - reading.today).days + 1, 0))
    ),
    "届别": Variable("例如 2023 届", lambda reading: f"{reading.season.id} 届"),
    "学校": Variable("学校全称", lambda reading: reading.season.school),
    "就业办": Variable("就业办名称", lambda reading: reading.season.office),
    "就业办电话": Variable("就业办电话", lambda reading: reading.season.office_phone),
}
"""Name → variable, in the order staff see them."""


def used(text: str) -> tuple[str, ...]:
    """Return the names between braces in a text (所用变量), known or not, each once."""
    return tuple(dict.fromkeys(_VARIABLE.findall(text)))


def filled(text: str, reading: Reading) -> str:
    """Return a text with its variables filled in (填写变量); what is no variable stays as it is.

    A value cannot make a link of its own: names come from files that other people wrote.
    """

    def value(found: re.Match[str]) -> str:
        variable = VARIABLES.get(found[1])
        return found[0] if variable is None else without_links(variable.value(reading))

    return _VARIABLE.sub(value, text)


def without_links(text: str) -> str:
    """Return a text of which no line is a link (去掉链接行): a mark that would make one becomes a plain character."""
    return _LINK_MARK.sub("＠", text)


def checked(message: Message) -> Message:
    """Return a message that can be sent (检查通知内容), its words without blanks around.

    Raises:
        BadValueError: with everything that is wrong, and how to mend it.
    """
    title, text = message.title.strip(), message.text.replace("\r\n", "\n").strip()
    faults = [*_title_faults(title), *_text_faults(text)]
    personal = [name for name in used(text) if name in PERSONAL]
    if message.use_mass and personal:
        names = "、".join(f"{{{name}}}" for name in personal)
        faults.append(f"群发的内容对每个人都一样，不能用 {names}：请去掉这些变量，或者不勾选群发")
    if faults:
        raise BadValueError("；".join(faults))
    return Message(title, text, message.day, message.use_mass)


def _title_faults(title: str) -> list[str]:
    if not title:
        return ["请填写标题"]
    if len(title) > LONGEST_TITLE or "\n" in title:
        return [f"标题最多 {LONGEST_TITLE} 个字，现在有 {len(title)} 个：模板消息放不下更多"]
    return ["标题里不能用变量"] if "{" in title or "}" in title else []


def _text_faults(text: str) -> list[str]:
    if not text:
        return ["请填写正文"]
    faults = []
    unknown = [name for name in used(text) if name not in VARIABLES]
    if unknown:
        names = "、".join(f"{{{name}}}" for name in unknown)
        faults.append(f"没有 {names} 这个变量，能用的见正文下方的列表")
    if any(brace in _VARIABLE.sub("", text) for brace in "{}"):
        faults.append("大括号要成对使用，例如 {姓名}")
    size = len(text.encode())
    if size > MOST_BYTES:
        faults.append(f"正文太长：一条消息约 {MOST_BYTES // 3} 个汉字，现在约 {size // 3} 个，请精简")
    return faults
