"""The words of the chronicle (时间线用词): what is stored by key, in short Chinese for staff; never what was typed."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files

from bot.notices.delivery import DeliveryState
from bot.registration.look import Look, Receipt
from bot.registration.report import Standing
from bot.registration.stage import Milestone
from bot.registration.verification import State, Verification
from bot.staff.audit import Entry
from bot.staff.chronicle import Event, Kind, Sources, Spoken, Told
from bot.staff.deed import Action
from bot.staff.reveals import FIELDS, REASON

_SHOWN = (FIELDS, "核验编号", REASON)
"""The details of audit entries shown here; all others may hold more than the page needs."""
_RIGHT, _ITEMS = "correction.right", "correction.items"
_REFUSING = ("gate.", "period.", "unclear.", "only_text.")
GONE = "旧版问题"
"""A step whose flow is gone since a deploy."""


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """Return all labels by table and key."""
    return tomllib.loads(files(__package__).joinpath("chronicle.zh.toml").read_text("utf-8"))


def step_label(step: str) -> str:
    """Return what a step is called (问题)."""
    known = words()["step"]
    return known.get(_RIGHT if step.startswith(f"{_RIGHT}_") else step, GONE)


def outcome_label(step: str, outcome: str) -> str:
    """Return what came of a message (结果); "" for what is not known any more."""
    if outcome.startswith(_REFUSING) or outcome.endswith((".bad", ".fill_bad")):
        return words()["refused"].get(outcome, "没看懂")
    known = words()["outcome"]
    if step == _ITEMS and outcome not in _COMMANDS:
        return known[_ITEMS]
    if step.startswith(f"{_RIGHT}_") and outcome not in _COMMANDS:
        return known[_RIGHT]
    if outcome == "contact" and step != "archive.read_back":
        return known["command.contact"]
    return known.get(f"{step}.{outcome}", known.get(outcome, ""))


_COMMANDS = frozenset(
    [
        *("help", "back", "restart", "progress", "home", "contact", "more", "looks", "not_received", "unbind"),
        *("late", "stale", "moved", "unread", "fill", "hello", "follow", "scan", "extend", "close", "reissue"),
        *("image", "voice", "video", "location", "link", "menu.report"),
    ]
)
"""Outcomes that are no answer to a question about what is wrong, though some items have the same names."""


def notice_label(key: str) -> str:
    """Return what a notice was about (通知)."""
    return words()["notice"].get(key.removeprefix("notice."), "其他通知")


def events(sources: Sources, verifications: Sequence[Verification]) -> Iterator[list[Event]]:
    """Yield the events of each source (各处记录 → 时间线), in words."""
    known = {verification.id: verification for verification in verifications}
    yield [_spoken(each) for each in sources.spoken]
    yield [Event(each.at, Kind.STEP, _milestone(each.milestone), _number(each.detail)) for each in sources.happened]
    yield [_told(each) for each in sources.told]
    yield [_look(each, known[each.verification_id]) for each in sources.looks if each.verification_id in known]
    yield [event for each in sources.receipts for event in _receipt(each)]
    yield [_entry(each) for each in sources.entries]


def _spoken(each: Spoken) -> Event:
    return Event(each.at, Kind.TALK, step_label(each.step), outcome_label(each.step, each.outcome))


def _told(each: Told) -> Event:
    label = f"通知“{each.title}”" if each.title else notice_label(each.key)
    return Event(each.at, Kind.NOTICE, label, "已在聊天里显示" if each.shown_at else _state(each.state))


def _state(name: str) -> str:
    return DeliveryState[name].value if name in DeliveryState.__members__ else ""


def _milestone(name: str) -> str:
    return Milestone[name].value if name in Milestone.__members__ else name


def _number(detail: str) -> str:
    return f"核验编号 {detail}" if detail else ""


def _look(each: Look, verification: Verification) -> Event:
    state = "" if each.standing is Standing.UNKNOWN else f"，看到“{State[each.standing.name].value}”"
    said = f"{verification.subject.value}核验（编号 {verification.number}）{state}"
    return Event(each.at, Kind.LOOK, each.way.value, said, each.department)


def _receipt(each: Receipt) -> Iterator[Event]:
    yield Event(each.at, Kind.RECEIPT, "登记已接收档案", "单位自己填的，没有核实", each.department)
    if each.withdrawn_at:
        by = {"office": "学校撤回", "graduate": "毕业生撤回"}.get(each.withdrawn_by, "撤回")
        yield Event(each.withdrawn_at, Kind.RECEIPT, f"接收登记{by}", "", each.department)


def _entry(each: Entry) -> Event:
    name = Action[each.action].value if each.action in Action.__members__ else each.action
    said = "；".join(f"{key}：{each.details[key]}" for key in _SHOWN if each.details.get(key))
    return Event(each.at, Kind.STAFF, name, said, each.actor_name)
