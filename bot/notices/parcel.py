"""The parcel (待发内容): everything a channel needs to send one message to one person, and what a mass job came to."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from bot.conversation.reply import Reply
from bot.errors import BadValueError
from bot.notices.delivery import Channel

LONGEST_TITLE = 20
"""Characters a template field of the kind ``thing`` takes (模板字段 thing)."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message to one person, ready for its channel (待发内容).

    Attributes:
        id: identifier of the delivery, the same in every attempt; the platform's ``client_msg_id``.
        openid: to whom.
        channel: the way it goes; mass messages are no parcels.
        reply: the whole text, for a customer-service message.
        title: what it is about, for the two channels with fixed forms.
        at: the moment those forms name: the last second of a deadline, or when it came up.
    """

    id: str
    openid: str = field(repr=False)
    channel: Channel
    reply: Reply
    title: str
    at: datetime

    def __post_init__(self) -> None:
        if not 0 < len(self.title) <= LONGEST_TITLE:
            raise BadValueError(f"标题要有 1 到 {LONGEST_TITLE} 个字")


class MassState(Enum):
    """How far a mass job is at the platform (群发任务状态)."""

    SENDING = "发送中"
    SENT = "已发完"
    FAILED = "发送失败"
    UNKNOWN = "查不到"
