"""Reading an upload in a child process (名册解析子进程): whatever is wrong with a file ends that process and no other.

Started as a module with a path and the suffix of the file's name, it prints the lines as JSON and what else it found.
It has a limit of memory and of processor time and no secret of ours in its environment. The file itself lies in memory
only: where the system can, it has no name on any disk.
"""

import json
import logging
import os
import resource
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, Final

from bot.roster.cells import Broken, Cell
from bot.roster.columns import Line, Merged, Remarks
from handlers.roster.faults import RosterFileError
from handlers.roster.reading import read_lines

_MOST_MEMORY: Final = 640 * 2**20
_MOST_CPU_SECONDS: Final = 40
_BATCH: Final = 250
_BARE: Final = {"PYTHONPATH": str(Path(__file__).parents[2])}
_TOO_HARD: Final = (
    "读取这个文件需要的内存或时间多得不合常理，为安全起见停了下来；请把名册复制到新的工作簿（只复制数值），再上传一次"
)


@contextmanager
def opened_sheet(pieces: Iterable[bytes], suffix: str) -> Iterator[tuple[Iterator[Line], Remarks]]:
    """Give the lines of a file that comes in pieces (打开名册), read in a child process, and what else is found.

    Raises:
        RosterFileError: at the first line or on the way, as ``read_lines`` does; or the child was stopped.
    """
    remarks = Remarks()
    with _stored(pieces) as path:
        command = [sys.executable, "-m", __name__, str(path), suffix]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_BARE)  # noqa: S603 -- our own module
        try:
            yield _lines(child, remarks), remarks
        finally:
            child.kill()
            child.wait()
            if child.stdout:
                child.stdout.close()


@contextmanager
def _stored(pieces: Iterable[bytes]) -> Iterator[Path]:
    """Lay the pieces down as a file that a child can open, in memory where the system can (Linux)."""
    if hasattr(os, "memfd_create"):
        number = os.memfd_create("roster")
        with os.fdopen(number, "wb") as file:
            _write(file, pieces)
            yield Path(f"/proc/{os.getpid()}/fd/{number}")
    else:
        with NamedTemporaryFile() as file:
            _write(file, pieces)
            yield Path(file.name)


def _write(file: IO[bytes], pieces: Iterable[bytes]) -> None:
    file.writelines(pieces)
    file.flush()


def _lines(child: "subprocess.Popen[bytes]", remarks: Remarks) -> Iterator[Line]:
    if child.stdout is None:
        raise RosterFileError(_TOO_HARD)
    is_whole = False
    for message in child.stdout:
        if not message.endswith(b"\n"):
            break  # the child died in the middle of it
        told = json.loads(message.decode("utf-8", "surrogatepass"))
        if isinstance(told, dict):
            is_whole = _take(told, remarks)
        elif b"{" in message:  # a cell that JSON has no word for, or a brace in a text
            yield from (Line(number, [_cell(cell) for cell in cells]) for number, cells in told)
        else:
            yield from map(Line._make, told)
    if not is_whole:
        raise RosterFileError(_TOO_HARD)


def _take(told: dict[str, Any], remarks: Remarks) -> bool:
    """Take what the child says beside the lines; True if it was the last word."""
    if "refused" in told:
        raise RosterFileError(told["refused"])
    remarks.total = told["total"]
    remarks.notes[:] = told["notes"]
    remarks.merged[:] = [Merged(*cells) for cells in told["merged"]]
    return bool(told["is_last"])


def _cell(told: Any) -> Cell:  # noqa: ANN401 -- what JSON holds
    if not isinstance(told, dict):
        return told  # type: ignore[no-any-return]
    if "broken" in told:
        return Broken(told["broken"])
    return date.fromisoformat(told["day"])


def _told(cell: Broken | date) -> object:
    # The roster asks days, never hours.
    return {"broken": cell.reason} if isinstance(cell, Broken) else {"day": cell.isoformat()[:10]}


def _say(what: object) -> None:
    text = json.dumps(what, ensure_ascii=False, separators=(",", ":"), default=_told)
    sys.stdout.buffer.write(text.encode("utf-8", "surrogatepass") + b"\n")


def _tell(remarks: Remarks, *, is_last: bool) -> None:
    _say({"total": remarks.total, "notes": remarks.notes, "merged": remarks.merged, "is_last": is_last})


def main(path: Path, suffix: str) -> int:
    """Read and print (子进程); return the exit code."""
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_MOST_CPU_SECONDS, _MOST_CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    logging.disable(logging.CRITICAL)
    remarks = Remarks()
    try:
        lines = read_lines(path, remarks, suffix)
        batch = list(islice(lines, 1))
        _tell(remarks, is_last=False)
        while batch:
            _say(batch)
            batch = list(islice(lines, _BATCH))
    except RosterFileError as error:
        _say({"refused": str(error)})
        return 0
    _tell(remarks, is_last=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
