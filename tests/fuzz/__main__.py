"""The long run: ``python -m tests.fuzz SECONDS [TARGET …]``; every find is printed, and the exit code tells."""

import logging
import sys
import time
import traceback
import warnings
from collections import Counter
from random import Random

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

PORTION = 1000
"""Checks of a cheap target before the next one has its turn."""
MOST_PRINTED = 6000


def portion(target: Target, number: int, done: Counter[str]) -> str:
    """Check some inputs that no other portion has; return the find, or nothing."""

    def counted(value: object) -> None:
        done[target.name] += 1
        target.run(value)

    bounded = settings(
        max_examples=max(10, PORTION // target.cost),
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    try:
        seed(number)(bounded(given(target.inputs)(counted)))()
    except Exception as error:  # noqa: BLE001 - a find is whatever a target raises
        several = error.exceptions if isinstance(error, ExceptionGroup) else (error,)
        return "\n".join("".join(traceback.format_exception(each))[:MOST_PRINTED] for each in several)
    return ""


def main(seconds: float, names: list[str]) -> int:
    """Fuzz for so long; return 1 if anything was found."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")  # a find may be long
    chosen = [TARGETS[name] for name in names or TARGETS]
    done: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    finds, random, end = 0, Random(), time.monotonic() + seconds
    while time.monotonic() < end:
        # Whoever had the least time so far.
        target = min(chosen, key=lambda each: spent[each.name])
        began = time.monotonic()
        if found := portion(target, random.getrandbits(64), done):
            finds += 1
            sys.stdout.write(f"--- {target.name}\n{found}\n")
        spent[target.name] += int(1000 * (time.monotonic() - began)) + 1
    for name, count in sorted(done.items()):
        sys.stdout.write(f"{name:10} {count:>10,} checks in {spent[name] / 1000:6.0f} s\n")
    sys.stdout.write(f"{sum(done.values()):,} checks, {finds} finds\n")
    return 1 if finds else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
