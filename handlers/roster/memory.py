"""Memory during a large import (导入时的内存)."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause Python's cycle collector (暂停垃圾回收) around an import of some seconds.

    An import makes a million small values and no cycles among them; looking through them again and again for cycles
    took 17 to 25 % of the time of 100,000 rows, and pausing cost no memory (tests/bench/roster_import.py). Cycles that
    requests in other threads leave meanwhile wait for these seconds.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
