"""The pace that all processes share: slots are given once, whoever asks; on every database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import Engine

from storage.pace import SqlPace

SECOND = timedelta(seconds=1)


def test_slots_are_given_once_whoever_asks_at_once(engine: Engine, now: datetime) -> None:
    paces = [SqlPace(engine, 200) for _ in range(4)]

    def take(pace: SqlPace) -> list[datetime]:
        return [slot for _ in range(10) for slot in pace.reserve(now, 4)]

    with ThreadPoolExecutor(4) as pool:
        slots = sorted(slot for some in pool.map(take, paces) for slot in some)
    assert len(slots) == len(set(slots)) == 160
    gaps = {round((later - slot).total_seconds(), 6) for slot, later in pairwise(slots)}
    assert max(gaps) - min(gaps) <= 0.000002
    assert min(gaps) > 1 / 200


def test_all_processes_slow_down_together_and_come_back(engine: Engine, now: datetime) -> None:
    one, other = SqlPace(engine, 40), SqlPace(engine, 40)
    assert one.rate() == 40
    one.reserve(now, 1)
    one.slow_down(now + 2 * SECOND, by_limit=True)
    other.slow_down(now + 2.5 * SECOND, by_limit=True)
    assert other.rate() == 20, "two that meet the same refusal halve once"
    other.reserve(now + 3.5 * SECOND, 1)
    assert one.rate() == 21


def test_a_lower_rate_counts_at_once(engine: Engine, now: datetime) -> None:
    SqlPace(engine, 40).reserve(now, 1)
    slower = SqlPace(engine, 10)
    slower.reserve(now, 1)
    assert slower.rate() == 10
