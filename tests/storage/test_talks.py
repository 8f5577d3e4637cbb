import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import Engine, update

from bot.conversation.talk import SEEN, Answer, Talk
from bot.errors import MovedError
from bot.ports import Footstep, Work
from bot.registration.dossier import Dossier
from bot.registration.season import Season
from storage.cipher import FieldCipher
from storage.tables import talk
from storage.unit_of_work import SqlWork
from tests.telling import message


def talk_of(work: Work, openid: str) -> Talk:
    with work.reading() as unit:
        return unit.talks.open(openid).talk


def save(work: Work, old: Talk, new: Talk) -> None:
    with work.writing() as unit:
        unit.talks.save(old, new)
        unit.commit()


FULL = Talk(
    openid="oTalk_-1",
    following=False,
    at=1685587200,
    consent=2,
    flow="archive",
    answers=(Answer("transfer_type", "单位接收档案", "unit", "r1"), Answer("address", "㛃䶮𬭊路😀1号", "ok", "r1")),
    tries=2,
    asked=2147483647,
    seen=tuple((f"{n}", "答" * 600 + "😀", 1685587200 + n) for n in range(SEEN)),
    more=("第二页" * 300, "第三页" * 300),
)


def test_an_account_that_never_wrote_has_an_empty_talk(work: SqlWork, season: Season) -> None:
    with work.reading() as unit:
        opened = unit.talks.open("oNew")
    assert (opened.talk, opened.dossier, opened.season) == (Talk("oNew"), None, season)


def test_without_a_season_the_talk_is_still_there(work: SqlWork) -> None:
    save(work, Talk("oTalk_-1"), FULL)
    with work.reading() as unit:
        opened = unit.talks.open("oTalk_-1")
        other = unit.talks.open("oOther")
    assert (opened.talk, opened.dossier, opened.season) == (replace(FULL, seq=1), None, None)
    assert other.talk == Talk("oOther")


@pytest.mark.usefixtures("season")
def test_every_field_of_a_talk_comes_back_as_it_was(work: SqlWork) -> None:
    save(work, Talk("oTalk_-1"), FULL)
    assert talk_of(work, "oTalk_-1") == replace(FULL, seq=1)
    save(work, talk_of(work, "oTalk_-1"), Talk("oTalk_-1", consent=1))
    assert talk_of(work, "oTalk_-1") == Talk("oTalk_-1", seq=2, consent=1)


def test_a_talk_with_pages_of_more_than_64_kib_is_stored(work: SqlWork) -> None:
    long = replace(FULL, more=("长" * 40_000,))
    save(work, Talk("oTalk_-1"), long)
    assert talk_of(work, "oTalk_-1") == replace(long, seq=1)


def test_two_first_messages_at_once_leave_one(work: SqlWork) -> None:
    save(work, Talk("oTalk_-1"), FULL)
    with pytest.raises(MovedError):
        save(work, Talk("oTalk_-1"), replace(FULL, flow="late"))
    assert talk_of(work, "oTalk_-1").flow == "archive"


def test_a_talk_written_meanwhile_is_not_overwritten(work: SqlWork) -> None:
    save(work, Talk("oTalk_-1"), FULL)
    stale = talk_of(work, "oTalk_-1")
    save(work, stale, replace(FULL, flow="first"))
    with pytest.raises(MovedError):
        save(work, stale, replace(FULL, flow="second"))
    assert talk_of(work, "oTalk_-1").flow == "first"


def test_an_erased_talk_is_gone_and_cannot_be_written_over(work: SqlWork) -> None:
    save(work, Talk("oTalk_-1"), FULL)
    stale = talk_of(work, "oTalk_-1")
    with work.writing() as unit:
        unit.talks.erase("oTalk_-1")
        unit.commit()
    assert talk_of(work, "oTalk_-1") == Talk("oTalk_-1")
    with pytest.raises(MovedError):
        save(work, stale, FULL)


def test_talk_dossier_and_season_come_in_one_statement(
    work: SqlWork, season: Season, plain: Callable[[int], Dossier], statements: list[str]
) -> None:
    bound = plain(1).bind("oTalk_-1")
    with work.writing() as unit:
        unit.registry.add_many([bound, plain(2).bind("oOther")])
        unit.talks.save(Talk("oTalk_-1"), FULL)
        unit.commit()
    statements.clear()
    with work.reading() as unit:
        opened = unit.talks.open("oTalk_-1")
    assert (opened.talk, opened.dossier, opened.season) == (replace(FULL, seq=1), bound, season)
    assert len(statements) == 1


@pytest.mark.usefixtures("season")
def test_a_message_costs_one_read_and_a_short_transaction(
    work: SqlWork, engine: Engine, now: datetime, statements: list[str]
) -> None:
    save(work, Talk("oTalk_-1"), FULL)
    statements.clear()
    with work.reading() as unit:
        opened = unit.talks.open("oTalk_-1")
    with work.writing() as unit:
        unit.talks.save(opened.talk, FULL)
        unit.trail.add(Footstep("", "r1", "login.number", "ok", "login.name", now))
        unit.commit()
    # BEGIN and COMMIT go straight to the driver and are not seen here.
    written = ["WITH"] if engine.dialect.name == "postgresql" else ["UPDATE", "INSERT"]
    assert [statement.split()[0] for statement in statements] == ["SELECT", *written]


@pytest.mark.usefixtures("season")
def test_opening_tells_whether_notices_are_held(work: SqlWork, now: datetime) -> None:
    held = replace(message("x:1", "oTalk_-1", "notice.x", now), to_show=True)
    waiting = message("x:2", "oOther", "notice.x", now)
    with work.writing() as unit:
        unit.notices.add(held)
        unit.notices.add(waiting)
        unit.commit()
    with work.reading() as unit:
        assert unit.talks.open("oTalk_-1").held is True
        assert unit.talks.open("oOther").held is False


@pytest.mark.usefixtures("season")
def test_a_memory_stored_before_memories_were_packed_is_still_read(engine: Engine, work: SqlWork) -> None:
    save(work, Talk("oTalk_-1"), FULL)
    cipher = FieldCipher({1: bytes(range(32))}, bytes(32))
    plain = json.dumps(FULL.to_memory(), ensure_ascii=False)
    with engine.connect() as connection:
        connection.execute(update(talk).values(memory=cipher.seal(plain, "talk:memory", "oTalk_-1")))
    assert talk_of(SqlWork(engine, cipher), "oTalk_-1") == replace(FULL, seq=1)
