"""Measure the import of a large roster (名册导入测速), in a fresh process, on an empty and then on a full register.

    .venv/bin/python tests/bench/roster_import.py [ROWS]

Prints for each step: seconds on the clock, seconds of CPU, the peak of resident memory in megabytes.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bot.registration.season import Season
from bot.roster.columns import Column
from bot.use_cases.import_roster import Importing, import_roster
from handlers.roster.demo import demo_roster
from handlers.roster.memory import collector_paused
from handlers.roster.reading import read_lines
from handlers.roster.writing import write_roster
from storage.cipher import FieldCipher, derive_keys
from storage.engine import open_engine
from storage.migrating import migrate
from storage.unit_of_work import SqlWork

TODAY = date(2026, 6, 20)
NOW = datetime(2026, 6, 20, 4, tzinfo=UTC)
SEASON = Season(
    "2026", "示例大学", TODAY, TODAY + timedelta(7), TODAY, TODAY + timedelta(60), "就业办", "0512-62000000",
    "010-67410388", "help@example.edu", "https://example.edu/",
)  # fmt: skip


def generate(path: Path, rows: int, *, changed: bool) -> None:
    """Write the file; ``changed`` gives every twentieth graduate another place of origin (生源地)."""
    roster = demo_roster(TODAY, rows).rows
    if changed:
        for row in roster[::20]:
            row[Column.PLACE_OF_ORIGIN] = "示例省改过市"
    write_roster(path, roster)


def load(path: Path, database: Path) -> None:
    """Import the file and print the figures."""
    url = f"sqlite:///{database}"
    migrate(url)
    field, index = derive_keys(b"0" * 32)
    work = SqlWork(open_engine(url), FieldCipher({1: field}, index))
    with work.writing() as uow:
        uow.seasons.save(SEASON)
        uow.commit()
    importing = Importing(work, SEASON, NOW, lambda: uuid.uuid4().hex, lambda *_: None)
    before, cpu = time.perf_counter(), time.process_time()
    with collector_paused():  # as the command does
        result = import_roster(read_lines(path), importing, dry_run=False)
    seconds, cpu = time.perf_counter() - before, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(  # noqa: T201 -- a script that reports
        f"added {result.added:,}  changed {result.changed:,}  unchanged {result.unchanged:,}  refused {result.refused}"
        f"  |  {seconds:.1f} s, CPU {cpu:.1f} s, peak {peak:.0f} MB"
    )


def main() -> None:
    """Generate and import, each in a process of its own, so that the peak is the import's."""
    parser = argparse.ArgumentParser(description="Measure the import of a large roster.")
    parser.add_argument("rows", nargs="?", type=int, default=100_000)
    parser.add_argument("--step", nargs="+", default=())
    arguments = parser.parse_args()
    if arguments.step:
        kind, path, *rest = arguments.step
        if kind == "load":
            load(Path(path), Path(rest[0]))
        else:
            generate(Path(path), arguments.rows, changed=kind == "change")
        return
    with tempfile.TemporaryDirectory() as folder:
        file, changed, database = (Path(folder, name) for name in ("roster.xlsx", "changed.xlsx", "quxiang.db"))
        _run(arguments.rows, "generate", file)
        _run(arguments.rows, "change", changed)
        print(f"file: {file.stat().st_size / 2**20:.1f} MB")  # noqa: T201 -- a script that reports
        for path in (file, file, changed):
            _run(arguments.rows, "load", path, database)


def _run(rows: int, *step: object) -> None:
    subprocess.run([sys.executable, __file__, str(rows), "--step", *map(str, step)], check=True)


if __name__ == "__main__":
    main()
