from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.staff import passwords
from tests.handlers.staff.quick_hashing import QuickHasher
from tests.handlers.staff.stage import ConsoleStage, raised


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with argon2id at its least: a quarter of a second for each login would be a third of all tests' time."""
    monkeypatch.setattr(passwords, "_HASHER", QuickHasher())


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[ConsoleStage]:
    """The console of a school with twenty graduates, two at every stage, and one account for each role."""
    with raised(tmp_path) as stage:
        yield stage
