"""The whole proof of the ledger: ``python -m tests.chaos DATABASE_URL …``; the tests run a small one.

For each database, which is emptied: 10,000 recipients, 4 workers, 200 kills, injected faults; then 50 pauses; then the
busiest second at a rate that was set. Prints what was measured; ends with an error if anything is not as promised.
"""

import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.migrating import migrate
from tests.chaos.proofs import RECOVERY, among_kills, busiest_second, paused_again_and_again
from tests.chaos.school import raised
from tests.emptied import empty

RECIPIENTS, KILLS, PAUSES, RATE = 10_000, 200, 50, 100


def prove(url: str, recipients: int = RECIPIENTS, kills: int = KILLS, pauses: int = PAUSES) -> None:
    """Prove everything on one database, and print what was measured."""
    name = url.split(":", maxsplit=1)[0]
    migrate(url)
    with fresh(url) as folder, raised(folder, url, recipients, per_second=500) as school:
        killed = among_kills(school, kills)
        print(f"{name}: {killed}", flush=True)  # noqa: T201 -- a command
        assert (killed.lost, killed.twice) == (0, 0)
        assert killed.recovery <= RECOVERY
    with fresh(url) as folder, raised(folder, url, recipients // 2, per_second=100) as school:
        late = paused_again_and_again(school, pauses)
        print(f"{name}: {pauses} pauses, {late} messages later than two seconds after one", flush=True)  # noqa: T201 -- the same
        assert late == 0
    with fresh(url) as folder, raised(folder, url, 3000, RATE) as school:
        most = busiest_second(school, 20)
        print(f"{name}: at {RATE} a second, the busiest second had {most}", flush=True)  # noqa: T201 -- the same
        assert most <= RATE * 1.05


@contextmanager
def fresh(url: str) -> Iterator[Path]:
    """Empty the database, and give a folder for keys and settings."""
    empty(url)
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    for address in sys.argv[1:] or [f"sqlite:///{Path(tempfile.mkdtemp()) / 'proof.db'}"]:
        prove(address)
