"""The rules N1 to N11, each lived through by a graduate it was made for."""

import pytest

from handlers.wechat import menu
from tests.journeys.people import is_said
from tests.journeys.stage import Stage


def test_n1_a_graduate_without_a_diploma_takes_part(stage: Stage) -> None:
    graduate = stage.graduate("结业生也要参加")
    assert "结业" in graduate.logs_in("login.tail.done", "personal.check.ask")
    graduate.taps("personal.check.choices.right", "next_step.archive")


def test_n2_the_menu_at_the_bottom_left_leads_to_the_registration(stage: Stage) -> None:
    assert menu.publish(stage.installation.client)
    graduate = stage.graduate("一路畅通")
    graduate.follows()
    graduate.presses("去向登记", "login.student_number.ask")
    graduate.logs_in()
    graduate.taps("personal.check.choices.right")
    stage.pause()
    graduate.presses("去向登记", "line.title")
    graduate.presses("我的进度", "line.title")
    graduate.presses("联系老师", "command.contact")
    graduate.presses("使用帮助", "command.help")
    graduate.presses("核验与报告", "gate.confirm_first")


def test_n3_without_a_binding_at_chsi_one_binds_first_and_asks_again(stage: Stage) -> None:
    graduate = stage.graduate("学信网没有绑定")
    graduate.logs_in("login.tail.not_bound", "login.chsi.ask")
    assert graduate.phone.link("去学信网绑定学籍").startswith("https://www.chsi.com.cn/")
    graduate.taps("login.chsi.choices.again", "login.chsi.not_bound", "010-55550388", "kefu@example.edu.cn")
    stage.sandbox.chsi.set_person(stage.identity_number(graduate), graduate.who.name, bound=True)
    graduate.taps("login.chsi.choices.again", "login.chsi.done", "personal.check.ask")


def test_n3_who_was_not_uploaded_is_sent_to_the_office(stage: Stage) -> None:
    graduate = stage.graduate("学校没有上传这名毕业生")
    graduate.follows()
    graduate.says(graduate.number, "login.name.ask")
    graduate.says(graduate.who.name, "login.name.unknown", "示例大学就业办公室", "010-55550100")


def test_n3_who_was_uploaded_with_a_wrong_name_is_sent_to_the_counsellor_who_is_named(stage: Stage) -> None:
    graduate = stage.graduate("学校上传的姓名与本人不一致")
    graduate.follows()
    graduate.says(graduate.number, "login.name.ask")
    answer = graduate.says(graduate.who.name, "login.name.other_name")
    row = stage.row(graduate)
    assert row["辅导员"] in answer
    assert row["辅导员电话"] in answer

    stage.office("destination", "set", graduate.number, f"姓名={graduate.who.name}")
    graduate.says(graduate.who.name, "login.tail.ask")
    graduate.says(graduate.who.identity_tail, "login.tail.done")


@pytest.mark.parametrize("situation", ["姓名有生僻字", "姓名有间隔点"])
def test_n4_personal_data_is_shown_and_the_id_number_is_masked(stage: Stage, situation: str) -> None:
    graduate = stage.graduate(situation)
    answer, row = graduate.logs_in("personal.check.ask"), stage.row(graduate)
    for heading in ("姓名", "学院", "专业", "学历层次"):
        assert row[heading] in answer
    assert row["身份证号"] not in answer
    assert "*" * 17 + row["身份证号"][-1] in answer


def test_n4_who_finds_it_right_twice_is_told_that_it_is_done(stage: Stage) -> None:
    graduate = stage.graduate("已有去向，还没有档案信息")
    graduate.checks()
    graduate.says("信息正确", "gate.checked")
    assert is_said("next_step.archive", graduate.hears)


def test_n4_wrong_personal_data_becomes_an_error_report(stage: Stage) -> None:
    graduate = stage.graduate("专业录错")
    graduate.logs_in("personal.check.ask", "（错录的专业）")
    graduate.taps("personal.check.choices.wrong", "correction.items.ask")
    graduate.taps("correction.items.choices.major", "correction.right.ask")
    graduate.says("应用统计学", "correction.read_back.ask", "应用统计学")
    graduate.taps("correction.read_back.choices.send", "correction.read_back.send")
    assert "专业 → 应用统计学" in stage.office("correction", "list")
    stage.office("correction", "apply", graduate.number, "专业=应用统计学")
    stage.deliver()
    assert is_said("notice.correction_applied", graduate.hears)
    graduate.says("进度", "personal.check.ask", "应用统计学")


def test_n5_with_destination_data_it_is_archive_entry_and_then_confirmation(stage: Stage) -> None:
    graduate = stage.graduate("已有去向，还没有档案信息")
    graduate.checks()
    graduate.says("确认", "gate.archive_missing")
    graduate.submits_archive()
    graduate.says("确认", "gate.archive_waits")
    stage.office("archive", "approve", graduate.number)
    graduate.confirms()


def test_n6_without_destination_data_one_is_sent_to_the_school_system_and_told_when_it_has_arrived(
    stage: Stage,
) -> None:
    graduate = stage.graduate("平台上没有去向数据")
    graduate.checks()
    graduate.says("确认", "gate.no_destination")
    assert graduate.phone.link("打开校版就业系统") == "https://jy.example.edu.cn/"
    stage.office("destination", "set", graduate.number, "毕业去向=签就业协议形式就业", "单位名称=示例科技有限公司")
    stage.deliver()
    assert is_said("notice.destination_arrived", graduate.hears)
    assert "签就业协议形式就业" in graduate.hears


def test_n7_an_archive_entry_that_the_school_has_is_skipped(stage: Stage) -> None:
    graduate = stage.graduate("档案信息已由学校提供")
    graduate.checks()
    assert is_said("line.archive_approved", graduate.hears)
    graduate.says("档案", "gate.archive_done")
    graduate.confirms()


def test_n7_item_by_item_with_bad_answers_and_a_change_at_the_read_back(stage: Stage) -> None:
    graduate = stage.graduate("已有去向，还没有档案信息")
    graduate.checks()
    graduate.says("填写档案信息", "archive.transfer_type.ask")
    graduate.says("１", "archive.receiving_type.ask")
    graduate.says("托管", "archive.unit.ask")
    graduate.says("示例市人才服务中心", "archive.address.ask")
    graduate.says("北京", "archive.address.bad")
    graduate.says("示例省示例市学府路 1 号 201 室", "archive.postcode.ask")
    graduate.says("12345", "archive.postcode.bad")
    graduate.says("０１００１０", "archive.contact.ask")
    graduate.says("档案科", "archive.phone.ask")
    graduate.says("一二三", "archive.phone.bad")
    graduate.says("0471-6200003", "archive.read_back.ask", "010010")
    graduate.taps("archive.read_back.choices.phone", "archive.phone.ask")
    graduate.says("0471-6200004", "archive.read_back.ask", "0471-6200004", "学府路 1 号 201 室")
    graduate.says("别提交", not_="archive.read_back.submit")
    graduate.says("提交", "archive.read_back.submit")


def test_n7_a_returned_entry_comes_back_with_the_reason_and_keeps_what_was_typed(stage: Stage) -> None:
    graduate = stage.graduate("已有去向，还没有档案信息")
    graduate.checks()
    graduate.submits_archive()
    stage.office("archive", "return", graduate.number, "--reason", "邮编与地址不符")
    stage.deliver()
    assert is_said("notice.archive_returned", graduate.hears)
    assert "邮编与地址不符" in graduate.hears
    graduate.says("确认", "gate.archive_returned")
    graduate.says("档案", "archive.read_back.ask", "邮编与地址不符", "示例市人才服务中心", "学府路 1 号 201 室")
    graduate.taps("archive.read_back.choices.postcode", "archive.postcode.ask")
    graduate.says("010020", "archive.read_back.ask", "010020", "示例市人才服务中心")
    graduate.taps("archive.read_back.choices.submit", "archive.read_back.submit")
    assert "010020" in stage.office("archive", "list")
    stage.office("archive", "approve", graduate.number)
    graduate.confirms()


def test_n8_household_is_closed_to_those_whose_household_was_not_moved(stage: Stage) -> None:
    graduate = stage.graduate("档案信息已由学校提供")
    graduate.checks()
    assert is_said("line.household_closed", graduate.hears)
    graduate.says("户口", "gate.household_not_moved")


def test_n8_household_of_those_whose_household_was_moved_is_shown_and_only_staff_change_it(stage: Stage) -> None:
    graduate = stage.graduate("一路畅通")
    graduate.checks()
    old = stage.row(graduate)["户口迁往地址"]
    graduate.says("户口", "household.show.ask", old)
    graduate.taps("household.show.choices.right", "household.show.right")
    stage.office("destination", "set", graduate.number, "户口迁往地址=示例省示例市新街派出所集体户")
    graduate.says("户口", "household.show.ask", "新街派出所")


def test_n9_the_confirmation_shows_everything_and_a_refusal_is_no_yes(stage: Stage) -> None:
    graduate = stage.graduate("档案信息已由学校提供")
    graduate.checks()
    answer, row = graduate.says("去向登记确认", "confirmation.preview.ask"), stage.row(graduate)
    for heading in ("姓名", "学院", "专业", "学历层次", "生源地", "毕业去向", "单位名称", "户档转递类型", "接收类型"):
        assert row[heading] in answer, heading
    for heading in ("档案接收单位", "档案接收地址", "档案接收邮编", "档案联系人", "档案联系电话"):
        assert row[heading] in answer, heading
    for doubt in ("不是无误吧", "应该没问题吧", "先不确认登记", "我再想想"):
        graduate.says(doubt, not_="confirmation.preview.yes")
        graduate.says("进度", "line.confirmation_open")
        graduate.says("去向登记确认", "confirmation.preview.ask")
    graduate.says("信息无误，确认登记去向", "confirmation.preview.yes")
    graduate.says("首页", "line.confirmation_done")
    graduate.says("去向登记确认", "gate.confirmed")


def test_n10_an_archive_goes_to_a_unit_or_back_to_the_place_of_origin(stage: Stage) -> None:
    graduate = stage.graduate("已有去向，还没有档案信息")
    graduate.checks()
    graduate.says("档案", "archive.transfer_type.ask", "单位接收档案", "转回生源地")
    graduate.taps("单位接收档案", "archive.receiving_type.ask", "签约单位接收", "上级主管单位接收", "托管单位接收")
    graduate.says("返回", "archive.transfer_type.ask")
    graduate.taps("转回生源地", "archive.unit.ask")


def test_n10_a_wrong_place_of_origin_is_corrected_by_the_office(stage: Stage) -> None:
    graduate = stage.graduate("生源地有误")
    graduate.checks()
    graduate.says("去向登记确认", "confirmation.preview.ask", "错填市")
    graduate.taps("confirmation.preview.choices.no", "correction.items.ask")
    graduate.says("生源地", "correction.right.ask")
    graduate.says("示例省示例市", "correction.read_back.ask")
    graduate.says("提交", "correction.read_back.send")
    stage.office("correction", "apply", graduate.number, "生源地=示例省示例市")
    graduate.says("进度", "personal.check.ask")
    graduate.taps("personal.check.choices.right")
    graduate.says("去向登记确认", "confirmation.preview.ask", "生源地：示例省示例市")


def test_n11_several_wrong_items_are_collected_for_the_counsellor_and_confirmed_again_after_correction(
    stage: Stage,
) -> None:
    graduate = stage.graduate("一路畅通")
    graduate.checks()
    graduate.confirms()
    graduate.says("首页", "line.title")
    graduate.says("信息有误", "correction.items.ask")
    graduate.says("姓名、专业", "correction.right.ask", "姓名")
    graduate.says("周示例", "correction.right.ask", "专业")
    graduate.says("统计学", "correction.read_back.ask", "周示例", "统计学", "hint.falls")
    graduate.taps("correction.read_back.choices.send", "correction.read_back.send")
    counsellor = stage.row(graduate)["辅导员"]
    listed = stage.office("correction", "list", "--counsellor", counsellor)
    assert f"辅导员 {counsellor}" in listed
    assert "姓名 → 周示例" in listed
    assert "专业 → 统计学" in listed
    assert graduate.number not in stage.office("correction", "list", "--counsellor", "别的老师")
    graduate.says("确认", "gate.correction_waits")
    stage.office("correction", "apply", graduate.number, "姓名=周示例", "专业=统计学")
    stage.deliver()
    assert is_said("notice.correction_applied", graduate.hears)
    graduate.says("进度", "personal.check.ask", "周示例", "统计学")
    graduate.taps("personal.check.choices.right", "line.confirmation_open")
    graduate.confirms()


def test_n11_a_refused_correction_comes_back_with_the_reason(stage: Stage) -> None:
    graduate = stage.graduate("一路畅通")
    graduate.checks()
    graduate.says("信息有误", "correction.items.ask")
    graduate.says("学院", "correction.right.ask")
    graduate.says("理学院", "correction.read_back.ask")
    graduate.says("提交", "correction.read_back.send")
    stage.office("correction", "refuse", graduate.number, "--reason", "与学籍一致，无需更正")
    stage.deliver()
    assert is_said("notice.correction_refused", graduate.hears)
    assert "与学籍一致，无需更正" in graduate.hears
    assert "没有待处理" in stage.office("correction", "refuse", graduate.number, "--reason", "再来", refuses=True)
    graduate.confirms()
