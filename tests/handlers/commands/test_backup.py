"""Backup and restore rehearsed on every database: what comes back is what was there, and nothing is sent by itself."""

import gzip
import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from app import build
from bot.staff.audit import first_break
from bot.use_cases.manage_sending import lift_halt
from handlers.installation import Installation
from handlers.keys import make_keys
from handlers.roster.demo import demo_roster
from handlers.roster.writing import write_roster
from handlers.settings import read_settings
from storage.backups import BackupError, copier_of
from storage.engine import open_engine
from storage.lane import connected
from storage.migrating import current_revision, known_revisions, migrate
from storage.schema import metadata
from storage.tables import season
from storage.transaction import Transaction
from tests.handlers.commands.stage import typed
from tests.journeys.stage import SEASON, write_settings
from tests.listening import LISTENER
from tests.telling import message


@dataclass
class Office:
    """Whoever keeps the backups, with a database."""

    config: Path
    url: str
    backup: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"QUXIANG_DATABASE__URL": self.url}

    def opened(self) -> Installation:
        return build(read_settings(self.config, self.environment))

    def types(self, *words: str) -> tuple[int, str]:
        result = typed(self.config, self.environment, words)
        return result.exit_code, result.output

    def does(self, *words: str) -> str:
        code, output = self.types(*words)
        assert code == 0, output
        return output

    def fails(self, *words: str) -> str:
        code, output = self.types(*words)
        assert code == 1, output
        return output

    def asks(self, question: Callable[[Installation], Any]) -> Any:  # noqa: ANN401 -- whatever is asked
        installation = self.opened()
        try:
            return question(installation)
        finally:
            installation.client.close()
            installation.engine.dispose()

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """Return everything there is but the halts, table by table."""
        engine = open_engine(self.url)
        with engine.connect() as connection:
            found = {
                table.name: sorted((tuple(row) for row in connection.execute(table.select())), key=repr)
                for table in metadata.sorted_tables
                if table.name != "channel_halt"
            }
        engine.dispose()
        return found

    def run(self, statement: str) -> None:
        engine = open_engine(self.url)
        try:
            with engine.connect() as connection:
                connection.execute(text(statement))
        finally:
            engine.dispose()

    def tells(self, question: str) -> object:
        engine = open_engine(self.url)
        with engine.connect() as connection:
            answer: object = connection.execute(text(question)).scalar_one()
        engine.dispose()
        return answer

    def stands_at(self) -> str | None:
        engine = open_engine(self.url)
        revision = current_revision(engine)
        engine.dispose()
        return revision


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys and a roster; made once."""
    folder = tmp_path_factory.mktemp("kept")
    make_keys(folder / "keys")
    write_roster(folder / "roster.xlsx", demo_roster(date(2023, 6, 29), 40).rows)
    return folder


@pytest.fixture
def office(tmp_path: Path, kept: Path, database_url: str) -> Office:
    """An office whose database has a season, a roster, accounts, an audit log, and a message that is due."""
    shutil.copytree(kept, tmp_path, dirs_exist_ok=True)
    config = write_settings(tmp_path, "http://127.0.0.1:9", "http://127.0.0.1:9")
    office = Office(config, database_url, tmp_path / "backup.bin")
    office.does("season", "set", *SEASON)
    office.does("roster", "import", str(tmp_path / "roster.xlsx"), "--apply")
    office.does("staff", "add", "office", "--name", "王'老师\\", "--role", "office")

    def tell(installation: Installation) -> None:
        with installation.work.writing() as uow:
            uow.notices.add(message("m1", "oAbc", "archive.approved", datetime.now(UTC) - timedelta(minutes=1)))
            uow.commit()

    office.asks(tell)
    return office


def due(installation: Installation) -> list[str]:
    """Take what a worker would send now."""
    now = datetime.now(UTC)
    with installation.work.writing() as uow:
        return list(uow.ledger.claim("worker", now + timedelta(seconds=10), now, 10))


ONLY_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_what_was_backed_up_comes_back_and_nothing_is_sent_before_somebody_says_so(office: Office) -> None:
    told = office.does("backup", str(office.backup))
    assert "密钥不在备份里" in told
    assert office.backup.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in office.backup.parent.glob(".*part")] == []
    before = office.rows()
    assert before["graduate"]
    assert before["audit"]
    office.run("DELETE FROM delivery")
    office.run("UPDATE graduate SET name = 'x'")
    office.does("staff", "add", "another", "--name", "李老师", "--role", "administrator")
    assert office.rows() != before
    assert "请加上 --over" in office.fails("restore", str(office.backup), "--yes")
    assert "--yes" in office.fails("restore", str(office.backup), "--over")
    said = office.does("restore", str(office.backup), "--yes", "--over")
    assert "发送已停止" in said
    assert office.rows() == before
    assert office.stands_at() == known_revisions()[-1]

    def verify(installation: Installation) -> object:
        with installation.work.reading() as uow:
            return first_break(uow.audit.sealed(), "")

    assert office.asks(verify) is None
    assert office.asks(due) == []
    office.asks(lambda installation: lift_halt(installation.office, None))
    assert len(office.asks(due)) == 1


def test_the_audit_log_is_still_append_only_after_a_restore(office: Office) -> None:
    office.does("backup", str(office.backup))
    office.does("restore", str(office.backup), "--yes", "--over")
    for statement in ("DELETE FROM audit", "UPDATE audit SET subject = ''"):
        with pytest.raises(DBAPIError):
            office.run(statement)


def test_an_older_backup_is_brought_to_what_this_program_needs(office: Office) -> None:
    older, url = known_revisions()[-2], make_url(office.url)
    migrate(office.url, older)
    office.does("backup", str(office.backup))
    migrate(office.url)
    said = office.does("restore", str(office.backup), "--yes", "--over")
    assert f"备份时数据库版本 {older}，已升级到 {known_revisions()[-1]}" in said
    assert office.stands_at() == known_revisions()[-1]
    assert office.rows()["graduate"]

    def halted(installation: Installation) -> list[str]:
        with installation.work.reading() as uow:
            return [halt.said for halt in uow.halts.all()]

    assert office.asks(halted)
    assert url.database


def test_an_empty_database_needs_no_over_and_one_that_was_never_migrated_is_as_good(office: Office) -> None:
    office.does("backup", str(office.backup))
    before = office.rows()
    migrate(office.url, "base")
    office.run("DROP TABLE alembic_version")
    office.does("restore", str(office.backup), "--yes")
    assert office.rows() == before


def test_a_backup_is_never_written_over_and_needs_a_folder(office: Office) -> None:
    office.does("backup", str(office.backup))
    was = office.backup.read_bytes()
    assert "已经存在" in office.fails("backup", str(office.backup))
    assert office.backup.read_bytes() == was
    assert "不存在" in office.fails("backup", str(office.backup.parent / "nowhere" / "b"))


def test_files_that_are_no_backup_or_only_half_of_one_are_refused_and_change_nothing(office: Office) -> None:
    office.does("backup", str(office.backup))
    before, whole = office.rows(), office.backup.read_bytes()
    bad = office.backup.with_name("bad.bin")
    for content, told in (
        (b"", "这不是"),
        (b"PK\x03\x04 a spreadsheet", "这不是"),
        (gzip.compress(b"SELECT 1;\n"), "这不是"),
        (whole[: len(whole) // 2], "备份文件不完整或已损坏"),
        (whole[:-20], "备份文件不完整或已损坏"),
    ):
        bad.write_bytes(content)
        assert told in office.fails("restore", str(bad), "--yes", "--over"), content[:10]
    assert office.rows() == before


def test_a_missing_program_is_named(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    if office.url.startswith("sqlite"):
        assert "已备份到" in office.does("backup", str(office.backup)), "SQLite needs none"
        return
    told = office.fails("backup", str(office.backup))
    assert "找不到程序" in told
    assert "-client" in told
    assert not office.backup.exists()


def test_nothing_is_restored_while_a_worker_lives(office: Office) -> None:
    office.does("backup", str(office.backup))

    def report(installation: Installation) -> None:
        with installation.work.writing() as uow:
            uow.beats.beat(datetime.now(UTC))
            uow.commit()

    office.asks(report)
    assert "请先停止" in office.fails("restore", str(office.backup), "--yes", "--over")


@pytest.mark.parametrize(
    "database_url",
    [pytest.param("postgresql", marks=pytest.mark.postgresql), pytest.param("mariadb", marks=pytest.mark.mariadb)],
    indirect=True,
)
def test_nothing_is_restored_while_somebody_else_is_connected(office: Office) -> None:
    office.does("backup", str(office.backup))
    other = open_engine(office.url)
    with other.connect():
        assert "1 个连接" in office.fails("restore", str(office.backup), "--yes", "--over")
    other.dispose()


@pytest.mark.parametrize(
    "database_url",
    [pytest.param("postgresql", marks=pytest.mark.postgresql), pytest.param("mariadb", marks=pytest.mark.mariadb)],
    indirect=True,
)
def test_the_password_stands_on_no_command_line_and_in_no_environment(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs that note how they were called stand in for the real ones."""
    notes, programs = tmp_path / "notes", tmp_path / "programs"
    programs.mkdir()
    script = f'#!/bin/sh\n(echo "$0 $@"; env) >> {notes}\nexit 1\n'
    for name in ("pg_dump", "pg_restore", "psql", "mariadb-dump", "mariadb"):
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    LISTENER.guard(["hunter2hunter2"])
    place = make_url(office.url).set(password="hunter2hunter2")
    copier = copier_of(place)
    with pytest.raises(BackupError) as caught:
        copier.dump(office.backup, "0004")
    assert "hunter2" not in str(caught.value)
    assert "-dump" in notes.read_text() or "pg_dump" in notes.read_text()
    assert "hunter2" not in notes.read_text()
    assert list(Path(tempfile.gettempdir()).glob("quxiang-*/secret")) == []


@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_grants_come_back_and_a_role_that_is_missing_is_told_with_nothing_changed(office: Office) -> None:
    role = f"quxiang_reader_{os.getpid()}"
    office.run(f"CREATE ROLE {role}")
    try:
        office.run(f"GRANT SELECT ON graduate TO {role}")
        office.does("backup", str(office.backup))
        office.does("restore", str(office.backup), "--yes", "--over")
        assert office.tells(f"SELECT has_table_privilege('{role}', 'graduate', 'SELECT')") is True
        assert office.tells(f"SELECT has_table_privilege('{role}', 'graduate', 'UPDATE')") is False
    finally:
        office.run(f"DROP OWNED BY {role}")
        office.run(f"DROP ROLE {role}")
    office.run("DELETE FROM delivery")
    before = office.rows()
    assert "请先建同名的角色" in office.fails("restore", str(office.backup), "--yes", "--over")
    assert office.rows() == before


@ONLY_SQLITE
def test_a_backup_of_newer_code_is_refused(office: Office) -> None:
    office.does("backup", str(office.backup))
    with sqlite3.connect(office.backup) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    assert "请先升级程序" in office.fails("restore", str(office.backup), "--yes", "--over")


@ONLY_SQLITE
def test_other_keys_than_the_backups_are_noticed_at_once(office: Office, tmp_path: Path) -> None:
    office.does("backup", str(office.backup))
    shutil.rmtree(tmp_path / "keys")
    make_keys(tmp_path / "keys")
    assert "请恢复备份那时的密钥目录" in office.fails("restore", str(office.backup), "--yes", "--over")


@ONLY_SQLITE
def test_a_sqlite_that_somebody_holds_is_not_waited_for_for_ever(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.does("backup", str(office.backup))
    before = office.rows()
    monkeypatch.setattr("storage.backups.sqlite._PATIENCE", 0.2)
    holder = sqlite3.connect(str(make_url(office.url).database), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    told = office.fails("restore", str(office.backup), "--yes", "--over")
    holder.execute("ROLLBACK")
    holder.close()
    assert "占用" in told or "写不进去" in told
    assert office.rows() == before


def test_messages_come_in_while_a_backup_is_made(office: Office) -> None:
    """The file holds one moment: both rows of a transaction that was committed meanwhile, or neither."""
    stop, begun, done = threading.Event(), threading.Event(), list[int]()

    def write() -> None:
        engine = open_engine(office.url)
        while not stop.is_set():
            with connected(engine) as connection:
                transaction = Transaction(connection)
                transaction.begin()
                for column in ("office", "hotline"):
                    transaction.write(season.update().values({column: str(len(done))}))
                transaction.commit()
            done.append(1)
            begun.set()
        engine.dispose()

    writer = threading.Thread(target=write)
    writer.start()
    assert begun.wait(30), "before the first commit both columns are what the demo school wrote"
    office.does("backup", str(office.backup))
    stop.set()
    writer.join()
    assert done
    office.does("restore", str(office.backup), "--yes", "--over")
    engine = open_engine(office.url)
    with engine.connect() as connection:
        at_once = connection.execute(text("SELECT office, hotline FROM season")).one()
    engine.dispose()
    assert at_once[0] == at_once[1]
