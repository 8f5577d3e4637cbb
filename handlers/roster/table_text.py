"""The table written as text (文本表格): CSV in the encodings and with the delimiters that spreadsheets write here."""

import codecs
import csv
import re
from collections.abc import Iterator
from pathlib import Path

from bot.roster.columns import Line, Remarks
from handlers.roster.faults import RosterFileError

_ENCODINGS = ("utf-8-sig", "gb18030")
_DELIMITERS = ",\t;"
# Excel keeps digits as text in ="2022…"; our own export guards a cell with an apostrophe or a tab.
_GUARDED = re.compile(r"""(?:="(?P<text>[^"]*)"|['\t](?P<rest>.*))""", re.DOTALL)
STARTERS = tuple("=+-@")
"""What a spreadsheet takes for the beginning of a formula (公式开头)."""


def text_lines(path: Path, remarks: Remarks) -> Iterator[Line]:
    """Yield the lines of a CSV file (读取 CSV): UTF-8, GB 18030 or UTF-16; comma, tab or semicolon.

    Raises:
        RosterFileError: the encoding cannot be told, or quotation marks do not pair.
    """
    encoding = _encoding(path)
    with path.open("rb") as raw:
        remarks.total = sum(piece.count(b"\n") for piece in iter(lambda: raw.read(1 << 20), b""))
    with path.open(encoding=encoding, newline="") as file:
        delimiter = _delimiter(file.readline())
        file.seek(0)
        number = 0
        try:
            for number, cells in enumerate(csv.reader(file, delimiter=delimiter, strict=True), 1):
                yield Line(number, [_bare(cell) for cell in cells])
        except csv.Error:
            raise RosterFileError(f"第 {number + 1} 行的引号不成对，无法读取；请用表格软件另存为 xlsx 再导入") from None


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        if file.read(2) in {b"\xff\xfe", b"\xfe\xff"}:
            return "utf-16" if _decodes(path, "utf-16") else _refuse()
    return next((encoding for encoding in _ENCODINGS if _decodes(path, encoding)), "") or _refuse()


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _refuse() -> str:
    raise RosterFileError("无法识别文件的编码；请用表格软件另存为 xlsx，或另存为 UTF-8 编码的 CSV 再导入")


def _delimiter(first: str) -> str:
    bare = re.sub(r'"[^"]*"', "", first)
    return max(_DELIMITERS, key=bare.count)


def _bare(cell: str) -> str:
    if cell[:1] not in {"=", "'", "\t"}:
        return cell
    found = _GUARDED.fullmatch(cell)
    if found is None:
        return cell
    if (text := found["text"]) is not None:
        return text
    return found["rest"] if cell[0] == "\t" or found["rest"].startswith(STARTERS) else cell
