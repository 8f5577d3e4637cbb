"""Measure the preview of a large roster (名册预览测速), as the worker does it: child process, comparison, stored lists.

    .venv/bin/python tests/bench/roster_preview.py [ROWS]

For each file: seconds of CPU of the worker and of the child that reads, and the peak of resident memory of each, for
the first import, the same file again, and one in which every twentieth graduate changed; then the writing of it and
the undo. Each step runs in a process of its own. The targets: 100,000 rows, preview within 10 s of CPU and 300 MB.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bot.staff.deed import COMMAND
from bot.use_cases.roster_uploads import ask_to_apply, ask_to_undo, upload_roster
from bot.use_cases.staff_changes import Office
from handlers.roster.jobs import RosterJobs
from storage.cipher import FieldCipher, derive_keys
from storage.engine import open_engine
from storage.migrating import migrate
from storage.unit_of_work import SqlWork
from tests.bench.roster_import import SEASON, generate


class NoLinks:
    """Links nobody follows: the graduates of the bench have no account."""

    def report(self, _: object) -> str:
        """Return nothing."""
        return ""

    real_person = report


def office(database: Path) -> Office:
    """Open the office on a database, which is made if it is not there."""
    url = f"sqlite:///{database}"
    migrate(url)
    field, index = derive_keys(b"0" * 32)
    work = SqlWork(open_engine(url), FieldCipher({1: field}, index))
    with work.writing() as uow:
        if uow.seasons.current() is None:
            uow.seasons.save(SEASON)
        uow.commit()
    return Office(work, NoLinks(), lambda: datetime.now(UTC), lambda: uuid.uuid4().hex, COMMAND)


def step(kind: str, database: Path, file: Path) -> None:
    """Do one step and print its figures."""
    staff = office(database)
    if kind == "upload":
        content = file.read_bytes()
        return _measured(kind, staff, lambda: upload_roster(staff, file.name, content))
    with staff.work.reading() as uow:
        newest = uow.uploads.newest(SEASON.id, 1)[0]
    if kind == "apply":
        ask_to_apply(staff, newest.id, good_only=False)
    elif kind == "undo":
        ask_to_undo(staff, newest.id)
    return _measured(kind, staff, RosterJobs(staff))


def _measured(kind: str, staff: Office, do: Callable[[], object]) -> None:
    begun, cpu = time.perf_counter(), time.process_time()
    do()
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    own, child = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    of_child = child.ru_utime + child.ru_stime
    with staff.work.reading() as uow:
        found = uow.uploads.newest(SEASON.id, 1)[0].findings
    counts = f"+{found.added:,} ~{found.changed:,} ={found.unchanged:,} !{found.refused}" if found else ""
    print(  # noqa: T201 -- a script that reports
        f"{kind:8} {seconds:5.1f} s, CPU {cpu + of_child:5.1f} s ({cpu:.1f} + {of_child:.1f} child), "
        f"peak {own.ru_maxrss / 1024:.0f} + {child.ru_maxrss / 1024:.0f} MB  {counts}"
    )


def main() -> None:
    """Generate the files, and run every step in a process of its own, so that each peak is its own."""
    parser = argparse.ArgumentParser(description="Measure the preview of a large roster.")
    parser.add_argument("rows", nargs="?", type=int, default=100_000)
    parser.add_argument("--step", nargs=3, default=())
    arguments = parser.parse_args()
    if arguments.step:
        kind, database, file = arguments.step
        if kind in {"generate", "change"}:
            generate(Path(file), arguments.rows, changed=kind == "change")
        else:
            step(kind, Path(database), Path(file))
        return
    with tempfile.TemporaryDirectory() as folder:
        same, changed, database = (Path(folder, name) for name in ("roster.xlsx", "changed.xlsx", "quxiang.db"))
        steps = [("generate", same), ("change", changed), ("upload", same), ("preview", same), ("apply", same)]
        steps += [("upload", same), ("preview", same), ("upload", changed), ("preview", changed), ("apply", changed)]
        for kind, file in (*steps, ("undo", changed)):
            command = [sys.executable, __file__, str(arguments.rows), "--step", kind, str(database), str(file)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
