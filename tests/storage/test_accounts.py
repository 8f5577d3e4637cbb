"""The staff accounts in every database."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from threading import Barrier

import pytest
from sqlalchemy import Engine, select

from bot.errors import MovedError, RuleError
from bot.registration.dossier import Dossier
from bot.registration.graduate import Counsellor
from bot.registration.season import Season
from bot.staff.account import Account
from bot.staff.policy import Role
from bot.use_cases.staff_accounts import activate, deactivate
from bot.use_cases.staff_changes import Office
from storage.cipher import FieldCipher
from storage.staff_tables import staff
from storage.unit_of_work import SqlWork
from tests.bot.conversation.world import StubLinks

NOW = datetime(2023, 6, 28, 1, tzinfo=UTC)
CHEN = Account("a" * 32, "t001", "陈老师", Role.COUNSELLOR, NOW, staff_number="T001", totp_secret="JBSWY3DPEHPK3PXP")


def _added(engine: Engine, cipher: FieldCipher) -> SqlWork:
    work = SqlWork(engine, cipher)
    with work.writing() as uow:
        assert uow.accounts.add(CHEN)
        uow.commit()
    return work


def test_an_account_comes_back_as_it_was_stored(engine: Engine, cipher: FieldCipher) -> None:
    with _added(engine, cipher).reading() as uow:
        assert uow.accounts.by_login("t001") == uow.accounts.by_id("a" * 32) == CHEN
        assert uow.accounts.by_login("t002") is None
        assert uow.accounts.all() == [CHEN]


def test_a_login_name_is_given_once(engine: Engine, cipher: FieldCipher) -> None:
    with _added(engine, cipher).writing() as uow:
        assert not uow.accounts.add(replace(CHEN, id="b" * 32))


def test_an_account_changed_meanwhile_is_not_overwritten(engine: Engine, cipher: FieldCipher) -> None:
    with _added(engine, cipher).writing() as uow:
        uow.accounts.save(CHEN, CHEN.deactivated())
        with pytest.raises(MovedError):
            uow.accounts.save(CHEN, CHEN.activated())


def test_the_second_factor_is_not_readable_in_the_table(engine: Engine, cipher: FieldCipher) -> None:
    _added(engine, cipher)
    with engine.connect() as connection:
        assert CHEN.totp_secret.encode() not in connection.execute(select(staff.c.totp_secret)).scalar_one()


def test_being_seen_is_no_change_of_the_account(engine: Engine, cipher: FieldCipher) -> None:
    work = _added(engine, cipher)
    with work.writing() as uow:
        uow.accounts.touch(CHEN.id, NOW)
        uow.accounts.save(CHEN, renamed := replace(CHEN, name="陈静"))
        uow.commit()
    with work.reading() as uow:
        assert uow.accounts.by_id(CHEN.id) == replace(renamed, seen_at=NOW, version=1)


def test_the_roster_s_counsellors_are_counted_by_staff_number(
    work: SqlWork, season: Season, plain: Callable[[int], Dossier]
) -> None:
    def led_by(number: int, counsellor: Counsellor) -> Dossier:
        dossier = plain(number)
        return replace(dossier, graduate=replace(dossier.graduate, counsellor=counsellor))

    counsellors = (Counsellor("李卫", "", "T02"), Counsellor("陈静", "", "T01"), Counsellor("无号"))
    with work.writing() as uow:
        uow.registry.add_many([led_by(number, counsellors[number % 3]) for number in range(7)])
        uow.commit()
    with work.reading() as uow:
        assert uow.accounts.counsellors(season.id) == [("T01", "陈静", 2), ("T02", "李卫", 3)]
        assert uow.accounts.counsellors("1999") == []


def test_two_administrators_cannot_deactivate_each_other_at_once(engine: Engine, cipher: FieldCipher) -> None:
    """Neither change touches the other's row; they meet at the end of the audit log."""
    work = SqlWork(engine, cipher)
    first, second = (replace(CHEN, id=c * 32, login=c, role=Role.ADMINISTRATOR) for c in "ab")
    with work.writing() as uow:
        assert uow.accounts.add(first)
        assert uow.accounts.add(second)
        uow.commit()

    def end(whom: Account, together: Barrier) -> bool:
        by = second if whom is first else first
        together.wait()
        try:
            deactivate(Office(work, StubLinks(), lambda: NOW, lambda: "0" * 32, by.actor), whom.id)
        except (RuleError, MovedError):
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            together = Barrier(2)
            done = [pool.submit(end, whom, together) for whom in (first, second)]
            assert sorted(future.result() for future in done) == [False, True]
            with work.reading() as uow:
                left, gone = uow.accounts.all()
            assert (left.is_active, gone.is_active) == (True, False)
            activate(Office(work, StubLinks(), lambda: NOW, lambda: "0" * 32), gone.id)
