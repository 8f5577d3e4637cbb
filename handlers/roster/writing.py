"""The writing of roster files (写出名册文件): every cell as text, so that no spreadsheet alters or runs it."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from xlsxwriter import Workbook

from bot.errors import BadValueError
from bot.roster.columns import ARCHIVE, REQUIRED, Column
from handlers.roster.table_text import STARTERS

_WIDTHS = dict.fromkeys(Column, 12) | {
    Column.STUDENT_NUMBER: 14,
    Column.IDENTITY_NUMBER: 21,
    Column.EXAM_NUMBER: 17,
    Column.COLLEGE: 20,
    Column.MAJOR: 20,
    Column.DESTINATION: 20,
    Column.UNIT: 28,
    Column.USCC: 21,
    Column.TRANSFER_TYPE: 15,
    Column.RECEIVING_TYPE: 17,
    Column.ARCHIVE_UNIT: 26,
    Column.ARCHIVE_ADDRESS: 34,
    Column.ARCHIVE_PHONE: 16,
    Column.HOUSEHOLD_MOVED: 16,
    Column.HOUSEHOLD_ADDRESS: 30,
}
_LINKED = {*ARCHIVE, Column.RECEIVING_TYPE}
_SHORT_ENOUGH = 11  # digits a spreadsheet shows in full, if it takes a cell for a number


def write_roster(path: Path, rows: Iterable[Mapping[Column, str]]) -> int:
    """Write a roster (写出名册) as .xlsx or .csv, whichever the path says; return the number of rows.

    Raises:
        BadValueError: another extension.
    """
    writers = {".xlsx": _write_workbook, ".csv": _write_text}
    try:
        write = writers[path.suffix.lower()]
    except KeyError:
        raise BadValueError("导出的文件名应以 .xlsx 或 .csv 结尾") from None
    return write(path, rows)


def _write_workbook(path: Path, rows: Iterable[Mapping[Column, str]]) -> int:
    written = 0
    # Rows go to the file as they come; strings stay strings, whatever they begin with.
    with Workbook(path, {"constant_memory": True, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet("毕业生名册")
        text = book.add_format({"num_format": "@"})
        head = {"bold": True, "num_format": "@", "border": 1, "bg_color": "#E8EEF7"}
        plain, required = book.add_format(head), book.add_format(head | {"font_color": "#B00020"})
        linked = book.add_format(head | {"bg_color": "#EAF4EA"})
        for place, column in enumerate(Column):
            sheet.set_column(place, place, _WIDTHS[column], text)
            style = required if column in REQUIRED else linked if column in _LINKED else plain
            sheet.write_string(0, place, column, style)
        sheet.freeze_panes(1, 2)
        for written, row in enumerate(rows, 1):
            for place, column in enumerate(Column):
                if value := row.get(column, ""):
                    sheet.write_string(written, place, value, text)
        sheet.autofilter(0, 0, written, len(Column) - 1)
    return written


def _write_text(path: Path, rows: Iterable[Mapping[Column, str]]) -> int:
    written = 0
    # Excel takes a CSV for UTF-8 only if it begins with the mark.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        table.writerow(Column)
        for written, row in enumerate(rows, 1):  # noqa: B007 -- the last number is the count
            table.writerow([guarded(row.get(column, "")) for column in Column])
    return written


def guarded(cell: str) -> str:
    """Return the cell so that a spreadsheet neither runs it nor takes it for a number; our reader undoes it."""
    if cell.startswith(STARTERS):
        return f"'{cell}"
    if cell.isdecimal() and (len(cell) > _SHORT_ENOUGH or cell.startswith("0")):
        return f"\t{cell}"
    return cell
