"""The counts behind limits (限流计数) on our own database, where there is no Redis; fits the library ``limits``.

A count is one row and one statement: the database adds and tells the sum in one step, so that of any number of
processes at once each is told a different one. Under MySQL's dialect, where an upsert cannot answer, the statement
and the question share a transaction, whose row lock does the same.
"""

import hashlib
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from limits.storage import Storage
from sqlalchemy import BindParameter, Engine, bindparam, case, delete, select
from sqlalchemy.dialects import mysql, postgresql, sqlite

from bot.errors import MovedError
from storage.faults import StoreError
from storage.lane import connected
from storage.tables import Moment, limit_count
from storage.transaction import Transaction

Result = TypeVar("Result")

TRIES = 5
"""How often a count that lost a race (a deadlock, a busy file) is taken before the storage counts as away."""
SWEEP_EVERY = 512
"""After how many counts of a process the rows that expired are removed."""

_c = limit_count.c
_amount: BindParameter[int] = bindparam("amount")
_now = bindparam("now", type_=Moment)
_until = bindparam("until", type_=Moment)
_values = {"key": bindparam("row_key"), "count": _amount, "expires_at": _until}
_is_over = _c.expires_at <= _now
_sum = case((_is_over, _amount), else_=_c.count + _amount)
_end = case((_is_over, _until), else_=_c.expires_at)

_COUNT = {
    name: insert(limit_count)
    .values(_values)
    .on_conflict_do_update(index_elements=[_c.key], set_={"count": _sum, "expires_at": _end})
    .returning(_c.count)
    for name, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
# Assigned from left to right, each reading what was just assigned: the end of the window must come last.
_COUNT_MYSQL = (
    mysql.insert(limit_count).values(_values).on_duplicate_key_update([("count", _sum), ("expires_at", _end)])
)
_READ = select(_c.count, _c.expires_at).where(_c.key == bindparam("row_key"), _c.expires_at > _now)
_SWEEP = delete(limit_count).where(_is_over)
_CLEAR = delete(limit_count).where(_c.key == bindparam("row_key"))


def _present() -> datetime:
    return datetime.now(UTC)


class SqlLimitStorage(Storage):
    """Counts with an end (限流计数), shared by all processes of a database; for the fixed windows of ``limits``.

    A key is stored as its SHA-256 only. Whoever hands in addresses or numbers, of which there are few enough to try
    them all, must have made them unguessable before.

    Args:
        engine: one of ``open_engine``.
        clock: the present moment, which decides what has expired.
        wrap_exceptions: raise ``limits.errors.StorageError`` in place of the two below, as the library's own do.

    Raises:
        StoreError: from every method that counts or reads, if the database fails.
        MovedError: the same, if others kept getting in between.
    """

    STORAGE_SCHEME = None

    def __init__(
        self, engine: Engine, clock: Callable[[], datetime] = _present, *, wrap_exceptions: bool = False
    ) -> None:
        super().__init__(wrap_exceptions=wrap_exceptions)
        self._engine = engine
        self._clock = clock
        self._taken = itertools.count(1)

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """What a database that cannot count raises (存储错误)."""
        return (StoreError, MovedError)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to a count and return the sum (计数); its window of ``expiry`` seconds starts with the first."""
        now = self._clock()
        values = {
            "row_key": _blind(key),
            "amount": amount,
            "now": now,
            "until": now + timedelta(seconds=expiry),
        }
        count = self._patiently(lambda transaction: _count(transaction, self._engine.dialect.name, values))
        if next(self._taken) % SWEEP_EVERY == 0:
            self._patiently(lambda transaction: transaction.write(_SWEEP, {"now": now}))
        return count

    def get(self, key: str) -> int:
        """Return a count (读数), 0 if there is none or its window is over."""
        return self._read(key)[0]

    def get_expiry(self, key: str) -> float:
        """Return when a count's window ends (到期), in seconds since 1970; the present if there is none."""
        return self._read(key)[1].timestamp()

    def check(self) -> bool:
        """Return whether the database answers (是否可用)."""
        try:
            self._read("")
        except (StoreError, MovedError):
            return False
        return True

    def reset(self) -> int:
        """Forget all counts and return how many there were (清空)."""
        return self._patiently(lambda transaction: transaction.write(delete(limit_count)))

    def clear(self, key: str) -> None:
        """Forget a count (清零)."""
        self._patiently(lambda transaction: transaction.write(_CLEAR, {"row_key": _blind(key)}))

    def _read(self, key: str) -> tuple[int, datetime]:
        now = self._clock()
        row = self._patiently(lambda transaction: transaction.row(_READ, {"row_key": _blind(key), "now": now}))
        return (int(row[0]), row.expires_at) if row else (0, now)

    def _patiently(self, step: Callable[[Transaction], Result]) -> Result:
        for _ in range(TRIES - 1):
            try:
                return self._once(step)
            except MovedError:
                continue
        return self._once(step)

    def _once(self, step: Callable[[Transaction], Result]) -> Result:
        with connected(self._engine) as connection:
            transaction = Transaction(connection)
            try:
                return step(transaction)
            finally:
                transaction.end()


def _count(transaction: Transaction, dialect: str, values: dict[str, Any]) -> int:
    if dialect in _COUNT:
        row = transaction.row(_COUNT[dialect], values)
    else:
        transaction.begin()
        transaction.write(_COUNT_MYSQL, values)
        row = transaction.row(_READ, values)
        transaction.commit()
    # A window that ended between the two statements cannot have been ours: it was begun or found open by the first.
    return int(row[0]) if row else 0


def _blind(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
