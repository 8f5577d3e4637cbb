"""Whether time tells a miss from a miss (查错耗时): wall and CPU time of each kind of miss, in turns, and their ratio.

.venv/bin/python -m tests.bench.typed_timing [ROUNDS] [--live 20000] [--redis URL]

Every round asks once for each kind in an order by lot, so that whatever slows the machine slows all kinds alike.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bot.registration.verification import Subject
from handlers.typed.budgets import shared_storage
from storage.engine import open_engine
from storage.limit_counts import SqlLimitStorage
from tests.bench.guessing import Plan, population
from tests.handlers.report.sample import NOW
from tests.handlers.typed.stage import NUMBER, Stage, opened_stage

if TYPE_CHECKING:
    from limits.storage import Storage

WRONG = ("王小", "王小明", "欧阳㛃", "司马相如", "阿依古丽·买买提")


def kinds(chance: random.Random) -> dict[str, str]:
    """Return a number of each kind of miss."""
    return {
        "unknown number": f"{chance.randrange(10**7):08}",
        "in force, wrong name": "03127151",
        "closed, wrong name": NUMBER,
        "too short": f"{chance.randrange(10**6):07}",
        "too long": f"{chance.randrange(10**8, 10**9)}",
        "letters": f"ab{chance.randrange(10**6):06}",
    }


def measured(stage: Stage, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Ask, and return (wall µs, CPU µs) of each request by kind."""
    chance = random.Random(7)
    spent: dict[str, list[tuple[float, float]]] = {}
    for _ in range(rounds):
        asked = list(kinds(chance).items())
        chance.shuffle(asked)
        for kind, number in asked:
            name = chance.choice(WRONG)
            wall, cpu = time.perf_counter(), time.process_time()
            answer = stage.ask(number, name)
            took = ((time.perf_counter() - wall) * 1e6, (time.process_time() - cpu) * 1e6)
            if answer.status_code != 200 or "V6</span>" not in answer.text:
                raise SystemExit(f"{kind}: no miss")
            spent.setdefault(kind, []).append(took)
    return spent


def report(spent: dict[str, list[tuple[float, float]]]) -> None:
    """Print medians and their ratio."""
    for column, what in enumerate(("wall", "CPU")):
        medians = {kind: statistics.median(row[column] for row in rows) for kind, rows in spent.items()}
        for kind, median in medians.items():
            sys.stdout.write(f"  {what:4} {median:7.0f} µs  {kind}\n")
        sys.stdout.write(f"  {what:4} slowest / fastest median: {max(medians.values()) / min(medians.values()):.4f}\n")
    cpu = [row[1] for rows in spent.values() for row in rows]
    sys.stdout.write(f"  misses per CPU second: {1e6 / statistics.mean(cpu):.0f}\n")


def main(rounds: int, live: int, redis: str) -> None:
    """Measure, and print the figures."""
    storage: Storage | None = shared_storage(redis, SqlLimitStorage(open_engine("sqlite://"))) if redis else None
    with tempfile.TemporaryDirectory() as folder, opened_stage(Path(folder), storage=storage) as stage:
        people = [dossier for _, dossier in population(Plan(live=live), random.Random(1))]
        with stage.work.writing() as uow:
            uow.registry.add_many(people)
            uow.commit()
        stage.change(lambda dossier: dossier.close(Subject.ARCHIVE, NOW + timedelta(minutes=1)))
        measured(stage, 50)  # warm up
        sys.stdout.write(f"typed misses, {rounds} rounds, {live} live numbers, counts in {redis or 'SQLite'}:\n")
        report(measured(stage, rounds))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=2000)
    parser.add_argument("--live", type=int, default=20_000)
    parser.add_argument("--redis", default="")
    arguments = parser.parse_args()
    main(arguments.rounds, arguments.live, arguments.redis)
