"""The cut-off on every database: each unplaced graduate once, however many workers run and wherever one dies."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from bot.registration.cutoff import CutoffList
from bot.registration.destination import Destination
from bot.registration.dossier import Dossier
from bot.registration.season import SHANGHAI, Season
from bot.staff.policy import EVERYONE, Scope
from bot.use_cases import register_unplaced as cutoff
from bot.use_cases.register_unplaced import register_unplaced
from bot.use_cases.staff_changes import Office
from storage.notice_tables import delivery
from storage.tables import graduate
from storage.unit_of_work import SqlWork
from tests.bot.conversation.world import LINKS
from tests.storage.conftest import new_id

CUTOFF = date(2023, 8, 31)
MIDNIGHT = datetime(2023, 8, 31, 0, 0, tzinfo=SHANGHAI)


class Clock:
    """A clock that stands."""

    def __init__(self, at: datetime = MIDNIGHT) -> None:
        self.at = at

    def __call__(self) -> datetime:
        """Tell the moment."""
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def office(work: SqlWork, clock: Clock) -> Office:
    return Office(work, LINKS, clock, new_id)


@pytest.fixture
def school(work: SqlWork, plain: Callable[[int], Dossier]) -> list[Dossier]:
    """Forty graduates with WeChat accounts; every fourth is placed."""
    made = [
        replace(
            plain(number),
            openid=f"o-{number}",
            destination=Destination("10", "示例公司") if number % 4 == 0 else None,
        )
        for number in range(40)
    ]
    add(work, *made)
    return made


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutoff, "PIECE", 4)


def add(work: SqlWork, *dossiers: Dossier) -> None:
    with work.writing() as uow:
        uow.registry.add_many(dossiers)
        uow.commit()


def codes(engine: Engine) -> Counter[str | None]:
    with engine.connect() as connection:
        return Counter(connection.execute(select(graduate.c.destination_code)).scalars())


def told(engine: Engine) -> Counter[str]:
    with engine.connect() as connection:
        return Counter(connection.execute(select(delivery.c.openid)).scalars())


def audited(work: SqlWork) -> list[dict[str, str]]:
    with work.reading() as uow:
        return [dict(entry.details) for entry in uow.audit.newest(99)]


@pytest.mark.usefixtures("school")
def test_several_workers_register_each_graduate_once_with_one_notice_and_one_entry(
    engine: Engine, work: SqlWork, office: Office
) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: register_unplaced(office), range(4)))
    assert sum(done) == 30
    assert codes(engine) == {"70": 30, "10": 10}
    assert set(told(engine).values()) == {1}
    assert len(told(engine)) == 30
    assert audited(work) == [{"截点": "2023-08-31", "登记为未就业": "30 人"}]
    with work.reading() as uow:
        (run,) = uow.cutoffs.runs("2023")
    assert (run.count, run.finished_at is not None) == (30, True)


@pytest.mark.usefixtures("school")
def test_nothing_happens_before_the_day_and_nothing_twice(engine: Engine, office: Office, clock: Clock) -> None:
    clock.at = MIDNIGHT - timedelta(seconds=1)
    assert register_unplaced(office) == 0
    assert codes(engine)[None] == 30
    clock.at = MIDNIGHT
    assert register_unplaced(office) == 30
    assert register_unplaced(office) == 0


@pytest.mark.usefixtures("school")
def test_a_run_that_stopped_in_the_middle_is_gone_on_with(engine: Engine, work: SqlWork, office: Office) -> None:
    answers = iter([True, True, False])
    assert register_unplaced(office, lambda: next(answers)) == 8
    assert codes(engine)["70"] == 8
    assert audited(work) == []
    assert register_unplaced(office) == 22
    assert set(told(engine).values()) == {1}


def test_who_is_placed_while_the_run_goes_on_is_left_alone_and_off_the_list(
    engine: Engine, work: SqlWork, office: Office, school: list[Dossier]
) -> None:
    late = max((each for each in school if each.destination is None), key=lambda each: each.id)
    answers = iter([True, False])
    register_unplaced(office, lambda: next(answers))
    with work.writing() as uow:
        stored = uow.registry.by_id(late.id)
        assert stored
        uow.registry.save(stored, replace(stored, destination=Destination("10", "示例公司")))
        uow.commit()
    register_unplaced(office)
    assert codes(engine) == {"70": 29, "10": 11}
    with work.reading() as uow:
        (run,) = uow.cutoffs.runs("2023")
        listed = uow.cutoffs.listed(CutoffList("2023", EVERYONE, run), most=99)
    assert run.count == len(listed) == 29
    assert late.id not in {each.id for each in listed}


@pytest.mark.usefixtures("school")
def test_who_comes_into_the_roster_later_is_registered_only_when_the_day_is_moved(
    work: SqlWork, office: Office, season: Season, plain: Callable[[int], Dossier], clock: Clock
) -> None:
    register_unplaced(office)
    add(work, plain(99))
    assert register_unplaced(office) == 0
    with work.writing() as uow:
        uow.seasons.save(replace(season, cutoff=date(2023, 9, 15)))
        uow.commit()
    assert register_unplaced(office) == 0, "not before the new day"
    clock.at = MIDNIGHT + timedelta(days=15)
    assert register_unplaced(office) == 1
    with work.reading() as uow:
        assert [run.count for run in uow.cutoffs.runs("2023")] == [1, 30]


@pytest.mark.usefixtures("school")
def test_a_day_moved_in_the_middle_of_the_run_leaves_the_rest_alone(
    engine: Engine, work: SqlWork, office: Office, season: Season
) -> None:
    answers = iter([True, True, False])
    register_unplaced(office, lambda: next(answers))
    with work.writing() as uow:
        uow.seasons.save(replace(season, cutoff=date(2023, 9, 15)))
        uow.commit()
    assert register_unplaced(office) == 0
    assert codes(engine)["70"] == 8
    with work.reading() as uow:
        assert [(run.count, run.finished_at is not None) for run in uow.cutoffs.runs("2023")] == [(8, True)]


def test_a_roster_that_is_still_to_come_does_not_use_up_the_day(
    work: SqlWork, office: Office, plain: Callable[[int], Dossier]
) -> None:
    assert register_unplaced(office) == 0
    add(work, plain(1))
    assert register_unplaced(office) == 1


def test_the_lists_hold_only_graduates_of_the_scope(work: SqlWork, office: Office, school: list[Dossier]) -> None:
    mine = replace(
        school[1],
        id=new_id(),
        openid=None,
        graduate=replace(
            school[1].graduate,
            student_number="M1",
            college="理学院",
            counsellor=replace(school[1].graduate.counsellor, staff_number="T01"),
        ),
    )
    add(work, mine)
    scope, nobody = Scope("T01"), Scope("")
    for has_run in (False, True):
        if has_run:
            register_unplaced(office)
        with work.reading() as uow:
            run = uow.cutoffs.run("2023", CUTOFF) if has_run else None
            assert [each.id for each in uow.cutoffs.listed(CutoffList("2023", scope, run))] == [mine.id]
            assert [(each.college, each.count) for each in uow.cutoffs.colleges(CutoffList("2023", scope, run))] == [
                ("理学院", 1)
            ]
            assert uow.cutoffs.listed(CutoffList("2023", nobody, run)) == []
            assert uow.cutoffs.listed(CutoffList("2023", scope, run, "文学院")) == []
            first = uow.cutoffs.listed(CutoffList("2023", EVERYONE, run), most=20)
            rest = uow.cutoffs.listed(CutoffList("2023", EVERYONE, run), first[-1].id, 20)
        numbers = [each.student_number for each in (*first, *rest)]
        assert len(numbers) == 31
        assert numbers == sorted(set(numbers))
