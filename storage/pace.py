"""The pace (发送速度) that all processes share: one row with the next slot and the present rate."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, bindparam, insert, select, update

from bot.errors import MovedError
from bot.notices.pacing import Setting, grown, slowed, spread
from storage.lane import connected
from storage.notice_tables import pace
from storage.tables import Moment
from storage.transaction import Transaction
from storage.unit import writing

_NAME = "wechat"
_p = pace.c
_READ = select(_p.next_slot, _p.rate, _p.changed_at, _p.lowered_at).where(_p.name == _NAME)
_INSERT = insert(pace)
_UPDATE = update(pace).where(
    _p.name == _NAME, _p.next_slot == bindparam("was_slot", type_=Moment), _p.rate == bindparam("was_rate")
)
_TRIES = 20

Change = Callable[[Setting], tuple[Setting, Sequence[datetime]]]
"""What is done to the pace (改动): the new setting, and the slots taken."""


class SqlPace:
    """The pace in the database (发送速度); fits ``bot.notices.ports.Pace``; safe for threads.

    Args:
        engine: of ``open_engine``.
        per_second: the rate that was set; the present one is never above it.
    """

    def __init__(self, engine: Engine, per_second: float) -> None:
        self._engine = engine
        self._most = round(per_second * 1000)

    def reserve(self, now: datetime, most: int) -> Sequence[datetime]:
        """Take the next slots (预约时刻), at most so many of the next twentieth of a second, at least one."""

        def take(setting: Setting) -> tuple[Setting, Sequence[datetime]]:
            return spread(grown(setting, self._most, now), now, most)

        return self._changed(take, now)

    def slow_down(self, now: datetime, *, by_limit: bool) -> None:
        """Lower the rate, once for a second (降速): half for a limit, a tenth less if the platform is busy."""
        self._changed(lambda setting: (slowed(setting, now, by_limit=by_limit), ()), now)

    def rate(self) -> float:
        """Return the present rate in calls a second (当前速度)."""
        with connected(self._engine) as connection:
            stored = stored_rate(Transaction(connection))
        return min(stored if stored is not None else self._most, self._most) / 1000

    def _changed(self, change: Change, now: datetime) -> Sequence[datetime]:
        """Read, change, and write back if it still is what was read."""
        for _ in range(_TRIES):
            with writing(self._engine) as transaction:
                if (old := self._read(transaction, now)) is None:
                    continue
                new, slots = change(old)
                if self._write(transaction, old, new):
                    transaction.commit()
                    return tuple(slots)
        raise MovedError("the pace is changed all the time")

    def _read(self, transaction: Transaction, now: datetime) -> Setting | None:
        # The row's lock makes the others wait a moment, instead of all but one trying again.
        statement = _READ if transaction.dialect == "sqlite" else _READ.with_for_update()
        row = transaction.row(statement)
        if row is not None:
            return Setting(row.next_slot, row.rate, row.changed_at, row.lowered_at)
        first = Setting(now, self._most, now, now)
        values = {"name": _NAME, **_columns(first)}
        return first if transaction.write_new(_INSERT, values) else None

    @staticmethod
    def _write(transaction: Transaction, old: Setting, new: Setting) -> bool:
        was = {"was_slot": old.next_slot, "was_rate": old.rate}
        return old == new or transaction.write(_UPDATE, {**was, **_columns(new)}) == 1


def stored_rate(transaction: Transaction) -> int | None:
    """Return the present rate in calls in a thousand seconds (当前速度), None before the first call."""
    row = transaction.row(_READ)
    return row.rate if row else None


def _columns(setting: Setting) -> dict[str, Any]:
    return {
        "next_slot": setting.next_slot,
        "rate": setting.rate,
        "changed_at": setting.changed_at,
        "lowered_at": setting.lowered_at,
    }
