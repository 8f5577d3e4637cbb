"""The ledger under kill -9, pauses and a set rate: small here, whole by ``python -m tests.chaos``."""

import logging
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.notices.delivery import DeliveryState
from tests.chaos.proofs import RECOVERY, among_kills, busiest_second, paused_again_and_again
from tests.chaos.school import raised, until


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)


def test_killed_workers_lose_nothing_send_nothing_twice_and_are_replaced_in_time(
    tmp_path: Path, database_url: str
) -> None:
    with raised(tmp_path, database_url, 250) as school:
        killed = among_kills(school, 10)
    assert killed.kills >= 10
    assert (killed.lost, killed.twice) == (0, 0)
    assert killed.recovery <= RECOVERY
    assert sum(killed.states.values()) == 250


def test_a_pause_holds_within_two_seconds_and_a_resume_covers_exactly_the_rest(tmp_path: Path, sqlite_url: str) -> None:
    with raised(tmp_path, sqlite_url, 400, per_second=100) as school:
        assert paused_again_and_again(school, 4) == 0


def test_no_second_holds_more_than_was_set_over_four_processes(tmp_path: Path, sqlite_url: str) -> None:
    with raised(tmp_path, sqlite_url, 1200, per_second=80) as school:
        most = busiest_second(school, 8)
    assert 40 <= most <= 80 * 1.05


def test_a_restored_backup_sends_nothing_before_a_click(tmp_path: Path, sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with raised(tmp_path, sqlite_url, 200, per_second=60) as school:
        school.start(2)
        assert until(lambda: 20 < school.states()[DeliveryState.ACCEPTED] < 150, 30) is not None
        school.stop()
        with school.engine.connect() as connection:
            connection.execute(text("VACUUM INTO :path"), {"path": str(tmp_path / "backup.db")})
        school.start(2)
        assert until(school.is_over, 60) is not None
        school.stop()
        school.engine.dispose()
        for log in ("-wal", "-shm"):
            path.with_name(path.name + log).unlink(missing_ok=True)
        path.write_bytes((tmp_path / "backup.db").read_bytes())
        school.age(minutes=10)
        before = school.states()
        assert before[DeliveryState.QUEUED] > 0
        school.start(2)
        time.sleep(5)
        assert school.states() == before, "nothing leaves without somebody's word"
        school.reopen()
        assert until(school.is_over, 60) is not None
        school.stop()
        # The platform still knows the identifiers, so that nobody reads it twice.
        assert {sum(school.sandbox.ask("received", openid).values()) for openid in school.openids} == {1}
