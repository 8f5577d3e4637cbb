"""PostgreSQL or MariaDB is stopped, frozen or slow: every message is answered, nothing is lost, nothing twice."""

import logging
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from tests.conftest import SERVERS, skip_or_fail
from tests.journeys.outage import SLOW, Launcher, OutageTown, Plan, built, goes_on, launched, meanwhile, ready, through
from tests.journeys.own_servers import OwnServer, own_postgres, remove
from tests.journeys.people import is_said
from tests.journeys.proxy import Wire

Build = Callable[..., AbstractContextManager[OutageTown]]
Way = Callable[[OwnServer, Wire], object]
_LOG = logging.getLogger(__name__)
"""What was measured; seen with ``--log-cli-level=INFO``."""


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    with launched() as process:
        yield process


@pytest.fixture(scope="module")
def postgres() -> Iterator[OwnServer]:
    server = own_postgres()
    server.start()
    yield server
    remove(server)


def database(server: str) -> Iterator[str]:
    """Make a database of this test's own beside one that exists."""
    name = f"quxiang_outage_{uuid.uuid4().hex[:12]}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
        with engine.connect() as connection:
            forced = " WITH (FORCE)" if engine.name == "postgresql" else ""
            connection.execute(text(f"DROP DATABASE {name}{forced}"))
    finally:
        engine.dispose()


@pytest.fixture
def own_url(postgres: OwnServer) -> Iterator[str]:
    """A database on the PostgreSQL that may fall."""
    yield from database(f"postgresql+psycopg://postgres@127.0.0.1:{postgres.port}/postgres")


@pytest.fixture
def build(tmp_path: Path, prepared: Path, launcher: Launcher) -> Build:
    def build_it(url: str, wired: str, **more: object) -> AbstractContextManager[OutageTown]:
        return built(Plan(tmp_path, prepared, url, wired, **more), launcher)  # type: ignore[arg-type]  # passed on

    return build_it


def stop(server: OwnServer, wire: Wire) -> None:
    wire.cut()
    server.stop()


def start(server: OwnServer, wire: Wire) -> None:
    server.start()
    wire.mend()


FALLS: dict[str, tuple[Way, Way]] = {
    "stopped": (stop, start),
    "frozen": (lambda server, _: server.freeze(), lambda server, _: server.thaw()),
    "unreachable": (lambda _, wire: wire.freeze(), lambda _, wire: wire.mend()),
    "slow": (lambda _, wire: wire.slow_down(SLOW), lambda _, wire: wire.mend()),
}


@pytest.mark.postgresql
@pytest.mark.parametrize("fall", FALLS)
def test_postgresql_falls_and_every_message_is_answered(
    fall: str, build: Build, postgres: OwnServer, own_url: str
) -> None:
    breaks, mends = FALLS[fall]
    wire, wired = through(own_url)
    with build(own_url, wired) as town:
        graduate = ready(town)
        breaks(postgres, wire)
        try:
            seen = town.answers(graduate, "一周")
            assert is_said("error.away", graduate.hears)
            told = town.answers(graduate, "进度")
        finally:
            mends(postgres, wire)
        took = goes_on(graduate, town)
        _LOG.info("%s", f"PostgreSQL {fall}: {seen}, then {told}; {took:.2f} s to go on")
    wire.cut()


@pytest.mark.postgresql
@pytest.mark.parametrize("fall", FALLS)
@pytest.mark.parametrize("after", [1.0, 4.5])
def test_postgresql_comes_back_in_the_middle_and_the_real_answer_comes_on_a_later_push(
    fall: str, after: float, build: Build, postgres: OwnServer, own_url: str
) -> None:
    breaks, mends = FALLS[fall]
    wire, wired = through(own_url)
    with build(own_url, wired) as town:
        graduate = ready(town)
        breaks(postgres, wire)

        def come_back() -> None:
            time.sleep(after)
            mends(postgres, wire)

        repair = meanwhile(come_back)
        _LOG.info("%s", f"PostgreSQL {fall}, back after {after}: {town.answers(graduate, '一周')}")
        repair.join()
        assert is_said("verification.period.issued", graduate.hears)
        goes_on(graduate, town, is_done=True)
    wire.cut()


@pytest.fixture
def wired_mariadb() -> Iterator[tuple[str, Wire, str]]:
    """A database on the MariaDB of all tests, and a wire to it that only this test has."""
    server = SERVERS["mariadb"]
    try:
        create_engine(server, connect_args={"connect_timeout": 2}).connect().close()
    except SQLAlchemyError as error:
        skip_or_fail("mariadb", type(error).__name__)
    for url in database(server):
        wire, wired = through(url)
        yield url, wire, wired
        wire.cut()


@pytest.mark.mariadb
@pytest.mark.parametrize("fall", ["cut", "unreachable", "slow"])
def test_mariadb_falls_and_every_message_is_answered(
    fall: str, build: Build, wired_mariadb: tuple[str, Wire, str]
) -> None:
    url, wire, wired = wired_mariadb
    falls: dict[str, Callable[[], None]] = {
        "cut": wire.cut,
        "unreachable": wire.freeze,
        "slow": partial(wire.slow_down, SLOW),
    }
    with build(url, wired) as town:
        graduate = ready(town)
        falls[fall]()
        seen = town.answers(graduate, "一周")
        assert is_said("error.away", graduate.hears)
        wire.mend()
        took = goes_on(graduate, town)
        _LOG.info("%s", f"MariaDB {fall}: {seen}; {took:.2f} s to go on")


@pytest.mark.mariadb
@pytest.mark.parametrize("after", [1.0, 4.5])
def test_mariadb_comes_back_in_the_middle_and_the_real_answer_comes(
    after: float, build: Build, wired_mariadb: tuple[str, Wire, str]
) -> None:
    url, wire, wired = wired_mariadb
    with build(url, wired) as town:
        graduate = ready(town)
        wire.freeze()

        def come_back() -> None:
            time.sleep(after)
            wire.mend()

        repair = meanwhile(come_back)
        _LOG.info("%s", f"MariaDB unreachable, back after {after}: {town.answers(graduate, '一周')}")
        repair.join()
        assert is_said("verification.period.issued", graduate.hears)
        goes_on(graduate, town, is_done=True)


@pytest.mark.postgresql
def test_in_real_time_with_every_default_a_frozen_database_keeps_the_five_seconds(
    build: Build, postgres: OwnServer, own_url: str
) -> None:
    with build(own_url, own_url, reply_limit=5.0, more={}) as town:
        graduate = ready(town)
        postgres.freeze()
        try:
            seen = town.answers(graduate, "一周")
        finally:
            postgres.thaw()
        assert [attempt for attempt, _, _ in seen] == [1, 2, 3]
        _LOG.info("%s", f"PostgreSQL frozen, real time: {seen}")
        goes_on(graduate, town)


MOST_THREADS, MOST_GROWTH = 40, 30


@pytest.mark.postgresql
def test_fifty_messages_to_a_frozen_database_are_all_answered_and_cost_no_threads(
    build: Build, postgres: OwnServer, own_url: str
) -> None:
    with build(own_url, own_url) as town:
        graduate = ready(town)
        for crowd in range(4):  # every thread of the server has worked once
            town.sandbox.phone(f"early{crowd}").follow()
        phones = [town.sandbox.phone(f"crowd{number}") for number in range(50)]
        threads, memory = town.threads_and_memory()
        before = len(town.sandbox.pushes)
        postgres.freeze()
        try:
            crowd_ = [meanwhile(phone.follow) for phone in phones]
            time.sleep(2)
            more_threads, _ = town.threads_and_memory()
            for each in crowd_:
                each.join()
        finally:
            postgres.thaw()
        pushes = list(town.sandbox.pushes)[before:]
        by_phone = [[push for push in pushes if push.fields["FromUserName"] == phone.openid] for phone in phones]
        for few in by_phone:
            town.is_as_promised(few)
        last = sorted(few[-1].seconds for few in by_phone)
        attempts = [few[-1].attempt for few in by_phone]
        grown = town.threads_and_memory()[1] - memory
        counted = {attempt: attempts.count(attempt) for attempt in (1, 2, 3)}
        _LOG.info("%s", f"flood: answered on {counted}, median {last[25]:.2f}, worst {last[-1]:.2f} s")
        _LOG.info("%s", f"flood: threads {threads} → {more_threads}, memory {memory} + {grown} MiB")
        assert more_threads <= MOST_THREADS
        assert grown <= MOST_GROWTH
        goes_on(graduate, town, is_done=False)
        assert all(phone.say("你好") for phone in phones)
        assert town.ask("SELECT count(*) FROM talk") == 55
