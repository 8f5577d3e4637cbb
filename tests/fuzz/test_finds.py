"""What fuzzing found, each with the input that showed it."""

from pathlib import Path

import pytest

from bot.roster.columns import Remarks
from handlers.roster.faults import RosterFileError
from handlers.roster.reading import read_lines


@pytest.mark.parametrize("content", ["\ufeff学号,姓名\n1,".encode("utf-16-be") + b"\xdc\x00\n", b"\xff\xfe1\x00,"])
def test_a_roster_in_broken_utf_16_is_refused_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    """It broke off with a UnicodeDecodeError: the mark at its beginning was believed without reading on."""
    path = tmp_path / "roster.csv"
    path.write_bytes(content)
    with pytest.raises(RosterFileError, match="编码"):
        list(read_lines(path, Remarks()))
