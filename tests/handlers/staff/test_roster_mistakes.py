"""Every mistake schools make with rosters (名册里的常见错误) is explained: sent as a file, read as a page."""

import io
import struct
import zipfile
from collections.abc import Callable
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
import xlwt  # type: ignore[import-untyped]
from openpyxl.worksheet.worksheet import Worksheet

from bot.roster.columns import Column
from bot.staff import uploads
from bot.staff.policy import Role
from bot.use_cases import roster_work
from tests.handlers.staff.rosters import Row, looked_at, newcomer, registered, send, text_file, work, workbook
from tests.handlers.staff.stage import Clerk, ConsoleStage, graduate

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
PLACES = {column: place for place, column in enumerate(Column)}


@pytest.fixture
def clerk(stage: ConsoleStage) -> Clerk:
    """Somebody of the employment office."""
    return stage.clerk(Role.OFFICE)


Read = Callable[..., str]


@pytest.fixture
def read(stage: ConsoleStage, clerk: Clerk) -> Read:
    """Uploads a file, lets the worker look at it, and returns what the page says."""

    def page(content: bytes, name: str = "名册.xlsx") -> str:
        return unescape(clerk.get(looked_at(stage, clerk, content, name)).text)

    return page


def cell(column: Column, row: int) -> str:
    return xlsxwriter.utility.xl_rowcol_to_cell(row - 1, PLACES[column])  # type: ignore[no-any-return]


# -- cells ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        (Column.IDENTITY_NUMBER, 110105194912310021, "末尾几位已经丢失"),
        (Column.IDENTITY_NUMBER, "1.10105E+17", "末尾几位已经丢失"),
        (Column.IDENTITY_NUMBER, "110105194912310020", "校验位不对"),
        (Column.IDENTITY_NUMBER, "", "不能为空"),
        (Column.STUDENT_NUMBER, 2019900001.5, "带小数"),
        (Column.NAME, "=B2&C2", "没有保存计算结果"),
        (Column.UNIT, "#N/A", "公式出错（#N/A）"),
        (Column.MOBILE, date(2023, 6, 30), "日期格式"),
        (Column.CLASS, True, "逻辑值"),
        (Column.LEVEL, "高中", "学历层次应为"),
    ],
)
def test_a_bad_cell_is_named_by_address_with_the_way_to_mend_it(
    read: Read, column: Column, value: object, reason: str
) -> None:
    page = read(workbook([newcomer(900001), newcomer(900002, {column: value, Column.DESTINATION: "10"})]))
    assert f'class="mono">{cell(column, 3)}</td>' in page
    assert reason in page
    assert "下载不能用的 1 行" in page


def test_a_number_that_lost_nothing_and_a_formula_with_its_result_are_taken(read: Read) -> None:
    row = newcomer(900001, {Column.STUDENT_NUMBER: 2019900001})
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, [str(column) for column in Column])
        for column, value in row.items():
            sheet.write(1, PLACES[column], value)
        sheet.write_formula(1, PLACES[Column.COLLEGE], '="理"&"学院"', None, "理学院")
    page = read(file.getvalue())
    assert "写入：新增 1 人" in page


def test_doubles_inside_the_file_name_each_other(read: Read) -> None:
    same = {Column.IDENTITY_NUMBER: newcomer(900001)[Column.IDENTITY_NUMBER]}
    page = read(workbook([newcomer(900001), newcomer(900002), newcomer(900003, same)]))
    assert "与第 4 行的身份证号重复" in page
    assert "与第 2 行的身份证号重复" in page


def test_an_id_number_somebody_else_is_registered_with_is_refused(read: Read) -> None:
    taken = {Column.IDENTITY_NUMBER: graduate(3).identity_number.value}
    page = read(workbook([newcomer(900001, taken), newcomer(900002)]))
    assert "库里学号 2019000003 的毕业生已经用了这个身份证号" in page
    assert cell(Column.IDENTITY_NUMBER, 2) in page


def test_two_graduates_whose_id_numbers_were_mixed_up_are_put_right_by_one_file(
    stage: ConsoleStage, read: Read
) -> None:
    rows = registered(stage)
    one, other = rows[0], rows[1]
    one[Column.IDENTITY_NUMBER], other[Column.IDENTITY_NUMBER] = (
        other[Column.IDENTITY_NUMBER],
        one[Column.IDENTITY_NUMBER],
    )
    assert "写入：新增 0 人，更改 2 人" in read(workbook([one, other]))
    other[Column.LEVEL] = "高中"
    assert f"库里学号 {other[Column.STUDENT_NUMBER]} 的毕业生" in read(workbook([one, other]))


def test_merged_cells_below_the_headings_are_refused_and_titles_may_be_merged(read: Read) -> None:
    rows = [newcomer(900001), newcomer(900002, {Column.COLLEGE: None}), newcomer(900003)]
    merge = f"{cell(Column.CLASS, 2)}:{cell(Column.CLASS, 3)}"
    page = read(workbook(rows, lambda sheet: sheet.merge_cells(merge)))
    assert "在合并单元格里" in page
    assert f'class="mono">{cell(Column.CLASS, 3)}</td>' in page
    assert "只写入没有问题的 2 人" in page

    def titled(sheet: Worksheet) -> None:
        sheet.insert_rows(1)
        sheet["A1"] = "示例大学 2023 届毕业生名册"
        sheet.merge_cells("A1:H1")

    assert "写入：新增 2 人" in read(workbook([rows[0], rows[2]], titled))


def test_sheets_that_were_not_read_and_headings_nobody_knows_are_told(read: Read) -> None:
    def more(sheet: Worksheet) -> None:
        sheet.cell(1, len(Column) + 1).value = "政治面貌"
        assert sheet.parent is not None
        sheet.parent.create_sheet("研究生").append(["学号"])

    page = read(workbook([newcomer(900001)], more))
    assert "文件有 2 个工作表" in page
    assert "“研究生”没有读取" in page
    assert "不认识的列，没有读取：政治面貌" in page


# -- files ----------------------------------------------------------------------------------------------


def _locked() -> bytes:
    return OLE + bytes(512) + "EncryptedPackage".encode("utf-16-le") + bytes(512)


def _bomb(size: int) -> bytes:
    """Return a workbook of some kilobytes that unpacks to any size."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook([newcomer(900001)]))) as good, zipfile.ZipFile(file, "w", 8) as bad:
        for name in good.namelist():
            content = good.read(name)
            if name.endswith("sheet1.xml"):
                with bad.open(name, "w", force_zip64=True) as part:
                    part.write(content.replace(b"</sheetData>", b"")[: content.rfind(b"</sheetData>")])
                    blank = b" " * (1 << 20)
                    for _ in range(size >> 20):
                        part.write(blank)
            else:
                bad.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"<html><table><tr><td>\xe5\xad\xa6\xe5\x8f\xb7</td></tr></table></html>", "名册.xls", "这是网页"),
        ("学号,姓名\n1,2\n".encode(), "名册.xlsx", "内容却是 CSV 文本"),
        (workbook([])[:2000], "名册.xlsx", "文件不完整"),
        (_locked(), "名册.xlsx", "请在表格软件里取消密码"),
        (b"\r\n  \r\n", "名册.csv", "文件是空的"),
        (b"%PDF-1.7", "名册.xlsx", "这是PDF"),
        ("姓名,班级\n王小明,1班\n".encode(), "名册.csv", "缺少必需的列"),
        (OLE + bytes(4000), "名册.xls", "打不开"),
    ],
)
def test_a_file_that_is_no_roster_is_refused_with_the_reason_and_forgotten(
    stage: ConsoleStage, read: Read, content: bytes, name: str, reason: str
) -> None:
    page = read(content, name)
    assert "无法读取" in page
    assert reason in page
    assert "没有写入任何内容" in page
    assert not work(stage)


def test_a_workbook_named_csv_is_read_as_what_it_is(read: Read) -> None:
    assert "写入：新增 1 人" in read(workbook([newcomer(900001)]), "名册.csv")


def test_an_old_workbook_is_read_and_its_lost_digits_are_found(read: Read) -> None:
    def saved(row: Row) -> bytes:
        book = xlwt.Workbook()
        sheet = book.add_sheet("名册")
        for place, column in enumerate(Column):
            sheet.write(0, place, str(column))
            sheet.write(1, place, row.get(column, ""))
        file = io.BytesIO()
        book.save(file)
        return file.getvalue()

    assert "写入：新增 1 人" in read(saved(newcomer(900001)), "名册.xls")
    lost = read(saved(newcomer(900001, {Column.IDENTITY_NUMBER: 110105194912310021.0})), "名册.xls")
    assert "末尾几位已经丢失" in lost


def test_empty_large_and_strange_files_are_turned_away_at_the_door(
    clerk: Clerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(content: bytes, name: str) -> str:
        return clerk.post("/staff/roster", 400, file=(io.BytesIO(content), name)).text

    assert "文件是空的" in said(b"", "名册.xlsx")
    assert "请上传 xlsx、xls 或 csv" in said(b"x", "名册.exe")
    assert "还没有选择文件" in clerk.post("/staff/roster", 400).text
    monkeypatch.setattr("bot.use_cases.roster_uploads.MOST_BYTES", 10)
    assert "请删去多余的工作表" in said(b"x" * 11, "名册.xlsx")
    form = "multipart/form-data; boundary=x"
    assert clerk.client.post("/staff/roster", data=bytes(33 * 2**20), content_type=form).status_code == 413


def _saying(packed: bytes, size: int) -> bytes:
    """Return an archive whose directory claims this size for every part."""
    lying = bytearray(packed)
    at = lying.rfind(b"PK\x01\x02")
    while at >= 0:
        lying[at + 24 : at + 28] = struct.pack("<I", size)
        at = lying.rfind(b"PK\x01\x02", 0, at)
    return bytes(lying)


def test_a_bomb_is_refused_by_what_it_says_of_itself_and_by_what_it_does(read: Read) -> None:
    assert "文件解压后大得不合常理" in read(_saying(_bomb(1 << 20), 200 << 20))
    assert "有一行大得不合常理" in read(_bomb(40 << 20))


def test_a_file_that_lies_about_its_size_ends_the_child_and_nothing_else(read: Read) -> None:
    page = read(_saying(_bomb(40 << 20), 5000))
    assert "无法读取" in page
    assert "没有写入任何内容" in page


def test_a_child_without_memory_or_time_is_a_sentence(
    stage: ConsoleStage, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.roster.child.sys.executable", "/bin/false")
    assert "内存或时间多得不合常理" in read(workbook([newcomer(900001)]))
    assert len(stage.dossiers()) == 20


def test_more_rows_than_a_file_may_have_are_refused(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.use_cases.roster_work.MOST_ROWS", 3)
    rows = [newcomer(900000 + serial) for serial in range(4)]
    assert "文件超过 3 行；请按学院拆分后分别上传" in read(workbook(rows))
    assert "新增 3 人" in read(workbook(rows[:3]))
    assert uploads.MOST_ROWS == 100_000


def test_a_file_in_which_nearly_nothing_can_be_taken_is_refused_as_a_whole(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.use_cases.look_at_roster.MOST_REFUSED", 3)
    page = read(workbook([newcomer(900000 + serial, {Column.NAME: 7}) for serial in range(4)]))
    assert "多半是整列的格式不对或错了位" in page
    assert "第 2 行 B 列" in page


def test_a_file_that_keeps_killing_workers_is_given_up(stage: ConsoleStage, clerk: Clerk) -> None:
    path = send(clerk, workbook([newcomer(900001)]))
    office = stage.installation.office

    def dies(*_: object) -> Any:  # noqa: ANN401 -- it never returns
        raise KeyboardInterrupt

    for _ in range(roster_work.MOST_CLAIMS):
        with pytest.raises(KeyboardInterrupt):
            roster_work.work_on_next(office, dies)
        stage.now += roster_work.LEASE * 2
    assert roster_work.work_on_next(office, dies)
    assert "处理了几次都没有完成" in clerk.get(path).text


def test_a_csv_with_numbers_a_spreadsheet_has_shortened_is_refused(read: Read, tmp_path: Path) -> None:
    content = text_file(tmp_path, [newcomer(900001, {Column.IDENTITY_NUMBER: "1.10105E+17"})], "gb18030")
    assert "末尾几位已经丢失" in read(content, "名册.csv")
