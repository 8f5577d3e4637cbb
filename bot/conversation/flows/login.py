"""The login flow (登录): student number, name, last six of the ID number, CHSI binding (N3), rebinding."""

import re

from bot.conversation.effects import Bind, FailIdentity
from bot.conversation.facts import Facts
from bot.conversation.flow import NEXT, Bad, Flow, Kept, Need, Ok, Step
from bot.conversation.options import always, pick
from bot.conversation.understanding import fold
from bot.errors import BadValueError
from bot.ports import ChsiAnswer
from bot.registration.particulars import parse_name, parse_student_number, same_name

PROVEN = "proven"
"""Stands in for the six characters, which are never stored."""


def _student_number(text: str, _kept: Kept, _facts: Facts) -> Ok | Bad:
    word = fold(text).removeprefix("我的").removeprefix("学号").removeprefix("是").strip(":：")
    try:
        return Ok(parse_student_number(word))
    except BadValueError:
        return Bad("login.student_number.bad")


def _name(text: str, _kept: Kept, facts: Facts) -> Ok | Bad:
    try:
        name = parse_name(text.strip().removeprefix("我叫").removeprefix("我是").removeprefix("姓名").lstrip(":： "))
    except BadValueError:
        return Bad("login.name.bad")
    if facts.locked_until is not None:
        return Ok("", "locked")
    if facts.candidate is None:
        return Ok("", "unknown")
    if not same_name(name, facts.candidate.graduate.name):
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
    return _bound(facts, "unavailable")


def _bound(facts: Facts, unavailable: str) -> Ok:
    candidate = facts.candidate
    if candidate is None:
        return Ok("", unavailable)
    if candidate.chsi_bound is not True:
        if facts.binding is ChsiAnswer.NO:
            return Ok(PROVEN, "not_bound")
        if facts.binding is not ChsiAnswer.YES:
            return Ok(PROVEN, unavailable)
    return Ok(PROVEN, "rebind" if candidate.openid else "done")


def _needs_binding(text: str, kept: Kept, facts: Facts) -> str | None:
    candidate = facts.candidate
    if facts.locked_until or candidate is None or candidate.chsi_bound is True or facts.binding is not None:
        return None
    if "tail" in kept:
        return Need.BINDING
    return Need.BINDING if fold(text).upper()[-6:] == candidate.graduate.identity_number.tail else None


_AGAIN = always("again")
_REBIND = always("yes", "no")


def _again(text: str, kept: Kept, facts: Facts) -> Ok | Bad:
    got = pick("login.chsi", _AGAIN)(text, kept, facts)
    return got if isinstance(got, Bad) else _bound(facts, "unavailable")


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
)
