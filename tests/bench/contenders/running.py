"""A contender behind gunicorn: started, pushed to, and what its processes spent on it."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.journeys.stage import free_port
from tests.load.driving import Pushed, closed_loop
from tests.load.line import Line
from tests.load.pushes import Answer, Message, Post
from tests.load.spending import Memory, cpu_seconds, memory, tree

ROOT = Path(__file__).parents[3]
SAMPLE = 25
"""Of so many sealed answers one is opened and judged; all are looked at."""


@dataclass(frozen=True)
class Contender:
    """One that is measured.

    Attributes:
        name: in the table.
        module: of tests.bench.contenders.
        environment: what its application must know.
        is_sealed: whether it answers in an envelope, or says ``success`` only.
    """

    name: str
    module: str
    environment: Mapping[str, str] = field(default_factory=dict)
    is_sealed: bool = True


@dataclass(frozen=True)
class Spent:
    """What one batch took, in µs per message: CPU of the server's processes, and wall time."""

    cpu: float
    wall: float


@dataclass(frozen=True)
class Running:
    """A contender that listens."""

    contender: Contender
    port: int
    process: int

    def take(self, talks: Sequence[Sequence[Message]], post: Post, threads: int) -> Spent:
        """Push everything in a closed loop, check every answer, and say what it cost."""
        people: list[Pushed] = [tuple(post.request(message) for message in talk) for talk in talks]
        count = sum(map(len, people))
        processes = list(tree(self.process))
        before, began = cpu_seconds(processes), time.monotonic()
        answers = closed_loop(self.port, people, threads)
        wall, spent = time.monotonic() - began, cpu_seconds(processes) - before
        self.check([message for talk in talks for message in talk], [each for many in answers for each in many], post)
        return Spent(spent / count * 1e6, wall / count * 1e6)

    def check(self, messages: Sequence[Message], answers: Sequence[Answer], post: Post) -> None:
        """Look at every answer, and open a sample."""
        assert len(messages) == len(answers)
        for place, (message, answer) in enumerate(zip(messages, answers, strict=True)):
            assert answer.status == 200, f"{self.contender.name}: HTTP status {answer.status}"
            if not self.contender.is_sealed:
                assert answer.body == b"success", self.contender.name
                continue
            assert answer.body.startswith(b"<xml>"), self.contender.name
            assert b"<Encrypt>" in answer.body, self.contender.name
            if place % SAMPLE == 0:
                assert post.text_of(message, answer), self.contender.name

    def memory(self) -> Sequence[Memory]:
        """Return what each serving process holds."""
        return [memory(process) for process in list(tree(self.process))[1:]]


@contextmanager
def serving(contender: Contender, processes: int, threads: int) -> Iterator[Running]:
    """Serve a contender until the block ends."""
    port = free_port()
    words = [sys.executable, "-m", "gunicorn", "--config", "python:tests.bench.contenders.gunicorn_settings"]
    words += ["--workers", str(processes), "--threads", str(threads), "--bind", f"127.0.0.1:{port}"]
    words += [f"tests.bench.contenders.{contender.module}:app()"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **contender.environment}
    with subprocess.Popen(words, cwd=ROOT, env=environment) as process:
        try:
            _wait(port, process)
            yield Running(contender, port, process.pid)
        finally:
            process.terminate()


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        line = Line(port, 1)
        answer = line.ask(b"GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        line.close()
        if answer.status:
            return
        assert process.poll() is None, "the server did not start"
        time.sleep(0.1)
    raise TimeoutError("the server does not answer")


def middle(values: Sequence[float]) -> float:
    """Return the median: one disturbed round must not count."""
    return statistics.median(values)
