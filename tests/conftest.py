"""What all tests share: databases that are reachable, each run in its own, and units of work over them."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from handlers.staff import passwords
from storage.cipher import FieldCipher, derive_keys
from storage.engine import open_engine
from storage.migrating import migrate
from storage.unit_of_work import SqlWork
from tests.compiled_templates import InMemory
from tests.emptied import empty
from tests.listening import LISTENER
from tests.overhearing import overheard
from tests.quick_hashing import QuickHasher

SERVERS = {
    "postgresql": os.environ.get("QUXIANG_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/test"),
    "mariadb": os.environ.get("QUXIANG_TEST_MARIADB", "mysql+pymysql://root@127.0.0.1:3306/test?charset=utf8mb4"),
    "redis": os.environ.get("QUXIANG_TEST_REDIS", "redis://127.0.0.1:6379/15"),
}
"""Where the servers of the tests are; the databases named are only used to create and drop others beside them."""


def skip_or_fail(service: str, reason: str) -> None:
    """Skip the test because a service is not there, or fail it if QUXIANG_REQUIRE names the service."""
    message = f"{service} is not reachable ({reason}); QUXIANG_REQUIRE={service} makes this a failure"
    if service in os.environ.get("QUXIANG_REQUIRE", "").split(","):
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


@pytest.fixture(scope="session", autouse=True)
def no_personal_data_in_any_log_line() -> Iterator[None]:
    """Listen to the whole run, down to DEBUG on our floors; a line with a graduate's data fails it in the end."""
    floors = [logging.getLogger(name) for name in ("bot", "handlers", "storage", "app")]
    for floor in floors:
        floor.setLevel(logging.DEBUG)
    logging.getLogger().addHandler(LISTENER)
    yield
    logging.getLogger().removeHandler(LISTENER)
    assert LISTENER.betrayed() == []


@pytest.fixture(scope="session", autouse=True)
def compiled_templates() -> Iterator[None]:
    """Compile each template once in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "jinja_options", {"bytecode_cache": InMemory()})
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hash passwords with the least argon2id takes, in this process; servers of their own hash as ever."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", QuickHasher())
        yield


@pytest.fixture(scope="session")
def cipher() -> FieldCipher:
    """A field cipher with invented keys."""
    key, index_key = derive_keys(b"an invented master secret for tests only")
    return FieldCipher({1: key}, index_key)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file; copying it is quicker than migrating."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate(f"sqlite:///{path}")
    return path


def _server_url(service: str) -> Iterator[str]:
    """Create a database of this run's own, migrated, and drop it in the end."""
    server = create_engine(SERVERS[service], isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 2})
    name = f"quxiang_test_{os.getpid()}"
    try:
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except OperationalError as error:
        server.dispose()
        skip_or_fail(service, type(error.orig).__name__)
    url = make_url(SERVERS[service]).set(database=name).render_as_string(hide_password=False)
    try:
        migrate(url)
        yield url
    finally:
        with server.connect() as connection:
            forced = " WITH (FORCE)" if service == "postgresql" else ""
            connection.execute(text(f"DROP DATABASE {name}{forced}"))
        server.dispose()


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL database of this run's own."""
    yield from _server_url("postgresql")


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """A MariaDB database of this run's own."""
    yield from _server_url("mariadb")


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A migrated SQLite file of this test's own."""
    path = tmp_path / "quxiang.db"
    path.write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ]
)
def database_url(request: pytest.FixtureRequest) -> str:
    """Every database there is, one after the other, migrated and empty."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    if request.param != "sqlite":
        empty(url)
    return url


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    """An engine on SQLite; tests/storage has one on every database instead."""
    opened = open_engine(sqlite_url)
    yield opened
    opened.dispose()


@pytest.fixture
def statements(engine: Engine) -> Iterator[list[str]]:
    """Collects every statement sent to the database of ``engine``."""
    with overheard(engine) as sent:
        yield sent


@pytest.fixture
def work(engine: Engine, cipher: FieldCipher) -> SqlWork:
    """Units of work on ``engine``."""
    return SqlWork(engine, cipher)


@pytest.fixture
def _still_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock of the limits: a minute that ends between two requests would let one more through."""
    still = SimpleNamespace(time=lambda: 1_700_000_010.0)
    monkeypatch.setattr("limits.storage.memory.time", still)
    monkeypatch.setattr("limits.strategies.time", still)
