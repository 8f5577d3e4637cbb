"""The list of graduates through the front door: filters, search, pages, files; never beyond the scope."""

import csv
import io
import re
from collections.abc import Mapping

import pytest
from openpyxl import load_workbook
from werkzeug.test import TestResponse

from bot.registration.stage import Stage, stage_of
from bot.staff.audit import Entry
from bot.staff.deed import Action
from bot.staff.policy import Act, Role
from handlers.staff.exports import guarded
from tests.handlers.staff.stage import ConsoleStage, graduate, raised


def _numbers(page: str) -> list[str]:
    return re.findall(r"<i>(\d+)</i>", page)


def _of_t01(stage: ConsoleStage) -> list[str]:
    return [d.graduate.student_number for d in stage.dossiers() if d.graduate.counsellor.staff_number == "T01"]


def _rows(answer: TestResponse) -> list[dict[str, str]]:
    assert answer.data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def _exports(stage: ConsoleStage) -> list[Entry]:
    with stage.installation.work.reading() as uow:
        return [entry for entry in uow.audit.all() if entry.action == Action.LIST_EXPORTED.name]


def test_a_counsellor_sees_the_own_students_in_the_list_the_search_and_the_file(stage: ConsoleStage) -> None:
    clerk, own = stage.clerk(Role.COUNSELLOR), _of_t01(stage)
    assert _numbers(clerk.get("/staff/graduates").text) == own
    assert _numbers(clerk.get("/staff/graduates?counsellor=T02").text) == []
    found = clerk.get(clerk.post("/staff/graduates/search", words="2019").headers["Location"]).text
    assert _numbers(found) == own
    rows = _rows(clerk.post("/staff/graduates/export?counsellor=T01", 200, kind="csv"))
    assert [row["学号"] for row in rows] == own
    assert _rows(clerk.post("/staff/graduates/export?counsellor=T02", 200, kind="csv")) == []


def test_a_search_never_stands_in_the_address_and_is_nobody_elses(stage: ConsoleStage) -> None:
    office, other = stage.clerk(Role.OFFICE), stage.clerk(Role.ADMINISTRATOR)
    name = graduate(3).name
    there = office.post("/staff/graduates/search", words=name).headers["Location"]
    assert name not in there
    assert "%E" not in there
    page = office.get(there).text
    assert graduate(3).student_number in _numbers(page)
    assert f'value="{name}"' in page
    assert "已经过期" in other.get(there, 400).text
    assert "已经过期" in office.get("/staff/graduates?sought=gAAAAforged", 400).text


def test_a_filter_keeps_the_search(stage: ConsoleStage) -> None:
    office = stage.clerk(Role.OFFICE)
    there = office.post("/staff/graduates/search", words="2019").headers["Location"]
    page = office.get(f"{there}&stage=UNBOUND").text
    assert _numbers(page) == [graduate(0).student_number, graduate(10).student_number]
    assert f'name="sought" value="{there.split("sought=")[1]}"' in page


def test_the_list_of_each_stage_holds_whom_the_funnel_counts(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.OFFICE)
    progress = clerk.get("/staff/progress").text
    for each in Stage:
        listed = _numbers(clerk.get(f"/staff/graduates?stage={each.name}").text)
        counted = re.search(rf'stage={each.name}">\S+ <b>(\d+)</b>', progress)
        if each is not Stage.VERIFIED:
            assert len(listed) == (int(counted[1]) if counted else 0), each
        assert listed == [d.graduate.student_number for d in stage.dossiers() if stage_of(d) is each]


def test_pages_of_fifty_show_everybody_once_and_stay_light(tmp_path_factory: pytest.TempPathFactory) -> None:
    with raised(tmp_path_factory.mktemp("crowd"), 120) as stage:
        clerk, path, found = stage.clerk(Role.OFFICE), "/staff/graduates", []
        while path:
            answer = clerk.get(path)
            assert len(answer.data) < 20_000
            found += _numbers(answer.text)
            following = re.search(r'<a href="([^"]+)">下一页</a>', answer.text)
            path = following[1].replace("&amp;", "&") if following else ""
            assert not re.search(r"2019\d{6}", path)
        assert found == [d.graduate.student_number for d in stage.dossiers()]


def test_the_plain_list_has_nothing_sensitive_and_is_audited(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.OFFICE)
    answer = clerk.post("/staff/graduates/export?stage=UNBOUND&college=文学院", 200, kind="xlsx")
    sheet = load_workbook(io.BytesIO(answer.data)).active
    assert sheet
    heads, *rows = list(sheet.values)
    assert [row[0] for row in rows] == [graduate(0).student_number]
    words = {str(cell) for row in rows for cell in row}
    assert not words & {graduate(0).mobile, graduate(0).identity_number.value}
    assert not {"手机号", "身份证号"} & set(heads)
    [entry] = _exports(stage)
    assert entry.actor_name == stage.accounts[Role.OFFICE].name
    assert _subset(entry, {"内容": "普通名单", "人数": "1", "学院": "文学院", "办理阶段": "未登录"})


def _subset(entry: Entry, expected: Mapping[str, str]) -> bool:
    return {name: entry.details.get(name) for name in expected} == dict(expected)


def test_phones_need_a_purpose_that_is_kept_and_audited(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.COUNSELLOR)
    refused = clerk.post("/staff/graduates/export", 400, list="phones", kind="csv", reason="打电")
    assert "请写明用途" in refused.text
    assert 'value="打电"' in refused.text
    assert _exports(stage) == []
    rows = _rows(clerk.post("/staff/graduates/export", 200, list="phones", kind="csv", reason="提醒尽快登录"))
    phones = {row["学号"]: row["手机号"] for row in rows}
    assert phones == {graduate(i).student_number: graduate(i).mobile for i in range(0, 20, 2)}
    [entry] = _exports(stage)
    assert _subset(entry, {"内容": "电话名单", "人数": "10", "辅导员工号": "T01", "用途": "提醒尽快登录"})


def test_what_was_searched_for_is_not_written_into_the_log(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.OFFICE)
    there = clerk.post("/staff/graduates/search", words=graduate(5).name).headers["Location"]
    clerk.post(f"/staff/graduates/export?{there.split('?')[1]}", 200, kind="csv")
    [entry] = _exports(stage)
    assert entry.details["按姓名或学号"] == "是"
    assert graduate(5).name not in str(dict(entry.details))


def test_the_auditor_reads_the_list_and_takes_nothing_out(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.AUDITOR)
    page = clerk.get("/staff/graduates").text
    assert len(_numbers(page)) == 20
    assert "导出名单" not in page
    assert Act.EXPORT.value in clerk.post("/staff/graduates/export", 403).text


def test_a_place_in_the_list_that_is_gone_is_told(stage: ConsoleStage) -> None:
    foreign = f"{1:032x}"
    for after in (foreign, "x", f"{0:032x}.17"):
        assert "回到第一页" in stage.clerk(Role.COUNSELLOR).get(f"/staff/graduates?after={after}", 400).text
    assert "没有这个办理阶段" in stage.clerk(Role.OFFICE).get("/staff/graduates?stage=NO", 400).text


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@A", "'@A"),
        ("\t=1", "'\t=1"),
        ("012", "\t012"),
        ("201900000123", "\t201900000123"),
        ("13900000000", "13900000000"),
        ("赵明", "赵明"),
    ],
)
def test_a_spreadsheet_neither_runs_a_cell_nor_loses_its_digits(cell: str, written: str) -> None:
    assert guarded(cell) == written


def test_the_name_of_a_file_travels_in_letters_every_server_takes(stage: ConsoleStage) -> None:
    answer = stage.clerk(Role.OFFICE).post("/staff/graduates/export", 200, kind="csv")
    header = answer.headers["Content-Disposition"]
    assert header.isascii(), "WSGI servers answer 500 to anything else"
    assert "filename*=UTF-8''%E" in header
