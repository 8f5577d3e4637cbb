"""A PostgreSQL database of a run's own: made empty, dropped in the end."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine, make_url, text

from storage.engine import Timeouts, open_engine

SERVER = os.environ.get("QUXIANG_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/test")
"""Where the server is; the database named there is only used to create and drop others beside it."""


@contextmanager
def own_database(name: str, options: str = "") -> Iterator[str]:
    """Give the URL of a new database ``quxiang_bench_…``, in the form of our settings; options as SQL has them."""
    full = f"quxiang_bench_{name}_{os.getpid()}"
    _say(f"CREATE DATABASE {full} {options}")
    try:
        yield make_url(SERVER).set(drivername="postgresql", database=full).render_as_string(hide_password=False)
    finally:
        _say(f"DROP DATABASE {full} WITH (FORCE)")


def backends(database: str) -> Sequence[int]:
    """Return the server processes that work for a database now; theirs is the other half of what a message costs."""
    with _server() as connection:
        found = connection.execute(
            text("SELECT pid FROM pg_stat_activity WHERE datname = :name"), {"name": make_url(database).database}
        )
        return [row.pid for row in found]


def sizes(database: str) -> dict[str, int]:
    """Return the bytes of each table with indexes and all, and of the database."""
    engine = open_engine(database)
    with engine.connect() as connection:
        found = {
            str(name): int(size)
            for name, size in connection.execute(
                text("SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables ORDER BY 2 DESC LIMIT 8")
            )
        }
        found["database"] = int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
    engine.dispose()
    return found


def tidy(database: str) -> None:
    """Take the room of dead rows back, so that sizes say what is stored and not how lately it was written."""
    engine = open_engine(database, timeouts=Timeouts(statement=0))
    with engine.connect() as connection:
        connection.execute(text("VACUUM FULL"))
    engine.dispose()


def _say(words: str) -> None:
    with _server() as connection:
        connection.execute(text(words))


@contextmanager
def _server() -> Iterator[Connection]:
    engine = create_engine(SERVER, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 2})
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
