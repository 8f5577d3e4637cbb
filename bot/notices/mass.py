"""Mass messages (群发): people cut into calls the platform takes, and what becomes of a batch and its members; pure.

A batch is like one delivery that goes by MASS under its own identifier, so the rules of ``bot.notices.delivery`` hold
for it; its members follow. What surely was not sent is taken apart again, and everybody is free for another batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.notices.broadcast import Broadcast, BroadcastState
from bot.notices.delivery import AWAITED, Channel, Delivery, DeliveryState, Reason
from bot.notices.parcel import MassState
from bot.notices.report import Report
from bot.notices.settling import Sent, Verdict, interrupted, is_too_late, reported, settled, skipped

LEAST, MOST = 2, 10_000
"""Accounts one call takes. Source: doc/service/guide/product/message/Batch_Sends."""

MOST_BYTES = 2000
"""Bytes of a text that is the same for everybody, its variables filled in."""

LEASE = timedelta(seconds=60)
"""How long a worker that is not heard of keeps a batch: a call with 10,000 accounts may take seconds, nobody renews
meanwhile, and the platform wants a minute between two calls of one identifier anyway (45066)."""

REPEAT_AFTER = timedelta(seconds=61)
"""The least pause before the same identifier is tried again (45066: one minute)."""

ASK_EVERY, ASK_FOR = timedelta(minutes=10), timedelta(days=1)
"""A job no report has come about is asked about this often, and no longer than this."""


def batch_sizes(count: int, most: int = MOST) -> tuple[int, ...]:
    """Return the sizes of the batches for ``count`` people (分批), none below two; () for a single one, who is called.

    Args:
        count: people to be reached.
        most: accounts in one batch, at least three.
    """
    if count < LEAST:
        return ()
    full, rest = divmod(count, most)
    if not rest:
        return (most,) * full
    if rest < LEAST and full:
        # A batch of one is refused; one person of the last full batch keeps the single one company.
        return (*(most,) * (full - 1), most - 1, rest + 1)
    return (*(most,) * full, rest)


@dataclass(frozen=True, slots=True)
class MassBatch:
    """One call to the platform for many people (群发批次); its members share its state.

    Attributes:
        id: identifier; also the ``clientmsgid`` of every attempt.
        broadcast_id: the broadcast.
        state: as of a delivery. SKIPPED means that it was taken apart: its members wait for another batch, or, with
            the reason NO_CHANNEL, look for another way.
        size: how many people.
        created_at: when it was put together.
        reason, attempts, sending_at, unsure_since, message_id, code: as of a delivery.
        next_at: when it is due: QUEUED to be sent, ACCEPTED to be asked about, SKIPPED for its members.
        counts: what the platform counted: TotalCount, FilterCount, SentCount, ErrorCount; empty before.
        lease_owner, lease_until: the worker that has it.
    """

    id: str
    broadcast_id: str
    state: DeliveryState
    size: int
    created_at: datetime
    reason: Reason | None = None
    attempts: int = 0
    next_at: datetime | None = None
    sending_at: datetime | None = None
    unsure_since: datetime | None = None
    message_id: str = ""
    code: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    lease_owner: str = ""
    lease_until: datetime | None = None


def begun(batch: MassBatch, owner: str, now: datetime) -> MassBatch:
    """Return a batch with one more attempt begun (开始发送), to be stored before the call."""
    return replace(
        batch,
        state=DeliveryState.SENDING,
        reason=None,
        attempts=batch.attempts + 1,
        next_at=None,
        sending_at=now,
        lease_owner=owner,
        lease_until=now + LEASE,
    )


def after_call(batch: MassBatch, sent: Sent, now: datetime, jitter: float) -> MassBatch:
    """Return the batch after an attempt (结算).

    Args:
        batch: SENDING, with this attempt counted.
        sent: what the attempt came to.
        now: the present moment.
        jitter: 0.5 to 1.5, spreads the pauses.
    """
    one = _as_one(batch)
    if sent.verdict in {Verdict.GONE, Verdict.BLOCKED}:
        # Said of one among thousands, and not of whom: nobody is called gone for it, and somebody has to look.
        failed = replace(one, state=DeliveryState.FAILED_TEMP, reason=Reason.PLATFORM, code=sent.code)
        return _like(batch, failed if one.unsure_since is None else skipped(failed, Reason.NO_ANSWER))
    after = settled(one, sent, now, jitter)
    if after.state is DeliveryState.ACCEPTED:
        after = replace(after, next_at=now + ASK_EVERY)
    elif after.state is DeliveryState.QUEUED and after.unsure_since is not None:
        after = replace(after, next_at=max(after.next_at or now, now + REPEAT_AFTER))
    return _like(batch, after)


def taken_up(batch: MassBatch, broadcast: Broadcast | None, is_halted: bool, owner: str, now: datetime) -> MassBatch:
    """Return what becomes of a batch nobody has any more (接手): sent again, given up, or as it was.

    Args:
        batch: QUEUED and due, or SENDING with its lease over.
        broadcast: its broadcast as of now.
        is_halted: whether no mass message may go out for now.
        owner: who would send it.
        now: the present moment.
    """
    if batch.state is DeliveryState.SENDING:
        batch = _like(batch, interrupted(_as_one(batch), now, Reason.INTERRUPTED))
    if batch.state is not DeliveryState.QUEUED:
        return batch
    if broadcast is None or is_too_late(_as_one(batch), now) or _is_over(broadcast, now):
        return given_up(batch)
    if is_halted or broadcast.state is not BroadcastState.RUNNING:
        return batch
    return begun(batch, owner, now)


def given_up(batch: MassBatch) -> MassBatch:
    """Return a batch that is not sent again (放弃): UNKNOWN, since a batch waits only while it may have gone out."""
    return _like(batch, skipped(_as_one(batch), Reason.NO_ANSWER))


def counted(batch: MassBatch, report: Report) -> MassBatch:
    """Return the batch after the platform's report of the whole job (群发回执, MASSSENDJOBFINISH).

    Where fewer were sent than asked the counts are kept and nothing else: the platform does not say who missed it.
    """
    noted = replace(batch, counts=report.counts or batch.counts)
    if report.state is DeliveryState.DELIVERED and not _has_all(noted):
        return noted if batch.state in AWAITED else batch
    one = _as_one(batch)
    after = reported(one, report.state, report.reason)
    return batch if after == one else _like(noted, after)


def counted_words(batch: MassBatch) -> str:
    """Return what the platform counted, as staff read it (群发计数); "" where nobody is known to be left out."""
    if not batch.counts or _has_all(batch):
        return ""
    total, sent = batch.counts.get("TotalCount", batch.size), batch.counts.get("SentCount", 0)
    return f"微信报告：{total} 人里发出 {sent} 人，另外 {total - sent} 人没有发出，微信不说是谁"


def asked(batch: MassBatch, state: MassState) -> MassBatch:
    """Return an accepted batch after the platform was asked about it (查询群发状态)."""
    if state is MassState.SENT:
        return replace(batch, state=DeliveryState.DELIVERED, next_at=None)
    if state is MassState.FAILED:
        return replace(batch, state=DeliveryState.FAILED_TEMP, reason=Reason.PLATFORM, next_at=None)
    return batch


def asked_later(batch: MassBatch, now: datetime) -> MassBatch:
    """Return an accepted batch with the time when it is asked about again (下次查询), None after a day."""
    next_at = now + ASK_EVERY
    is_last = next_at > (batch.sending_at or batch.created_at) + ASK_FOR
    return replace(batch, next_at=None if is_last else next_at)


def member_of(batch: MassBatch) -> Delivery:
    """Return what a member becomes with its batch (成员): state, reason, times, code, and who shows it; no more."""
    one = _as_one(batch)
    if batch.state is DeliveryState.SKIPPED:
        is_refused = batch.reason is Reason.NO_CHANNEL
        return replace(
            one,
            state=DeliveryState.QUEUED,
            reason=None,
            channel=None if is_refused else Channel.MASS,
            refused=frozenset({Channel.MASS} if is_refused else ()),
        )
    is_queued = batch.state is DeliveryState.QUEUED
    # The chat shows what surely did not arrive; of everything else nobody shall read it twice.
    is_lost = batch.state is DeliveryState.FAILED_TEMP
    return replace(one, next_at=batch.next_at if is_queued else None, message_id="", to_show=is_lost)


def _is_over(broadcast: Broadcast, now: datetime) -> bool:
    is_late = broadcast.not_after is not None and now >= broadcast.not_after
    return is_late or broadcast.state is BroadcastState.CANCELLED


def _has_all(batch: MassBatch) -> bool:
    """Tell whether everybody was sent it; a report without numbers means the whole job."""
    return not batch.counts or batch.counts.get("SentCount") == batch.counts.get("TotalCount")


def _as_one(batch: MassBatch) -> Delivery:
    """Return the batch as one delivery, so that the rules for deliveries judge it."""
    return Delivery(
        id=batch.id,
        openid="",
        key="",
        data={},
        once=batch.id,
        created_at=batch.created_at,
        broadcast_id=batch.broadcast_id,
        state=batch.state,
        reason=batch.reason,
        channel=Channel.MASS,
        attempts=batch.attempts,
        next_at=batch.next_at,
        sending_at=batch.sending_at,
        unsure_since=batch.unsure_since,
        message_id=batch.message_id,
        code=batch.code,
    )


def _like(batch: MassBatch, one: Delivery) -> MassBatch:
    """Return the batch as the rules for deliveries want it; free for another way means taken apart."""
    state, reason = one.state, one.reason
    if state is DeliveryState.QUEUED and one.unsure_since is None:
        state, reason = DeliveryState.SKIPPED, Reason.NO_CHANNEL if Channel.MASS in one.refused else None
    return replace(
        batch,
        state=state,
        reason=reason,
        attempts=one.attempts,
        next_at=one.next_at,
        unsure_since=one.unsure_since,
        message_id=one.message_id,
        code=one.code,
        lease_owner="",
        lease_until=None,
    )
