"""What is told: stored once, shown once, taken back; on every database."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.notices.delivery import Channel, Delivery, DeliveryState, Reason
from bot.ports import Work
from storage.unit_of_work import SqlWork
from tests.telling import claimed, message

MINUTE = timedelta(minutes=1)


def notice(number: int, now: datetime, openid: str = "oNotice", **parts: object) -> Delivery:
    made = message(f"archive:{number}", openid, "notice.archive_approved", now + timedelta(seconds=number))
    filled = replace(made, id=f"{number:032}", data={"reason": "地址不全 㛃😀"}, created_at=made.created_at)
    return replace(filled, **parts)  # type: ignore[arg-type]  # the values fit the fields


def add(work: Work, *notices: Delivery) -> list[bool]:
    with work.writing() as unit:
        added = [unit.notices.add(one) for one in notices]
        unit.commit()
    return added


def claim(work: Work, now: datetime) -> list[Delivery]:
    with work.writing() as unit:
        found = claimed(unit, now)
        unit.commit()
    return found


def take_held(work: Work, openid: str, now: datetime) -> list[Delivery]:
    with work.writing() as unit:
        held = [each.delivery for each in unit.notices.take_held(openid, now)]
        unit.commit()
    return held


def test_every_field_of_a_delivery_comes_back(work: SqlWork, now: datetime) -> None:
    stored = notice(
        1,
        now,
        state=DeliveryState.FAILED_TEMP,
        reason=Reason.BUSY,
        channel=Channel.TEMPLATE,
        why="不在客服消息的时限内，发模板消息",
        refused=frozenset({Channel.SERVICE, Channel.SUBSCRIPTION}),
        attempts=3,
        next_at=None,
        sending_at=now,
        unsure_since=now - MINUTE,
        message_id="9007199254740993",
        code=-1,
        to_show=True,
        graduate_id="9" * 32,
    )
    add(work, stored)
    assert take_held(work, "oNotice", now) == [stored]


def test_the_same_thing_is_said_once(work: SqlWork, now: datetime) -> None:
    assert add(work, notice(1, now), notice(2, now, once="archive:1")) == [True, False]
    assert add(work, notice(3, now, once="archive:1"), notice(4, now)) == [False, True]
    assert [one.id for one in claim(work, now + MINUTE)] == [f"{1:032}", f"{4:032}"]


def test_a_refused_double_takes_nothing_else_back(work: SqlWork, now: datetime) -> None:
    """Even when the double slipped in after the look, as with two transactions at once."""
    first, double = notice(1, now), notice(1, now, once="archive:other")  # the same id: the look does not see it
    assert add(work, first, notice(2, now), double) == [True, True, False]
    assert len(claim(work, now + MINUTE)) == 2


def test_what_is_to_be_shown_is_taken_once_by_its_account_in_its_order(work: SqlWork, now: datetime) -> None:
    held = [notice(n, now, to_show=True, state=DeliveryState.SKIPPED) for n in (2, 1)]
    add(work, *held, notice(3, now, openid="oOther", to_show=True), notice(4, now))
    assert [one.id for one in take_held(work, "oNotice", now)] == [f"{1:032}", f"{2:032}"]
    assert take_held(work, "oNotice", now) == []


def test_it_stays_to_be_shown_when_the_answer_was_not_stored(work: SqlWork, now: datetime) -> None:
    add(work, notice(1, now, to_show=True))
    with work.writing() as unit:
        assert len(unit.notices.take_held("oNotice", now)) == 1
    assert len(take_held(work, "oNotice", now)) == 1


@pytest.mark.parametrize("is_taken", [False, True])
def test_what_an_account_was_not_told_yet_can_be_taken_back(work: SqlWork, now: datetime, *, is_taken: bool) -> None:
    add(work, notice(1, now, to_show=True, state=DeliveryState.SKIPPED), notice(2, now))
    add(work, notice(3, now, openid="oOther"), notice(4, now, openid="oOther", to_show=True))
    if is_taken:
        claim(work, now + MINUTE)
    with work.writing() as unit:
        unit.notices.drop("oNotice")
        unit.commit()
    later = [] if is_taken else [f"{3:032}", f"{4:032}"]
    assert [one.id for one in claim(work, now + MINUTE)] == later
    assert take_held(work, "oNotice", now) == []
    assert [one.id for one in take_held(work, "oOther", now)] == [f"{4:032}"]
