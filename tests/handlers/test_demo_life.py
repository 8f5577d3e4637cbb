"""The days before the demo: graduates stand at every stage, and everything that happened followed the rules."""

from datetime import datetime
from itertools import count
from pathlib import Path

from sqlalchemy import Engine, select

from bot.registration.season import SHANGHAI
from bot.registration.stage import Stage, stage_of
from bot.staff.audit import first_break
from bot.staff.deed import SYSTEM
from bot.use_cases.import_roster import Importing, import_roster
from handlers.demo import demo_season
from handlers.demo_life import Life, live
from handlers.roster.demo import write_demo_file
from handlers.roster.reading import read_lines
from storage.staff_tables import milestone
from storage.unit_of_work import SqlWork

NOW = datetime(2026, 6, 29, 15, tzinfo=SHANGHAI)
WAITING_FOR_OTHERS = {Stage.CORRECTING, Stage.NO_DESTINATION, Stage.ARCHIVE_WAITS, Stage.ARCHIVE_RETURNED}


def test_the_demo_has_people_everywhere_and_leaves_the_named_ones_alone(
    engine: Engine, work: SqlWork, tmp_path: Path
) -> None:
    season, ids, numbers = demo_season(NOW.date()), count(10**9), count(30_000_000)
    tryouts = write_demo_file(tmp_path / "名册.xlsx", NOW.date())
    days: list[datetime] = []
    with work.writing() as uow:
        uow.seasons.save(season)
        uow.commit()
    importing = Importing(work, season, NOW, lambda: f"{next(ids):032x}", lambda *_: None)
    import_roster(read_lines(tmp_path / "名册.xlsx"), importing, dry_run=False)
    life = Life(
        work, season, NOW, SYSTEM, lambda: f"{next(ids):032x}", lambda: str(next(numbers)), lambda: f"o{next(ids)}"
    )
    live(life, [each.student_number for each in tryouts], lambda _, at: days.append(at))
    with work.reading() as uow:
        dossiers = tuple(uow.registry.all_of(season.id))
        assert first_break(uow.audit.all()) is None
    stages = {stage_of(dossier) for dossier in dossiers}
    assert set(Stage) - stages <= {Stage.NO_REAL_PERSON}
    assert stages >= WAITING_FOR_OTHERS
    named = {each.student_number for each in tryouts}
    assert all(dossier.openid is None for dossier in dossiers if dossier.graduate.student_number in named)
    assert days == sorted(days)
    assert len(days) >= 7
    with engine.connect() as connection:
        moments = connection.execute(select(milestone.c.at)).scalars().all()
    assert max(moments) < NOW
