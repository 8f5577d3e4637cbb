from pathlib import Path

import pytest

from tests.load.__main__ import CHAOS, LOAD, graduates_for
from tests.load.journey import SCRIPT
from tests.load.proofs import walked

GRADUATES = 80
"""The whole form has 20,000."""

DELIVERIES = 3000
"""The whole form has 1,000,000, and the nightly one at least 50,000: ``python -m tests.load chaos 50000``."""


@pytest.mark.postgresql
def test_everybody_walks_the_whole_way_at_once_and_every_push_of_a_message_gets_the_same_answer(
    postgresql_url: str, tmp_path: Path
) -> None:
    outcome = walked(postgresql_url, tmp_path, GRADUATES, LOAD)
    assert outcome.messages == GRADUATES * len(SCRIPT)
    assert outcome.pushes > outcome.messages
    assert (outcome.broken, outcome.kills) == (0, 0)


@pytest.mark.postgresql
def test_nothing_is_lost_or_done_twice_while_servers_are_killed(postgresql_url: str, tmp_path: Path) -> None:
    count = graduates_for(DELIVERIES)
    outcome = walked(postgresql_url, tmp_path, count, CHAOS, kill_every=1.5)
    assert outcome.messages == count * len(SCRIPT)
    assert outcome.kills
