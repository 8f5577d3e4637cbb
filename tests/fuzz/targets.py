"""All targets (全部目标)."""

from tests.fuzz import door, papers
from tests.fuzz.target import Target

TARGETS: dict[str, Target] = {target.name: target for target in (*door.TARGETS, *papers.TARGETS)}
