"""The transaction (事务): one connection, the words BEGIN and COMMIT, and every fault in our own words."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable, Row, Select, Table, insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bot.errors import MovedError, QuxiangError
from storage.breaker import BREAKER, Breaker
from storage.compiling import Made
from storage.drivers import is_silence
from storage.faults import AwayError, LostError, TakenError, fault_of
from storage.lane import NO_ROOM, Lane
from storage.postgres import MOVED, Sentence, Told, together
from storage.ready import Ready

# SQLite takes the write lock at once: a lock taken later, by the first UPDATE, fails without waiting if the
# snapshot read before is no longer the newest.
_BEGIN: dict[str, Callable[[Any], object]] = {
    "sqlite": lambda driver: driver.execute("BEGIN IMMEDIATE"),
    "postgresql": lambda driver: driver.execute("BEGIN"),
    "mysql": lambda driver: driver.begin(),
    "mariadb": lambda driver: driver.begin(),
}


@cache
def _together(parts: tuple[Told, ...]) -> Sentence:
    """There are as many as there are kinds of steps: some dozens."""
    return together(parts)


class Transaction:
    """A connection in a unit of work (事务).

    The driver is in autocommit mode, so that a read costs one round trip and no BEGIN, COMMIT or ROLLBACK
    beside it; a writing unit says these words itself.

    On PostgreSQL a writing unit begins only when it must: what it writes row by row (``write_one``) is gathered, and
    told as one statement with the commit if nothing else was asked for in between. A graduate's step is that: one
    trip instead of seven.

    Raises:
        MovedError: from every method, if somebody else wrote first.
        StoreError: from every method, if the database fails otherwise.
    """

    __slots__ = ("_breaker", "_gathered", "_is_begun", "_is_fresh", "_is_postgres", "_is_writing", "_lane")

    def __init__(self, connection: Connection | Lane) -> None:
        self._lane = connection if isinstance(connection, Lane) else Lane(connection.engine, connection)
        self._breaker: Breaker = connection.engine.get_execution_options()[BREAKER]
        self._is_fresh = True
        self._is_postgres = connection.dialect.name == "postgresql"
        self._is_writing = False
        self._is_begun = False
        self._gathered: list[tuple[Told, Mapping[str, Any]]] = []

    @property
    def dialect(self) -> str:
        """The name of the database (数据库种类): sqlite, postgresql, mysql or mariadb."""
        return self._lane.dialect.name

    @property
    def is_writing(self) -> bool:
        """Whether what it writes waits for a commit (写事务中)."""
        return self._is_writing

    def begin(self) -> None:
        """Begin to write (开始事务)."""
        self._is_writing = True
        if not self._is_postgres:
            self._say_begin()

    def _say_begin(self) -> None:
        self._say(_BEGIN[self.dialect])
        self._is_begun = True

    def commit(self) -> None:
        """Make everything permanent (提交); nothing in a unit that only reads."""
        self._write_gathered()
        if self._is_begun:
            self._say(lambda driver: driver.commit())
        self._is_begun = self._is_writing = False

    def end(self) -> None:
        """Take back what was not committed (回滚). A connection that cannot do even this is thrown away."""
        self._gathered.clear()
        self._is_writing = False
        if not self._is_begun or self._lane.is_lost:
            return
        self._is_begun = False
        try:
            self._lane.driver.rollback()
        except self._lane.dialect.loaded_dbapi.Error:
            self._lane.throw_away()

    def row(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Row[Any] | None:
        """Return the first row found (取一行), or None."""
        return self._run(statement, parameters).first()

    def rows(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """Return all rows found (取多行)."""
        return self._run(statement, parameters).all()

    def write(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> int:
        """Run a statement that writes (写入), once for each set of parameters; return how many rows it touched."""
        return self._run(statement, parameters).rowcount

    def row_of(self, ready: Ready, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Return the first row a ready statement finds (取一行), or None."""
        found = self.rows_of(ready, parameters)
        return found[0] if found else None

    def rows_of(self, ready: Ready, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Return all rows a ready statement finds (取多行)."""
        self._begin_in_earnest()
        if self._is_postgres:
            told = ready.told()
            values, forms = told.values(parameters)
            rows = self._say(lambda driver: driver.ask(told.sentence, values, forms))
            return [told.row(row) for row in rows]
        made = ready.made(self._lane.dialect)
        return [made.row(found) for found in self._driven(made, parameters).fetchall()]

    def write_one(self, ready: Ready, parameters: Mapping[str, Any]) -> None:
        """Write one row (写一行), now or, at the latest, before anything else is asked or the unit is committed.

        Raises:
            MovedError: there is no such row any more, now or later; the unit is to be left without commit.
        """
        if not self._is_postgres:
            if self._driven(ready.made(self._lane.dialect), parameters).rowcount != 1:
                raise MovedError(MOVED)
            return
        told = ready.told()
        if any(other.table == told.table for other, _ in self._gathered):
            self._begin_in_earnest()
        self._gathered.append((told, parameters))
        if not self._is_writing:
            self._write_gathered()

    def _begin_in_earnest(self) -> None:
        """Something is asked that needs the transaction, or must see what was gathered."""
        if self._is_writing and self._is_postgres:
            if not self._is_begun:
                self._say_begin()
            self._write_gathered()

    def _write_gathered(self) -> None:
        if not self._gathered:
            return
        gathered, self._gathered = self._gathered, []
        values: list[bytes | None] = []
        forms: list[int] = []
        for told, parameters in gathered:
            more_values, more_forms = told.values(parameters)
            values += more_values
            forms += more_forms
        parts = tuple(told for told, _ in gathered)
        sentence = _together(parts) if len(parts) > 1 else parts[0].sentence
        if self._say(lambda driver: driver.tell(sentence, values, forms)) != 1:
            raise MovedError(MOVED)

    def _driven(self, made: Made, parameters: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- the driver's cursor
        values = made.values(parameters)

        def run(driver: Any) -> Any:  # noqa: ANN401 -- the driver's connection
            cursor = driver.cursor()
            cursor.execute(made.sql, values)
            return cursor

        return self._say(run)

    def insert_many(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert many rows with the same columns (批量插入).

        The statement is compiled once and the values go straight to the driver: what SQLAlchemy does for each row
        of an executemany costs as much as the database's own work.
        """
        self._begin_in_earnest()
        made = Ready(insert(table), names=list(rows[0])).made(self._lane.dialect)
        values = [made.values(row) for row in rows]
        self._guarded(lambda: self._lane.connection.exec_driver_sql(made.sql, values))

    def write_new(self, statement: Executable, parameters: Mapping[str, Any]) -> bool:
        """Insert behind a savepoint (保存点); False, with nothing done, if a unique value is taken."""
        self._begin_in_earnest()
        try:
            with self._lane.connection.begin_nested():
                self._run(statement, parameters)
        except TakenError:
            return False
        return True

    def passing_over(self, statement: Select[Any]) -> Select[Any]:
        """Return a statement that locks what it finds, and passes over what others hold (跳过已锁定的行).

        SQLite has one writer, who holds everything.
        """
        return statement if self.dialect == "sqlite" else statement.with_for_update(skip_locked=True)

    def analyse(self, table: Table) -> None:
        """Let PostgreSQL look at a table that has just grown (统计信息), or it plans as if it were empty.

        Inside a transaction nobody else sees what grew, so its own daemon cannot; the others need no telling.
        """
        if self._is_postgres:
            self._run(text(f"ANALYZE {table.name}"))

    def _run(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        self._begin_in_earnest()
        return self._guarded(lambda: self._lane.connection.execute(statement, parameters))

    def _guarded(self, run: Callable[[], CursorResult[Any]]) -> CursorResult[Any]:
        is_fresh, self._is_fresh = self._is_fresh, False
        try:
            result = run()
        except DBAPIError as error:
            # Only the code is kept; raising outside this block leaves no driver text in __context__.
            is_stale = is_fresh and error.connection_invalidated and not is_silence(error.orig)
            fault = fault_of(error.orig, is_lost=error.connection_invalidated)
        except PoolTimeoutError:
            is_stale, fault = False, AwayError(NO_ROOM)
        else:
            self._breaker.worked()
            return result
        if is_stale:
            # A pooled connection died while idle, as after a restart of the server. Nothing was done with it
            # yet, so doing it again is safe, and cheaper than a ping before each unit.
            self._lane.connection.rollback()
            return self._guarded(run)
        raise self._noticed(fault)

    def _say(self, word: Callable[[Any], Any]) -> Any:  # noqa: ANN401 -- whatever the driver answers
        """Have the driver do it: on the way through SQLAlchemy it costs more than in the database."""
        is_fresh, self._is_fresh = self._is_fresh, False
        driver, dialect = self._driver(), self._lane.dialect
        try:
            answer = word(driver)
        except dialect.loaded_dbapi.Error as error:
            is_lost = dialect.is_disconnect(error, driver, None)
            is_stale = is_fresh and is_lost and not is_silence(error)
            fault = fault_of(error, is_lost=is_lost)
        else:
            self._breaker.worked()
            return answer
        if is_lost:
            self._lane.throw_away()
        if is_stale:
            return self._say(word)
        raise self._noticed(fault)

    def _driver(self) -> Any:  # noqa: ANN401 -- the driver's connection
        """Return the driver's connection, a new one if the last was lost."""
        try:
            return self._lane.driver
        except DBAPIError as error:
            fault = fault_of(error.orig, is_lost=True)
        except self._lane.dialect.loaded_dbapi.Error as error:
            fault = fault_of(error, is_lost=True)
        except PoolTimeoutError:
            fault = AwayError(NO_ROOM)
        raise self._noticed(fault)

    def _noticed(self, fault: QuxiangError) -> QuxiangError:
        """Tell the others that the database is away, if that is the fault."""
        if isinstance(fault, LostError):
            self._breaker.failed()
        return fault
