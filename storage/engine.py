"""The engine (数据库引擎): SQLite, PostgreSQL and MariaDB opened so that they behave alike."""

import sqlite3
from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from bot.errors import BadValueError
from storage.breaker import BREAKER, Breaker
from storage.drivers import connect_mariadb, connect_postgres


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long the database may take (超时), in seconds; WeChat waits five in all.

    Attributes:
        connect: for opening a connection, and for waiting until one of the pool is free.
        statement: for one statement; 0 for no limit, as migrations need. The server keeps it; a second later the
            waiting side gives up by itself, because a frozen server keeps nothing.
        lock: for a row that another transaction holds.
        busy: for SQLite's one write lock.
    """

    connect: float = 2.0
    statement: float = 4.0
    lock: float = 2.0
    busy: float = 3.0


_GRACE = 1.0
"""Seconds after which a statement the server should have stopped is given up by the one who waits."""
_KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 3, "keepalives_count": 3}
"""An idle connection whose other end is gone without a word is noticed within twenty seconds."""
_ORPHANED = "60s"
"""How long PostgreSQL keeps the locks of a transaction whose owner says nothing more."""

_MEMORY = {None, "", ":memory:"}
_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}


def open_engine(url: str, *, timeouts: Timeouts | None = None, pool_size: int = 8) -> Engine:
    """Open the engine of a database URL (打开数据库); nothing is connected yet.

    Args:
        url: ``sqlite:///PATH``, ``postgresql://…`` or ``mariadb://…`` / ``mysql://…``; drivers are chosen here.
        timeouts: see Timeouts.
        pool_size: connections kept open; as many as threads that serve.

    Raises:
        BadValueError: not a URL of one of these databases; the URL is not repeated, for it may hold a password.
    """
    limits = timeouts or Timeouts()
    place = _parse(url)
    options: dict[str, Any] = {
        # Parameters are personal data; SQLAlchemy would put them into exception texts.
        "hide_parameters": True,
        # The units of work say BEGIN and COMMIT themselves (storage/transaction.py).
        "isolation_level": "AUTOCOMMIT",
        "skip_autocommit_rollback": True,
        # … so nothing is left to be taken back when a connection returns to the pool.
        "pool_reset_on_return": None,
        "execution_options": {BREAKER: Breaker()},
    }
    if place.get_backend_name() == "sqlite" and place.database in _MEMORY:
        options |= {"poolclass": StaticPool}
    else:
        options |= {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": limits.connect, "pool_recycle": 1800}
    engine = create_engine(place, connect_args=_connect_args(place, limits), **options)
    _listen(engine, limits)
    return engine


def _parse(url: str) -> URL:
    try:
        place = make_url(url)
        return place.set(drivername=_DRIVERS[place.get_backend_name()])
    except (ArgumentError, KeyError):
        pass
    raise BadValueError("数据库地址应以 sqlite:///、postgresql:// 或 mariadb:// 开头")


def _connect_args(place: URL, limits: Timeouts) -> dict[str, Any]:
    backend = place.get_backend_name()
    longest = limits.statement + _GRACE if limits.statement else float("inf")
    if backend == "sqlite":
        return {"timeout": limits.busy, "check_same_thread": False}
    if backend == "postgresql":
        settings = {
            "default_transaction_isolation": "read\\ committed",
            "statement_timeout": _milliseconds(limits.statement),
            "lock_timeout": _milliseconds(limits.lock),
            "timezone": "UTC",
        }
        if limits.statement:
            settings["idle_in_transaction_session_timeout"] = _ORPHANED
        words = " ".join(f"-c {name}={value}" for name, value in settings.items())
        # Without it libpq takes what the database has; from one in SQL_ASCII psycopg hands bytes where text is meant.
        named = {"options": words, "application_name": "quxiang", "client_encoding": "utf8", "longest": longest}
        return {"connect_timeout": _seconds(limits.connect), **named, **_KEEPALIVE}
    return {"charset": "utf8mb4", "connect_timeout": limits.connect, "longest": longest}


def _listen(engine: Engine, limits: Timeouts) -> None:
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    elif engine.dialect.name == "postgresql":
        event.listen(engine, "do_connect", connect_postgres)
    else:
        event.listen(engine, "do_connect", connect_mariadb)
        event.listen(engine, "connect", _mariadb_preparer(limits))


def _prepare_sqlite(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    """Prepare a SQLite connection: WAL, so that readers and the writer do not wait for each other.

    ``synchronous=NORMAL`` does not wait for the disk at each commit. A killed process loses nothing; a power
    cut may lose the last moments before it, never the file. That is worth it: an fsync for each message costs
    more than all the rest of a message, and an installation that may not lose them runs PostgreSQL.
    """
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _mariadb_preparer(limits: Timeouts) -> Any:  # noqa: ANN401 -- SQLAlchemy's listeners have no type of their own
    words = [
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "SET SESSION sql_mode='STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
        f"SET SESSION innodb_lock_wait_timeout={_seconds(limits.lock)}",
    ]

    def prepare(connection: Any, _: ConnectionPoolEntry) -> None:  # noqa: ANN401 -- PyMySQL's, not imported for a type
        # MySQL limits SELECT only, in milliseconds.
        is_mariadb = "MariaDB" in connection.get_server_info()
        limit = (
            f"max_statement_time={limits.statement}"
            if is_mariadb
            else f"max_execution_time={_milliseconds(limits.statement)}"
        )
        with connection.cursor() as cursor:
            for word in (*words, f"SET SESSION {limit}"):
                cursor.execute(word)

    return prepare


def _seconds(seconds: float) -> int:
    return max(1, round(seconds))


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
