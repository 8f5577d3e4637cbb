"""The reading of roster files (读取名册文件): xlsx, xls and CSV, told apart by content, line by line."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from zipfile import is_zipfile

from python_calamine import CalamineError, PasswordError, load_workbook

from bot.roster.cells import Cell
from bot.roster.columns import Line
from handlers.roster.faults import RosterFileError
from handlers.roster.table_text import text_lines
from handlers.roster.workbook import workbook_lines

MOST_BYTES = 100 * 2**20
"""Bytes a file may have; 100,000 graduates take about fourteen million."""

MOST_LINES = 200_000
"""Lines with content a file may have."""

_HEAD = 4096
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_LOCKED = "文件设有打开密码；请在表格软件里取消密码，另存后再导入"
_MARKUP = re.compile(rb"\s*<(?:!doctype html|html|\?xml|table|meta|head|div|style)", re.IGNORECASE)
_FOREIGN = {
    b"%PDF": "PDF",
    b"\x89PNG": "图片",
    b"\xff\xd8\xff": "图片",
    b"GIF8": "图片",
    b"Rar!": "压缩包",
    b"7z\xbc\xaf": "压缩包",
}
_TEXT_NAMES = {".csv", ".txt", ".tsv", ""}


def read_lines(path: Path) -> Iterator[Line]:
    """Yield the lines of a roster file (读取名册), numbered as the spreadsheet numbers them, without blank ones.

    The content decides what the file is, not its name; of a workbook the first visible sheet is read.

    Raises:
        RosterFileError: at the first line or on the way; the file is empty, locked, no table, broken or too large.
    """
    lines = 0
    for line in _lines(path):
        if any(cell is not None and cell != "" for cell in line.cells):
            lines += 1
            if lines > MOST_LINES:
                raise RosterFileError(f"文件超过 {MOST_LINES:,} 行，请拆分后分别导入")
            yield line


def _lines(path: Path) -> Iterator[Line]:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise RosterFileError(f"文件打不开：{error.strerror}") from None
    if not head.strip(b"\0\r\n\t \xef\xbb\xbf"):
        raise RosterFileError("文件是空的")
    if size > MOST_BYTES:
        raise RosterFileError(f"文件超过 {MOST_BYTES // 2**20} MB，请删去多余的工作表和图片，或拆分后导入")
    if head.startswith(b"PK"):
        if not is_zipfile(path):
            raise RosterFileError("文件不完整，可能没有下载完；请重新取得后再导入")
        return workbook_lines(path)
    if head.startswith(_OLE):
        return _old_workbook_lines(path)
    _demand_text(head, path)
    return text_lines(path)


def _demand_text(head: bytes, path: Path) -> None:
    """Refuse what is neither a workbook nor a table written as text."""
    for start, kind in _FOREIGN.items():
        if head.startswith(start):
            raise RosterFileError(f"这是{kind}，不是表格；请导入 xlsx、xls 或 CSV 文件")
    if _MARKUP.match(head.removeprefix(b"\xef\xbb\xbf")):
        raise RosterFileError("这是网页（HTML / XML）改名成的表格；请用 Excel 或 WPS 打开，另存为 xlsx 再导入")
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise RosterFileError("这不是表格文件；请导入 xlsx、xls 或 CSV 文件")
    if path.suffix.lower() not in _TEXT_NAMES:
        raise RosterFileError(f"扩展名是 {path.suffix}，内容却是 CSV 文本；请把扩展名改成 .csv，或另存为 xlsx 再导入")


def _old_workbook_lines(path: Path) -> Iterator[Line]:
    """Yield the lines of an xls (旧版工作簿), which has at most 65,536 rows and is read as a whole.

    A formula that failed reads as empty here: the reader does not tell. In xlsx it is told.
    """
    if _ENCRYPTED in path.read_bytes():
        raise RosterFileError(_LOCKED)
    try:
        book = load_workbook(path)
    except PasswordError:
        raise RosterFileError(_LOCKED) from None
    except CalamineError:
        raise RosterFileError("这个 .xls 文件打不开，可能已损坏；请用 Excel 或 WPS 另存为 xlsx 再导入") from None
    with closing(book):
        names = [sheet.name for sheet in book.sheets_metadata if str(sheet.visible).endswith(".Visible")]
        if not names:
            raise RosterFileError("工作簿里没有可见的工作表")
        sheet = book.get_sheet_by_name(names[0])
        if sheet.start is None:
            raise RosterFileError("第一张工作表是空的")
        left = [None] * sheet.start[1]  # the reader starts at the first used column, but at the first row
        for number, cells in enumerate(sheet.iter_rows(), 1):
            yield Line(number, (*left, *map(_cell, cells)))


def _cell(value: object) -> Cell:
    return value if isinstance(value, str | int | float | bool | date) else str(value)
