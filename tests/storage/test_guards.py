from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import StatementError

from bot.ports import Work
from storage.tables import identity_failure
from storage.unit_of_work import SqlWork

DAY = timedelta(days=1)
SUBJECTS = ["student:2023:2019000001", "openid:oGuard"]


def fail(work: Work, subjects: list[str], now: datetime, times: int = 1) -> None:
    for _ in range(times):
        with work.writing() as unit:
            unit.guards.fail(subjects, now)
            unit.commit()


def locked_until(work: Work, subjects: list[str], now: datetime) -> datetime | None:
    with work.reading() as unit:
        return unit.guards.locked_until(subjects, now)


def test_the_fifth_failure_within_a_day_locks_for_a_day(work: SqlWork, now: datetime) -> None:
    fail(work, SUBJECTS, now, times=4)
    assert locked_until(work, SUBJECTS, now) is None
    late = now + DAY - timedelta(microseconds=1)
    fail(work, SUBJECTS, late)
    assert locked_until(work, SUBJECTS, late) == late + DAY
    assert locked_until(work, SUBJECTS, late + DAY - timedelta(microseconds=1)) == late + DAY
    assert locked_until(work, SUBJECTS, late + DAY) is None


def test_failures_older_than_a_day_do_not_count(work: SqlWork, now: datetime) -> None:
    fail(work, SUBJECTS, now, times=4)
    fail(work, SUBJECTS, now + DAY, times=4)
    assert locked_until(work, SUBJECTS, now + DAY) is None
    fail(work, SUBJECTS, now + DAY)
    assert locked_until(work, SUBJECTS, now + DAY) == now + 2 * DAY


def test_after_a_lock_five_failures_are_free_again(work: SqlWork, now: datetime) -> None:
    fail(work, SUBJECTS, now, times=5)
    after = now + DAY
    fail(work, SUBJECTS, after, times=4)
    assert locked_until(work, SUBJECTS, after) is None


def test_one_locked_subject_is_enough_and_others_stay_free(work: SqlWork, now: datetime) -> None:
    fail(work, SUBJECTS[:1], now, times=5)
    assert locked_until(work, SUBJECTS, now) == now + DAY
    assert locked_until(work, SUBJECTS[1:], now) is None


def test_a_success_clears_the_failures(work: SqlWork, now: datetime) -> None:
    fail(work, SUBJECTS, now, times=5)
    with work.writing() as unit:
        unit.guards.clear(SUBJECTS[:1])
        unit.commit()
    assert locked_until(work, SUBJECTS[:1], now) is None
    assert locked_until(work, SUBJECTS[1:], now) == now + DAY


def test_the_table_does_not_show_who_failed(work: SqlWork, engine: Engine, now: datetime) -> None:
    fail(work, SUBJECTS, now)
    with engine.connect() as connection:
        subjects = connection.execute(select(identity_failure.c.subject)).scalars().all()
    assert len(subjects) == 2
    assert not any("2019000001" in subject or "oGuard" in subject for subject in subjects)


def test_a_naive_moment_is_refused(work: SqlWork, now: datetime) -> None:
    with pytest.raises(StatementError, match="naive"):
        fail(work, SUBJECTS, now.replace(tzinfo=None))
