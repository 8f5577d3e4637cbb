"""Notices (主动消息): sent, held, tried again or dropped; reminders of the calendar come once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.conversation.texts import placeholders, texts
from bot.conversation.wording import notice_reply
from bot.ports import Notice, NoticeState, Outcome
from bot.registration.archive import ArchiveStatus
from bot.use_cases.deliver_notices import MOST_ATTEMPTS, deliver_notices, plan_reminders
from bot.use_cases.staff_changes import approve_archive
from tests.bot import people
from tests.bot.use_cases.stage import Letterbox, Stage


@pytest.fixture
def approved(stage: Stage) -> Stage:
    """An approval has just been told."""
    stage.set_up(people.with_archive(people.ready(), ArchiveStatus.SUBMITTED))
    approve_archive(stage.office, people.NUMBER)
    return stage


def deliver(stage: Stage, box: Letterbox) -> int:
    return deliver_notices(stage.work, box, lambda: stage.now)


def held(stage: Stage) -> bool:
    with stage.work.reading() as uow:
        return uow.talks.open(people.OPENID).held


def test_a_notice_is_sent_once(approved: Stage) -> None:
    box = Letterbox()
    assert deliver(approved, box) == 1
    assert deliver(approved, box) == 0
    ((openid, reply, once),) = box.sent
    assert openid == people.OPENID
    assert reply.text.startswith("✅ 你的档案信息已通过审核。\n下一步：去向登记确认")
    assert once.startswith("archive_approved:")


def test_what_wechat_does_not_take_is_shown_with_the_next_answer(approved: Stage) -> None:
    assert deliver(approved, Letterbox(Outcome.CLOSED)) == 1
    assert held(approved)
    assert "已通过审核" in approved.phone().say("你好")
    assert not held(approved)


def test_a_passing_fault_is_tried_again_later_each_time_and_in_the_end_held(approved: Stage) -> None:
    box = Letterbox(Outcome.LATER)
    for _ in range(MOST_ATTEMPTS):
        assert deliver(approved, box) == 1
        assert deliver(approved, box) == 0
        approved.now += timedelta(minutes=10)
    assert deliver(approved, box) == 0
    assert len({once for _, _, once in box.sent}) == 1
    assert held(approved)


def test_who_is_gone_is_written_to_no_more(approved: Stage) -> None:
    assert deliver(approved, Letterbox(Outcome.GONE)) == 1
    approved.now += timedelta(days=1)
    assert deliver(approved, Letterbox()) == 0
    assert not held(approved)


def test_a_notice_whose_sentence_is_gone_is_dropped_unsent(stage: Stage) -> None:
    stage.set_up(people.ready())
    with stage.work.writing() as uow:
        uow.notices.add(Notice("n1", people.OPENID, "notice.gone", {}, "gone", stage.now))
        uow.commit()
    box = Letterbox()
    assert deliver(stage, box) == 1
    assert box.sent == []
    assert not held(stage)


def keys(stage: Stage) -> list[str]:
    return [notice.key for notice in stage.notices()]


def test_the_window_opens_and_ends_each_said_once(stage: Stage) -> None:
    stage.now = people.OPEN.replace(day=28)
    stage.set_up(people.ready())
    assert [plan_reminders(stage.office) for _ in range(2)] == [1, 0]
    assert keys(stage) == ["notice.window_opened"]
    stage.now = people.OPEN
    assert plan_reminders(stage.office) == 0
    for days_left in (1, 0):
        stage.now = people.LAST_DAY - timedelta(days=days_left)
        assert [plan_reminders(stage.office) for _ in range(2)] == [1, 0]
        assert keys(stage) == ["notice.window_ending"]
    stage.now = people.AFTER
    assert plan_reminders(stage.office) == 0


def test_who_has_confirmed_or_is_not_bound_is_not_chased(stage: Stage) -> None:
    other = people.graduate("2023010199", "李四", "110101199001001234")
    stage.now = people.LAST_DAY
    stage.set_up(people.confirmed(people.ready()), replace(people.ready(None), graduate=other))
    assert plan_reminders(stage.office) == 0


def test_a_verification_that_ends_in_two_days_is_said_once(stage: Stage) -> None:
    stage.set_up(people.verified())
    assert plan_reminders(stage.office) == 0
    stage.now = people.OPEN.replace(month=7, day=15)
    assert [plan_reminders(stage.office) for _ in range(2)] == [1, 0]
    (told,) = stage.notices()
    assert told.data["notice_number"] == "23127150"
    assert told.data["notice_until"] == "2023-07-16 23:59:59"


def test_without_a_season_there_is_nothing_to_plan(stage: Stage) -> None:
    assert plan_reminders(stage.office) == 0


def test_every_notice_can_be_said_with_its_data_and_without(stage: Stage) -> None:
    for key in [key for key in texts() if key.startswith("notice.")]:
        data = dict.fromkeys(placeholders(texts()[key]), "甲")
        notice = Notice("n", people.OPENID, key, data, "once", stage.now, state=NoticeState.WAITING)
        assert notice_reply(notice).text
        assert notice_reply(replace(notice, data={}), alone=False).text
