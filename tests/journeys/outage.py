"""A town (小城) in which things fall: the real server, whatever it needs behind wires, and a WeChat that pushes thrice.

Everything takes three fifths of its time: the platform waits 3 seconds instead of 5, "slow by 12 seconds" is 7.2.
"""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from flask import Flask
from sqlalchemy import make_url, text

from app import build
from bot.registration.season import SHANGHAI
from handlers.commands import cli
from handlers.roster.demo import demo_roster
from handlers.roster.writing import write_roster
from handlers.sandbox import Sandbox
from handlers.sandbox.courier import Push
from handlers.settings import read_settings
from storage.engine import open_engine
from storage.migrating import migrate
from tests.journeys.own_servers import children
from tests.journeys.people import Person, is_said
from tests.journeys.proxy import Wire
from tests.journeys.stage import (
    GRADUATES,
    SEASON,
    TODAY,
    Clock,
    free_port,
    make_sandbox,
    serving,
    write_settings,
)
from tests.journeys.test_kill import ROOT, Server
from tests.listening import LISTENER

REPLY_LIMIT = 3.0
SLOW = 7.2
BUDGETS: dict[str, dict[str, object]] = {
    "server": {"answer_seconds": 2.4},
    "database": {"connect_seconds": 1.2, "statement_seconds": 2.4, "lock_seconds": 1.2},
    "chsi": {"timeout_seconds": 1.5},
}
"""Three fifths of what is set by default, and a little less in all: a busy machine is not slower by three fifths."""
Launcher = subprocess.Popen[str]
BANNER = "故障"


@contextmanager
def launched() -> Iterator[Launcher]:
    """Start the process that forks servers; see server.py."""
    command, pipe = [sys.executable, "-m", "tests.journeys.server"], subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        yield process
        process.communicate()


@dataclass
class Plan:
    """What a town is built on.

    Attributes:
        folder: for settings and keys.
        prepared: a folder with keys, and a SQLite database with season and roster.
        url: the database, as tests reach it; "" for the prepared SQLite.
        wired: the same, as the server reaches it.
        chsi: where the server reaches CHSI, if not directly.
        reply_limit: seconds the platform waits.
        more: settings by section.
    """

    folder: Path
    prepared: Path
    url: str = ""
    wired: str = ""
    chsi: Callable[[int], Wire] | None = None
    reply_limit: float = REPLY_LIMIT
    more: dict[str, dict[str, object]] = field(default_factory=lambda: BUDGETS)


@dataclass
class OutageTown:
    """A server, a WeChat, and a way to ask the database past every wire."""

    server: Server
    sandbox: Sandbox
    url: str
    reply_limit: float = REPLY_LIMIT
    wire: Wire | None = None

    @property
    def line(self) -> Wire:
        """The wire to CHSI."""
        assert self.wire
        return self.wire

    def ask(self, query: str) -> int:
        """Ask the database for one number."""
        engine = open_engine(self.url)
        try:
            with engine.connect() as connection:
                return int(connection.scalar(text(query)) or 0)
        finally:
            engine.dispose()

    def change(self, statement: str) -> None:
        """Change something in the database."""
        engine = open_engine(self.url)
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def graduate(self, situation: str) -> Person:
        """Return a graduate with a phone, by situation."""
        who = next(each for each in demo_roster(TODAY, GRADUATES).tryouts if situation in each.situation)
        person = Person(self.sandbox.phone(who.student_number), who)
        LISTENER.guard([person.phone.openid, who.name])
        return person

    def answers(self, graduate: Person, words: str) -> list[tuple[int, str, float]]:
        """Let a graduate say something, and see that it is answered as promised.

        Returns:
            Attempt, outcome and seconds of every push.
        """
        before = len(self.sandbox.pushes)
        graduate.says(words)
        pushes = list(self.sandbox.pushes)[before:]
        self.is_as_promised(pushes)
        assert BANNER not in graduate.hears
        return [(push.attempt, push.outcome, round(push.seconds, 2)) for push in pushes]

    def is_as_promised(self, pushes: Sequence[Push]) -> None:
        """See that the pushes of one message end with a valid answer in time, and that those before got none."""
        assert pushes[-1].outcome == "answer", pushes[-1].reason
        assert pushes[-1].seconds < self.reply_limit
        assert {push.outcome for push in pushes[:-1]} <= {"nothing"}

    def threads_and_memory(self) -> tuple[int, int]:
        """Return the threads of the serving processes, and their memory in MiB."""
        threads = kilobytes = 0
        for pid in [self.server.group, *children(self.server.group)]:
            lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
            threads += int(lines["Threads"])
            kilobytes += int(lines["VmRSS"].split()[0])
        return threads, kilobytes // 1024


@contextmanager
def built(plan: Plan, launcher: Launcher) -> Iterator[OutageTown]:
    """Build a town."""
    shutil.copytree(plan.prepared, plan.folder, dirs_exist_ok=True)
    clock = Clock(datetime(TODAY.year, TODAY.month, TODAY.day, 10, tzinfo=SHANGHAI))
    shift = clock.seconds() - time.time()
    app_port, desk_port, desk = free_port(), free_port(), Flask("desk")
    app_url, desk_url = f"http://127.0.0.1:{app_port}", f"http://127.0.0.1:{desk_port}"
    sandbox = make_sandbox(app_url, desk_url, reply_limit=plan.reply_limit)
    sandbox.clock = lambda: time.time() + shift
    desk.register_blueprint(sandbox.blueprint())
    wire = plan.chsi(desk_port) if plan.chsi else None
    config = write_settings(plan.folder, app_url, desk_url)
    if plan.url:
        fill(plan.url, config)
    own_url = plan.url or f"sqlite:///{plan.folder / 'quxiang.sqlite3'}"
    _settle(config, plan, wire, own_url)
    server = Server(launcher, config, app_port, shift)
    with serving(desk, desk_port):
        try:
            server.start()
            yield OutageTown(server, sandbox, own_url, plan.reply_limit, wire)
        finally:
            server.kill()
            sandbox.close()
    LISTENER.hear(server.words())


def _settle(config: Path, plan: Plan, wire: Wire | None, own_url: str) -> None:
    words = config.read_text("utf-8")
    words = words.replace(f"sqlite:///{plan.folder}/quxiang.sqlite3", plan.wired or own_url)
    if wire is not None:
        words = words.replace(f"{wire.host}:{wire.port}/sandbox/chsi", f"127.0.0.1:{wire.own_port}/sandbox/chsi")
    for section, table in plan.more.items():
        lines = "".join(f"{name} = {value!r}\n".replace("'", '"') for name, value in table.items())
        head = f"[{section}]\n"
        words = words.replace(head, head + lines) if head in words else f"{words}\n{head}{lines}"
    config.write_text(words, "utf-8")


def fill(url: str, config: Path) -> None:
    """Give a database the tables, the season and the roster."""
    migrate(url)
    text_ = config.read_text("utf-8")
    own = config.with_name("office.toml")
    own.write_text(text_.replace(f"sqlite:///{config.parent}/quxiang.sqlite3", url), "utf-8")
    clock = Clock(datetime(TODAY.year, TODAY.month, TODAY.day, 10, tzinfo=SHANGHAI))
    installation = build(read_settings(own, {}), clock)
    roster = config.with_name("roster.xlsx")
    write_roster(roster, demo_roster(TODAY, GRADUATES).rows)
    for words in (["season", "set", *SEASON], ["roster", "import", str(roster), "--apply"]):
        result = CliRunner().invoke(cli, ["--config", str(own), *words], obj=lambda _: installation)
        assert result.exit_code == 0, result.output
    installation.client.close()
    installation.engine.dispose()


def through(url: str) -> tuple[Wire, str]:
    """Return a wire to the server of a database URL, and the URL through it."""
    place = make_url(url)
    assert place.host
    assert place.port
    wire = Wire(place.host, place.port)
    return wire, place.set(host="127.0.0.1", port=wire.own_port).render_as_string(hide_password=False)


def ready(town: OutageTown) -> Person:
    """A graduate who only has to say for how long."""
    graduate = town.graduate("档案信息已由学校提供")
    graduate.checks()
    graduate.confirms("verification.period.ask")
    return graduate


RECOVERED_WITHIN = 6.0


def goes_on(graduate: Person, town: OutageTown, *, is_done: bool | None = None) -> float:
    """After the outage: the last message once more if it was not done, then the next; everything happened once.

    Returns:
        Seconds until messages were handled again.
    """
    began = time.monotonic()
    while is_said("error.away", graduate.says("进度")):
        assert time.monotonic() - began < RECOVERED_WITHIN
        time.sleep(0.1)
    recovered = time.monotonic() - began
    issued = town.ask("SELECT count(*) FROM verification")
    assert is_done is None or issued == is_done
    if issued == 0:
        graduate.says("核验", "verification.period.ask")
        graduate.authorises("一周")
    graduate.says("进度", "line.confirmation_done")
    assert town.ask("SELECT count(*) FROM verification") == 1
    assert sum(is_said("verification.period.issued", words) for words in graduate.heard) <= 1
    assert not [words for words in graduate.heard if BANNER in words]
    return recovered


def meanwhile(act: Callable[[], Any]) -> threading.Thread:
    """Do something at the same time as what follows."""
    thread = threading.Thread(target=act)
    thread.start()
    return thread
