"""A day of guessing (猜测一天): addresses that try numbers and names as fast as the pages let them, on a virtual clock.

.venv/bin/python -m tests.bench.guessing [--addresses 1000] [--blocks 1000] [--live 50000] [--hours 24]

Every request goes through the real page, the real budgets and the real register on SQLite; only time is invented.
Each address sends its next guess as soon as it has the answer to the last (half a second), waits as long as a pause
asks for, and sleeps until the next hour when it is refused. A guess is a number nobody tried before, of the range in
which numbers are made, and the commonest name there is: one graduate in a thousand has it, ten times the assumption
of the threat model; one in twelve has its surname.
"""

import argparse
import heapq
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.registration.dossier import Dossier
from handlers.typed.budgets import Bounds
from tests.handlers.report.sample import registered
from tests.handlers.typed.stage import Stage, opened_stage

BEGIN = datetime(2023, 7, 3, tzinfo=UTC)
NAME = "王小明"
ANSWER_SECONDS = 0.5
SURNAME_SHARE, NAME_SHARE = 0.08, 0.001
LOWEST, NUMBERS = 10_000_000, 90_000_000
_TICKET = re.compile(r'name="ticket" value="([^"]+)"')


@dataclass(frozen=True)
class Plan:
    """Who guesses at what (猜测方案).

    Attributes:
        addresses: how many addresses guess.
        blocks: over how many /24 blocks they are spread.
        live: how many numbers are live.
        numbers: among how many numbers they are, and are looked for.
        hours: how long.
        bounds: the budgets.
    """

    addresses: int = 1000
    blocks: int = 1000
    live: int = 50_000
    numbers: int = NUMBERS
    hours: int = 24
    bounds: Bounds = field(default_factory=Bounds)


@dataclass
class Day:
    """What became of it (猜测结果), in requests; ``near`` are live numbers with the right surname."""

    answers: Counter[str] = field(default_factory=Counter)
    live: int = 0
    near: int = 0

    @property
    def let_through(self) -> int:
        """Guesses that were looked up."""
        return self.answers["miss"] + self.answers["hit"]


class Crowd:
    """Addresses that guess (猜测者)."""

    def __init__(self, stage: Stage, plan: Plan, names: dict[str, str], chance: random.Random) -> None:
        self._stage, self._plan, self._names, self._chance = stage, plan, names, chance
        self._tried: set[str] = set()
        self.day = Day()

    def guess(self) -> Day:
        """Guess until the time is over."""
        queue = [(ANSWER_SECONDS * n / self._plan.addresses, n, "", "") for n in range(self._plan.addresses)]
        while queue and queue[0][0] < self._plan.hours * 3600:
            at, who, number, ticket = heapq.heappop(queue)
            heapq.heappush(queue, self._once(at, who, number or self._new_number(), ticket))
        return self.day

    def _once(self, at: float, who: int, number: str, ticket: str) -> tuple[float, int, str, str]:
        self._stage.now = BEGIN + timedelta(seconds=at)
        block = who % self._plan.blocks
        self._stage.address = f"10.{block // 256}.{block % 256}.{who // self._plan.blocks % 254 + 1}"
        answer = self._stage.ask(number, NAME, ticket=ticket)
        if answer.status_code == 429 and (found := _TICKET.search(answer.text)):
            self.day.answers["pause"] += 1
            return at + float(answer.headers["Retry-After"]), who, number, found[1]
        if answer.status_code != 200:
            self.day.answers["refused"] += 1
            return (at // 3600 + 1) * 3600 + who * ANSWER_SECONDS / self._plan.addresses, who, "", ""
        self.day.answers["miss" if "V6</span>" in answer.text else "hit"] += 1
        name = self._names.get(number, "")
        self.day.live += bool(name)
        self.day.near += name[:1] == NAME[0]
        return at + ANSWER_SECONDS, who, "", ""

    def _new_number(self) -> str:
        while True:
            number = str(LOWEST + self._chance.randrange(self._plan.numbers))
            if number not in self._tried:
                self._tried.add(number)
                return number


def population(plan: Plan, chance: random.Random) -> Iterator[tuple[str, Dossier]]:
    """Yield number and dossier of everybody whose number is live."""
    base, given = registered(), "伟芳娜敏静丽强磊军洋勇艳杰娟涛超霞平刚桂英梓涵浩宇欣怡子轩"
    for place, number in enumerate(chance.sample(range(LOWEST, LOWEST + plan.numbers), plan.live)):
        draw = chance.random()
        surname = "王" if draw < SURNAME_SHARE else chance.choice("李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗")
        name = NAME if draw < NAME_SHARE else surname + "".join(chance.choices(given, k=2))
        identifier = f"{place:032x}"
        verification = replace(base.verifications[0], id=identifier, number=str(number))
        graduate = replace(base.graduate, student_number=f"G{place:09}", name=name)
        yield str(number), replace(base, id=identifier, graduate=graduate, verifications=(verification,))


def simulated(folder: Path, plan: Plan, seed: int = 20230703) -> Day:
    """Let a crowd guess for the planned time; its guesses are the same for the same seed."""
    chance = random.Random(seed)
    with opened_stage(folder, plan.bounds) as stage:
        people = dict(population(plan, chance))
        with stage.work.writing() as uow:
            uow.registry.add_many(list(people.values()))
            uow.commit()
        names = {number: dossier.graduate.name for number, dossier in people.items()}
        return Crowd(stage, plan, names, chance).guess()


def main(plan: Plan) -> None:
    """Guess, and print what became of it."""
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        day = simulated(Path(folder), plan)
    sys.stdout.write(
        f"{plan.addresses} addresses in {plan.blocks} blocks, {plan.live} live numbers, {plan.hours} hours: "
        f"hits {day.answers['hit']}, let through {day.let_through}, refused {day.answers['refused']}, "
        f"made to pause {day.answers['pause']}; live numbers struck {day.live}, with the surname right {day.near} "
        f"({time.process_time() - began:.0f} s CPU)\n"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("addresses", "blocks", "live", "hours"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Plan(), name))
    main(Plan(**vars(parser.parse_args())))
