"""The calendar speaks once, at a decent hour, in the words staff have set, to those whom it is about."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from bot.conversation.wording import notice_reply
from bot.errors import BadValueError, MovedError
from bot.notices.audience import UNCONFIRMED, Audience
from bot.notices.broadcast import Broadcast, BroadcastState
from bot.notices.delivery import Delivery
from bot.notices.planned import Planned, PlannedNotice
from bot.registration.dossier import Dossier
from bot.registration.season import SHANGHAI, Season
from bot.registration.verification import Subject
from bot.staff.audit import Entry
from bot.staff.deed import Action
from bot.staff.policy import Actor, ForbiddenError, Role
from bot.use_cases import plan_notices as planning
from bot.use_cases.plan_notices import plan_notices, save_planned
from bot.use_cases.run_broadcasts import run_broadcasts
from bot.use_cases.staff_changes import change
from tests.bot import people
from tests.bot.use_cases.stage import Stage

OPENS, CLOSES, ENDS = people.SEASON.opens, people.SEASON.closes, date(2023, 7, 16)
DAY = timedelta(days=1)
TEACHER = Actor("a" * 32, "张老师", Role.OFFICE)


def at(day: date, hour: int = 9, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), SHANGHAI)


def plan(stage: Stage, moment: datetime) -> int:
    stage.now = moment
    return plan_notices(stage.office)


def broadcasts(stage: Stage) -> Sequence[Broadcast]:
    with stage.work.reading() as uow:
        return uow.broadcasts.in_states(list(BroadcastState))


def planned(stage: Stage, kind: Planned) -> PlannedNotice:
    with stage.work.reading() as uow:
        return next(notice for notice in uow.planned_notices.of(people.SEASON.id) if notice.kind is kind)


def put(stage: Stage, kind: Planned, **parts: object) -> None:
    old = planned(stage, kind)
    new = replace(old, **parts)  # type: ignore[arg-type]  # the values fit
    save_planned(replace(stage.office, by=TEACHER), old, new)


def move_window(stage: Stage, season: Season) -> None:
    with stage.work.writing() as uow:
        uow.seasons.save(season)
        uow.commit()


def told(stage: Stage) -> list[Delivery]:
    return [one for one in stage.notices() if one.key == "notice.plain"]


def said(delivery: Delivery) -> str:
    return notice_reply(delivery).text


def entries(stage: Stage) -> Sequence[Entry]:
    with stage.work.reading() as uow:
        return uow.audit.of(people.SEASON.id, 9)


# -- the window ----------------------------------------------------------------------------------------


def test_without_a_season_there_is_nothing_to_plan(stage: Stage) -> None:
    assert plan(stage, at(OPENS)) == 0


@pytest.mark.parametrize(
    ("day", "kind"),
    [(OPENS, Planned.WINDOW_OPENS), (CLOSES - 2 * DAY, Planned.THREE_DAYS_LEFT), (CLOSES, Planned.LAST_DAY)],
)
def test_on_its_day_a_notice_becomes_one_broadcast_to_whoever_has_not_confirmed(
    stage: Stage, day: date, kind: Planned
) -> None:
    stage.set_up(people.ready())
    assert plan(stage, at(day, 9, 1)) == 1
    assert plan(stage, at(day, 9, 6)) == 0, "once"
    (made,) = broadcasts(stage)
    notice = planned(stage, kind)
    assert (made.message.title, made.message.text) == (notice.title, notice.text)
    assert (made.message.day, made.message.use_mass) == (None, False)
    assert made.audience == Audience(UNCONFIRMED)
    assert (made.state, made.approved) == (BroadcastState.SCHEDULED, None)
    assert (made.scheduled_at, made.not_after) == (at(day), at(day, 21))
    assert (made.created.account_id, made.created.name) == ("system", "系统")
    assert made.planned == f"2023:{kind.name}:{day}"


@pytest.mark.parametrize("moment", [at(OPENS, 0), at(OPENS, 8, 59), at(OPENS, 21), at(OPENS + DAY), at(OPENS - DAY)])
def test_at_night_and_on_other_days_nothing_is_planned(stage: Stage, moment: datetime) -> None:
    stage.set_up(people.ready())
    assert plan(stage, moment) == 0


def test_it_starts_by_itself_and_is_written_down_for_those_it_is_about(stage: Stage) -> None:
    other = replace(people.graduate("2023010102"), identity_number=people.graduate().identity_number)
    stage.set_up(people.ready(), people.confirmed(replace(people.ready("oOther"), graduate=other)))
    plan(stage, at(OPENS, 9, 3))
    run_broadcasts(stage.office)
    (made,) = broadcasts(stage)
    assert (made.state, made.size) == (BroadcastState.RUNNING, 1)


def test_planned_too_late_it_asks_before_it_starts(stage: Stage) -> None:
    stage.set_up(people.ready())
    assert plan(stage, at(OPENS, 14)) == 1
    run_broadcasts(stage.office)
    assert [made.state for made in broadcasts(stage)] == [BroadcastState.MISSED]


def test_a_window_that_is_moved_is_announced_again_on_its_new_day(stage: Stage) -> None:
    stage.set_up(people.ready())
    assert plan(stage, at(CLOSES)) == 1
    move_window(stage, replace(people.SEASON, closes=CLOSES + 4 * DAY))
    assert plan(stage, at(CLOSES + DAY)) == 0
    assert plan(stage, at(CLOSES + 2 * DAY)) == 1
    assert plan(stage, at(CLOSES + 4 * DAY)) == 1
    names = [made.planned.split(":")[1] for made in broadcasts(stage)]
    assert names == ["LAST_DAY", "THREE_DAYS_LEFT", "LAST_DAY"]


def test_in_a_short_window_there_is_one_message_a_day(stage: Stage) -> None:
    stage.set_up(people.ready())
    move_window(stage, replace(people.SEASON, opens=CLOSES))
    assert [plan(stage, at(CLOSES, hour)) for hour in range(24)] == [int(hour == 9) for hour in range(24)]
    assert [made.planned for made in broadcasts(stage)] == [f"2023:LAST_DAY:{CLOSES}"]


def test_what_is_switched_off_is_not_sent(stage: Stage) -> None:
    stage.set_up(people.ready())
    put(stage, Planned.WINDOW_OPENS, is_on=False)
    assert plan(stage, at(OPENS)) == 0
    put(stage, Planned.WINDOW_OPENS, is_on=True, title="开始了", text="{姓名}，来确认。")
    assert plan(stage, at(OPENS)) == 1
    assert [made.message.text for made in broadcasts(stage)] == ["{姓名}，来确认。"]


# -- verifications that end ----------------------------------------------------------------------------


def test_two_days_before_a_verification_ends_its_holder_is_told_once(stage: Stage) -> None:
    stage.set_up(people.verified(ENDS))
    assert plan(stage, at(ENDS - 2 * DAY, 20)) == 0
    assert plan(stage, at(ENDS - DAY)) == 1
    assert plan(stage, at(ENDS - DAY, 9, 5)) == 0
    assert plan(stage, at(ENDS)) == 0
    (one,) = told(stage)
    assert said(one) == (
        "王小明你好，你的档案信息核验（编号 23127150）将在 2023-07-16 23:59:59 到期。"
        "手续还没办完的话，回复“延长”；已经办完就不用管了。"
    )
    assert (one.openid, one.graduate_id) == (people.OPENID, stage.dossier().id)


def test_after_an_extension_it_is_said_again(stage: Stage) -> None:
    stage.set_up(people.verified(ENDS))
    plan(stage, at(ENDS - DAY))

    def extend(dossier: Dossier, season: Season, now: datetime) -> Dossier:
        return dossier.extend(Subject.ARCHIVE, ENDS + 10 * DAY, season, now)

    change(stage.office, people.NUMBER, extend)
    assert plan(stage, at(ENDS)) == 0
    assert plan(stage, at(ENDS + 9 * DAY)) == 1


def test_both_verifications_of_one_graduate_are_told(stage: Stage) -> None:
    base = replace(people.verified(ENDS), household=people.MOVED)
    base = people.confirmed(base)
    both = tuple(people.verification(base, ENDS, subject) for subject in Subject)
    stage.set_up(replace(base, verifications=both))
    assert plan(stage, at(ENDS)) == 2
    assert {one.data["text"][8:12] for one in told(stage)} == {"档案信息", "户口信息"}


@pytest.mark.parametrize("hour", [0, 8, 21, 23])
def test_nobody_is_woken(stage: Stage, hour: int) -> None:
    stage.set_up(people.verified(ENDS))
    assert plan(stage, at(ENDS, hour)) == 0


def test_who_need_not_know_is_not_told(stage: Stage) -> None:
    stage.set_up(
        replace(people.verified(ENDS), openid=None),
        _other(2, issued_at=at(ENDS - DAY, 20)),
        _other(3, closed_at=at(ENDS - DAY)),
        _other(4, digest="0" * 64),
    )
    assert plan(stage, at(ENDS)) == 0


def _other(number: int, **parts: object) -> Dossier:
    who = people.graduate(f"202301010{number}")
    base = replace(people.confirmed(replace(people.ready(f"o{number}"), graduate=who)), real_person_at=people.OPEN)
    own = replace(people.verification(base, ENDS), id=f"{number:032}", number=f"{number:08}")
    return replace(base, verifications=(replace(own, **parts),))  # type: ignore[arg-type]  # the values fit


def test_many_are_told_piece_by_piece(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "PIECE", 2)
    stage.set_up(*(_other(number) for number in range(5)))
    assert plan(stage, at(ENDS)) == 5
    assert plan(stage, at(ENDS, 10)) == 0


def test_switched_off_nobody_is_told(stage: Stage) -> None:
    stage.set_up(people.verified(ENDS))
    put(stage, Planned.VERIFICATION_ENDS, is_on=False)
    assert plan(stage, at(ENDS)) == 0


def test_it_is_said_in_staffs_own_words_and_nothing_becomes_a_link(stage: Stage) -> None:
    stage.set_up(people.verified(ENDS))
    text = "@chsi 点我\n{姓名}（{学院}）：{核验项目}到 {截止日期}，还有 {剩余天数} 天。{下一步}"
    put(stage, Planned.VERIFICATION_ENDS, text=text)
    plan(stage, at(ENDS - DAY))
    (one,) = told(stage)
    reply = notice_reply(one)
    assert reply.links == ()
    assert reply.text == (
        "＠chsi 点我\n王小明（文学院）：档案信息到 2023 年 7 月 16 日，还有 2 天。"
        "都办好了，把核验编号或二维码交给接收单位就可以。"
    )


# -- staff ---------------------------------------------------------------------------------------------


def test_a_change_stands_in_the_audit_log(stage: Stage) -> None:
    stage.set_up()
    old = planned(stage, Planned.LAST_DAY)
    put(stage, Planned.LAST_DAY, is_on=False, title="今天截止")
    assert planned(stage, Planned.LAST_DAY) == replace(old, is_on=False, title="今天截止", version=1)
    (entry,) = entries(stage)
    assert (entry.action, entry.actor_name) == (Action.PLANNED_SAVED.name, "张老师")
    assert entry.details == {
        "计划通知": "最后一天",
        "是否发送": "开 → 关",
        "标题": "去向登记确认今天截止 → 今天截止",
    }


def test_saving_what_is_the_same_does_nothing(stage: Stage) -> None:
    stage.set_up()
    put(stage, Planned.LAST_DAY, title=" 去向登记确认今天截止 ")
    assert planned(stage, Planned.LAST_DAY).version == 0
    assert entries(stage) == []


def test_who_may_not_send_notices_may_not_set_them(stage: Stage) -> None:
    stage.set_up()
    old = planned(stage, Planned.LAST_DAY)
    for role in (Role.COUNSELLOR, Role.AUDITOR):
        office = replace(stage.office, by=replace(TEACHER, role=role))
        with pytest.raises(ForbiddenError):
            save_planned(office, old, replace(old, is_on=False))


def test_words_that_cannot_be_sent_are_not_saved(stage: Stage) -> None:
    stage.set_up()
    with pytest.raises(BadValueError, match="核验编号"):
        put(stage, Planned.LAST_DAY, text="{核验编号}")
    assert planned(stage, Planned.LAST_DAY).version == 0


def test_what_somebody_else_changed_meanwhile_is_not_written_over(stage: Stage) -> None:
    stage.set_up()
    old = planned(stage, Planned.LAST_DAY)
    put(stage, Planned.LAST_DAY, title="一")
    with pytest.raises(MovedError):
        save_planned(stage.office, old, replace(old, title="二"))
    assert len(entries(stage)) == 1
