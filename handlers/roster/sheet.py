"""The sheet (工作表) of an xlsx: rows cut out of the stream, cells turned into values."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from html import unescape
from typing import IO
from xml.etree.ElementTree import Element, fromstring

from bot.roster.cells import Broken, Cell
from bot.roster.columns import Line, Merged, Remarks
from handlers.roster.faults import RosterFileError

_PIECE = 1 << 18
_LONGEST_ROW = 16 * 2**20
_MOST_COLUMNS = 500
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# The letters of the columns in their order, and one more that is nowhere.
_LETTERS = [*[*(a + b for a in ("", *_ALPHABET) for b in _ALPHABET)][:_MOST_COLUMNS], ""]
_ROOT = re.compile(rb"<((?:\w+:)?)worksheet\b[^>]*>")
_ROW = re.compile(r'<row\b[^>]*?\sr="([0-9]+)"')
# One cell as every usual program writes it. What does not fit is read by the XML parser: slower, never wrong.
# Quantifiers that give nothing back (``++``) find the same a third faster.
_CELL = re.compile(
    r'<c r="([A-Z]{1,3}+)[0-9]++"(?: s="([0-9]++)")?+(?: t="(\w++)")?+(?:>(?:<is><t(?: [^>]*+)?+>([^<]*+)</t></is>|'
    r"(<f[^>]*/>|<f[^>]*>[^<]*+</f>)?+(?:<v>([^<]*+)</v>|<v/>)?+)</c>|/>)"
)
_CELL_STARTS = ("<c ", "<c>", "<c/")
_DIMENSION = re.compile(rb"<(?:\w+:)?dimension ref=\"[A-Z]+[0-9]+:[A-Z]+([0-9]+)\"")
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?ref=\"([A-Z]+)([0-9]+):([A-Z]+)([0-9]+)\"")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_EPOCH, _EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 -- spreadsheet days have no zone
_UNCALCULATED = Broken("公式没有保存计算结果；请用表格软件打开并保存一次，或改成它的值")


class CellReader:
    """Turns the text of a cell into its value (单元格取值).

    Args:
        strings: the shared strings.
        date_styles: styles that show a number as a day.
        is_1904: whether days are counted from 1904, as old Macs did.
    """

    def __init__(self, strings: Sequence[str], date_styles: frozenset[str], *, is_1904: bool) -> None:
        self._strings = strings
        self._date_styles = date_styles
        self._epoch = _EPOCH_1904 if is_1904 else _EPOCH

    def value(self, kind: str, style: str, text: str) -> Cell:
        """Return the value of a cell of a kind (``t``) and a style (``s``)."""
        if kind == "s":
            return self._strings[int(text)] if text else ""
        if kind in {"inlineStr", "str"}:
            return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text
        if not text:
            return None
        if kind == "b":
            return text.strip() == "1"
        if kind == "e":
            return Broken(f"公式出错（{text}），没有值")
        if kind == "d":
            return datetime.fromisoformat(text)
        return self._number(style, text)

    def _number(self, style: str, text: str) -> Cell:
        number = float(text)
        if style in self._date_styles:
            try:
                moment = self._epoch + timedelta(days=number)
            except OverflowError:
                return Broken("日期超出了可能的范围")
            return moment if moment.time() != datetime.min.time() else moment.date()
        return number


def sheet_lines(stream: IO[bytes], reader: CellReader, remarks: Remarks) -> Iterator[Line]:
    """Yield the rows of a sheet (逐行读取); rows without cells are left out.

    Raises:
        RosterFileError: no sheet, or a row of an absurd size.
        ParseError: no XML.
    """
    number = 0
    for root, piece in _pieces(stream, remarks):
        rows = _plain_rows(piece, reader) if not root[1] else None
        for stated, cells in rows if rows is not None else _parsed_rows(root, piece, reader):
            number = stated or number + 1
            if cells:
                yield Line(number, cells)


_Root = tuple[bytes, bytes]  # the start tag and the namespace prefix, "x:" or ""
_Row = tuple[int, list[Cell]]  # the number it states, 0 if none, and its cells


def _pieces(stream: IO[bytes], remarks: Remarks) -> Iterator[tuple[_Root, bytes]]:
    """Cut the stream behind the ends of rows; a string cannot hold such an end, since ``<`` is escaped there."""
    root: _Root | None = None
    rest = b""
    while piece := stream.read(_PIECE):
        rest += piece
        if root is None:
            found = _ROOT.search(rest)
            if b"<!DOCTYPE" in rest or (found is None and len(rest) > _PIECE):
                raise RosterFileError("工作表的内容不是 xlsx 应有的样子")
            if found is None:
                continue
            root = found[0], found[1]
            if dimension := _DIMENSION.search(rest):
                remarks.total = int(dimension[1])
            rest = rest[found.end() :]
        end = b"</" + root[1] + b"row>"
        cut = rest.rfind(end) + len(end)
        if cut >= len(end):
            yield root, rest[:cut]
            rest = rest[cut:]
        elif len(rest) > _LONGEST_ROW:
            raise RosterFileError("有一行大得不合常理，请把名册复制到新的工作簿再导入")
    remarks.merged += (
        Merged(int(top), int(bottom), _place(left.decode()), _place(right.decode()))
        for left, top, right, bottom in _MERGED.findall(rest)
    )


def _plain_rows(piece: bytes, reader: CellReader) -> list[_Row] | None:
    """Return the rows by pattern, or None if any cell in the piece is written in another way."""
    rows: list[_Row] = []
    text = piece.decode()
    if "<![CDATA[" in text or "<!--" in text or "<rPh" in text:
        return None
    starts = 0
    for row in text.split("</row>")[:-1]:
        start = row.rfind("<row")
        stated = _ROW.match(row, start) if start >= 0 else None
        if stated is None:
            return None
        found = _CELL.findall(row, start)
        starts += len(found)
        rows.append((int(stated[1]), _row_cells(found, reader)))
    # A cell the pattern does not know shows here: there are more beginnings than cells found.
    return rows if starts == sum(map(text.count, _CELL_STARTS)) else None


def _row_cells(found: Sequence[tuple[str, str, str, str, str, str]], reader: CellReader) -> list[Cell]:
    cells: list[Cell] = []
    cell: Cell
    for letters, style, kind, inline, formula, value in found:
        if inline:  # escaped ones are few
            cell = inline if "&" not in inline and "_" not in inline else reader.value(kind, style, unescape(inline))
        elif value:
            cell = reader.value(kind, style, unescape(value) if "&" in value else value)
        elif formula and kind != "str":
            cell = _UNCALCULATED
        else:
            continue
        if letters == _LETTERS[len(cells)]:
            cells.append(cell)
        else:
            _put(cells, _place(letters), cell)
    return cells


def _parsed_rows(root: _Root, piece: bytes, reader: CellReader) -> Iterator[_Row]:
    """Yield the rows by the XML parser, whatever the program that wrote them."""
    start, prefix = root
    start = start[:-2] + b">" if start.endswith(b"/>") else start
    tree = fromstring(start + piece[_first_row(piece, prefix) :] + b"</" + prefix + b"worksheet>")  # noqa: S314 -- no document type can stand inside the element
    for row in tree:
        if row.tag.endswith("}row"):
            yield int(row.get("r", "0")), _parsed_cells(row, reader)


def _first_row(piece: bytes, prefix: bytes) -> int:
    # The part before the first row (views, widths) and the element around the rows are cut off.
    return max(0, piece.find(b"<" + prefix + b"row"))


def _parsed_cells(row: Element, reader: CellReader) -> list[Cell]:
    cells: list[Cell] = []
    place = -1
    for cell in row:
        letters = (cell.get("r") or "").rstrip("0123456789")
        place = _place(letters) if letters else place + 1
        parts = {part.tag.rpartition("}")[2]: part for part in cell}
        kind = cell.get("t", "")
        if kind == "inlineStr":
            text = _inline(parts["is"]) if "is" in parts else ""
        else:
            text = (parts["v"].text or "") if "v" in parts else ""
        if not text and "f" in parts and kind != "str":
            _put(cells, place, _UNCALCULATED)
        elif text:
            _put(cells, place, reader.value(kind, cell.get("s", ""), text))
    return cells


def _inline(item: Element) -> str:
    runs = (run for run in item if not run.tag.endswith("}rPh"))
    return "".join(text.text or "" for run in runs for text in run.iter() if text.tag.endswith("}t"))


def _put(cells: list[Cell], place: int, value: Cell) -> None:
    if place < _MOST_COLUMNS:  # no heading of ours stands further out
        cells.extend([None] * (place + 1 - len(cells)))
        cells[place] = value


@lru_cache(4096)
def _place(letters: str) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1
