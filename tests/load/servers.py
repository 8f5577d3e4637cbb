"""The real server, ``quxiang serve`` with several processes, that can be killed as nobody can prevent."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.load.line import Line
from tests.load.spending import cpu_seconds, tree

_HELLO = b"GET /wechat HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
START_SECONDS = 60


class Server:
    """A server of several processes (网站), started by the command a school uses.

    Args:
        config: the settings file.
        port: where it listens by these settings.
    """

    def __init__(self, config: Path, port: int) -> None:
        self._config = config
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None
        self.kills = 0

    def start(self) -> None:
        """Start, and wait until it answers."""
        command = [str(Path(sys.executable).with_name("quxiang")), "--config", str(self._config), "serve"]
        with self._config.with_name("server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            line = Line(self.port, 1)
            if line.ask(_HELLO).status:
                line.close()
                return
            line.close()
            time.sleep(0.05)
        raise TimeoutError(self._config.with_name("server.log").read_text("utf-8"))

    def workers(self) -> Sequence[int]:
        """Return the processes that serve."""
        return list(tree(self._process.pid))[1:] if self._process else []

    def kill_one(self, chance: random.Random) -> None:
        """Kill one of the processes that serve; the server puts another in its place by itself."""
        workers = self.workers()
        if workers:
            with suppress(ProcessLookupError):
                os.kill(chance.choice(workers), signal.SIGKILL)
                self.kills += 1

    def kill_all(self) -> None:
        """Kill every process at one moment, as a machine that loses its power, and start anew."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self.kills += 1
        self.start()

    def cpu_seconds(self) -> float:
        """Return what all processes of the present start have spent."""
        return cpu_seconds([self._process.pid, *self.workers()]) if self._process else 0.0

    def stop(self) -> None:
        """Stop as a deploy does."""
        if self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(20)
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@contextmanager
def served(config: Path, port: int) -> Iterator[Server]:
    """Serve until the block ends."""
    server = Server(config, port)
    try:
        server.start()
        yield server
    finally:
        server.stop()
