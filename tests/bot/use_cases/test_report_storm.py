"""A storm of reports: shuffled, doubled, early, about sends whose answer was lost; on every database.

QUXIANG_TEST_REPORTS says of how many messages it is: 10000 to measure, a few hundred otherwise.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Engine, func, select

from bot.errors import MovedError
from bot.notices.delivery import WAYS, Delivery, DeliveryState, Reason
from bot.notices.report import GUESSED_AFTER, Report
from bot.use_cases.match_reports import match_reports
from storage.cipher import FieldCipher
from storage.engine import open_engine
from storage.notice_tables import delivery_report
from storage.unit_of_work import SqlWork
from tests.bot.use_cases.report_post import NOW, SECOND, Post, report_of, sending
from tests.overhearing import overheard

STORM = int(os.environ.get("QUXIANG_TEST_REPORTS", "400"))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on every database."""
    opened = open_engine(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def post(work: SqlWork, engine: Engine, cipher: FieldCipher) -> Post:
    """Everything on one database."""
    return Post(work, engine, cipher)


ENDS: Sequence[tuple[DeliveryState, Reason | None]] = [
    (DeliveryState.DELIVERED, None),
    (DeliveryState.DELIVERED, None),
    (DeliveryState.DELIVERED, None),
    (DeliveryState.FAILED_PERM, Reason.BLOCKED),
    (DeliveryState.FAILED_TEMP, Reason.PLATFORM),
]
LATER = (SECOND, 4 * SECOND, GUESSED_AFTER, GUESSED_AFTER, 2 * GUESSED_AFTER)


@dataclass
class Storm:
    """Messages, some accounts get two; which are told of early or twice, and which sends get no answer."""

    post: Post
    size: int
    dice: random.Random = field(default_factory=lambda: random.Random(5))
    seen: dict[str, DeliveryState] = field(default_factory=dict)
    spent: Counter[str] = field(default_factory=Counter)
    statements: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        accounts = self.size * 9 // 10
        self.made: list[Delivery] = []
        for start in range(0, self.size, 500):
            numbers = range(start, min(start + 500, self.size))
            self.made += self.post.put([sending(number, openid=f"o{number % accounts}") for number in numbers])
        self.ends = {one.id: self.dice.choice(ENDS) for one in self.made}
        order = [one.id for one in self.dice.sample(self.made, self.size)]
        self.lost, self.early = set(order[: self.size // 100]), set(order[-self.size // 10 :])
        self.doubled = {one.id for one in self.dice.sample(self.made, self.size // 10)}
        self.look()

    def settle(self, made: Sequence[Delivery]) -> None:
        """Note what the calls came to."""
        self.post.settle(*(one for one in made if one.id not in self.lost))
        self.post.settle(*(one for one in made if one.id in self.lost), state=DeliveryState.UNKNOWN)

    def reports(self, made: Sequence[Delivery]) -> list[Report]:
        """What is told of them, in any order, and some of it twice."""
        told = [report_of(one, *self.ends[one.id]) for one in made]
        told += [report_of(one, *self.ends[one.id]) for one in made if one.id in self.doubled]
        self.dice.shuffle(told)
        return told

    def tell(self, reports: Sequence[Report]) -> None:
        """Push reports."""
        with self.timed("noted", len(reports)):
            self.post.tell(*reports)

    def match(self, pause: timedelta = SECOND / 10) -> None:
        """Match what is due after a while."""
        with self.timed("matched", 0):
            self.spent["matched"] += self.post.match(pause)
        self.look()

    def look(self) -> None:
        """Nothing is lost, nothing is made up, and nothing goes a way it must not go."""
        states = self.post.states()
        assert len(states) == self.size
        for id_, old in self.seen.items():
            new = states[id_]
            # Up to two steps lie between two looks.
            assert new is old or new in WAYS[old] or any(new in WAYS[step] for step in WAYS[old])
            assert new is old or old not in {DeliveryState.DELIVERED, DeliveryState.FAILED_PERM}
        self.seen = states

    def right(self) -> int:
        """How many deliveries are what was told of them."""
        return sum(self.seen[id_] is state for id_, (state, _) in self.ends.items())

    @contextmanager
    def timed(self, what: str, how_many: int) -> Iterator[None]:
        """Count the microseconds, the statements, and what was done."""
        with overheard(self.post.engine) as sent:
            began = time.perf_counter()
            yield
            self.spent[f"{what} µs"] += round(1e6 * (time.perf_counter() - began))
        self.statements[what] += len(sent)
        self.spent[what] += how_many

    def figures(self) -> str:
        """What was measured, in one line."""
        said = [
            f"{what}: {self.spent[what]}, {1e6 * self.spent[what] / self.spent[f'{what} µs']:.0f} a second,"
            f" {self.statements[what] / self.spent[what]:.3f} statements each"
            for what in ("noted", "matched")
        ]
        return f"{self.post.engine.dialect.name}, {self.right()} of {self.size} right; {'; '.join(said)}"


def test_shuffled_doubled_early_and_lost_reports_find_their_messages_and_no_state_goes_back(
    post: Post, capsys: pytest.CaptureFixture[str]
) -> None:
    storm = Storm(post, STORM)
    early = [one for one in storm.made if one.id in storm.early]
    rest = [one for one in storm.made if one.id not in storm.early]
    storm.tell(storm.reports(early))
    storm.match()
    storm.settle(rest)
    storm.look()
    later = storm.reports(rest)
    for start in range(0, len(later), STORM // 5):
        storm.tell(later[start : start + STORM // 5])
        storm.match()
    storm.settle(early)
    for pause in LATER:
        storm.match(pause)
    assert storm.right() >= 0.999 * STORM
    assert post.waiting() <= STORM // 1000
    with post.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(delivery_report)).scalar_one() == STORM
    with capsys.disabled():
        print(f"\n{storm.figures()}")  # noqa: T201 -- the figures are what a person runs this for


def until_it_works(do: Callable[[], None]) -> None:
    """Try again where somebody else wrote first, as the platform pushes again."""
    for _ in range(200):
        try:
            return do()
        except MovedError:
            time.sleep(0.01)
    raise AssertionError("never got through")


def test_matchers_senders_and_the_webhook_work_at_once(post: Post) -> None:
    """Two of each, all on the same messages at the same moment."""
    storm = Storm(post, min(STORM, 2000))
    made = storm.dice.sample(storm.made, storm.size)
    reports = storm.reports(made)
    post.now = NOW + 5 * SECOND
    done: list[int] = []

    def settle(part: int) -> None:
        for one in made[part::2]:
            until_it_works(partial(storm.settle, [one]))
        done.append(part)

    def push(part: int) -> None:
        for one in reports[part::2]:
            until_it_works(partial(post.tell, one))
        done.append(part)

    def match(_: int) -> None:
        while len(done) < 4:
            match_reports(post.work, lambda: post.now)

    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(do, part) for do in (settle, push, match) for part in (0, 1)]
        while len(done) < 4 and not any(job.done() and job.exception() for job in jobs):
            storm.look()
            time.sleep(0.02)
        done += [0] * 4  # if one of them failed, the matchers end all the same
        for job in jobs:
            job.result()
    for pause in LATER:
        storm.match(pause)
    assert storm.right() >= 0.999 * storm.size
