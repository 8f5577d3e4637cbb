"""The error reports in every database: within a scope, by counsellor, with what became of each item."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.ports import Reported
from bot.registration.correction import Correction, CorrectionState, Item, Outcome, Verdict
from bot.registration.dossier import Dossier
from bot.registration.graduate import Counsellor
from bot.registration.season import Season
from bot.staff.policy import EVERYONE, Scope
from storage.unit_of_work import SqlWork
from tests.storage.conftest import NOW, new_id

CHEN, LI, NOBODY = Counsellor("陈静", staff_number="T01"), Counsellor("李卫", staff_number="T02"), Counsellor("周老师")
OUTCOMES = (
    Outcome(Item.MAJOR, Verdict.TAKEN, "汉语言文学", "英语 😀", ""),
    Outcome(Item.NAME, Verdict.REFUSED, "王小明", "", "与身份证一致"),
)


@pytest.fixture
def reported(work: SqlWork, plain: Callable[[int], Dossier]) -> list[Dossier]:
    """Four dossiers with a report: two of Chen's, one of Li's, one of a counsellor without a staff number."""
    made = []
    for number, counsellor in enumerate((LI, CHEN, NOBODY, CHEN)):
        dossier = plain(number)
        items = ((Item.MAJOR, "应为英语"), (Item.NAME, "王晓明"))
        correction = Correction(new_id(), items, NOW - timedelta(hours=number))
        made.append(replace(dossier, graduate=replace(dossier.graduate, counsellor=counsellor), correction=correction))
    with work.writing() as uow:
        uow.registry.add_many(made)
        uow.commit()
    return made


def _numbers(found: Iterable[Reported]) -> list[int]:
    return [int(dossier.graduate.student_number[-1]) for dossier, _ in found]


def test_what_waits_is_counted_and_listed_by_counsellor(work: SqlWork, season: Season, reported: list[Dossier]) -> None:
    with work.reading() as uow:
        tallies = uow.corrections.tally(season.id, EVERYONE)
        assert [(t.counsellor, t.count) for t in tallies] == [(NOBODY, 1), (CHEN, 2), (LI, 1)]
        assert tallies[1].oldest == NOW - timedelta(hours=3)
        assert _numbers(uow.corrections.waiting(season.id, EVERYONE)) == [2, 3, 1, 0]
        assert _numbers(uow.corrections.waiting(season.id, EVERYONE, CHEN)) == [3, 1]
        assert _numbers(uow.corrections.waiting(season.id, EVERYONE, None, 1, 2)) == [3, 1]
        assert uow.corrections.waiting(season.id, EVERYONE, CHEN)[1] == (reported[1], reported[1].correction)


@pytest.mark.parametrize(("scope", "seen"), [(Scope("T01"), {1, 3}), (Scope("T09"), set()), (Scope(""), set())])
def test_nobody_sees_beyond_the_scope(
    work: SqlWork, season: Season, reported: list[Dossier], scope: Scope, seen: set[int]
) -> None:
    ids = [dossier.correction.id for dossier in reported if dossier.correction]
    with work.reading() as uow:
        assert sum(tally.count for tally in uow.corrections.tally(season.id, scope)) == len(seen)
        assert set(_numbers(uow.corrections.waiting(season.id, scope))) == seen
        assert set(_numbers(uow.corrections.waiting(season.id, scope, LI))) == set()
        assert set(_numbers(uow.corrections.by_ids(scope, ids).values())) == seen
        assert uow.corrections.decided(season.id, scope, 0, 9) == []


def test_what_became_of_each_item_comes_back(work: SqlWork, season: Season, reported: list[Dossier]) -> None:
    old = reported[0]
    new = old.decide_correction(CorrectionState.APPLIED, "姓名：与身份证一致", NOW, OUTCOMES)
    with work.writing() as uow:
        uow.registry.save(old, new)
        uow.commit()
    with work.reading() as uow:
        (found,) = uow.corrections.decided(season.id, EVERYONE, 0, 9)
        assert found.correction.outcomes == OUTCOMES
        assert found.correction == new.correction
        assert 0 not in _numbers(uow.corrections.waiting(season.id, EVERYONE))
        assert uow.corrections.decided(season.id, Scope("T01"), 0, 9) == []
