"""Settling (结算): what every result of a call, a report, a retry or a lost worker makes of a delivery; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from bot.errors import RuleError
from bot.notices.delivery import AWAITED, MOST_ATTEMPTS, RESENDABLE, Delivery, DeliveryState, Reason


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
DAILY_QUOTA = 45009
"""The platform's code for a daily quota that is used up: nobody's fault, and over at midnight."""
BUSY, TOO_FAST = -1, 45011
"""Codes by which the platform says that it is busy, and that calls come too quickly, whatever limit it told; surely
nothing was sent, and the sender slows down."""
_MOST_HALTS = 3
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
        return _halted(noted, sent, now)
    if verdict is Verdict.OTHER_WAY:
        # A refusal now says nothing of an earlier attempt that got no answer.
        if noted.unsure_since is not None:
            return _unknown(noted, Reason.NO_ANSWER)
        refused = noted.refused | ({noted.channel} if noted.channel else frozenset())
        return _again(replace(noted, refused=refused), now)
    if noted.attempts >= MOST_ATTEMPTS:
        tired = replace(noted, state=DeliveryState.FAILED_TEMP, reason=_TIRED[verdict])
        return tired if noted.unsure_since is None else _unknown(noted, Reason.NO_ANSWER)
    pause = _FREQUENCY_PAUSE * jitter if verdict is Verdict.TOO_FREQUENT else pause_after(noted.attempts, jitter)
    return _again(noted, now + pause)


def _halted(delivery: Delivery, sent: Sent, now: datetime) -> Delivery:
    """Return a delivery that met a closed channel; a code nobody knows may be about this person alone, so it counts."""
    if sent.is_everywhere or sent.code in {0, DAILY_QUOTA}:
        return _again(delivery, sent.until or now, attempts=delivery.attempts - 1)
    if delivery.attempts < _MOST_HALTS:
        return _again(delivery, sent.until or now)
    if delivery.unsure_since is not None:
        return _unknown(delivery, Reason.NO_ANSWER)
    return replace(delivery, state=DeliveryState.FAILED_TEMP, reason=Reason.PLATFORM)


def reported(delivery: Delivery, state: DeliveryState, reason: Reason | None) -> Delivery:
    """Return the delivery after the platform's report (送达回执); one that comes too late changes nothing.

    Reports come early, twice, late or never, so only DELIVERED and the two failures count, and only for a delivery
    that may have gone out and whose end is not known yet.
    """
    ends = {DeliveryState.DELIVERED, DeliveryState.FAILED_TEMP, DeliveryState.FAILED_PERM}
    if state not in ends or delivery.state not in AWAITED:
        return delivery
    return replace(delivery, state=state, reason=reason)


def tried_again(delivery: Delivery, now: datetime) -> Delivery:
    """Return a delivery that somebody wants sent again (重试): one that failed for the time, or whose end is unknown.

    Raises:
        RuleError: it arrived, or trying again cannot help, or it is still under way.
    """
    if delivery.state not in {DeliveryState.FAILED_TEMP, DeliveryState.UNKNOWN}:
        raise RuleError("sending.rule.retry", f"这一条“{delivery.state.value}”，不用重试")
    again = replace(
        delivery, reason=None, code=0, attempts=0, unsure_since=None, message_id="", refused=frozenset(), why=""
    )
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


def released(delivery: Delivery, at: datetime | None) -> Delivery:
    """Return a delivery that nothing was done with yet, for whoever comes next (放回队列); pure."""
    return replace(delivery, state=DeliveryState.QUEUED, next_at=at)


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
