"""The rules of the notice, N1 to N19, each as a sentence, through the real corridor on a real database."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from bot.conversation.incoming import Kind
from bot.ports import ChsiAnswer
from bot.registration.archive import ArchiveItems, ArchiveStatus, ReceivingType, TransferType
from bot.registration.correction import Item
from bot.registration.dossier import Dossier, SchoolData
from bot.registration.graduate import Completion
from bot.registration.season import SHANGHAI
from bot.registration.verification import State, Subject
from bot.use_cases.register_unplaced import register_unplaced
from bot.use_cases.staff_changes import (
    apply_correction,
    approve_archive,
    replace_school_data,
    return_archive,
)
from tests.bot import people
from tests.bot.use_cases.stage import Stage, at_home, unbound

CONFIRM = "信息无误，确认登记去向"


def data_of(dossier: Dossier, **changes: object) -> SchoolData:
    now = SchoolData(dossier.graduate, dossier.destination, dossier.archive, dossier.household, dossier.chsi_bound)
    return replace(now, **changes)  # type: ignore[arg-type]  # changes are fields of SchoolData


def test_n1_who_finishes_without_a_diploma_takes_part_too(stage: Stage) -> None:
    who = replace(people.graduate(), completion=Completion.COMPLETED)
    stage.set_up(replace(unbound(people.ready()), graduate=who))
    assert "本科（结业）" in stage.phone().log_in()
    assert stage.phone().say("1", "确认", CONFIRM)
    assert stage.dossier().is_confirmed


def test_n2_the_menu_leads_to_the_registration(stage: Stage) -> None:
    phone = stage.set_up(people.new_dossier()).phone()
    phone.send(Kind.FOLLOW)
    assert "欢迎关注「示例大学」" in phone.text
    phone.tap("同意")
    phone.send(Kind.MENU, "registration")
    assert "请输入你的学号" in phone.text


@pytest.mark.parametrize("answer", [ChsiAnswer.NO, ChsiAnswer.UNKNOWN])
def test_n3_who_is_not_bound_at_chsi_binds_first(stage: Stage, answer: ChsiAnswer) -> None:
    stage.set_up(replace(people.new_dossier(), chsi_bound=None))
    stage.chsi.bound = answer
    phone = stage.phone()
    phone.log_in()
    assert "学信网" in phone.text
    assert "https://www.chsi.com.cn/" in phone.shown.text
    assert stage.dossier().openid is None
    stage.chsi.bound = ChsiAnswer.YES
    assert "王小明，登录成功" in phone.tap("已绑定，再查一次")
    assert stage.dossier().openid == people.OPENID


def test_n3_who_is_not_on_the_roster_is_sent_to_the_counsellor(stage: Stage) -> None:
    text = stage.set_up(people.new_dossier()).phone().say("你好", "同意", "2023999999", "王小明")
    assert "联系你的辅导员" in text
    assert "0512-62881234" in text


def test_n3_whose_data_the_school_uploaded_wrong_gets_the_counsellors_name_and_telephone(stage: Stage) -> None:
    text = stage.set_up(people.new_dossier()).phone().say("你好", "同意", people.NUMBER, "王小民")
    assert "辅导员李老师：13800000000" in text


def test_n4_personal_data_is_shown_masked_and_a_mistake_is_reported(stage: Stage) -> None:
    phone = stage.set_up(people.new_dossier()).phone()
    text = phone.log_in()
    for shown in ("王小明", "示例大学", "文学院", "汉语言文学", "本科", "2023 年 6 月 30 日", "*****************X"):
        assert shown in text
    assert "19900100002X" not in phone.shown.text
    phone.say("信息有误", "4", "英语", "提交")
    correction = stage.dossier().correction
    assert correction is not None
    assert correction.items == ((Item.MAJOR, "英语"),)


def test_n5_archive_then_confirmation_then_report(stage: Stage) -> None:
    phone = at_home(stage, replace(people.new_dossier(), destination=people.DESTINATION))
    phone.say("1", "单位接收档案", "托管单位接收", "示例市人才服务中心", "示例市学府路1号201室", "010010", "档案科")
    assert "请核对要提交的档案信息" in phone.say("0512-62881234")
    assert "等老师审核" in phone.say("提交")
    approve_archive(stage.office, people.NUMBER)
    phone.say("确认")
    assert "去向登记已确认" in phone.tap(CONFIRM)
    assert "实人验证已完成" in phone.say("我已完成")
    text = phone.say("一周")
    assert "核验编号：23127150" in text
    assert "有效期至：2023-07-07 23:59:59" in text
    assert "/r/" in phone.shown.text


def test_n6_without_destination_data_the_bot_tells_where_to_go_and_says_when_it_has_arrived(stage: Stage) -> None:
    phone = at_home(stage, replace(people.ready(), destination=None))
    assert "校版就业系统" in phone.say("确认")
    assert people.SEASON.school_system_url in phone.shown.text
    replace_school_data(stage.office, people.NUMBER, lambda d: data_of(d, destination=people.DESTINATION))
    assert [notice.key for notice in stage.notices()] == ["notice.destination_arrived"]
    assert "请最后核对" in phone.say("确认")


def test_n7_a_returned_entry_comes_back_with_the_reason_and_keeps_what_was_typed(stage: Stage) -> None:
    phone = at_home(stage, people.new_dossier())
    phone.say(
        "1",
        "1",
        "3",
        "单位：示例市人才服务中心\n地址：示例市学府路1号\n邮编：010010\n联系人：档案科\n电话：0512-62881234",
    )
    phone.say("提交")
    return_archive(stage.office, people.NUMBER, "单位名称不全")
    assert [notice.key for notice in stage.notices()] == ["notice.archive_returned"]
    text = phone.say("档案")
    assert "老师退回的原因：单位名称不全" in text
    assert "示例市学府路1号" in text
    phone.say("改单位", "示例市人力资源服务中心", "提交")
    items = stage.dossier().archive.items
    assert stage.dossier().archive.status is ArchiveStatus.SUBMITTED
    assert items is not None
    assert (items.unit, items.address) == ("示例市人力资源服务中心", "示例市学府路1号")


def test_n7_only_an_approved_entry_opens_the_confirmation(stage: Stage) -> None:
    phone = at_home(stage, people.with_archive(people.ready(), ArchiveStatus.SUBMITTED))
    assert "正在等老师审核" in phone.say("确认")
    assert not stage.dossier().is_confirmed


def test_n8_a_household_that_was_not_moved_is_closed_with_the_reason(stage: Stage) -> None:
    assert "户口没有转入学校" in at_home(stage, people.ready()).say("户口信息")


def test_n8_a_household_that_was_moved_is_shown_and_changed_through_the_school_only(stage: Stage) -> None:
    text = at_home(stage, replace(people.ready(), household=people.MOVED)).say("户口信息")
    assert people.MOVED.address in text
    assert "辅导员或就业办" in text


def test_n9_everything_is_shown_before_it_is_confirmed(stage: Stage) -> None:
    text = at_home(stage, people.ready()).say("确认")
    for shown in ("王小明", "示例科技有限公司", "示例市人才服务中心", "户口未转入学校", CONFIRM, "信息有误"):
        assert shown in text
    assert not stage.dossier().is_confirmed


def test_n10_the_archive_goes_to_a_unit_of_one_of_three_kinds_or_back_to_the_place_of_origin(stage: Stage) -> None:
    phone = at_home(stage, people.new_dossier())
    assert "转回生源地" in phone.say("1")
    text = phone.tap("单位接收档案")
    for kind in ReceivingType:
        assert kind.value in text
    assert "全称" in phone.say("返回", "转回生源地")
    phone.say("示例县人力资源和社会保障局", "示例县人民路2号", "010010", "档案室", "0512-62881234", "提交")
    items = stage.dossier().archive.items
    assert isinstance(items, ArchiveItems)
    assert (items.transfer_type, items.receiving_type) == (TransferType.ORIGIN, None)


def test_n11_a_reported_mistake_is_corrected_and_confirmed_again(stage: Stage) -> None:
    phone = at_home(stage, people.ready())
    phone.say("确认", "信息有误", "专业", "英语", "提交")
    assert "老师还在处理" in phone.say("确认")
    changed = replace(people.graduate(), major="英语")
    apply_correction(stage.office, people.NUMBER, lambda d: data_of(d, graduate=changed))
    assert "notice.correction_applied" in [notice.key for notice in stage.notices()]
    phone.say("进度", "信息正确", "确认", CONFIRM)
    assert stage.dossier().is_confirmed
    assert stage.dossier().graduate.major == "英语"


@pytest.mark.parametrize("answer", [ChsiAnswer.NO, ChsiAnswer.UNKNOWN])
def test_n12_no_verification_before_the_real_person_check(stage: Stage, answer: ChsiAnswer) -> None:
    phone = at_home(stage, people.ready())
    stage.chsi.person = answer
    phone.say("确认", CONFIRM, "我已完成")
    assert "学信网" in phone.text
    assert "/p/" in phone.shown.text
    assert "首页" in phone.say("首页", "帮助")
    assert "实人验证" in phone.say("核验")
    assert stage.dossier().verifications == ()


def test_n13_a_period_ends_with_its_last_day_and_never_after_half_a_year(stage: Stage) -> None:
    phone = at_home(stage, people.ready())
    phone.say("确认", CONFIRM, "我已完成")
    assert "最晚可以到 2023 年 12 月 30 日" in phone.say("一年")
    assert "已经过去" in phone.say("2023-06-01")
    phone.say("7月16日")
    given = stage.dossier().verifications[0]
    assert given.valid_until == datetime(2023, 7, 16, 23, 59, 59, tzinfo=SHANGHAI)
    assert stage.dossier().state_of(given, given.valid_until + timedelta(seconds=1)) is State.EXPIRED


def test_n14_archive_and_household_are_verified_separately(stage: Stage) -> None:
    phone = at_home(stage, replace(people.ready(), household=people.MOVED))
    phone.say("确认", CONFIRM, "我已完成", "档案", "一周")
    assert "户口信息核验要另外授权" in phone.text
    phone.say("核验", "户口", "一个月")
    subjects = [verification.subject for verification in stage.dossier().verifications]
    assert subjects == [Subject.ARCHIVE, Subject.HOUSEHOLD]
    assert "23127151" in phone.text
    assert "户口信息核验：生效中" in phone.say("进度")


def test_n14_a_verification_is_extended_closed_and_issued_anew(stage: Stage) -> None:
    phone = at_home(stage, people.ready())
    phone.say("确认", CONFIRM, "我已完成", "一周")
    assert "2023-07-14 23:59:59" in phone.say("核验", "延长", "一周")
    assert "旧编号不再有效" in phone.say("核验", "重新生成", "一周")
    assert "已关闭" in phone.say("核验", "关闭", "确认关闭")
    states = [stage.dossier().state_of(v, stage.now) for v in stage.dossier().verifications]
    assert states == [State.CLOSED, State.CLOSED]


def test_n15_a_later_change_fells_confirmation_and_verification_and_the_graduate_is_told(stage: Stage) -> None:
    phone = at_home(stage, people.ready())
    phone.say("确认", CONFIRM, "我已完成", "一个月")
    other = replace(people.DESTINATION, unit="另一家公司")
    changed = replace_school_data(stage.office, people.NUMBER, lambda d: data_of(d, destination=other))
    assert not changed.is_confirmed
    assert changed.state_of(changed.verifications[0], stage.now) is State.CONFIRM_AGAIN
    assert [notice.key for notice in stage.notices()] == ["notice.confirm_again"]
    assert "另一家公司" in phone.say("确认")
    phone.tap(CONFIRM)
    phone.say("一个月")
    assert stage.dossier().running(Subject.ARCHIVE, stage.now) == stage.dossier().verifications[1]


def test_n16_the_report_is_linked_while_the_verification_is_in_force(stage: Stage) -> None:
    phone = at_home(stage, people.ready())
    phone.say("确认", CONFIRM, "我已完成", "一周")
    given = stage.dossier().verifications[0]
    assert f"https://quxiang.example/r/{given.id}" in phone.shown.text


@pytest.mark.parametrize(
    ("now", "said"),
    [(people.BEFORE, "6 月 28 日—7 月 3 日"), (people.AFTER, "已经结束"), (people.CHANGES_OVER, "都已经截止")],
)
def test_n17_outside_the_window_there_is_a_clear_sentence_and_whom_to_ask(
    stage: Stage, now: datetime, said: str
) -> None:
    stage.now = now
    phone = at_home(stage, people.ready())
    text = phone.say("确认")
    assert said in text
    assert "13800000000" in text
    assert not stage.dossier().is_confirmed


def test_n17_the_window_is_open_in_the_last_minute_of_its_last_day(stage: Stage) -> None:
    phone = at_home(stage, people.ready())
    stage.now = datetime(2023, 7, 3, 23, 59, 0, tzinfo=SHANGHAI)
    phone.say("确认", CONFIRM)
    assert stage.dossier().is_confirmed


def test_n18_a_change_after_the_window_may_be_confirmed_until_the_last_day_for_changes(stage: Stage) -> None:
    phone = at_home(stage, people.ready())
    stage.now = people.AFTER
    assert "单独联系学校" in phone.say("确认")
    other = replace(people.DESTINATION, unit="另一家公司")
    replace_school_data(stage.office, people.NUMBER, lambda d: data_of(d, destination=other))
    assert "2023 年 8 月 31 日前都可以确认" in phone.say("进度")
    phone.say("确认", CONFIRM)
    assert stage.dossier().is_confirmed


def test_n18_who_has_no_destination_at_the_cut_off_is_registered_as_not_placed(stage: Stage) -> None:
    phone = at_home(stage, replace(people.ready(), destination=None))
    assert register_unplaced(stage.office) == 0
    stage.now = datetime(2023, 7, 1, 0, 0, tzinfo=SHANGHAI)
    assert register_unplaced(stage.office) == 1
    assert register_unplaced(stage.office) == 0
    assert [notice.key for notice in stage.notices()] == ["notice.unplaced"]
    assert stage.dossier().destination is not None
    assert "请最后核对" in phone.say("确认")


def test_n18_after_the_last_day_for_changes_nobody_loses_a_confirmation_by_reporting_a_mistake(stage: Stage) -> None:
    phone = at_home(stage, people.ready())
    phone.say("确认", CONFIRM)
    stage.now = people.CHANGES_OVER
    assert "不再受理" in phone.say("首页", "信息有误")
    assert stage.dossier().is_confirmed


def test_n19_account_questions_go_to_the_hotline_and_the_mail_address(stage: Stage) -> None:
    text = at_home(stage, people.ready()).say("联系老师")
    assert people.SEASON.hotline in text
    assert people.SEASON.mail in text


def test_the_period_is_a_setting_of_the_season(stage: Stage) -> None:
    season = replace(people.SEASON, verification_months=3, closes=date(2023, 7, 5))
    stage.set_up(replace(people.ready(None), checked_at=None), season=season)
    phone = stage.phone()
    phone.log_in()
    assert "还剩 6 天" in phone.say("信息正确")
    phone.say("确认", CONFIRM, "我已完成")
    assert "2023 年 9 月 30 日" in phone.text
