"""Managing broadcasts: two people for many recipients, nothing done unseen, and an entry in the log for every step."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.errors import BadValueError, MovedError, RuleError
from bot.notices.audience import UNCONFIRMED, Audience
from bot.notices.broadcast import Broadcast, BroadcastState, Message
from bot.notices.delivery import Channel, DeliveryState, Reason
from bot.notices.results import Result, Which
from bot.notices.scene import Halt
from bot.registration.graduate import Counsellor
from bot.registration.stage import Stage as Place
from bot.staff.audit import Entry
from bot.staff.policy import EVERYONE, Actor, ForbiddenError, Role, Scope
from bot.use_cases.broadcast_results import sight_of, sights, take_results
from bot.use_cases.manage_broadcasts import (
    NoticeRules,
    Schedule,
    Seen,
    approve_broadcast,
    edit_broadcast,
    refuse_broadcast,
    start_broadcast_late,
    submit_broadcast,
    take_back_broadcast,
    write_broadcast,
)
from bot.use_cases.manage_sending import (
    cancel_broadcast,
    lift_halt,
    pause_broadcast,
    resume_broadcast,
    retry_broadcast,
)
from bot.use_cases.preview_broadcast import look_ahead
from bot.use_cases.run_broadcasts import run_broadcasts
from bot.use_cases.staff_changes import NotFoundError, Office
from storage.broadcasts import SqlBroadcasts
from tests.bot import people
from tests.bot.use_cases.stage import Stage

A = Actor("a" * 32, "赵老师", Role.OFFICE)
B = Actor("b" * 32, "钱老师", Role.OFFICE)
COUNSELLOR = Actor("c" * 32, "陈静", Role.COUNSELLOR, "T01")
AUDITOR = Actor("d" * 32, "审计", Role.AUDITOR)
FEW, MANY = NoticeRules(approval_above=100), NoticeRules(approval_above=2)
MESSAGE, ALL = Message("截止提醒", "{姓名}，请在 {截止日期} 前确认。"), Audience(UNCONFIRMED)
State = BroadcastState
Step = Callable[[Office], object]
CHANNELS = frozenset({Channel.SERVICE, Channel.TEMPLATE})


@pytest.fixture
def school(stage: Stage) -> Stage:
    """Six who have not confirmed, the last two not bound, counsellors in turn; and one who has."""
    made = []
    for place in range(6):
        who = people.graduate(f"20230299{place:02}", f"王{'一二三四五六'[place]}", f"1101011990010{place:04}X")
        who = replace(who, counsellor=Counsellor("陈静" if place % 2 == 0 else "李卫", "", f"T0{1 + place % 2}"))
        made.append(people.new_dossier(f"o-{place}" if place < 4 else None, who))
    done = people.confirmed(people.ready("o-done"))
    return stage.set_up(*made, done)


def by(stage: Stage, actor: Actor) -> Office:
    return replace(stage.office, by=actor)


def written(stage: Stage, audience: Audience = ALL, message: Message = MESSAGE) -> Broadcast:
    return write_broadcast(by(stage, A), message, audience)


def seen(broadcast: Broadcast) -> Seen:
    return Seen(broadcast.id, broadcast.version)


def submitted(stage: Stage, rules: NoticeRules = FEW, schedule: Schedule | None = None) -> Broadcast:
    return submit_broadcast(by(stage, A), seen(written(stage)), schedule or Schedule(), rules)


def running(stage: Stage) -> Broadcast:
    broadcast = submitted(stage)
    run_broadcasts(stage.office)
    return stored(stage, broadcast)


def stored(stage: Stage, broadcast: Broadcast) -> Broadcast:
    with stage.work.reading() as uow:
        found = uow.broadcasts.by_id(broadcast.id)
    assert found
    return found


def log(stage: Stage) -> list[Entry]:
    with stage.work.reading() as uow:
        return list(uow.audit.all())


def put(stage: Stage, broadcast: Broadcast, *ends: tuple[DeliveryState, Reason | None]) -> None:
    """Let the deliveries that wait end so, one after the other, as a worker would."""
    with stage.work.writing() as uow:
        ids = uow.ledger.claim("worker", stage.now + timedelta(minutes=1), stage.now, 100)
        for id_, (state, reason) in zip(ids, ends, strict=False):
            scene = uow.ledger.scene(id_, "worker", stage.now)
            assert scene
            assert scene.delivery.broadcast_id == broadcast.id
            uow.ledger.move(replace(scene.delivery, state=state, reason=reason), DeliveryState.LEASED, "worker")
        uow.ledger.release("worker", ids, stage.now)
        uow.commit()


def states(stage: Stage, broadcast: Broadcast) -> dict[tuple[DeliveryState, Reason | None], int]:
    with stage.work.reading() as uow:
        return dict(uow.results.tally(broadcast.id, EVERYONE).counts)


# -- writing ---------------------------------------------------------------------------------------


def test_a_draft_is_checked_stored_and_noted(school: Stage) -> None:
    draft = written(school)
    assert stored(school, draft) == draft
    assert (draft.state, draft.created.name, draft.version) == (State.DRAFT, "赵老师", 1)
    (entry,) = log(school)
    assert (entry.action, entry.subject, entry.details["标题"]) == ("NOTICE_WRITTEN", draft.id, "截止提醒")
    assert entry.details["对象"] == "全校；未确认的"


def test_all_faults_of_a_message_are_told_at_once_and_nothing_is_stored(school: Stage) -> None:
    with pytest.raises(BadValueError, match=r"标题最多 20 个字.*没有 \{性别\} 这个变量.*不能用 \{姓名\}"):
        written(school, message=Message("长" * 21, "{姓名}{性别}", use_mass=True))
    assert log(school) == []


def test_only_those_who_may_send_to_the_whole_school_write(school: Stage) -> None:
    for actor in (COUNSELLOR, AUDITOR):
        with pytest.raises(ForbiddenError):
            write_broadcast(by(school, actor), MESSAGE, ALL)
    draft = written(school)
    steps: Sequence[Step] = [
        lambda office: edit_broadcast(office, seen(draft), MESSAGE, ALL),
        lambda office: submit_broadcast(office, seen(draft), Schedule(), FEW),
        lambda office: approve_broadcast(office, seen(draft)),
        lambda office: refuse_broadcast(office, seen(draft), "不合适"),
        lambda office: take_back_broadcast(office, seen(draft)),
        lambda office: start_broadcast_late(office, seen(draft), None),
        lambda office: pause_broadcast(office, seen(draft)),
        lambda office: resume_broadcast(office, seen(draft)),
        lambda office: cancel_broadcast(office, seen(draft)),
        lambda office: retry_broadcast(office, seen(draft)),
        lambda office: lift_halt(office, None),
        lambda office: look_ahead(office, draft.id, CHANNELS),
    ]
    for step in steps:
        for actor in (COUNSELLOR, AUDITOR):
            with pytest.raises(ForbiddenError):
                step(by(school, actor))
    assert stored(school, draft) == draft


def test_an_edit_says_what_it_changed_and_whoever_wrote_last_is_the_author(school: Stage) -> None:
    draft = written(school)
    other = edit_broadcast(by(school, B), seen(draft), replace(MESSAGE, title="新的标题"), ALL)
    assert (other.created.name, other.created.at) == ("钱老师", draft.created.at)
    assert log(school)[-1].details["改动"] == "标题"
    waiting = submit_broadcast(by(school, A), seen(other), Schedule(), MANY)
    with pytest.raises(RuleError, match="另一位老师"):
        approve_broadcast(by(school, B), seen(waiting))
    assert approve_broadcast(by(school, A), seen(waiting)).state is State.SCHEDULED


def test_of_two_who_edit_the_same_draft_the_second_is_told(school: Stage) -> None:
    draft = written(school)
    edit_broadcast(by(school, A), seen(draft), replace(MESSAGE, title="甲"), ALL)
    with pytest.raises(MovedError):
        edit_broadcast(by(school, B), seen(draft), replace(MESSAGE, title="乙"), ALL)
    assert stored(school, draft).message.title == "甲"


# -- submitting and approving ----------------------------------------------------------------------


@pytest.mark.parametrize(("above", "state"), [(6, State.SCHEDULED), (5, State.AWAITING)])
def test_a_second_person_is_needed_above_the_threshold(school: Stage, above: int, state: State) -> None:
    waiting = submitted(school, NoticeRules(above))
    assert waiting.state is state
    entry = log(school)[-1]
    assert (entry.details["人数"], entry.details["发送"], entry.details["最晚"]) == ("6", "立即", "不限")


def test_what_is_submitted_is_what_was_looked_at(school: Stage) -> None:
    draft = written(school)
    edit_broadcast(by(school, B), seen(draft), replace(MESSAGE, text="别的话"), ALL)
    with pytest.raises(MovedError):
        submit_broadcast(by(school, A), seen(draft), Schedule(), FEW)
    assert stored(school, draft).state is State.DRAFT


def test_what_is_approved_is_what_was_looked_at(school: Stage) -> None:
    waiting = submitted(school, MANY)
    edited = edit_broadcast(by(school, A), seen(waiting), replace(MESSAGE, text="别的话"), ALL)
    again = submit_broadcast(by(school, A), seen(edited), Schedule(), MANY)
    with pytest.raises(MovedError):
        approve_broadcast(by(school, B), seen(waiting))
    assert approve_broadcast(by(school, B), seen(again)).approved
    approval = log(school)[-1].details
    assert approval["内容摘要"] == log(school)[-2].details["内容摘要"], "the log can prove what was approved"


def test_an_edit_after_the_approval_asks_for_another_one(school: Stage) -> None:
    approved = approve_broadcast(
        by(school, B), seen(submitted(school, MANY, Schedule(school.now + timedelta(hours=2))))
    )
    edited = edit_broadcast(by(school, A), seen(approved), MESSAGE, Audience((Place.UNBOUND,)))
    assert (edited.state, edited.approved, edited.scheduled_at) == (State.DRAFT, None, None)


def test_times_that_are_over_and_an_empty_audience_are_refused(school: Stage) -> None:
    soon, past = school.now + timedelta(hours=1), school.now - timedelta(minutes=1)
    draft = written(school)
    for schedule in (Schedule(past), Schedule(None, past), Schedule(soon, past)):
        with pytest.raises(BadValueError, match="已经过了"):
            submit_broadcast(by(school, A), seen(draft), schedule, FEW)
    with pytest.raises(RuleError, match="最晚时间要在发送时间之后"):
        submit_broadcast(by(school, A), seen(draft), Schedule(soon, soon), FEW)
    nobody = written(school, Audience(UNCONFIRMED, college="没有的学院"))
    with pytest.raises(BadValueError, match="一个人也没有"):
        submit_broadcast(by(school, A), seen(nobody), Schedule(), FEW)


def test_a_refusal_gives_the_reason_and_makes_it_a_draft_again(school: Stage) -> None:
    waiting = submitted(school, MANY)
    for reason in ("", " ", "不", "x" * 201, "不\x00行"):
        with pytest.raises(BadValueError, match="原因"):
            refuse_broadcast(by(school, B), seen(waiting), reason)
    refused = refuse_broadcast(by(school, B), seen(waiting), "日期写错了")
    assert (refused.state, refused.said) == (State.DRAFT, "钱老师退回：日期写错了")
    assert log(school)[-1].details["理由"] == "日期写错了"


def test_what_waits_can_be_taken_back(school: Stage) -> None:
    waiting = submitted(school, MANY)
    assert take_back_broadcast(by(school, A), seen(waiting)).state is State.DRAFT


def test_a_missed_schedule_asks_and_starts_only_when_somebody_says_so(school: Stage) -> None:
    late = submitted(school, FEW, Schedule(school.now + timedelta(hours=1)))
    school.now += timedelta(hours=3)
    run_broadcasts(school.office)
    missed = stored(school, late)
    assert missed.state is State.MISSED
    with pytest.raises(BadValueError, match="最晚时间"):
        start_broadcast_late(by(school, A), seen(missed), school.now - timedelta(minutes=1))
    started = start_broadcast_late(by(school, A), seen(missed), school.now + timedelta(hours=1))
    assert (started.state, started.not_after) == (State.RUNNING, school.now + timedelta(hours=1))


# -- while it is sent ------------------------------------------------------------------------------


def test_pause_and_resume_need_no_fresh_page_but_the_right_state(school: Stage) -> None:
    broadcast = running(school)
    unseen = Seen(broadcast.id)
    paused = pause_broadcast(by(school, B), unseen)
    assert paused.said.startswith("钱老师在 2023-06-30")
    with pytest.raises(RuleError, match="已暂停"):
        pause_broadcast(by(school, A), unseen)
    assert resume_broadcast(by(school, A), unseen).state is State.RUNNING
    assert [entry.action for entry in log(school)][-2:] == ["NOTICE_PAUSED", "NOTICE_RESUMED"]


def test_a_latest_time_that_passed_in_the_pause_is_replaced_when_it_goes_on(school: Stage) -> None:
    until = school.now + timedelta(hours=1)
    broadcast = submitted(school, FEW, Schedule(None, until))
    run_broadcasts(school.office)
    pause_broadcast(by(school, A), Seen(broadcast.id))
    assert resume_broadcast(by(school, A), Seen(broadcast.id), None).not_after == until, "it is not over yet"
    pause_broadcast(by(school, A), Seen(broadcast.id))
    school.now += timedelta(hours=2)
    with pytest.raises(BadValueError, match="最晚时间"):
        resume_broadcast(by(school, A), Seen(broadcast.id), until)
    assert resume_broadcast(by(school, A), Seen(broadcast.id), None).not_after is None


def test_cancelling_skips_in_the_same_moment_what_was_not_sent(school: Stage) -> None:
    broadcast = running(school)
    put(school, broadcast, (DeliveryState.ACCEPTED, None))
    cancel_broadcast(by(school, A), Seen(broadcast.id))
    assert states(school, broadcast) == {
        (DeliveryState.ACCEPTED, None): 1,
        (DeliveryState.SKIPPED, Reason.CANCELLED): 3,
        (DeliveryState.SKIPPED, Reason.NOT_BOUND): 2,
    }
    with pytest.raises(RuleError):
        cancel_broadcast(by(school, A), Seen(broadcast.id))


def ended(school: Stage) -> Broadcast:
    """Return one that is done: one each accepted, failed for the time, failed for good, unknown; two not bound."""
    broadcast = running(school)
    put(
        school,
        broadcast,
        (DeliveryState.ACCEPTED, None),
        (DeliveryState.FAILED_TEMP, Reason.BUSY),
        (DeliveryState.FAILED_PERM, Reason.BLOCKED),
        (DeliveryState.UNKNOWN, Reason.NO_ANSWER),
    )
    with school.work.writing() as uow:
        uow.broadcasts.save(broadcast, broadcast.finish(school.now))
        uow.commit()
    return broadcast


@pytest.mark.parametrize("with_unknown", [False, True])
def test_only_the_failed_are_tried_again_and_the_unknown_only_if_that_is_said(
    school: Stage, *, with_unknown: bool
) -> None:
    broadcast = ended(school)
    again = retry_broadcast(by(school, A), Seen(broadcast.id), with_unknown=with_unknown)
    assert (again.state, again.ended_at) == (State.RUNNING, None)
    counts = states(school, broadcast)
    assert counts[DeliveryState.QUEUED, None] == 1 + with_unknown
    assert counts[DeliveryState.FAILED_PERM, Reason.BLOCKED] == 1
    assert log(school)[-1].details["人数"] == str(1 + with_unknown)
    with pytest.raises(RuleError, match="没有可以重试的人"):
        retry_broadcast(by(school, A), Seen(broadcast.id))


def test_nothing_can_be_retried_before_the_start_or_after_a_cancel(school: Stage) -> None:
    draft = written(school)
    for broadcast in (draft, cancel_broadcast(by(school, A), seen(draft))):
        with pytest.raises(RuleError, match="没有可以重试的"):
            retry_broadcast(by(school, A), Seen(broadcast.id))


def test_a_retry_after_the_latest_time_takes_another_one(school: Stage) -> None:
    broadcast = ended(school)
    with school.work.writing() as uow:
        old = stored(school, broadcast)
        uow.broadcasts.save(old, replace(old, not_after=school.now + timedelta(minutes=1)))
        uow.commit()
    school.now += timedelta(hours=1)
    later = school.now + timedelta(hours=1)
    assert retry_broadcast(by(school, A), Seen(broadcast.id), later).not_after == later


def test_whoever_finishes_it_meanwhile_must_look_again(school: Stage) -> None:
    broadcast = running(school)
    put(school, broadcast, (DeliveryState.FAILED_TEMP, Reason.BUSY))
    before = stored(school, broadcast)
    retry_broadcast(by(school, A), Seen(broadcast.id))
    with school.work.writing() as uow, pytest.raises(MovedError):
        uow.broadcasts.save(before, before.finish(school.now))


def test_a_lost_race_is_run_again_where_only_the_state_matters(school: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    broadcast = running(school)
    lost = iter([True, False])
    save = SqlBroadcasts.save

    def once(self: SqlBroadcasts, old: Broadcast, new: Broadcast) -> Broadcast:
        if next(lost):
            raise MovedError
        return save(self, old, new)

    monkeypatch.setattr(SqlBroadcasts, "save", once)
    assert pause_broadcast(by(school, A), Seen(broadcast.id)).state is State.PAUSED


# -- halts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", [None, Channel.TEMPLATE])
def test_a_halt_is_lifted_once_and_noted_and_what_waited_is_due(school: Stage, scope: Channel | None) -> None:
    broadcast, tomorrow = running(school), school.now + timedelta(hours=20)
    with school.work.writing() as uow:
        uow.halts.put(Halt(scope, tomorrow, 45009, "今天的额度用完了", school.now))
        (id_,) = uow.ledger.claim("worker", tomorrow, school.now, 1) or [""]
        uow.commit()
    if id_:
        with school.work.writing() as uow:
            scene = uow.ledger.scene(id_, "worker", school.now)
            assert scene
            held = replace(scene.delivery, state=DeliveryState.QUEUED, next_at=tomorrow, code=45009)
            uow.ledger.move(held, DeliveryState.LEASED, "worker")
            uow.commit()
    lift_halt(by(school, A), scope)
    with school.work.writing() as uow:
        assert uow.halts.all() == []
        assert len(uow.ledger.claim("worker", tomorrow, school.now, 100)) == 4
    entry = log(school)[-1]
    assert (entry.action, entry.details["停用原因"], entry.details["马上再试"]) == (
        "SENDING_RESTORED",
        "今天的额度用完了",
        "1" if id_ else "0",
    )
    with pytest.raises(RuleError, match="已经恢复"):
        lift_halt(by(school, A), scope)
    assert stored(school, broadcast).state is State.RUNNING


# -- looking ahead ---------------------------------------------------------------------------------


def test_looking_ahead_counts_by_reason_and_shows_a_real_message(school: Stage) -> None:
    draft = written(school, Audience(UNCONFIRMED, numbers=("2023029900", "2023029905", people.NUMBER, "999")))
    outlook = look_ahead(by(school, A), draft.id, CHANNELS)
    head = outlook.headcount
    assert (head.asked, head.done, head.audience, head.not_bound, head.reachable) == (3, 1, 2, 1, 1)
    assert head.not_found == ("999",)
    preview = outlook.preview
    assert preview
    assert preview.reply.text == "王一，请在 2023 年 7 月 3 日 前确认。"
    assert (preview.channel, preview.why) == (Channel.TEMPLATE, "不在客服消息的时限内，发模板消息")
    assert preview.size == len(preview.reply.text.encode())


def test_the_preview_tells_of_a_closed_channel_and_of_who_cannot_be_reached(school: Stage) -> None:
    draft = written(school)
    with school.work.writing() as uow:
        uow.halts.put(Halt(None, None, 40164, "服务器地址不在白名单", school.now))
        uow.commit()
    preview = look_ahead(by(school, A), draft.id, CHANNELS).preview
    assert preview
    assert preview.halted == "服务器地址不在白名单"
    unbound = look_ahead(by(school, A), draft.id, CHANNELS, "2023029905").preview
    assert unbound
    assert (unbound.channel, unbound.why) == (None, "还没有登录公众号")
    assert look_ahead(by(school, A), draft.id, CHANNELS, people.NUMBER).preview is None, "who is done is not meant"
    with pytest.raises(NotFoundError):
        look_ahead(by(school, A), "f" * 32, CHANNELS)


def test_mass_messages_count_as_a_way_only_if_this_broadcast_may_use_them(school: Stage) -> None:
    only = frozenset({Channel.MASS})
    for use_mass, channel in ((False, None), (True, Channel.MASS)):
        draft = written(school, message=Message("通知", "请尽快确认。", use_mass=use_mass))
        preview = look_ahead(by(school, A), draft.id, only).preview
        assert preview
        assert preview.channel is channel


def test_the_next_step_is_read_from_the_dossier(school: Stage) -> None:
    draft = written(school, message=Message("通知", "{下一步}"))
    preview = look_ahead(by(school, A), draft.id, CHANNELS).preview
    assert preview
    assert preview.reply.text.startswith("下一步：")


# -- results ---------------------------------------------------------------------------------------


def test_a_counsellor_sees_a_broadcast_once_it_is_for_an_own_student(school: Stage) -> None:
    draft, foreign = written(school), written(school, Audience(UNCONFIRMED, numbers=("2023029901",)))
    with school.work.reading() as uow:
        assert {sight.broadcast.id for sight in sights(uow, A, "2023", 10)[0]} == {foreign.id, draft.id}
        assert sights(uow, COUNSELLOR, "2023", 10) == ([], None)
        with pytest.raises(NotFoundError):
            sight_of(uow, COUNSELLOR, draft.id)
    for one in (draft, foreign):
        submit_broadcast(by(school, A), seen(one), Schedule(), FEW)
    run_broadcasts(school.office)
    with school.work.reading() as uow:
        (sight,), _ = sights(uow, COUNSELLOR, "2023", 10)
        assert (sight.broadcast.id, sight.tally.total) == (draft.id, 3)
        assert sight_of(uow, A, draft.id).tally.total == 6
        for id_ in (foreign.id, "f" * 32):
            with pytest.raises(NotFoundError, match="没有这条通知"):
                sight_of(uow, COUNSELLOR, id_)


def test_the_list_turns_its_pages(school: Stage) -> None:
    made = []
    for _ in range(5):
        school.now += timedelta(minutes=1)
        made.append(written(school).id)
    with school.work.reading() as uow:
        first, more = sights(uow, A, "2023", 3)
        rest, end = sights(uow, A, "2023", 3, more)
    assert [sight.broadcast.id for sight in (*first, *rest)] == made[::-1]
    assert end is None


def _numbers(school: Stage, actor: Actor, which: Which) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []

    def write(results: Iterable[Result]) -> int:
        found.extend((result.student_number, result.mobile) for result in results)
        return len(found)

    assert take_results(by(school, actor), which, write) == len(found)
    return found


def test_results_and_the_telephone_list_stay_in_the_scope_and_are_noted(school: Stage) -> None:
    broadcast = ended(school)
    assert len(_numbers(school, A, Which(broadcast.id, EVERYONE))) == 6
    own = Which(broadcast.id, COUNSELLOR.scope, by_phone=True)
    assert {number for number, _ in _numbers(school, COUNSELLOR, own)} <= {f"20230299{n:02}" for n in (0, 2, 4)}
    entry = log(school)[-1]
    assert (entry.action, entry.details["内容"], entry.subject) == ("NOTICE_EXPORTED", "电话名单", broadcast.id)
    assert "2023029904" not in str(entry.details)


def test_nobody_takes_out_more_than_is_theirs(school: Stage) -> None:
    broadcast = ended(school)
    before = len(log(school))

    def never(_: object) -> int:
        raise AssertionError("a file was written")

    for actor, scope in ((COUNSELLOR, EVERYONE), (COUNSELLOR, Scope("T02")), (AUDITOR, EVERYONE)):
        with pytest.raises(ForbiddenError):
            take_results(by(school, actor), Which(broadcast.id, scope), never)
    with pytest.raises(NotFoundError):
        take_results(by(school, A), Which("f" * 32, EVERYONE), never)
    assert len(log(school)) == before


def test_a_moment_is_told_in_shanghai(school: Stage) -> None:
    at = datetime(2023, 7, 1, 20, 30, tzinfo=people.OPEN.tzinfo)
    submitted(school, FEW, Schedule(at, at + timedelta(hours=1)))
    assert log(school)[-1].details["发送"] == "2023-07-01 20:30"
