"""Template messages (模板消息) and subscription notices (订阅通知): fixed forms, filled in."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from handlers.sandbox.bubble import Bubble
from handlers.sandbox.network import Network
from handlers.sandbox.platform.call import Call, Endpoint, PlatformError
from handlers.sandbox.records import Handset, Repeat

if TYPE_CHECKING:
    from handlers.sandbox.markup import Value

REPEAT_SECONDS = 600.0  # client_msg_id and openid are remembered for ten minutes
MAX_TEMPLATES = 25
# What the report of a template message says; spaces as on the real platform.
SUCCESS, USER_BLOCK, SYSTEM_FAILED = "success", "failed:user block", "failed: system failed"
FATES = (SUCCESS, USER_BLOCK, SYSTEM_FAILED)
# The form that a new sandbox owns; ids of real templates are 43 characters long too.
DEMO_TEMPLATE_ID = "SandboxProgressNotice_thing1_time2_00000000"
DEMO_TEMPLATE = {
    "title": "毕业去向登记进度提醒",
    "rows": [["thing1", "事项"], ["time2", "时间"]],
}
# Longest value of a field by the kind in its name, and which characters it may have.
LIMITS = {
    "thing": re.compile(r".{1,20}", re.DOTALL),
    "character_string": re.compile(r"[\x20-\x7e]{1,32}"),
    "phrase": re.compile(r"[\u3400-\u9fff]{1,5}"),
    "number": re.compile(r"[0-9.]{1,32}"),
    "name": re.compile(r"[\u3400-\u9fff·]{1,10}|[A-Za-z .]{1,20}"),
    "phone_number": re.compile(r"[0-9+\-]{1,17}"),
    "time": re.compile(r"(?:\d{4}年\d{1,2}月\d{1,2}日 )?\d{1,2}:\d{2}"),
    "date": re.compile(r"\d{4}年\d{1,2}月\d{1,2}日(?: \d{1,2}:\d{2})?"),
    "const": re.compile(r".{1,20}", re.DOTALL),
}


def templates(network: Network) -> dict[str, Any]:
    """Every template of the account by its id: title, and rows of field and label."""
    mine: dict[str, Any] = network.world.fact("templates", {})
    return {DEMO_TEMPLATE_ID: DEMO_TEMPLATE} | mine


def add_template(network: Network, template_id: str, title: str, rows: Mapping[str, str]) -> None:
    """Give the account another template; ``rows`` maps a field (``thing1``) to its label (事项)."""
    with network.world.change():
        mine = dict(network.world.fact("templates", {}))
        mine[template_id] = {"title": title, "rows": [list(row) for row in rows.items()]}
        network.world.set_fact("templates", mine)


def _fill(call: Call, template_id: str) -> Bubble:
    """The card with the caller's data; 40037 for an unknown form, 47003 for a field missing or out of its limits."""
    template = templates(call.network).get(template_id)
    if template is None:
        raise PlatformError(40037)
    data, rows = call.part("data", 47003), []
    for name, label in template["rows"]:
        part = data.get(name)
        value = part.get("value") if isinstance(part, dict) else None
        if not isinstance(value, str | int | float) or str(value) == "":
            raise PlatformError(47003, f"data.{name}.value is empty")
        limit = LIMITS.get(name.rstrip("0123456789"))
        if limit and not limit.fullmatch(str(value)):
            raise PlatformError(47003, f"data.{name}.value invalid")
        rows.append((str(label), str(value)))
    text = "\n".join(f"{label}：{value}" for label, value in rows)
    url = str(call.body.get("url") or call.body.get("page") or "")
    return Bubble("them", "template", text, 0.0, title=template["title"], url=url, rows=tuple(rows))


def _repeated(call: Call, handset: Handset) -> int | None:
    """The msgid of an equal client_msg_id for this phone within ten minutes."""
    world, now = call.network.world, call.network.clock()
    # The oldest stand first, so a call looks only at what is over.
    while (oldest := world.oldest(Repeat)) and oldest.at <= now - REPEAT_SECONDS:
        world.drop(oldest)
    seen = world.find(Repeat, _repeat_key(call, handset))
    return seen.msg_id if seen else None


def _repeat_key(call: Call, handset: Handset) -> str:
    return f"{handset.openid} {call.body.get('client_msg_id') or ''}"


def _note(call: Call, handset: Handset, msg_id: int) -> None:
    if call.body.get("client_msg_id"):
        call.network.world.keep(Repeat(_repeat_key(call, handset), call.network.clock(), msg_id))


def send_template(call: Call) -> Mapping[str, Any]:
    """``message/template/send``: one notice, whether or not a window is open; its fate follows as an event."""
    handset = call.follower(call.text("touser", 40003))
    bubble = _fill(call, call.text("template_id", 40037))
    network = call.network
    with network.world.change():
        if (old := _repeated(call, handset)) is not None:
            return {"msgid": old}
        if handset.annoyed:
            raise PlatformError(43117)
        msg_id = network.next_message_id()
        _note(call, handset, msg_id)
        fate = handset.fate or network.fates.template
        if fate == SUCCESS:
            network.show(handset, bubble)
    event: dict[str, Value] = {"Event": "TEMPLATESENDJOBFINISH", "MsgID": msg_id, "Status": fate}
    network.reports.tell(network.header(handset, "event") | event)
    return {"msgid": msg_id}


def send_subscription(call: Call) -> Mapping[str, Any]:
    """``message/subscribe/bizsend``: needs a consent for each message, 43101 without."""
    handset = call.network.world.by_openid(call.text("touser", 40003))
    if handset is None:
        raise PlatformError(40003)
    template_id = call.text("template_id", 40037)
    bubble = _fill(call, template_id)
    network = call.network
    with network.world.change():
        if handset.consents.get(template_id, 0) < 1:
            raise PlatformError(43101)
        handset.consents[template_id] -= 1
        network.world.keep(handset)
        network.show(handset, bubble)
    sent: dict[str, Value] = {
        "TemplateId": template_id,
        "MsgID": network.next_message_id(),
        "ErrorCode": 0,
        "ErrorStatus": "success",
    }
    event: dict[str, Value] = {"Event": "subscribe_msg_sent_event", "SubscribeMsgSentEvent": {"List": sent}}
    network.reports.tell(network.header(handset, "event") | event)
    return {}


def list_templates(call: Call) -> Mapping[str, Any]:
    """``template/get_all_private_template``: the account's forms."""
    rows = []
    for template_id, template in templates(call.network).items():
        content = "".join(f"{label}：{{{{{name}.DATA}}}}\n" for name, label in template["rows"])
        rows.append({"template_id": template_id, "title": template["title"], "content": content, "example": ""})
    return {"template_list": rows}


ENDPOINTS = {
    "message/template/send": Endpoint("POST", send_template),
    "message/subscribe/bizsend": Endpoint("POST", send_subscription),
    "template/get_all_private_template": Endpoint("GET", list_templates),
}
