from collections.abc import Iterator

import pytest

from bot.errors import BadValueError
from bot.roster.cells import Cell
from bot.roster.columns import ARCHIVE, DESTINATION_DETAILS, REQUIRED, Column, Line, find_headings, read_headings

ALL = [str(column) for column in Column]


def lines(*rows: list[Cell]) -> Iterator[Line]:
    return iter([Line(number, row) for number, row in enumerate(rows, 1)])


def test_headings_may_stand_in_any_order() -> None:
    headings = read_headings(list(reversed(ALL)))
    assert headings.places[Column.STUDENT_NUMBER] == len(ALL) - 1
    assert headings.places.keys() == set(Column)


@pytest.mark.parametrize(
    "written", [" 学 号 ", "学号*", "＊学号", "学号（必填）", "学号(文本)", "学\u3000号", "\ufeff学号", "学号："]
)
def test_headings_are_recognised_through_blanks_width_and_notes(written: str) -> None:
    assert read_headings([written, *ALL[1:]]).places[Column.STUDENT_NUMBER] == 0


@pytest.mark.parametrize(
    ("written", "column"),
    [
        ("身份证号码", Column.IDENTITY_NUMBER),
        ("院系", Column.COLLEGE),
        ("毕业时间", Column.GRADUATION_DATE),
        ("毕（结）业", Column.COMPLETION),
        ("手机号码", Column.MOBILE),
        ("就业单位名称", Column.UNIT),
        ("户口是否转入学校", Column.HOUSEHOLD_MOVED),
    ],
)
def test_common_synonyms_are_headings_too(written: str, column: Column) -> None:
    others = [heading for heading in ALL if heading != column]
    assert read_headings([*others, written]).places[column] == len(ALL) - 1


def test_unknown_headings_are_reported_and_ignored() -> None:
    headings = read_headings([*ALL, "备注", "", None, 2023.0])
    assert headings.unknown == ("备注",)


@pytest.mark.parametrize("column", REQUIRED)
def test_a_missing_required_heading_refuses_the_file_by_name(column: Column) -> None:
    with pytest.raises(BadValueError, match=rf"缺少必需的列：{column}；"):
        read_headings([heading for heading in ALL if heading != column])


def test_the_required_headings_are_enough() -> None:
    assert set(read_headings([str(column) for column in REQUIRED]).places) == set(REQUIRED)


def test_a_heading_that_stands_twice_refuses_the_file() -> None:
    with pytest.raises(BadValueError, match="“身份证号”这一列出现了两次"):
        read_headings([*ALL, "身份证号码"])


@pytest.mark.parametrize("column", [*DESTINATION_DETAILS, *ARCHIVE, Column.HOUSEHOLD_ADDRESS])
def test_a_column_that_says_nothing_alone_needs_its_companions(column: Column) -> None:
    with pytest.raises(BadValueError, match=f"有“{column}”一列，还需要这些列"):
        read_headings([*map(str, REQUIRED), column])


def test_title_lines_above_the_headings_are_passed_over() -> None:
    rows = lines(["示例大学 2023 届毕业生名册"], ["填表日期：", "2023-06-01"], [*ALL], ["20220001"])
    assert find_headings(rows).places[Column.NAME] == 1
    assert next(rows).number == 4


def test_a_file_without_headings_is_refused_without_repeating_what_is_in_it() -> None:
    with pytest.raises(BadValueError, match="第一行应为表头") as caught:
        find_headings(lines(["20220001", "张三", "11010519491231002X"]))
    assert "张三" not in str(caught.value)


def test_a_file_with_nothing_in_it_is_refused() -> None:
    with pytest.raises(BadValueError, match="没有任何内容"):
        find_headings(lines())


def test_columns_have_the_letters_of_the_spreadsheet() -> None:
    headings = read_headings([*[""] * 20, *ALL])
    assert headings.letter(Column.STUDENT_NUMBER) == "U"
    assert headings.letter(Column.LEVEL) == "AB"
    assert read_headings([str(column) for column in REQUIRED]).letter(Column.POST) == ""
