"""Send mass messages (群发): for whom nothing else is left, in batches, each stored before its call and settled after.

Whoever dies in between leaves a batch that is sent again under the same identifier while the platform surely knows
it, or is UNKNOWN; its members always share its state.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.errors import MovedError
from bot.notices.broadcast import Broadcast, BroadcastState
from bot.notices.delivery import Channel, Delivery, DeliveryState, Reason
from bot.notices.mass import (
    MOST,
    MOST_BYTES,
    MassBatch,
    after_call,
    asked,
    asked_later,
    batch_sizes,
    begun,
    given_up,
    taken_up,
)
from bot.notices.ports import Post
from bot.notices.scene import Offer, halt_of, in_force, judge
from bot.notices.settling import Sent, skipped
from bot.notices.variables import Reading, filled
from bot.ports import Clock, UnitOfWork, Work
from bot.registration.season import day_of
from bot.use_cases.staff_changes import ATTEMPTS

ASKED_AT_ONCE = 5
"""Jobs asked about in one step: each is a call, and batches that are due must not wait behind many."""

PIECE = 1000
"""People left out in one transaction: SQLite has one writer, and the chat must not wait."""

TOO_LONG = "变量填好后正文超过 2000 字节，群发放不下"


@dataclass(frozen=True, slots=True)
class MassMeans:
    """What mass messages need from the world (群发条件).

    Attributes:
        work: opens units of work.
        post: the channels.
        clock: the present moment.
        owner: names this process in the ledger.
        jitter: 0.5 to 1.5, spreads the pauses.
        new_id: makes identifiers.
        is_stopping: tells whether to begin nothing more.
        most: accounts in one call.
    """

    work: Work
    post: Post
    clock: Clock
    owner: str
    jitter: Callable[[], float]
    new_id: Callable[[], str]
    is_stopping: Callable[[], bool] = lambda: False
    most: int = MOST


def run_mass(means: MassMeans) -> int:
    """Take the mass messages a step further (推进群发); return how much was done, 0 for nothing.

    Batches left over come first, then new ones, one after the other, then questions about jobs no report has come
    about. A worker calls it every second; any number of workers may.
    """
    return _go_on(means) + _begin(means) + _ask(means)


# -- batches left over -----------------------------------------------------------------------------------


def _go_on(means: MassMeans) -> int:
    with means.work.reading() as uow:
        left = uow.batches.to_do(means.clock())
    return sum(_take_up(means, batch) for batch in left if not means.is_stopping())


def _take_up(means: MassMeans, batch: MassBatch) -> bool:
    now = means.clock()
    try:
        with means.work.writing() as uow:
            broadcast = uow.broadcasts.by_id(batch.broadcast_id)
            after = taken_up(batch, broadcast, _is_halted(uow, now), means.owner, now)
            if after == batch or not uow.batches.move(batch, after):
                return False
            text = _text(uow, broadcast, now) if broadcast is not None else ""
            uow.commit()
    except MovedError:
        return False
    if after.state is DeliveryState.SENDING:
        _send(means, after, text)
    return True


# -- new batches -----------------------------------------------------------------------------------------


def _begin(means: MassMeans) -> int:
    with means.work.reading() as uow:
        running = uow.broadcasts.in_states([BroadcastState.RUNNING])
    steps = 0
    for broadcast in running:
        if broadcast.message.use_mass and broadcast.frozen_at is not None:
            while not means.is_stopping() and _begin_one(means, broadcast):
                steps += 1
    return steps


def _begin_one(means: MassMeans, broadcast: Broadcast) -> bool:
    """Form the next batch and send it; False if there is none to be formed now."""
    now = means.clock()
    with means.work.reading() as uow:
        text = _text(uow, broadcast, now)
        judged = _judged(uow, means, broadcast, now) if text else ()
    members = [one for one in judged if one.state is DeliveryState.QUEUED]
    sizes = batch_sizes(len(members), means.most) if len(text.encode()) <= MOST_BYTES else ()
    left_out = [one for one in judged if one.state is not DeliveryState.QUEUED]
    left_out += [] if sizes else [_to_be_called(one, text) for one in members]
    try:
        for start in range(0, len(left_out), PIECE):
            with means.work.writing() as uow:
                uow.batches.leave_out(left_out[start : start + PIECE])
                uow.commit()
        batch = _stored(means, broadcast, members[: sizes[0]], now) if sizes else None
    except MovedError:
        return False
    if batch is not None:
        _send(means, batch, text)
    return batch is not None


def _judged(uow: UnitOfWork, means: MassMeans, broadcast: Broadcast, now: datetime) -> Sequence[Delivery]:
    """Look once more at everybody who waits (发送前复核); nobody, while it is not their turn."""
    if not _is_their_turn(uow, broadcast.id, now):
        return ()
    offer = Offer(means.post.channels & {Channel.MASS})
    judged = [judge(scene, broadcast, offer, now) for scene in uow.batches.waiting(broadcast.id, now)]
    # Who has to wait a little longer is waited for: apart, they might be one too few.
    return judged if len(judged) == uow.batches.waiting_count(broadcast.id) else ()


def _is_their_turn(uow: UnitOfWork, broadcast_id: str, now: datetime) -> bool:
    """Tell whether everybody who can be reached otherwise has been (轮到群发), and mass messages may go out."""
    return not _is_halted(uow, now) and not uow.broadcasts.has_open(broadcast_id)


def _to_be_called(delivery: Delivery, text: str) -> Delivery:
    """Return somebody whom no batch takes, for the telephone list."""
    if len(text.encode()) > MOST_BYTES:
        return replace(skipped(delivery, Reason.NO_CHANNEL), why=TOO_LONG, to_show=True)
    return replace(skipped(delivery, Reason.ALONE), to_show=True)


def _stored(means: MassMeans, broadcast: Broadcast, members: Sequence[Delivery], now: datetime) -> MassBatch | None:
    """Store the batch as being sent; None if it is not to be sent after all."""
    batch = MassBatch(
        id=means.new_id(),
        broadcast_id=broadcast.id,
        state=DeliveryState.QUEUED,
        size=len(members),
        created_at=now,
        attempts=max(one.attempts for one in members),
    )
    with means.work.writing() as uow:
        current = uow.broadcasts.by_id(broadcast.id)
        # Looking at thousands took a moment: staff may have paused it, or another worker have been quicker.
        if current is None or current.version != broadcast.version or not _is_their_turn(uow, broadcast.id, now):
            return None
        stored = uow.batches.add(begun(batch, means.owner, now), members, broadcast.audience.stages)
        if stored is not None:
            uow.commit()
    return stored


def _is_halted(uow: UnitOfWork, now: datetime) -> bool:
    return Channel.MASS in in_force(uow.halts.all(), now)


def _text(uow: UnitOfWork, broadcast: Broadcast, now: datetime) -> str:
    """Return the words, the same for everybody (群发正文); "" before there is a season."""
    season = uow.seasons.current()
    if season is None:
        return ""
    message = broadcast.message
    return filled(message.text, Reading(season, day_of(now), message.day or season.closes))


# -- the call --------------------------------------------------------------------------------------------


def _send(means: MassMeans, batch: MassBatch, text: str) -> None:
    with means.work.reading() as uow:
        openids = uow.batches.openids(batch.id)
    sent = means.post.send_mass(batch.id, openids, text)
    for attempt in range(ATTEMPTS):
        try:
            return _settle(means, batch, sent)
        except MovedError:
            # What came of the call must be written down; after that many tries the lease ends, and it is unsure.
            if attempt == ATTEMPTS - 1:
                raise
    return None


def _settle(means: MassMeans, batch: MassBatch, sent: Sent) -> None:
    now = means.clock()
    with means.work.writing() as uow:
        broadcast = uow.broadcasts.by_id(batch.broadcast_id)
        is_cancelled = broadcast is None or broadcast.state is BroadcastState.CANCELLED
        after = after_call(batch, sent, now, means.jitter())
        if is_cancelled and after.state is DeliveryState.QUEUED:
            after = given_up(after)
        if not uow.batches.move(batch, after) and sent.message_id:
            uow.batches.note_message(batch.id, sent.message_id)
        if is_cancelled:
            # Whoever got free again was cancelled while the call was under way.
            uow.broadcasts.cancel_rest(batch.broadcast_id)
        if (halt := halt_of(sent, Channel.MASS, now)) is not None:
            uow.halts.put(halt)
        uow.commit()


# -- jobs no report has come about -----------------------------------------------------------------------


def _ask(means: MassMeans) -> int:
    with means.work.reading() as uow:
        silent = uow.batches.to_ask(means.clock(), ASKED_AT_ONCE)
    return sum(_ask_one(means, batch) for batch in silent if not means.is_stopping())


def _ask_one(means: MassMeans, batch: MassBatch) -> bool:
    """Ask about one job; the next time is stored before, so that nobody else asks meanwhile."""
    later = asked_later(batch, means.clock())
    if not _moved(means, batch, later):
        return False
    after = asked(later, means.post.mass_state(batch.message_id))
    if after != later:
        _moved(means, later, after)
    return True


def _moved(means: MassMeans, old: MassBatch, new: MassBatch) -> bool:
    try:
        with means.work.writing() as uow:
            is_moved = uow.batches.move(old, new)
            uow.commit()
    except MovedError:
        return False
    return is_moved
