from collections.abc import Mapping
from datetime import date, datetime, time

import pytest

from bot.registration.archive import ArchiveItems, ArchiveStatus, ReceivingType, TransferType
from bot.registration.graduate import Completion, Level
from bot.registration.household import Household
from bot.registration.season import SHANGHAI
from bot.roster.cells import Broken, Cell
from bot.roster.columns import Column, Line, read_headings
from bot.roster.parsing import parse_row
from bot.roster.rows import Fault, Parsed, RosterRow

NOW = datetime(2023, 6, 28, 9, 30, tzinfo=SHANGHAI)
IDENTITY = "11010519491231002X"  # the specimen in the text of GB 11643
HEADINGS = read_headings([str(column) for column in Column])
PLAIN: dict[Column, Cell] = {
    Column.STUDENT_NUMBER: "20190001",
    Column.NAME: "张示例",
    Column.IDENTITY_NUMBER: IDENTITY,
    Column.COLLEGE: "文学院",
    Column.MAJOR: "汉语言文学",
    Column.LEVEL: "本科",
    Column.GRADUATION_DATE: "2023-06-30",
    Column.COUNSELLOR: "周老师",
}
ARCHIVED: dict[Column, Cell] = {
    Column.TRANSFER_TYPE: "单位接收档案",
    Column.RECEIVING_TYPE: "托管单位接收",
    Column.ARCHIVE_UNIT: "示例市人才服务中心",
    Column.ARCHIVE_ADDRESS: "示例市示例路 1 号 201 室",
    Column.ARCHIVE_POSTCODE: "215000",
    Column.ARCHIVE_CONTACT: "档案科",
    Column.ARCHIVE_PHONE: "0512-62881234",
}


def parse(changes: Mapping[Column, Cell]) -> Parsed:
    cells = {**PLAIN, **changes}
    return parse_row(HEADINGS, Line(7, [cells.get(column) for column in Column]), NOW)


def taken(changes: Mapping[Column, Cell]) -> RosterRow:
    parsed = parse(changes)
    assert parsed.faults == ()
    assert parsed.row is not None
    return parsed.row


def refused(changes: Mapping[Column, Cell]) -> dict[str, str]:
    parsed = parse(changes)
    assert parsed.row is None
    return {fault.heading: fault.reason for fault in parsed.faults}


def test_the_required_columns_make_a_graduate() -> None:
    data = taken({}).data
    graduate = data.graduate
    assert (graduate.student_number, graduate.name) == ("20190001", "张示例")
    assert graduate.identity_number.value == IDENTITY
    assert (graduate.level, graduate.graduation_date) == (Level.BACHELOR, date(2023, 6, 30))
    assert graduate.completion is Completion.GRADUATED
    assert (data.destination, data.archive.status, data.household) == (None, ArchiveStatus.MISSING, Household())
    assert data.chsi_bound is None


@pytest.mark.parametrize("column", PLAIN)
@pytest.mark.parametrize("empty", [None, "", "  ", "\u3000", "\u200b"])
def test_a_required_cell_must_not_be_empty(column: Column, empty: Cell) -> None:
    assert refused({column: empty}) == {column: "不能为空"}


def test_all_faults_of_a_row_are_told_at_once_with_row_and_column() -> None:
    parsed = parse({Column.NAME: "1", Column.LEVEL: "高中", Column.CHSI_BOUND: "也许"})
    assert [(fault.row, fault.column, fault.heading) for fault in parsed.faults] == [
        (7, "B", "姓名"),
        (7, "H", "学历层次"),
        (7, "AD", "学信网绑定"),
    ]
    assert str(parsed.faults[2]) == "第 7 行 AD 列（学信网绑定）：请填 是 或 否"


@pytest.mark.parametrize(
    ("cell", "number"), [(20220001.0, "20220001"), (20220001, "20220001"), ("０２２a-1", "022A-1")]
)
def test_a_student_number_is_text_or_a_whole_number(cell: Cell, number: str) -> None:
    assert taken({Column.STUDENT_NUMBER: cell}).student_number == number


@pytest.mark.parametrize("column", [Column.STUDENT_NUMBER, Column.IDENTITY_NUMBER, Column.EXAM_NUMBER, Column.USCC])
@pytest.mark.parametrize(
    "cell", [1.101012000010112e17, 2.0**53, 1e15, float("inf"), float("nan"), "1.10101200001011E+17"]
)
def test_a_number_that_lost_digits_is_refused_with_the_way_out(column: Column, cell: Cell) -> None:
    reason = refused({Column.DESTINATION: "10", column: cell})[column]
    assert "末尾几位已经丢失" in reason
    assert "文本格式" in reason


@pytest.mark.parametrize("cell", [20220001.5, -20220001.0])
def test_a_fraction_or_a_negative_number_is_no_student_number(cell: Cell) -> None:
    assert "小数或负号" in refused({Column.STUDENT_NUMBER: cell})["学号"]


@pytest.mark.parametrize("cell", [date(2023, 3, 1), datetime(2023, 3, 1)])  # noqa: DTZ001 -- spreadsheets have no zones
def test_a_class_that_a_spreadsheet_made_a_date_is_refused(cell: Cell) -> None:
    assert "日期格式" in refused({Column.CLASS: cell})["班级"]


@pytest.mark.parametrize("name", ["㛃䶮", "欧阳㛃䶮", "迪丽热巴·示例江", "买买提•示例", "Anna Example"])
def test_rare_characters_and_dots_in_names_are_kept(name: str) -> None:
    assert taken({Column.NAME: name}).data.graduate.name == name.replace("•", "·")


@pytest.mark.parametrize("name", ["王?", "王？明", "王\ue863", "王\ufffd", "王□"])
def test_a_name_with_a_character_lost_in_conversion_is_refused(name: str) -> None:
    assert "转换时丢失" in refused({Column.NAME: name})["姓名"]


@pytest.mark.parametrize("number", ["11010519491231002x", " 110105 19491231 002Ｘ", "1１0105-19491231-002X"])
def test_an_id_number_may_be_written_in_the_usual_ways(number: str) -> None:
    assert taken({Column.IDENTITY_NUMBER: number}).data.graduate.identity_number.value == IDENTITY


@pytest.mark.parametrize("province", ["810000", "820000", "830000"])
def test_residence_permits_are_id_numbers(province: str) -> None:
    body = f"{province}20010101001"
    check = "10X98765432"[
        sum(w * int(c) for w, c in zip((7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), body, strict=True)) % 11
    ]
    assert taken({Column.IDENTITY_NUMBER: body + check})


@pytest.mark.parametrize(
    "number", ["110105194912310021", "1101051949123100", "990105194912310028", "11010519490231002X"]
)
def test_a_wrong_id_number_is_refused_and_never_repeated(number: str) -> None:
    fault = parse({Column.IDENTITY_NUMBER: number}).faults[0]
    assert fault.heading == "身份证号"
    assert number not in str(fault)


def test_an_exam_number_has_fourteen_digits() -> None:
    assert taken({Column.EXAM_NUMBER: "２3320500123456"}).data.graduate.exam_number == "23320500123456"
    assert taken({Column.EXAM_NUMBER: 23320500123456.0}).data.graduate.exam_number == "23320500123456"
    assert refused({Column.EXAM_NUMBER: "2332050012345"}) == {"考生号": "考生号应为 14 位数字"}


@pytest.mark.parametrize(
    ("cell", "level"),
    [("专科", Level.ASSOCIATE), ("本科", Level.BACHELOR), ("硕士", Level.MASTER), ("博士研究生", Level.DOCTOR)],
)
def test_a_level_is_one_of_four(cell: str, level: Level) -> None:
    assert taken({Column.LEVEL: cell}).data.graduate.level is level
    assert refused({Column.LEVEL: "高中"}) == {"学历层次": "学历层次应为 专科、本科、硕士、博士"}


@pytest.mark.parametrize(
    "cell",
    [
        "2023-06-30",
        "2023/6/30",
        "20230630",
        20230630.0,
        "2023年6月30日",
        "2023-06-30 00:00:00",
        date(2023, 6, 30),
        datetime(2023, 6, 30, 8),  # noqa: DTZ001 -- spreadsheets have no zones
    ],
)
def test_a_graduation_date_is_read_in_every_usual_form(cell: Cell) -> None:
    assert taken({Column.GRADUATION_DATE: cell}).data.graduate.graduation_date == date(2023, 6, 30)


@pytest.mark.parametrize(
    "cell", ["2023-02-30", "2023.6", 45107.0, "六月", "1023-06-30", "2033-06-30", date(1999, 6, 30)]
)
def test_what_is_no_plausible_graduation_date_is_refused(cell: Cell) -> None:
    assert refused({Column.GRADUATION_DATE: cell}).keys() == {"毕业日期"}


def test_completion_is_graduated_unless_it_says_completed() -> None:
    assert taken({Column.COMPLETION: "结业"}).data.graduate.completion is Completion.COMPLETED
    assert refused({Column.COMPLETION: "肄业"}) == {"毕结业": "应为 毕业、结业"}


@pytest.mark.parametrize("column", [Column.MOBILE, Column.COUNSELLOR_PHONE])
def test_telephones_are_checked(column: Column) -> None:
    assert taken({column: 13812345678.0})
    assert taken({column: "0512-62881234转8001"})
    assert refused({column: "6288123"}).keys() == {column}


@pytest.mark.parametrize("cell", ["10", 10.0, "签就业协议形式就业"])
def test_a_destination_is_given_by_code_or_by_name(cell: Cell) -> None:
    destination = taken({Column.DESTINATION: cell, Column.UNIT: "示例公司"}).data.destination
    assert destination is not None
    assert (destination.code, destination.unit) == ("10", "示例公司")


def test_an_unknown_destination_is_refused() -> None:
    assert refused({Column.DESTINATION: "99"}).keys() == {"毕业去向"}


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        (Column.UNIT, "示例公司"),
        (Column.USCC, "91350100M000100Y43"),
        (Column.UNIT_PLACE, "苏州市"),
        (Column.POST, "教师"),
    ],
)
def test_details_without_a_destination_are_refused(column: Column, cell: str) -> None:
    assert refused({column: cell}) == {"毕业去向": f"填了“{column}”，却没有填毕业去向"}


def test_a_unified_social_credit_code_has_a_check_character() -> None:
    destination = taken({Column.DESTINATION: "10", Column.USCC: "91350100m000100y43"}).data.destination
    assert destination is not None
    assert destination.uscc == "91350100M000100Y43"
    assert refused({Column.DESTINATION: "10", Column.USCC: "91350100M000100Y44"}).keys() == {"统一社会信用代码"}


def test_a_full_archive_entry_of_the_school_is_approved() -> None:
    archive = taken(ARCHIVED).data.archive
    assert archive.status is ArchiveStatus.APPROVED
    assert (archive.submitted_at, archive.reviewed_at) == (None, NOW)
    assert archive.items == ArchiveItems(
        TransferType.UNIT,
        ReceivingType.TRUSTEE,
        "示例市人才服务中心",
        "示例市示例路 1 号 201 室",
        "215000",
        "档案科",
        "0512-62881234",
    )


@pytest.mark.parametrize("column", [column for column in ARCHIVED if column != Column.RECEIVING_TYPE])
def test_an_archive_entry_is_filled_wholly_or_not_at_all(column: Column) -> None:
    assert refused(ARCHIVED | {column: ""}).keys() == {column}


def test_one_filled_archive_cell_asks_for_all_the_others() -> None:
    assert refused({Column.ARCHIVE_UNIT: "示例中心"}).keys() == ARCHIVED.keys() - {"接收类型", "档案接收单位"}


def test_a_transfer_to_the_place_of_origin_has_no_receiving_type() -> None:
    row = taken(ARCHIVED | {Column.TRANSFER_TYPE: "转回生源地", Column.RECEIVING_TYPE: ""})
    assert row.data.archive.items is not None
    assert row.data.archive.items.receiving_type is None
    assert refused(ARCHIVED | {Column.TRANSFER_TYPE: "转回生源地"}) == {"接收类型": "转回生源地没有接收类型，请留空"}


def test_a_transfer_to_a_unit_needs_a_receiving_type() -> None:
    assert "签约单位接收、上级主管单位接收、托管单位接收" in refused(ARCHIVED | {Column.RECEIVING_TYPE: ""})["接收类型"]


@pytest.mark.parametrize(
    ("cell", "hint"), [("010000", None), (10000.0, "开头的 0"), ("2150001", "6 位"), (215000.0, None)]
)
def test_a_postcode_keeps_its_leading_zero(cell: Cell, hint: str | None) -> None:
    if hint is None:
        assert taken(ARCHIVED | {Column.ARCHIVE_POSTCODE: cell})
    else:
        assert hint in refused(ARCHIVED | {Column.ARCHIVE_POSTCODE: cell})["档案接收邮编"]


@pytest.mark.parametrize(("cell", "moved"), [("是", True), ("否", False), ("", False), (True, True), (" 是 ", True)])
def test_household_moved_is_yes_or_no_and_empty_is_no(cell: Cell, moved: bool) -> None:
    assert taken({Column.HOUSEHOLD_MOVED: cell}).data.household.moved is moved


@pytest.mark.parametrize("column", [Column.HOUSEHOLD_MOVED, Column.CHSI_BOUND])
@pytest.mark.parametrize("cell", ["√", "有", 1.0, 0])
def test_other_words_than_yes_and_no_are_refused(column: Column, cell: Cell) -> None:
    assert refused({column: cell}) == {column: "请填 是 或 否"}


def test_a_household_address_needs_a_household_at_the_school() -> None:
    moved = {Column.HOUSEHOLD_MOVED: "是", Column.HOUSEHOLD_ADDRESS: "示例路派出所"}
    assert taken(moved).data.household == Household(moved=True, address="示例路派出所")
    assert refused(moved | {Column.HOUSEHOLD_MOVED: "否"}).keys() == {"户口迁往地址"}


@pytest.mark.parametrize(("cell", "bound"), [("是", True), ("否", False), (None, None)])
def test_the_chsi_binding_is_known_only_if_the_school_says_so(cell: Cell, bound: bool | None) -> None:
    assert taken({Column.CHSI_BOUND: cell}).data.chsi_bound is bound


def test_the_real_person_check_is_yes_no_or_a_date() -> None:
    day = datetime.combine(date(2023, 6, 1), time(), SHANGHAI)
    for cell, at in (
        ("是", NOW),
        (True, NOW),
        ("否", None),
        (None, None),
        ("2023-06-01", day),
        (date(2023, 6, 1), day),
    ):
        assert taken({Column.REAL_PERSON: cell}).real_person_at == at
    assert refused({Column.REAL_PERSON: "2023-06-29"}) == {"实人验证": "实人验证日期在今天之后"}
    assert "是、否 或验证日期" in refused({Column.REAL_PERSON: "好"})["实人验证"]


@pytest.mark.parametrize("column", Column)
def test_a_formula_that_failed_is_told_in_every_column(column: Column) -> None:
    assert "公式出错（#N/A）" in refused(ARCHIVED | {column: Broken("公式出错（#N/A）")})[column]


@pytest.mark.parametrize("column", [Column.COLLEGE, Column.ARCHIVE_UNIT, Column.COUNSELLOR])
def test_a_formula_as_text_is_no_value(column: Column) -> None:
    assert "公式" in refused(ARCHIVED | {column: '=HYPERLINK("http://x.example")'})[column]


def test_a_short_line_is_empty_at_its_end() -> None:
    cells = [PLAIN.get(column) for column in Column][: list(Column).index(Column.COUNSELLOR) + 1]
    assert parse_row(HEADINGS, Line(2, cells), NOW).row is not None


def test_the_keys_of_a_refused_row_are_still_known() -> None:
    assert parse({Column.LEVEL: "高中"}).keys == (
        (Column.STUDENT_NUMBER, "20190001"),
        (Column.IDENTITY_NUMBER, IDENTITY),
    )


def test_nothing_personal_shows_in_the_repr_of_what_was_read() -> None:
    shown = repr(parse({})) + repr(parse({Column.LEVEL: "高中"})) + repr(Fault(1, "A", "学号", "不能为空"))
    assert "张示例" not in shown
    assert IDENTITY not in shown
    assert "20190001" not in shown
