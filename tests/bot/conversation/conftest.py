import pytest

from tests.bot.conversation.explorer import Explored, explore, shape, starts
from tests.bot.conversation.world import World


@pytest.fixture(scope="session")
def explored() -> Explored:
    """Everything that can be reached by answers, looked at once."""
    return explore(starts())


@pytest.fixture(scope="session")
def states(explored: Explored) -> list[World]:
    """One world for each state of the conversation that was reached."""
    return list({shape(world): world for world in explored.states.values()}.values())
