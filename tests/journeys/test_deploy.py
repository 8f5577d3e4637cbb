"""A deploy rehearsed while people write: expand the tables, reload, put the next version in place – nobody notices.

The versions share a listening socket that somebody else keeps, as the systemd units in docs/deploy do it.
"""

import os
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from bot.registration.season import SHANGHAI
from handlers.roster.demo import demo_roster
from handlers.sandbox import Sandbox
from storage.engine import open_engine
from storage.migrating import known_revisions
from tests.journeys.people import Person, is_said
from tests.journeys.processes import ROOT, Service, until
from tests.journeys.stage import GRADUATES, SEASON, TODAY, free_port, make_sandbox, serving, write_settings
from tests.listening import LISTENER

PEOPLE = 4
NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "later"
down_revision = "{newest}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("talk", sa.Column("colour", sa.String(16)))
    op.create_table("palette", sa.Column("colour", sa.String(16), primary_key=True))


def downgrade() -> None:
    op.drop_table("palette")
    op.drop_column("talk", "colour")
"""
"""The first half of a change: what is added disturbs nobody who does not know of it."""


@dataclass
class Talker:
    """A graduate who keeps writing, and what went wrong."""

    person: Person
    stop: threading.Event
    said: int = 0
    asked_to_wait: int = 0
    troubles: list[str] = field(default_factory=list)

    def walk(self) -> None:
        """Log in, check the data, and ask for the progress over and over until it is enough."""
        who, phone = self.person.who, self.person.phone
        phone.follow()
        self.said += 1
        for words, key in (
            ("同意", "login.student_number.ask"),
            (who.student_number, "login.name.ask"),
            (who.name, "login.tail.ask"),
            (who.identity_tail, "personal.check.ask"),
            ("信息正确", "line.title"),
        ):
            self.say(words, key)
        while not self.stop.is_set():
            self.say("进度", "line.title")
            self.stop.wait(0.4)
        self.say("进度", "line.title")

    def say(self, words: str, key: str) -> None:
        """Say something, once more if asked to, and note what is not the right answer."""
        while self.says(words) and is_said("error.busy", self.person.hears):
            self.asked_to_wait += 1
            time.sleep(0.5)
        if not is_said(key, self.person.hears):
            self.troubles.append(f"wanted {key}, heard {self.person.hears}")

    def says(self, words: str) -> bool:
        """Say something; False for silence."""
        self.said += 1
        return self.person.phone.say(words) is not None


@dataclass
class Town:
    """Everything of the rehearsal."""

    old: Service
    new: Service
    sandbox: Sandbox
    later: Mapping[str, str]

    def command(self, *words: str, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        """Run ``quxiang …`` of the version the environment is of."""
        command = [sys.executable, str(ROOT / "tests/journeys/later.py"), "--config", str(self.old.config), *words]
        done = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
        return subprocess.run(command, cwd=ROOT, env=done, capture_output=True, text=True, check=False, timeout=120)

    def ask(self, query: str) -> int:
        """Ask the database one thing."""
        engine = open_engine(self.old.environment["QUXIANG_DATABASE__URL"])
        with engine.connect() as connection:
            answer = int(connection.execute(text(query)).scalar_one())
        engine.dispose()
        return answer


@pytest.fixture
def town(tmp_path: Path, prepared: Path, database_url: str) -> Iterator[Town]:
    shift = datetime(TODAY.year, TODAY.month, TODAY.day, 10, tzinfo=SHANGHAI).timestamp() - time.time()
    listener, port, desk = socket.create_server(("127.0.0.1", 0), backlog=512), free_port(), Flask("desk")
    app_url, sandbox_url = f"http://127.0.0.1:{listener.getsockname()[1]}", f"http://127.0.0.1:{port}"
    sandbox = make_sandbox(app_url, sandbox_url)
    sandbox.clock = lambda: time.time() + shift
    desk.register_blueprint(sandbox.blueprint())
    (tmp_path / "keys").symlink_to(prepared / "keys")
    config = write_settings(tmp_path, app_url, sandbox_url)
    environment = {
        "QUXIANG_DATABASE__URL": database_url,
        "QUXIANG_SERVER__PROCESSES": "2",
        "QUXIANG_WORKER__INSIDE": "false",
        "QUXIANG_LOGGING__FORMAT": "json",
        "QUXIANG_TEST_SHIFT": str(shift),
        "RUNTIME_DIRECTORY": str(tmp_path),
    }
    revisions = tmp_path / "revisions"
    revisions.mkdir()
    (revisions / "later.py").write_text(NEXT.format(newest=known_revisions()[-1]))
    later = environment | {"QUXIANG_TEST_REVISIONS": str(revisions)}
    code = "tests/journeys/later.py"
    town = Town(Service(config, listener, environment, code), Service(config, listener, later, code), sandbox, later)
    for words in (["season", "set", *SEASON], ["roster", "import", str(prepared / "roster.xlsx"), "--apply"]):
        done = town.command(*words, environment=environment)
        assert done.returncode == 0, done.stderr
    with serving(desk, port):
        yield town
    town.old.end()
    town.new.end()
    sandbox.close()
    LISTENER.hear(town.old.log.read_text())
    engine = open_engine(database_url)
    with engine.connect() as connection:  # the tests after this one find the tables of today
        if connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "later":
            connection.execute(text("DROP TABLE palette"))
            connection.execute(text("ALTER TABLE talk DROP COLUMN colour"))
            connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": known_revisions()[-1]})
    engine.dispose()


def talkers(town: Town, stop: threading.Event) -> list[Talker]:
    tryouts = [each for each in demo_roster(TODAY, GRADUATES).tryouts if "档案转回生源地" in each.situation]
    others = [each for each in demo_roster(TODAY, GRADUATES).tryouts if each not in tryouts]
    people = [Person(town.sandbox.phone(f"phone {n}"), who) for n, who in enumerate((tryouts + others)[:PEOPLE])]
    LISTENER.guard([value for person in people for value in (person.phone.openid, person.who.name)])
    return [Talker(person, stop) for person in people]


def test_nobody_notices_a_deploy_with_a_migration(town: Town) -> None:
    stop = threading.Event()
    town.old.start()
    crowd = talkers(town, stop)
    threads = [threading.Thread(target=talker.walk) for talker in crowd]
    for thread in threads:
        thread.start()
    try:
        until(lambda: town.ask("SELECT count(*) FROM graduate WHERE checked_at IS NOT NULL") >= 1)
        # The next version does not start before its tables are there.
        too_soon = town.command("serve", environment=town.later)
        assert too_soon.returncode == 1
        assert "请先运行 quxiang migrate" in too_soon.stderr
        # Expand: add what the next version needs, while this one serves on.
        expanded = town.command("migrate", environment=town.later)
        assert expanded.returncode == 0, expanded.stderr
        until(lambda: "比这个程序新" in town.old.readiness()[1]["migrations"]["said"])
        assert town.old.get("/readyz").status_code == 200
        town.old.reload()
        # Deploy: both versions serve on the same socket until the old one has finished.
        town.new.start()
        until(lambda: town.new.get("/readyz").json()["revision"] == "later", 60)
        assert town.old.stop() == 0
        until(lambda: town.new.readiness()[1]["migrations"] == {"state": "ok", "said": "later"})
        for talker in crowd:
            until(lambda before=talker.said, talker=talker: talker.said > before + 1, 60)  # type: ignore[misc]  # a lambda
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    nobody_noticed(town, crowd)
    again = sum(push.attempt > 1 for push in town.sandbox.pushes)
    print(f"messages {sum(talker.said for talker in crowd)}, pushed again {again}")  # noqa: T201 -- shown by -s


def nobody_noticed(town: Town, crowd: list[Talker]) -> None:
    """Every message has its right answer, no banner was shown, nothing is lost and nothing was done twice."""
    assert [talker.troubles for talker in crowd] == [[]] * PEOPLE
    assert not [words for talker in crowd for words in talker.person.heard if "故障" in words or "系统刚才" in words]
    outcomes = defaultdict(list)
    for push in town.sandbox.pushes:
        outcomes[tuple(sorted((name, str(value)) for name, value in push.fields.items()))].append(push.outcome)
    said = sum(talker.said for talker in crowd)
    assert len(outcomes) == said
    assert all("answer" in seen for seen in outcomes.values())
    # While a table is changed, some are asked to say it again in a few seconds: SQLite has only one writer.
    put_off = sum(talker.asked_to_wait for talker in crowd)
    assert put_off <= PEOPLE
    assert town.ask("SELECT count(*) FROM footstep") == said - put_off, "each message moved its talk once"
    assert town.ask("SELECT count(*) FROM graduate WHERE checked_at IS NOT NULL AND openid IS NOT NULL") == PEOPLE
    assert town.ask("SELECT count(*) FROM talk") == PEOPLE
