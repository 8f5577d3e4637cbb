"""The correction sheet: whatever is written into it, it decides what it says or says why not, and never by mistake."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadValueError, RuleError
from bot.registration.correction import Correction, CorrectionState, Item, Verdict
from bot.registration.dossier import Dossier
from bot.registration.household import Household
from bot.registration.identity_number import IdentityNumber
from bot.roster.cells import Cell
from bot.roster.columns import Column, Line
from bot.staff.correction_answers import Answer, read_sheet
from bot.staff.correction_sheet import Heading, Key, columns_of, slots_of
from bot.staff.ruling import UnfitError, rule
from tests.bot import people

HEAD = Line(3, list(Heading))
EVERY = tuple((item, f"应为{item.value}") for item in Item)


def reporting(*items: tuple[Item, str]) -> Dossier:
    ready = people.ready()
    graduate = replace(ready.graduate, identity_number=IdentityNumber("110101199003070134"))
    return replace(ready, graduate=graduate, correction=None).report(Correction("c" * 32, items, people.OPEN))


def lines(dossier: Dossier, **filled: tuple[Cell, str, str]) -> list[Line]:
    """Return the sheet of a dossier with (更正为, 处理, 理由) filled in, by the name of the column or OTHER."""
    made = [HEAD]
    for number, slot in enumerate(slots_of(dossier), 4):
        name = slot.key.column.name if slot.key.column else slot.key.item.name
        right, verdict, reason = filled.get(name, ("", "", ""))
        known: list[Cell] = [slot.counsellor, slot.student_number, slot.name, slot.label, slot.present, slot.words]
        made.append(Line(number, [*known, right, verdict, reason, str(slot.key)]))
    return made


def ruled(dossier: Dossier, answers: Sequence[Answer]) -> Dossier:
    return rule(dossier, answers, people.SEASON, people.OPEN).dossier


def test_every_item_of_the_chat_has_its_columns_or_is_answered_in_words() -> None:
    assert [item for item in Item if not columns_of(item, [item])] == [Item.OTHER]
    slots = slots_of(reporting(*EVERY))
    assert len({slot.key.column for slot in slots}) == len(slots)  # no column twice
    assert {slot.key.item for slot in slots} == set(Item)


@pytest.mark.parametrize(
    ("item", "column", "value", "after"),
    [
        (Item.NAME, "NAME", "王 晓明", "王晓明"),
        (Item.IDENTITY_NUMBER, "IDENTITY_NUMBER", "11010119900307803x", "11010119900307803X"),
        (Item.COLLEGE, "COLLEGE", "外语学院", "外语学院"),
        (Item.MAJOR, "MAJOR", "英语", "英语"),
        (Item.LEVEL, "LEVEL", "硕士研究生", "硕士"),
        (Item.GRADUATION_DATE, "GRADUATION_DATE", "2023/7/1", "2023-07-01"),
        (Item.PLACE_OF_ORIGIN, "PLACE_OF_ORIGIN", "江苏省苏州市", "江苏省苏州市"),
        (Item.DESTINATION, "DESTINATION", "自由职业", "毕业去向：自由职业"),
        (Item.UNIT, "UNIT", "另一家公司", "另一家公司"),
        (Item.ARCHIVE, "ARCHIVE_UNIT", "另一人才中心", "档案接收单位：另一人才中心"),
        (Item.HOUSEHOLD, "HOUSEHOLD_MOVED", True, "户口已转入学校：是"),
    ],
)
def test_each_item_reaches_the_data_it_is_about(item: Item, column: str, value: Cell, after: str) -> None:
    dossier = reporting((item, "不对"))
    dossier = replace(dossier, household=Household()) if item is Item.HOUSEHOLD else dossier
    filled = read_sheet(lines(dossier, **{column: (value, "采纳", "")}))
    assert filled.faults == ()
    new = ruled(dossier, filled.answers)
    assert new.correction
    (outcome,) = new.correction.outcomes
    assert outcome.after.removeprefix("毕业去向：") == after.removeprefix("毕业去向：")
    assert outcome.before != outcome.after
    assert new.digest != dossier.digest
    assert not new.has_open_correction


def test_what_nobody_touched_stays() -> None:
    dossier = reporting((Item.MAJOR, "英语"))
    new = ruled(dossier, read_sheet(lines(dossier, MAJOR=("英语", "采纳", ""))).answers)
    assert replace(new.graduate, major=dossier.graduate.major) == dossier.graduate
    assert (new.destination, new.archive, new.household) == (dossier.destination, dossier.archive, dossier.household)


def test_all_refused_is_refused_and_changes_nothing() -> None:
    dossier = reporting((Item.MAJOR, "英语"), (Item.OTHER, "？"))
    sheet = lines(dossier, MAJOR=("", "不采纳", "与学籍一致"), OTHER=("", "不采纳", "请来电"))
    new = ruled(dossier, read_sheet(sheet).answers)
    assert new.digest == dossier.digest
    assert new.correction
    assert new.correction.state is CorrectionState.REFUSED
    assert new.correction.answer == "专业：与学籍一致；其他：请来电"


@pytest.mark.parametrize(
    ("cells", "heading", "reason"),
    [
        (("英语", "", ""), Heading.VERDICT, "还要选"),
        (("英语", "同意", ""), Heading.VERDICT, "应为 采纳 或 不采纳"),
        (("", "采纳", ""), Heading.RIGHT, "采纳要填"),
        (("", "不采纳", ""), Heading.REASON, "要写理由"),
        (("英语", "不采纳", "否"), Heading.RIGHT, "不要填"),
        (("", "不采纳", "长" * 201), Heading.REASON, "太长"),
        (("=A1", "采纳", ""), Heading.RIGHT, "公式"),
        ((12.5, "采纳", ""), Heading.RIGHT, "数字"),
    ],
)
def test_a_cell_that_says_nothing_clear_is_named(cells: tuple[Cell, str, str], heading: str, reason: str) -> None:
    filled = read_sheet(lines(reporting((Item.MAJOR, "英语")), MAJOR=cells))
    (fault,) = filled.faults
    assert (fault.row, fault.heading) == (4, heading)
    assert fault.column in "GHI"
    assert reason in fault.reason
    assert filled.answers == ()
    assert filled.spoilt == {"c" * 32}


def test_an_unfilled_sheet_decides_nothing() -> None:
    filled = read_sheet(lines(reporting(*EVERY)))
    assert (filled.answers, filled.faults) == ((), ())
    assert filled.blank == len(slots_of(reporting(*EVERY)))


@pytest.mark.parametrize(
    ("items", "filled", "reason"),
    [
        ((Item.MAJOR, Item.NAME), {"MAJOR": ("英语", "采纳", "")}, "还没有填处理"),
        ((Item.MAJOR,), {"MAJOR": ("汉语言文学", "采纳", "")}, "一样"),
        ((Item.ARCHIVE,), {"ARCHIVE_UNIT": ("甲中心", "采纳", ""), "ARCHIVE_PHONE": ("", "不采纳", "对")}, "改成一致"),
        ((Item.ARCHIVE,), {"ARCHIVE_POSTCODE": ("21500", "采纳", "")}, "邮编"),
        ((Item.NAME,), {"NAME": ("清空", "采纳", "")}, "不能为空"),
    ],
)
def test_a_report_is_decided_as_a_whole_by_the_rules_of_the_roster(
    items: tuple[Item, ...], filled: dict[str, tuple[Cell, str, str]], reason: str
) -> None:
    dossier = reporting(*((item, "不对") for item in items))
    with pytest.raises(UnfitError, match=reason):
        ruled(dossier, read_sheet(lines(dossier, **filled)).answers)


def test_a_row_that_slipped_to_another_student_is_refused() -> None:
    dossier = reporting((Item.MAJOR, "英语"))
    (answer,) = read_sheet(lines(dossier, MAJOR=("英语", "采纳", ""))).answers
    with pytest.raises(UnfitError, match="对不上"):
        ruled(dossier, [replace(answer, student_number="2023999999")])


def test_a_decided_report_is_not_decided_again() -> None:
    dossier = reporting((Item.MAJOR, "英语"))
    answers = read_sheet(lines(dossier, MAJOR=("", "不采纳", "否"))).answers
    with pytest.raises(RuleError):
        ruled(ruled(dossier, answers), answers)


def test_a_row_twice_is_refused() -> None:
    sheet = lines(reporting((Item.MAJOR, "英语")), MAJOR=("英语", "采纳", ""))
    (fault,) = read_sheet([*sheet, sheet[-1]]).faults
    assert "两次" in fault.reason


WORDS = st.text(max_size=30)


@given(st.lists(st.tuples(WORDS, st.sampled_from(["", "采纳", "不采纳"]), WORDS, st.booleans()), max_size=4))
def test_whatever_is_written_the_sheet_is_read_or_explained(rows: list[tuple[str, str, str, bool]]) -> None:
    dossier = reporting(*EVERY)
    slots = slots_of(dossier)
    sheet = [HEAD]
    for number, (right, verdict, reason, keeps_key) in enumerate(rows):
        key = str(slots[number].key) if keeps_key else right
        own: list[Cell] = ["", dossier.graduate.student_number, "", "", "", ""]
        sheet.append(Line(number + 4, [*own, right, verdict, reason, key]))
    filled = read_sheet(sheet)
    assert filled.blank + len(filled.answers) + len({fault.row for fault in filled.faults}) == len(rows)
    for answer in filled.answers:
        assert bool(answer.reason) or answer.verdict is Verdict.TAKEN
        with pytest.raises(UnfitError):  # eleven items at least were not decided
            ruled(dossier, [answer])


@given(st.sampled_from(Item), st.sampled_from([None, *Column]), st.text("0123456789abcdef", min_size=16, max_size=16))
def test_a_key_comes_back_or_is_refused(item: Item, column: Column | None, digest: str) -> None:
    key = Key("0" * 32, item, column, digest)
    assert Key.parse(f" {key} ") == key
    for broken in (str(key)[:-1], str(key).replace(".", ""), ""):
        with pytest.raises(BadValueError):
            Key.parse(broken)
