"""Load on the webhook, the whole form; the tests run a small one.

``python -m tests.load 20000``: so many graduates walk the whole journey at once, each message is pushed 1 to 3 times.
``python -m tests.load chaos 1000000``: so many deliveries, 1 to 5 of each message, with servers killed all the while.

Prints what was measured; ends with an error if anything was lost, doubled, or answered in two ways.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.load.journey import SCRIPT
from tests.load.own_database import own_database, sizes, tidy
from tests.load.proofs import walked
from tests.load.walking import Habits

LOAD, CHAOS = Habits(most=3), Habits(most=5, may_break=True)
KILL_EVERY = 3.0


def graduates_for(deliveries: int) -> int:
    """Return how many graduates make about so many deliveries."""
    return max(1, round(deliveries / (len(SCRIPT) * (1 + CHAOS.most) / 2)))


def main() -> None:
    """Prove it, and print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("what", nargs="+", help="GRADUATES, or chaos DELIVERIES")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    is_chaos, number = given.what[0] == "chaos", int(given.what[-1])
    count = graduates_for(number) if is_chaos else number
    with own_database("load") as database, tempfile.TemporaryDirectory() as folder:
        habits, kill_every = (CHAOS, KILL_EVERY) if is_chaos else (LOAD, 0.0)
        outcome = walked(database, Path(folder), count, habits, given.seed, kill_every)
        sys.stdout.write(f"{'chaos' if is_chaos else 'load'}: {outcome}\n")
        for state in ("as written", "tidied"):
            each = {name: round(size / count) for name, size in sizes(database).items()}
            sys.stdout.write(f"bytes a graduate, indexes and all, {state}: {each}\n")
            tidy(database)


if __name__ == "__main__":
    main()
