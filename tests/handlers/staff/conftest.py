from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.handlers.staff.stage import ConsoleStage, raised


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[ConsoleStage]:
    """The console of a school with twenty graduates, two at every stage, and one account for each role."""
    with raised(tmp_path) as stage:
        yield stage
