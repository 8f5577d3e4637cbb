"""The lane (连接通道): a connection of the pool, with SQLAlchemy's own around it only for what goes its way.

SQLAlchemy's Connection takes a tenth of what a message costs, for being made and closed, and no message of the chat
but a few needs it: their statements go straight to the driver (storage/ready.py).
"""

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Dialect, Engine
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import QueuePool

from storage.breaker import BREAKER, Breaker
from storage.faults import AwayError, fault_of
from storage.patience import seconds_left

if TYPE_CHECKING:
    from sqlalchemy.pool import PoolProxiedConnection

NO_ROOM = "all database connections are busy; pool_size is too small or the database too slow"


class Lane:
    """A connection that is lent until it is closed (借用的连接).

    Args:
        engine: whose pool lends it.
        around: SQLAlchemy's connection, where somebody has opened one already; it stays theirs to close.

    Raises:
        DBAPIError, or the driver's own error: on being made, when no connection comes about.
    """

    __slots__ = ("_around", "_lent", "dialect", "engine")

    def __init__(self, engine: Engine, around: Connection | None = None) -> None:
        self.engine = engine
        self.dialect: Dialect = engine.dialect
        self._around = around
        self._lent: PoolProxiedConnection | None = None if around is not None else engine.raw_connection()

    @property
    def connection(self) -> Connection:
        """SQLAlchemy's connection (连接), made when it is first asked for."""
        if self._around is None:
            self._around, self._lent = Connection(self.engine, self._lent), None
        return self._around

    @property
    def driver(self) -> Any:  # noqa: ANN401 -- the driver's connection
        """The driver's connection (驱动连接), a new one if the last was lost.

        Raises:
            DBAPIError, or the driver's own error: no new one comes about.
        """
        if self._around is not None:
            return self._around.connection.driver_connection
        if self._lent is None:
            self._lent = self.engine.raw_connection()
        return self._lent.driver_connection

    @property
    def is_lost(self) -> bool:
        """Whether it was thrown away and no new one was asked for yet (已失效)."""
        return self._lent is None if self._around is None else self._around.invalidated

    def throw_away(self) -> None:
        """Let nobody have this connection again (作废)."""
        if self._around is not None:
            self._around.invalidate()
        elif self._lent is not None:
            self._lent.invalidate()
            self._lent = None

    def close(self) -> None:
        """Give it back to the pool (归还)."""
        if self._around is not None:
            self._around.close()
        elif self._lent is not None:
            self._lent.close()


def connected(engine: Engine) -> Connection:
    """Open a connection of SQLAlchemy's (连接), for those who use more of it than a transaction does.

    Raises:
        AwayError: there is none to be had in time; no word of the driver travels with it.
    """
    return lent(engine).connection


def lent(engine: Engine) -> Lane:
    """Borrow a connection (借用连接), to be closed by the caller.

    Raises:
        AwayError: as ``connected`` does.
    """
    breaker: Breaker = engine.get_execution_options()[BREAKER]
    breaker.admit()
    _check_room(engine)
    try:
        return Lane(engine)
    except engine.dialect.loaded_dbapi.Error as error:
        fault = fault_of(error, is_lost=True)
        breaker.failed()
    except PoolTimeoutError:
        fault = AwayError(NO_ROOM)
    raise fault


def _check_room(engine: Engine) -> None:
    """A thread that cannot wait for as long as the pool would let it does not begin to."""
    pool = engine.pool
    if isinstance(pool, QueuePool) and pool.checkedout() >= pool.size() and seconds_left() < pool.timeout():
        raise AwayError(NO_ROOM)
