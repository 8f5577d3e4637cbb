"""The files (导出文件) of the console: xlsx and csv, made in a file of their own, safe to open in a spreadsheet."""

import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO
from urllib.parse import quote

from werkzeug.http import dump_options_header
from werkzeug.wrappers import Response
from xlsxwriter import Workbook

from handlers.roster import writing

Cell = str | int | float
"""A text, a count, or as a float a share, 0 to 1."""
_KINDS = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
_HEAD = {"bold": True, "num_format": "@", "border": 1, "bg_color": "#E3F4EC"}
_IN_MEMORY, _PIECE = 1 << 20, 1 << 16


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a file (工作表).

    Attributes:
        name: as the tab shows it; csv has no tabs.
        heads: first row.
        rows: the others, used up once.
    """

    name: str
    heads: Sequence[str]
    rows: Iterable[Sequence[Cell]]


def sent(sheets: Sequence[Sheet], name: str, kind: str) -> Response:
    """Return an answer that a browser saves (下载): the sheets as xlsx, or the first one as csv."""
    return written(lambda file: write(file, sheets, kind), name, kind)


def written(fill: Callable[[IO[bytes]], object], name: str, kind: str) -> Response:
    """Return an answer that a browser saves (下载) once ``fill`` has written the file; if it fails, none stays."""
    with ExitStack() as stack:
        # Small ones stay in memory, none has a name that anybody else could open.
        file = stack.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY))
        fill(file)
        stack.pop_all()
    return _saved(file, name, kind)


def write(file: IO[bytes], sheets: Sequence[Sheet], kind: str) -> int:
    """Write the sheets into a file (写出), in memory that does not grow with them; return how many rows there were."""
    return _write_workbook(file, sheets) if kind == "xlsx" else _write_text(file, sheets[0])


def _saved(file: IO[bytes], name: str, kind: str) -> Response:
    """Return a written file as an answer that a browser saves (下载); the file is closed with the last piece."""
    size = file.seek(0, io.SEEK_END)
    answer = Response(_pieces(file), content_type=_KINDS[kind])
    answer.content_length = size
    # A header is latin-1: servers refuse the Chinese name in any other notation (RFC 6266).
    answer.headers["Content-Disposition"] = dump_options_header(
        "attachment", {"filename": f"export.{kind}", "filename*": f"UTF-8''{quote(f'{name}.{kind}')}"}
    )
    return answer


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece


def _write_workbook(file: IO[bytes], sheets: Sequence[Sheet]) -> int:
    written = 0
    # Rows go to disk as they come; a text stays a text, whatever it begins with.
    with Workbook(file, {"constant_memory": True, "strings_to_urls": False}) as book:
        text, head, share = (book.add_format(style) for style in ({"num_format": "@"}, _HEAD, {"num_format": "0.0%"}))
        for sheet in sheets:
            page = book.add_worksheet(sheet.name)
            for place, words in enumerate(sheet.heads):
                page.set_column(place, place, max(2 * len(words), 10))
                page.write_string(0, place, words, head)
            page.freeze_panes(1, 1)
            for number, row in enumerate(sheet.rows, 1):
                written += 1
                for place, cell in enumerate(row):
                    if isinstance(cell, str):
                        page.write_string(number, place, cell, text)
                    else:
                        page.write_number(number, place, cell, share if isinstance(cell, float) else None)
    return written


def _write_text(file: IO[bytes], sheet: Sheet) -> int:
    written = 0
    # Excel takes a CSV for UTF-8 only if it begins with the mark.
    words = io.TextIOWrapper(file, "utf-8-sig", newline="")
    table = csv.writer(words)
    table.writerow(sheet.heads)
    for row in sheet.rows:
        written += 1
        table.writerow([_written(cell) for cell in row])
    words.flush()
    words.detach()
    return written


def _written(cell: Cell) -> str:
    if isinstance(cell, str):
        return guarded(cell)
    return f"{cell:.1%}" if isinstance(cell, float) else str(cell)


def guarded(cell: str) -> str:
    """Return a text so that a spreadsheet neither runs it nor takes it for a number (防公式)."""
    # A roster has no text that begins with a tab or a return; other files may.
    return f"'{cell}" if cell.startswith(("\t", "\r")) else writing.guarded(cell)
