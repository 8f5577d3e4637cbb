"""What is read from a page is what was printed, whatever was printed."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.registration.archive import ArchiveEntry, ArchiveStatus, TransferType
from bot.registration.dossier import Dossier
from bot.registration.report import Report, report_of
from bot.registration.verification import Subject
from handlers.files.comparing import EVERY_ROW
from handlers.files.findings import Piece
from handlers.files.paper import paper_of
from handlers.files.printed import SUBTITLE, plain, rows_of
from handlers.report.pdf import NUMBER_LABEL, RARE_CHARACTERS, MissingGlyphError, Press, Sheet, facts_of, subtitle_of
from handlers.report.seal import Seal
from handlers.report.seal_key import make_seal_key
from tests.handlers.report.sample import NOW, SEASON, registered

PRESS = Press(Seal(make_seal_key(SEASON.school, NOW), lambda: NOW))
URL = "HTTPS://QUXIANG.EXAMPLE.EDU.CN/V/" + "A2B3C4D5" * 18 + "E6F7"
HAN = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=60)
ASCII = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=120)
SIGNS = st.sampled_from("·—（）《》〔〕、。“”①Ⅳ㈱⼀⼈ﬁ　㎡℃")
MIXED = st.lists(st.one_of(HAN, ASCII, SIGNS), min_size=1, max_size=6).map("".join)


def report(dossier: Dossier, subject: Subject = Subject.ARCHIVE) -> Report:
    verification = dossier.verification_of(subject)
    assert verification
    return report_of(SEASON, dossier, verification, NOW)


def differing(printed: Report) -> list[str]:
    """Return the labels beside which something else is read than was printed."""
    rows = [*facts_of(printed), *(row for section in printed.sections for row in section.rows)]
    pdf = PRESS.pdf(Sheet(printed, URL, "quxiang.example.edu.cn"))
    read = rows_of(paper_of(pdf).pieces, [row.label for row in rows])
    expected = {row.label: row.value for row in rows}
    expected |= {NUMBER_LABEL: printed.number, SUBTITLE: subtitle_of(printed)}
    return [label for label, value in expected.items() if plain(read.get(label, "")) != plain(value)]


@pytest.mark.parametrize("subject", Subject)
@pytest.mark.parametrize(
    "value",
    [
        RARE_CHARACTERS,
        "长" * 300,
        "长" * 3000,
        "x" * 500,
        "长" * 90 + " ab cd " + "x" * 200,
        "姓名 专业 联系电话 核验编号 有效期至",
        "统⼀社会信⽤代码",
        "office fluffy ffi AV To 'x' “y” --- ...",
        "1",
        "—",
    ],
)
def test_every_row_is_read_as_it_was_printed(subject: Subject, value: str) -> None:
    assert differing(report(registered(unit=value, name=RARE_CHARACTERS), subject)) == []


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(unit=MIXED, name=HAN)
@example(unit="⼀⼆⼈⼊", name="一二人入")
def test_whatever_stands_in_the_register_is_read_from_its_print(unit: str, name: str) -> None:
    try:
        assert differing(report(registered(unit=unit, name=name[:20]))) == []
    except MissingGlyphError:
        return  # such a report is not issued at all


def test_every_row_a_report_may_have_is_known_by_its_label() -> None:
    dossier = registered()
    items = dossier.archive.items
    assert items
    home = replace(items, transfer_type=TransferType.ORIGIN, receiving_type=None)
    for subject, changed in (
        (Subject.ARCHIVE, replace(dossier, archive=ArchiveEntry(ArchiveStatus.APPROVED, home))),
        (Subject.HOUSEHOLD, dossier),
    ):
        rows = {row.key: row.label for section in report(changed, subject).sections for row in section.rows}
        assert rows == EVERY_ROW[subject]


def test_text_drawn_over_a_row_belongs_to_it_and_text_beside_it_does_not() -> None:
    drawn = [Piece(0, 60.7, 500, 9.0, "姓名"), Piece(0, 148.5, 500, 10.0, "王小明"), Piece(0, 54, 36, 7.5, "页脚")]
    assert rows_of([*drawn, Piece(0, 150, 501, 30.0, "李")], ["姓名"]) == {"姓名": "王小明李"}
    assert rows_of([*drawn, Piece(0, 150, 470, 30.0, "李")], ["姓名"]) == {"姓名": "王小明"}
    assert rows_of([Piece(0, 150, 501, 30.0, "李"), *drawn], ["姓名"]) == {"姓名": "王小明李"}
