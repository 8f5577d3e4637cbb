"""The drivers (数据库驱动), made to give up in time on a server that has gone silent.

``statement_timeout`` is kept by the server, so a server that is frozen, or behind a network that swallows packets,
never keeps it. The kernel acknowledges for a stopped process, so TCP's own time-outs see nothing either. Only the
side that waits can give up. It closes the connection then; what was under way may have happened or not.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.generators import execute
from psycopg.pq import ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult
from pymysql.connections import Connection
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.pool import ConnectionPoolEntry

from storage.faults import AwayError
from storage.patience import seconds_left
from storage.postgres import Sentence

_WAKE = 0.1  # seconds between two looks for Ctrl-C, as psycopg has it
_STEP = 0.25
_SHORTEST = 0.05
_QUICKEST = 2.0  # psycopg connects in two seconds or more, whatever it is told

_FINE = frozenset([ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK])

T = TypeVar("T")


class SilentError(psycopg.OperationalError):
    """The server did not answer in time (无应答); the connection is closed."""


class PatientPostgres(psycopg.Connection[Any]):
    """A connection to PostgreSQL that waits for an answer no longer than it should (限时连接)."""

    longest = float("inf")
    """Seconds for one exchange with the server."""

    def __init__(self, pgconn: Any) -> None:  # noqa: ANN401 -- libpq's connection, which psycopg hands in
        super().__init__(pgconn)
        self._prepared_here: set[Sentence] = set()
        self._reading = Transformer(self)

    def tell(self, sentence: Sentence, values: Sequence[bytes | None], forms: Sequence[int]) -> int:
        """Have a statement run that returns nothing (执行); return how many rows it touched."""
        return self._told(sentence, values, forms).command_tuples or 0

    def ask(self, sentence: Sentence, values: Sequence[bytes | None], forms: Sequence[int]) -> list[tuple[Any, ...]]:
        """Return the rows a statement finds (查询)."""
        result = self._told(sentence, values, forms)
        self._reading.set_pgresult(result)
        rows = self._reading.load_rows(0, result.ntuples, tuple)
        self._reading.set_pgresult(None)  # or a person's row would lie here until the next one comes
        return rows

    def _told(self, sentence: Sentence, values: Sequence[bytes | None], forms: Sequence[int]) -> PGresult:
        if sentence not in self._prepared_here:
            self.pgconn.send_prepare(sentence.name, sentence.sql.encode())
            self._heard()
            self._prepared_here.add(sentence)
        self.pgconn.send_query_prepared(sentence.name, values, forms, result_format=Format.BINARY)
        return self._heard()

    def _heard(self) -> PGresult:
        result: PGresult = self.wait(execute(self.pgconn))[0]
        if result.status not in _FINE:
            raise error_from_result(result)
        return result

    def wait(self, gen: PQGen[T], interval: float = _WAKE, timeout: float | None = None) -> T:
        """Wait as psycopg does, within ``longest`` and the patience of the thread."""
        seconds = seconds_left(self.longest if timeout is None else min(timeout, self.longest))
        if seconds == float("inf"):
            return super().wait(gen, interval)
        try:
            return super().wait(gen, interval, seconds)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
                raise
            # The server still owes an answer, so this is the end of our patience and not a word of its own.
            self.pgconn.finish()
        raise SilentError("the server did not answer in time")


class PatientMariaDb(Connection):
    """A connection to MariaDB or MySQL that waits for an answer no longer than it should (限时连接)."""

    longest: float | None = None
    """Seconds for one exchange with the server; None as long as nobody has connected."""

    def _execute_command(self, command: int, sql: Any) -> None:  # noqa: ANN401 -- text or bytes, as PyMySQL likes
        # The one place every command passes. The limit moves in steps, because each change of a socket's time-out
        # gives the GIL away.
        if self.longest is not None:
            left = seconds_left(self.longest)
            limit = None if left == float("inf") else max(_SHORTEST, left // _STEP * _STEP)
            self._read_timeout = self._write_timeout = limit
        super()._execute_command(command, sql)  # type: ignore[misc]  # not in the stubs


def connect_postgres(_: Dialect, __: ConnectionPoolEntry, args: Any, options: dict[str, Any]) -> PatientPostgres:  # noqa: ANN401 -- as SQLAlchemy passes them
    """Connect to PostgreSQL in time (连接); for SQLAlchemy's ``do_connect``.

    Raises:
        AwayError: the thread has too little patience left to begin with it.
    """
    longest = options.pop("longest")
    if seconds_left() < _QUICKEST:
        raise AwayError("there is no time left to connect to the database")
    # psycopg prepares nothing by itself: with the first ROLLBACK it would forget all that is prepared, ours as well.
    connection = PatientPostgres.connect(*args, **options, prepare_threshold=None)
    connection.longest = longest
    return connection


def connect_mariadb(_: Dialect, __: ConnectionPoolEntry, args: Any, options: dict[str, Any]) -> PatientMariaDb:  # noqa: ANN401 -- as SQLAlchemy passes them
    """Connect to MariaDB in time (连接); for SQLAlchemy's ``do_connect``.

    Raises:
        AwayError: the thread has too little patience left to begin with it.
    """
    longest = options.pop("longest")
    limit = seconds_left(options["connect_timeout"])
    if limit < _SHORTEST:
        raise AwayError("there is no time left to connect to the database")
    # PyMySQL counts the greeting of the server among the reads.
    options |= {"connect_timeout": limit, "read_timeout": limit, "write_timeout": limit}
    connection = PatientMariaDb(*args, **options)
    connection.longest = longest
    return connection


def is_silence(error: BaseException | None) -> bool:
    """Tell whether a driver's error means that the server did not answer in time (无应答), not that it is gone."""
    return isinstance(error, SilentError) or (error is not None and isinstance(error.__context__, TimeoutError))
