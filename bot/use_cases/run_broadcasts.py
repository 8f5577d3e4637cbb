"""Run broadcasts (通知运行): start what is due, write its audience down, and finish what is done; any worker may."""

from collections.abc import Callable
from datetime import datetime

from bot.errors import MovedError
from bot.notices.broadcast import Broadcast, BroadcastState
from bot.ports import UnitOfWork
from bot.use_cases.staff_changes import Office

PIECE = 500
"""Graduates written into the ledger in one transaction: SQLite has one writer, and the chat must not wait."""

_MOVES = (BroadcastState.SCHEDULED, BroadcastState.RUNNING)


def run_broadcasts(office: Office, has_breath: Callable[[], bool] = lambda: True) -> int:
    """Take every broadcast a step further (推进通知); return how many steps were made.

    Args:
        office: see Office.
        has_breath: lets others write between two pieces; False when it is time to stop.
    """
    with office.work.reading() as uow:
        found = uow.broadcasts.in_states(_MOVES)
    steps = 0
    for broadcast in found:
        while _step(office, broadcast.id):
            steps += 1
            if not has_breath():
                return steps
    return steps


def _step(office: Office, broadcast_id: str) -> bool:
    """Make one step; False if there is none to make, or somebody else just made one."""
    now = office.clock()
    try:
        with office.work.writing() as uow:
            broadcast = uow.broadcasts.by_id(broadcast_id)
            is_made = broadcast is not None and _made(uow, office, broadcast, now)
            if is_made:
                uow.commit()
            return is_made
    except MovedError:
        return False


def _made(uow: UnitOfWork, office: Office, broadcast: Broadcast, now: datetime) -> bool:
    if broadcast.is_due(now):
        uow.broadcasts.save(broadcast, broadcast.start(now))
        return True
    if broadcast.state is not BroadcastState.RUNNING:
        return False
    if broadcast.frozen_at is None:
        uow.broadcasts.freeze_some(broadcast, now, office.new_id, PIECE)
        return True
    if uow.broadcasts.has_open(broadcast.id) or uow.batches.waiting_count(broadcast.id):
        return False
    uow.broadcasts.save(broadcast, broadcast.finish(now))
    return True
