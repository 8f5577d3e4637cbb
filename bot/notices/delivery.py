"""The delivery (投递): one message to one person, and the only ways its state may go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

LEASE = timedelta(seconds=10)
"""How long a worker that is not heard of keeps what it took; a heartbeat renews it."""

RESENDABLE = timedelta(minutes=9)
"""How long the platform surely remembers a ``client_msg_id`` (ten minutes by its documentation, one kept in hand)."""

MOST_ATTEMPTS = 8
"""How often a passing fault is tried again; with doubling pauses that is about eight minutes."""


class Channel(Enum):
    """A way to a person (发送渠道); the value is what staff read."""

    SERVICE = "客服消息"
    TEMPLATE = "模板消息"
    SUBSCRIPTION = "订阅通知"
    MASS = "群发"

    @property
    def knows_repeats(self) -> bool:
        """Whether the platform takes a second attempt under the same identifier for the first one."""
        return self in {Channel.TEMPLATE, Channel.MASS}

    @property
    def has_form(self) -> bool:
        """Whether it fills in a form with room for a title and a day only (固定模板)."""
        return self in FORMS


FORMS = frozenset({Channel.TEMPLATE, Channel.SUBSCRIPTION})
"""Channels that fill in a form chosen when the system was set up (固定模板); the platform reports on these alone."""


class DeliveryState(Enum):
    """The state of a delivery (投递状态); the value is what staff read."""

    QUEUED = "待发送"  # due at ``next_at``
    LEASED = "已领取"  # a worker has it, nothing was sent yet
    SENDING = "发送中"  # committed before the call: from here on it may have gone out
    ACCEPTED = "微信已接收"
    DELIVERED = "已送达"
    FAILED_TEMP = "未送达，可重试"
    FAILED_PERM = "未送达，无法送达"
    UNKNOWN = "结果不明"  # it may have arrived: never sent again without somebody's word
    SKIPPED = "没有发送"  # see the reason


class Reason(Enum):
    """Why a delivery was not sent or did not arrive (原因); the value is what staff read."""

    NOT_BOUND = "还没有登录公众号"
    NOT_FOLLOWING = "已取消关注"
    DONE = "已经办好，不用提醒"
    NO_CHANNEL = "没有能用的渠道，请打电话"
    CANCELLED = "通知已取消"
    OVERDUE = "过了最晚发送时间"
    SAID_NOTHING = "这条消息的内容已不存在"
    LOST_BINDING = "微信已解除绑定"
    ALONE = "群发至少要 2 人，只剩这一人，请打电话"
    BLOCKED = "拒收消息"
    CONTENT = "微信不接受这段内容"
    BUSY = "微信一直繁忙"
    TOO_FREQUENT = "短时间内给这个人发得太多"
    PLATFORM = "微信发送失败"
    NO_ANSWER = "发出后没有等到微信的答复"
    INTERRUPTED = "发送时系统中断"


OPEN = frozenset({DeliveryState.QUEUED, DeliveryState.LEASED, DeliveryState.SENDING})
"""States in which something will still be done by a worker."""

SENT = frozenset({DeliveryState.SENDING, DeliveryState.ACCEPTED, DeliveryState.UNKNOWN, DeliveryState.DELIVERED})
"""States in which the person may have, or has, the message."""

AWAITED = SENT - {DeliveryState.DELIVERED}
"""States in which it may have gone out and its end is not known yet: what a report can still be about."""

WAYS: Mapping[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.QUEUED: frozenset({DeliveryState.LEASED, DeliveryState.SKIPPED, DeliveryState.UNKNOWN}),
    DeliveryState.LEASED: frozenset(
        {DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.SKIPPED, DeliveryState.UNKNOWN}
    ),
    DeliveryState.SENDING: frozenset(
        {
            DeliveryState.QUEUED,  # surely not sent, or safe to repeat
            DeliveryState.ACCEPTED,
            DeliveryState.DELIVERED,  # the report was quicker than our own note
            DeliveryState.FAILED_TEMP,
            DeliveryState.FAILED_PERM,
            DeliveryState.UNKNOWN,
        }
    ),
    DeliveryState.ACCEPTED: frozenset({DeliveryState.DELIVERED, DeliveryState.FAILED_TEMP, DeliveryState.FAILED_PERM}),
    # A report may clear up what became of it; a member of the staff may have it sent again.
    DeliveryState.UNKNOWN: frozenset(
        {DeliveryState.DELIVERED, DeliveryState.FAILED_TEMP, DeliveryState.FAILED_PERM, DeliveryState.QUEUED}
    ),
    DeliveryState.FAILED_TEMP: frozenset({DeliveryState.QUEUED}),  # by somebody's click only
    DeliveryState.FAILED_PERM: frozenset(),
    DeliveryState.DELIVERED: frozenset(),
    DeliveryState.SKIPPED: frozenset(),
}
"""State → the states it may go to; everything else is a mistake of ours, and storage compares before it writes."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one person (投递).

    Attributes:
        id: identifier, 32 hex digits; also the ``client_msg_id`` of every attempt.
        broadcast_id: the broadcast it belongs to; "" for a message of the system itself.
        graduate_id: of whom it is about; "" where that is not known.
        openid: the account; "" while there is none.
        key: the sentence, a key of texts.zh.toml; "" where the broadcast has the text.
        data: values for its placeholders.
        once: a name unique over all deliveries, so that the same thing is never said twice.
        created_at: when it came up.
        state: see DeliveryState.
        reason: why it was not sent or did not arrive, or None.
        channel: the way it went; while QUEUED the only way it may go, see ``unsure_since``, or None for any.
        why: why this channel, as staff read it; "" before one was chosen.
        refused: channels that did not take it, so that it is not offered to them again.
        attempts: how often sending was tried.
        next_at: when it is due.
        sending_at: when the last attempt began.
        unsure_since: when the oldest attempt began that may have succeeded, or None; from then on it goes the same
            way under the same identifier, or not at all.
        message_id: the platform's own identifier of the message, "" before it was told.
        code: the platform's last error code, 0 for none.
        to_show: whether its text is shown with the person's next answer.
    """

    id: str
    openid: str = field(repr=False)
    key: str
    data: Mapping[str, str] = field(repr=False)
    once: str
    created_at: datetime
    broadcast_id: str = ""
    graduate_id: str = ""
    state: DeliveryState = DeliveryState.QUEUED
    reason: Reason | None = None
    channel: Channel | None = None
    why: str = ""
    refused: frozenset[Channel] = frozenset()
    attempts: int = 0
    next_at: datetime | None = None
    sending_at: datetime | None = None
    unsure_since: datetime | None = None
    message_id: str = ""
    code: int = 0
    to_show: bool = False
