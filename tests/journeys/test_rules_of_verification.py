"""The rules N12 to N19, each lived through by a graduate it was made for."""

import pytest

from tests.journeys.people import Person, is_said
from tests.journeys.stage import Stage


def state_at(stage: Stage, address: str) -> str:
    """Return what a receiving department reads after scanning: the page's own words."""
    return stage.look(address).text


@pytest.fixture
def verified(stage: Stage) -> Person:
    """A graduate with everything done: confirmed, the real person seen, one archive verification for a month."""
    graduate = stage.graduate("档案信息已由学校提供")
    graduate.checks()
    graduate.confirms("verification.period.ask")
    graduate.authorises("一个月")
    return graduate


def test_n12_verification_opens_after_confirmation_and_after_the_real_person_check(stage: Stage) -> None:
    graduate = stage.graduate("升学，签约单位接收档案，实人验证还没有做")
    graduate.checks()
    graduate.says("核验", "gate.confirm_first")
    graduate.says("实人验证", "gate.confirm_first")
    graduate.confirms("real_person.check.ask")
    graduate.taps("real_person.check.choices.done", "real_person.check.pending")
    graduate.says("首页", "next_step.real_person")
    graduate.says("核验", "gate.real_person_first")
    assert "实人验证" in stage.look(graduate_link(stage, graduate)).text
    assert stage.sees_the_person(graduate)
    graduate.says("核验", "verification.period.ask")
    graduate.authorises("一周")


def graduate_link(stage: Stage, graduate: Person) -> str:
    graduate.says("实人验证", "real_person.check.ask")
    link = graduate.phone.link("去学信网实人验证")
    graduate.says("首页")
    assert link.startswith(stage.app_url)
    return link


@pytest.mark.parametrize(
    ("said", "until"),
    [
        ("一周", "2023-07-06 23:59:59"),
        ("１个月", "2023-07-29 23:59:59"),
        ("7月16日", "2023-07-16 23:59:59"),
        ("最长", "2023-12-24 23:59:59"),
    ],
)
def test_n13_a_period_ends_in_the_last_second_of_its_last_day(stage: Stage, said: str, until: str) -> None:
    graduate = stage.graduate("档案信息已由学校提供")
    graduate.checks()
    graduate.confirms("verification.period.ask")
    graduate.says(said, f"有效期至：{until}", "生效中")


def test_n13_no_period_goes_beyond_six_months_after_graduation(stage: Stage, verified: Person) -> None:
    verified.says("延长有效期", "verification.period.ask")
    verified.says("2023年12月25日", "period.too_late", "2023 年 12 月 24 日")
    verified.says("2023年6月1日", "period.past")
    verified.says("2023年7月20日", "period.not_longer")
    verified.says("2023年12月24日", "verification.period.extended", "有效期至：2023-12-24 23:59:59")
    assert "有效期至：2023-12-24 23:59:59" in verified.hears
    code = stage.scan(verified)
    stage.sleep_until(2023, 12, 24, 23, 59)
    assert "生效中" in state_at(stage, code)
    stage.sleep_until(2023, 12, 25, 0, 1)
    assert "已过期" in state_at(stage, code)
    verified.says("核验", "gate.verification_over")


def test_n13_who_graduated_more_than_six_months_ago_confirms_but_is_not_verified(stage: Stage) -> None:
    graduate = stage.graduate("毕业已超过六个月")
    graduate.checks()
    graduate.confirms("next_step.verification_over")
    graduate.says("核验", "gate.verification_over")


def test_n14_archive_and_household_are_verified_separately(stage: Stage) -> None:
    graduate = stage.graduate("一路畅通")
    graduate.checks()
    graduate.confirms("verification.subject.ask")
    graduate.taps("verification.subject.choices.archive", "verification.period.ask")
    archive = graduate.authorises("一周")
    archive_code = stage.scan(graduate)
    graduate.says("核验", "verification.subject.ask")
    graduate.taps("verification.subject.choices.household", "verification.period.ask")
    household = graduate.authorises("一个月")
    assert archive != household
    archive_page, household_page = state_at(stage, archive_code), state_at(stage, stage.scan(graduate))
    row = stage.row(graduate)
    assert archive in archive_page
    assert household in household_page
    assert row["档案接收地址"] in archive_page
    assert row["档案接收地址"] not in household_page
    assert row["户口迁往地址"] in household_page
    assert row["户口迁往地址"] not in archive_page
    assert row["身份证号"] not in archive_page + household_page
    assert row["姓名"] not in archive_page + household_page, "the name is masked on the open page"


def test_n14_a_graduate_whose_household_was_not_moved_is_not_asked_about_it(verified: Person) -> None:
    assert not any(is_said("verification.subject.ask", words) for words in verified.heard)


def test_n14_the_states_follow_the_graduate_extend_close_and_issue_anew(stage: Stage, verified: Person) -> None:
    number, code = verified.phone.bubbles[-1].plain, stage.scan(verified)
    assert "生效中" in state_at(stage, code)
    stage.sleep_until(2023, 7, 30)
    assert "已过期" in state_at(stage, code)
    verified.says("进度", "已过期")
    verified.says("延长有效期", "verification.period.ask")
    verified.says("8月20日", "verification.period.extended")
    assert "生效中" in state_at(stage, code), "the printed code works again"
    verified.says("核验", "verification.action.ask")
    verified.says("提前关闭", "verification.close_sure.ask")
    verified.says("不关闭", "verification.close_sure.no")
    assert "生效中" in state_at(stage, code)
    verified.says("提前关闭", "verification.close_sure.ask")
    verified.says("确认关闭", "verification.close_sure.yes")
    assert "已撤销" in state_at(stage, code)
    verified.says("核验", "verification.period.ask")
    assert verified.authorises("一周") not in number
    assert "已撤销" in state_at(stage, code), "the old number stays closed"
    assert "生效中" in state_at(stage, stage.scan(verified))


@pytest.mark.parametrize(
    "change",
    [
        ("单位名称=示例新单位有限公司",),
        ("档案接收地址=示例省示例市新路 9 号 901 室",),
        ("户口已转入学校=是", "户口迁往地址=示例省示例市新街派出所集体户"),
    ],
)
def test_n15_a_change_of_data_fells_confirmation_and_verification_at_once(
    stage: Stage, verified: Person, change: tuple[str, ...]
) -> None:
    opened, code = stage.opened(verified), stage.scan(verified)
    stage.office("destination", "set", verified.number, *change)
    assert "需重新确认" in state_at(stage, code), "at once, before any notice was delivered"
    assert stage.look(f"{opened}/report.pdf").status_code == 409
    stage.deliver()
    assert any(is_said("notice.confirm_again", words) for words in verified.heard)
    verified.says("进度", "line.confirmation_open", "需重新确认")
    verified.says("核验", "gate.confirm_first")
    verified.confirms()
    assert "需重新确认" in state_at(stage, code), "a new confirmation does not bring the old number back"
    if "户口已转入学校=是" in change:
        verified.says("档案", "verification.period.ask")
    verified.authorises("一周")
    assert "生效中" in state_at(stage, stage.scan(verified))


def test_n15_a_change_undone_does_not_bring_the_old_verification_back(stage: Stage, verified: Person) -> None:
    code, post = stage.scan(verified), stage.row(verified)["职位"]
    stage.office("destination", "set", verified.number, "单位名称=示例新单位有限公司")
    stage.office("destination", "set", verified.number, f"单位名称={stage.row(verified)['单位名称']}", f"职位={post}")
    assert "需重新确认" in state_at(stage, code)


def test_n16_the_report_is_printed_only_while_it_is_in_force(stage: Stage, verified: Person) -> None:
    report = verified.report
    printed = stage.look(f"{stage.opened(verified)}/report.pdf")
    assert printed.headers["Content-Type"] == "application/pdf"
    assert printed.content.startswith(b"%PDF-")
    assert "no-store" in printed.headers["Cache-Control"]
    stage.sleep_until(2023, 8, 1)
    assert stage.look(report).status_code == 404, "the link from the chat is good for a week"
    assert stage.look(f"{stage.app_url}/r/made-up").status_code == 404


def test_n17_before_and_after_the_window_nobody_confirms_and_is_told_when_and_whom_to_ask(stage: Stage) -> None:
    early = stage.graduate("档案信息已由学校提供")
    stage.sleep_until(2023, 6, 27, 23, 59)
    early.checks()
    early.says("去向登记确认", "gate.window_before", "6 月 28 日", stage.row(early)["辅导员电话"])
    stage.sleep_until(2023, 6, 28, 0, 0)
    early.says("去向登记确认", "confirmation.preview.ask")
    stage.sleep_until(2023, 7, 3, 23, 59)
    early.says("返回")
    early.says("去向登记确认", "confirmation.preview.ask")
    stage.sleep_until(2023, 7, 4, 0, 0)
    early.says("信息无误，确认登记去向", not_="confirmation.preview.yes")
    early.says("去向登记确认", "gate.window_after", "7 月 3 日", stage.row(early)["辅导员电话"])


def test_n17_the_office_moves_the_window(stage: Stage) -> None:
    graduate = stage.graduate("档案信息已由学校提供")
    graduate.checks()
    stage.sleep_until(2023, 7, 5)
    graduate.says("去向登记确认", "gate.window_after")
    stage.office("season", "set", "closes=2023-07-08")
    assert "2023-07-08" in stage.office("season", "show")
    graduate.confirms()


def test_n18_after_the_window_changes_come_through_the_school_until_their_last_day(stage: Stage) -> None:
    graduate = stage.graduate("档案信息已由学校提供")
    graduate.checks()
    stage.sleep_until(2023, 7, 20)
    graduate.says("确认", "gate.window_after")
    stage.office("destination", "set", graduate.number, "单位名称=示例新单位有限公司")
    graduate.says("确认", "confirmation.preview.ask", "示例新单位有限公司")
    graduate.taps("confirmation.preview.choices.yes", "confirmation.preview.yes")
    stage.sleep_until(2023, 9, 1)
    stage.office("destination", "set", graduate.number, "单位名称=示例另一单位有限公司")
    graduate.says("首页")
    graduate.says("确认", "gate.window_after")


def test_n18_who_is_not_placed_at_the_cutoff_is_registered_as_unemployed(stage: Stage) -> None:
    graduate = stage.graduate("平台上没有去向数据")
    graduate.checks()
    assert "0 人" in stage.office("season", "cutoff"), "two days too early"
    # An hour less than two days after the graduate wrote: WeChat lets us write by ourselves for 48 hours only.
    stage.sleep_until(2023, 7, 1, 9)
    assert "2 人" in stage.office("season", "cutoff"), "two of the demo's graduates have no destination"
    assert "0 人" in stage.office("season", "cutoff"), "nobody is registered twice"
    stage.deliver()
    assert is_said("notice.unplaced", graduate.hears)
    graduate.says("进度", "待就业")
    stage.office("destination", "set", graduate.number, "毕业去向=签就业协议形式就业", "单位名称=示例科技有限公司")
    graduate.says("进度", "签就业协议形式就业")


def test_n19_account_questions_go_to_the_hotline_and_the_mail_address_of_the_season(stage: Stage) -> None:
    graduate = stage.graduate("档案信息已由学校提供")
    graduate.follows()
    graduate.says("联系老师", "command.contact", "010-55550388", "kefu@example.edu.cn", "010-55550100")
    stage.office("season", "set", "hotline=010-55559999")
    graduate.says("联系老师", "010-55559999", not_="010-55550388")


def test_the_calendar_reminds_those_who_have_not_confirmed(stage: Stage, verified: Person) -> None:
    late = stage.graduate("档案转回生源地")
    late.checks()
    stage.sleep_until(2023, 7, 3, 9)
    assert stage.remind() == 1
    assert stage.remind() == 0, "the same thing is said once"
    late.says("进度")
    stage.deliver()
    assert is_said("planned.LAST_DAY.text", late.hears)
    assert not any(is_said("planned.LAST_DAY.text", words) for words in verified.heard)
    stage.sleep_until(2023, 7, 28, 9)
    stage.remind()
    verified.says("进度")
    stage.deliver()
    assert is_said("planned.VERIFICATION_ENDS.text", verified.hears)
