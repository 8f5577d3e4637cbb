"""The room of notices: written, checked, approved by a second person, controlled; nothing typed is lost."""

import html
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.conversation.reply import Reply
from bot.notices.audience import UNCONFIRMED, Audience
from bot.notices.broadcast import Broadcast, BroadcastState, Message, Signature
from bot.notices.delivery import Channel, Delivery, DeliveryState, Reason
from bot.notices.scene import Halt
from bot.staff.policy import EVERYONE, Role
from bot.use_cases.manage_broadcasts import NoticeRules
from bot.use_cases.run_broadcasts import run_broadcasts
from handlers.staff.notice_door import NoticeDoor
from handlers.wechat.rendering import render
from storage.notice_tables import mass_batch
from storage.tables import talk
from tests.handlers.staff.stage import Clerk, ConsoleStage
from tests.overhearing import overheard

ROOM = "/staff/broadcasts"
CHANNELS = frozenset({Channel.SERVICE, Channel.TEMPLATE, Channel.MASS})
FORM: Mapping[str, Any] = {
    "do": "check",
    "title": "确认截止提醒",
    "text": "{姓名}，还有 {剩余天数} 天。\n{下一步}",
    "stage": [stage.name for stage in UNCONFIRMED],
}


@pytest.fixture
def office(stage: ConsoleStage) -> Clerk:
    """The office, in a school where more than ten recipients need a second person."""
    NoticeDoor(NoticeRules(10), CHANNELS, render).attach(stage.app)
    return stage.clerk(Role.OFFICE)


@pytest.fixture
def admin(stage: ConsoleStage) -> Clerk:
    """The second person."""
    return stage.clerk(Role.ADMINISTRATOR)


def form(**changed: object) -> dict[str, Any]:
    return {**FORM, **changed}


def draft(clerk: Clerk, **changed: object) -> str:
    """Write a draft and return the address of its page."""
    answer = clerk.post(f"{ROOM}/new", 303, **form(**changed))
    return answer.headers["Location"].removesuffix("/check")


def submit(clerk: Clerk, page: str, status: int = 303, **changed: object) -> str:
    text = clerk.get(f"{page}/check").text
    return clerk.post(f"{page}/submit", status, **{"version": value(text, "version"), "when": "now", **changed}).text


def step(clerk: Clerk, page: str, do: str, status: int = 303, **changed: object) -> str:
    found = re.search(r'name="version" value="(\d+)"', clerk.get(page).text)
    return clerk.post(f"{page}/step", status, **{"do": do, "version": found[1] if found else "", **changed}).text


def value(page: str, name: str) -> str:
    """What stands in a field of the page."""
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    if found is None:
        found = re.search(rf'name="{name}"[^>]*>([^<]*)</textarea>', page)
    assert found, name
    return html.unescape(found[1])


def words(page: str) -> str:
    """The page as it is read."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def stored(stage: ConsoleStage, page: str) -> Broadcast:
    with stage.installation.work.reading() as uow:
        found = uow.broadcasts.by_id(page.rpartition("/")[2])
    assert found
    return found


def sent(stage: ConsoleStage, *ends: tuple[DeliveryState, Reason | None], count: int = 16) -> str:
    """Put a broadcast that runs into the ledger, its deliveries as far as told; return the address of its page."""
    now = stage.now
    writer = Signature(stage.accounts[Role.OFFICE].id, "就业办甲", now)
    made = Broadcast(
        "b" * 32,
        "2023",
        Message("截止提醒", "请尽快确认。"),
        Audience(UNCONFIRMED),
        writer,
        state=BroadcastState.RUNNING,
        started_at=now,
        frozen_at=now,
        size=count,
    )
    waiting = [each for each in stage.dossiers() if int(each.graduate.student_number[-1]) < 8][:count]
    with stage.installation.work.writing() as uow:
        uow.broadcasts.add(made)
        for place, each in enumerate(waiting):
            state, reason = ends[place % len(ends)] if ends else (DeliveryState.QUEUED, None)
            one = Delivery(f"{place:032x}", each.openid or "", "", {}, f"x{place}", now, made.id, each.id, next_at=now)
            uow.notices.add(replace(one, state=state, reason=reason))
        uow.commit()
    return f"{ROOM}/{made.id}"


# -- the form --------------------------------------------------------------------------------------


def test_the_form_begins_with_those_who_have_not_confirmed(office: Clerk) -> None:
    page = office.get(f"{ROOM}/new").text
    assert page.count("checked") == len(UNCONFIRMED)
    assert "{姓名}" in page
    assert "每人每月只能收 4 条群发" in page


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"title": ""}, ["请填写标题"]),
        ({"title": "长" * 21, "text": "{性别}"}, ["标题最多 20 个字", "没有 {性别} 这个变量"]),
        ({"text": "大括号 {"}, ["大括号要成对使用"]),
        ({"day": "下周"}, ["截止日期：日期请写成"]),
        ({"stage": []}, ["请至少选一个办理阶段"]),
        ({"use_mass": "1"}, ["群发的内容对每个人都一样，不能用 {姓名}、{下一步}"]),
        ({"title": "", "text": "", "stage": [], "day": "x"}, ["请填写标题", "请填写正文", "截止日期", "办理阶段"]),
    ],
)
def test_all_that_is_wrong_is_told_at_once_and_nothing_typed_is_lost(
    office: Clerk, wrong: dict[str, object], said: list[str]
) -> None:
    typed = form(**wrong, numbers="2019000001 2019000002", counsellor="T01")
    page = office.post(f"{ROOM}/new", 400, **typed).text
    for sentence in said:
        assert sentence in words(page)
    for name in ("title", "text", "numbers"):
        assert value(page, name) == typed[name]
    assert page.count(" checked") == len(typed["stage"]) + ("use_mass" in wrong)
    assert re.search(r'<option value="T01" selected>', page)


def test_finer_choices_and_the_preset_keep_what_was_typed_and_store_nothing(stage: ConsoleStage, office: Clerk) -> None:
    page = office.post(f"{ROOM}/new", 200, **form(do="options", college="文学院", stage=["UNBOUND"])).text
    assert '<select name="major"' in page
    assert page.count(" checked") == 1
    page = office.post(f"{ROOM}/new", 200, **form(do="options", college="文学院", major="汉语言文学")).text
    assert '<option value="1班">' in page
    page = office.post(f"{ROOM}/new", 200, **form(do="unconfirmed", stage=["VERIFIED"])).text
    assert page.count(" checked") == len(UNCONFIRMED)
    assert value(page, "text") == FORM["text"]
    with stage.installation.work.reading() as uow:
        assert uow.broadcasts.newest("2023", 9) == []


def test_a_draft_can_be_changed_and_of_two_the_second_is_told(stage: ConsoleStage, office: Clerk, admin: Clerk) -> None:
    page = draft(
        office, college="文学院", major="", counsellor="T01", numbers="2019000000，2019000006", day="2023-07-02"
    )
    edit = office.get(f"{page}/edit").text
    assert (value(edit, "title"), value(edit, "numbers")) == (FORM["title"], "2019000000\n2019000006")
    assert value(edit, "day") == "2023-07-02"
    admin.post(f"{page}/edit", 303, **form(title="管理员改的", version=value(edit, "version")))
    overtaken = office.post(f"{page}/edit", 409, **form(title="我改的", version=value(edit, "version"))).text
    assert "管理员甲先保存了" in overtaken
    assert value(overtaken, "title") == "我改的"
    office.post(f"{page}/edit", 303, **form(title="我改的", version=value(overtaken, "version")))
    assert stored(stage, page).message.title == "我改的"


# -- the check -------------------------------------------------------------------------------------


def test_the_check_counts_by_reason_and_shows_the_message_of_a_real_person(office: Clerk) -> None:
    page = draft(office)
    said = words(office.get(f"{page}/check").text)
    for line in ("这个范围的毕业生 20", "不发 −4", "要通知 16", "能找到 14", "还没有登录公众号，进电话名单 2"):
        assert line in said
    assert "钱华晨，还有 5 天。 下一步：" in said
    assert "现在会用 模板消息 不在客服消息的时限内，发模板消息" in said
    assert "事项 确认截止提醒 时间 2023 年 7 月 3 日 23:59" in said


def test_another_person_is_shown_by_a_number_typed_into_the_body(office: Clerk) -> None:
    page = draft(office)
    said = words(office.post(f"{page}/check", 200, number="2019000010").text)
    assert "现在会用 电话名单 还没有登录公众号" in said
    refused = office.post(f"{page}/check", 200, number="2019000009").text
    assert "这个学号不在这次的发送对象里" in refused
    assert value(refused, "number") == "2019000009"


def test_numbers_nobody_has_are_listed(office: Clerk) -> None:
    page = draft(office, numbers="2019000001 999 2019000003")
    said = words(office.get(f"{page}/check").text)
    assert "名单里有 1 个学号没有找到，不会发 999" in said
    assert "要通知 2" in said


def test_a_text_too_long_for_one_message_is_announced_by_a_short_one(stage: ConsoleStage, office: Clerk) -> None:
    NoticeDoor(channels=frozenset({Channel.SERVICE}), render=lambda _: ("一", "二")).attach(stage.app)
    at = int(stage.now.timestamp())
    row = {"openid": "o-console-1", "seq": 1, "following": True, "at": at, "spoke_at": at, "memory": b""}
    with stage.installation.engine.connect() as connection:
        connection.execute(talk.insert().values(row))
    said = words(office.get(f"{draft(office, text='很长的话')}/check").text)
    assert "内容较长" in said
    assert "下次来聊天时 📢 6 月 29 日的通知：很长的话" in said


def test_a_few_go_out_at_once(stage: ConsoleStage, office: Clerk) -> None:
    page = draft(office, college="文学院")
    assert "提交发送" in office.get(f"{page}/check").text
    submit(office, page)
    run_broadcasts(stage.installation.office)
    assert stored(stage, page).state is BroadcastState.RUNNING
    assert "正在发送" in office.get(page).text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"when": "later", "day": "", "hour": "18:00"}, "定时发送要填日期和时间"),
        ({"when": "later", "day": "2023-06-29", "hour": "9:5"}, "发送时间的钟点请写成"),
        ({"when": "later", "day": "2023-06-28", "hour": "18:00"}, "定时发送的时间已经过了"),
        ({"when": "later", "day": "2023-06-30", "hour": "18:00", "until_day": "2023-06-30"}, ""),
        (
            {"when": "later", "day": "2023-06-30", "hour": "18:00", "until_day": "2023-06-30", "until_hour": "17:00"},
            "最晚时间要在发送时间之后",
        ),
        ({"until_day": "2023-06-28"}, "最晚时间已经过了"),
        ({"until_hour": "18:00"}, "最晚时间还要填日期"),
        ({"until_day": "明天"}, "最晚时间：日期请写成"),
    ],
)
def test_a_time_that_cannot_be_is_refused_and_stays_in_the_form(
    stage: ConsoleStage, office: Clerk, typed: dict[str, str], said: str
) -> None:
    page = draft(office, college="文学院")
    answer = submit(office, page, 400 if said else 303, **typed)
    if not said:
        assert stored(stage, page).scheduled_at is not None
        return
    assert said in answer
    assert stored(stage, page).state is BroadcastState.DRAFT
    for name, word in typed.items():
        if name != "when" and (word or name != "day"):
            assert value(answer, name) == word


def test_a_draft_changed_since_the_check_is_not_submitted(stage: ConsoleStage, office: Clerk, admin: Clerk) -> None:
    page = draft(office)
    checked = value(office.get(f"{page}/check").text, "version")
    admin.post(f"{page}/edit", 303, **form(text="别的话", version=checked))
    answer = office.post(f"{page}/submit", 409, version=checked, when="now").text
    assert "这份草稿被改过" in answer
    assert "别的话" in answer
    assert stored(stage, page).state is BroadcastState.DRAFT
    office.post(f"{page}/submit", 303, version=value(answer, "version"), when="now")
    office.post(f"{page}/submit", 409, version=value(answer, "version"), when="now")
    assert "什么时候发" not in admin.get(f"{page}/check").text, (
        "whoever approves looks at the same page, and sends none"
    )
    office.get(f"{page}/edit", 302)
    step(office, page, "cancel")
    office.get(f"{page}/check", 302)


def test_nobody_to_send_to_is_nothing_to_submit(office: Clerk) -> None:
    page = draft(office, college="文学院", numbers="1")
    assert "提交发送" not in office.get(f"{page}/check").text
    assert "一个人也没有" in submit(office, page, 400)


# -- two people ------------------------------------------------------------------------------------


def test_many_need_a_second_person_who_sees_what_there_is_to_approve(
    stage: ConsoleStage, office: Clerk, admin: Clerk
) -> None:
    page = draft(office)
    assert "要通知 16 人，超过 10 人" in office.get(f"{page}/check").text
    submit(office, page)
    own = office.get(page).text
    assert "自己写的不能自己批" in own
    assert "批准，立即发送" not in own
    assert "另一位老师批准" in step(office, page, "approve", 409)
    assert "确认截止提醒" in admin.get(ROOM).text
    assert "去审批" in admin.get(ROOM).text
    step(admin, page, "approve")
    approved = stored(stage, page).approved
    assert approved
    assert approved.name == "管理员甲"
    trail = words(admin.get(page).text)
    assert re.search(r"批准通知 管理员甲.*提交通知 就业办甲.*写通知 就业办甲", trail)


def test_a_refusal_asks_for_the_reason_and_keeps_what_was_typed(
    stage: ConsoleStage, office: Clerk, admin: Clerk
) -> None:
    page = draft(office)
    submit(office, page)
    answer = step(admin, page, "refuse", 400, reason="不")
    assert "请写明退回的原因" in answer
    assert value(answer, "reason") == "不"
    step(admin, page, "refuse", reason="日期写错了")
    assert stored(stage, page).state is BroadcastState.DRAFT
    assert "管理员甲退回：日期写错了" in office.get(page).text
    assert "管理员甲退回：日期写错了" in office.get(f"{page}/check").text


def test_what_was_changed_since_it_was_shown_is_not_approved(stage: ConsoleStage, office: Clerk, admin: Clerk) -> None:
    page = draft(office)
    submit(office, page)
    seen = value(admin.get(page).text, "version")
    step(office, page, "take_back")
    office.post(f"{page}/edit", 303, **form(text="别的话", version=str(stored(stage, page).version)))
    submit(office, page)
    answer = admin.post(f"{page}/step", 409, do="approve", version=seen).text
    assert "刚刚有了变化" in answer
    assert stored(stage, page).state is BroadcastState.AWAITING


def test_a_missed_schedule_stands_on_top_and_starts_only_by_a_click(stage: ConsoleStage, office: Clerk) -> None:
    page = draft(office, college="文学院")
    submit(office, page, when="later", day="2023-06-29", hour="18:00")
    stage.now += timedelta(days=1)
    run_broadcasts(stage.installation.office)
    office = stage.clerk(Role.OFFICE)
    assert "错过了时间" in words(office.get(ROOM).text)
    refused = step(office, page, "start_late", 400, until_day="2023-06-29")
    assert value(refused, "until_day") == "2023-06-29"
    step(office, page, "start_late", until_day="2023-06-30", until_hour="20:00")
    assert stored(stage, page).state is BroadcastState.RUNNING


# -- control ---------------------------------------------------------------------------------------


def test_pausing_resuming_cancelling_and_what_each_state_offers(stage: ConsoleStage, office: Clerk) -> None:
    page = sent(stage, (DeliveryState.ACCEPTED, None), (DeliveryState.QUEUED, None))
    for do, state, offered in (
        ("pause", BroadcastState.PAUSED, "继续发送"),
        ("resume", BroadcastState.RUNNING, "暂停"),
        ("cancel", BroadcastState.CANCELLED, "通知已取消"),
    ):
        step(office, page, do)
        assert stored(stage, page).state is state
        assert offered in office.get(page).text
    assert "确定取消" not in office.get(page).text
    assert "已取消" in step(office, page, "pause", 409)
    office.post(f"{page}/step", 400, do="explode")


def test_a_retry_of_the_unknown_needs_the_tick_that_says_twice(stage: ConsoleStage, office: Clerk) -> None:
    page = sent(stage, (DeliveryState.FAILED_TEMP, Reason.BUSY), (DeliveryState.UNKNOWN, Reason.NO_ANSWER))
    assert "会收到第二遍" in office.get(page).text
    step(office, page, "retry")
    with stage.installation.work.reading() as uow:
        tally = uow.results.tally(stored(stage, page).id, EVERYONE)
    assert (tally.of(DeliveryState.QUEUED), tally.of(DeliveryState.UNKNOWN)) == (8, 8)
    assert "没有可以重试的人" in step(office, page, "retry", 409)
    step(office, page, "retry", unknown="1")
    with stage.installation.work.reading() as uow:
        assert uow.results.tally(stored(stage, page).id, EVERYONE).of(DeliveryState.QUEUED) == 16


def test_a_closed_channel_says_why_and_is_opened_by_a_click(stage: ConsoleStage, office: Clerk) -> None:
    with stage.installation.work.writing() as uow:
        uow.halts.put(Halt(None, None, 0, "数据库恢复过备份", stage.now))
        uow.halts.put(Halt(Channel.TEMPLATE, stage.now + timedelta(hours=9), 45009, "今天的额度用完了", stage.now))
        uow.halts.put(Halt(Channel.SERVICE, stage.now - timedelta(hours=9), -1, "早就过去了", stage.now))
        uow.commit()
    page = words(office.get(ROOM).text)
    assert "全部渠道停用了 ，要有人点恢复才会再发 数据库恢复过备份" in page
    assert "今天的额度用完了（错误码 45009）" in page
    assert "早就过去了" not in page
    office.post(f"{ROOM}/halts", 303, scope="ALL")
    office.post(f"{ROOM}/halts", 303, scope="TEMPLATE")
    assert "等着处理" not in office.get(ROOM).text
    office.post(f"{ROOM}/halts", 409, scope="ALL")
    office.post(f"{ROOM}/halts", 400, scope="SMOKE")


def test_a_silent_worker_and_a_closed_channel_are_told_on_the_page(stage: ConsoleStage, office: Clerk) -> None:
    page = sent(stage)
    assert "后台好像没有在运行" in office.get(page).text
    with stage.installation.work.writing() as uow:
        uow.beats.beat(stage.now)
        uow.halts.put(Halt(Channel.SERVICE, None, 40164, "服务器地址不在白名单", stage.now))
        uow.commit()
    text = office.get(page).text
    assert "后台好像没有在运行" not in text
    assert "客服消息停用中：服务器地址不在白名单" in text


def test_the_numbers_add_up_and_are_the_same_on_page_and_in_the_live_answer(stage: ConsoleStage, office: Clerk) -> None:
    page = sent(
        stage,
        (DeliveryState.ACCEPTED, None),
        (DeliveryState.SKIPPED, Reason.NOT_BOUND),
        (DeliveryState.FAILED_TEMP, Reason.BUSY),
        (DeliveryState.QUEUED, None),
    )
    text = office.get(page).text
    cells = {key: int(count) for key, count in re.findall(r'data-row="([A-Z_.]+)">(\d+)<', text)}
    live = office.get(f"{page}/numbers").get_json()
    assert live["rows"] == cells == {"QUEUED": 4, "ACCEPTED": 4, "FAILED_TEMP.BUSY": 4, "SKIPPED.NOT_BOUND": 4}
    assert live["total"] == sum(cells.values()) == 16
    assert sum(part[0] for part in live["parts"].values()) == 16
    assert f'data-version="{live["version"]}"' in text
    assert "connect-src 'self'" in office.get(page).headers["Content-Security-Policy"]


def test_mass_batches_show_what_the_platform_counted(stage: ConsoleStage, office: Clerk) -> None:
    page = sent(stage)
    row = {column.name: None for column in mass_batch.c} | {
        "id": "a" * 32,
        "broadcast_id": "b" * 32,
        "state": DeliveryState.ACCEPTED.name,
        "size": 2,
        "created_at": stage.now,
        "attempts": 1,
        "message_id": "1",
        "code": 0,
        "counts": '{"TotalCount": 2, "FilterCount": 2, "SentCount": 1, "ErrorCount": 1}',
        "lease_owner": "",
    }
    with stage.installation.engine.connect() as connection:
        connection.execute(mass_batch.insert().values(row))
    said = words(office.get(page).text)
    assert "群发批次" in said
    assert "微信已接收 2 1 0 1" in said


# -- how much it costs -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/" + "b" * 32, "/" + "b" * 32 + "/numbers", "/" + "b" * 32 + "/results"])
def test_pages_ask_the_database_as_often_for_many_recipients_as_for_few(
    stage: ConsoleStage, office: Clerk, path: str
) -> None:
    def statements() -> int:
        with overheard(stage.installation.engine) as asked:
            office.get(ROOM + path)
        return len(asked)

    sent(stage, (DeliveryState.ACCEPTED, None), count=2)
    few = statements()
    others = [each for each in stage.dossiers() if int(each.graduate.student_number[-1]) < 8][2:]
    with stage.installation.work.writing() as uow:
        for place, each in enumerate(others):
            one = Delivery(f"{place + 50:032x}", "o", "", {}, f"y{place}", stage.now, "b" * 32, each.id)
            uow.notices.add(replace(one, state=DeliveryState.ACCEPTED))
        uow.commit()
    assert statements() == few < 20


def test_the_list_turns_its_pages(stage: ConsoleStage, office: Clerk) -> None:
    for place in range(17):
        stage.now += timedelta(seconds=1)
        draft(office, title=f"第 {place} 条", college="文学院")
    first = office.get(ROOM).text
    assert first.count('class="title"') == 15
    more = re.search(r'href="(/staff/broadcasts\?before=\d+)"', first)
    assert more
    second = office.get(more[1]).text
    assert second.count('class="title"') == 2
    assert "第 0 条" in second
    office.get(f"{ROOM}?before=x")


def test_the_door_has_a_shape_of_its_own_where_nobody_attached_one() -> None:
    assert NoticeDoor().render(Reply("一")) == ("一",)
    assert NoticeDoor(channels=frozenset({Channel.SERVICE})).has_mass is False
