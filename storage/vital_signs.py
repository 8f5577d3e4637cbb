"""The vital signs (健康状况) of the database: can it be written, where does it stand, does anything send."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Engine, bindparam, event, insert, select

from bot.notices.scene import Halt, holding
from storage.access_token import access_token_table
from storage.beats import SqlBeats
from storage.engine import Timeouts, open_engine
from storage.halts import SqlHalts
from storage.lane import connected
from storage.migrating import revision_of
from storage.queue_facts import OLDEST_OF_SYSTEM
from storage.tables import limit_count, metadata
from storage.transaction import Transaction
from storage.unit import writing

_TRIAL = insert(limit_count)
_t = access_token_table(metadata).c
_TOKEN = select(_t.expires_at).where(_t.name == bindparam("name"))


@dataclass(frozen=True, slots=True)
class VitalSigns:
    """What the database says when it is asked how it is (健康状况).

    Attributes:
        beat: when a worker last said that it lives; None before the first.
        token_ends: when the access token kept in the database ends; None without one.
        halts: those in force.
        oldest_due: since when a message of the system has been due; None for none.
    """

    beat: datetime | None
    token_ends: datetime | None
    halts: Sequence[Halt] = field(repr=False)
    oldest_due: datetime | None


def open_fresh_engine(url: str, timeouts: Timeouts, most: int) -> Engine:
    """Open an engine whose connections are closed after use (探测用): each look makes its own, and leaves none behind.

    A connection that was kept would not notice that no new one can be had.

    Args:
        url: as for ``open_engine``.
        timeouts: the same.
        most: connections at once.
    """
    engine = open_engine(url, timeouts=timeouts, pool_size=most)
    event.listen(engine, "checkin", lambda _, record: record.invalidate())
    return engine


def try_to_write(engine: Engine, now: datetime) -> None:
    """Write a row and take it back (试写): a database that is full, read-only or locked does not even do that.

    The row has a key of its own, so nobody waits for it and it waits for nobody but SQLite's one writer.

    Raises:
        MovedError: somebody else is writing for longer than the engine waits.
        StoreError: it cannot be written.
    """
    with writing(engine) as transaction:
        transaction.write(_TRIAL, {"key": secrets.token_hex(32), "count": 0, "expires_at": now})


def read_vital_signs(
    engine: Engine, now: datetime, token_name: str, older: Collection[str]
) -> tuple[str | None, VitalSigns | None]:
    """Read where the tables stand, and what they say about the worker, the token and sending (读健康状况).

    Args:
        engine: of ``open_fresh_engine``: all is read on one connection.
        now: the present moment.
        token_name: which token.
        older: revisions whose tables may lack what is asked for; nothing else is read there.

    Raises:
        StoreError: it cannot be read, or its tables are not ours.
    """
    with connected(engine) as connection:
        here = revision_of(connection)
        return here, None if here is None or here in older else _signs(Transaction(connection), now, token_name)


def _signs(transaction: Transaction, now: datetime, token_name: str) -> VitalSigns:
    token = transaction.row(_TOKEN, {"name": token_name})
    due = transaction.row(OLDEST_OF_SYSTEM, {"now": now})
    return VitalSigns(
        SqlBeats(transaction).last(),
        datetime.fromtimestamp(token.expires_at, UTC) if token and token.expires_at else None,
        holding(SqlHalts(transaction).all(), now),
        due[0] if due else None,
    )
