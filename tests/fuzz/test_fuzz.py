"""A bounded run of every target; the long one is ``python -m tests.fuzz SECONDS``."""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz.targets import TARGETS

EXAMPLES = 400
"""Checks of a cheap target; dear ones get fewer, so that each takes a few seconds."""


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_comes_what_is_promised_holds(name: str) -> None:
    target = TARGETS[name]
    bounded = settings(
        max_examples=max(10, EXAMPLES // target.cost),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    bounded(given(target.inputs)(target.run))()


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_finds_a_mistake_that_is_put_in(name: str) -> None:
    """A fuzzer whose checks cannot fail proves nothing: a target that raises is a find."""
    target = TARGETS[name]

    def fails(_: object) -> None:
        raise ZeroDivisionError

    bounded = settings(max_examples=5, deadline=None, database=None)
    with pytest.raises(ZeroDivisionError):
        bounded(given(target.inputs)(fails))()
