"""The corrections room: the sheet goes out, is filled in with a spreadsheet, comes back, and graduates are told."""

import csv
import io
import re
from dataclasses import replace
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from bot.registration.correction import Correction, CorrectionState, Item, Verdict
from bot.registration.dossier import Dossier
from bot.staff.audit import Entry
from bot.staff.correction_sheet import Heading
from bot.staff.deed import Action
from bot.staff.policy import Role
from tests.handlers.staff.stage import MORNING, SEASON, Clerk, ConsoleStage
from tests.telling import claimed

OWN, FOREIGN = f"2019{2:06}", f"2019{19:06}"  # of counsellor T01, whose account is the counsellor's, and of T02
RIGHT_NUMBER = "11010119900307803X"
ITEMS = ((Item.MAJOR, "应为英语"), (Item.IDENTITY_NUMBER, RIGHT_NUMBER), (Item.OTHER, '=cmd|"/c calc"!A1'))


def report(stage: ConsoleStage, student_number: str, items: tuple[tuple[Item, str], ...]) -> Correction:
    """Let a graduate report items, as the chat does; an earlier report is forgotten."""
    correction = Correction(f"{int(student_number) + 10**9:032x}", items, MORNING)
    with stage.installation.work.writing() as uow:
        old = uow.registry.by_student_number(SEASON.id, student_number)
        assert old
        uow.registry.save(old, replace(old, correction=None).report(correction))
        uow.commit()
    return correction


def download(clerk: Clerk, **fields: object) -> Worksheet:
    answer = clerk.post("/staff/corrections/sheet", 200, **fields)
    sheet = load_workbook(io.BytesIO(answer.data)).active
    assert isinstance(sheet, Worksheet)
    return sheet


def columns(sheet: Worksheet) -> dict[Heading, int]:
    return {Heading(str(cell.value)): at for at, cell in enumerate(sheet[3], 1)}


def fill(sheet: Worksheet, student_number: str, label: str, **cells: str) -> None:
    """Fill the cells of one row, named by heading."""
    at = columns(sheet)
    for row in sheet.iter_rows(min_row=4):
        if (row[at[Heading.STUDENT_NUMBER] - 1].value, row[at[Heading.ITEM] - 1].value) == (student_number, label):
            for name, value in cells.items():
                row[at[Heading[name]] - 1].value = value
            return
    raise AssertionError((student_number, label))


def as_file(sheet: Worksheet) -> tuple[io.BytesIO, str]:
    buffer = io.BytesIO()
    book = sheet.parent
    assert isinstance(book, Workbook)
    book.save(buffer)
    buffer.seek(0)
    return buffer, "更正表.xlsx"


def upload(clerk: Clerk, sheet: Worksheet) -> str:
    return clerk.post("/staff/corrections/upload", 200, sheet=as_file(sheet)).text


def carry_out(clerk: Clerk, preview: str) -> str:
    found = re.search(r'name="answers" value="([^"]+)"', preview)
    assert found
    return clerk.post("/staff/corrections/apply", 200, answers=found[1]).text


def audited(stage: ConsoleStage, action: Action) -> list[Entry]:
    with stage.installation.work.reading() as uow:
        return [entry for entry in uow.audit.newest(100) if entry.action == action.name]


def notices(stage: ConsoleStage, dossier: Dossier) -> dict[str, dict[str, str]]:
    with stage.installation.work.writing() as uow:
        return {notice.key: dict(notice.data) for notice in claimed(uow, stage.now) if notice.openid == dossier.openid}


def test_a_sheet_goes_out_is_filled_in_and_corrects_what_was_reported(stage: ConsoleStage) -> None:
    correction = report(stage, OWN, ITEMS)
    clerk = stage.clerk(Role.OFFICE)
    sheet = download(clerk, counsellor="陈静", staff_number="T01")
    fill(sheet, OWN, "专业", RIGHT="英语", VERDICT="采纳")
    fill(sheet, OWN, "身份证号", VERDICT="不采纳", REASON="与学籍一致")
    fill(sheet, OWN, "其他", VERDICT="采纳", REASON="请带身份证到学院")
    preview = upload(clerk, sheet)
    assert "还没有改动任何数据" in preview
    assert stage.dossier(OWN).has_open_correction
    done = carry_out(clerk, preview)
    assert "已办理 <b>1</b> 份（3 项）" in done
    dossier = stage.dossier(OWN)
    assert dossier.graduate.major == "英语"
    assert dossier.correction
    assert dossier.correction.state is CorrectionState.APPLIED
    assert [(o.item, o.verdict, o.after) for o in dossier.correction.outcomes] == [
        (Item.MAJOR, Verdict.TAKEN, "英语"),
        (Item.IDENTITY_NUMBER, Verdict.REFUSED, ""),
        (Item.OTHER, Verdict.TAKEN, ""),
    ]
    told = notices(stage, dossier)["notice.correction_applied"]["correction_result"]
    assert told == "专业：已改为“英语”\n身份证号：没有采纳，与学籍一致\n其他：请带身份证到学院"
    (entry,) = audited(stage, Action.CORRECTION_APPLIED)
    assert (entry.subject, entry.actor_id) == (dossier.id, clerk.account.id)
    assert entry.details == {"更正": correction.id, "采纳": "专业、其他", "不采纳": "身份证号"}
    page = clerk.get(f"/staff/corrections/{correction.id}").text
    for word in (
        "应为英语",
        "汉语言文学" if dossier.graduate.college == "文学院" else "机械工程",
        "就业办甲",
        "审计第",
    ):
        assert word in page, word
    assert RIGHT_NUMBER not in page


def test_a_sheet_uploaded_twice_changes_nothing_the_second_time(stage: ConsoleStage) -> None:
    report(stage, OWN, ((Item.MAJOR, "应为英语"),))
    clerk = stage.clerk(Role.OFFICE)
    sheet = download(clerk)
    fill(sheet, OWN, "专业", RIGHT="英语", VERDICT="采纳")
    preview = upload(clerk, sheet)
    carry_out(clerk, preview)
    once = stage.dossier(OWN)
    assert "1 份之前已处理过，没有改动" in carry_out(clerk, preview)
    assert "1 份之前已处理过" in upload(clerk, sheet)
    assert stage.dossier(OWN) == once
    assert len(audited(stage, Action.CORRECTION_APPLIED)) == 1


def test_one_bad_report_does_not_stop_the_others_and_is_named_by_its_cell(stage: ConsoleStage) -> None:
    report(stage, OWN, ((Item.IDENTITY_NUMBER, "错了"),))
    report(stage, FOREIGN, ((Item.LEVEL, "硕士"),))
    clerk = stage.clerk(Role.OFFICE)
    sheet = download(clerk)
    fill(sheet, OWN, "身份证号", RIGHT="110101199003078031", VERDICT="采纳")
    fill(sheet, FOREIGN, "学历层次", RIGHT="硕士研究生", VERDICT="采纳")
    row = next(cell.row for cell in sheet["B"] if cell.value == OWN)
    preview = upload(clerk, sheet)
    assert f'<b class="mono">G{row}</b>' in preview
    assert "身份证号校验位不对" in preview
    carry_out(clerk, preview)
    assert stage.dossier(FOREIGN).graduate.level.value == "硕士"
    assert stage.dossier(OWN).has_open_correction


def test_data_that_moved_on_since_the_download_is_not_overwritten(stage: ConsoleStage) -> None:
    report(stage, OWN, ((Item.COLLEGE, "应为外语学院"),))
    clerk = stage.clerk(Role.OFFICE)
    sheet = download(clerk)
    fill(sheet, OWN, "学院", RIGHT="外语学院", VERDICT="采纳")
    preview = upload(clerk, sheet)
    with stage.installation.work.writing() as uow:
        old = stage.dossier(OWN)
        uow.registry.save(old, replace(old, graduate=replace(old.graduate, college="新文学院")))
        uow.commit()
    assert "导出以后学校的数据变过" in carry_out(clerk, preview)
    assert "导出以后学校的数据变过" in upload(clerk, sheet)
    assert stage.dossier(OWN).graduate.college == "新文学院"


def test_of_two_clerks_who_decide_the_same_report_one_does(stage: ConsoleStage) -> None:
    report(stage, OWN, ((Item.MAJOR, "应为英语"),))
    one, other = stage.clerk(Role.OFFICE), stage.clerk(Role.ADMINISTRATOR)
    sheet = download(one)
    fill(sheet, OWN, "专业", RIGHT="英语", VERDICT="采纳")
    preview = upload(one, sheet)
    fill(sheet, OWN, "专业", RIGHT="", VERDICT="不采纳", REASON="与学籍一致")
    carry_out(other, upload(other, sheet))
    assert "没有改动" in carry_out(one, preview)
    dossier = stage.dossier(OWN)
    assert dossier.correction
    assert dossier.correction.state is CorrectionState.REFUSED
    assert dossier.graduate.major != "英语"
    assert notices(stage, dossier)["notice.correction_refused"]["correction_answer"] == "专业：与学籍一致"


def test_what_a_graduate_wrote_stays_text_in_the_file(stage: ConsoleStage) -> None:
    report(stage, OWN, ITEMS)
    data = stage.clerk(Role.OFFICE).post("/staff/corrections/sheet", 200).data
    with ZipFile(io.BytesIO(data)) as book:
        assert b"<f" not in book.read("xl/worksheets/sheet1.xml").replace(b"<formula1>", b"")
        assert b"=cmd|" in book.read("xl/sharedStrings.xml")


def test_a_counsellor_gets_own_students_only_and_decides_nothing(stage: ConsoleStage) -> None:
    own, foreign = report(stage, OWN, ITEMS), report(stage, FOREIGN, ITEMS)
    clerk = stage.clerk(Role.COUNSELLOR)
    listed = clerk.get("/staff/corrections").text
    assert own.id in listed
    assert foreign.id not in listed
    assert FOREIGN not in {cell.value for cell in download(clerk)["B"]}
    assert OWN in {cell.value for cell in download(clerk)["B"]}
    clerk.post("/staff/corrections/sheet", 404, counsellor="李卫", staff_number="T02")
    clerk.get(f"/staff/corrections/{foreign.id}", 404)
    clerk.post(f"/staff/corrections/{foreign.id}/reveal", 404, once="a")
    for path in (f"/staff/corrections/{own.id}/decide", "/staff/corrections/upload", "/staff/corrections/apply"):
        clerk.post(path, 403)
    (newest, *_) = audited(stage, Action.CORRECTIONS_EXPORTED)
    assert newest.details == {"辅导员": "全部", "份数": "2", "敏感项": "身份证号、其他"}


def test_the_auditor_sees_nothing_unmasked(stage: ConsoleStage) -> None:
    correction = report(stage, OWN, ITEMS)
    clerk = stage.clerk(Role.AUDITOR)
    page = clerk.get(f"/staff/corrections/{correction.id}").text
    assert "应为英语" in page
    assert stage.dossier(OWN).graduate.major in page
    assert RIGHT_NUMBER not in page
    assert stage.dossier(OWN).graduate.identity_number.value not in page
    clerk.post("/staff/corrections/sheet", 403)
    clerk.post(f"/staff/corrections/{correction.id}/reveal", 403, once="a")


def test_what_is_hidden_is_shown_for_a_reason_that_is_written_down(stage: ConsoleStage) -> None:
    correction = report(stage, OWN, ITEMS)
    clerk = stage.clerk(Role.OFFICE)
    path = f"/staff/corrections/{correction.id}"
    page = clerk.get(path).text
    assert RIGHT_NUMBER not in page
    once = re.search(r'name="once" value="([^"]+)"', page)
    assert once
    assert RIGHT_NUMBER in clerk.post(f"{path}/reveal", 200, once=once[1]).text
    (entry,) = audited(stage, Action.REVEALED)
    assert entry.subject == stage.dossier(OWN).id
    assert entry.details["项目"] == "身份证号、信息有误原话"


def form_of(page: str) -> dict[str, object]:
    return {"key": re.findall(r'name="key" value="([^"]+)"', page)}


def test_a_report_is_decided_on_its_page_and_nothing_typed_is_lost(stage: ConsoleStage) -> None:
    correction = report(stage, OWN, ((Item.NAME, "应为王小朋"), (Item.GRADUATION_DATE, "2023年7月1日")))
    clerk = stage.clerk(Role.OFFICE)
    path = f"/staff/corrections/{correction.id}"
    form = form_of(clerk.get(path).text)
    typed = {"right-1": "王小朋", "verdict-NAME": "采纳", "right-2": "2023-13-01", "verdict-GRADUATION_DATE": "采纳"}
    again = clerk.post(f"{path}/decide", 400, **form, **typed).text
    assert 'value="王小朋"' in again
    assert 'value="2023-13-01"' in again
    assert "没有这一天" in again or "日期" in again
    clerk.post(f"{path}/decide", 302, **form, **(typed | {"right-2": "2023/7/1"}))
    dossier = stage.dossier(OWN)
    assert (dossier.graduate.name, dossier.graduate.graduation_date.isoformat()) == ("王小朋", "2023-07-01")
    assert dossier.checked_at is None
    page = clerk.get(path).text
    assert "2023-06-30" in page  # what it was
    assert "王小朋" not in str(audited(stage, Action.CORRECTION_APPLIED)[0].details)


def test_an_archive_address_is_corrected_and_the_confirmation_falls(stage: ConsoleStage) -> None:
    correction = report(stage, FOREIGN, ((Item.ARCHIVE, "应寄到二楼"),))
    sheet = download(clerk := stage.clerk(Role.OFFICE), counsellor="李卫", staff_number="T02")
    fill(sheet, FOREIGN, "档案信息 · 户档转递类型", RIGHT="转回生源地", VERDICT="采纳")
    fill(sheet, FOREIGN, "档案信息 · 档案接收地址", RIGHT="示例市学府路2号202室", VERDICT="采纳")
    carry_out(clerk, upload(clerk, sheet))
    dossier = stage.dossier(FOREIGN)
    assert dossier.archive.items
    assert (dossier.archive.items.receiving_type, dossier.archive.items.address) == (None, "示例市学府路2号202室")
    assert not dossier.is_confirmed
    assert dossier.correction
    assert "接收类型：空" in dossier.correction.outcomes[0].after
    assert "学府路2号" not in clerk.get(f"/staff/corrections/{correction.id}").text


def test_every_counsellor_has_a_file_in_the_zip(stage: ConsoleStage) -> None:
    report(stage, OWN, ITEMS)
    report(stage, FOREIGN, ITEMS)
    answer = stage.clerk(Role.OFFICE).post("/staff/corrections/sheet", 200, form="zip")
    names = ZipFile(io.BytesIO(answer.data)).namelist()
    assert names == ["更正表-2023-陈静-T01-0629.xlsx", "更正表-2023-李卫-T02-0629.xlsx"]


def test_files_that_are_no_sheet_are_refused_with_the_reason(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.OFFICE)
    bomb = io.BytesIO()
    with ZipFile(bomb, "w", ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * (70 * 2**20))
    bomb.seek(0)
    other = Workbook()
    sheet = other.active
    assert isinstance(sheet, Worksheet)
    sheet.append(["学号", "姓名"])
    refusals = {
        "大得不合常理": (bomb, "炸弹.xlsx"),
        "不是从这里下载的更正表": as_file(sheet),
        "文件是空的": (io.BytesIO(b""), "空.xlsx"),
    }
    for reason, file in refusals.items():
        assert reason in clerk.post("/staff/corrections/upload", 400, sheet=file).text
    # Werkzeug's client leaves the temporary file open that it writes large forms to; so this one is put together here.
    part = 'Content-Disposition: form-data; name="'
    head = f'--x\r\n{part}csrf_token"\r\n\r\n{clerk.token}\r\n--x\r\n{part}sheet"; filename="a.xlsx"\r\n\r\n'
    body = head.encode() + b"x" * (2 * 2**20 + 1) + b"\r\n--x--\r\n"
    large = clerk.client.post("/staff/corrections/upload", data=body, content_type="multipart/form-data; boundary=x")
    assert (large.status_code, "超过 2 MB" in large.text) == (400, True)
    assert "请先选择" in clerk.post("/staff/corrections/upload", 400).text
    assert "重新上传" in clerk.post("/staff/corrections/apply", 400, answers="eJwr").text


def test_the_sheet_is_ready_to_be_filled_in_and_printed(stage: ConsoleStage) -> None:
    report(stage, OWN, ITEMS)
    sheet = download(stage.clerk(Role.OFFICE))
    letters = {heading: get_column_letter(at) for heading, at in columns(sheet).items()}
    assert sheet.freeze_panes == f"{letters[Heading.ITEM]}4"
    assert sheet.column_dimensions[letters[Heading.KEY]].hidden
    lists = [each for each in sheet.data_validations.dataValidation if each.type == "list"]
    assert [(each.formula1, str(each.sqref)[0]) for each in lists] == [('"采纳,不采纳"', letters[Heading.VERDICT])]
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize, sheet.print_title_rows) == (
        "landscape",
        9,
        "$3:$3",
    )
    assert "含身份证号、地址等敏感信息" in str(sheet["A2"].value)
    assert all(cell.number_format == "@" for row in sheet.iter_rows(min_row=4) for cell in row)


def test_a_sheet_that_was_saved_as_csv_comes_back_too(stage: ConsoleStage) -> None:
    report(stage, OWN, ((Item.MAJOR, "应为英语"),))
    sheet = download(clerk := stage.clerk(Role.OFFICE))
    fill(sheet, OWN, "专业", RIGHT="英语", VERDICT="采纳")
    text = io.StringIO()
    csv.writer(text).writerows([cell.value for cell in row] for row in sheet.iter_rows())
    file = io.BytesIO(text.getvalue().encode("gb18030"))
    carry_out(clerk, clerk.post("/staff/corrections/upload", 200, sheet=(file, "更正表.csv")).text)
    assert stage.dossier(OWN).graduate.major == "英语"
