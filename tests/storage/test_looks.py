"""Looks and receipts (查看与接收), on every database."""

import re
from datetime import datetime, timedelta

from sqlalchemy import Engine, select

from bot.registration.dossier import Dossier
from bot.registration.look import Look, Receipt, Way
from bot.registration.report import Standing
from storage import tables
from storage.unit_of_work import SqlWork
from tests.storage.conftest import new_id


def add(work: SqlWork, dossier: Dossier) -> str:
    with work.writing() as unit:
        unit.registry.add_many([dossier])
        unit.commit()
    return dossier.verifications[0].id


def look_at(work: SqlWork, look: Look) -> bool:
    with work.writing() as unit:
        is_first = unit.looks.add(look)
        unit.commit()
    return is_first


def test_only_the_first_look_at_a_verification_is_the_first(work: SqlWork, full: Dossier, now: datetime) -> None:
    looked = add(work, full)
    looks = [
        Look(new_id(), looked, now + timedelta(minutes=n), way, Standing.IN_FORCE, department)
        for n, (way, department) in enumerate([(Way.SCAN, ""), (Way.TYPED, "示例市人才服务中心"), (Way.FILE, "𬭊")])
    ]
    assert [look_at(work, look) for look in looks] == [True, False, False]
    with work.reading() as unit:
        assert list(unit.looks.of([looked], 10)) == looks[::-1]
        assert list(unit.looks.of([looked], 1)) == looks[-1:]
        assert unit.looks.count([looked]) == 3
        assert unit.looks.count([]) == 0
        assert not unit.looks.of([], 10)


def test_a_receipt_is_kept_and_can_be_withdrawn_once(work: SqlWork, full: Dossier, now: datetime) -> None:
    receipt = Receipt(new_id(), add(work, full), now, "示例市人才服务中心", "0512-65220000", "已入库 😀")
    with work.writing() as unit:
        unit.receipts.add(receipt)
        unit.commit()
    with work.writing() as unit:
        assert unit.receipts.by_id(receipt.id) == receipt
        assert unit.receipts.withdraw(receipt.id, "office", now + timedelta(days=1))
        assert not unit.receipts.withdraw(receipt.id, "graduate", now + timedelta(days=2))
        unit.commit()
    with work.reading() as unit:
        (stored,) = unit.receipts.of([receipt.verification_id])
        assert list(unit.receipts.of_season(full.season_id)) == [(full, stored)]
        assert unit.receipts.by_id(new_id()) is None
    assert (stored.withdrawn_by, stored.withdrawn_at, stored.stands) == ("office", now + timedelta(days=1), False)


def test_what_departments_say_of_themselves_is_encrypted(
    work: SqlWork, full: Dossier, now: datetime, engine: Engine
) -> None:
    looked = add(work, full)
    look_at(work, Look(new_id(), looked, now, Way.TYPED, Standing.EXPIRED, "SECRET-DEPARTMENT"))
    with work.writing() as unit:
        unit.receipts.add(Receipt(new_id(), looked, now, "SECRET-OFFICE", "SECRET-PHONE", "SECRET-NOTE"))
        unit.commit()
    with engine.connect() as connection:
        stored = repr([list(connection.execute(select(table))) for table in (tables.look, tables.receipt)])
    assert not re.search("SECRET", stored)
