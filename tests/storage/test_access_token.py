import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import MetaData, create_engine, inspect

from storage.access_token import AccessTokens, Grant, RedisTokens, SqlTokens, Token, TokenStore, access_token_table
from storage.engine import open_engine
from storage.tables import access_token
from tests.conftest import SERVERS, skip_or_fail

Open = Callable[[], TokenStore]
"""Opens the same store anew, as another process would."""

HOUR = timedelta(hours=1)


class Watch:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now


class Vendor:
    """Grants tokens t1, t2, … and counts how often it was asked."""

    def __init__(self, takes: float = 0, lifetime: timedelta = 2 * HOUR) -> None:
        self.asked = 0
        self.takes = takes
        self.lifetime = lifetime

    def __call__(self) -> Grant:
        self.asked += 1
        time.sleep(self.takes)
        return Grant(f"t{self.asked}", self.lifetime)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
        pytest.param("redis", marks=pytest.mark.redis),
    ]
)
def store(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Every filling of the port, opened as the application opens it."""
    if request.param != "redis":
        url: str = request.getfixturevalue(f"{request.param}_url")
        engines = [open_engine(url)]

        def open_sql() -> TokenStore:
            engines.append(open_engine(url))
            return SqlTokens(engines[-1], access_token)

        yield open_sql
        with engines[0].connect() as connection:
            connection.execute(access_token.delete())
        for engine in engines:
            engine.dispose()
        return
    prefix = f"quxiang-test:{uuid4().hex}:"
    clients = [Redis.from_url(SERVERS["redis"], socket_connect_timeout=0.5)]
    try:
        clients[0].ping()
    except RedisError as error:
        skip_or_fail("redis", type(error).__name__)

    def open_redis() -> TokenStore:
        clients.append(Redis.from_url(SERVERS["redis"]))
        return RedisTokens(clients[-1], prefix)

    yield open_redis
    for key in clients[0].scan_iter(prefix + "*"):
        clients[0].delete(key)
    for client in clients:
        client.close()


def test_the_first_caller_fetches_and_every_process_finds_it(store: Open, watch: Watch) -> None:
    vendor = Vendor()
    assert AccessTokens(store(), watch).token("a", vendor) == "t1"
    assert AccessTokens(store(), watch).token("a", vendor) == "t1"
    assert vendor.asked == 1


def test_two_names_are_two_tokens(store: Open, watch: Watch) -> None:
    vendor = Vendor()
    tokens = AccessTokens(store(), watch)
    assert (tokens.token("a", vendor), tokens.token("b", vendor), tokens.token("a", vendor)) == ("t1", "t2", "t1")


def test_many_threads_of_several_processes_fetch_once(store: Open, watch: Watch) -> None:
    vendor = Vendor(takes=0.15)
    processes = [AccessTokens(store(), watch) for _ in range(3)]
    with ThreadPoolExecutor(12) as pool:
        got = set(pool.map(lambda number: processes[number % 3].token("a", vendor), range(12)))
    assert got == {"t1"}
    assert vendor.asked == 1


def test_a_token_is_fetched_anew_a_minute_before_its_end(store: Open, watch: Watch) -> None:
    vendor = Vendor()
    tokens = AccessTokens(store(), watch)
    tokens.token("a", vendor)
    watch.now += 2 * HOUR - timedelta(seconds=61)
    assert tokens.token("a", vendor) == "t1"
    watch.now += timedelta(seconds=1)
    assert tokens.token("a", vendor) == "t2"


def test_a_token_granted_for_five_minutes_is_used(store: Open, watch: Watch) -> None:
    vendor = Vendor(lifetime=timedelta(seconds=300))
    tokens = AccessTokens(store(), watch)
    assert [tokens.token("a", vendor) for _ in range(3)] == ["t1"] * 3


def test_a_refused_token_is_replaced_once_however_many_notice(store: Open, watch: Watch) -> None:
    vendor = Vendor(takes=0.1)
    processes = [AccessTokens(store(), watch) for _ in range(2)]
    processes[0].token("a", vendor)
    with ThreadPoolExecutor(6) as pool:
        got = set(pool.map(lambda number: processes[number % 2].token("a", vendor, refused="t1"), range(6)))
    assert got == {"t2"}
    assert vendor.asked == 2


def test_an_outage_of_the_vendor_passes_through_and_holds_nobody_up(store: Open, watch: Watch) -> None:
    def down() -> Grant:
        raise ConnectionError("down")

    tokens = AccessTokens(store(), watch)
    with pytest.raises(ConnectionError):
        tokens.token("a", down)
    start = time.monotonic()
    assert AccessTokens(store(), watch).token("a", Vendor()) == "t1"
    assert time.monotonic() - start < 1


def test_a_claim_is_exclusive_until_released(store: Open, watch: Watch) -> None:
    one, two, until = store(), store(), watch.now + timedelta(seconds=20)
    assert one.claim("a", "one", watch.now, until)
    assert not two.claim("a", "two", watch.now, until)
    two.release("a", "two")  # not its own: without effect
    assert not two.claim("a", "two", watch.now, until)
    one.release("a", "one")
    assert two.claim("a", "two", watch.now, until)


def test_a_dead_process_holds_its_claim_only_for_its_lease(store: Open, watch: Watch) -> None:
    assert store().claim("a", "dead", watch.now, watch.now + timedelta(seconds=1))
    time.sleep(1.05)  # Redis keeps its own time
    watch.now += timedelta(seconds=1)
    assert AccessTokens(store(), watch).token("a", Vendor()) == "t1"


def test_a_caller_that_waited_too_long_asks_for_itself(store: Open, watch: Watch) -> None:
    assert store().claim("a", "slow", watch.now, watch.now + timedelta(seconds=20))
    assert AccessTokens(store(), watch, wait_seconds=0.2).token("a", Vendor()) == "t1"


def test_claims_at_the_same_moment_have_one_winner(store: Open, watch: Watch) -> None:
    stores = [store() for _ in range(4)]
    barrier = threading.Barrier(4)

    def claim(number: int) -> bool:
        barrier.wait()
        return stores[number].claim("a", str(number), watch.now, watch.now + HOUR)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(claim, range(4))) == [False, False, False, True]


def test_a_long_token_survives_storing(store: Open, watch: Watch) -> None:
    kept = store()
    kept.claim("a", "o", watch.now, watch.now + HOUR)
    kept.save("a", Token("x" * 1000, watch.now + HOUR))
    assert store().read("a") == Token("x" * 1000, watch.now + HOUR)


def test_without_redis_each_process_fetches_for_itself_and_says_so(
    watch: Watch, caplog: pytest.LogCaptureFixture, unused_port: int
) -> None:
    vendor = Vendor()
    tokens = AccessTokens(RedisTokens.at(f"redis://:secret@127.0.0.1:{unused_port}/0"), watch)
    assert [tokens.token("a", vendor) for _ in range(3)] == ["t1"] * 3
    assert vendor.asked == 1
    assert "Redis is away" in caplog.text
    assert "secret" not in caplog.text


@pytest.fixture
def unused_port() -> int:
    return 1  # tcpmux: nobody listens there, and nobody may without being root


def test_the_table_is_attached_to_a_metadata_once() -> None:
    metadata = MetaData()
    assert access_token_table(metadata) is access_token_table(metadata)
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    assert inspect(engine).get_pk_constraint("access_token")["constrained_columns"] == ["name"]
    engine.dispose()


def test_a_token_does_not_show() -> None:
    assert "t-secret" not in repr(Token("t-secret", datetime.now(UTC))) + repr(Grant("t-secret", HOUR))
