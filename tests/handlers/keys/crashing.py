"""Run as a program: kill a change of keys at every single step on the disk, each time in a fresh copy of the folder.

Usage: crashing.py FOLDER CHANGE — prints how many steps there were. Each step is an audit event of the interpreter, so
nothing of ours is replaced: the child simply ceases to exist before the step, as by a power failure.
"""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from handlers.keys import make_keys
from handlers.keys.changing import retire, rotate_qr, rotate_report

CHANGES: dict[str, Callable[[Path], object]] = {
    "make": make_keys,
    "qr": rotate_qr,
    "report": rotate_report,
    "retire": lambda folder: retire(folder, "1"),
}
_STEPS = {"open", "os.rename", "os.remove", "os.mkdir"}
_KILLED = 9


def _die_before(step: int, folder: Path) -> None:
    left = step

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in _STEPS and str(arguments[0]).startswith(str(folder)):
            if left == 0:
                os._exit(_KILLED)
            left -= 1

    sys.addaudithook(watch)


def main(folder: Path, change: str) -> None:
    """Leave a copy beside the folder for each step at which the change was killed."""
    step = 0
    while True:
        copied = folder.with_name(f"{folder.name}-{change}-{step}")
        if folder.exists():
            shutil.copytree(folder, copied)
        child = os.fork()
        if child == 0:
            _die_before(step, copied)
            CHANGES[change](copied)
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
            break
        step += 1
    sys.stdout.write(f"{step}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
