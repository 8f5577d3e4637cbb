"""The old workbook (xls), read by python-calamine in a process of its own.

Started with a path, this module prints the rows of the first visible sheet as lines of JSON. A damaged file makes
calamine ask for any amount of memory and abort; that must end this process and no other.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path

from python_calamine import CalamineError, PasswordError, load_workbook

from bot.roster.cells import Cell
from bot.roster.columns import Line, Merged, Remarks
from handlers.roster.faults import LOCKED, RosterFileError, sheets_note

_MOST_MEMORY = 2 * 2**30
_MOST_SECONDS = 60
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_BROKEN = "这个 .xls 文件打不开，可能已损坏；请用 Excel 或 WPS 另存为 xlsx 再导入"
_REASONS = {3: LOCKED, 4: "工作簿里没有可见的工作表"}  # exit codes of ``main``


def old_workbook_lines(path: Path, remarks: Remarks) -> Iterator[Line]:
    """Yield the lines of an xls (读取旧版工作簿), which has at most 65,536 rows.

    A formula that failed reads as empty here: the format's reader does not tell. In xlsx it is told.

    Raises:
        RosterFileError: locked, broken, or not an xls.
    """
    if _ENCRYPTED in path.read_bytes():
        raise RosterFileError(LOCKED)
    command = [sys.executable, "-m", __name__, str(path.absolute())]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_MOST_SECONDS)  # noqa: S603 -- our own module
    except subprocess.TimeoutExpired:
        raise RosterFileError(_BROKEN) from None
    if done.returncode:
        raise RosterFileError(_REASONS.get(done.returncode, _BROKEN))
    first, *lines = done.stdout.splitlines() or [b"{}"]
    found = json.loads(first)
    remarks.total = len(lines)
    remarks.merged += (Merged(*cells) for cells in found.get("merged", ()))
    if len(found.get("sheets", ())) > 1:
        remarks.notes.append(sheets_note(found["sheets"]))
    for number, line in enumerate(lines, 1):
        yield Line(number, [_from_json(cell) for cell in json.loads(line)])


def _from_json(cell: object) -> Cell:
    if isinstance(cell, list):
        day = datetime.fromisoformat(cell[0])
        return day if "T" in cell[0] else day.date()
    assert cell is None or isinstance(cell, str | int | float | bool)  # noqa: S101 -- it is what ``main`` prints
    return cell


def _to_json(cell: object) -> object:
    if isinstance(cell, date):
        return [cell.isoformat()]
    return cell if isinstance(cell, str | int | float | bool | None) else str(cell)


def main(path: str) -> int:
    """Print the rows as JSON (输出各行); return the exit code."""
    with suppress(ValueError):  # a tighter limit is set already
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    try:
        book = load_workbook(path)
        names = [sheet.name for sheet in book.sheets_metadata if str(sheet.visible).endswith(".Visible")]
        if not names:
            return 4
        sheet = book.get_sheet_by_name(names[0])
        merged = [[top + 1, bottom + 1, left, right] for (top, left), (bottom, right) in sheet.merged_cell_ranges or ()]
        print(json.dumps({"sheets": names, "merged": merged}))  # noqa: T201 -- the parent reads it
        if sheet.start is None:
            return 0
        left = [None] * sheet.start[1]  # the reader starts at the first used column, but at the first row
        for cells in sheet.iter_rows():
            print(json.dumps([*left, *map(_to_json, cells)]))  # noqa: T201 -- the parent reads it
    except PasswordError:
        return 3
    except CalamineError:
        return 5
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
