from dataclasses import replace

from sqlalchemy import Engine, select

from bot.registration.season import Season
from storage.tables import season_version
from storage.unit_of_work import SqlWork


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
