"""The login flow (登录): student number, name, last six of the ID number, CHSI binding (N3), rebinding."""

import re

from bot.conversation.effects import Bind, FailIdentity
from bot.conversation.facts import Facts
from bot.conversation.flow import NEXT, Bad, Flow, Kept, Need, Ok, Step
from bot.conversation.options import always, pick
from bot.conversation.understanding import fold, simplify
from bot.errors import BadValueError
from bot.ports import ChsiAnswer
from bot.registration.particulars import clean_line, parse_name, parse_student_number, same_name

PROVEN = "proven"
"""Stands in for the six characters, which are never stored. It is not readable as an answer, so that nobody can type
it; after a deploy the question is asked again."""

_BEFORE_NUMBER = re.compile(r"^(?:你好|老师|我的?|本人)*(?:学号)?(?:是|为|:)*")
# 是 and 为 are taken off only behind 我, 姓名 and the like: 是 is also a family name.
_BEFORE_NAME = re.compile(
    r"^(?:你好|老师好?)?[,，\s]*(?:(?:我|本人)(?:的?(?:名字|姓名))?(?:叫做?|是)?|(?:名字|姓名)(?:叫|是|为)?)?[:：,，\s]*"
)


def _student_number(text: str, _kept: Kept, _facts: Facts) -> Ok | Bad:
    word = _BEFORE_NUMBER.sub("", fold(text))
    try:
        return Ok(parse_student_number(word))
    except BadValueError:
        return Bad("login.student_number.bad")


def _name(text: str, _kept: Kept, facts: Facts) -> Ok | Bad:
    try:
        name = parse_name(_BEFORE_NAME.sub("", clean_line(text)).strip("。.！!，, "))
    except BadValueError:
        return Bad("login.name.bad")
    if facts.locked_until is not None:
        return Ok("", "locked")
    if facts.candidate is None:
        return Ok("", "unknown")
    if not same_name(simplify(name), simplify(facts.candidate.graduate.name)):
        return Ok("", "other_name")
    return Ok(facts.candidate.graduate.name)


def _tail(text: str, _kept: Kept, facts: Facts) -> Ok | Bad:
    word = fold(text).upper()
    candidate = facts.candidate
    if not re.fullmatch(r"(?:[0-9]{12})?[0-9]{5}[0-9X]", word):
        return Bad("login.tail.bad")
    word = word[-6:]
    if facts.locked_until is not None:
        return Ok("", "locked")
    if candidate is None or candidate.graduate.identity_number.tail != word:
        return Ok("", "wrong")
    return _bound(facts)


def _bound(facts: Facts) -> Ok:
    candidate = facts.candidate
    if candidate is None:
        return Ok("", "unavailable")
    if candidate.chsi_bound is not True:
        if facts.binding is ChsiAnswer.NO:
            return Ok(PROVEN, "not_bound")
        if facts.binding is not ChsiAnswer.YES:
            return Ok(PROVEN, "unavailable")
    return Ok(PROVEN, "rebind" if candidate.openid else "done")


def _needs_binding(text: str, kept: Kept, facts: Facts) -> str | None:
    candidate = facts.candidate
    if candidate is None or candidate.chsi_bound is True or facts.binding is not None:
        return None
    if "tail" in kept:
        return Need.BINDING if isinstance(pick("login.chsi", _AGAIN)(text, kept, facts), Ok) else None
    is_right = fold(text).upper()[-6:] == candidate.graduate.identity_number.tail
    return Need.BINDING if is_right and not facts.locked_until else None


_AGAIN = always("again")
_REBIND = always("yes", "no")


def _again(text: str, kept: Kept, facts: Facts) -> Ok | Bad:
    got = pick("login.chsi", _AGAIN)(text, kept, facts)
    return got if isinstance(got, Bad) else _bound(facts)


def _bind(_kept: Kept, _facts: Facts) -> Bind:
    return Bind()


FLOW = Flow(
    "login",
    (
        Step("student_number", {"ok": "name"}, _student_number, samples=("2023010101",)),
        Step(
            "name",
            {"ok": "tail", "unknown": "student_number", "other_name": "name", "locked": "student_number"},
            _name,
            samples=("王小明", "李四"),
        ),
        Step(
            "tail",
            {
                "done": NEXT,
                "wrong": "tail",
                "locked": "student_number",
                "not_bound": "chsi",
                "unavailable": "chsi",
                "rebind": "rebind",
            },
            _tail,
            samples=("00002X", "123456"),
            effects={"done": _bind, "wrong": lambda _kept, _facts: FailIdentity()},
            needs=_needs_binding,
        ),
        Step(
            "chsi",
            {"done": NEXT, "not_bound": "chsi", "unavailable": "chsi", "rebind": "rebind"},
            _again,
            samples=("1", "已绑定"),
            options=_AGAIN,
            effects={"done": _bind},
            needs=_needs_binding,
        ),
        Step(
            "rebind",
            {"yes": NEXT, "no": "student_number"},
            pick("login.rebind", _REBIND, whole=True),
            samples=("1", "2"),
            options=_REBIND,
            effects={"yes": _bind},
        ),
    ),
    # Name and six characters prove one student number only: with another number all of it is asked again.
    strict=True,
)
