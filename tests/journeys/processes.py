"""``quxiang serve`` as in production: several processes, a socket that outlives them, and somebody who looks."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]

# What systemd does for a service with a socket unit: the listening socket is the service's third descriptor.
_ACTIVATE = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.set_inheritable(3, True); "
    "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1'); "
    "os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
)


def until(is_so: Callable[[], object], seconds: float = 30.0, what: str = "") -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, what or "it did not come to that"
        time.sleep(0.02)


@dataclass
class Service:
    """A service (服务) under somebody like systemd, who keeps the listening socket.

    Attributes:
        config: its settings file.
        listener: the listening socket.
        environment: settings that beat the file.
        code: the program that is run; another one is a later version.
    """

    config: Path
    listener: socket.socket
    environment: Mapping[str, str] = field(default_factory=dict)
    code: str = "app.py"
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    @property
    def log(self) -> Path:
        """What it writes to its standard error."""
        return self.config.with_name("stderr.txt")

    def start(self, *, waits: bool = True) -> None:
        """Start it, as ``systemctl start`` does."""
        number = self.listener.fileno()
        command = [sys.executable, "-c", _ACTIVATE, str(number), str(ROOT / self.code), "--config", str(self.config)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **self.environment}
        with self.log.open("a") as errors:
            self.process = subprocess.Popen(
                [*command, "serve"], cwd=ROOT, pass_fds=[number], stderr=errors, env=environment
            )
        if waits:
            until(lambda: self.answers("/healthz"), what=self.log.read_text())

    def stop(self) -> int:
        """Stop it, as ``systemctl stop`` does, and return its exit code."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self.process = None
        return code

    def reload(self) -> None:
        """Let it read its settings again, as ``systemctl reload`` does; it is done when all processes are new ones."""
        assert self.process
        before = self.children()
        self.process.send_signal(signal.SIGHUP)
        until(lambda: (after := self.children()) and not after & before, what=self.log.read_text())

    def children(self) -> set[int]:
        """Return the processes that serve."""
        assert self.process
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return {int(number) for number in listed.split()}

    def answers(self, path: str) -> bool:
        """Tell whether an address answers 200."""
        try:
            return self.get(path).status_code == 200
        except requests.RequestException:
            return False

    def get(self, path: str, **headers: str) -> requests.Response:
        """Open an address on a connection of its own."""
        with requests.Session() as session:
            session.trust_env = False
            return session.get(self.url + path, headers=headers, timeout=10)

    def readiness(self) -> tuple[str, dict[str, dict[str, str]]]:
        """Return the state /readyz tells, and its checks."""
        told = self.get("/readyz").json()
        return told["state"], told["checks"]

    def metric(self, name: str) -> float:
        """Return the sum of all samples of a name."""
        lines = re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", self.get("/metrics").text, re.MULTILINE)
        return sum(map(float, lines))

    def lines(self) -> list[dict[str, object]]:
        """Return the log, which is JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def end(self) -> None:
        """Leave nothing behind."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.listener.close()
