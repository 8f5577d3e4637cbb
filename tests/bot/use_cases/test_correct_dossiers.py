"""Correcting: each report on its own, once, with all that follows from it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from bot.registration.correction import Correction, Item, Outcome, Verdict
from bot.registration.dossier import Dossier
from bot.registration.identity_number import IdentityNumber
from bot.registration.verification import Subject, Verification
from bot.staff.correction_answers import Answer
from bot.staff.correction_sheet import slots_of
from bot.staff.policy import Actor, ForbiddenError, Role
from bot.use_cases.correct_dossiers import Fate, Judged, carry_out, export, look
from bot.use_cases.receive_message import guard_subject
from bot.use_cases.staff_changes import NotFoundError, apply_correction, refuse_correction
from tests.bot import people
from tests.bot.use_cases.stage import Stage
from tests.bot.use_cases.test_rules import data_of

COUNSELLOR = Actor("1", "李老师", Role.COUNSELLOR, "T01")
OTHER = Actor("2", "陈老师", Role.COUNSELLOR, "T02")


def reporting(stage: Stage, *items: tuple[Item, str], openid: str | None = people.OPENID) -> Dossier:
    """Store a confirmed dossier with a running verification whose owner then reports items."""
    graduate = replace(people.ready().graduate, identity_number=IdentityNumber("110101199003070134"))
    ready = replace(people.ready(openid), graduate=graduate, real_person_at=people.OPEN)
    granted = Verification("e" * 32, "23127150", Subject.ARCHIVE, "", people.OPEN, people.SEASON.changes_until)
    confirmed = ready.confirm(people.SEASON, people.OPEN).authorise(granted, people.SEASON)
    stage.set_up(confirmed.report(Correction("c" * 32, items, people.OPEN)))
    return stage.dossier()


def answers(dossier: Dossier, right: str) -> list[Answer]:
    return [Answer(4, s.key, s.student_number, Verdict.TAKEN, right) for s in slots_of(dossier)]


def test_a_correction_fells_what_was_confirmed_and_asks_to_look_again(stage: Stage) -> None:
    dossier = reporting(stage, (Item.MAJOR, "应为英语"))
    (judged,) = carry_out(stage.office, answers(dossier, "英语"))
    assert judged.fate is Fate.DONE
    after = stage.dossier()
    assert (after.graduate.major, after.checked_at, after.is_confirmed) == ("英语", None, False)
    assert after.running(Subject.ARCHIVE, stage.now) is None
    (told,) = stage.notices()
    assert told.key == "notice.correction_applied"
    assert told.data["correction_result"] == "专业：已改为“英语”"


def test_a_corrected_name_opens_the_login_again(stage: Stage) -> None:
    dossier = reporting(stage, (Item.NAME, "应为王晓明"))
    subject = guard_subject(people.SEASON.id, people.NUMBER)
    with stage.work.writing() as uow:
        for _ in range(5):
            uow.guards.fail((subject,), stage.now)
        assert uow.guards.locked_until((subject,), stage.now)
        uow.commit()
    carry_out(stage.office, answers(dossier, "王晓明"))
    with stage.work.reading() as uow:
        assert uow.guards.locked_until((subject,), stage.now) is None


def test_of_many_who_decide_at_once_exactly_one_does(stage: Stage) -> None:
    dossier = reporting(stage, (Item.MAJOR, "应为英语"))

    def decide(number: int) -> Judged:
        return carry_out(stage.office, answers(dossier, f"英语{number}"))[0]

    with ThreadPoolExecutor(6) as clerks:
        judged = list(clerks.map(decide, range(6)))
    (done,) = (each for each in judged if each.fate is Fate.DONE)
    assert {each.fate for each in judged} == {Fate.DONE, Fate.ALREADY}
    assert stage.dossier().graduate.major == done.outcomes[0].after
    with stage.work.reading() as uow:
        assert len(list(uow.audit.all())) == 1


def test_looking_changes_nothing(stage: Stage) -> None:
    dossier = reporting(stage, (Item.MAJOR, "应为英语"))
    (judged,) = look(stage.office, answers(dossier, "英语"))
    assert (judged.fate, judged.outcomes[0].before, judged.outcomes[0].after) == (Fate.READY, "汉语言文学", "英语")
    assert stage.dossier() == dossier
    with stage.work.reading() as uow:
        assert list(uow.audit.all()) == []


def test_the_sheet_of_others_is_not_there_and_no_counsellor_decides(stage: Stage) -> None:
    dossier = reporting(stage, (Item.MAJOR, "应为英语"))
    assert export(replace(stage.office, by=COUNSELLOR), None).dossiers == (dossier,)
    with pytest.raises(NotFoundError):
        export(replace(stage.office, by=OTHER), None)
    for ask in (look, carry_out):
        with pytest.raises(ForbiddenError):
            ask(replace(stage.office, by=COUNSELLOR), answers(dossier, "英语"))


def test_what_the_command_line_decides_is_traced_too(stage: Stage) -> None:
    reporting(stage, (Item.MAJOR, "应为英语"), (Item.OTHER, "？"))
    changed = replace(stage.dossier().graduate, major="英语")
    apply_correction(stage.office, people.NUMBER, lambda d: data_of(d, graduate=changed))
    correction = stage.dossier().correction
    assert correction
    assert correction.outcomes == (
        Outcome(Item.MAJOR, Verdict.TAKEN, "汉语言文学", "英语"),
        Outcome(Item.OTHER, Verdict.TAKEN, "", "", "已核对，这一项没有改动"),
    )


def test_a_refusal_by_the_command_line_is_traced_item_by_item(stage: Stage) -> None:
    reporting(stage, (Item.MAJOR, "应为英语"))
    refuse_correction(stage.office, people.NUMBER, "与学籍一致")
    correction = stage.dossier().correction
    assert correction
    assert correction.outcomes == (Outcome(Item.MAJOR, Verdict.REFUSED, "", "", "与学籍一致"),)


def test_who_is_not_bound_is_not_told(stage: Stage) -> None:
    dossier = reporting(stage, (Item.MAJOR, "应为英语"), openid=None)
    carry_out(stage.office, answers(dossier, "英语"))
    assert stage.notices() == []
