"""Patience (耐心): until when the present thread may wait, whatever it waits for.

A time-out of one step says nothing about many steps: a database that takes two seconds for each of five statements
keeps every time-out and loses the platform's five seconds. So whoever has promised an answer says once until when,
and everything underneath that waits asks here how long it still may.
"""

import threading
from time import monotonic
from types import TracebackType


class _Until(threading.local):
    moment = float("inf")


_until = _Until()


class Patience:
    """A stretch of the present thread that ends in time (限时); inside another one, the earlier end counts.

    Args:
        seconds: how long everything inside may take together.
    """

    __slots__ = ("_before", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        self._before = _until.moment
        _until.moment = min(self._before, monotonic() + self._seconds)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        _until.moment = self._before


def seconds_left(most: float = float("inf")) -> float:
    """Return how long the present thread may still wait (剩余时间): at most ``most`` seconds, never less than 0."""
    until = _until.moment
    if until == _Until.moment:
        return most
    return max(0.0, min(most, until - monotonic()))
