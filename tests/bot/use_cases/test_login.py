"""Who may log in (登录): the guards of the identity, and what happens when two people or two phones meet."""

from dataclasses import replace
from datetime import timedelta

from bot.conversation.incoming import Kind
from bot.ports import ChsiAnswer
from bot.registration.dossier import Dossier
from bot.use_cases.staff_changes import change
from tests.bot import people
from tests.bot.use_cases.stage import Stage

OTHER = "2023010199"


def two(stage: Stage) -> Stage:
    """Set up two graduates; only the first is bound, to another account."""
    other = people.graduate(OTHER, "李四", "110101199001001234")
    return stage.set_up(people.new_dossier(who=other), replace(people.ready("oOld"), checked_at=None))


def test_five_wrong_endings_lock_the_student_number_for_every_account(stage: Stage) -> None:
    stage.set_up(people.new_dossier())
    thief = stage.phone("oThief")
    thief.say("你好", "同意", people.NUMBER, "王小明", "111111", "222222", "333333", "444444")
    assert "锁定" in thief.text
    assert "错误次数太多" in thief.say("555555")
    owner = stage.phone("oOwner")
    assert "错误次数太多" in owner.say("你好", "同意", people.NUMBER, "王小明")
    assert "13800000000" in owner.text
    assert stage.dossier().openid is None


def test_the_lock_holds_a_day_and_starting_over_does_not_help(stage: Stage) -> None:
    stage.set_up(people.new_dossier())
    phone = stage.phone()
    phone.say("你好", "同意", people.NUMBER, "王小明", "111111", "222222", "重新开始")
    phone.say(people.NUMBER, "王小明", "333333", "444444", "555555")
    assert "错误次数太多" in phone.say("重新开始", people.NUMBER, "王小明")
    stage.now += timedelta(days=1, minutes=1)
    assert "登录成功" in phone.say(people.NUMBER, "王小明", people.TAIL)


def test_five_wrong_endings_lock_the_account_for_every_student_number(stage: Stage) -> None:
    two(stage)
    phone = stage.phone("oThief")
    phone.say("你好", "同意", people.NUMBER, "王小明", "111111", "222222", "333333", "444444", "555555")
    assert "错误次数太多" in phone.say(OTHER, "李四")


def test_a_wrong_shape_is_no_wrong_ending(stage: Stage) -> None:
    stage.set_up(people.new_dossier())
    phone = stage.phone()
    phone.say("你好", "同意", people.NUMBER, "王小明", *["不知道"] * 7)
    assert "登录成功" in phone.say(people.TAIL)


def test_when_the_office_corrects_the_name_the_lock_is_taken_away(stage: Stage) -> None:
    stage.set_up(people.new_dossier(who=people.graduate(identity_number="110101199001001234")))
    phone = stage.phone("oOwner")
    phone.say("你好", "同意", people.NUMBER, "王小明", *[people.TAIL] * 5)
    assert "错误次数太多" in phone.text

    def corrected(dossier: Dossier, *_: object) -> Dossier:
        return replace(dossier, graduate=people.graduate())

    change(stage.office, people.NUMBER, corrected)
    # The account itself stays locked: it may have guessed at others.
    assert "登录成功" in stage.phone("oSecond").log_in()


def test_two_graduates_on_one_student_number_only_the_one_who_knows_the_id_number_gets_in(stage: Stage) -> None:
    stage.set_up(people.new_dossier())
    stranger = stage.phone("oStranger")
    stranger.log_in(tail="123456")
    assert "后六位不对" in stranger.text
    assert "登录成功" in stage.phone("oOwner").log_in()
    assert stage.dossier().openid == "oOwner"
    stranger.say(people.TAIL)
    assert stage.dossier().openid == "oOwner"
    assert "已绑定另一个微信号" in stranger.text


def test_one_graduate_on_two_phones_the_old_one_is_told_and_is_out(stage: Stage) -> None:
    stage.set_up(people.ready(None))
    old, new = stage.phone("oOld"), stage.phone("oNew")
    old.log_in()
    new.log_in()
    assert stage.dossier().openid == "oOld"
    assert "换绑成功" in new.tap("换绑到这个微信")
    assert stage.dossier().openid == "oNew"
    told = stage.notices()
    assert [(notice.openid, notice.key) for notice in told] == [("oOld", "notice.rebound")]
    assert "0512-62881234" in told[0].data["notice_contacts"]
    assert "请输入你的学号" in old.say("确认")
    assert not stage.dossier().is_confirmed


def test_who_declines_to_rebind_cannot_go_on_to_another_student_number_unproven(stage: Stage) -> None:
    """The name and the six characters prove one student number only (a hole found by reading)."""
    two(stage)
    phone = stage.phone("oMe")
    phone.log_in()
    assert "已绑定另一个微信号" in phone.text
    phone.say("不换绑")
    assert "请输入你的姓名" in phone.say(OTHER)
    phone.say("换绑到这个微信", "是", "李四")
    assert "身份证号后六位" in phone.text
    assert stage.dossier(OTHER).openid is None


def test_going_back_to_the_student_number_takes_all_proofs_back(stage: Stage) -> None:
    two(stage)
    phone = stage.phone("oMe")
    phone.log_in()
    phone.say("返回", "返回", "返回")
    assert "请输入你的姓名" in phone.say(OTHER)


def test_the_six_characters_are_stored_nowhere(stage: Stage) -> None:
    stage.set_up(replace(people.new_dossier(), chsi_bound=None))
    stage.chsi.bound = ChsiAnswer.NO
    phone = stage.phone()
    phone.log_in()
    with stage.work.reading() as uow:
        talk = uow.talks.open(people.OPENID).talk
    assert people.TAIL not in str(talk.to_memory()["answers"])
    assert "proven" in str(talk.to_memory()["answers"])


def test_chsi_is_asked_only_when_the_ending_is_right_and_outside_any_transaction(stage: Stage) -> None:
    stage.set_up(replace(people.new_dossier(), chsi_bound=None))
    phone = stage.phone()
    phone.say("你好", "同意", people.NUMBER, "王小明", "111111", "帮助", "？？？")
    assert stage.chsi.asked == 0
    other = stage.phone("oOther")
    # If a transaction were open, another person's message could not be stored meanwhile.
    stage.chsi.meanwhile = lambda: other.say("你好")
    phone.say(people.TAIL)
    assert stage.chsi.asked == 1
    assert "是否同意" in other.text


def test_names_are_compared_as_people_mean_them(stage: Stage) -> None:
    stage.set_up(people.new_dossier(who=replace(people.graduate(), name="陈·阿依古丽")))
    for name in ("陈·阿依古丽", "陳•阿依古麗", "我叫陈·阿依古丽。", "姓名：陈 · 阿依古丽"):
        phone = stage.phone(f"o{len(name)}{name[0]}")
        assert "身份证号后六位" in phone.say("你好", "同意", "我的学号是２０２３０１０１０１", name)


def test_pictures_do_not_disturb_the_login(stage: Stage) -> None:
    stage.set_up(people.new_dossier())
    phone = stage.phone()
    phone.say("你好", "同意", people.NUMBER, "王小明")
    phone.send(Kind.IMAGE)
    assert "身份证号后六位" in phone.text
    assert "登录成功" in phone.say(people.TAIL)
