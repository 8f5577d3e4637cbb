"""What processes spend (资源消耗): CPU seconds and memory of a process with all its children, from /proc."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

_TICK = os.sysconf("SC_CLK_TCK")
_KIB = 1024


class Memory(NamedTuple):
    """Memory of one process in MiB: what it maps (RSS), and its fair share of that (PSS)."""

    rss: float
    pss: float


def tree(root: int) -> Iterator[int]:
    """Yield a process and all that descend from it."""
    yield root
    for task in Path(f"/proc/{root}/task").glob("*/children"):
        try:
            children = task.read_text("ascii").split()
        except OSError:
            continue
        for child in children:
            yield from tree(int(child))


def cpu_seconds(processes: Iterable[int]) -> float:
    """Return the CPU seconds these processes have spent so far, their ended children included."""
    return sum(_spent(process) for process in processes)


def _spent(process: int) -> float:
    try:
        stat = Path(f"/proc/{process}/stat").read_text("ascii", errors="replace")
    except OSError:
        return 0.0
    # The name in brackets may hold anything; utime, stime, cutime and cstime are the 14th to 17th field.
    fields = stat.rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICK


def memory(process: int) -> Memory:
    """Return what a process holds."""
    text = Path(f"/proc/{process}/smaps_rollup").read_text("ascii")
    sizes = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines() if line.endswith("kB")}
    return Memory(sizes["Rss"] / _KIB, sizes["Pss"] / _KIB)
