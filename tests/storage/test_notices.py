from datetime import datetime, timedelta

import pytest

from bot.ports import Notice, NoticeState, Work
from storage.unit_of_work import SqlWork

MINUTE = timedelta(minutes=1)


def notice(number: int, now: datetime, **parts: object) -> Notice:
    filled: dict[str, object] = {
        "id": f"{number:032}",
        "openid": "oNotice",
        "key": "notice.archive_approved",
        "data": {"reason": "地址不全 㛃😀"},
        "once": f"archive:{number}",
        "created_at": now + timedelta(seconds=number),
    }
    return Notice(**(filled | parts))  # type: ignore[arg-type]  # the values fit the fields above


def add(work: Work, *notices: Notice) -> list[bool]:
    with work.writing() as unit:
        added = [unit.notices.add(one) for one in notices]
        unit.commit()
    return added


def claim(work: Work, now: datetime, most: int = 10) -> list[Notice]:
    with work.writing() as unit:
        claimed = list(unit.notices.claim(now, now + MINUTE, most))
        unit.commit()
    return claimed


def settle(work: Work, one: Notice, state: NoticeState, next_at: datetime | None = None) -> None:
    with work.writing() as unit:
        unit.notices.settle(one, state, next_at)
        unit.commit()


def take_held(work: Work, openid: str, now: datetime) -> list[Notice]:
    with work.writing() as unit:
        held = list(unit.notices.take_held(openid, now))
        unit.commit()
    return held


def test_every_field_of_a_notice_comes_back(work: SqlWork, now: datetime) -> None:
    stored = notice(1, now, state=NoticeState.HELD, attempts=3, next_at=now)
    add(work, stored)
    (taken,) = take_held(work, "oNotice", now)
    assert taken == notice(1, now, state=NoticeState.SENT, attempts=3, next_at=now)


def test_the_same_thing_is_said_once(work: SqlWork, now: datetime) -> None:
    assert add(work, notice(1, now), notice(2, now, once="archive:1")) == [True, False]
    assert add(work, notice(3, now, once="archive:1"), notice(4, now)) == [False, True]
    assert [one.id for one in claim(work, now + MINUTE)] == [f"{1:032}", f"{4:032}"]


def test_a_refused_double_takes_nothing_else_back(work: SqlWork, now: datetime) -> None:
    """Even when the double slipped in after the look, as with two transactions at once."""
    first, double = notice(1, now), notice(1, now, once="archive:other")  # the same id: the look does not see it
    assert add(work, first, notice(2, now), double) == [True, True, False]
    assert len(claim(work, now + MINUTE)) == 2


def test_a_claimed_notice_is_nobody_elses_until_the_lease_ends(work: SqlWork, now: datetime) -> None:
    add(work, notice(1, now), notice(2, now), notice(3, now))
    then = now + MINUTE
    first = claim(work, then, most=2)
    assert [(one.id, one.attempts) for one in first] == [(f"{1:032}", 1), (f"{2:032}", 1)]
    assert [one.id for one in claim(work, then)] == [f"{3:032}"]
    assert claim(work, then + MINUTE - timedelta(microseconds=1)) == []
    assert [one.attempts for one in claim(work, then + MINUTE)] == [2, 2, 2]


def test_a_notice_is_not_due_before_its_time(work: SqlWork, now: datetime) -> None:
    add(work, notice(1, now, next_at=now + MINUTE))
    assert claim(work, now + MINUTE - timedelta(microseconds=1)) == []
    assert len(claim(work, now + MINUTE)) == 1


@pytest.mark.parametrize("state", [NoticeState.SENT, NoticeState.DROPPED, NoticeState.HELD])
def test_a_settled_notice_is_not_claimed_again(work: SqlWork, now: datetime, state: NoticeState) -> None:
    add(work, notice(1, now))
    (claimed,) = claim(work, now + MINUTE)
    settle(work, claimed, state)
    assert claim(work, now + 9 * MINUTE) == []


def test_a_notice_put_off_is_claimed_when_it_is_due(work: SqlWork, now: datetime) -> None:
    add(work, notice(1, now))
    (claimed,) = claim(work, now + MINUTE)
    settle(work, claimed, NoticeState.WAITING, now + 5 * MINUTE)
    assert claim(work, now + 4 * MINUTE) == []
    assert [one.attempts for one in claim(work, now + 5 * MINUTE)] == [2]


def test_a_late_outcome_does_not_overrule_the_newer_claim(work: SqlWork, now: datetime) -> None:
    add(work, notice(1, now))
    (slow,) = claim(work, now + MINUTE)
    (newer,) = claim(work, now + 2 * MINUTE)
    settle(work, slow, NoticeState.DROPPED)
    settle(work, newer, NoticeState.HELD)
    assert len(take_held(work, "oNotice", now)) == 1


def test_held_notices_are_taken_once_by_their_account_in_their_order(work: SqlWork, now: datetime) -> None:
    held = [notice(n, now, state=NoticeState.HELD) for n in (2, 1)]
    add(work, *held, notice(3, now, state=NoticeState.HELD, openid="oOther"), notice(4, now))
    assert [one.id for one in take_held(work, "oNotice", now)] == [f"{1:032}", f"{2:032}"]
    assert take_held(work, "oNotice", now) == []


def test_held_notices_stay_when_the_answer_was_not_stored(work: SqlWork, now: datetime) -> None:
    add(work, notice(1, now, state=NoticeState.HELD))
    with work.writing() as unit:
        assert len(unit.notices.take_held("oNotice", now)) == 1
    assert len(take_held(work, "oNotice", now)) == 1


def test_what_an_account_was_not_told_yet_can_be_taken_back(work: SqlWork, now: datetime) -> None:
    add(
        work,
        notice(1, now, state=NoticeState.HELD),
        notice(2, now),
        notice(3, now, openid="oOther"),
        notice(4, now, openid="oOther", state=NoticeState.HELD),
    )
    with work.writing() as unit:
        unit.notices.drop("oNotice")
        unit.commit()
    assert [one.id for one in claim(work, now + MINUTE)] == [f"{3:032}"]
    assert take_held(work, "oNotice", now) == []
    assert [one.id for one in take_held(work, "oOther", now)] == [f"{4:032}"]
