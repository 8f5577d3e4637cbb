from datetime import UTC, date, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.roster.cells import Broken, Cell
from bot.roster.columns import ARCHIVE, REQUIRED, Column, Line, read_headings
from bot.roster.parsing import parse_row

NOW = datetime(2023, 6, 28, 2, tzinfo=UTC)
IDENTITY = "11010519491231002X"
GOOD: dict[Column, Cell] = {
    Column.STUDENT_NUMBER: "20190001",
    Column.NAME: "张示例",
    Column.IDENTITY_NUMBER: IDENTITY,
    Column.EXAM_NUMBER: "23320500123456",
    Column.COLLEGE: "文学院",
    Column.MAJOR: "汉语言文学",
    Column.CLASS: "汉语 1901",
    Column.LEVEL: "本科",
    Column.GRADUATION_DATE: "2023-06-30",
    Column.COMPLETION: "毕业",
    Column.MOBILE: "13812345678",
    Column.COUNSELLOR: "周老师",
    Column.COUNSELLOR_PHONE: "0512-62881234",
    Column.COUNSELLOR_STAFF_NUMBER: "T0001",
    Column.PLACE_OF_ORIGIN: "江苏省苏州市",
    Column.DESTINATION: "10",
    Column.UNIT: "示例公司",
    Column.USCC: "91350100M000100Y43",
    Column.UNIT_PLACE: "苏州市",
    Column.POST: "教师",
    Column.TRANSFER_TYPE: "单位接收档案",
    Column.RECEIVING_TYPE: "托管单位接收",
    Column.ARCHIVE_UNIT: "示例市人才服务中心",
    Column.ARCHIVE_ADDRESS: "示例路 1 号 201 室",
    Column.ARCHIVE_POSTCODE: "215000",
    Column.ARCHIVE_CONTACT: "档案科",
    Column.ARCHIVE_PHONE: "0512-62881234",
    Column.HOUSEHOLD_MOVED: "是",
    Column.HOUSEHOLD_ADDRESS: "示例路派出所",
    Column.CHSI_BOUND: "是",
    Column.REAL_PERSON: "2023-06-01",
}
BAD_ANYWHERE: list[Cell] = [Broken("公式出错（#REF!）"), 1.5e17, float("nan"), -3.0, 2.25, "=A1&B1", "＝A1", "1.2E+17"]
BAD_TEXT: list[Cell] = ["字" * 201, "有\ue000字", "\ufffd", date(2023, 6, 1), True, *BAD_ANYWHERE]
OWN_BAD: dict[Column, list[Cell]] = {
    Column.STUDENT_NUMBER: ["12", "学号一", "A" * 33],
    Column.NAME: ["王", "王2", "王？", "王<b>", "王" * 41],
    Column.IDENTITY_NUMBER: ["110105194912310021", "010105194912310028", "11010519490230002X", "1101051949123100", 1.0],
    Column.EXAM_NUMBER: ["2332050012345", "2332050012345A"],
    Column.LEVEL: ["高中", "本 科 ？"],
    Column.GRADUATION_DATE: ["2023-02-30", "明年", "1990-06-30", 45107.0],
    Column.COMPLETION: ["肄业"],
    Column.MOBILE: ["1381234567", "电话", "62881234"],
    Column.COUNSELLOR_PHONE: ["62881234"],
    Column.DESTINATION: ["99", "上班"],
    Column.USCC: ["91350100M000100Y44", "9135", "IOZSV0000000000000"],
    Column.TRANSFER_TYPE: ["自带", "转回原籍"],
    Column.RECEIVING_TYPE: ["亲友接收"],
    Column.ARCHIVE_POSTCODE: ["21500", "000000", 10000.0],
    Column.ARCHIVE_PHONE: ["62881234"],
    Column.HOUSEHOLD_MOVED: ["√", "有", 1.0],
    Column.CHSI_BOUND: ["√", 0.0],
    Column.REAL_PERSON: ["做了", "2023-06-29", "2023-02-30"],
}
NO_TEXT = {Column.GRADUATION_DATE, Column.HOUSEHOLD_MOVED, Column.CHSI_BOUND, Column.REAL_PERSON}


def bad_cells(column: Column) -> list[Cell]:
    cells: list[Cell] = [*OWN_BAD.get(column, []), *(BAD_ANYWHERE if column in NO_TEXT else BAD_TEXT)]
    return [*cells, None, "\u3000"] if column in {*REQUIRED, *ARCHIVE, Column.RECEIVING_TYPE} else cells


wrong = st.dictionaries(st.sampled_from(list(Column)), st.integers(0, 99), min_size=1, max_size=12).map(
    lambda picks: {column: (cells := bad_cells(column))[pick % len(cells)] for column, pick in picks.items()}
)


def test_the_good_row_is_good() -> None:
    line = Line(2, [GOOD[column] for column in Column])
    assert parse_row(read_headings([str(column) for column in Column]), line, NOW).faults == ()


@settings(max_examples=300, deadline=None)
@given(wrong=wrong, order=st.permutations(list(Column)), number=st.integers(2, 200_000))
def test_every_wrong_cell_is_reported_at_its_row_and_column(
    wrong: dict[Column, Cell], order: list[Column], number: int
) -> None:
    headings = read_headings([str(column) for column in order])
    cells = GOOD | wrong
    parsed = parse_row(headings, Line(number, [cells[column] for column in order]), NOW)
    assert parsed.row is None
    told = {fault.heading: fault for fault in parsed.faults}
    # An unreadable transfer type leaves open whether a receiving type is needed: only an empty one is then no fault.
    may_be_silent = {Column.RECEIVING_TYPE} if wrong.keys() >= {Column.RECEIVING_TYPE, Column.TRANSFER_TYPE} else set()
    assert wrong.keys() - may_be_silent <= told.keys() <= wrong.keys()
    for column, fault in ((Column(heading), fault) for heading, fault in told.items()):
        assert fault.row == number
        assert fault.column == headings.letter(column)
        assert fault.reason
        assert IDENTITY not in str(fault)


anything = st.one_of(
    st.text(max_size=30),
    st.floats(),
    st.integers(),
    st.booleans(),
    st.dates(),
    st.datetimes(),
    st.none(),
    st.builds(Broken, st.just("公式出错")),
    st.sampled_from(list(GOOD.values())),
)


@settings(max_examples=300, deadline=None)
@given(cells=st.lists(anything, max_size=len(Column) + 3))
def test_no_row_whatsoever_crashes_the_import_or_repeats_its_id_number(cells: list[Cell]) -> None:
    headings = read_headings([str(column) for column in Column])
    parsed = parse_row(headings, Line(2, cells), NOW)
    assert (parsed.row is None) == bool(parsed.faults)
    place = headings.places[Column.IDENTITY_NUMBER]
    if place < len(cells) and isinstance(text := cells[place], str) and len(text.strip()) >= 6:
        assert not any(text.strip() in fault.reason for fault in parsed.faults if fault.heading == "身份证号")
