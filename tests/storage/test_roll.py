"""The roll on every database: counts and lists agree with the dossiers one by one, within the scope."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import Engine

from bot.errors import BadValueError
from bot.registration.dossier import Dossier
from bot.registration.graduate import Counsellor
from bot.registration.season import Season
from bot.registration.stage import Stage, stage_of
from bot.staff.policy import EVERYONE, Scope
from bot.staff.roll import Area, By, Group, Line, Wanted, snapshot, total_of
from bot.use_cases.keep_progress import keep_progress
from bot.use_cases.staff_changes import Office
from storage.cipher import FieldCipher
from storage.unit_of_work import SqlWork
from tests.bot.conversation.world import LINKS

Plain = Callable[[int], Dossier]
AT = datetime(2023, 6, 1, 2, 30, tzinfo=UTC)
OWN = Scope("T1")
COUNSELLORS = (Counsellor("陈静", staff_number="T1"), Counsellor("李卫", staff_number="T2"), Counsellor("周宁"))


@pytest.fixture
def school(work: SqlWork, plain: Plain) -> list[Dossier]:
    """Forty graduates of three colleges and three counsellors, one without a staff number; a third has logged in."""
    made = []
    for number in range(40):
        dossier = plain(number)
        graduate = replace(
            dossier.graduate,
            name=f"{'王李%_Aa'[number % 6]}{number}",
            college=f"学院{number % 3}",
            major=f"专业{number % 6}",
            class_name="" if number % 6 == 0 else f"{number % 2}班",
            counsellor=COUNSELLORS[number % 3 if number < 36 else 0],
        )
        dossier = replace(dossier, graduate=graduate, openid=f"o-{number}" if number % 3 == 1 else None)
        made.append(dossier.check(AT) if number % 6 == 1 else dossier)
    with work.writing() as uow:
        uow.registry.add_many(made)
        uow.commit()
    return made


def _seen(school: list[Dossier], scope: Scope) -> list[Dossier]:
    return [dossier for dossier in school if scope.covers(dossier)]


def _key(dossier: Dossier, by: By) -> tuple[str, ...]:
    graduate = dossier.graduate
    return {
        By.COLLEGE: (graduate.college,),
        By.MAJOR: (graduate.college, graduate.major),
        By.CLASS: (graduate.college, graduate.major, graduate.class_name),
        By.COUNSELLOR: (graduate.counsellor.staff_number, graduate.counsellor.name),
    }[by]


def _group_key(group: Group, by: By) -> tuple[str, ...]:
    if by is By.COUNSELLOR:
        return (group.counsellor, group.counsellor_name)
    return (group.college, group.major, group.class_name)[: 1 + list(By).index(by)]


@pytest.mark.parametrize("scope", [EVERYONE, OWN, Scope("")], ids=["everyone", "own", "nobody"])
def test_counts_agree_with_the_dossiers_one_by_one(work: SqlWork, school: list[Dossier], scope: Scope) -> None:
    for by in By:
        expected = Counter((_key(dossier, by), stage_of(dossier)) for dossier in _seen(school, scope))
        with work.reading() as uow:
            groups = uow.roll.progress(Area("2023", scope), by)
        counted = {
            (_group_key(group, by), stage): group.progress.at(stage)
            for group in groups
            for stage in Stage
            if group.progress.at(stage)
        }
        assert counted == dict(expected)


def test_an_empty_class_is_a_class_and_an_area_narrows(work: SqlWork, school: list[Dossier]) -> None:
    area = Area("2023", EVERYONE, college="学院0", major="专业0", class_name="")
    with work.reading() as uow:
        assert uow.roll.count(Wanted(area)) == sum(not d.graduate.class_name for d in school)
        assert uow.roll.count(Wanted(replace(area, class_name="1班"))) == 0
        own = sorted({d.graduate.college for d in school if OWN.covers(d)})
        assert uow.roll.names(Area("2023", OWN), By.COLLEGE) == own
        assert uow.roll.names(Area("2023", Scope("T2")), By.COLLEGE) == ["学院1"]
        unnumbered = Wanted(Area("2023", EVERYONE, counsellor=""))
        assert uow.roll.count(unnumbered) == sum(not d.graduate.counsellor.staff_number for d in school)


def _turned(work: SqlWork, wanted: Wanted, most: int) -> list[Line]:
    found: list[Line] = []
    after = ""
    with work.reading() as uow:
        while True:
            lines, after = uow.roll.page(wanted, after, most)
            assert len(lines) <= most
            found += lines
            if not after:
                return found


@pytest.mark.parametrize("scope", [EVERYONE, OWN], ids=["everyone", "own"])
@pytest.mark.parametrize("stage", [None, Stage.UNBOUND])
def test_turning_pages_shows_everybody_once(
    work: SqlWork, school: list[Dossier], scope: Scope, stage: Stage | None
) -> None:
    wanted = Wanted(Area("2023", scope), stage)
    expected = sorted(
        dossier.graduate.student_number
        for dossier in _seen(school, scope)
        if stage is None or stage_of(dossier) is stage
    )
    # All came in at one moment, so that at one stage everybody waits equally long.
    assert [line.student_number for line in _turned(work, wanted, 7)] == expected
    with work.reading() as uow:
        assert uow.roll.count(wanted) == len(expected)
        assert [line.student_number for line in uow.roll.lines(wanted, with_mobile=False)] == expected


def test_at_a_stage_whoever_waits_longest_comes_first(engine: Engine, cipher: FieldCipher, plain: Plain) -> None:
    moments = [AT + timedelta(hours=hour) for hour in (5, 1, 3)]
    for number, moment in enumerate(moments):
        with SqlWork(engine, cipher, lambda moment=moment: moment).writing() as uow:  # type: ignore[misc]  # bound now
            uow.registry.add_many([plain(number)])
            uow.commit()
    work, wanted = SqlWork(engine, cipher), Wanted(Area("2023", EVERYONE), Stage.UNBOUND)
    assert [line.since for line in _turned(work, wanted, 1)] == sorted(moments)
    with work.reading() as uow:
        assert uow.roll.oldest(Area("2023", EVERYONE)) == {Stage.UNBOUND: min(moments)}
        assert uow.roll.oldest(Area("2023", EVERYONE, college="文学院")) == {Stage.UNBOUND: min(moments)}
        assert uow.roll.oldest(Area("2023", Scope("T9"))) == {}


def test_a_place_in_a_list_out_of_scope_or_of_another_order_is_refused(work: SqlWork, school: list[Dossier]) -> None:
    foreign = next(d for d in school if not OWN.covers(d))
    with work.reading() as uow:
        for after in (foreign.id, "0" * 32, f"{school[0].id}.5", f"{school[0].id}.x"):
            with pytest.raises(BadValueError):
                uow.roll.page(Wanted(Area("2023", OWN)), after, 5)


@pytest.mark.parametrize(
    ("words", "names"),
    [("王", "王"), ("%", "%"), ("_", "_"), ("A", "A"), ("a", "a"), ("20190000", "王李%_Aa"), ("小", ""), ("王1%", "")],
)
def test_words_are_the_exact_beginning_of_a_name_or_number(
    work: SqlWork, school: list[Dossier], words: str, names: str
) -> None:
    expected = {d.id for d in school if d.graduate.name[0] in names} if names else set()
    assert {line.id for line in _turned(work, Wanted(Area("2023", EVERYONE), words=words), 9)} == expected


def test_words_find_nobody_out_of_scope(work: SqlWork, school: list[Dossier]) -> None:
    foreign = next(d for d in school if not OWN.covers(d))
    for words in (foreign.graduate.name, foreign.graduate.student_number):
        assert _turned(work, Wanted(Area("2023", OWN), words=words), 9) == []


def test_mobiles_are_read_only_for_the_phone_list(work: SqlWork, full: Dossier) -> None:
    with work.writing() as uow:
        uow.registry.add_many([full])
        uow.commit()
    with work.reading() as uow:
        wanted = Wanted(Area("2023", EVERYONE))
        assert [line.mobile for line in uow.roll.lines(wanted, with_mobile=True)] == [full.graduate.mobile]
        assert [line.mobile for line in uow.roll.lines(wanted, with_mobile=False)] == [""]


# -- the days --------------------------------------------------------------------------------------


def _office(work: SqlWork, now: datetime) -> Office:
    return Office(work, LINKS, lambda: now, lambda: "0" * 32)


def test_a_day_keeps_what_was_seen_last_and_counsellors_see_their_own(
    work: SqlWork, school: list[Dossier], season: Season
) -> None:
    whole, own = Area(season.id, EVERYONE), Area(season.id, OWN)
    assert keep_progress(_office(work, AT)) > 0
    assert keep_progress(_office(work, AT)) == 0
    first = school[0]
    with work.writing() as uow:
        uow.registry.save(first, first.bind("o-first"))
        uow.commit()
    # The total, one college, one counsellor: nothing else moved.
    assert keep_progress(_office(work, AT + timedelta(hours=3))) == 3
    assert keep_progress(_office(work, AT + timedelta(days=1))) > 3
    with work.reading() as uow:
        days, mine = uow.progress_days.of(whole), uow.progress_days.of(own)
        now = total_of(group.progress for group in uow.roll.progress(own, By.COLLEGE))
    assert [day.day for day in days] == [date(2023, 6, 1), date(2023, 6, 2)]
    assert [day.progress.total for day in days] == [len(school)] * 2
    assert [day.progress for day in mine] == [now, now]


def test_a_college_that_is_gone_is_forgotten_for_the_day(work: SqlWork, school: list[Dossier]) -> None:
    keep_progress(_office(work, AT))
    with work.writing() as uow:
        for dossier in school:
            graduate = replace(dossier.graduate, college="合并学院")
            uow.registry.save(dossier, replace(dossier, graduate=graduate))
        uow.commit()
    keep_progress(_office(work, AT + timedelta(hours=1)))
    with work.reading() as uow:
        assert uow.progress_days.of(Area("2023", EVERYONE, college="学院1")) == []
        [day] = uow.progress_days.of(Area("2023", EVERYONE, college="合并学院"))
    assert day.progress.total == len(school)


def test_eight_workers_keep_the_same_day_at_once(work: SqlWork, school: list[Dossier], season: Season) -> None:
    ready = Barrier(8)

    def keep(_: int) -> None:
        ready.wait()
        keep_progress(_office(work, AT))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(keep, range(8)))
    area = Area(season.id, EVERYONE)
    with work.reading() as uow:
        kept = uow.progress_days.on(season.id, date(2023, 6, 1))
        now = snapshot(uow.roll.progress(area, By.COLLEGE), uow.roll.progress(area, By.COUNSELLOR))
    assert kept == now
    assert sum(progress.total for progress in kept.values()) > len(school)


def test_nothing_is_kept_after_the_last_changes(work: SqlWork, school: list[Dossier], season: Season) -> None:
    assert school
    late = datetime(season.changes_until.year, season.changes_until.month, season.changes_until.day, tzinfo=UTC)
    assert keep_progress(_office(work, late + timedelta(days=1))) == 0
