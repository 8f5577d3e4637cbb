"""The correction sheet as a file (更正表文件): written as text no spreadsheet runs, read with limits."""

import io
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from werkzeug.datastructures import FileStorage
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from bot.errors import BadValueError
from bot.registration.correction import Verdict
from bot.registration.dossier import Dossier
from bot.registration.graduate import Counsellor
from bot.registration.season import SHANGHAI
from bot.roster.columns import Line
from bot.staff.correction_answers import LONGEST, Filled, read_sheet
from bot.staff.correction_sheet import SENSITIVE, Heading, Slot, slots_of
from bot.use_cases.correct_dossiers import Export
from handlers.roster.reading import read_lines

MOST_BYTES = 2 * 2**20
"""Bytes an uploaded sheet may have; 5,000 rows take about 500,000."""
MOST_UNPACKED = 60 * 2**20
"""Bytes all its parts may have unpacked."""
MOST_LINES = 5000

_HEAD_ROW = 2  # below the title and the note; counted from 0
_WIDTHS = {
    Heading.COUNSELLOR: 9,
    Heading.STUDENT_NUMBER: 14,
    Heading.NAME: 10,
    Heading.ITEM: 19,
    Heading.PRESENT: 24,
    Heading.WORDS: 30,
    Heading.RIGHT: 26,
    Heading.VERDICT: 9,
    Heading.REASON: 28,
    Heading.KEY: 12,
}
_FOR_STAFF = frozenset([Heading.RIGHT, Heading.VERDICT, Heading.REASON])
_NOTE = (
    "每份更正的各项都要填：采纳，填“更正为”；不采纳，写理由（毕业生会看到）。有几行的项目只填要改的行，要清掉的内容填“清空”。"
    "“其他”一项用文字答复。编号一列请保留，填好交就业办上传。"
)
_PRIVATE = "含身份证号、地址等敏感信息，只因毕业生报告它们有误；请勿转发，用完删除。"
_TEXT = {"num_format": "@", "text_wrap": True, "valign": "top", "border": 1, "border_color": "#B8C6BF", "font_size": 10}


@dataclass(frozen=True, slots=True)
class SheetFile:
    """A file to be downloaded (下载文件)."""

    name: str
    kind: str
    data: bytes


def one_sheet(export: Export, counsellor: Counsellor | None) -> SheetFile:
    """Return one workbook with everything exported (一张更正表)."""
    whose = _named(counsellor) if counsellor else "全部"
    name = f"更正表-{export.season.id}-{whose}-{_day(export)}.xlsx"
    return SheetFile(name, _XLSX, _workbook(export, export.dossiers, whose))


def sheet_for_each(export: Export) -> SheetFile:
    """Return a zip with one workbook for each counsellor (按辅导员分文件)."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for counsellor, group in groupby(export.dossiers, lambda d: _key(d.graduate.counsellor)):
            whose = _named(counsellor)
            archive.writestr(
                f"更正表-{export.season.id}-{whose}-{_day(export)}.xlsx", _workbook(export, tuple(group), whose)
            )
    return SheetFile(f"更正表-{export.season.id}-按辅导员-{_day(export)}.zip", "application/zip", buffer.getvalue())


_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _key(counsellor: Counsellor) -> Counsellor:
    """Return the counsellor without the telephone, which may differ from graduate to graduate."""
    return Counsellor(counsellor.name, staff_number=counsellor.staff_number)


def _named(counsellor: Counsellor) -> str:
    parts = (part for part in (counsellor.name, counsellor.staff_number) if part)
    return "-".join("".join(c for c in part if c.isalnum() or c in "·_") for part in parts)


def _day(export: Export) -> str:
    return f"{export.at.astimezone(SHANGHAI):%m%d}"


def _workbook(export: Export, dossiers: Sequence[Dossier], whose: str) -> bytes:
    buffer = io.BytesIO()
    slots = [slot for dossier in dossiers for slot in slots_of(dossier)]
    with Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet("更正表")
        title = f"{export.season.school} {export.season.id} 届更正表 · {whose} · {len(dossiers)} 份"
        stamp = f"{export.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M} 导出"
        is_private = any(slot.key.item in SENSITIVE for slot in slots)
        _write_head(book, sheet, f"{title} · {stamp}", _NOTE + (_PRIVATE if is_private else ""))
        _write_rows(book, sheet, slots)
        _dress(sheet, len(slots))
    return buffer.getvalue()


def _write_head(book: Workbook, sheet: Worksheet, title: str, note: str) -> None:
    last = len(Heading) - 2  # the key is hidden
    bold = book.add_format({"bold": True, "font_size": 14, "valign": "vcenter"})
    soft = book.add_format({"text_wrap": True, "valign": "top", "font_size": 10, "font_color": "#52625B"})
    sheet.merge_range(0, 0, 0, last, "", bold)
    sheet.write_string(0, 0, title, bold)
    sheet.merge_range(1, 0, 1, last, "", soft)
    sheet.write_string(1, 0, note, soft)
    sheet.set_row(0, 24)
    sheet.set_row(1, 44)
    head = {"bold": True, "num_format": "@", "border": 1, "valign": "vcenter", "bg_color": "#E3EDE8"}
    plain, wanted = book.add_format(head), book.add_format(head | {"bg_color": "#FDF1DC"})
    for place, heading in enumerate(Heading):
        sheet.write_string(_HEAD_ROW, place, heading, wanted if heading in _FOR_STAFF else plain)


def _write_rows(book: Workbook, sheet: Worksheet, slots: Sequence[Slot]) -> None:
    plain, wanted = book.add_format(_TEXT), book.add_format(_TEXT | {"bg_color": "#FFFAF0"})
    for number, slot in enumerate(slots, _HEAD_ROW + 1):
        cells = {
            Heading.COUNSELLOR: slot.counsellor,
            Heading.STUDENT_NUMBER: slot.student_number,
            Heading.NAME: slot.name,
            Heading.ITEM: slot.label,
            Heading.PRESENT: slot.present,
            Heading.WORDS: slot.words,
            Heading.KEY: str(slot.key),
        }
        for place, heading in enumerate(Heading):
            style = wanted if heading in _FOR_STAFF else plain
            if text := cells.get(heading, ""):
                sheet.write_string(number, place, text, style)  # a string, whatever it begins with
            else:
                sheet.write_blank(number, place, None, style)


def _dress(sheet: Worksheet, count: int) -> None:
    places = {heading: place for place, heading in enumerate(Heading)}
    for heading, place in places.items():
        sheet.set_column(place, place, _WIDTHS[heading], None, {"hidden": heading is Heading.KEY})
    first, last = _HEAD_ROW + 1, max(_HEAD_ROW + count, _HEAD_ROW + 1)
    sheet.data_validation(
        first,
        places[Heading.VERDICT],
        last,
        places[Heading.VERDICT],
        {
            "validate": "list",
            "source": [verdict.value for verdict in Verdict],
            "error_title": "处理",
            "error_message": "请选 采纳 或 不采纳；不办理就留空",
        },
    )
    sheet.data_validation(
        first,
        places[Heading.REASON],
        last,
        places[Heading.REASON],
        {
            "validate": "length",
            "criteria": "<=",
            "value": LONGEST,
            "error_title": "太长",
            "error_message": f"最多 {LONGEST} 个字",
        },
    )
    sheet.freeze_panes(_HEAD_ROW + 1, places[Heading.ITEM])
    sheet.autofilter(_HEAD_ROW, 0, last, len(Heading) - 1)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(_HEAD_ROW)
    sheet.set_footer("&L含个人信息，请妥善保管&R第 &P 页，共 &N 页")


def read_upload(file: FileStorage | None) -> Filled:
    """Read an uploaded sheet (读取上传的更正表).

    Raises:
        QuxiangError: no file, too large, unreadable, or no correction sheet.
    """
    if file is None or not file.filename:
        raise BadValueError("请先选择填好的更正表")
    with closing(file):
        data = file.stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise BadValueError(f"文件超过 {MOST_BYTES // 2**20} MB；更正表没有这么大，请确认选对了文件，或拆分后上传")
    _demand_small(data)
    with _kept(data, Path(file.filename).suffix) as path:
        return read_sheet(_limited(read_lines(path)))


def _demand_small(data: bytes) -> None:
    """Refuse what would unpack to far more than a sheet of this kind has; the reader has wider limits of its own."""
    if data.startswith(b"PK"):
        try:
            with ZipFile(io.BytesIO(data)) as archive:
                unpacked = sum(part.file_size for part in archive.infolist())
        except (BadZipFile, ValueError, OSError, NotImplementedError):
            raise BadValueError("文件不完整，可能没有下载完；请重新取得后再上传") from None
        if unpacked > MOST_UNPACKED:
            raise BadValueError("文件解压后大得不合常理，为安全起见不予读取；请重新下载更正表填写")


@contextmanager
def _kept(data: bytes, suffix: str) -> Iterator[Path]:
    """Keep the file where the reader can look at it, only as long as it does."""
    with TemporaryDirectory(prefix="quxiang-") as folder:
        safe = suffix.lower() if suffix.lower() in {".xlsx", ".xls", ".csv"} else ".xlsx"
        path = Path(folder) / f"sheet{safe}"
        path.write_bytes(data)
        yield path


def _limited(lines: Iterator[Line]) -> Iterator[Line]:
    for number, line in enumerate(lines):
        if number > MOST_LINES:
            raise BadValueError(f"更正表超过 {MOST_LINES:,} 行，请拆分后上传")
        yield line
