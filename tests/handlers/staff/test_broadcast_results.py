"""Results on the console: everybody's, a counsellor's own, as files that are noted, and the list for the telephone."""

import csv
import io
import re
from datetime import timedelta

import openpyxl
import pytest

from bot.notices.delivery import DeliveryState, Reason
from bot.notices.planned import Planned, default
from bot.staff.audit import Entry
from bot.staff.policy import Role
from storage.notice_tables import delivery
from tests.handlers.staff.stage import Clerk, ConsoleStage, graduate
from tests.handlers.staff.test_broadcasts import ROOM, office, sent, value, words

__all__ = ["office"]  # the fixture
S, R = DeliveryState, Reason
ENDS = ((S.SKIPPED, R.NOT_BOUND), (S.ACCEPTED, None), (S.SKIPPED, R.DONE), (S.FAILED_PERM, R.BLOCKED))
"""Sixteen graduates in this order; of every four the first and the fourth are to be telephoned."""


@pytest.fixture
def page(stage: ConsoleStage) -> str:
    """The address of a broadcast with results."""
    return sent(stage, *ENDS)


def numbers(text: str) -> list[str]:
    return re.findall(r"2019\d{6}", text)


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def entries(stage: ConsoleStage) -> list[Entry]:
    with stage.installation.work.reading() as uow:
        return [entry for entry in uow.audit.newest(20) if entry.action == "NOTICE_EXPORTED"]


def test_results_are_filtered_by_what_the_numbers_link_to(office: Clerk, page: str) -> None:
    text = office.get(page).text
    links = dict(re.findall(r'href="([^"]*/results\?what=([A-Z_.]+))"', text))
    assert set(links.values()) == {"ACCEPTED", "SKIPPED.NOT_BOUND", "SKIPPED.DONE", "FAILED_PERM.BLOCKED"}
    for link in links:
        assert len(numbers(office.get(link).text)) == 4
    assert len(numbers(office.get(f"{page}/results?what=SKIPPED").text)) == 8
    for anything in ("", "?what=NONSENSE", "?what=.", "?after=x"):
        assert len(numbers(office.get(f"{page}/results{anything}").text)) == 16
    assert "没有这样的结果" in office.get(f"{page}/results?what=UNKNOWN").text


def test_results_turn_their_pages_by_an_opaque_cursor(
    stage: ConsoleStage, office: Clerk, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.staff.notice_results.A_PAGE", 7)
    seen, address = [], f"{page}/results"
    while address:
        text = office.get(address).text
        seen += numbers(text)
        more = re.search(r'href="([^"]*after=([0-9a-f]{32}))">下一页', text)
        address = more[1] if more else ""
    assert seen == [each.graduate.student_number for each in stage.dossiers() if each.graduate.student_number in seen]
    assert len(seen) == 16


def test_a_counsellor_sees_own_students_in_every_number_and_list(stage: ConsoleStage, page: str) -> None:
    own = stage.clerk(Role.COUNSELLOR)
    said = words(own.get(page).text)
    assert "您的学生共 8 人" in said
    assert "经过" not in said
    assert own.get(f"{page}/numbers").get_json()["total"] == 8
    assert all(int(number) % 2 == 0 for number in numbers(own.get(f"{page}/results").text))
    assert "共 8" in words(own.get(ROOM).text)
    assert "写通知" not in own.get(ROOM).text
    own.post(f"{page}/step", 403, do="cancel")


def test_an_auditor_reads_everything_and_takes_nothing_out(stage: ConsoleStage, page: str) -> None:
    auditor = stage.clerk(Role.AUDITOR)
    assert "合计，名单 16 人" in words(auditor.get(page).text)
    assert "导出" not in auditor.get(f"{page}/results").text
    auditor.post(f"{page}/results/file", 403, kind="csv")
    auditor.post(f"{page}/phones", 403, kind="csv")
    auditor.get(f"{ROOM}/new", 403)
    auditor.get(f"{ROOM}/planned", 403)


@pytest.mark.parametrize("role", [Role.OFFICE, Role.COUNSELLOR])
def test_the_file_holds_what_was_filtered_and_is_noted_before_it_leaves(
    stage: ConsoleStage, page: str, role: Role
) -> None:
    clerk = stage.clerk(role)
    with clerk.post(f"{page}/results/file", 200, kind="csv", what="SKIPPED.NOT_BOUND") as answer:
        found = rows(answer.data)
    step = 4 if role is Role.OFFICE else 2
    assert {row["原因"] for row in found} == {"还没有登录公众号"}
    assert all(row["结果"] == "没有发送" for row in found)
    (entry,) = entries(stage)
    assert (entry.details["内容"], entry.details["人数"]) == ("逐人结果", str(len(found)))
    assert entry.details["只含"] == "没有发送、还没有登录公众号"
    assert len(found) <= step * 2
    with clerk.post(f"{page}/results/file", 200, kind="xlsx", what="") as answer:
        sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets[0]
    assert sheet.max_row == 1 + (16 if role is Role.OFFICE else 8)
    clerk.post(f"{page}/results/file", 400, kind="pdf")
    assert len(entries(stage)) == 2


def test_the_telephone_list_names_whom_nobody_reached_by_counsellor_with_mobiles(
    stage: ConsoleStage, office: Clerk, page: str
) -> None:
    assert "8 人没有收到" in words(office.get(page).text)
    with office.post(f"{page}/phones", 200, kind="csv") as answer:
        found = rows(answer.data)
    assert len(found) == 8
    assert [row["辅导员"] for row in found] == sorted((row["辅导员"] for row in found), key=["陈静", "李卫"].index)
    for row in found:
        assert row["手机号"] == graduate(int(row["学号"][-6:])).mobile
        assert row["没送到的原因"] in {"还没有登录公众号", "拒收消息"}
    (entry,) = entries(stage)
    assert entry.details["内容"] == "电话名单"
    assert "139" not in str(entry.details)


def test_whoever_saw_it_in_the_chat_leaves_the_telephone_list(stage: ConsoleStage, office: Clerk, page: str) -> None:
    with stage.installation.engine.connect() as connection:
        shown = delivery.update().where(delivery.c.id == f"{0:032x}")
        connection.execute(shown.values(shown_at=stage.now + timedelta(minutes=5)))
    said = words(office.get(page).text)
    assert "7 人没有收到" in said
    assert "另有 1 人后来在聊天里看到了正文" in said
    assert "在聊天里看到" in words(office.get(f"{page}/results").text)


def test_a_name_that_looks_like_a_formula_stays_a_text(stage: ConsoleStage, office: Clerk, page: str) -> None:
    with stage.installation.engine.connect() as connection:
        connection.exec_driver_sql("UPDATE graduate SET name = '=1+1' WHERE student_number = '2019000000'")
    for path in ("results/file", "phones"):
        with office.post(f"{page}/{path}", 200, kind="csv") as answer:
            assert "'=1+1" in answer.data.decode("utf-8-sig")


# -- the planned notices ---------------------------------------------------------------------------


def planned(stage: ConsoleStage, kind: Planned = Planned.LAST_DAY) -> tuple[bool, str, str, int]:
    with stage.installation.work.reading() as uow:
        notice = next(each for each in uow.planned_notices.of("2023") if each.kind is kind)
    return notice.is_on, notice.title, notice.text, notice.version


def typed(**changed: str) -> dict[str, str]:
    return {
        "kind": "LAST_DAY",
        "version": "0",
        "is_on": "1",
        "title": "最后一天",
        "text": "{姓名}，今天截止。",
        **changed,
    }


def test_a_planned_notice_gets_staffs_own_words_and_its_usual_ones_back(stage: ConsoleStage, office: Clerk) -> None:
    usual = default("2023", Planned.LAST_DAY)
    office.post(f"{ROOM}/planned", 303, **typed())
    assert planned(stage) == (True, "最后一天", "{姓名}，今天截止。", 1)
    page = office.get(f"{ROOM}/planned").text
    assert page.count("恢复原来的文字") == 1
    assert page.count("chip good") == 4
    office.post(f"{ROOM}/planned", 303, **typed(version="1", do="default"))
    assert planned(stage)[1:3] == (usual.title, usual.text)


def test_a_planned_notice_can_be_switched_off(stage: ConsoleStage, office: Clerk) -> None:
    off = {name: word for name, word in typed().items() if name != "is_on"}
    office.post(f"{ROOM}/planned", 303, **off)
    assert planned(stage)[0] is False
    assert office.get(f"{ROOM}/planned").text.count("chip good") == 3


def test_words_that_cannot_be_sent_are_refused_beside_them_and_stay(stage: ConsoleStage, office: Clerk) -> None:
    page = office.post(f"{ROOM}/planned", 400, **typed(title="长" * 21, text="{性别}，今天截止。")).text
    assert "标题最多 20 个字" in page
    assert "没有 {性别} 这个变量" in words(page)
    assert "{性别}，今天截止。" in page
    assert value(page, "title") != "长" * 21, "the others stay as they are"
    assert "长" * 21 in page
    assert planned(stage)[3] == 0
    office.post(f"{ROOM}/planned", 400, **typed(kind="NONSENSE"))


def test_of_two_who_change_a_planned_notice_the_second_is_told(stage: ConsoleStage, office: Clerk) -> None:
    stage.clerk(Role.ADMINISTRATOR).post(f"{ROOM}/planned", 303, **typed(title="管理员的"))
    page = office.post(f"{ROOM}/planned", 409, **typed(title="就业办的")).text
    assert "别人先保存了" in page
    assert "就业办的" in page
    assert planned(stage)[1] == "管理员的"
    office.post(f"{ROOM}/planned", 303, **typed(title="就业办的", version="1"))
    assert planned(stage)[1] == "就业办的"
