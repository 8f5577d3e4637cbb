"""The planned notices: defaults until somebody changes them, compare-and-swap, and whose verification ends soon."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from bot.errors import MovedError
from bot.notices.planned import Planned, PlannedNotice, default
from bot.notices.ports import Ending
from bot.registration.dossier import Dossier
from bot.registration.season import Season
from bot.registration.verification import Subject, Verification
from storage.unit_of_work import SqlWork
from tests.storage.conftest import new_id
from tests.telling import message

DAY = timedelta(days=1)
LAST = date(2023, 6, 3)


def of(work: SqlWork, season: Season, kind: Planned) -> PlannedNotice:
    with work.reading() as unit:
        return next(notice for notice in unit.planned_notices.of(season.id) if notice.kind is kind)


def save(work: SqlWork, old: PlannedNotice, new: PlannedNotice) -> None:
    with work.writing() as unit:
        unit.planned_notices.save(old, new)
        unit.commit()


def ending(work: SqlWork, season: Season, first: date, last: date, now: datetime) -> list[Ending]:
    with work.reading() as unit:
        return list(unit.planned_notices.ending(season.id, (first, last), now - DAY))


@pytest.fixture
def put(work: SqlWork, plain: Callable[[int], Dossier], now: datetime) -> Callable[..., Verification]:
    """Puts a graduate with a verification into the database."""

    def make(number: int, openid: str | None = "", **parts: object) -> Verification:
        made = Verification(new_id(), f"{number:08}", Subject.ARCHIVE, "b" * 64, now - 2 * DAY, LAST)
        made = replace(made, **parts)  # type: ignore[arg-type]  # the values fit
        who = replace(plain(number), openid=f"o{number}" if openid == "" else openid, verifications=(made,))
        with work.writing() as unit:
            unit.registry.add_many([who])
            unit.commit()
        return made

    return make


def test_what_nobody_has_changed_is_the_default(work: SqlWork, season: Season) -> None:
    with work.reading() as unit:
        assert unit.planned_notices.of(season.id) == [default(season.id, kind) for kind in Planned]


def test_what_was_changed_comes_back_and_the_others_stay(work: SqlWork, season: Season) -> None:
    old = of(work, season, Planned.LAST_DAY)
    new = replace(old, is_on=False, title="今天截止 ⏰", text="{姓名}㛃，快来确认。\n今天 24 点截止。")
    save(work, old, new)
    assert of(work, season, Planned.LAST_DAY) == replace(new, version=1)
    assert of(work, season, Planned.WINDOW_OPENS) == default(season.id, Planned.WINDOW_OPENS)
    save(work, of(work, season, Planned.LAST_DAY), replace(new, is_on=True))
    assert of(work, season, Planned.LAST_DAY) == replace(new, is_on=True, version=2)


def test_what_somebody_else_changed_is_not_written_over(work: SqlWork, season: Season) -> None:
    old = of(work, season, Planned.LAST_DAY)
    save(work, old, replace(old, title="一"))
    with pytest.raises(MovedError):
        save(work, old, replace(old, title="二"))
    first = of(work, season, Planned.LAST_DAY)
    save(work, first, replace(first, title="三"))
    with pytest.raises(MovedError):
        save(work, first, replace(first, title="四"))
    assert of(work, season, Planned.LAST_DAY).title == "三"


def test_verifications_whose_last_day_is_near_are_found(
    work: SqlWork, season: Season, put: Callable[..., Verification], now: datetime
) -> None:
    first, second = put(1), put(2, last_day=LAST + DAY)
    found = ending(work, season, LAST, LAST + DAY, now)
    assert [(one.verification_id, one.last_day) for one in found] == [(first.id, LAST), (second.id, LAST + DAY)]
    with work.reading() as unit:
        dossier = unit.registry.by_id(found[0].dossier_id)
    assert dossier is not None
    assert dossier.verifications[0].id == first.id
    assert [one.verification_id for one in ending(work, season, LAST, LAST, now)] == [first.id]
    assert ending(work, season, LAST - 2 * DAY, LAST - DAY, now) == []
    assert ending(work, season, LAST + 2 * DAY, LAST + 3 * DAY, now) == []


@pytest.mark.parametrize(
    "parts",
    [
        {"openid": None},
        {"issued_at": datetime.fromisoformat("2023-06-01T00:00:00+00:00")},
        {"closed_at": datetime.fromisoformat("2023-06-01T00:00:00+00:00")},
        {"superseded_at": datetime.fromisoformat("2023-06-01T00:00:00+00:00")},
        {"annulled_at": datetime.fromisoformat("2023-06-01T00:00:00+00:00")},
    ],
)
def test_who_need_not_be_reminded_is_not_found(
    work: SqlWork,
    season: Season,
    put: Callable[..., Verification],
    now: datetime,
    parts: dict[str, object],
) -> None:
    put(1, **parts)
    assert ending(work, season, LAST, LAST, now) == []


def test_only_this_season_counts(
    work: SqlWork, season: Season, put: Callable[..., Verification], now: datetime
) -> None:
    put(1)
    with work.writing() as unit:
        unit.seasons.save(replace(season, id="2024"))
        unit.commit()
    assert ending(work, replace(season, id="2024"), LAST, LAST, now) == []


def test_what_was_said_already_is_known_by_its_name(work: SqlWork, now: datetime) -> None:
    with work.writing() as unit:
        for name in ("a", "b"):
            unit.notices.add(message(name, "o", "notice.plain", now))
        unit.commit()
    with work.reading() as unit:
        assert unit.planned_notices.told([*map(str, range(1200)), "b", "c", "a"]) == {"a", "b"}
        assert unit.planned_notices.told([]) == set()
