"""The paper and the register side by side (纸面与登记对照); pure.

Nothing is told that a scan would not show. Rows a scan shows are compared with everybody's file. The others are
compared only with a file that holds, whole, what the school sealed: with any other "equal" would answer a guess. Even
which rows a report has is then not told.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from bot.registration.report import PublicView, Report, Row, Standing, moment_text, public_view, report_of
from bot.registration.verification import Subject
from handlers.files.findings import Paper
from handlers.files.printed import SUBTITLE, plain, rows_of
from handlers.report.pdf import NUMBER_LABEL, facts_of, subtitle_of
from handlers.verification.scanning import Scan

_COMPARED_WHOLE = {Standing.IN_FORCE, Standing.EXPIRED}
"""Standings in which the data is what the report was issued for, and nobody has taken the permission back."""


_WHO: Final = {
    "who.name": "姓名",
    "who.identity_number": "证件号码",
    "who.school": "毕业院校",
    "who.college": "学院",
    "who.major": "专业",
    "who.level": "学历层次",
    "who.graduation_date": "毕业日期",
    "who.completion": "毕（结）业",
}
_DESTINATION: Final = {
    "destination.category": "毕业去向类别",
    "destination.unit": "单位名称",
    "destination.uscc": "统一社会信用代码",
    "destination.place": "单位所在地",
    "destination.post": "职位",
}
_ARCHIVE: Final = {
    "archive.transfer_type": "户档转递类型",
    "archive.unit": "档案接收单位",
    "archive.address": "档案接收地址",
    "archive.place_of_origin": "生源地",
    "archive.postcode": "邮政编码",
    "archive.contact": "联系人",
    "archive.phone": "联系电话",
}
_HOUSEHOLD: Final = {"household.moved": "户口已转入学校", "household.address": "户口迁往地址"}
EVERY_ROW: Final = {
    Subject.ARCHIVE: _WHO | _DESTINATION | _ARCHIVE,
    Subject.HOUSEHOLD: _WHO | _DESTINATION | _HOUSEHOLD,
}
"""Every row a report may have, by key, whatever this graduate's has."""


class Outcome(StrEnum):
    """How a row compares (对照结果)."""

    SAME = "same"
    DIFFERENT = "different"
    MISSING = "missing"
    """On the paper the row cannot be read (纸面缺失)."""
    UNTOLD = "untold"
    """The register's value is not told with this file, so nothing is said about it (不对照)."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One row of both sides (一行对照).

    Attributes:
        key: stable name; translations hang on it.
        label: Chinese label.
        paper: what the file says, "" if the row cannot be read.
        register: what may be shown of the register, "" for nothing.
        outcome: how they compare.
        is_extended: whether the register's date is a later one given by an extension.
    """

    key: str
    label: str
    paper: str = field(repr=False)
    register: str = field(repr=False)
    outcome: Outcome
    is_extended: bool = False


@dataclass(frozen=True, slots=True)
class _Sides:
    """Both sides, as far as they may be told (两边)."""

    report: Report = field(repr=False)
    view: PublicView = field(repr=False)
    is_whole: bool


def compare(scan: Scan, paper: Paper, *, is_proven: bool) -> tuple[Pair, ...]:
    """Return every printed row beside the register (逐项对照); nothing where the register knows no such report.

    Args:
        scan: what the register says about the token of the file.
        paper: what the file says.
        is_proven: see ``handlers.files.judging.Judgement``.
    """
    if scan.found is None:
        return ()
    told = scan.found.season, scan.found.dossier, scan.found.verification, scan.now
    report = report_of(*told)
    sides = _Sides(report, public_view(*told), is_proven and report.standing in _COMPARED_WHOLE)
    rows = _rows(sides)
    printed = rows_of(paper.pieces, [row.label for row in rows])
    pairs = (_pair(row, printed.get(row.label, ""), sides) for row in rows)
    return tuple(pair for pair in pairs if pair.paper or pair.outcome is not Outcome.UNTOLD)


def is_all_same(pairs: tuple[Pair, ...]) -> bool:
    """Tell whether every row was compared and equals (全部一致)."""
    return bool(pairs) and all(pair.outcome is Outcome.SAME for pair in pairs)


def _rows(sides: _Sides) -> tuple[Row, ...]:
    report = sides.report
    head = (
        Row("number", NUMBER_LABEL, report.number),
        *facts_of(report),
        Row("subject", SUBTITLE, subtitle_of(report)),
    )
    if sides.is_whole:
        return (*head, *(row for section in report.sections for row in section.rows))
    return (*head, *(Row(key, label, _public(key, sides) or "") for key, label in EVERY_ROW[report.subject].items()))


def _public(key: str, sides: _Sides) -> str | None:
    """Return what a scan shows of a row below the head, None where it shows nothing."""
    if key == "who.school":
        return sides.view.school
    if key == "who.name":
        return sides.view.masked_name
    return next((row.value for row in sides.view.rows if row.key == key), None)


def _pair(row: Row, paper: str, sides: _Sides) -> Pair:
    if row.key == "valid_until":
        return _validity(row, paper, sides.view)
    is_head = "." not in row.key
    shown = row.value if is_head else _public(row.key, sides)
    if shown is None and not sides.is_whole:
        return Pair(row.key, row.label, paper, "", Outcome.UNTOLD)
    if not paper:
        return Pair(row.key, row.label, "", shown or "", Outcome.MISSING)
    if row.key == "who.name" and not sides.is_whole:
        # That a name fits its mask says no more than the mask itself.
        outcome = Outcome.UNTOLD if _fits(plain(paper), plain(row.value)) else Outcome.DIFFERENT
        return Pair(row.key, row.label, paper, row.value, outcome)
    if plain(paper) == plain(row.value):
        return Pair(row.key, row.label, row.value, row.value, Outcome.SAME)
    return Pair(row.key, row.label, paper, shown or "", Outcome.DIFFERENT)


def _validity(row: Row, paper: str, view: PublicView) -> Pair:
    """Older paper shows the day before an extension, and is no worse for it."""
    if not paper:
        return Pair(row.key, row.label, "", row.value, Outcome.MISSING)
    once = {plain(moment_text(event.until)) for event in view.history if event.until}
    outcome = Outcome.SAME if plain(paper) in once else Outcome.DIFFERENT
    is_extended = outcome is Outcome.SAME and plain(paper) != plain(row.value)
    return Pair(row.key, row.label, paper, row.value, outcome, is_extended)


def _fits(name: str, masked: str) -> bool:
    pairs = zip(name, masked, strict=False)
    return len(name) == len(masked) and all(mask in {"*", character} for character, mask in pairs)
