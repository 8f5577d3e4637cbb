"""Serves a stage's folder under our real server, in a process group that can be killed, and held at a commit.

``python -m tests.journeys.server`` imports everything once and then forks a server for each line ``CONFIG SHIFT`` on
its standard input, answering with the number of the process group; nothing is opened before the fork. SHIFT, in
seconds, sets the clock ahead or back. While a file ``hold-before`` or ``hold-after`` lies beside CONFIG, a message that
gets to its commit stops there, just before or just after, and leaves a file ``held``.
"""

import os
import signal
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app import build
from handlers.serving import WebServer
from handlers.settings import read_settings
from storage.transaction import Transaction

FOREVER = 60.0
_commit = Transaction.commit


def hold_at_commits(folder: Path) -> None:
    """Let commits be held on either side."""

    def hold(where: str) -> None:
        if threading.current_thread().name != "worker" and (folder / where).exists():
            (folder / "held").touch()
            time.sleep(FOREVER)

    def held(self: Transaction) -> None:
        hold("hold-before")
        _commit(self)
        hold("hold-after")

    Transaction.commit = held  # type: ignore[method-assign]  # where the process is to be killed


def serve(config: Path, shift: timedelta) -> None:
    """Become the leader of a process group and serve; never returns."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with config.with_name("stderr.txt").open("a") as errors:
        os.dup2(errors.fileno(), 2)
    hold_at_commits(config.parent)
    WebServer(build(read_settings(config, {}), lambda: datetime.now(UTC) + shift)).run()


def main() -> None:
    """Fork servers until the standard input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        config, shift = line.rsplit(maxsplit=1)
        child = os.fork()
        if child == 0:
            serve(Path(config), timedelta(seconds=float(shift)))
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
