"""The columns (名册列): which headings are known, and where they stand in this file."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

from bot.errors import BadValueError
from bot.roster.cells import Cell


class Column(StrEnum):
    """A column of the roster (名册列); the value is its heading, the order is that of an exported file."""

    STUDENT_NUMBER = "学号"
    NAME = "姓名"
    IDENTITY_NUMBER = "身份证号"
    EXAM_NUMBER = "考生号"
    COLLEGE = "学院"
    MAJOR = "专业"
    CLASS = "班级"
    LEVEL = "学历层次"
    GRADUATION_DATE = "毕业日期"
    COMPLETION = "毕结业"
    MOBILE = "手机号"
    COUNSELLOR = "辅导员"
    COUNSELLOR_PHONE = "辅导员电话"
    COUNSELLOR_STAFF_NUMBER = "辅导员工号"
    PLACE_OF_ORIGIN = "生源地"
    DESTINATION = "毕业去向"
    UNIT = "单位名称"
    USCC = "统一社会信用代码"
    UNIT_PLACE = "单位所在地"
    POST = "职位"
    TRANSFER_TYPE = "户档转递类型"
    RECEIVING_TYPE = "接收类型"
    ARCHIVE_UNIT = "档案接收单位"
    ARCHIVE_ADDRESS = "档案接收地址"
    ARCHIVE_POSTCODE = "档案接收邮编"
    ARCHIVE_CONTACT = "档案联系人"
    ARCHIVE_PHONE = "档案联系电话"
    HOUSEHOLD_MOVED = "户口已转入学校"
    HOUSEHOLD_ADDRESS = "户口迁往地址"
    CHSI_BOUND = "学信网绑定"
    REAL_PERSON = "实人验证"


REQUIRED = (
    Column.STUDENT_NUMBER,
    Column.NAME,
    Column.IDENTITY_NUMBER,
    Column.COLLEGE,
    Column.MAJOR,
    Column.LEVEL,
    Column.GRADUATION_DATE,
    Column.COUNSELLOR,
)
"""The columns without which a file is refused."""

DESTINATION_DETAILS = (Column.UNIT, Column.USCC, Column.UNIT_PLACE, Column.POST)
"""The columns that say something only about a destination."""

ARCHIVE = (
    Column.TRANSFER_TYPE,
    Column.ARCHIVE_UNIT,
    Column.ARCHIVE_ADDRESS,
    Column.ARCHIVE_POSTCODE,
    Column.ARCHIVE_CONTACT,
    Column.ARCHIVE_PHONE,
)
"""The columns that make an archive entry; 接收类型 joins them for a transfer to a unit (N10)."""

_NEEDS = dict.fromkeys(DESTINATION_DETAILS, (Column.DESTINATION,))
_NEEDS |= {Column.HOUSEHOLD_ADDRESS: (Column.HOUSEHOLD_MOVED,)}
_NEEDS |= dict.fromkeys((*ARCHIVE, Column.RECEIVING_TYPE), ARCHIVE)  # type: ignore[arg-type]

_SYNONYMS = {
    Column.STUDENT_NUMBER: ("学生学号", "学籍号"),
    Column.NAME: ("学生姓名", "毕业生姓名"),
    Column.IDENTITY_NUMBER: ("身份证", "身份证号码", "身份证件号", "身份证件号码", "公民身份号码", "证件号码"),
    Column.EXAM_NUMBER: ("高考考生号", "考生号码"),
    Column.COLLEGE: ("学院名称", "院系", "院系名称", "所在学院", "所在院系"),
    Column.MAJOR: ("专业名称", "所学专业"),
    Column.CLASS: ("班级名称", "所在班级", "行政班", "行政班级"),
    Column.LEVEL: ("学历", "培养层次", "层次"),
    Column.GRADUATION_DATE: ("毕业时间", "毕业年月日"),
    Column.COMPLETION: ("毕(结)业", "毕结业情况", "毕结业结论"),
    Column.MOBILE: ("手机", "手机号码", "移动电话"),
    Column.COUNSELLOR: ("辅导员姓名",),
    Column.COUNSELLOR_PHONE: ("辅导员联系电话", "辅导员手机", "辅导员手机号"),
    Column.COUNSELLOR_STAFF_NUMBER: ("辅导员职工号", "辅导员教工号"),
    Column.PLACE_OF_ORIGIN: ("生源所在地", "生源地名称"),
    Column.DESTINATION: ("毕业去向类别", "毕业去向代码", "去向类别"),
    Column.UNIT: ("就业单位", "就业单位名称", "用人单位", "用人单位名称"),
    Column.USCC: ("社会信用代码", "单位统一社会信用代码", "信用代码"),
    Column.UNIT_PLACE: ("单位所在地区", "就业单位所在地"),
    Column.POST: ("岗位", "工作职位"),
    Column.TRANSFER_TYPE: ("档案转递类型",),
    Column.RECEIVING_TYPE: ("档案接收类型", "单位接收类型"),
    Column.ARCHIVE_UNIT: ("档案接收单位名称", "档案转递单位", "档案转寄单位名称"),
    Column.ARCHIVE_ADDRESS: ("档案接收单位地址", "档案转递地址", "档案转寄地址"),
    Column.ARCHIVE_POSTCODE: ("档案邮编", "档案接收单位邮编"),
    Column.ARCHIVE_CONTACT: ("档案接收联系人", "档案收件人"),
    Column.ARCHIVE_PHONE: ("档案接收电话", "档案接收联系电话"),
    Column.HOUSEHOLD_MOVED: ("户口是否转入学校", "户口是否已转入学校", "户口转入学校"),
    Column.HOUSEHOLD_ADDRESS: ("户口迁移地址",),
    Column.CHSI_BOUND: ("学信网是否绑定", "学信网学籍绑定"),
    Column.REAL_PERSON: ("是否实人验证", "实人认证"),
}
_KNOWN = {str(column): column for column in Column} | {
    word: column for column, words in _SYNONYMS.items() for word in words
}
_NOTE = re.compile(r"\([^()]*\)$")
_DECORATION = re.compile(r"[\s*:\u200b-\u200f\u2060\ufeff]")
_TITLE_LINES = 5  # a title, a date and a note may stand above the headings


class Line(NamedTuple):
    """A line of the file (行).

    Attributes:
        number: as the spreadsheet counts, from 1.
        cells: from column A on; short lines are empty at the end.
    """

    number: int
    cells: Sequence[Cell]


class Merged(NamedTuple):
    """Merged cells (合并单元格): a rectangle of which only the upper left cell holds anything; places count from 0."""

    first_row: int
    last_row: int
    first_place: int
    last_place: int


@dataclass(slots=True)
class Remarks:
    """What a reader finds out about a file beside its lines (读取备注), complete when the last line is read.

    Attributes:
        merged: merged cells.
        notes: sentences for whoever sent the file.
        total: about how many lines there are; 0 while unknown.
    """

    merged: list[Merged] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    total: int = 0


@dataclass(frozen=True, slots=True)
class Headings:
    """Where the columns of a file stand (表头).

    Attributes:
        places: index of each known column, 0 for A.
        unknown: headings that mean nothing here; they are reported and ignored.
    """

    places: Mapping[Column, int]
    unknown: tuple[str, ...] = ()

    def letter(self, column: Column) -> str:
        """Return the letter of the column (列标) as the spreadsheet shows it; "" if the file has no such column."""
        place = self.places.get(column)
        letters = ""
        while place is not None and place >= 0:
            letters = chr(ord("A") + place % 26) + letters
            place = place // 26 - 1
        return letters


def find_headings(lines: Iterator[Line]) -> Headings:
    """Take lines up to the one with the headings (表头行); a few title lines above it are passed over.

    Raises:
        BadValueError: nothing there, or no line has the required headings; the sentence says what is missing.
    """
    first = list(islice(lines, 1))
    if not first:
        raise BadValueError("文件里没有任何内容")
    tried = first[0]
    seen = 1
    while len(_recognised(tried.cells)) < 3 and seen < _TITLE_LINES:
        following = next(lines, None)
        if following is None:
            break
        tried, seen = following, seen + 1
    if len(_recognised(tried.cells)) < 3:
        tried = first[0]
    return read_headings(tried.cells)


def read_headings(cells: Iterable[Cell]) -> Headings:
    """Read the line of headings (表头), in any order, width and spacing, some synonyms included.

    Raises:
        BadValueError: a required column is missing, one stands there twice, or one needs another that is missing.
    """
    places: dict[Column, int] = {}
    unknown: list[str] = []
    for place, cell in enumerate(cells):
        column = _column(cell)
        if column is None:
            if heading := _plain(cell):
                unknown.append(heading[:30])
        elif column in places:
            raise BadValueError(f"“{column}”这一列出现了两次，请只保留一列")
        else:
            places[column] = place
    if missing := [column for column in REQUIRED if column not in places]:
        raise BadValueError(f"缺少必需的列：{'、'.join(missing)}；第一行应为表头")
    for column in places:
        if lacking := [needed for needed in _NEEDS.get(column, ()) if needed not in places]:
            raise BadValueError(f"有“{column}”一列，还需要这些列：{'、'.join(lacking)}")
    return Headings(places, tuple(unknown))


def _recognised(cells: Iterable[Cell]) -> set[Column]:
    return {column for cell in cells if (column := _column(cell))}


def _column(cell: Cell) -> Column | None:
    heading = _plain(cell)
    return _KNOWN.get(heading) or _KNOWN.get(_NOTE.sub("", heading))


def _plain(cell: Cell) -> str:
    return _DECORATION.sub("", unicodedata.normalize("NFKC", cell)) if isinstance(cell, str) else ""
