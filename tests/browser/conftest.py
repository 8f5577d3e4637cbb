"""The demo as a newcomer starts it, and a browser in front of it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from handlers.serving import wait_for
from tests.browser.page import Page, opened_chrome
from tests.journeys.stage import free_port
from tests.listening import LISTENER

APP = Path(__file__).resolve().parents[2] / "app.py"


@dataclass(frozen=True)
class Demo:
    """The running demo (演示): its address, and a way to type staff's commands."""

    url: str
    folder: Path
    quxiang: Callable[..., str]

    def tryout(self, situation: str) -> tuple[str, str, str]:
        """Return number, name and last six characters of the first person to try whose situation has these words."""
        lines = (self.folder / "试用学号.txt").read_text("utf-8").splitlines()
        found = re.search(r"(\d+)\s+(\S+)\s+后六位\s*(\S{6})", next(line for line in lines if situation in line))
        assert found
        LISTENER.guard([found[2]])
        return found[1], found[2], found[3]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """``quxiang demo`` in a process of its own."""
    folder, port = tmp_path_factory.mktemp("demo") / "data", free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("QUXIANG_")}
    errors = folder.with_name("stderr.txt")

    def quxiang(*words: str) -> str:
        environment = clean | {"QUXIANG_CONFIG": str(folder / "config.toml")}
        done = subprocess.run([sys.executable, str(APP), *words], env=environment, capture_output=True, check=True)
        LISTENER.hear(done.stderr.decode())
        return done.stdout.decode()

    command = [sys.executable, str(APP), "demo", "--folder", str(folder), "--port", str(port)]
    with errors.open("w") as stderr:
        process = subprocess.Popen(command, env=clean, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True)
    try:
        assert wait_for(port, 60), errors.read_text()
        yield Demo(f"http://127.0.0.1:{port}", folder, quxiang)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
    LISTENER.hear(errors.read_text())


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures go: the folder QUXIANG_PICTURES names, or a temporary one."""
    named = os.environ.get("QUXIANG_PICTURES")
    folder = Path(named) if named else tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the browser puts what it downloads."""
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory, pictures: Path, downloads: Path) -> Iterator[Page]:
    """One browser for the whole run; the tests come one after the other."""
    with opened_chrome(tmp_path_factory.mktemp("profile"), downloads) as chrome:
        yield Page(chrome, pictures)
