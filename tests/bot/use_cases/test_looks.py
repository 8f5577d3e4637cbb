"""Every look is written down and the graduate keeps control (issue of the receiving departments)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.registration.look import Receipt, Way
from bot.registration.report import Standing
from bot.registration.verification import State
from bot.use_cases.look_up_report import Counter, Found, by_number, note_look
from tests.bot import people
from tests.bot.conversation.world import LINKS
from tests.bot.use_cases.stage import Phone, Stage, at_home

CONFIRM = "信息无误，确认登记去向"


@pytest.fixture
def phone(stage: Stage) -> Phone:
    """A graduate with a verification in force."""
    phone = at_home(stage, people.ready())
    phone.say("确认", CONFIRM, "我已完成", "一周")
    return phone


def look(stage: Stage, way: Way = Way.SCAN, department: str = "") -> None:
    counter = Counter(stage.work, lambda: stage.now, LINKS, stage.desk.new_id)
    note_look(counter, found(stage), way, department)


def found(stage: Stage) -> Found:
    hit = by_number(stage.work, stage.dossier().verifications[0].number)
    assert hit is not None
    return hit


def test_the_first_look_is_told_and_the_second_is_not(stage: Stage, phone: Phone) -> None:
    look(stage)
    look(stage, Way.TYPED, "示例市人才服务中心")
    (notice,) = [notice for notice in stage.notices() if notice.key == "notice.first_look"]
    assert notice.data["notice_way"] == "扫码"
    assert notice.data["notice_number"] == stage.dossier().verifications[0].number
    said = phone.say("查看记录")
    assert "2 次" in said
    assert "编号查询，档案信息，看到“生效中”（示例市人才服务中心）" in said


def test_a_look_keeps_what_was_shown_then(stage: Stage, phone: Phone) -> None:
    stage.now += timedelta(days=30)
    look(stage)
    with stage.work.reading() as uow:
        (stored,) = uow.looks.of([stage.dossier().verifications[0].id], 5)
    assert (stored.standing, stored.at) == (Standing.EXPIRED, stage.now)
    assert "看到“已过期”" in phone.say("查看记录")


def test_closing_takes_two_messages_and_is_seen_by_the_very_next_look(stage: Stage, phone: Phone) -> None:
    phone.say("提前关闭", "确认关闭")
    hit = found(stage)
    assert hit.dossier.state_of(hit.verification, stage.now) is State.CLOSED


def test_extending_keeps_the_number_and_writes_the_day_before_into_the_history(stage: Stage, phone: Phone) -> None:
    before = stage.dossier().verifications[0]
    assert before.number in phone.say("延长一周")
    (after,) = stage.dossier().verifications
    (extension,) = after.extensions
    assert (extension.before, extension.last_day) == (before.last_day, before.last_day + timedelta(days=7))
    assert after == replace(before, last_day=extension.last_day, extensions=(extension,))


def test_issuing_anew_closes_the_old_number(stage: Stage, phone: Phone) -> None:
    phone.say("重新生成", "一周")
    old, new = stage.dossier().verifications
    assert [stage.dossier().state_of(v, stage.now) for v in (old, new)] == [State.CLOSED, State.IN_FORCE]


def test_a_wrong_receipt_is_withdrawn_by_the_graduate_and_stays_on_record(stage: Stage, phone: Phone) -> None:
    verification = stage.dossier().verifications[0]
    with stage.work.writing() as uow:
        uow.receipts.add(Receipt("r" * 32, verification.id, stage.now, "某某中心", "0512-62880000"))
        uow.commit()
    assert "某某中心 登记已接收档案" in phone.say("查看记录")
    phone.say("接收有误")
    with stage.work.reading() as uow:
        (stored,) = uow.receipts.of([verification.id])
    assert (stored.withdrawn_by, stored.withdrawn_at) == ("graduate", stage.now)
    assert "已撤回" in phone.say("查看记录")
