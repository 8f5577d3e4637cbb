"""The facts about queues and people (队列与进度数字) that are counted in the database: no process could know them.

Everything is counted on an index; of what grows for ever – messages sent, footsteps – only the open end is looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, bindparam, case, func, literal_column, select

from bot.notices.broadcast import BroadcastState
from bot.notices.delivery import DeliveryState
from bot.notices.scene import Halt, holding
from storage.beats import SqlBeats
from storage.delivery_reports import UNMATCHED
from storage.halts import SqlHalts
from storage.lane import connected
from storage.notice_tables import broadcast, delivery, mass_batch
from storage.pace import stored_rate
from storage.tables import Moment, footstep, graduate, season, talk
from storage.transaction import Transaction

TRAIL = timedelta(hours=1)
_MOST_TURNS = 300
"""Kinds of turns told apart, the most frequent ones; all flows together have fewer."""

_d, _b, _f, _g = delivery.c, broadcast.c, footstep.c, graduate.c
_OPEN = (DeliveryState.QUEUED, DeliveryState.LEASED, DeliveryState.SENDING, DeliveryState.UNKNOWN)
_HELD = (DeliveryState.LEASED, DeliveryState.SENDING)
_NOW = bindparam("now", type_=Moment)
_BY = case((_d.broadcast_id == "", "system"), else_="broadcast")
_QUEUE = (
    select(_BY.label("sender"), _d.state, func.count().label("n"))
    .where(_d.state.in_([state.name for state in _OPEN]))
    .group_by(_BY, _d.state)
)
_FIRST_DUE = func.min(_d.next_at)
OLDEST_OF_SYSTEM = select(_FIRST_DUE).where(
    _d.broadcast_id == "", _d.state == DeliveryState.QUEUED.name, _d.next_at <= _NOW
)
"""Since when a message of the system has been due; needs the parameter ``now``."""

_OLDEST_OF_BROADCASTS = select(_FIRST_DUE).where(
    _d.broadcast_id.in_(select(_b.id).where(_b.state == BroadcastState.RUNNING.name, _b.frozen_at.is_not(None))),
    _d.state == DeliveryState.QUEUED.name,
    _d.next_at <= _NOW,
)
_OLDEST_LEASE = select(func.min(_d.lease_until)).where(_d.state.in_([state.name for state in _HELD]))
_BROADCASTS = select(_b.state, func.count().label("n")).group_by(_b.state)
_BATCHES = select(mass_batch.c.state, func.count().label("n")).group_by(mass_batch.c.state)
_TURNS = (
    select(_f.step, _f.outcome, func.count().label("n"))
    .where(_f.at > bindparam("since", type_=Moment))
    .group_by(_f.step, _f.outcome)
    .order_by(literal_column("n").desc())
    .limit(_MOST_TURNS + 1)
)
_TALKS = select(func.count()).select_from(talk)
_STAGES = (
    select(_g.stage, func.count().label("n"))
    .where(_g.season_id.in_(select(season.c.id).where(season.c.is_current == 1)))
    .group_by(_g.stage)
)


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """What is waiting, under way and done (队列与进度数字), as of one moment.

    Attributes:
        queue: deliveries in open states, by sender (``system``, ``broadcast``) and name of the state.
        oldest_due: since when something has been due, by sender; senders with nothing due are missing.
        oldest_lease: when the lease ends, or ended, that ends first.
        unmatched: reports of the platform that no delivery was found for yet.
        broadcasts: broadcasts by name of the state.
        batches: mass batches, the same.
        turns: turns of the last hour by step and outcome, most frequent first.
        talks: WeChat accounts that have ever written.
        stages: graduates of the current season by name of the stage.
        halts: in force.
        per_second: calls to WeChat a second at present; None before the first.
        beat: when a worker last said that it lives.
    """

    queue: Mapping[tuple[str, str], int]
    oldest_due: Mapping[str, datetime]
    oldest_lease: datetime | None
    unmatched: int
    broadcasts: Mapping[str, int]
    batches: Mapping[str, int]
    turns: Mapping[tuple[str, str], int]
    talks: int
    stages: Mapping[str, int]
    halts: Sequence[Halt]
    per_second: float | None
    beat: datetime | None


def count_queues(engine: Engine, now: datetime) -> QueueFacts:
    """Count everything (统计一遍), each number for itself: together they are no snapshot.

    Raises:
        StoreError: the database does not say.
    """
    with connected(engine) as connection:
        transaction = Transaction(connection)

        def one(statement: Any) -> Any:  # noqa: ANN401 -- a statement of one column, whatever its type
            row = transaction.row(statement, {"now": now})
            return row[0] if row else None

        due = {"system": one(OLDEST_OF_SYSTEM), "broadcast": one(_OLDEST_OF_BROADCASTS)}
        rate = stored_rate(transaction)
        turns = transaction.rows(_TURNS, {"since": now - TRAIL})
        return QueueFacts(
            queue={(row.sender, row.state): row.n for row in transaction.rows(_QUEUE)},
            oldest_due={sender: moment for sender, moment in due.items() if moment is not None},
            oldest_lease=one(_OLDEST_LEASE),
            unmatched=int(one(UNMATCHED) or 0),
            broadcasts={row.state: row.n for row in transaction.rows(_BROADCASTS)},
            batches={row.state: row.n for row in transaction.rows(_BATCHES)},
            turns={(row.step, row.outcome): row.n for row in turns[:_MOST_TURNS]},
            talks=int(one(_TALKS) or 0),
            stages={row.stage: row.n for row in transaction.rows(_STAGES)},
            halts=holding(SqlHalts(transaction).all(), now),
            per_second=rate / 1000 if rate is not None else None,
            beat=SqlBeats(transaction).last(),
        )
