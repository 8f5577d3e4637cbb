from itertools import repeat
from pathlib import Path

import pytest
from openpyxl import load_workbook

from bot.errors import BadValueError
from bot.roster.columns import Column
from handlers.roster.reading import read_lines
from handlers.roster.writing import write_roster

ROW = {
    Column.STUDENT_NUMBER: "0022000001",
    Column.NAME: "欧阳㛃䶮",
    Column.IDENTITY_NUMBER: "110105194912310021",
    Column.UNIT: '=HYPERLINK("http://x.example","点我")',
    Column.POST: "@SUM(1)",
    Column.ARCHIVE_ADDRESS: "http://x.example/1",
    Column.ARCHIVE_PHONE: "+85212345678",
    Column.ARCHIVE_CONTACT: "-1+1",
}


@pytest.mark.parametrize("name", ["r.xlsx", "r.csv", "R.XLSX"])
def test_a_written_roster_reads_back_cell_by_cell(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert write_roster(path, repeat(ROW, 3)) == 3
    head, *rows = read_lines(path)
    assert list(head.cells) == [str(column) for column in Column]
    for line in rows:
        read = dict(zip(Column, [*line.cells, *repeat(None, len(Column))], strict=False))
        assert {column: cell for column, cell in read.items() if cell} == ROW


def test_no_cell_of_a_written_workbook_is_a_formula_a_link_or_a_number(tmp_path: Path) -> None:
    write_roster(tmp_path / "r.xlsx", [ROW])
    sheet = load_workbook(tmp_path / "r.xlsx")["毕业生名册"]
    filled = [cell for row in sheet.iter_rows(min_row=2) for cell in row if cell.value is not None]
    assert len(filled) == len(ROW)
    assert {cell.number_format for cell in filled} == {"@"}
    assert all(cell.hyperlink is None for cell in filled)
    assert {cell.data_type for cell in filled} <= {"s", "inlineStr"} | {"f"}
    assert b"<f>" not in (tmp_path / "r.xlsx").read_bytes()


def test_a_written_csv_opens_rightly_in_a_spreadsheet(tmp_path: Path) -> None:
    write_roster(tmp_path / "r.csv", [ROW])
    content = (tmp_path / "r.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    line = content.decode("utf-8-sig").splitlines()[1]
    for guarded in ("\t0022000001", "\t110105194912310021", "'+85212345678", "'-1+1", "'@SUM(1)", "\"'=HYPERLINK("):
        assert guarded in line


def test_the_heading_line_stays_in_sight(tmp_path: Path) -> None:
    write_roster(tmp_path / "r.xlsx", [ROW])
    sheet = load_workbook(tmp_path / "r.xlsx")["毕业生名册"]
    assert sheet.freeze_panes == "C2"
    assert sheet.column_dimensions["C"].width > 18


def test_an_empty_roster_is_a_sheet_of_headings(tmp_path: Path) -> None:
    assert write_roster(tmp_path / "r.xlsx", []) == 0
    assert len(list(read_lines(tmp_path / "r.xlsx"))) == 1


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadValueError, match=r"\.xlsx 或 \.csv"):
        write_roster(tmp_path / "r.ods", [ROW])
