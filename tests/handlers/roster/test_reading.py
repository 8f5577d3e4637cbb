import struct
import zipfile
from collections.abc import Callable, Iterable
from datetime import date, datetime
from pathlib import Path

import pytest
import xlsxwriter
import xlwt  # type: ignore[import-untyped]
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from bot.roster.cells import Broken, Cell
from bot.roster.columns import Line
from handlers.roster import reading, workbook
from handlers.roster.faults import RosterFileError
from handlers.roster.reading import read_lines

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRINGS = (
    f'<sst xmlns="{MAIN}"><si><t>甲</t></si><si><t>乙</t></si>'
    '<si><t>示</t><rPh sb="0" eb="1"><t>shi</t></rPh></si>'
    '<si><r><t>王</t></r><r><t xml:space="preserve">明 </t></r></si>'
    "<si/></sst>"
)
ROWS: list[list[Cell]] = [["学号", "姓名"], ["20190001", "㛃䶮"], ["20190002", "迪丽热巴·示例"]]


def read(path: Path) -> list[Line]:
    return list(read_lines(path))


def cells(path: Path) -> list[list[Cell]]:
    return [list(line.cells) for line in read(path)]


def refusal(path: Path) -> str:
    with pytest.raises(RosterFileError) as caught:
        read(path)
    return str(caught.value)


def save(path: Path, fill: Callable[[Worksheet], object]) -> Path:
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    fill(sheet)
    book.save(path)
    return path


def parts_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path: Path, parts: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def with_sheet(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a workbook whose sheet is the given XML, with STRINGS as shared strings."""

    def make(xml: str) -> Path:
        parts = parts_of(save(tmp_path / "base.xlsx", lambda sheet: sheet.append(["甲", "乙"])))
        return pack(
            tmp_path / "made.xlsx",
            parts | {"xl/worksheets/sheet1.xml": xml.encode(), "xl/sharedStrings.xml": STRINGS.encode()},
        )

    return make


def plain(rows: str, attributes: str = f'xmlns="{MAIN}"') -> str:
    return f"<worksheet {attributes}><sheetData>{rows}</sheetData></worksheet>"


# -- xlsx -----------------------------------------------------------------------------------------------


def test_lines_are_numbered_as_in_the_spreadsheet_and_blank_ones_left_out(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        sheet["B3"], sheet["C3"], sheet["B5"], sheet["D7"] = "学号", "姓名", 20190001, " "
        sheet["B8"] = ""
        sheet.merge_cells("B9:D10")
        sheet["B9"] = "合并"

    found = read(save(tmp_path / "r.xlsx", fill))
    assert [(line.number, *line.cells) for line in found] == [
        (3, None, "学号", "姓名"),
        (5, None, 20190001.0),
        (7, None, None, None, " "),
        (9, None, "合并"),
    ]


def test_numbers_days_and_truth_values_keep_their_kind(tmp_path: Path) -> None:
    day, moment = date(2023, 6, 30), datetime(2023, 6, 30, 12)  # noqa: DTZ001 -- spreadsheets have no zones
    row = [20190001, 1.5, day, moment, True, 110105194912310021.0]
    found = cells(save(tmp_path / "r.xlsx", lambda sheet: sheet.append(row)))
    assert found == [[20190001.0, 1.5, day, moment, True, pytest.approx(1.1e17, rel=0.01)]]


@pytest.mark.parametrize("number_format", ["yyyy/m/d", 'yyyy"年"m"月"d"日"', "[$-804]yyyy-mm-dd;@", "[Red]d/m/yy"])
def test_every_way_to_show_a_day_is_a_day(tmp_path: Path, number_format: str) -> None:
    def fill(sheet: Worksheet) -> None:
        sheet["A1"] = 45107
        sheet["A1"].number_format = number_format

    assert cells(save(tmp_path / "r.xlsx", fill)) == [[date(2023, 6, 30)]]


@pytest.mark.parametrize("number_format", ["0", "General", "[Red]0.00", '0"日"', "@", "#,##0"])
def test_other_formats_are_numbers(tmp_path: Path, number_format: str) -> None:
    def fill(sheet: Worksheet) -> None:
        sheet["A1"] = 45107
        sheet["A1"].number_format = number_format

    assert cells(save(tmp_path / "r.xlsx", fill)) == [[45107.0]]


def test_days_counted_from_1904_are_the_same_days(tmp_path: Path) -> None:
    book = Workbook()
    book.epoch = datetime(1904, 1, 1)  # noqa: DTZ001 -- spreadsheets have no zones
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet["A1"] = date(2023, 6, 30)
    book.save(tmp_path / "r.xlsx")
    assert cells(tmp_path / "r.xlsx") == [[date(2023, 6, 30)]]


def test_the_first_visible_sheet_is_read(tmp_path: Path) -> None:
    book = Workbook()
    hidden, shown = book.active, book.create_sheet("名册")
    assert isinstance(hidden, Worksheet)
    hidden.sheet_state = "hidden"
    hidden["A1"], shown["A1"] = "说明", "学号"
    book.save(tmp_path / "r.xlsx")
    assert cells(tmp_path / "r.xlsx") == [["学号"]]


def test_a_formula_without_a_result_is_not_an_empty_cell(tmp_path: Path) -> None:
    found = cells(save(tmp_path / "r.xlsx", lambda sheet: sheet.append(["=1+1", "x"])))
    assert isinstance(found[0][0], Broken)
    assert "没有保存计算结果" in found[0][0].reason


ODD_ROWS = (
    '<row r="2"><c r="A2" t="s"><v>0</v></c><c r="C2"><v>7</v></c></row>'
    '<row r="3"><c r="A3" t="e"><v>#N/A</v></c><c r="B3" t="str"><f>A1</f><v>文</v></c>'
    '<c r="C3"><f>1+1</f><v>2</v></c><c r="D3" t="str"><f>A1</f><v></v></c></row>'
    '<row r="4"/><row r="6"><c r="B6" t="inlineStr"><is><t xml:space="preserve"> a&amp;b &lt;</t></is></c>'
    '<c r="C6" t="b"><v>1</v></c><c r="D6" s="0"/></row>'
)
EXPECTED: list[Line] = [
    Line(2, ["甲", None, 7.0]),
    Line(3, [Broken("公式出错（#N/A），没有值"), "文", 2.0]),
    Line(6, [None, " a&b <", True]),
]


@pytest.mark.parametrize(
    ("rows", "attributes"),
    [
        (ODD_ROWS, f'xmlns="{MAIN}"'),
        (ODD_ROWS.replace('<row r="2">', '<row spans="1:3" y:d="0.2" r="2">'), f'xmlns="{MAIN}" xmlns:y="urn:y"'),
        (ODD_ROWS.replace('t="s"', 'cm="1" t="s"'), f'xmlns="{MAIN}"'),
        (ODD_ROWS.replace('"', "'"), f'xmlns="{MAIN}"'),
        (ODD_ROWS.replace("<v>文</v>", "<v><![CDATA[文]]></v>"), f'xmlns="{MAIN}"'),
        (ODD_ROWS.replace("<v>7</v>", "<!-- seven --><v>7</v>"), f'xmlns="{MAIN}"'),
        (ODD_ROWS.replace('<row r="3">', "<row>"), f'xmlns="{MAIN}"'),
    ],
)
def test_a_sheet_reads_the_same_whoever_wrote_it(with_sheet: Callable[[str], Path], rows: str, attributes: str) -> None:
    assert read(with_sheet(plain(rows, attributes))) == EXPECTED


def test_a_sheet_with_a_namespace_prefix_reads_the_same(with_sheet: Callable[[str], Path]) -> None:
    prefixed = plain(ODD_ROWS).replace("</", "</x:").replace("<", "<x:").replace("<x:/x:", "</x:")
    assert read(with_sheet(prefixed.replace("xmlns=", "xmlns:x="))) == EXPECTED


def test_cells_without_addresses_follow_each_other(with_sheet: Callable[[str], Path]) -> None:
    rows = '<row><c t="s"><v>0</v></c><c><v>2</v></c></row><row><c t="s"><v>1</v></c></row>'
    assert read(with_sheet(plain(rows))) == [Line(1, ["甲", 2.0]), Line(2, ["乙"])]


def test_phonetic_hints_are_not_part_of_a_name_and_coloured_runs_are(with_sheet: Callable[[str], Path]) -> None:
    values = "".join(f'<c r="{column}1" t="s"><v>{at}</v></c>' for at, column in ((2, "A"), (3, "B"), (4, "C")))
    assert cells(with_sheet(plain(f'<row r="1">{values}</row>'))) == [["示", "王明 ", ""]]


def test_a_workbook_with_shared_strings_reads_the_same(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "r.xlsx") as book:
        sheet = book.add_worksheet()
        for at, row in enumerate(ROWS):
            sheet.write_row(at, 0, row)
    assert b"sharedStrings" in (tmp_path / "r.xlsx").read_bytes()
    assert cells(tmp_path / "r.xlsx") == ROWS


def test_rows_are_found_whole_wherever_the_stream_is_cut(
    with_sheet: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.roster.sheet._PIECE", 97)
    path = with_sheet(plain("".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(1, 301))))
    assert [line.number for line in read(path)] == list(range(1, 301))


def test_a_stray_cell_in_the_last_corner_costs_nothing(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        sheet["A1"], sheet["XFD1048576"] = "学号", 1

    assert cells(save(tmp_path / "r.xlsx", fill)) == [["学号"]]


# -- xlsx that are none ---------------------------------------------------------------------------------


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_UNPACKED", 2**20)
    parts = parts_of(save(tmp_path / "base.xlsx", lambda sheet: sheet.append(["甲"])))
    path = pack(tmp_path / "bomb.xlsx", parts | {"xl/media/bomb.bin": bytes(2**21)})
    assert path.stat().st_size < 20_000
    assert "大得不合常理" in refusal(path)


def test_a_bomb_that_lies_about_its_size_gets_no_more_than_it_said(with_sheet: Callable[[str], Path]) -> None:
    path = with_sheet(plain("".join(f'<row r="{n}"><c r="A{n}"><v>1</v></c></row>' for n in range(1, 50_000))))
    content = bytearray(path.read_bytes())
    at = content.rfind(b"xl/worksheets/sheet1.xml") - 46  # the entry in the directory at the end of the file
    assert content[at : at + 4] == b"PK\x01\x02"
    struct.pack_into("<I", content, at + 24, 5000)
    path.write_bytes(content)
    assert "可能已损坏" in refusal(path)


def test_a_document_type_in_a_part_is_refused(with_sheet: Callable[[str], Path]) -> None:
    entity = '<!DOCTYPE worksheet [<!ENTITY a "aaaaaaaaaa">]>'
    assert "不是 xlsx" in refusal(with_sheet(entity + plain("<row/>")))


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="1"><c r="A1" t="s"><v>99</v></c></row>',
        '<row r="1"><c r="A1"><v>seven</v></c></row>',
        '<row r="1"><c r="A1"><v>7</w></c></row>',
    ],
)
def test_a_broken_sheet_is_told_not_crashed_on(with_sheet: Callable[[str], Path], rows: str) -> None:
    assert "可能已损坏" in refusal(with_sheet(plain(rows)))


def test_too_many_lines_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_LINES", 3)

    def fill(sheet: Worksheet) -> None:
        for _ in range(4):
            sheet.append(["x"])

    assert "超过 3 行" in refusal(save(tmp_path / "r.xlsx", fill))


def test_an_unfinished_download_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "r.xlsx", lambda sheet: sheet.append(["学号"]))
    path.write_bytes(path.read_bytes()[:-300])
    assert "不完整" in refusal(path)


def test_damage_inside_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet().write_column(0, 0, [f"{number:09d}" for number in range(999)])
    content = bytearray(path.read_bytes())
    at = content.find(b"xl/sharedStrings.xml") + 200
    content[at : at + 300] = bytes(300)
    path.write_bytes(content)
    assert "可能已损坏" in refusal(path)


def test_another_archive_is_no_workbook(tmp_path: Path) -> None:
    assert "不是 xlsx 表格" in refusal(pack(tmp_path / "r.xlsx", {"名册.csv": b"x"}))
    assert "xlsb / ods" in refusal(pack(tmp_path / "r.xlsx", {"content.xml": b"x"}))


# -- what only looks like a table -----------------------------------------------------------------------

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("r.xlsx", b"", "文件是空的"),
        ("r.csv", b"\xef\xbb\xbf\r\n \r\n", "文件是空的"),
        ("r.xlsx", OLE + bytes(504) + "EncryptedPackage".encode("utf-16-le") + bytes(512), "打开密码"),
        ("r.xls", OLE + bytes(2000), "可能已损坏"),
        ("r.xls", b"<html><body><table><tr><td>\xe5\xad\xa6</td></tr></table></body></html>", "网页（HTML / XML）"),
        ("r.xls", b"\xef\xbb\xbf\r\n<!DOCTYPE html>", "网页（HTML / XML）"),
        ("r.xls", b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>', "网页（HTML / XML）"),
        ("r.xlsx", "学号,姓名\n1,2\n".encode(), "内容却是 CSV 文本"),
        ("r.xlsx", b"%PDF-1.7 ...", "这是PDF"),
        ("r.csv", b"\x89PNG\r\n\x1a\n", "这是图片"),
        ("r.csv", b"\x7fELF\x00\x01", "不是表格文件"),
        ("r.csv", b"a,b\n\xff\xff\xff,c\n", "编码"),
        ("r.csv", '学号,姓名\n"1,2\n3,4\n'.encode(), "引号不成对"),
        ("r.csv", '学号,姓名\n"1"2,3\n'.encode(), "第 2 行的引号不成对"),
    ],
)
def test_what_is_no_table_is_refused_with_the_reason(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert sentence in refusal(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "打不开" in refusal(tmp_path / "nothing.xlsx")


def test_an_absurdly_large_file_is_refused_by_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 100)
    path = tmp_path / "r.csv"
    path.write_text("学号,姓名\n" * 50, "utf-8")
    assert "超过" in refusal(path)


# -- text -----------------------------------------------------------------------------------------------


def as_text(rows: Iterable[list[Cell]], delimiter: str) -> str:
    return "".join(delimiter.join(str(cell) for cell in row) + "\r\n" for row in rows)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_is_read_in_every_usual_encoding_and_with_every_delimiter(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    path = tmp_path / "r.csv"
    path.write_bytes(as_text(ROWS, delimiter).encode(encoding))
    assert cells(path) == ROWS


def test_csv_lines_count_like_rows_of_the_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text('学号,地址\n\n1,"上海市\n示例路"\n,\n2,北京市\n', "utf-8")
    assert [line.number for line in read(path)] == [1, 3, 5]


@pytest.mark.parametrize(
    ("written", "cell"),
    [
        ('"=""20220001"""', "20220001"),
        ("\t010000", "010000"),
        ("'+8613812345678", "+8613812345678"),
        ("'n", "'n"),
        ("=1+1", "=1+1"),
    ],
)
def test_guards_around_a_csv_cell_are_taken_off_and_formulas_stay_text(tmp_path: Path, written: str, cell: str) -> None:
    path = tmp_path / "r.csv"
    path.write_text(f"甲,乙\nx,{written}\n", "utf-8")
    assert cells(path)[1] == ["x", cell]


def test_a_workbook_named_csv_is_still_read(tmp_path: Path) -> None:
    path = save(tmp_path / "r.xlsx", lambda sheet: sheet.append(["学号"])).rename(tmp_path / "r.csv")
    assert cells(path) == [["学号"]]


# -- xls ------------------------------------------------------------------------------------------------


def test_an_old_workbook_is_read_with_its_rows_columns_and_days(tmp_path: Path) -> None:
    book = xlwt.Workbook(encoding="utf-8")
    hidden, sheet = book.add_sheet("说明"), book.add_sheet("名册")
    hidden.visibility = 1
    book.set_active_sheet(1)
    hidden.write(0, 0, "不是名册")
    sheet.write(2, 1, "学号")
    sheet.write(2, 2, "㛃䶮")
    sheet.write(4, 1, 20190001)
    sheet.write(4, 2, date(2023, 6, 30), xlwt.easyxf(num_format_str="yyyy-mm-dd"))
    sheet.write(4, 3, True)  # noqa: FBT003 -- a cell's value
    book.save(str(tmp_path / "r.xls"))
    found = [(line.number, *line.cells) for line in read(tmp_path / "r.xls")]
    assert found == [(3, None, "学号", "㛃䶮", ""), (5, None, 20190001, date(2023, 6, 30), True)]


def test_an_old_workbook_with_nothing_in_it_has_no_lines(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    book.add_sheet("空")
    book.save(str(tmp_path / "r.xls"))
    assert read(tmp_path / "r.xls") == []


def test_a_damaged_old_workbook_ends_no_process_but_its_own(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    book.add_sheet("名册").write(0, 0, "学号")
    book.save(str(tmp_path / "r.xls"))
    content = (tmp_path / "r.xls").read_bytes()
    dimensions = content.find(struct.pack("<HHII", 0x0200, 14, 0, 1))  # DIMENSIONS of one row
    assert dimensions > 0
    far = struct.pack("<HHIIHH", 0x0200, 14, 0, 0xFFFFFFF0, 0, 0xFFF0)
    (tmp_path / "r.xls").write_bytes(content[:dimensions] + far + content[dimensions + len(far) :])
    assert "可能已损坏" in refusal(tmp_path / "r.xls")
