"""Driving a server: in a closed loop, as fast as it answers, or at a set rate, whatever it does."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Lock

from tests.load.line import Line
from tests.load.pushes import Answer

Pushed = tuple[bytes, ...]
"""The requests of one person, in their order."""


def closed_loop(port: int, people: Sequence[Pushed], threads: int) -> list[list[Answer]]:
    """Push everything; each thread takes one person after another and waits for each answer."""
    answers: list[list[Answer]] = [[] for _ in people]
    take = _taking(len(people))

    def walk() -> None:
        line = Line(port)
        while (place := take()) is not None:
            answers[place] = [line.ask(request) for request in people[place]]
        line.close()

    _together(walk, threads)
    return answers


def at_a_rate(port: int, requests: Sequence[bytes], per_second: float, threads: int) -> list[tuple[float, Answer]]:
    """Push each request at its moment; returns seconds from that moment, late sending included, and the answer.

    The moment is fixed before anything is sent: a server that stalls does not slow the questions down, so its stall
    is seen by everybody who would have come meanwhile (no coordinated omission).
    """
    results: list[tuple[float, Answer]] = [(0.0, Answer(0, b""))] * len(requests)
    take, begin = _taking(len(requests)), time.monotonic() + 0.5

    def push() -> None:
        line = Line(port)
        while (place := take()) is not None:
            due = begin + place / per_second
            time.sleep(max(0.0, due - time.monotonic()))
            answer = line.ask(requests[place])
            results[place] = time.monotonic() - due, answer
        line.close()

    _together(push, threads)
    return results


def _taking(number: int) -> Callable[[], int | None]:
    places, lock = count(), Lock()

    def take() -> int | None:
        with lock:
            place = next(places)
        return place if place < number else None

    return take


def _together(work: Callable[[], None], threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work) for _ in range(threads)]:
            done.result()
