"""The stage of every sandbox test, one per test."""

from collections.abc import Iterator

import pytest

from tests.handlers.sandbox.stage import Stage, raised


@pytest.fixture
def stage() -> Iterator[Stage]:
    with raised() as stage:
        yield stage
