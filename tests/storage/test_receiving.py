"""Recording that an archive arrived, on every database: few, not twice, taken back, also when many do it at once."""

from collections import Counter as Tally
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from bot.errors import MovedError
from bot.registration.dossier import Dossier
from bot.registration.look import Receipt
from bot.registration.verification import Subject
from bot.use_cases.look_up_report import Counter, Found
from bot.use_cases.receive_archive import (
    LATE,
    MOST_EVER,
    MOST_STANDING,
    ClosedError,
    Entry,
    FullError,
    may_be_recorded,
    receipts_at,
    record_receipt,
    takes_more,
    withdraw_receipt,
)
from bot.use_cases.staff_changes import NotFoundError, Office
from storage.unit_of_work import SqlWork
from tests.bot.conversation.world import LINKS
from tests.handlers.report.sample import NOW, SEASON, registered
from tests.storage.conftest import new_id
from tests.telling import claimed

CONTACT = "0512-62881234"


class Hall:
    """A department's counter and the school's office over one database, with a clock to turn."""

    def __init__(self, work: SqlWork) -> None:
        self.work = work
        self.now = NOW
        known = registered()
        self.dossier = replace(
            known,
            id=new_id(),
            openid="oReceipt",
            verifications=tuple(replace(v, id=new_id()) for v in known.verifications),
        )
        with work.writing() as uow:
            uow.seasons.save(SEASON)
            uow.registry.add_many([self.dossier])
            uow.commit()
        self.counter = Counter(work, lambda: self.now, LINKS, new_id)
        self.office = Office(work, LINKS, lambda: self.now, new_id)

    def found(self, subject: Subject = Subject.ARCHIVE) -> Found:
        """Return what a scan finds now."""
        with self.work.reading() as uow:
            dossier = uow.registry.by_id(self.dossier.id)
        assert dossier is not None
        verification = dossier.verification_of(subject)
        assert verification is not None
        return Found(SEASON, dossier, verification)

    def record(self, department: str = "苏州市人才服务中心") -> Receipt:
        """Record under a name."""
        return record_receipt(self.counter, self.found(), Entry(department, CONTACT))

    def change(self, step: Callable[[Dossier], Dossier]) -> None:
        """Take a step with the stored dossier."""
        with self.work.writing() as uow:
            old = self.found().dossier
            uow.registry.save(old, step(old))
            uow.commit()

    def stored(self) -> list[Receipt]:
        """Return all records."""
        return list(receipts_at(self.work, self.found().verification))

    def told(self) -> list[str]:
        """Return the keys of all notices, oldest first."""
        with self.work.writing() as uow:
            return [notice.key for notice in claimed(uow, self.now)]


@pytest.fixture
def hall(work: SqlWork) -> Hall:
    """A hall with one graduate."""
    return Hall(work)


def test_a_record_is_kept_and_told_to_the_graduate_without_the_contact(hall: Hall) -> None:
    receipt = hall.record()
    assert hall.stored() == [receipt]
    with hall.work.writing() as uow:
        (notice,) = claimed(uow, hall.now)
    assert notice.key == "notice.archive_received"
    assert notice.data["notice_department"] == "苏州市人才服务中心"
    assert not [value for value in notice.data.values() if CONTACT in value]


def test_the_same_department_within_a_day_is_no_second_record(hall: Hall) -> None:
    first = hall.record("苏州市人才服务中心（档案科）")
    hall.now += timedelta(hours=23)
    assert hall.record("苏州市人才服务中心 (档案科)") == first
    hall.now += timedelta(hours=2)
    assert hall.record("苏州市人才服务中心（档案科）") != first
    assert len(hall.stored()) == 2


def test_there_are_at_most_three_standing_records(hall: Hall) -> None:
    for number in range(MOST_STANDING):
        assert takes_more(hall.stored())
        hall.record(f"第{number}中心")
    assert not takes_more(hall.stored())
    with pytest.raises(FullError):
        hall.record("又一个中心")


def test_what_is_taken_back_stays_in_the_list_and_makes_room_but_not_for_ever(hall: Hall) -> None:
    for number in range(MOST_EVER):
        receipt = hall.record(f"第{number}中心")
        withdraw_receipt(hall.office, receipt.id, "登记有误")
    stored = hall.stored()
    assert [receipt.withdrawn_by for receipt in stored] == ["office"] * MOST_EVER
    assert not takes_more(stored)
    with pytest.raises(FullError):
        hall.record("再来一个中心")


def test_a_record_is_taken_back_once_and_the_graduate_reads_why(hall: Hall) -> None:
    receipt = hall.record()
    withdraw_receipt(hall.office, receipt.id, "  不是这个\n单位 ")
    with hall.work.writing() as uow:
        notices = {notice.key: notice for notice in claimed(uow, hall.now)}
    assert notices["notice.receipt_withdrawn"].data["notice_reason"] == "不是这个 单位"
    for receipt_id in (receipt.id, new_id()):
        with pytest.raises(NotFoundError):
            withdraw_receipt(hall.office, receipt_id, "再来一次")


def test_an_archive_may_arrive_late_but_not_after_the_report_was_ended(hall: Hall) -> None:
    until = hall.found().verification.valid_until
    for moment, is_open in ((until, True), (until + LATE, True), (until + LATE + timedelta(seconds=1), False)):
        assert may_be_recorded(hall.found(), moment) is is_open
    assert not may_be_recorded(hall.found(Subject.HOUSEHOLD), NOW)
    found = hall.found()
    hall.change(lambda dossier: dossier.close(Subject.ARCHIVE, NOW + timedelta(minutes=1)))
    with pytest.raises(ClosedError):
        record_receipt(hall.counter, found, Entry("苏州市人才服务中心", CONTACT))
    assert hall.stored() == []
    assert hall.told() == []


@pytest.mark.parametrize("is_same", [True, False])
def test_of_eight_records_at_once_there_are_never_too_many(hall: Hall, is_same: bool) -> None:
    def record(number: int) -> str:
        try:
            hall.record("苏州市人才服务中心" if is_same else f"第{number}中心")
        except (FullError, MovedError) as error:
            return type(error).__name__
        return "recorded"

    with ThreadPoolExecutor(8) as pool:
        outcomes = Tally(pool.map(record, range(8)))
    assert len(hall.stored()) == (1 if is_same else MOST_STANDING)
    assert outcomes["recorded"] == (8 if is_same else MOST_STANDING)
    assert hall.told() == ["notice.archive_received"] * len(hall.stored())


def test_department_and_contact_lie_sealed_in_the_database(hall: Hall, engine: Engine) -> None:
    hall.record()
    with engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM receipt")).one()
    assert not [value for value in row if isinstance(value, str) and ("苏州" in value or CONTACT in value)]
    assert not [value for value in row if isinstance(value, bytes) and "苏州".encode() in value]
