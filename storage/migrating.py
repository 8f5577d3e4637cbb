"""The migrations (数据库迁移): bring a database to the tables this code needs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from storage.engine import Timeouts, open_engine
from storage.faults import StoreError
from storage.lane import connected
from storage.transaction import Transaction

_WITHOUT_HASTE = Timeouts(connect=5, statement=0, lock=60, busy=60)

# Two processes that start at once must not migrate at once. SQLite's BEGIN IMMEDIATE is enough.
_LOCKS = {
    "postgresql": text("SELECT pg_advisory_xact_lock(7105001)"),
    "mysql": text("SELECT GET_LOCK('quxiang-migrations', 60)"),
    "mariadb": text("SELECT GET_LOCK('quxiang-migrations', 60)"),
}


class EncodingError(StoreError):
    """The database cannot hold Chinese (数据库编码不对); the text says which encoding it has and what to do."""


def migrate(url: str, revision: str = "head") -> None:
    """Bring the database of a URL to a revision (迁移到), by default the newest; nothing happens if it is there.

    On SQLite and PostgreSQL all steps happen or none; MariaDB commits each change of a table by itself.

    Args:
        url: as for ``open_engine``.
        revision: a revision's identifier, or "head"; an older one, or "base", takes changes back.

    Raises:
        EncodingError: the database is there, but not in UTF-8; nothing was changed.
        StoreError: the database cannot be reached.
    """
    engine = open_engine(url, timeouts=_WITHOUT_HASTE, pool_size=1)
    try:
        with _locked(engine) as connection:
            _demand_utf8(connection)
            config = _config()
            config.attributes["connection"] = connection
            here, there = revision_of(connection), _number(config, revision)
            if there >= _number(config, here or "base"):
                command.upgrade(config, revision)
            else:
                command.downgrade(config, revision)
    finally:
        engine.dispose()


def current_revision(engine: Engine) -> str | None:
    """Return the revision a database stands at (当前版本), or None if it was never migrated.

    Raises:
        AwayError: the database does not answer.
        StoreError: it cannot be asked.
    """
    with connected(engine) as connection:
        return revision_of(connection)


def revision_of(connection: Connection) -> str | None:
    """Do ``current_revision`` on a connection that is open already.

    Raises:
        StoreError: it cannot be asked.
    """
    try:
        return MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        fault = type(error).__name__
    raise StoreError(f"the database cannot be asked for its revision: {fault}")


def head_revision() -> str | None:
    """Return the newest revision this code knows (最新版本)."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def known_revisions() -> Sequence[str]:
    """Return all revisions this code knows (已知版本), oldest first.

    A database that stands at another one was brought there by newer code: what was only added does not disturb this
    code, so that a deploy may migrate first.
    """
    scripts = ScriptDirectory.from_config(_config())
    return [script.revision for script in reversed(list(scripts.walk_revisions()))]


@contextmanager
def _locked(engine: Engine) -> Iterator[Connection]:
    with connected(engine) as connection:
        transaction = Transaction(connection)
        transaction.begin()
        try:
            if (lock := _LOCKS.get(engine.dialect.name)) is not None:
                transaction.row(lock)
            yield connection
            transaction.commit()
        finally:
            transaction.end()


def _demand_utf8(connection: Connection) -> None:
    """PostgreSQL alone has one encoding for all; a server set up without a locale makes databases in SQL_ASCII."""
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise EncodingError(
            f"数据库的编码是 {encoding}，存不好中文，没有改动任何东西：请另建一个 UTF8 的库，"
            "例如 createdb --template=template0 --encoding=UTF8 --locale=C.UTF-8 --owner=quxiang quxiang"
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(str(files("storage"))) / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _number(config: Config, revision: str) -> int:
    """Return the revision's place in the line, the base 0."""
    scripts = ScriptDirectory.from_config(config)
    line = ["base", *(script.revision for script in reversed(list(scripts.walk_revisions())))]
    return len(line) - 1 if revision == "head" else line.index(revision)
