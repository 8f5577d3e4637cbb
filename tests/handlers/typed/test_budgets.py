"""The budgets of misses: exact over threads and processes on every storage, refused before the lookup, never open."""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from limits.storage import Storage
from redis import Redis

from handlers.typed.budgets import AwayError, Bounds, Budgets, Heat, block_of, shared_storage
from handlers.typed.words import words
from storage.engine import open_engine
from storage.limit_counts import SqlLimitStorage
from tests.handlers.typed.stage import MANY, NAME, NUMBER, Stage, opened_stage, redis_address
from tests.overhearing import overheard

Open = Callable[[], Storage]
"""Opens the same storage anew, as another process would."""
SMALL = Bounds(per_block=30, per_number=10, in_total=1000, pause_above=200)
THREADS = 8


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
        pytest.param("redis", marks=pytest.mark.redis),
    ]
)
def address(request: pytest.FixtureRequest) -> str:
    """The address of every storage there is."""
    if request.param == "redis":
        return redis_address()
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def store(address: str) -> Iterator[Open]:
    """Every storage there is."""
    engines = []

    def opened() -> Storage:
        if address.startswith("redis"):
            return shared_storage(address, SqlLimitStorage(open_engine("sqlite://")))
        engines.append(open_engine(address))
        return SqlLimitStorage(engines[-1], wrap_exceptions=True)

    yield opened
    for engine in engines:
        engine.dispose()


def fresh() -> bytes:
    """Return a secret, which makes a test's counts its own."""
    return uuid4().bytes


def still() -> datetime:
    """Return a moment within an hour and a day that do not end while a test runs."""
    return datetime(2023, 6, 30, 10, 20, tzinfo=UTC)


def at_once(budgets: list[Budgets], address_of: Callable[[int], str], number_of: Callable[[int], str]) -> int:
    """Charge 64 attempts from eight threads that start together; return how many went through."""
    barrier = threading.Barrier(THREADS)

    def run(thread: int) -> int:
        barrier.wait(timeout=10)
        mine = budgets[thread % len(budgets)]
        tries = range(thread * 8, thread * 8 + 8)
        return sum(mine.charge(mine.attempt(address_of(n), number_of(n))) for n in tries)

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(run, range(THREADS)))


def test_a_block_at_once_from_many_threads_gets_exactly_its_misses(store: Open) -> None:
    secret = fresh()
    budgets = [Budgets(store(), replace(MANY, per_block=30), still, secret) for _ in range(2)]
    assert at_once(budgets, lambda n: f"203.0.113.{n}", str) == 30
    assert budgets[0].charge(budgets[0].attempt("203.0.114.1", "0"))


def test_a_number_at_once_from_many_blocks_gets_exactly_its_misses(store: Open) -> None:
    secret = fresh()
    budgets = [Budgets(store(), replace(MANY, per_number=10), still, secret) for _ in range(2)]
    assert at_once(budgets, lambda n: f"198.51.{n}.1", lambda _: "12345678") == 10
    assert budgets[0].charge(budgets[0].attempt("198.51.0.1", "12345679"))


def test_the_whole_site_at_once_gets_exactly_its_misses(store: Open) -> None:
    secret = fresh()
    budgets = [Budgets(store(), replace(MANY, in_total=20), still, secret) for _ in range(2)]
    assert at_once(budgets, lambda n: f"198.51.{n}.1", str) == 20
    assert budgets[0].heat() is Heat.CLOSED


PROCESS = """
import sys
from datetime import datetime, UTC
from handlers.typed.budgets import Bounds, Budgets, shared_storage
from storage.engine import open_engine
from storage.limit_counts import SqlLimitStorage
address, secret, number = sys.argv[1:]
sql = SqlLimitStorage(open_engine("sqlite://" if address.startswith("redis") else address), wrap_exceptions=True)
storage = shared_storage(address if address.startswith("redis") else "", sql)
bounds = Bounds(25, 10**9, 10**9, 10**9)
budgets = Budgets(storage, bounds, lambda: datetime(2023, 6, 30, 10, 20, tzinfo=UTC), bytes.fromhex(secret))
print(sum(budgets.charge(budgets.attempt(f"203.0.113.{n}", f"{number}{n}")) for n in range(20)))
"""


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_processes_at_once_share_a_block(address: str) -> None:
    root, secret = Path(__file__).parents[3], fresh().hex()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, address, secret, str(number)],
            stdout=subprocess.PIPE,
            cwd=root,
            text=True,
        )
        for number in range(3)
    ]
    let_through = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(let_through) == 25


def test_what_is_paid_back_can_be_taken_again_and_never_makes_more(store: Open) -> None:
    budgets = Budgets(store(), replace(MANY, per_block=2), still, fresh())
    attempts = [budgets.attempt("203.0.113.1", str(n)) for n in range(4)]
    assert budgets.charge(attempts[0])
    for _ in range(20):
        assert budgets.charge(attempts[1])
        budgets.pay_back(attempts[1])
    assert [budgets.charge(attempt) for attempt in attempts[1:]] == [True, False, False]
    assert not budgets.has_room(attempts[0])


def test_a_late_pay_back_does_not_widen_the_next_hour(store: Open) -> None:
    moment = still()
    budgets = Budgets(store(), replace(MANY, per_block=2), lambda: moment, fresh())
    old = budgets.attempt("203.0.113.1", "1")
    assert budgets.charge(old)
    moment += timedelta(hours=1)
    budgets.pay_back(old)
    later = [budgets.attempt("203.0.113.1", str(n)) for n in range(3)]
    assert [budgets.charge(attempt) for attempt in later] == [True, True, False]


def test_a_ticket_is_used_once_by_whichever_process(store: Open) -> None:
    ticket = uuid4().hex
    budgets = [Budgets(store(), SMALL, still, fresh()) for _ in range(2)]
    with ThreadPoolExecutor(THREADS) as pool:
        spent = Counter(pool.map(lambda n: budgets[n % 2].spend(ticket, 600), range(THREADS)))
    assert spent == {True: 1, False: THREADS - 1}


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("203.0.113.255", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("2001:db8:1:ffff:ffff::3", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("", ""),
        ("unix:", ""),
        ("203.0.113.7, 198.51.100.1", ""),
    ],
)
def test_the_block_of_an_address(address: str, block: str) -> None:
    assert block_of(address) == block


def looked_up(stage: Stage, ask: Callable[[], object]) -> bool:
    """Tell whether asking came as far as the register."""
    with overheard(stage.engine) as sent:
        ask()
    return any("FROM graduate" in statement for statement in sent)


def test_over_its_budget_a_block_is_refused_before_the_lookup_whether_right_or_wrong(tmp_path: Path) -> None:
    with opened_stage(tmp_path, replace(MANY, per_block=5)) as stage:
        assert looked_up(stage, lambda: stage.miss(5))
        right, wrong = stage.ask(), stage.ask("99999999", "没有人")
        assert (right.status_code, right.data) == (wrong.status_code, wrong.data)
        assert right.status_code == 429
        assert words("zh")["many"]["sentence"] in right.text
        assert not looked_up(stage, stage.ask)
        assert stage.looks() == []
        stage.address = "198.51.100.1"
        assert stage.ask().status_code == 200
        stage.address, stage.now = "203.0.113.99", stage.now + timedelta(hours=1)
        assert stage.ask().status_code == 200


def test_over_its_budget_a_number_is_refused_whether_it_exists_or_not(tmp_path: Path) -> None:
    with opened_stage(tmp_path, replace(MANY, per_number=3)) as stage:
        refused = []
        for number in (NUMBER, "99999999"):
            for last in range(3):
                stage.address = f"198.51.{last}.1"
                assert stage.ask(number, "没有人").status_code == 200
            refused += [stage.ask(number, NAME), stage.ask(number, "没有人")]
        assert {answer.status_code for answer in refused} == {429}
        assert len({answer.data for answer in refused}) == 1
        stage.now += timedelta(days=1)
        assert stage.ask().status_code == 200


def test_over_the_budget_of_all_everybody_is_sent_to_the_code_on_the_paper(tmp_path: Path) -> None:
    with opened_stage(tmp_path, replace(MANY, in_total=5)) as stage:
        stage.miss(5)
        stage.address = "198.51.100.1"
        right, wrong = stage.ask(), stage.ask("99999999", "没有人")
        assert (right.status_code, right.data) == (wrong.status_code, wrong.data)
        assert right.status_code == 503
        assert words("zh")["closed"]["next"] in right.text
        assert not looked_up(stage, stage.ask)


def test_an_archive_office_may_check_hundreds_behind_one_address(tmp_path: Path) -> None:
    with opened_stage(tmp_path, Bounds()) as stage:
        answers = Counter(stage.ask().status_code for _ in range(300))
        assert answers == {200: 300}
        assert len(stage.looks()) == 100  # as many as are asked for
        stage.miss(5)
        assert stage.ask().status_code == 200


def test_a_clerk_who_mistypes_a_few_names_is_not_kept_out(tmp_path: Path) -> None:
    with opened_stage(tmp_path, Bounds()) as stage:
        for wrong in ("欧阳", "欧阳㛃", "欧阳䶮㛃", "欧阳㛃龑", "区阳㛃䶮"):
            assert words("zh")["miss"]["heading"] in stage.ask(name=wrong).text
        assert "V0</span>" in stage.ask().text


def test_what_was_malformed_counts_as_a_miss(tmp_path: Path) -> None:
    with opened_stage(tmp_path, replace(MANY, per_block=3)) as stage:
        assert [stage.ask(number).status_code for number in ("1", "12345", "abc")] == [200] * 3
        assert stage.ask("xyz").status_code == 429


def test_empty_fields_cost_nothing(tmp_path: Path) -> None:
    with opened_stage(tmp_path, replace(MANY, per_block=2)) as stage:
        assert {stage.ask(name="").status_code for _ in range(10)} == {400}
        assert stage.ask().status_code == 200


def test_over_its_budget_under_attack_nobody_is_made_to_pause_for_nothing(tmp_path: Path) -> None:
    with opened_stage(tmp_path, replace(MANY, per_block=5, pause_above=5)) as stage:
        stage.miss(5)
        assert words("zh")["many"]["heading"] in stage.ask().text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_without_redis_nobody_looks_up_and_everybody_is_told_what_to_do(tmp_path: Path, language: str) -> None:
    away = shared_storage("redis://127.0.0.1:1/0", SqlLimitStorage(open_engine("sqlite://")))
    with opened_stage(tmp_path, storage=away) as stage:
        right = stage.ask(query=f"?lang={language}")
        wrong = stage.ask("99999999", "没有人", f"?lang={language}")
        assert (right.status_code, right.data) == (wrong.status_code, wrong.data)
        assert right.status_code == 503
        assert words(language)["away"]["sentence"] in right.text
        assert stage.looks() == []
        assert stage.open().status_code == 200


def test_without_the_database_nobody_looks_up_and_everybody_is_told(tmp_path: Path) -> None:
    with opened_stage(tmp_path) as stage:
        stage.engine.dispose()
        for file in tmp_path.glob("stage.sqlite*"):
            file.unlink()
        (tmp_path / "stage.sqlite").mkdir()
        answer = stage.ask()
        assert answer.status_code == 503
        assert words("zh")["away"]["next"] in answer.text
        assert stage.open().status_code == 200


def test_the_fault_names_no_address_and_no_number() -> None:
    away = shared_storage("redis://127.0.0.1:1/0", SqlLimitStorage(open_engine("sqlite://")))
    with pytest.raises(AwayError) as caught:
        Budgets(away, SMALL, still, fresh()).heat()
    assert "127.0.0.1" not in str(caught.value)


@pytest.mark.redis
def test_neither_addresses_nor_numbers_are_told_by_redis() -> None:
    url = redis_address()
    secret = fresh()
    budgets = Budgets(shared_storage(url, SqlLimitStorage(open_engine("sqlite://"))), SMALL, still, secret)
    budgets.charge(budgets.attempt("203.0.113.7", NUMBER))
    with Redis.from_url(url) as client:
        keys = b" ".join(client.scan_iter("quxiang:verify/*"))
    assert keys
    assert b"203.0" not in keys
    assert NUMBER.encode() not in keys
