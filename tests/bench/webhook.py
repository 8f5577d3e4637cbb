"""What a message costs at the webhook, beside what others take who do far less: part of ``make bench``, or by hand

.venv/bin/python -m tests.bench.webhook [--rounds N] [--rows N] [--json FILE] [--only shapes,rate,growth]

All contenders stand under the same server, take the same messages in turns, and are charged what their processes spend.
PostgreSQL and Redis are those of the tests; two databases of our own are made and dropped.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from time import time
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from storage.engine import open_engine
from tests.bench.contenders.growth import grow
from tests.bench.contenders.running import ROOT, Contender, Running, Spent, middle, serving
from tests.load.driving import at_a_rate
from tests.load.own_database import backends, own_database, sizes
from tests.load.pushes import Message, Post
from tests.load.school import empty, enrol, in_the_middle, opened, openid_of, write_settings
from tests.load.spending import cpu_seconds

SCRIPT = ("进度", "去向登记确认", "信息无误，确认登记去向", "一周", "进度", "信息有误", "3", "返回")
"""A graduate in the middle of the journey: eight turns, each reads and writes, two of them change the dossier."""

GRADUATES = 5000
PEOPLE = 100
"""How many walk the script in one batch."""

CLIENTS = 4
RATE, RATE_SECONDS, RATE_CLIENTS = 300, 20, 32
REDIS = os.environ.get("QUXIANG_TEST_REDIS", "redis://127.0.0.1:6379/15")
PREFIX = "quxiang-bench:"
OURS, OURS_SQLITE, OURS_LARGE = "ours, PostgreSQL", "ours, SQLite", "ours, PostgreSQL, large"
ROBOT, FLOOR = "WeRoBot echo, Redis session", "floor, PostgreSQL"


@dataclass
class Bench:
    """Everything the parts share.

    Attributes:
        rounds: how often each contender takes its turn.
        rows: how many graduates the large database has.
        urls: of our databases, by contender.
        contenders: by name.
        results: what is written to the file.
    """

    rounds: int
    rows: int
    urls: Mapping[str, str]
    contenders: Mapping[str, Contender]
    results: dict[str, Any] = field(default_factory=dict)
    post: Post = field(default_factory=Post)
    walked: Iterator[int] = field(default_factory=lambda: iter(range(GRADUATES)))

    def talks(self, people: int = PEOPLE) -> Sequence[Sequence[Message]]:
        """Return the messages of graduates who have not written yet."""
        at = int(time())
        return [
            [Message.text(openid_of(who), words, who * len(SCRIPT) + place, at) for place, words in enumerate(SCRIPT)]
            for who in islice(self.walked, people)
        ]


def say(line: str = "") -> None:
    """Write a line at once: a bench takes minutes."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextmanager
def prepared(rounds: int, rows: int) -> Iterator[Bench]:
    """Make folders, databases and contenders."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.callback(forget_sessions)
        urls = {
            OURS: stack.enter_context(own_database("webhook")),
            OURS_SQLITE: f"sqlite:///{folder / 'ours.sqlite3'}",
            OURS_LARGE: stack.enter_context(own_database("large")),
        }
        for url in urls.values():
            fill(folder, url)
        engine = open_engine(urls[OURS])
        with engine.connect() as connection:
            connection.execute(
                text(
                    "CREATE TABLE floor_talk (openid varchar(64) PRIMARY KEY, seq int NOT NULL, memory bytea NOT NULL)"
                )
            )
        engine.dispose()
        yield Bench(rounds, rows, urls, {each.name: each for each in contenders(folder, urls)})


def forget_sessions() -> None:
    """Take away what WeRoBot left in Redis."""
    with Redis.from_url(REDIS) as client:
        for key in client.scan_iter(f"{PREFIX}*"):
            client.delete(key)


def fill(folder: Path, url: str) -> None:
    """Let a database have its graduates."""
    empty(url)
    with opened(write_settings(folder, url)) as installation:
        enrol(installation, GRADUATES, in_the_middle)


def contenders(folder: Path, urls: Mapping[str, str]) -> Iterator[Contender]:
    """Yield all contenders, ours first."""
    for port, (name, url) in enumerate(urls.items(), 8000):
        yield Contender(name, "ours", {"QUXIANG_CONFIG": str(write_settings(folder, url, port=port))})
    yield Contender(FLOOR, "floor", {"BENCH_POSTGRESQL": urls[OURS]})
    yield Contender(ROBOT, "werobot_redis", {"BENCH_REDIS": REDIS, "BENCH_PREFIX": PREFIX})
    yield Contender("WeRoBot echo, SQLite session", "werobot_sqlite", {"BENCH_FOLDER": str(folder)})
    yield Contender("wechatpy echo", "wechatpy_echo")
    yield Contender("Flask, bare signature check", "bare_signature", is_sealed=False)


def rounds_of(bench: Bench, running: Sequence[Running], rounds: int) -> dict[str, Spent]:
    """Let all take the same messages in turns, in another order each round, and return the medians."""
    spent: dict[str, list[Spent]] = {each.contender.name: [] for each in running}
    for number in range(rounds + 1):
        talks = bench.talks()
        for each in [*running[number % len(running) :], *running[: number % len(running)]]:
            took = each.take(talks, bench.post, CLIENTS)
            if number:  # the first round warms up
                spent[each.contender.name].append(took)
    return {
        name: Spent(middle([each.cpu for each in many]), middle([each.wall for each in many]))
        for name, many in spent.items()
    }


def shapes(bench: Bench) -> None:
    """Compare all contenders, under one process and under two."""
    names = [name for name in bench.contenders if name != OURS_LARGE]
    for processes, rounds in ((1, bench.rounds), (2, max(2, bench.rounds // 2))):
        with ExitStack() as stack:
            running = [stack.enter_context(serving(bench.contenders[name], processes, 8)) for name in names]
            took = rounds_of(bench, running, rounds)
            held = {each.contender.name: max(memory.rss for memory in each.memory()) for each in running}
            shares = {each.contender.name: max(memory.pss for memory in each.memory()) for each in running}
        ours = took[OURS].cpu
        say(f"\n{processes} × 8 threads, {rounds} rounds, {PEOPLE * len(SCRIPT)} messages a round, {CLIENTS} clients")
        say("ours is … times it   CPU µs   wall µs   RSS MiB   PSS MiB")
        for name, each in took.items():
            line = f"{ours / each.cpu:14.2f} {each.cpu:14.0f} {each.wall:9.0f} {held[name]:9.0f} {shares[name]:9.0f}"
            say(f"{line}   {name}")
        bench.results[f"{processes}x8"] = {
            name: {**asdict(each), "ratio": ours / each.cpu, "rss": held[name], "pss": shares[name]}
            for name, each in took.items()
        }


def rate(bench: Bench) -> None:
    """Ask at a set rate, and see how long it takes to be answered: twice, for the first time a disk may be cold."""
    bench.results["rate"] = {}
    say(f"\n{RATE} messages a second for {RATE_SECONDS} s, 2 × 8 threads, ms from the moment each was due")
    for number in (1, 2):
        talks = bench.talks(RATE * RATE_SECONDS // len(SCRIPT))
        for name in (OURS, ROBOT, FLOOR):
            figures = _at_the_rate(bench, name, talks)
            say("  ".join(f"{key} {value:7.1f}" for key, value in figures.items()) + f"   {name}, {number}")
            bench.results["rate"].setdefault(name, []).append(figures)


def _at_the_rate(bench: Bench, name: str, talks: Sequence[Sequence[Message]]) -> dict[str, float]:
    with serving(bench.contenders[name], 2, 8) as running:
        running.take(bench.talks(20), bench.post, CLIENTS)
        messages = [talk[place] for place in range(len(SCRIPT)) for talk in talks]
        results = at_a_rate(running.port, [*map(bench.post.request, messages)], RATE, RATE_CLIENTS)
        running.check(messages, [answer for _, answer in results], bench.post)
        memory = max(each.rss for each in running.memory())
    cuts = statistics.quantiles([seconds * 1000 for seconds, _ in results], n=100)
    return {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "rss": memory}


def growth(bench: Bench) -> None:
    """Compare a message among few graduates with one among many."""
    grow(bench.urls[OURS_LARGE], bench.rows)
    with ExitStack() as stack:
        running = [stack.enter_context(serving(bench.contenders[name], 1, 8)) for name in (OURS, OURS_LARGE)]
        rounds_of(bench, running, 1)
        pids = {name: backends(bench.urls[name]) for name in (OURS, OURS_LARGE)}
        before = {name: cpu_seconds(pids[name]) for name in pids}
        took = rounds_of(bench, running, bench.rounds)
        count = (bench.rounds + 1) * PEOPLE * len(SCRIPT)
        base = {name: (cpu_seconds(pids[name]) - before[name]) / count * 1e6 for name in pids}
    say(f"\nours among {GRADUATES} graduates and among {GRADUATES + bench.rows}: CPU µs of ours, and of PostgreSQL")
    for name in pids:
        say(f"{took[name].cpu:9.0f} {base[name]:9.0f}   {name}")
    own, both = (took[OURS_LARGE].cpu / took[OURS].cpu, _sum(took, base, OURS_LARGE) / _sum(took, base, OURS))
    held = sizes(bench.urls[OURS_LARGE])
    say(
        f"large / small: {own:.2f} ours, {both:.2f} with the database; bytes a graduate with a talk: "
        f"{held['database'] / (GRADUATES + bench.rows):.0f}"
    )
    bench.results["growth"] = {
        "rows": bench.rows,
        "ours": own,
        "with_database": both,
        "bytes": held,
        "cpu": {name: took[name].cpu for name in pids},
        "database_cpu": base,
    }


def _sum(took: Mapping[str, Spent], base: Mapping[str, float], name: str) -> float:
    return took[name].cpu + base[name]


def missing() -> str:
    """Return which server does not answer, or "": a bench without one compares nothing."""
    try:
        with own_database("probe"):
            pass
        Redis.from_url(REDIS).ping()
    except OperationalError as error:
        return f"PostgreSQL is not reachable ({type(error.orig).__name__})"
    except RedisError as error:
        return f"Redis is not reachable ({type(error).__name__})"
    return ""


PARTS = {"shapes": shapes, "rate": rate, "growth": growth}


def main() -> None:
    """Measure, print, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=200_000, help="graduates more in the large database")
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "bench-webhook.json")
    parser.add_argument("--only", default=",".join(PARTS))
    given = parser.parse_args()
    if reason := missing():
        say(f"skipped: {reason}")
        return
    with prepared(given.rounds, given.rows) as bench:
        for part in given.only.split(","):
            PARTS[part](bench)
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(bench.results, ensure_ascii=False, indent=1), "utf-8")
    say(f"\nwritten to {given.json}")


if __name__ == "__main__":
    main()
