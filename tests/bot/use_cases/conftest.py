import pytest

from storage.unit_of_work import SqlWork
from tests.bot.use_cases.stage import Stage


@pytest.fixture
def stage(work: SqlWork) -> Stage:
    """An empty stage on a database of this test's own."""
    return Stage(work)
