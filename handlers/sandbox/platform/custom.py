"""Customer-service messages (客服消息) with their windows and counts."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from handlers.sandbox.bubble import Bubble
from handlers.sandbox.platform.call import Call, Endpoint, PlatformError
from handlers.sandbox.records import Handset

MAX_TEXT_BYTES = 2048
TYPING_SECONDS = 15.0
MAX_MENU_ITEMS = 50


def _text(call: Call) -> Bubble:
    content = call.part("text").get("content")
    if not isinstance(content, str) or not content:
        raise PlatformError(44004)
    if len(content.encode()) > MAX_TEXT_BYTES:
        raise PlatformError(45002)
    return Bubble("them", "text", content, 0.0)


def _image(call: Call) -> Bubble:
    address = call.network.picture_of(str(call.part("image").get("media_id")))
    if address is None:
        raise PlatformError(40007)
    return Bubble("them", "image", "[图片]", 0.0, picture=address)


def _news(call: Call) -> Bubble:
    articles = call.part("news").get("articles")
    if not isinstance(articles, list) or not articles or not isinstance(articles[0], dict):
        raise PlatformError(47001)
    if len(articles) > 1:
        raise PlatformError(45008)
    title, text, url, picture = (str(articles[0].get(name) or "") for name in ("title", "description", "url", "picurl"))
    return Bubble("them", "news", text, 0.0, title=title, url=url, picture=picture)


def _menu(call: Call) -> Bubble:
    """A question with answers to tap; shown, and tapped, as the link form is."""
    menu = call.part("msgmenu")
    items = menu.get("list")
    if not isinstance(items, list) or not 0 < len(items) <= MAX_MENU_ITEMS:
        raise PlatformError(47001)
    lines = [str(menu.get("head_content") or "")]
    for item in items:
        if not isinstance(item, dict) or not item.get("id") or not item.get("content"):
            raise PlatformError(47001)
        content, number = quote(str(item["content"]), safe=""), quote(str(item["id"]), safe="")
        href = f"weixin://bizmsgmenu?msgmenucontent={content}&msgmenuid={number}"
        lines.append(f'<a href="{href}">{item["content"]}</a>')
    lines.append(str(menu.get("tail_content") or ""))
    return Bubble("them", "menu", "\n".join(line for line in lines if line), 0.0)


KINDS = {"text": _text, "image": _image, "news": _news, "msgmenu": _menu}


def _spend(call: Call, handset: Handset) -> None:
    """Use up one message of an open window; 45015 when none is open, 45047 when the open ones are spent."""
    now = call.network.clock()
    # The short window is used first: what it leaves unused is lost in a minute.
    opened = [grant for grant in (handset.action_grant, handset.message_grant) if grant.until > now]
    if not opened:
        raise PlatformError(45015)
    grant = next((each for each in opened if each.left > 0), None)
    if grant is None:
        raise PlatformError(45047)
    grant.left -= 1


def send(call: Call) -> Mapping[str, Any]:
    """``message/custom/send``: one message into a chat whose window is open."""
    handset = call.follower(call.text("touser", 40003))
    build = KINDS.get(call.text("msgtype", 40008))
    if build is None:
        raise PlatformError(40008)
    bubble = build(call)
    with call.network.world.change():
        _spend(call, handset)
        call.network.world.keep(handset)
        call.network.show(handset, bubble)
    return {}


def typing(call: Call) -> Mapping[str, Any]:
    """``message/custom/typing``: 对方正在输入… on or off."""
    handset = call.follower(call.text("touser", 40003))
    command = call.text("command")
    if command not in {"Typing", "CancelTyping"}:
        raise PlatformError(45081, "command not support")
    handset.typing_until = call.network.clock() + TYPING_SECONDS if command == "Typing" else 0.0
    return {}


ENDPOINTS = {
    "message/custom/send": Endpoint("POST", send),
    "message/custom/typing": Endpoint("POST", typing),
}
