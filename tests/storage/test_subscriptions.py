"""Consents are counted exactly, however often and in whatever order their events come; on every database."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from bot.errors import MovedError
from bot.notices.report import Consent
from storage.notice_tables import subscription
from storage.unit_of_work import SqlWork

SECOND = timedelta(seconds=1)
FORM, OTHER = "a-form", "another-form"


@pytest.fixture
def consent(now: datetime) -> Callable[..., Consent]:
    """Makes the event of a second, a consent unless told otherwise."""

    def make(second: int, *, accepts: bool = True, openid: str = "o", form: str = FORM) -> Consent:
        return Consent(f"{form} {openid} {second} {accepts}", openid, form, accepts, now + second * SECOND)

    return make


def note(work: SqlWork, now: datetime, *consents: Consent) -> list[bool]:
    with work.writing() as unit:
        noted = [unit.subscriptions.note(one, now) for one in consents]
        unit.commit()
    return noted


def spend(work: SqlWork, openid: str = "o") -> None:
    with work.writing() as unit:
        unit.subscriptions.spend(openid)
        unit.commit()


def left(engine: Engine, openid: str = "o", form: str = FORM) -> int | None:
    s = subscription.c
    with engine.connect() as connection:
        found = connection.execute(select(s.left).where(s.openid == openid, s.template_id == form)).scalar()
    return None if found is None else int(found)


def test_a_consent_counts_once_however_often_it_comes(
    work: SqlWork, engine: Engine, now: datetime, consent: Callable[..., Consent]
) -> None:
    assert note(work, now, consent(1), consent(1)) == [True, False]
    assert note(work, now, consent(1)) == [False]
    assert left(engine) == 1
    assert note(work, now, consent(2), consent(2, openid="other")) == [True, True]
    assert (left(engine), left(engine, "other")) == (2, 1)


def test_a_refusal_takes_all_consents_away(
    work: SqlWork, engine: Engine, now: datetime, consent: Callable[..., Consent]
) -> None:
    note(work, now, consent(1), consent(2), consent(3, accepts=False), consent(3, openid="other", accepts=False))
    assert (left(engine), left(engine, "other")) == (0, 0)
    note(work, now, consent(4), consent(3, accepts=False))
    assert left(engine) == 1


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([(2, False), (1, True)], 0),  # the consent is older than the refusal
        ([(2, True), (1, False)], 1),  # the consent is newer than the refusal
        ([(1, True), (3, True), (2, False)], 1),
        ([(2, True), (1, True)], 2),
        ([(3, False), (2, True), (4, True), (1, True)], 2),  # nobody can tell; at most one call too many
    ],
)
def test_events_that_overtake_each_other_give_nobody_more_than_was_agreed_to(
    work: SqlWork,
    engine: Engine,
    now: datetime,
    consent: Callable[..., Consent],
    order: list[tuple[int, bool]],
    expected: int,
) -> None:
    for second, accepts in order:
        note(work, now, consent(second, accepts=accepts))
    assert left(engine) == expected


def test_what_is_sent_is_taken_off_one_form_and_never_below_none(
    work: SqlWork, engine: Engine, now: datetime, consent: Callable[..., Consent]
) -> None:
    note(work, now, consent(1), consent(2), consent(3, form=OTHER), consent(1, openid="other"))
    spend(work)
    assert (left(engine), left(engine, form=OTHER), left(engine, "other")) == (2, 0, 1)
    for _ in range(3):
        spend(work)
    spend(work, "nobody")
    assert (left(engine), left(engine, form=OTHER), left(engine, "other")) == (0, 0, 1)


def test_a_consent_is_no_report_to_be_matched(work: SqlWork, now: datetime, consent: Callable[..., Consent]) -> None:
    note(work, now, consent(1), consent(2, accepts=False))
    with work.writing() as unit:
        assert unit.reports.unmatched() == 0
        assert unit.reports.to_match(now + timedelta(days=9), 9) == []


def test_first_consents_at_the_same_moment_all_count(
    work: SqlWork, engine: Engine, now: datetime, consent: Callable[..., Consent]
) -> None:
    """Eight threads, each with an event of its own and one that all have."""

    def push(number: int) -> int:
        for _ in range(100):
            try:
                return sum(note(work, now, consent(number + 1)) + note(work, now, consent(0)))
            except MovedError:
                continue
        raise AssertionError("never got through")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(push, range(8)))
    # Whichever came first, the shared one is older than the others; it counts, for nobody refused anything.
    assert left(engine) == 9


def test_whoever_leaves_is_forgotten_and_nobody_else_is(work: SqlWork, engine: Engine, now: datetime) -> None:
    for openid in ("oOne", "oTwo"):
        with work.writing() as unit:
            unit.subscriptions.note(Consent(openid.rjust(64, "0"), openid, "form", accepts=True, at=now), now)
            unit.commit()
    with work.writing() as unit:
        unit.subscriptions.forget("oOne")
        unit.commit()
    with engine.connect() as connection:
        assert connection.scalars(select(subscription.c.openid)).all() == ["oTwo"]
