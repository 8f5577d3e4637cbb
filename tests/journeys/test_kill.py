"""``kill -9`` of the real server, between any two messages and in the middle of one: nothing lost, nothing twice."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from bot.registration.season import SHANGHAI
from handlers.roster.demo import demo_roster
from handlers.sandbox import Sandbox
from handlers.serving import wait_for
from tests.journeys.people import Person
from tests.journeys.stage import GRADUATES, TODAY, free_port, make_sandbox, serving, write_settings
from tests.listening import LISTENER

ROOT = Path(__file__).resolve().parents[2]
REPLY_LIMIT = 1.0
"""Seconds between two pushes of one message; WeChat's five would only make the tests slower."""
HELD_WITHIN = 5.0


@pytest.fixture(scope="session")
def launcher() -> Iterator["subprocess.Popen[str]"]:
    """The process that forks servers; see server.py."""
    command, pipe = [sys.executable, "-m", "tests.journeys.server"], subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        yield process
        process.communicate()


@dataclass
class Server:
    """The server as a process group that can be killed and started again."""

    launcher: "subprocess.Popen[str]"
    config: Path
    port: int
    shift: float
    group: int = 0

    def start(self) -> None:
        """Start and wait until it answers."""
        assert self.launcher.stdin
        assert self.launcher.stdout
        self.launcher.stdin.write(f"{self.config} {self.shift}\n")
        self.launcher.stdin.flush()
        self.group = int(self.launcher.stdout.readline())
        assert wait_for(self.port), self.words()

    def kill(self) -> None:
        """``kill -9`` of the whole process group at once; the port is free again when this returns."""
        os.killpg(self.group, signal.SIGKILL)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except ConnectionError:
                return
            except TimeoutError:
                pass  # a queue nobody empties any more; it goes with the process
            time.sleep(0.01)

    def words(self) -> str:
        """Return what it wrote to its log."""
        return self.config.with_name("stderr.txt").read_text()


@dataclass
class Town:
    """A server that may die, and a WeChat that lives on."""

    server: Server
    sandbox: Sandbox
    folder: Path

    def ask(self, query: str) -> str:
        """Ask the database one thing."""
        engine = create_engine(f"sqlite:///{self.folder / 'quxiang.sqlite3'}")
        with engine.connect() as connection:
            answer = str(connection.scalar(text(query)))
        engine.dispose()
        return answer


@pytest.fixture
def town(tmp_path: Path, prepared: Path, launcher: "subprocess.Popen[str]") -> Iterator[Town]:
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    shift = datetime(TODAY.year, TODAY.month, TODAY.day, 10, tzinfo=SHANGHAI).timestamp() - time.time()
    app_port, sandbox_port, desk = free_port(), free_port(), Flask("desk")
    app_url, sandbox_url = f"http://127.0.0.1:{app_port}", f"http://127.0.0.1:{sandbox_port}"
    sandbox = make_sandbox(app_url, sandbox_url, reply_limit=REPLY_LIMIT)
    sandbox.clock = lambda: time.time() + shift
    desk.register_blueprint(sandbox.blueprint())
    server = Server(launcher, write_settings(tmp_path, app_url, sandbox_url), app_port, shift)
    with serving(desk, sandbox_port):
        try:
            server.start()
            yield Town(server, sandbox, tmp_path)
        finally:
            server.kill()
    sandbox.close()
    LISTENER.hear(server.words())


def traveller(town: Town) -> Person:
    """A graduate for whom everything is ready."""
    who = next(each for each in demo_roster(TODAY, GRADUATES).tryouts if "档案转回生源地" in each.situation)
    person = Person(town.sandbox.phone("traveller"), who)
    LISTENER.guard([person.phone.openid, who.name])
    return person


def way(graduate: Person) -> tuple[tuple[Callable[[], object], str], ...]:
    """Return the happy path, act by act, and what is heard after each."""
    who, phone = graduate.who, graduate.phone
    return (
        (phone.follow, "consent.agree.ask"),
        (lambda: phone.say("同意"), "login.student_number.ask"),
        (lambda: phone.say(who.student_number), "login.name.ask"),
        (lambda: phone.say(who.name), "login.tail.ask"),
        (lambda: phone.say(who.identity_tail), "personal.check.ask"),
        (lambda: phone.say("信息正确"), "line.title"),
        (lambda: phone.say("去向登记确认"), "confirmation.preview.ask"),
        (lambda: phone.say("信息无误"), "confirmation.preview.yes"),
        (lambda: phone.say("我已完成"), "verification.period.ask"),
        (lambda: phone.say("一个月"), "verification.period.issued"),
        (lambda: phone.say("进度"), "line.confirmation_done"),
    )


def see_the_person(town: Town, graduate: Person) -> None:
    """Let CHSI have seen the person, so that asking says so."""
    rows = demo_roster(TODAY, GRADUATES).rows
    row = next(row for row in rows if next(iter(row.values())) == graduate.number)
    values = {column.value: value for column, value in row.items()}
    town.sandbox.chsi.set_person(values["身份证号"], values["姓名"], verified=True)
    LISTENER.guard([values["身份证号"], values["手机号"]])


def nothing_lost_nothing_twice(town: Town, graduate: Person) -> None:
    assert town.ask("SELECT count(*) FROM verification") == "1"
    assert town.ask("SELECT count(*) FROM graduate WHERE confirmed_at IS NOT NULL") == "1"
    assert town.ask("SELECT count(*) FROM graduate WHERE openid IS NOT NULL") == "1"
    assert sum("核验编号" in words for words in graduate.heard) <= 2
    assert not any("故障" in words for words in graduate.heard)


def test_a_server_killed_between_any_two_messages_goes_on_where_it_was(town: Town) -> None:
    graduate = traveller(town)
    see_the_person(town, graduate)
    for act, hears in way(graduate):
        town.server.kill()
        town.server.start()
        act()
        graduate.expects(hears)
    assert {push.attempt for push in town.sandbox.pushes} == {1}
    nothing_lost_nothing_twice(town, graduate)


def kill_while(town: Town, act: Callable[[], object], wait: Callable[[], None]) -> None:
    """Kill the server while it works on a message, and start it again for the push that follows."""
    talking = threading.Thread(target=act)
    talking.start()
    wait()
    town.server.kill()
    for name in ("hold-before", "hold-after", "held"):
        (town.folder / name).unlink(missing_ok=True)
    town.server.start()
    talking.join()


@pytest.mark.parametrize("first", ["hold-before", "hold-after"])
def test_a_server_killed_on_either_side_of_a_commit_answers_the_push_that_follows(town: Town, first: str) -> None:
    graduate = traveller(town)
    see_the_person(town, graduate)
    points = ["hold-before", "hold-after"] if first == "hold-before" else ["hold-after", "hold-before"]

    def until_held() -> None:
        end = time.monotonic() + HELD_WITHIN
        while not (town.folder / "held").exists():
            assert time.monotonic() < end, "the message never came to its commit"
            time.sleep(0.005)

    for place, (act, hears) in enumerate(way(graduate)):
        (town.folder / points[place % 2]).touch()
        kill_while(town, act, until_held)
        graduate.expects(hears)
    assert {push.attempt for push in town.sandbox.pushes} == {1, 2}
    assert len(town.sandbox.pushes) == 2 * len(way(graduate)), "every message was pushed twice"
    nothing_lost_nothing_twice(town, graduate)


def test_a_server_killed_at_any_moment_answers_in_the_end(town: Town) -> None:
    random, graduate = Random(29), traveller(town)
    see_the_person(town, graduate)
    for act, hears in way(graduate):
        kill_while(town, act, lambda: time.sleep(random.uniform(0.0, 0.04)))
        graduate.expects(hears)
    nothing_lost_nothing_twice(town, graduate)
