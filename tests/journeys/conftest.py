"""A prepared folder for the whole run, a stage of its own for every journey."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from tests.journeys.stage import Stage, prepare, raised, tell_chsi


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys, season and roster; made once by the office's own commands."""
    folder = tmp_path_factory.mktemp("prepared")
    prepare(folder)
    return folder


@pytest.fixture
def raise_stage(tmp_path: Path, prepared: Path) -> Callable[..., AbstractContextManager[Stage]]:
    """A way to raise a stage of another kind."""
    return partial(raised, tmp_path, prepared)


@pytest.fixture
def stage(raise_stage: Callable[..., AbstractContextManager[Stage]]) -> Iterator[Stage]:
    """The usual stage: safe mode, five seconds, 29 June 2023."""
    with raise_stage() as stage:
        tell_chsi(stage)
        yield stage
