"""The proofs: everybody walks the whole way at once, under load or among kills; in the end the database is asked."""

import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Select, func, select
from tqdm import tqdm

from bot.registration.stage import Stage
from storage.notice_tables import delivery
from storage.tables import footstep, graduate, talk, verification
from tests.journeys.stage import free_port
from tests.load.journey import SCRIPT
from tests.load.line import Line
from tests.load.pushes import Post
from tests.load.school import at_the_beginning, empty, enrol, opened, write_settings
from tests.load.servers import Server, served
from tests.load.walking import Findings, Habits, Walker

PROCESSES, CLIENTS = 2, 12
ALL_AT_ONCE = 0.1
"""Of so many kills, one takes all processes at one moment."""

NOTICES = 2
"""What each graduate is told on the way: the entry was approved, the real person was seen."""


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        graduates, messages, pushes: how many.
        broken: pushes that got no answer, because a server was killed.
        kills: of server processes.
        seconds: all together.
        cpu: µs of the server's processes for each push; 0 where they were killed.
    """

    graduates: int
    messages: int
    pushes: int
    broken: int
    kills: int
    seconds: float
    cpu: float

    def __str__(self) -> str:
        return (
            f"{self.graduates} graduates, {self.messages} messages, {self.pushes} pushes ({self.broken} broken), "
            f"{self.kills} kills, {self.seconds:.0f} s, {self.pushes / self.seconds:.0f} pushes/s, "
            f"{self.cpu:.0f} µs CPU a push"
        )


def walked(database: str, folder: Path, count: int, habits: Habits, seed: int = 0, kill_every: float = 0) -> Outcome:
    """Let so many graduates walk all at once, and prove that nothing was lost, doubled or answered in two ways.

    Args:
        database: an URL; emptied first.
        folder: for settings and keys.
        count: of graduates.
        habits: how messages are pushed.
        seed: of chance.
        kill_every: mean seconds between two kills; 0 for none.
    """
    port = free_port()
    empty(database)
    config = write_settings(folder, database, port=port, processes=PROCESSES)
    findings = Findings()
    with opened(config) as office:
        enrol(office, count, at_the_beginning)
        walkers = [Walker(number, habits, seed) for number in range(count)]
        with served(config, port) as server, _killing(server, kill_every, seed):
            begin, spent = time.monotonic(), server.cpu_seconds()
            _walk(walkers, lambda walker, lines, post: walker.step(lines, post, findings, office), port)
            seconds, cpu = time.monotonic() - begin, server.cpu_seconds() - spent
        assert not findings.faults, Counter(findings.faults).most_common(20)
        _demand_exactly_once(office.engine, count)
    cpu = 0 if server.kills else cpu / findings.pushes * 1e6
    return Outcome(count, findings.messages, findings.pushes, findings.broken, server.kills, seconds, cpu)


def _walk(walkers: Sequence[Walker], step: Callable[[Walker, tuple[Line, Line], Post], None], port: int) -> None:
    """Let everybody take one step after the other, so that all are on the way at any moment."""
    waiting, post = deque(walkers), Post()
    progress = tqdm(total=len(walkers) * len(SCRIPT), unit=" messages", mininterval=5, maxinterval=30, disable=None)

    def go() -> None:
        lines = Line(port), Line(port)
        while True:
            try:
                walker = waiting.popleft()
            except IndexError:
                break
            step(walker, lines, post)
            progress.update()
            if not walker.is_there:
                waiting.append(walker)
        for line in lines:
            line.close()

    with ThreadPoolExecutor(CLIENTS) as pool:
        for done in [pool.submit(go) for _ in range(CLIENTS)]:
            done.result()
    progress.close()


@contextmanager
def _killing(server: Server, every: float, seed: int) -> Iterator[None]:
    """Kill a process of the server now and then, and all of them now and then."""
    over, chance = threading.Event(), random.Random(seed)

    def kill() -> None:
        while not over.wait(chance.uniform(0.2, 1.8) * every):
            if chance.random() < ALL_AT_ONCE:
                server.kill_all()
            else:
                server.kill_one(chance)

    thread = threading.Thread(target=kill)
    if every:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if every:
            thread.join()


def _demand_exactly_once(engine: Engine, count: int) -> None:
    """Ask the database: everybody is verified, once; each message left one footstep, each notice one delivery."""
    total = select(func.count())
    with engine.connect() as connection:

        def number(statement: Select[Any]) -> int:
            return int(connection.scalar(statement) or 0)

        assert number(total.select_from(graduate).where(graduate.c.stage == Stage.VERIFIED.name)) == count
        assert number(total.select_from(graduate).where(graduate.c.verification_count == 1)) == count
        assert number(total.select_from(verification)) == count
        assert number(select(func.count(verification.c.number.distinct()))) == count
        assert number(total.select_from(footstep)) == count * len(SCRIPT)
        by_talk = select(talk.c.seq, func.count()).group_by(talk.c.seq)
        assert [tuple(row) for row in connection.execute(by_talk)] == [(len(SCRIPT), count)]
        told = total.select_from(delivery).group_by(delivery.c.graduate_id)
        assert set(connection.scalars(told)) == {NOTICES}
        assert number(total.select_from(delivery)) == count * NOTICES
        steps = select(footstep.c.who, footstep.c.step, footstep.c.outcome, func.count().label("times"))
        mine = (
            steps.where(footstep.c.who != "").group_by(footstep.c.who, footstep.c.step, footstep.c.outcome).subquery()
        )
        assert number(select(func.max(mine.c.times))) == 1
