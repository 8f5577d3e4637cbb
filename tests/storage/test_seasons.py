from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Engine, select

from bot.errors import MovedError
from bot.registration.destination import Destination
from bot.registration.dossier import Confirmation, Dossier
from bot.registration.season import Season
from bot.registration.season_outlook import Standing
from bot.staff.deed import COMMAND
from bot.use_cases.manage_season import save_season
from bot.use_cases.staff_changes import Office
from storage.tables import season_version
from storage.unit_of_work import SqlWork
from tests.bot.conversation.world import LINKS
from tests.storage.conftest import new_id


def save(work: SqlWork, season: Season) -> None:
    with work.writing() as unit:
        unit.seasons.save(season)
        unit.commit()


def current(work: SqlWork) -> Season | None:
    with work.reading() as unit:
        return unit.seasons.current()


def test_before_any_season_there_is_none(work: SqlWork) -> None:
    assert current(work) is None


def test_every_field_of_a_season_comes_back(work: SqlWork, season: Season) -> None:
    assert current(work) == season


def test_each_change_is_the_next_version_and_all_versions_stay(work: SqlWork, engine: Engine, season: Season) -> None:
    save(work, replace(season, office_phone="0512-1"))
    save(work, replace(season, office_phone="0512-2", version=99))
    assert current(work) == replace(season, office_phone="0512-2", version=3)
    with engine.connect() as connection:
        rows = connection.execute(select(season_version).order_by(season_version.c.version)).all()
    assert [row.version for row in rows] == [1, 2, 3]
    assert ["0512-1" in row.settings for row in rows] == [False, True, False]


def test_the_season_saved_last_is_the_current_one(work: SqlWork, season: Season) -> None:
    later = replace(season, id="2024")
    save(work, later)
    assert current(work) == later
    save(work, season)
    assert current(work) == replace(season, version=2)


def test_the_versions_come_back_newest_first_page_by_page(work: SqlWork, season: Season) -> None:
    for number in range(2, 6):
        save(work, replace(season, office_phone=f"0512-{number}"))
    save(work, replace(season, id="2024"))
    with work.reading() as unit:
        first = unit.seasons.versions(season.id, 3)
        rest = unit.seasons.versions(season.id, 3, first[-1].version)
        assert [each.version for each in (*first, *rest)] == [5, 4, 3, 2, 1]
        assert first[0].settings["office_phone"] == "0512-5"
        assert rest[-1].settings["closes"] == str(season.closes)
        assert unit.seasons.others() == [season.id]


def test_the_standing_counts_who_a_change_may_touch(
    work: SqlWork, season: Season, plain: Callable[[int], Dossier], full: Dossier
) -> None:
    placed = replace(plain(2), destination=Destination("10", "示例公司"))
    confirmed = replace(full, confirmation=Confirmation(datetime(2023, 6, 20, tzinfo=UTC), full.digest))
    with work.writing() as unit:
        unit.registry.add_many([plain(1), placed, confirmed])
        unit.commit()
    with work.reading() as unit:
        assert unit.seasons.standing(season.id) == Standing(3, 2, 1, {})
        assert unit.seasons.standing("1999") == Standing(0, 0, 0, {})
    with work.writing() as unit:
        unit.cutoffs.begin(season.id, date(2023, 8, 31), datetime(2023, 8, 31, tzinfo=UTC))
        unit.commit()
    with work.reading() as unit:
        assert unit.seasons.standing(season.id).runs == {date(2023, 8, 31): 1}


def test_what_others_saved_since_the_look_is_not_overwritten(work: SqlWork, season: Season) -> None:
    with work.writing() as unit:
        unit.seasons.save(replace(season, hotline="010-1"), season)
        unit.commit()
    with pytest.raises(MovedError), work.writing() as unit:
        unit.seasons.save(replace(season, hotline="010-2"), season)
    with pytest.raises(MovedError), work.writing() as unit:
        unit.seasons.save(replace(season, id="2024"), season)
    with work.reading() as unit:
        stored = unit.seasons.current()
    assert stored
    assert (stored.id, stored.hotline, stored.version) == (season.id, "010-1", season.version + 1)


def test_of_many_who_save_at_once_one_wins_and_the_others_are_told(work: SqlWork, season: Season) -> None:
    office = Office(work, LINKS, lambda: datetime(2023, 6, 1, tzinfo=UTC), new_id, COMMAND)

    def attempt(number: int) -> bool:
        try:
            save_season(office, replace(season, hotline=f"010-{number}"), season)
        except MovedError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        won = list(pool.map(attempt, range(6)))
    assert sum(won) == 1
    with work.reading() as unit:
        stored = unit.seasons.current()
        entries = unit.audit.newest(9)
    assert stored == replace(season, hotline=f"010-{won.index(True)}", version=2)
    assert [entry.details["版本"] for entry in entries] == ["2"]
