"""Deliveries per second and CPU per delivery, on each database, against the sandbox over loopback.

One worker with four senders, then four workers with two; the rate is set so high that it does not bind. Databases are
those named on the command line; without any, a new SQLite file.
"""

import logging
import sys
import tempfile
import time
from pathlib import Path

from bot.notices.delivery import DeliveryState
from storage.migrating import migrate
from tests.chaos.__main__ import fresh
from tests.chaos.school import raised, until

RECIPIENTS = 2000


def measure(url: str, workers: int, senders: int) -> str:
    """Send one broadcast, and say how fast it went."""
    migrate(url)
    with fresh(url) as folder, raised(folder, url, RECIPIENTS, per_second=500, senders=senders, pause=1.0) as school:
        school.start(workers)
        assert until(school.is_frozen, 60, every=0.01) is not None
        begin, left = time.monotonic(), school.states()[DeliveryState.QUEUED]
        assert until(school.is_over, 300, every=0.1) is not None
        seconds = time.monotonic() - begin
        school.stop()
        cpu = school.cpu_seconds() / RECIPIENTS * 1000
    name = url.split(":", maxsplit=1)[0]
    return f"{name:12} {workers} × {senders}: {left / seconds:6.0f} deliveries/s, {cpu:5.2f} ms CPU each (workers only)"


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    for address in sys.argv[1:] or [f"sqlite:///{Path(tempfile.mkdtemp()) / 'bench.db'}"]:
        for shape in ((1, 4), (4, 2)):
            print(measure(address, *shape), flush=True)  # noqa: T201 -- a command
