"""The counts behind limits: exact on every database, whoever counts at the same time."""

import hashlib
import itertools
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from limits import RateLimitItemPerHour
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy import Engine, func, select

from storage import limit_counts
from storage.engine import open_engine
from storage.faults import StoreError
from storage.limit_counts import SqlLimitStorage
from storage.tables import limit_count

THREADS = 8
HOUR = 3600


class Watch:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = datetime(2023, 6, 30, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def counts(engine: Engine, watch: Watch) -> SqlLimitStorage:
    return SqlLimitStorage(engine, watch)


def rows(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(limit_count)).scalar_one()


def test_a_count_goes_up_and_down_and_each_key_has_its_own(counts: SqlLimitStorage) -> None:
    assert [counts.incr("a", HOUR), counts.incr("a", HOUR, 2), counts.incr("b", HOUR)] == [1, 3, 1]
    assert counts.incr("a", HOUR, -1) == 2
    assert (counts.get("a"), counts.get("b"), counts.get("c")) == (2, 1, 0)


def test_a_window_ends_when_its_seconds_are_over_and_the_next_count_begins_a_new_one(
    counts: SqlLimitStorage, watch: Watch
) -> None:
    began = watch.now
    counts.incr("a", HOUR)
    watch.now = began + timedelta(seconds=HOUR - 1)
    assert counts.incr("a", HOUR) == 2
    assert counts.get_expiry("a") == (began + timedelta(seconds=HOUR)).timestamp()
    watch.now = began + timedelta(seconds=HOUR)
    assert counts.get("a") == 0
    assert counts.incr("a", HOUR) == 1
    assert counts.get_expiry("a") == (began + timedelta(seconds=2 * HOUR)).timestamp()


def test_a_count_can_be_forgotten_and_all_of_them(counts: SqlLimitStorage) -> None:
    counts.incr("a", HOUR)
    counts.incr("b", HOUR)
    counts.clear("a")
    assert (counts.get("a"), counts.get("b")) == (0, 1)
    assert counts.reset() == 1
    assert counts.get("b") == 0


def test_the_table_shows_no_key(counts: SqlLimitStorage, engine: Engine) -> None:
    counts.incr("203.0.113.7", HOUR)
    with engine.connect() as connection:
        stored = connection.execute(select(limit_count.c.key)).scalar_one()
    assert stored == hashlib.sha256(b"203.0.113.7").hexdigest()


def test_what_has_expired_is_removed_now_and_then(
    counts: SqlLimitStorage, engine: Engine, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limit_counts, "SWEEP_EVERY", 5)
    for number in range(4):
        counts.incr(f"old {number}", HOUR)
    watch.now += timedelta(hours=2)
    counts.incr("new", HOUR)
    assert rows(engine) == 1
    assert counts.get("new") == 1


def test_eight_threads_count_every_one_and_are_told_different_sums(counts: SqlLimitStorage) -> None:
    barrier = threading.Barrier(THREADS)

    def count(_: int) -> list[int]:
        barrier.wait(timeout=10)
        return [counts.incr("a", HOUR) for _ in range(10)]

    with ThreadPoolExecutor(THREADS) as pool:
        told = sorted(itertools.chain.from_iterable(pool.map(count, range(THREADS))))
    assert told == list(range(1, THREADS * 10 + 1))


def test_a_window_that_is_over_is_begun_anew_once_however_many_count(counts: SqlLimitStorage, watch: Watch) -> None:
    for _ in range(50):
        counts.incr("a", HOUR)
    watch.now += timedelta(hours=2)
    with ThreadPoolExecutor(THREADS) as pool:
        told = sorted(pool.map(lambda _: counts.incr("a", HOUR), range(40)))
    assert told == list(range(1, 41))


PROCESS = """
import sys
from limits import RateLimitItemPerHour
from limits.strategies import FixedWindowRateLimiter
from storage.engine import open_engine
from storage.limit_counts import SqlLimitStorage
limiter = FixedWindowRateLimiter(SqlLimitStorage(open_engine(sys.argv[1])))
print(sum(limiter.hit(RateLimitItemPerHour(25), "one") for _ in range(20)))
"""


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.usefixtures("engine")
def test_processes_at_once_let_exactly_the_limit_through(database_url: str) -> None:
    root = Path(__file__).parents[2]
    processes = [
        subprocess.Popen([sys.executable, "-c", PROCESS, database_url], stdout=subprocess.PIPE, cwd=root, text=True)
        for _ in range(3)
    ]
    let_through = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(let_through) == 25


def test_the_strategies_of_the_library_take_it(counts: SqlLimitStorage) -> None:
    limiter, item = FixedWindowRateLimiter(counts), RateLimitItemPerHour(2)
    assert [limiter.hit(item, "x") for _ in range(3)] == [True, True, False]
    assert not limiter.test(item, "x")
    assert limiter.hit(item, "y")


def test_a_database_that_is_away_is_told_and_never_taken_for_zero(tmp_path: Path) -> None:
    gone = open_engine(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")
    counts = SqlLimitStorage(gone)
    with pytest.raises(StoreError):
        counts.incr("a", HOUR)
    with pytest.raises(StoreError):
        counts.get("a")
    assert not counts.check()
    gone.dispose()


def test_a_database_that_answers_is_healthy(counts: SqlLimitStorage) -> None:
    assert counts.check()
