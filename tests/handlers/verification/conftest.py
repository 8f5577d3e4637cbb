from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.handlers.report.stage import Stage, opened_stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Give a test its own database and clock."""
    with opened_stage(tmp_path) as opened:
        yield opened
