"""The platform's messages and events (消息与事件推送) in our words: opened XML in, ``Incoming`` out.

Elements may come in any order, be missing, empty or unknown; unknown types become OTHER, unknown events QUIET.
Ids stay strings: MsgId has 64 bits and must never pass through a float. Source: doc/service/guide/product/message.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import Element

from bot.conversation.incoming import Incoming, Kind
from bot.errors import BadValueError
from bot.notices.report import Consent, Report
from handlers.wechat import markup, reports

_OPENID = re.compile("[0-9A-Za-z_@.-]{1,64}")
_SECONDS = re.compile("[0-9]{1,12}")
_QUESTION = re.compile("[0-9]{1,10}")
_MAX_QUESTION = 2**31 - 1
_SCENE = "qrscene_"  # only 关注 carries this prefix, a follower's SCAN does not


def _key(message: Element) -> str:
    return markup.words(message, "EventKey")


def _scene(message: Element) -> str:
    return _key(message).removeprefix(_SCENE)


def _scanned(message: Element) -> str:
    return markup.words(message, "ScanCodeInfo/ScanResult")


def _nothing(_: Element) -> str:
    return ""


# Everything missing here is QUIET: receipts, reports of a position, pages opened, and the announcements of a picture
# or a place chosen through the menu, because the picture or place itself follows as a message of its own.
_EVENTS: Final[dict[str, tuple[Kind, Callable[[Element], str]]]] = {
    "subscribe": (Kind.FOLLOW, _scene),
    "unsubscribe": (Kind.UNFOLLOW, _nothing),
    "scan": (Kind.SCAN, _scene),
    "scancode_waitmsg": (Kind.SCAN, _scanned),
    "click": (Kind.MENU, _key),
}

# Voice brings no words: the platform stopped filling Recognition in 2023.
_MESSAGES: Final = {
    "text": Kind.TEXT,
    "image": Kind.IMAGE,
    "voice": Kind.VOICE,
    "video": Kind.VIDEO,
    "shortvideo": Kind.VIDEO,
    "location": Kind.LOCATION,
    "link": Kind.LINK,
}


@dataclass(frozen=True, slots=True)
class Received:
    """One push, understood (收到的消息).

    Attributes:
        incoming: the message in our words; QUIET wherever there are reports or consents.
        account: the account's own id (``gh_…``), the sender of our reply.
        reports: what the platform tells of messages it was given (回执).
        consents: what a person agreed to get, or wants no more (订阅授权).
    """

    incoming: Incoming
    account: str = field(repr=False)
    reports: tuple[Report, ...] = ()
    consents: tuple[Consent, ...] = ()


def parse(xml: bytes) -> Received:
    """Understand one opened push (解析消息).

    Raises:
        BadValueError: it is no message at all: broken XML, or nobody sent it, or at no time.
    """
    message = markup.read(xml)
    name = _event_name(message)
    openid = "" if reports.is_of_nobody(name) else markup.words(message, "FromUserName")
    created = markup.words(message, "CreateTime")
    has_sender = reports.is_of_nobody(name) or _OPENID.fullmatch(openid)
    if not has_sender or not _SECONDS.fullmatch(created):
        raise BadValueError("the message has no sender or no time")
    event = _is_event(message)
    kind, text, question = _event(message) if event else _ordinary(message)
    incoming = Incoming(
        key=_event_key(message, openid, created) if event else _message_key(message, openid, created),
        openid=openid,
        at=int(created),
        kind=kind,
        text=text,
        question=question,
    )
    told = reports.read(message, name, openid, int(created))
    return Received(incoming, markup.words(message, "ToUserName"), told.reports, told.consents)


def _is_event(message: Element) -> bool:
    return markup.words(message, "MsgType").casefold() == "event"


def _event_name(message: Element) -> str:
    """The event's name in small letters; "" for an ordinary message, whatever elements it has."""
    return markup.words(message, "Event").casefold() if _is_event(message) else ""


def _event(message: Element) -> tuple[Kind, str, None]:
    kind, text = _EVENTS.get(_event_name(message), (Kind.QUIET, _nothing))
    return kind, text(message), None


def _ordinary(message: Element) -> tuple[Kind, str, int | None]:
    kind = _MESSAGES.get(markup.words(message, "MsgType").casefold(), Kind.OTHER)
    if kind is not Kind.TEXT:
        return kind, "", None
    return kind, markup.words(message, "Content"), _question(markup.words(message, "bizmsgmenuid"))


def _question(menu_id: str) -> int | None:
    """The number behind a tap; an id that is none of ours is as good as none, for anybody can send one."""
    if not _QUESTION.fullmatch(menu_id) or int(menu_id) > _MAX_QUESTION:
        return None
    return int(menu_id)


def _message_key(message: Element, openid: str, created: str) -> str:
    """MsgId alone collided across users (WxJava #333), hence the sender and the time."""
    message_id = markup.words(message, "MsgId")
    if message_id:
        return _digest("message", message_id, openid, created)
    # Never seen, but two texts of one second must not swallow each other if it happens.
    return _digest("message", "", openid, created, markup.words(message, "MsgType"), markup.words(message, "Content"))


def _event_key(message: Element, openid: str, created: str) -> str:
    """Two events can share a second (weixin-java-tools #66), hence their names; receipts have an id of their own."""
    receipt = markup.words(message, "MsgID") or markup.words(message, "MsgId")
    return _digest("event", openid, created, markup.words(message, "Event"), _key(message), receipt)


def _digest(*parts: str) -> str:
    """64 hexadecimal characters however long an EventKey is; U+001F cannot occur in XML, so the parts stay apart."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
