"""A target (目标): what is fuzzed, with what, and what must hold whatever comes."""

import resource
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st


@dataclass(frozen=True)
class Target:
    """Something that reads what strangers send.

    Attributes:
        name: of the target.
        inputs: draws what it reads.
        check: reads it; an AssertionError, or anything undocumented that is raised, is a find.
        cost: how many times dearer one check is than that of a short text; dear targets get fewer checks.
        seconds: the most one check may take of the processor.
    """

    name: str
    inputs: st.SearchStrategy[Any]
    check: Callable[[Any], None]
    cost: int = 1
    seconds: float = 1.0

    def run(self, value: object) -> None:
        """Check one input, within its time and 256 MiB."""
        with _bounded(self.seconds):
            self.check(value)


MOST_GROWTH = 256 * 1024
"""KiB the largest memory this process ever had may grow by in one check."""


@contextmanager
def _bounded(seconds: float) -> Any:  # noqa: ANN401 -- a generator of a context
    before, cpu = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    yield
    took = time.process_time() - cpu
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert took <= seconds, f"took {took:.1f} s of the processor"
    assert grown <= MOST_GROWTH, f"took {grown // 1024} MiB"
