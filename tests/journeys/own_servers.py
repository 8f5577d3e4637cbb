"""Servers of our own (自己的服务): a PostgreSQL and a Redis that may fall, unlike those all tests share."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from tests.conftest import skip_or_fail
from tests.journeys.stage import free_port

PATIENCE = 20.0


def children(pid: int) -> list[int]:
    """Return the processes a process has started, and theirs."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found + [below for each in found for below in children(each)]


class OwnServer:
    """A server process with its children: started, stopped, frozen and thawed."""

    def __init__(self, command: list[str], folder: Path, port: int, greet: Callable[[int], None]) -> None:
        self.command, self.folder, self.port, self.greet = command, folder, port, greet
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, cwd=self.folder, **as_nobody_special()
            )
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with suppress(psycopg.Error, RedisError):
                self.greet(self.port)
                return
            time.sleep(0.02)
        raise TimeoutError((self.folder / "log").read_text())

    def stop(self) -> None:
        """Stop as an operator does: what is connected is thrown out."""
        if self.process is not None:
            self.thaw()
            self.process.send_signal(signal.SIGINT)
            self.process.wait(PATIENCE)
            self.process = None

    def freeze(self) -> None:
        """SIGSTOP: the kernel goes on accepting connections, nobody ever answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: everything that was sent meanwhile is read now."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        if self.process is not None:
            for pid in [self.process.pid, *children(self.process.pid)]:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)


def as_nobody_special() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid():
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="quxiang-outage-"))
    if not os.geteuid():
        shutil.chown(folder, "postgres", "postgres")
    return folder


def own_postgres() -> OwnServer:
    """Make a PostgreSQL of our own, not started yet; without fsync, for it lives for minutes."""
    places = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"))]
    initdb = shutil.which("initdb", path=os.pathsep.join([os.environ.get("PATH", ""), *places]))
    if initdb is None:
        skip_or_fail("postgresql", "no initdb")
        raise LookupError("initdb")
    folder, port = _folder(), free_port()
    made = [initdb, "-D", "data", "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--no-locale"]
    subprocess.run(made, cwd=folder, check=True, capture_output=True, **as_nobody_special())
    options = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
    words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    return OwnServer([str(Path(initdb).with_name("postgres")), "-D", "data", *words], folder, port, _greet_postgres)


def _greet_postgres(port: int) -> None:
    psycopg.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres").close()


def _greet_redis(port: int) -> None:
    with Redis(port=port, retry=Retry(NoBackoff(), 0)) as client:
        client.ping()


def own_redis() -> OwnServer:
    """Make a Redis of our own, not started yet."""
    program = shutil.which("redis-server")
    if program is None:
        skip_or_fail("redis", "no redis-server")
        raise LookupError("redis-server")
    port = free_port()
    return OwnServer([program, "--port", str(port), "--save", "", "--appendonly", "no"], _folder(), port, _greet_redis)


def remove(server: OwnServer) -> None:
    """Stop it and leave nothing behind."""
    server.stop()
    shutil.rmtree(server.folder, ignore_errors=True)
