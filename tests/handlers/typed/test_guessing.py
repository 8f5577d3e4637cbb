"""A small day of guessing; the large one is ``python -m tests.bench.guessing``."""

from pathlib import Path

from handlers.typed.budgets import Bounds
from tests.bench.guessing import Plan, simulated

BOUNDS = Bounds(per_block=6, per_number=3, in_total=40, pause_above=15)


def test_however_many_addresses_guess_no_more_than_the_budget_of_all_is_looked_up(tmp_path: Path) -> None:
    plan = Plan(addresses=60, blocks=60, live=500, numbers=900_000, hours=4, bounds=BOUNDS)
    day = simulated(tmp_path, plan)
    assert day.let_through == 4 * BOUNDS.in_total
    assert day.answers["hit"] == 0
    assert day.answers["refused"] >= 4 * 60 * 0.9
    assert day.answers["pause"] >= 4 * (BOUNDS.in_total - BOUNDS.pause_above)


def test_many_addresses_of_few_blocks_share_the_budgets_of_the_blocks(tmp_path: Path) -> None:
    plan = Plan(addresses=40, blocks=2, live=100, numbers=180_000, hours=3, bounds=BOUNDS)
    day = simulated(tmp_path, plan)
    assert day.let_through == 3 * 2 * BOUNDS.per_block


def test_a_crowd_that_knew_every_name_would_hit_so_the_simulation_can_fail(tmp_path: Path) -> None:
    plan = Plan(addresses=40, blocks=40, live=300, numbers=300, hours=1, bounds=Bounds(10**6, 10**6, 200, 10**6))
    day = simulated(tmp_path, plan)
    assert day.live == day.let_through > 0
    assert day.near > 0
