"""The chronicle on every database: only within season and scope, newest first, page by page."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from bot.ports import Footstep
from bot.registration.dossier import Dossier
from bot.registration.graduate import Counsellor
from bot.registration.look import Look, Receipt, Way
from bot.registration.report import Standing
from bot.registration.season import Season
from bot.registration.stage import Milestone
from bot.staff.chronicle import Happened, Sources, Spoken, Told, Whose
from bot.staff.deed import COMMAND, Action
from bot.staff.policy import EVERYONE, Scope
from storage.cipher import FieldCipher
from storage.unit_of_work import SqlWork
from tests.storage.conftest import NOW, new_id
from tests.telling import message

Plain = Callable[[int], Dossier]


def stored(work: SqlWork, *dossiers: Dossier) -> None:
    with work.writing() as uow:
        uow.registry.add_many(dossiers)
        uow.commit()


def of(plain: Plain, number: int, counsellor: str) -> Dossier:
    made = plain(number)
    return replace(made, graduate=replace(made.graduate, counsellor=Counsellor("李老师", "", counsellor)))


def test_only_the_scope_and_the_season_open_a_dossier(work: SqlWork, plain: Plain, season: Season) -> None:
    mine, nobodys = of(plain, 1, "T01"), of(plain, 2, "")
    stored(work, mine, nobodys)
    with work.writing() as uow:
        uow.audit.append(COMMAND, Action.ARCHIVE_APPROVED, mine.id, {}, NOW)
        uow.commit()

    def opens(dossier: Dossier, scope: Scope, season_id: str = season.id) -> bool:
        asked = Whose(season_id, dossier.id, scope)
        with work.reading() as uow:
            found = uow.chronicle.dossier(asked)
            since = uow.chronicle.stage_since(asked)
            sources = uow.chronicle.sources(asked, 9)
        assert (found is None) == (since is None)
        assert found is not None or sources == Sources()
        assert found in {None, dossier}
        return found is not None

    assert opens(mine, EVERYONE)
    assert opens(mine, Scope("T01"))
    assert not opens(mine, Scope("T02"))
    assert not opens(mine, Scope("t01"))
    assert not opens(mine, Scope(""))
    assert not opens(nobodys, Scope(""))
    assert not opens(mine, EVERYONE, "2022")


@pytest.fixture
def lively(work: SqlWork, full: Dossier) -> Dossier:
    """A dossier about which something stands in every table, an hour apart; others have some too."""
    stored(work, full)
    verification, hour = full.verifications[0].id, timedelta(hours=1)
    with work.writing() as uow:
        for number in range(3):
            uow.trail.add(Footstep(full.id, "r", "login.tail", "wrong", "login.tail", NOW + number * hour))
            uow.looks.add(Look(new_id(), verification, NOW + number * hour, Way.SCAN, Standing.IN_FORCE))
            uow.audit.append(COMMAND, Action.REVEALED, full.id, {"理由": str(number)}, NOW + number * hour)
        uow.trail.add(Footstep("", "r", "consent.agree", "yes", "login.name", NOW))
        uow.audit.append(COMMAND, Action.UNBOUND, full.id, {}, NOW)
        uow.audit.append(COMMAND, Action.REVEALED, "f" * 32, {}, NOW)
        uow.receipts.add(Receipt(new_id(), verification, NOW, "某某中心", "0512-62880000"))
        uow.commit()
    return full


def test_every_table_is_read_newest_first_and_further_before_a_moment(work: SqlWork, lively: Dossier) -> None:
    asked, hour = Whose(lively.season_id, lively.id, EVERYONE), timedelta(hours=1)
    with work.reading() as uow:
        newest = uow.chronicle.sources(asked, 2)
        older = uow.chronicle.sources(asked, 9, NOW + hour)
    assert newest.spoken == [Spoken("login.tail", "wrong", NOW + 2 * hour), Spoken("login.tail", "wrong", NOW + hour)]
    assert [look.at for look in newest.looks] == [NOW + 2 * hour, NOW + hour]
    assert [entry.action for entry in newest.entries] == ["UNBOUND", "REVEALED"]
    assert [receipt.department for receipt in newest.receipts] == ["某某中心"]
    assert older.spoken == [Spoken("login.tail", "wrong", NOW)]
    assert [look.at for look in older.looks] == [NOW]
    assert [entry.action for entry in older.entries] == ["UNBOUND", "REVEALED"]


def test_what_was_done_to_somebody_is_counted_and_the_newest_told(work: SqlWork, lively: Dossier) -> None:
    with work.reading() as uow:
        assert [entry.details for entry in uow.audit.done_to(lively.id, Action.REVEALED, 2)] == [
            {"理由": "2"},
            {"理由": "1"},
        ]
        assert uow.audit.times_done_to(lively.id, Action.REVEALED) == 3
        assert uow.audit.times_done_to(lively.id, Action.LOGIN) == 0


def test_steps_are_told_and_notices_only_since_the_account_was_bound(
    engine: Engine, cipher: FieldCipher, plain: Plain
) -> None:
    work, hour = SqlWork(engine, cipher, lambda: NOW), timedelta(hours=1)
    fresh = plain(1)
    stored(work, fresh)
    bound = fresh.bind("o-chronicle")
    with work.writing() as uow:
        uow.registry.save(fresh, bound)
        for number, openid in enumerate(("o-chronicle", "o-chronicle", "o-another")):
            told = message(new_id(), openid, "notice.unplaced", NOW + (number - 0.5) * hour)
            uow.notices.add(told)
        uow.commit()
    with work.reading() as uow:
        sources = uow.chronicle.sources(Whose(fresh.season_id, fresh.id, EVERYONE), 9)
    assert sources.happened == [Happened(Milestone.BOUND.name, "", NOW)]
    assert sources.told == [Told("notice.unplaced", "QUEUED", NOW + hour / 2)]
