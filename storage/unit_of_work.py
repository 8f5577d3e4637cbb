"""The unit of work (工作单元): one transaction over all that is stored."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from storage.cipher import FieldCipher
from storage.faults import StoreError, fault_of
from storage.guards import SqlGuards
from storage.notices import SqlNotices
from storage.registry import SqlRegistry
from storage.seasons import SqlSeasons
from storage.talks import SqlTalks
from storage.trail import SqlTrail
from storage.transaction import Transaction


class SqlUnitOfWork:
    """One transaction (事务); fits ``bot.ports.UnitOfWork``. Opened by SqlWork only."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._cipher = cipher

    @cached_property
    def talks(self) -> SqlTalks:
        """The talks (会话)."""
        return SqlTalks(self._transaction, self._cipher)

    @cached_property
    def registry(self) -> SqlRegistry:
        """The dossiers (登记档)."""
        return SqlRegistry(self._transaction, self._cipher)

    @cached_property
    def guards(self) -> SqlGuards:
        """The identity guards (身份核验防护)."""
        return SqlGuards(self._transaction, self._cipher)

    @cached_property
    def notices(self) -> SqlNotices:
        """The outbox of notices (主动消息)."""
        return SqlNotices(self._transaction, self._cipher)

    @cached_property
    def seasons(self) -> SqlSeasons:
        """The seasons (届)."""
        return SqlSeasons(self._transaction)

    @cached_property
    def trail(self) -> SqlTrail:
        """The trace (足迹)."""
        return SqlTrail(self._transaction)

    def commit(self) -> None:
        """Make everything permanent (提交).

        Raises:
            MovedError: another transaction got in between; nothing was stored, so load again and retry.
            StoreError: the database failed; where the connection broke, it may have stored everything or nothing.
        """
        self._transaction.commit()


class SqlWork:
    """Opens units of work on an engine of ``open_engine`` (工作单元); fits ``bot.ports.Work``.

    Several statements of a unit may see what others committed in between (read committed, or autocommit): what is
    written is safe all the same, because every write compares the counter that was read.
    """

    def __init__(self, engine: Engine, cipher: FieldCipher) -> None:
        self._engine = engine
        self._cipher = cipher

    @contextmanager
    def reading(self) -> Iterator[SqlUnitOfWork]:
        """Open a unit that only reads and holds no lock (只读); its commit does nothing."""
        with self._connected() as connection:
            yield SqlUnitOfWork(Transaction(connection), self._cipher)

    @contextmanager
    def writing(self) -> Iterator[SqlUnitOfWork]:
        """Open a unit that may write (可写); left without ``commit``, everything is taken back.

        On SQLite it is the only writer until it is left, so nothing slow belongs inside, a call to WeChat least of all.
        """
        with self._connected() as connection:
            transaction = Transaction(connection)
            transaction.begin()
            try:
                yield SqlUnitOfWork(transaction, self._cipher)
            finally:
                transaction.end()

    def _connected(self) -> Connection:
        try:
            return self._engine.connect()
        except DBAPIError as error:
            fault = str(fault_of(error.orig))
        except PoolTimeoutError:
            fault = "all database connections are busy; pool_size is too small or the database too slow"
        raise StoreError(fault)
