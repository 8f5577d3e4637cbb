from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.handlers.files.stage import FileStage
from tests.handlers.report.stage import opened_stage


@pytest.fixture
def files(tmp_path: Path) -> Iterator[FileStage]:
    """Give a test its own database, clock and file check."""
    with opened_stage(tmp_path) as opened:
        yield FileStage(opened)
