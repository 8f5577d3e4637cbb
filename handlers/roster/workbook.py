"""The workbook (xlsx): read as a stream, so that a file of any shape takes little memory and hides nothing.

Why not one call to python-calamine, which reads xls here: it holds the whole sheet (288 MB for 100,000 rows of 31
columns), aborts the process on a stray cell in the last corner, and reads a failed formula as empty: a VLOOKUP that
found nothing would erase a graduate's destination without a word.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from struct import error as StructError  # noqa: N812 -- a class, whatever struct calls it
from typing import IO
from xml.etree.ElementTree import Element, ParseError, fromstring, iterparse
from zipfile import BadZipFile, ZipFile, ZipInfo
from zlib import error as ZlibError  # noqa: N812 -- a class, whatever zlib calls it

from bot.roster.columns import Line, Remarks
from handlers.roster.faults import RosterFileError, sheets_note
from handlers.roster.sheet import CellReader, sheet_lines

MOST_UNPACKED = 600 * 2**20
"""Bytes all parts may have unpacked; the sheet of 200,000 full rows fits. Nothing is unpacked as a whole."""

_MOST_STRINGS = 200 * 2**20  # bytes of the shared strings, which are held in memory
_MOST_PART = 8 * 2**20  # bytes of a part that is read as a whole
_BROKEN = "这个 xlsx 文件打不开，可能已损坏；请用 Excel 或 WPS 重新另存后再导入"
# What the standard library's readers raise on damaged parts; found by flipping bytes at random.
_BREAKS = (
    *(BadZipFile, ZlibError, StructError, EOFError, OSError, NotImplementedError),
    *(ParseError, LookupError, StopIteration, ValueError),  # LookupError: an encoding nobody knows, too
)
# Built-in number formats that show a day (ECMA-376 part 1, 18.8.30), the East Asian ones included.
_DATE_FORMATS = frozenset((*range(14, 18), 22, *range(27, 32), 36, *range(50, 59)))
_QUOTED = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!\$-)[^\]]*\]')


def workbook_lines(path: Path, remarks: Remarks) -> Iterator[Line]:
    """Yield the lines of the first visible sheet (读取 xlsx).

    Raises:
        RosterFileError: not a workbook, broken, or a bomb.
    """
    with _broken_told(), ZipFile(path) as archive:
        parts = {part.filename.lstrip("/").lower(): part for part in archive.infolist()}
        _demand_workbook(parts)
        book = _Book(archive, parts)
        if len(book.sheets) > 1:
            remarks.notes.append(sheets_note(book.sheets))
        with book.open(book.sheet) as stream:
            reader = CellReader(book.strings(), book.date_styles(), is_1904=book.is_1904)
            yield from sheet_lines(stream, reader, remarks)


@contextmanager
def _broken_told() -> Iterator[None]:
    try:
        yield
    except RosterFileError:  # a ValueError as well
        raise
    except _BREAKS:
        raise RosterFileError(_BROKEN) from None  # the cause may repeat what stands in a cell
    except RuntimeError:  # zipfile's word for an encrypted part
        raise RosterFileError("压缩包设有密码，无法读取") from None


def _demand_workbook(parts: dict[str, ZipInfo]) -> None:
    if "xl/workbook.xml" not in parts:
        if "xl/workbook.bin" in parts or "content.xml" in parts:
            raise RosterFileError("这是 xlsb / ods 表格；请另存为 xlsx 再导入")
        raise RosterFileError("这是压缩包或其他文档，不是 xlsx 表格；请解压后导入其中的表格")
    if sum(part.file_size for part in parts.values()) > MOST_UNPACKED:
        raise RosterFileError("文件解压后大得不合常理，为安全起见不予读取；请把名册复制到新的工作簿再导入")


class _Book:
    """The parts of a workbook around its sheet."""

    def __init__(self, archive: ZipFile, parts: dict[str, ZipInfo]) -> None:
        self._archive, self._parts = archive, parts
        book = self._tree("xl/workbook.xml")
        properties = next(_named(book, "workbookPr"), None)
        self.is_1904 = properties is not None and properties.get("date1904") in {"1", "true"}
        visible = [s for s in _named(book, "sheet") if s.get("state", "visible") == "visible"]
        if not visible:
            raise RosterFileError("工作簿里没有可见的工作表")
        sheet = visible[0]
        self.sheets = [s.get("name", "") for s in visible]
        link = next(value for key, value in sheet.attrib.items() if key.endswith("}id"))
        links = self._tree("xl/_rels/workbook.xml.rels")
        targets = {entry.get("Id"): entry.get("Target", "") for entry in _named(links, "Relationship")}
        self.sheet = _inside(targets[link])

    def open(self, name: str) -> IO[bytes]:
        """Open a part; a reader never gets more than the size that stands in the directory."""
        return self._archive.open(self._parts[name])

    def strings(self) -> list[str]:
        """Return the shared strings (共享字符串), in order; phonetic hints left out."""
        name = "xl/sharedstrings.xml"
        if name not in self._parts:
            return []
        if self._parts[name].file_size > _MOST_STRINGS:
            raise RosterFileError("文件里的文字多得不合常理，请拆分后分别导入")
        with self.open(name) as stream:
            return list(_shared_strings(stream))

    def date_styles(self) -> frozenset[str]:
        """Return the cell styles, as the sheet names them, that show a number as a day."""
        if "xl/styles.xml" not in self._parts:
            return frozenset()
        styles = self._tree("xl/styles.xml")
        own = {
            int(entry.get("numFmtId", "0"))
            for entry in _named(styles, "numFmt")
            if re.search("[yd年日]", _QUOTED.sub("", entry.get("formatCode", "").lower()))
        }
        formats = next(_named(styles, "cellXfs"), Element("none"))
        numbers = [int(entry.get("numFmtId", "0")) for entry in formats]
        return frozenset(str(at) for at, number in enumerate(numbers) if number in _DATE_FORMATS or number in own)

    def _tree(self, name: str) -> Element:
        if self._parts[name].file_size > _MOST_PART:
            raise RosterFileError(_BROKEN)
        with self.open(name) as stream:
            text = stream.read()
        if b"<!DOCTYPE" in text:
            raise RosterFileError(_BROKEN)
        return fromstring(text)  # noqa: S314 -- expat limits entity growth, and a document type is refused above


def _shared_strings(stream: IO[bytes]) -> Iterator[str]:
    root: Element | None = None
    for event, element in iterparse(stream, ("start", "end")):  # noqa: S314 -- as above; growth of entities is limited
        root = element if root is None else root
        if event == "end" and element.tag.endswith("}si"):
            yield _string(element)
            root.clear()


def _string(item: Element) -> str:
    if len(item) == 1:  # plain text, by far the most
        return item[0].text or "" if item[0].tag.endswith("}t") else "".join(item[0].itertext())
    return "".join(
        text.text or ""
        for run in item
        if not run.tag.endswith("}rPh")
        for text in run.iter()
        if text.tag.endswith("}t")
    )


def _named(tree: Element, name: str) -> Iterator[Element]:
    """Yield the elements of a local name: the strict and the usual dialect differ in nothing but the namespace."""
    return (element for element in tree.iter() if element.tag.rpartition("}")[2] == name)


def _inside(target: str) -> str:
    return (target.lstrip("/") if target.startswith("/") else f"xl/{target}").lower()
