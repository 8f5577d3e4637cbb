"""Counts over several processes (多进程计数), in files of a folder that any of them can add up.

A process gets a slot, not its number: the next one to have the slot counts on where the last one stopped. So there are
never more files than processes, however often these are replaced.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, multiprocess, values
from prometheus_client.metrics import MetricWrapperBase

_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX: Final = "quxiang-counts-"


class SharedCounts:
    """The slots of the serving processes (计数槽位); lives in the process that starts the others."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._owner = 0
        self._mine = "first"
        self._taken: dict[int, str] = {}

    @property
    def registry(self) -> CollectorRegistry:
        """What to tell whoever asks any of the processes (汇总)."""
        if self._folder is None:
            return REGISTRY
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, str(self._folder))  # type: ignore[no-untyped-call]  # it has no types
        return registry

    def begin(self) -> None:
        """Lay the files into a new folder (启用), of this run only; in systemd's folder in memory if there is one."""
        if self._folder is not None:
            return
        place = Path(os.environ.get("RUNTIME_DIRECTORY") or tempfile.gettempdir())
        _wipe(place)
        self._owner = os.getpid()
        self._folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{self._owner}-", dir=place))
        # The library looks there whenever a process opens its file.
        os.environ[_FOLDER] = str(self._folder)
        values.ValueClass = values.MultiProcessValue(lambda: self._mine)  # type: ignore[no-untyped-call]  # as its page for uWSGI does
        _lay_anew()

    def take_slot(self, child: int) -> None:
        """Keep the first free slot for a process about to be started (留槽位), whatever ``child`` calls it."""
        slots = (f"slot{number}" for number in range(len(self._taken) + 1))
        self._taken[child] = next(slot for slot in slots if slot not in self._taken.values())

    def settle(self, child: int) -> None:
        """Count in that slot from now on (入槽); called in the new process."""
        self._mine = self._taken[child]

    def leave(self, child: int) -> None:
        """Free the slot of a process that has ended (释放槽位)."""
        slot = self._taken.pop(child, None)
        if slot is not None and self._folder is not None:
            multiprocess.mark_process_dead(slot, str(self._folder))  # type: ignore[no-untyped-call]  # it has no types

    def end(self) -> None:
        """Remove the folder (清除), in the process that made it."""
        if self._folder is not None and self._owner == os.getpid():
            shutil.rmtree(self._folder, ignore_errors=True)


def _wipe(place: Path) -> None:
    """Remove what runs that were killed have left behind."""
    for folder in place.glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        # A number that is ours now was somebody's before: in a container it is always the same.
        if owner == str(os.getpid()) or not Path("/proc", owner).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _lay_anew() -> None:
    """Give the counters that were made at import a place in the files.

    The library chooses where a counter lives when it is made, and we know only from the settings, later.
    """
    for collector in list(REGISTRY._collector_to_names):  # noqa: SLF001 -- the library has no way to list them
        # One with labels makes a counter for each of their values when it is first needed, which is later.
        if isinstance(collector, MetricWrapperBase) and not collector._labelnames:  # noqa: SLF001 -- the same
            collector._metric_init()  # type: ignore[no-untyped-call]  # noqa: SLF001 -- a test would notice a change


SHARED = SharedCounts()
"""The one of this process and those it starts; the counters themselves are one for each process as well."""
