"""The corridor (接收消息): exactly once, whatever is pushed again, races, or comes at the wrong moment."""

from dataclasses import replace
from datetime import timedelta

from bot.conversation.incoming import Incoming, Kind
from bot.conversation.reply import Rendered
from bot.conversation.talk import SEEN
from bot.conversation.texts import texts
from bot.registration.archive import ArchiveStatus
from bot.use_cases.receive_message import PATIENCE, receive_message
from bot.use_cases.staff_changes import approve_archive, replace_school_data
from tests.bot import people
from tests.bot.use_cases.stage import Phone, Stage, at_home
from tests.bot.use_cases.test_rules import CONFIRM, data_of
from tests.telling import message


def again(phone: Phone) -> Rendered:
    """Let the platform push the last message once more."""
    assert phone.last is not None
    return receive_message(phone.stage.desk, phone.last)


def stored(stage: Stage) -> tuple[object, ...]:
    with stage.work.reading() as uow:
        opened = uow.talks.open(people.OPENID)
    return opened.talk, opened.dossier


def test_a_push_repeated_gets_the_same_bytes_and_changes_nothing(stage: Stage) -> None:
    phone = at_home(stage, people.ready())
    for words in ("确认", CONFIRM, "我已完成", "一周", "核验", "重新生成", "一个月", "胡说", "返回", "进度"):
        shown = phone.send(Kind.TEXT, words)
        before = stored(stage)
        stage.now = stage.now.replace(second=59)
        assert again(phone) == shown
        assert stored(stage) == before
    assert len(stage.dossier().verifications) == 2


def test_a_push_repeated_after_later_messages_still_gets_its_own_answer(stage: Stage) -> None:
    phone = at_home(stage, people.ready())
    shown = phone.send(Kind.TEXT, "确认")
    early = phone.last
    assert early is not None
    for _ in range(SEEN - 1):
        phone.say("帮助")
    assert receive_message(stage.desk, early) == shown
    assert not stage.dossier().is_confirmed


def test_unbinding_forgets_the_chat_and_its_push_repeated_is_still_answered(stage: Stage) -> None:
    phone = at_home(stage, people.ready())
    phone.say("档案", "解除绑定")
    shown = phone.send(Kind.TEXT, "确认解除")
    assert "已解除绑定" in shown.text
    assert again(phone) == shown
    assert stage.dossier().openid is None
    with stage.work.reading() as uow:
        talk = uow.talks.open(people.OPENID).talk
    assert (talk.consent, talk.answers, talk.asked) == (0, (), 0)
    assert "是否同意" in phone.say("1")
    assert "登录成功" in phone.say("同意", people.NUMBER, "王小明", people.TAIL)


def test_unfollowing_takes_binding_and_chat_away_in_silence_and_leaves_the_registration(stage: Stage) -> None:
    phone = at_home(stage, people.ready())
    phone.say("确认", CONFIRM)
    assert phone.send(Kind.UNFOLLOW) == Rendered("", int(stage.now.timestamp()))
    assert again(phone).text == ""
    with stage.work.reading() as uow:
        opened = uow.talks.open(people.OPENID)
    assert opened.dossier is None
    assert opened.talk.seq == 0
    assert stage.dossier().is_confirmed
    phone.send(Kind.FOLLOW)
    assert "欢迎关注" in phone.text
    assert "是否同意" in phone.text


def test_an_unfollow_that_is_told_late_says_nothing_about_who_has_come_back_since(stage: Stage) -> None:
    phone = at_home(stage, people.ready())
    left = Incoming("left", people.OPENID, int(stage.now.timestamp()), Kind.UNFOLLOW)
    stage.now += timedelta(minutes=1)
    phone.say("进度")
    assert receive_message(stage.desk, left).text == ""
    assert stage.dossier().openid == people.OPENID


def test_who_loses_the_binding_is_not_told_later_what_was_still_to_be_told(stage: Stage) -> None:
    phone = at_home(stage, people.ready())
    hold(stage, "notice.plain", text="核验（编号 23127150）快到期了")
    phone.send(Kind.UNFOLLOW)
    phone.send(Kind.FOLLOW)
    assert "23127150" not in phone.text
    phone.say("同意", people.NUMBER, "王小明", people.TAIL)
    hold(stage, "notice.correction_applied")
    other = stage.phone("oOther")
    other.say("你好", "同意", people.NUMBER, "王小明", people.TAIL, "换绑到这个微信")
    assert "信息有误已更正" not in phone.say("你好")
    assert [notice.key for notice in stage.notices()] == ["notice.rebound"]


def test_receipts_are_met_with_silence_and_stored_nowhere(stage: Stage) -> None:
    phone = at_home(stage, people.ready())
    before = stored(stage)
    assert phone.send(Kind.QUIET).text == ""
    assert stored(stage) == before


def test_before_any_season_is_set_up_everybody_gets_a_polite_sentence(stage: Stage) -> None:
    phone = stage.phone()
    assert "还没有开通" in phone.say("你好")
    assert phone.send(Kind.UNFOLLOW).text == ""


def test_of_two_racing_messages_both_are_answered_and_neither_is_lost(stage: Stage) -> None:
    stage.set_up(replace(people.new_dossier(), chsi_bound=None))
    phone = stage.phone()
    phone.say("你好", "同意", people.NUMBER, "王小明")
    # While CHSI is asked for the first message, a second one of the same account is handled completely.
    racing = Incoming("racing", people.OPENID, int(stage.now.timestamp()) + 1, Kind.TEXT, "帮助")
    stage.chsi.meanwhile = lambda: receive_message(stage.desk, racing)
    text = phone.say(people.TAIL)
    assert "登录成功" in text
    assert stage.chsi.asked == 2
    with stage.work.reading() as uow:
        talk = uow.talks.open(people.OPENID).talk
    assert talk.stored_reply("racing") is not None


def test_the_same_message_pushed_while_it_is_being_handled_has_one_effect_and_one_answer(stage: Stage) -> None:
    stage.set_up(replace(people.new_dossier(), chsi_bound=None))
    phone = stage.phone()
    phone.say("你好", "同意", people.NUMBER, "王小明")
    incoming = Incoming("once", people.OPENID, int(stage.now.timestamp()) + 1, Kind.TEXT, people.TAIL)
    answers: list[Rendered] = []
    stage.chsi.meanwhile = lambda: answers.append(receive_message(stage.desk, incoming))
    answers.append(receive_message(stage.desk, incoming))
    assert answers[0] == answers[1]
    assert stage.dossier().version == 1


def test_a_message_overtaken_by_its_own_push_with_no_time_left_gets_the_answer_that_was_stored(stage: Stage) -> None:
    stage.set_up(replace(people.new_dossier(), chsi_bound=None))
    phone = stage.phone()
    phone.say("你好", "同意", people.NUMBER, "王小明")
    incoming = Incoming("once", people.OPENID, int(stage.now.timestamp()) + 1, Kind.TEXT, people.TAIL)
    answers: list[Rendered] = []

    def overtake() -> None:
        answers.append(receive_message(stage.desk, incoming))
        stage.now += 2 * PATIENCE

    stage.chsi.meanwhile = overtake
    answers.append(receive_message(stage.desk, incoming))
    assert "登录成功" in answers[0].text
    assert answers[1] == answers[0]


def test_a_message_overtaken_by_another_with_no_time_left_asks_to_be_sent_again(stage: Stage) -> None:
    stage.set_up(replace(people.new_dossier(), chsi_bound=None))
    phone = stage.phone()
    phone.say("你好", "同意", people.NUMBER, "王小明")
    racing = Incoming("racing", people.OPENID, int(stage.now.timestamp()) + 1, Kind.TEXT, "帮助")

    def overtake() -> None:
        receive_message(stage.desk, racing)
        stage.now += 2 * PATIENCE

    stage.chsi.meanwhile = overtake
    assert phone.say(people.TAIL) == texts()["error.busy"]
    assert "登录成功" in phone.say(people.TAIL)


def test_staff_and_graduate_at_the_same_moment_nothing_is_confirmed_unseen(stage: Stage) -> None:
    phone = at_home(stage, people.ready())
    phone.say("确认")
    other = replace(people.DESTINATION, unit="另一家公司")
    replace_school_data(stage.office, people.NUMBER, lambda d: data_of(d, destination=other))
    text = phone.say(CONFIRM)
    assert "刚刚有更新" in text
    assert "另一家公司" in text
    assert not stage.dossier().is_confirmed
    phone.say(CONFIRM)
    assert stage.dossier().is_confirmed


def test_a_message_that_overtook_another_is_not_undone_by_it(stage: Stage) -> None:
    phone = at_home(stage, people.new_dossier())
    phone.say("档案", "1", "3", "示例市人才服务中心")
    late = Incoming("late", people.OPENID, int(stage.now.timestamp()) - 3, Kind.TEXT, "重新开始")
    assert "到得晚了" in phone.push(late).text
    assert "详细地址" in phone.text


def hold(stage: Stage, key: str, **data: str) -> None:
    notice = replace(message(key, people.OPENID, key, stage.now, data), to_show=True)
    with stage.work.writing() as uow:
        assert uow.notices.add(notice)
        uow.commit()


def test_held_notices_come_with_the_next_answer_once_and_do_not_repeat_its_next_step(stage: Stage) -> None:
    phone = at_home(stage, people.ready())
    hold(stage, "notice.archive_approved", next_step="下一步：这是旧的。")
    text = phone.say("进度")
    assert text.startswith("✅ 你的档案信息已通过审核。\n\n王小明的办理进度")
    assert text.count("下一步：") == 1
    assert "这是旧的" not in text
    assert "通过审核" not in phone.say("进度")


def test_a_held_notice_whose_sentence_is_gone_since_a_deploy_disturbs_nothing(stage: Stage) -> None:
    phone = at_home(stage, people.ready())
    hold(stage, "notice.gone")
    hold(stage, "notice.plain", text="核验（编号 23127150）快到期了")
    text = phone.say("进度")
    assert "编号 23127150" in text
    assert "办理进度" in text


def test_a_long_answer_comes_page_by_page_and_each_page_again_when_pushed_again(stage: Stage) -> None:
    entry = people.ready().archive
    assert entry.items is not None
    long = replace(entry.items, unit="单" * 80, address="址" * 120, contact="科" * 40)
    other = replace(people.DESTINATION, unit="企" * 100, place="地" * 60, post="职" * 40)
    dossier = replace(people.ready(), archive=replace(entry, items=long), destination=other)
    phone = at_home(stage, dossier)
    first = phone.send(Kind.TEXT, "确认")
    assert len(first.text.encode()) <= 2000
    assert CONFIRM not in phone.text
    second = phone.send(Kind.TEXT, "继续")
    assert again(phone) == second
    assert CONFIRM in phone.text
    phone.tap(CONFIRM)
    assert stage.dossier().is_confirmed


def test_nobody_confirms_a_page_not_yet_read(stage: Stage) -> None:
    other = replace(people.DESTINATION, unit="企" * 300, place="地" * 60, post="职" * 40)
    household = replace(people.MOVED, address="户" * 120)
    phone = at_home(stage, replace(people.ready(), destination=other, household=household))
    phone.say("确认", CONFIRM)
    assert not stage.dossier().is_confirmed
    phone.say(CONFIRM)
    assert stage.dossier().is_confirmed


def test_what_staff_forbade_meanwhile_is_told_in_a_sentence(stage: Stage) -> None:
    phone = at_home(stage, people.new_dossier())
    block = "单位：示例市人才服务中心\n地址：示例市学府路1号\n邮编：010010\n联系人：档案科\n电话：0512-62881234"
    phone.say("档案", "1", "3", block)
    replace_school_data(stage.office, people.NUMBER, lambda d: data_of(d, archive=people.ready().archive))
    text = phone.say("提交")
    assert "刚刚有更新" in text
    assert "档案信息：已通过" in phone.say("进度")


def test_a_block_of_archive_items_is_understood_at_the_board_too(stage: Stage) -> None:
    phone = at_home(stage, people.new_dossier())
    text = phone.say("单位：示例市人才服务中心；地址：示例市学府路1号；邮编：01001；电话：0512-62881234")
    assert "收到 3 项" in text
    assert "需要再填：邮编" in text
    assert "请核对要提交的档案信息" in phone.say("1", "3", "010010", "档案科")


def test_a_graduate_who_never_answers_anything_right_is_shown_whom_to_ask(stage: Stage) -> None:
    phone = at_home(stage, people.new_dossier())
    assert "李老师" in phone.say("档案", "嗯嗯", "哈哈哈", "呃")


def test_words_of_hostile_people_come_back_harmless(stage: Stage) -> None:
    phone = at_home(stage, people.new_dossier())
    phone.say("信息有误", "其他", '<a href="x">]]></a> {name} @chsi 😀\x00\u202e')
    assert '<a href="x">' not in phone.shown.text
    phone.say("提交")
    approve = stage.dossier().correction
    assert approve is not None
    assert "{name}" in approve.items[0][1]


def test_approval_opens_the_confirmation_while_the_graduate_waits(stage: Stage) -> None:
    phone = at_home(stage, people.with_archive(people.ready(), ArchiveStatus.SUBMITTED))
    approve_archive(stage.office, people.NUMBER)
    assert "请最后核对" in phone.say("确认")
