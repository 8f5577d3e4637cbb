"""What a person sent, in our own words: one value whatever the platform's message type was."""

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """The kind (消息类型) of an incoming message or event, as far as the conversation tells them apart."""

    TEXT = "text"
    MENU = "menu"  # a tap on the bottom menu; ``text`` is the menu key
    FOLLOW = "follow"  # 关注; ``text`` is the scene of the QR code, if any
    UNFOLLOW = "unfollow"  # 取消关注
    SCAN = "scan"  # a follower scanned a QR code of the account, or used 扫一扫 in the menu; ``text`` is what was read
    IMAGE = "image"
    VOICE = "voice"
    VIDEO = "video"
    LOCATION = "location"
    LINK = "link"
    QUIET = "quiet"  # receipts and reports for the system: nobody waits for an answer
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message of a person (上行消息), trusted and parsed.

    Attributes:
        key: the deduplication key, equal for re-pushes of one message (wechat.md A4).
        openid: who sent it; hidden from ``repr``.
        at: CreateTime, whole seconds since the epoch, the platform's clock.
        kind: what it is.
        text: the words, menu key or scene; "" where there are none. Hidden from ``repr``.
        question: the number of the question whose tap link (bizmsgmenu) was used; None when typed.
    """

    key: str = field(repr=False)
    openid: str = field(repr=False)
    at: int
    kind: Kind
    text: str = field(default="", repr=False)
    question: int | None = None
