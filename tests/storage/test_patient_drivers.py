"""A server that has gone silent is waited for no longer than one has time, on every database that is a server."""

import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, make_url, text

from storage.breaker import BREAKER, MOMENT
from storage.cipher import FieldCipher
from storage.engine import Timeouts, open_engine
from storage.faults import AwayError, LostError, StoreError
from storage.lane import connected
from storage.patience import Patience
from storage.transaction import Transaction
from storage.unit_of_work import SqlWork
from tests.journeys.proxy import Wire

on_servers = pytest.mark.parametrize(
    "database_url",
    [
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ],
    indirect=True,
)
NUMBER = text("SELECT 1")
Opener = Callable[..., Engine]


@pytest.fixture
def wire(database_url: str) -> Iterator[Wire]:
    place = make_url(database_url)
    assert place.host
    assert place.port
    wire = Wire(place.host, place.port)
    yield wire
    wire.cut()


@pytest.fixture
def wired(database_url: str, wire: Wire) -> Iterator[Opener]:
    """Opens engines whose server is behind the wire."""
    opened = []

    def open_it(**more: object) -> Engine:
        url = make_url(database_url).set(host="127.0.0.1", port=wire.own_port)
        opened.append(open_engine(url.render_as_string(hide_password=False), **more))  # type: ignore[arg-type]  # passed on
        return opened[-1]

    yield open_it
    wire.mend()
    for engine in opened:
        engine.dispose()


def ask(engine: Engine) -> None:
    with connected(engine) as connection:
        Transaction(connection).row(NUMBER)


def seconds_until_given_up(engine: Engine, patience: float = 60.0) -> float:
    began = time.monotonic()
    with pytest.raises(AwayError), Patience(patience):
        ask(engine)
    return time.monotonic() - began


@on_servers
def test_a_server_that_went_silent_is_given_up_a_second_after_it_should_have_stopped_itself(
    wired: Opener, wire: Wire
) -> None:
    engine = wired(timeouts=Timeouts(statement=0.5))
    ask(engine)
    wire.freeze()
    assert 1.2 < seconds_until_given_up(engine) < 2.2


@on_servers
def test_a_server_that_went_silent_is_given_up_when_the_patience_of_the_thread_is_over(
    wired: Opener, wire: Wire
) -> None:
    engine = wired()
    ask(engine)
    wire.freeze()
    assert seconds_until_given_up(engine, 0.7) < 1.0


@on_servers
def test_a_server_that_lets_nobody_in_is_given_up_after_the_time_for_connecting(wired: Opener, wire: Wire) -> None:
    engine = wired(timeouts=Timeouts(connect=2))
    wire.freeze()
    assert seconds_until_given_up(engine) < 2.6


@on_servers
def test_no_connection_is_begun_that_cannot_be_finished(wired: Opener, wire: Wire) -> None:
    engine = wired()
    wire.freeze()
    assert seconds_until_given_up(engine, 0.01) < 0.3


@on_servers
def test_nobody_waits_for_the_pool_longer_than_there_is_time(wired: Opener) -> None:
    engine = wired(pool_size=1)
    with connected(engine):
        assert seconds_until_given_up(engine, 0.5) < 0.3


@on_servers
def test_after_the_silence_the_next_caller_is_served_and_the_others_wait_a_moment_only(
    wired: Opener, wire: Wire
) -> None:
    engine = wired(timeouts=Timeouts(statement=0.3))
    ask(engine)
    wire.freeze()
    seconds_until_given_up(engine, 0.5)
    breaker = engine.get_execution_options()[BREAKER]
    breaker.admit()  # somebody asks
    assert seconds_until_given_up(engine) < MOMENT + 0.2
    wire.mend()
    breaker.failed()
    ask(engine)
    ask(engine)


@on_servers
def test_a_unit_that_fell_silent_leaves_nothing_behind_and_its_connection_is_not_used_again(
    wired: Opener, wire: Wire, cipher: FieldCipher
) -> None:
    work = SqlWork(wired(timeouts=Timeouts(statement=0.3)), cipher)
    began = time.monotonic()
    with work.writing() as unit:
        unit.seasons.current()
        wire.freeze()
        with pytest.raises(LostError):
            unit.seasons.current()
    assert time.monotonic() - began < 2.5
    wire.mend()
    with work.writing() as unit:
        assert unit.seasons.current() is None


@on_servers
def test_a_fault_of_ours_is_no_outage(wired: Opener) -> None:
    engine = wired()
    with connected(engine) as connection, pytest.raises(StoreError) as caught:
        Transaction(connection).row(text("SELECT x FROM nowhere"))
    assert not isinstance(caught.value, AwayError)


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_statement_the_server_stopped_itself_sends_nobody_away(wired: Opener) -> None:
    engine = wired(timeouts=Timeouts(statement=0.2))
    with connected(engine) as connection, pytest.raises(AwayError) as caught:
        Transaction(connection).row(text("SELECT pg_sleep(3)"))
    assert not isinstance(caught.value, LostError)
    ask(engine)


@on_servers
@pytest.mark.parametrize("unit", ["reading", "writing"])
def test_a_server_that_stopped_between_two_units_is_told_in_our_own_words(
    wired: Opener, wire: Wire, cipher: FieldCipher, unit: str
) -> None:
    """The connection kept open is dead, and there is no other to be had: nothing of the driver gets out."""
    work = SqlWork(wired(), cipher)
    opened = work.reading if unit == "reading" else work.writing
    with opened() as first:
        first.seasons.current()
        first.talks.open("o")
    wire.cut()
    time.sleep(0.05)
    with pytest.raises(LostError) as caught, opened() as second:
        second.talks.open("o")
    assert caught.value.__context__ is None
    wire.mend()
    with opened() as third:
        third.talks.open("o")
