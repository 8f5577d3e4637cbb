"""The audit log in every database: chained, sealed, and one line of entries however many write at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, Executable, delete, select, text, update
from sqlalchemy.exc import DBAPIError

from bot.staff.audit import UNREADABLE, Search, first_break
from bot.staff.deed import COMMAND, SYSTEM, Action
from storage.cipher import FieldCipher
from storage.staff_tables import audit
from storage.unit_of_work import SqlWork

NOW = datetime(2023, 6, 28, 1, tzinfo=UTC)


def _append(work: SqlWork, times: int = 1) -> None:
    for _ in range(times):
        with work.writing() as uow:
            uow.audit.append(COMMAND, Action.SEASON_SAVED, "s", {"理由": "示例"}, NOW)
            uow.commit()


def _break(work: SqlWork) -> int | None:
    with work.reading() as uow:
        found = first_break(uow.audit.sealed())
    return found.seq if found else None


def test_entries_written_at_once_stand_in_one_line(engine: Engine, cipher: FieldCipher) -> None:
    work = SqlWork(engine, cipher)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: _append(work, 5), range(4)))
    with work.reading() as uow:
        assert [entry.seq for entry in uow.audit.all()] == list(range(1, 21))
    assert _break(work) is None


def test_an_entry_taken_back_leaves_no_gap(engine: Engine, cipher: FieldCipher) -> None:
    work = SqlWork(engine, cipher)
    with work.writing() as uow:
        uow.audit.append(COMMAND, Action.SEASON_SAVED, "", {}, NOW)
    _append(work)
    assert _break(work) is None
    with work.reading() as uow:
        assert [entry.seq for entry in uow.audit.newest(9)] == [1]


@contextmanager
def _unguarded(engine: Engine) -> Iterator[Connection]:
    """Be somebody who may change tables: the triggers that keep the log are away for a while."""
    triggers = {"UPDATE": "audit_no_update", "DELETE": "audit_no_delete"}
    kind = engine.dialect.name
    with engine.connect() as connection:
        if kind == "postgresql":
            connection.execute(text("SET session_replication_role = replica"))
            yield connection
            connection.execute(text("SET session_replication_role = DEFAULT"))
            return
        for name in triggers.values():
            connection.execute(text(f"DROP TRIGGER {name}"))
        yield connection
        for event, name in triggers.items() if kind != "sqlite" else ():
            refusal = "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the audit log is append-only'"
            connection.execute(text(f"CREATE TRIGGER {name} BEFORE {event} ON audit FOR EACH ROW {refusal}"))


def _tamper(engine: Engine, statement: Executable) -> None:
    with _unguarded(engine) as connection:
        assert connection.execute(statement).rowcount == 1


@pytest.mark.parametrize("statement", [update(audit).values(actor_name="别人"), delete(audit)])
def test_the_database_refuses_to_change_or_delete_an_entry(
    engine: Engine, cipher: FieldCipher, statement: Executable
) -> None:
    work = SqlWork(engine, cipher)
    _append(work, 2)
    with engine.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
        connection.execute(statement)
    with work.reading() as uow:
        assert [entry.actor_name for entry in uow.audit.all()] == ["命令行", "命令行"]


TAMPERING: dict[str, Executable] = {
    "another name": update(audit).where(audit.c.seq == 2).values(actor_name="别人"),
    "other details": update(audit).where(audit.c.seq == 2).values(details=b"\x01" + b"x" * 40),
    "no details": update(audit).where(audit.c.seq == 2).values(details=b""),
    "taken out": delete(audit).where(audit.c.seq == 2),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_a_changed_or_missing_row_is_found_with_its_number_and_the_rest_stays_readable(
    engine: Engine, cipher: FieldCipher, name: str
) -> None:
    work = SqlWork(engine, cipher)
    _append(work, 3)
    _tamper(engine, TAMPERING[name])
    assert _break(work) == 2
    with work.reading() as uow:
        entries = {entry.seq: entry for entry in uow.audit.newest(9)}
    assert entries[3].details == {"理由": "示例"}
    if "details" in name:
        assert entries[2].details == {"详情": UNREADABLE}


def test_the_head_noted_down_tells_a_log_cut_off_at_its_end(engine: Engine, cipher: FieldCipher) -> None:
    work = SqlWork(engine, cipher)
    _append(work, 3)
    with work.reading() as uow:
        head = uow.audit.head()
    assert head is not None
    assert head[0] == 3
    _tamper(engine, delete(audit).where(audit.c.seq == 3))
    with work.reading() as uow:
        assert first_break(uow.audit.sealed()) is None
        found = first_break(uow.audit.sealed(), head[1])
    assert found is not None
    assert found.seq == 3


def test_a_search_finds_by_who_what_when_and_about_what_and_goes_on_where_it_stopped(
    engine: Engine, cipher: FieldCipher
) -> None:
    work = SqlWork(engine, cipher)
    with work.writing() as uow:
        for number in range(12):
            actor, action = (COMMAND, Action.SEASON_SAVED) if number % 2 else (SYSTEM, Action.CUTOFF_RUN)
            uow.audit.append(actor, action, f"s{number % 3}", {}, NOW + timedelta(days=number))
        uow.commit()

    def seqs(search: Search, most: int = 99, before: int | None = None) -> list[int]:
        with work.reading() as uow:
            return [entry.seq for entry in uow.audit.found(search, most, before)]

    assert seqs(Search()) == list(range(12, 0, -1))
    assert seqs(Search(actor_id="command")) == [12, 10, 8, 6, 4, 2]
    assert seqs(Search(action="CUTOFF_RUN", subject="s0")) == [7, 1]
    assert seqs(Search(since=NOW + timedelta(days=3), until=NOW + timedelta(days=5))) == [5, 4]
    assert seqs(Search(actor_id="command"), 2, 8) == [6, 4]


def test_the_details_are_not_readable_in_the_table(engine: Engine, cipher: FieldCipher) -> None:
    work = SqlWork(engine, cipher)
    _append(work)
    with engine.connect() as connection:
        assert "示例".encode() not in connection.execute(select(audit.c.details)).scalar_one()
    with work.reading() as uow:
        assert [entry.details for entry in uow.audit.of("s", 9)] == [{"理由": "示例"}]
