"""Staff changes (老师办理): the change, its consequences and the notice are one transaction."""

from dataclasses import replace
from datetime import datetime

import pytest

from bot.errors import MovedError, RuleError
from bot.registration.archive import ArchiveStatus
from bot.registration.correction import CorrectionState
from bot.registration.dossier import Dossier
from bot.registration.season import Season
from bot.use_cases.staff_changes import (
    NotFoundError,
    approve_archive,
    change,
    note_real_person,
    refuse_correction,
    replace_school_data,
    return_archive,
)
from bot.use_cases.tell import news
from tests.bot import people
from tests.bot.conversation.world import LINKS
from tests.bot.use_cases.stage import Stage
from tests.bot.use_cases.test_rules import data_of


def bound(dossier: Dossier) -> Dossier:
    return replace(dossier, openid=people.OPENID)


def test_an_approval_tells_the_graduate_what_comes_next(stage: Stage) -> None:
    stage.set_up(people.with_archive(people.ready(), ArchiveStatus.SUBMITTED))
    approve_archive(stage.office, people.NUMBER)
    (told,) = stage.notices()
    assert told.key == "notice.archive_approved"
    assert "去向登记确认" in told.data["next_step"]


def test_a_return_tells_the_reason(stage: Stage) -> None:
    stage.set_up(people.with_archive(people.ready(), ArchiveStatus.SUBMITTED))
    return_archive(stage.office, people.NUMBER, "缺门牌号")
    (told,) = stage.notices()
    assert (told.key, told.data["archive_reason"]) == ("notice.archive_returned", "缺门牌号")


def test_a_refused_correction_tells_why(stage: Stage) -> None:
    stage.set_up(people.with_correction(people.ready()))
    refuse_correction(stage.office, people.NUMBER, "与学籍一致")
    (told,) = stage.notices()
    assert (told.key, told.data["correction_answer"]) == ("notice.correction_refused", "与学籍一致")
    assert "13800000000" in told.data["contacts"]


def test_nobody_bound_nobody_told(stage: Stage) -> None:
    stage.set_up(people.with_archive(people.ready(None), ArchiveStatus.SUBMITTED))
    approve_archive(stage.office, people.NUMBER)
    assert stage.notices() == []


@pytest.mark.parametrize("step", [approve_archive, lambda office, number: return_archive(office, number, "理由")])
def test_what_was_not_submitted_is_not_reviewed(stage: Stage, step: object) -> None:
    stage.set_up(people.with_archive(people.ready(), ArchiveStatus.MISSING))
    with pytest.raises(RuleError, match=r"staff\.archive_not_submitted"):
        step(stage.office, people.NUMBER)  # type: ignore[operator]  # both are steps of staff
    assert stage.notices() == []


def test_an_unknown_student_number_or_season_is_said_so(stage: Stage) -> None:
    with pytest.raises(NotFoundError, match="season set"):
        approve_archive(stage.office, people.NUMBER)
    stage.set_up()
    with pytest.raises(NotFoundError, match="没有这个学号"):
        approve_archive(stage.office, people.NUMBER)


def test_a_fault_after_the_change_takes_everything_back(stage: Stage) -> None:
    stage.set_up(people.verified())
    broken = replace(stage.office, new_id=_no_id)
    other = replace(people.DESTINATION, unit="另一家公司")
    with pytest.raises(LookupError):
        replace_school_data(broken, people.NUMBER, lambda d: data_of(d, destination=other))
    assert stage.dossier().is_confirmed
    assert stage.notices() == []


def _no_id() -> str:
    raise LookupError("no identifiers today")


def test_a_change_that_races_is_done_on_what_the_other_left(stage: Stage) -> None:
    stage.set_up(people.with_archive(people.ready(), ArchiveStatus.SUBMITTED))
    tries = []

    def step(dossier: Dossier, _season: Season, now: datetime) -> Dossier:
        tries.append(dossier.version)
        if len(tries) == 1:
            raise MovedError
        return dossier.approve_archive(now)

    assert change(stage.office, people.NUMBER, step).archive.status is ArchiveStatus.APPROVED
    assert len(tries) == 2


def test_a_change_that_always_races_is_given_up(stage: Stage) -> None:
    stage.set_up(people.ready())

    def step(_dossier: Dossier, _season: Season, _now: datetime) -> Dossier:
        raise MovedError

    with pytest.raises(MovedError):
        change(stage.office, people.NUMBER, step)


def test_the_call_of_chsi_is_noted_and_told_once(stage: Stage) -> None:
    stage.set_up(people.confirmed(people.ready()))
    own = stage.dossier()
    assert note_real_person(stage.office, own.id, people.OPEN)
    assert note_real_person(stage.office, own.id, people.AFTER)
    assert stage.dossier().real_person_at == people.OPEN
    assert [notice.key for notice in stage.notices()] == ["notice.real_person_done"]
    assert not note_real_person(stage.office, "nobody", people.OPEN)


def test_news_are_only_what_changed() -> None:
    old = people.verified()
    assert news(old, old) == ()
    other = data_of(old, destination=replace(people.DESTINATION, unit="另一家公司"))
    assert news(old, old.with_school_data(other, people.SEASON, people.AFTER)) == ("confirm_again",)
    waiting = people.with_correction(people.ready())
    decided = waiting.decide_correction(CorrectionState.APPLIED, "", people.AFTER)
    assert news(waiting, decided) == ("correction_applied",)
    assert LINKS.report(old.verifications[0]).endswith(old.verifications[0].id)
