from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.handlers.commands.stage import SEASON, Desk, opened_desk


@pytest.fixture
def new_desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk where nothing was done yet."""
    with opened_desk(tmp_path) as desk:
        yield desk


@pytest.fixture
def desk(new_desk: Desk) -> Desk:
    """A desk with keys, tables and a season."""
    for words in (["keys"], ["migrate"], ["season", "set", *SEASON]):
        result = new_desk.types(*words)
        assert result.exit_code == 0, result.output
    return new_desk
