"""What fuzzing found, each with the input that showed it."""

import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from bot.roster.columns import Remarks
from handlers.roster.faults import RosterFileError
from handlers.roster.reading import read_lines
from tests.fuzz.breeding import seeds


@pytest.mark.parametrize("content", ["\ufeff学号,姓名\n1,".encode("utf-16-be") + b"\xdc\x00\n", b"\xff\xfe1\x00,"])
def test_a_roster_in_broken_utf_16_is_refused_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    """It broke off with a UnicodeDecodeError: the mark at its beginning was believed without reading on."""
    path = tmp_path / "roster.csv"
    path.write_bytes(content)
    with pytest.raises(RosterFileError, match="编码"):
        list(read_lines(path, Remarks()))


@pytest.mark.parametrize("part", ["xl/_rels/workbook.xml.rels", "xl/workbook.xml"])
def test_a_workbook_in_an_encoding_nobody_knows_is_refused_with_a_sentence(tmp_path: Path, part: str) -> None:
    """It broke off with a LookupError: expat asks Python for encodings it does not know."""
    path = tmp_path / "roster.xlsx"
    book = next(seed for seed in seeds("roster") if seed.startswith(b"PK"))
    with zipfile.ZipFile(BytesIO(book)) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            start = content.index(b"?>") + 2 if content.startswith(b"<?xml") else 0
            declared = b'<?xml version="1.0" encoding="TF-8"?>' + content[start:]
            new.writestr(name, declared if name == part else content)
    with pytest.raises(RosterFileError):
        list(read_lines(path, Remarks()))
