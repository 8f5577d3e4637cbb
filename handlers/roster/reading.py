"""The reading of roster files (读取名册文件): xlsx, xls and CSV, told apart by content, line by line."""

import re
from collections.abc import Iterator
from pathlib import Path
from zipfile import is_zipfile

from bot.roster.columns import Line, Remarks
from handlers.roster.faults import RosterFileError
from handlers.roster.old_workbook import old_workbook_lines
from handlers.roster.table_text import text_lines
from handlers.roster.workbook import workbook_lines

MOST_BYTES = 100 * 2**20
"""Bytes a file may have; 100,000 graduates take about fourteen million."""

MOST_LINES = 200_000
"""Lines with content a file may have."""

_HEAD = 4096
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
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


def read_lines(path: Path, remarks: Remarks | None = None, suffix: str | None = None) -> Iterator[Line]:
    """Yield the lines of a roster file (读取名册), numbered as the spreadsheet numbers them, without blank ones.

    The content decides what the file is, not its name; of a workbook the first visible sheet is read.

    Args:
        path: the file.
        remarks: filled with what else there is to know.
        suffix: of the file's own name, where the path has another.

    Raises:
        RosterFileError: at the first line or on the way; the file is empty, locked, no table, broken or too large.
    """
    lines = 0
    for line in _lines(path, Remarks() if remarks is None else remarks, path.suffix if suffix is None else suffix):
        if line.cells and (line.cells[0] or any(cell is not None and cell != "" for cell in line.cells)):
            lines += 1
            if lines > MOST_LINES:
                raise RosterFileError(f"文件超过 {MOST_LINES:,} 行，请拆分后分别导入")
            yield line


def _lines(path: Path, remarks: Remarks, suffix: str) -> Iterator[Line]:
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
        return workbook_lines(path, remarks)
    if head.startswith(_OLE):
        return old_workbook_lines(path, remarks)
    _demand_text(head, suffix)
    return text_lines(path, remarks)


def _demand_text(head: bytes, suffix: str) -> None:
    """Refuse what is neither a workbook nor a table written as text."""
    for start, kind in _FOREIGN.items():
        if head.startswith(start):
            raise RosterFileError(f"这是{kind}，不是表格；请导入 xlsx、xls 或 CSV 文件")
    if _MARKUP.match(head.removeprefix(b"\xef\xbb\xbf")):
        raise RosterFileError("这是网页（HTML / XML）改名成的表格；请用 Excel 或 WPS 打开，另存为 xlsx 再导入")
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise RosterFileError("这不是表格文件；请导入 xlsx、xls 或 CSV 文件")
    if suffix.lower() not in _TEXT_NAMES:
        raise RosterFileError(f"扩展名是 {suffix}，内容却是 CSV 文本；请把扩展名改成 .csv，或另存为 xlsx 再导入")
