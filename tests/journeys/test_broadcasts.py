"""Broadcasts over real HTTP: written, approved, sent whichever way reaches each, reported, and proved for each."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

from bot.notices.audience import UNCONFIRMED, Audience
from bot.notices.broadcast import Broadcast, BroadcastState, Message
from bot.notices.delivery import Channel, DeliveryState, Reason
from bot.notices.results import Result, Which
from bot.staff.policy import EVERYONE, Actor, Role
from bot.use_cases.manage_broadcasts import (
    NoticeRules,
    Schedule,
    Seen,
    approve_broadcast,
    submit_broadcast,
    write_broadcast,
)
from bot.use_cases.manage_sending import cancel_broadcast, pause_broadcast, resume_broadcast
from bot.use_cases.run_broadcasts import run_broadcasts
from bot.use_cases.staff_changes import Office
from handlers.sandbox import DEMO_TEMPLATE_ID
from tests.journeys.people import Person
from tests.journeys.stage import Stage

WRITER = Actor("1" * 32, "王老师", Role.OFFICE)
APPROVER = Actor("2" * 32, "李老师", Role.OFFICE)
TEXT = "{姓名}同学，请在{截止日期}前确认去向，还有 {剩余天数} 天。"

Raise = Callable[..., AbstractContextManager[Stage]]


def office(stage: Stage, by: Actor) -> Office:
    whole = stage.installation.office
    return Office(whole.work, whole.links, whole.clock, whole.new_id, by)


def started(stage: Stage, text: str = TEXT, *, use_mass: bool = False) -> str:
    """Write, submit and approve a broadcast to whoever has not confirmed; return its identifier."""
    draft = write_broadcast(
        office(stage, WRITER), Message("请确认去向", text, use_mass=use_mass), Audience(UNCONFIRMED)
    )
    waiting = submit_broadcast(office(stage, WRITER), Seen(draft.id, draft.version), Schedule(), NoticeRules(5))
    assert waiting.state is BroadcastState.AWAITING
    approve_broadcast(office(stage, APPROVER), Seen(waiting.id, waiting.version))
    return draft.id


def found(stage: Stage, broadcast_id: str) -> Broadcast:
    with stage.installation.work.reading() as uow:
        broadcast = uow.broadcasts.by_id(broadcast_id)
    assert broadcast is not None
    return broadcast


def result(stage: Stage, broadcast_id: str, who: Person) -> Result:
    with stage.installation.work.reading() as uow:
        page = uow.results.page(Which(broadcast_id, EVERYONE), "", 100)
    return next(each for each in page if each.student_number == who.number)


def adds_up(stage: Stage, broadcast_id: str) -> bool:
    with stage.installation.work.reading() as uow:
        return uow.results.tally(broadcast_id, EVERYONE).total == found(stage, broadcast_id).size


def test_each_is_reached_the_way_that_is_open_and_whoever_confirmed_is_not_reminded(raise_stage: Raise) -> None:
    with raise_stage(template=DEMO_TEMPLATE_ID) as stage:
        talking = stage.graduate("已有去向，还没有档案信息")
        talking.checks()
        silent, done = stage.graduate("档案转回生源地"), stage.graduate("档案信息已由学校提供")
        silent.checks()
        done.checks()
        stage.pause(49 * 3600)
        talking.says("进度")
        broadcast_id = started(stage)
        run_broadcasts(stage.installation.office)
        done.confirms()  # after the audience was frozen
        stage.deliver()
        assert "请在2023 年 7 月 3 日前确认去向" in talking.hears
        assert result(stage, broadcast_id, talking).delivery.channel is Channel.SERVICE
        assert "事项" in silent.hears
        assert "请确认去向" in silent.hears
        stage.sandbox.settle()
        stage.deliver()
        told = result(stage, broadcast_id, silent).delivery
        assert (told.channel, told.state) == (Channel.TEMPLATE, DeliveryState.DELIVERED), (
            "the report came by the webhook"
        )
        assert result(stage, broadcast_id, done).delivery.reason is Reason.DONE
        assert adds_up(stage, broadcast_id)
        assert found(stage, broadcast_id).state is BroadcastState.DONE
        assert "前确认去向" in silent.says("进度"), "the card had no room for the text"


def test_whoever_blocks_the_account_is_a_failure_that_no_retry_helps(raise_stage: Raise) -> None:
    with raise_stage(template=DEMO_TEMPLATE_ID) as stage:
        silent = stage.graduate("档案转回生源地")
        silent.checks()
        stage.sandbox.block(silent.phone)
        stage.pause(49 * 3600)
        broadcast_id = started(stage)
        stage.deliver()
        stage.sandbox.settle()
        stage.deliver()
        told = result(stage, broadcast_id, silent).delivery
        assert (told.state, told.reason) == (DeliveryState.FAILED_PERM, Reason.BLOCKED)


def test_a_subscription_notice_is_spent_once_for_each_consent(raise_stage: Raise) -> None:
    with raise_stage(subscription=DEMO_TEMPLATE_ID) as stage:
        silent = stage.graduate("档案转回生源地")
        silent.checks()
        silent.phone.accept_subscription(DEMO_TEMPLATE_ID)
        stage.pause(49 * 3600)
        first = started(stage)
        stage.deliver()
        assert result(stage, first, silent).delivery.channel is Channel.SUBSCRIPTION
        second = started(stage)
        stage.deliver()
        told = result(stage, second, silent).delivery
        assert (told.state, told.reason) == (DeliveryState.SKIPPED, Reason.NO_CHANNEL)
        stage.sandbox.settle()
        stage.pause(60)
        stage.deliver()
        assert result(stage, first, silent).delivery.state is DeliveryState.DELIVERED, "its report names no identifier"


def test_mass_messages_take_whoever_nothing_else_reaches_but_never_one_alone(stage: Stage) -> None:
    people = [stage.graduate(words) for words in ("档案转回生源地", "已有去向，还没有档案信息", "档案信息已由学校提供")]
    for graduate in people:
        graduate.checks()
    stage.pause(49 * 3600)
    broadcast_id = started(stage, "还没有确认去向的同学，请在{截止日期}前确认。", use_mass=True)
    for _ in range(3):
        stage.deliver()
    assert all("还没有确认去向的同学" in graduate.hears for graduate in people)
    stage.sandbox.settle()
    stage.deliver()
    assert {result(stage, broadcast_id, graduate).delivery.state for graduate in people} == {DeliveryState.DELIVERED}
    assert found(stage, broadcast_id).state is BroadcastState.DONE
    assert adds_up(stage, broadcast_id)


def test_a_single_one_left_is_telephoned(stage: Stage) -> None:
    alone = stage.graduate("档案转回生源地")
    alone.checks()
    stage.pause(49 * 3600)
    broadcast_id = started(stage, "请在{截止日期}前确认。", use_mass=True)
    for _ in range(3):
        stage.deliver()
    told = result(stage, broadcast_id, alone).delivery
    assert (told.state, told.reason) == (DeliveryState.SKIPPED, Reason.ALONE)
    with stage.installation.work.reading() as uow:
        by_phone = uow.results.count(Which(broadcast_id, EVERYONE, by_phone=True))
    assert by_phone == found(stage, broadcast_id).size, "nobody was reached"


def test_a_paused_broadcast_waits_a_cancelled_one_ends_and_nobody_hears_of_either(stage: Stage) -> None:
    graduate = stage.graduate("档案转回生源地")
    graduate.checks()
    broadcast_id = started(stage)
    pause_when_running(stage, broadcast_id)
    stage.deliver()
    assert "请在" not in graduate.hears
    resume_broadcast(office(stage, WRITER), Seen(broadcast_id))
    pause_broadcast(office(stage, WRITER), Seen(broadcast_id))
    cancel_broadcast(office(stage, WRITER), Seen(broadcast_id))
    stage.deliver()
    stage.pause(600)
    stage.deliver()
    assert "请在" not in graduate.hears
    assert result(stage, broadcast_id, graduate).delivery.reason is Reason.CANCELLED
    assert adds_up(stage, broadcast_id)


def pause_when_running(stage: Stage, broadcast_id: str) -> None:
    """Let the audience be written down, and pause before anything is sent."""
    run_broadcasts(stage.installation.office)
    assert found(stage, broadcast_id).state is BroadcastState.RUNNING
    pause_broadcast(office(stage, WRITER), Seen(broadcast_id))


def test_a_schedule_that_was_missed_asks_first(stage: Stage) -> None:
    graduate = stage.graduate("档案转回生源地")
    graduate.checks()
    draft = write_broadcast(office(stage, WRITER), Message("请确认去向", TEXT), Audience(UNCONFIRMED))
    at = stage.clock() + timedelta(hours=1)
    submit_broadcast(office(stage, WRITER), Seen(draft.id, draft.version), Schedule(at), NoticeRules(1000))
    stage.deliver()
    stage.pause(3 * 3600)
    stage.deliver()
    assert found(stage, draft.id).state is BroadcastState.MISSED
    assert "请在" not in graduate.hears


def test_somebody_who_got_too_many_waits_and_nobody_else_does(raise_stage: Raise) -> None:
    with raise_stage(template=DEMO_TEMPLATE_ID) as stage:
        annoyed, other = stage.graduate("档案转回生源地"), stage.graduate("已有去向，还没有档案信息")
        annoyed.checks()
        other.checks()
        stage.sandbox.annoy(annoyed.phone)
        stage.pause(49 * 3600)
        broadcast_id = started(stage)
        stage.deliver()
        assert "请确认去向" in other.hears
        waiting = result(stage, broadcast_id, annoyed).delivery
        assert (waiting.state, waiting.code) == (DeliveryState.QUEUED, 43117)
        stage.sandbox.annoy(annoyed.phone, annoyed=False)
        stage.pause(16 * 60)
        stage.deliver()
        assert "请确认去向" in annoyed.hears
