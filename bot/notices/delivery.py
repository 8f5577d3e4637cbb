"""The delivery (投递): one message to one person, and the only ways its state may go."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

from bot.errors import RuleError

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
    attempts: int = 0
    next_at: datetime | None = None
    sending_at: datetime | None = None
    unsure_since: datetime | None = None
    message_id: str = ""
    code: int = 0
    to_show: bool = False


class Verdict(Enum):
    """What an attempt came to (发送结果)."""

    ACCEPTED = "accepted"  # the platform has it
    AGAIN = "again"  # surely not sent: a passing fault
    UNSURE = "unsure"  # no usable answer: it may have been sent
    OTHER_WAY = "other_way"  # surely not sent, and not to be sent this way now: choose another channel
    TOO_FREQUENT = "too_frequent"  # this person had too many: later, for this person only
    GONE = "gone"  # the person does not follow, or never did
    BLOCKED = "blocked"  # the person refuses messages
    CONTENT = "content"  # the platform refuses what was said
    HALT = "halt"  # nothing goes this way until ``Sent.until``; this attempt does not count


@dataclass(frozen=True, slots=True)
class Sent:
    """An attempt's result (发送结果).

    Attributes:
        verdict: see Verdict.
        message_id: the platform's identifier, "" where it names none.
        code: the platform's error code, 0 for none.
        said: what staff should read about a HALT, such as the address to be whitelisted.
        until: when a halted channel may be tried again.
        is_everywhere: whether a HALT is about all channels, as with a refused server address.
    """

    verdict: Verdict
    message_id: str = ""
    code: int = 0
    said: str = ""
    until: datetime | None = None
    is_everywhere: bool = False


_ENDS: Mapping[Verdict, tuple[DeliveryState, Reason]] = {
    Verdict.GONE: (DeliveryState.FAILED_PERM, Reason.NOT_FOLLOWING),
    Verdict.BLOCKED: (DeliveryState.FAILED_PERM, Reason.BLOCKED),
    Verdict.CONTENT: (DeliveryState.FAILED_PERM, Reason.CONTENT),
}
_TIRED: Mapping[Verdict, Reason] = {Verdict.AGAIN: Reason.BUSY, Verdict.TOO_FREQUENT: Reason.TOO_FREQUENT}
_FREQUENCY_PAUSE = timedelta(minutes=10)


def settled(delivery: Delivery, sent: Sent, now: datetime, jitter: float) -> Delivery:
    """Return the delivery after an attempt (结算); pure.

    Args:
        delivery: SENDING, with the channel it went, and with this attempt counted.
        sent: what the attempt came to.
        now: the present moment.
        jitter: 0.5 to 1.5, spreads the pauses.
    """
    verdict, noted = sent.verdict, replace(delivery, code=sent.code, reason=None)
    if verdict is Verdict.ACCEPTED:
        return replace(noted, state=DeliveryState.ACCEPTED, message_id=sent.message_id)
    if verdict is Verdict.UNSURE:
        return interrupted(noted, now, Reason.NO_ANSWER, pause_after(noted.attempts, jitter))
    if verdict in _ENDS:
        state, reason = _ENDS[verdict]
        return replace(noted, state=state, reason=reason)
    if verdict is Verdict.HALT:
        return _again(noted, sent.until or now, attempts=noted.attempts - 1)
    if verdict is Verdict.OTHER_WAY:
        # A refusal now says nothing of an earlier attempt that got no answer.
        return _again(noted, now) if noted.unsure_since is None else _unknown(noted, Reason.NO_ANSWER)
    if noted.attempts >= MOST_ATTEMPTS:
        tired = replace(noted, state=DeliveryState.FAILED_TEMP, reason=_TIRED[verdict])
        return tired if noted.unsure_since is None else _unknown(noted, Reason.NO_ANSWER)
    pause = _FREQUENCY_PAUSE * jitter if verdict is Verdict.TOO_FREQUENT else pause_after(noted.attempts, jitter)
    return _again(noted, now + pause)


def reported(delivery: Delivery, state: DeliveryState, reason: Reason | None) -> Delivery:
    """Return the delivery after the platform's report (送达回执); one that comes too late changes nothing.

    Reports come early, twice, late or never, so only DELIVERED and the two failures count, and only for a delivery
    that may have gone out and whose end is not known yet.
    """
    ends = {DeliveryState.DELIVERED, DeliveryState.FAILED_TEMP, DeliveryState.FAILED_PERM}
    waits = {DeliveryState.SENDING, DeliveryState.ACCEPTED, DeliveryState.UNKNOWN}
    if state not in ends or delivery.state not in waits:
        return delivery
    return replace(delivery, state=state, reason=reason)


def tried_again(delivery: Delivery, now: datetime) -> Delivery:
    """Return a delivery that somebody wants sent again (重试): one that failed for the time, or whose end is unknown.

    Raises:
        RuleError: it arrived, or trying again cannot help, or it is still under way.
    """
    if delivery.state not in {DeliveryState.FAILED_TEMP, DeliveryState.UNKNOWN}:
        raise RuleError("notice.rule.retry", f"这一条“{delivery.state.value}”，不用重试")
    again = replace(delivery, reason=None, code=0, attempts=0, unsure_since=None, message_id="")
    return _again(again, now)


def interrupted(delivery: Delivery, now: datetime, reason: Reason, pause: timedelta = timedelta(0)) -> Delivery:
    """Return the delivery after an attempt nobody knows the end of (结果不明), repeated only where safe; pure."""
    since = delivery.unsure_since or delivery.sending_at or now
    unsure = replace(delivery, unsure_since=since)
    safe = delivery.channel is not None and delivery.channel.knows_repeats
    if not safe or is_too_late(unsure, now + pause) or delivery.attempts >= MOST_ATTEMPTS:
        return _unknown(unsure, reason)
    return _again(unsure, now + pause)


def is_too_late(delivery: Delivery, now: datetime) -> bool:
    """Tell whether the platform may have forgotten an attempt that may have succeeded (超过九分钟)."""
    return delivery.unsure_since is not None and now - delivery.unsure_since >= RESENDABLE


def skipped(delivery: Delivery, reason: Reason) -> Delivery:
    """Return the delivery as not sent, for a reason (不发送); one that may have gone out already is UNKNOWN; pure."""
    if delivery.unsure_since is not None:
        return _unknown(delivery, Reason.NO_ANSWER)
    return replace(delivery, state=DeliveryState.SKIPPED, reason=reason, channel=None)


def pause_after(attempts: int, jitter: float) -> timedelta:
    """Return how long to wait before the next attempt (退避): 2, 4, … 256 seconds, spread by ``jitter``."""
    return timedelta(seconds=jitter * 2 ** min(max(attempts, 1), 8))


def _again(delivery: Delivery, at: datetime, attempts: int | None = None) -> Delivery:
    return replace(
        delivery,
        state=DeliveryState.QUEUED,
        channel=delivery.channel if delivery.unsure_since else None,
        next_at=at,
        attempts=delivery.attempts if attempts is None else attempts,
    )


def _unknown(delivery: Delivery, reason: Reason) -> Delivery:
    return replace(delivery, state=DeliveryState.UNKNOWN, reason=reason)
