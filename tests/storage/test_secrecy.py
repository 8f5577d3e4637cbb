from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from bot.conversation.talk import Answer, Talk
from bot.registration.dossier import Dossier
from storage.cipher import CipherError
from storage.tables import graduate, metadata
from storage.unit_of_work import SqlWork
from tests.telling import message

SEALED = ["identity_number", "counsellor_phone", "mobile"]
SEALED += ["archive_address", "archive_contact", "archive_phone", "household_address"]


@pytest.mark.parametrize("column", SEALED)
def test_a_sealed_value_moved_to_another_row_or_column_cannot_be_read(
    work: SqlWork, engine: Engine, full: Dossier, plain: Callable[[int], Dossier], column: str
) -> None:
    other = plain(1)
    with work.writing() as unit:
        unit.registry.add_many([full, other])
        unit.commit()
    source = graduate.c[SEALED[SEALED.index(column) - 1]]
    with engine.connect() as connection:
        stolen = connection.execute(graduate.select().where(graduate.c.id == full.id)).one()
        assert full.archive.items
        moved = {"archive_transfer_type": "UNIT", column: getattr(stolen, column)}
        connection.execute(update(graduate).where(graduate.c.id == other.id).values(moved))
        connection.execute(update(graduate).where(graduate.c.id == full.id).values({column: source}))
    for dossier_id in (other.id, full.id):
        with work.reading() as unit, pytest.raises(CipherError):
            unit.registry.by_id(dossier_id)


def everything(engine: Engine, database_url: str) -> bytes:
    """Return the bytes of SQLite's files, or of every value of every row."""
    if engine.name == "sqlite":
        engine.dispose()
        path = Path(database_url.removeprefix("sqlite:///"))
        return b"".join(file.read_bytes() for file in path.parent.glob(path.name + "*"))
    with engine.connect() as connection:
        rows = [row for table in metadata.sorted_tables for row in connection.execute(table.select())]
    return b"\0".join(value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)


@pytest.mark.usefixtures("season")
def test_the_database_holds_no_personal_data_in_clear(
    work: SqlWork, engine: Engine, full: Dossier, now: datetime, database_url: str
) -> None:
    talk = Talk(full.openid or "", answers=(Answer("address", "平江路99号秘密", "ok", "r"),))
    with work.writing() as unit:
        unit.registry.add_many([full])
        unit.talks.save(Talk(talk.openid), talk)
        unit.notices.add(message("once", talk.openid, "k", now, {"reason": "电话秘密"}))
        unit.guards.fail([f"student:{full.graduate.identity_number.value}"], now)
        unit.commit()
    stored = everything(engine, database_url)
    items = full.archive.items
    assert items
    assert full.correction
    secrets = [
        full.graduate.identity_number.value,
        full.graduate.identity_number.tail,
        full.graduate.mobile,
        full.graduate.counsellor.phone,
        items.address,
        items.contact,
        items.phone,
        full.household.address,
        full.correction.items[0][1],
        "平江路99号秘密",
        "电话秘密",
    ]
    assert full.graduate.student_number.encode() in stored, "nothing was read, this test would prove nothing"
    assert [secret for secret in secrets if secret.encode() in stored] == []
