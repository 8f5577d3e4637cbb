from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.handlers.typed.stage import Stage, opened_stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """The stage with one graduate, both verifications, and budgets that nobody uses up."""
    with opened_stage(tmp_path) as opened:
        yield opened
