"""The press (排版): a report as sealed PDF/A-4 and as a picture, through typst.

PDF/A makes typst refuse a character its font does not have; without it a name would be printed with a hole and no
message. A picture is therefore made only of what has passed as PDF. The file carries the address of its QR code among
its keywords, so that our own page can look up a file it is given.
"""

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import typst

from bot.errors import QuxiangError
from bot.registration.report import Report, Row, moment_text
from bot.registration.verification import Subject
from handlers.report.qr import qr_svg
from handlers.report.seal import Seal

TITLE: Final = "毕业生去向登记信息核验报告"
NUMBER_LABEL: Final = "核验编号"
_PREVIEW_PPI: Final = 96.0  # 794 pixels across: twice the 390 CSS pixels of a phone
_MISSING: Final = "could not be displayed"
RARE_CHARACTERS: Final = "䶮㛃㛄𬭊𬱖𬭚𬸚𫖯𬍛𨱏𪩘𬀩堃喆昇翀赟頔龑旻镕䲟㭎㧑㑊𬘭𬣞𬬭𬭳"
"""Rare characters that occur in names; common fonts drop many of them silently."""


class MissingGlyphError(QuxiangError):
    """The font lacks a character of this report, so it is not issued at all (缺字).

    Attributes:
        verification_id: whose report it was; the character itself is personal data and is not repeated.
    """

    def __init__(self, verification_id: str) -> None:
        super().__init__(f"核验报告 {verification_id} 中有字体不支持的字，未出具；请联系维护人员补充字体")
        self.verification_id = verification_id


class TypesettingError(QuxiangError):
    """Typst refused the report for a reason of ours (排版失败): a mistake in the document, never of the data."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is printed (报告印样): a report and the addresses on it.

    Attributes:
        report: the report.
        landing_url: address in the QR code, unguessable.
        official_host: public address in words, e.g. "bys.example.edu.cn", for those who read instead of scan.
    """

    report: Report
    landing_url: str = field(repr=False)
    official_host: str


class Press:
    """Prints sheets (排版); keeps the last few, because preview and download follow each other.

    The whole sheet is the key of the memory, so anything printed that changes makes a new print. Safe in threads:
    a typst compiler serves one thread only ("Already borrowed" otherwise), fonts are shared.

    Args:
        seal: signs every file; the picture is not signed.
        keep: how many prints are kept.
    """

    def __init__(self, seal: Seal, keep: int = 32) -> None:
        self._seal = seal
        self._keep = keep
        self._kept: OrderedDict[tuple[Sheet, str], bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._local = threading.local()

    def pdf(self, sheet: Sheet) -> bytes:
        """Return the sealed PDF/A-4 file (核验报告), the same bytes for the same sheet while it is kept.

        Raises:
            MissingGlyphError: a character is not in the font.
        """
        return self._remembered(sheet, "pdf")

    def preview(self, sheet: Sheet) -> bytes:
        """Return the first page as PNG (预览图), about 800 pixels wide.

        Raises:
            MissingGlyphError: a character is not in the font.
        """
        self.pdf(sheet)
        return self._remembered(sheet, "png")

    def _remembered(self, sheet: Sheet, form: str) -> bytes:
        key = (sheet, form)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = self._compile(sheet, form)
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > self._keep:
                self._kept.popitem(last=False)
        return made

    def _compile(self, sheet: Sheet, form: str) -> bytes:
        inputs = {"data": json.dumps(_printed(sheet), ensure_ascii=False)}
        failure = ""
        made: Any = None
        try:
            if form == "pdf":
                moment = sheet.report.issued_at.astimezone(UTC)
                made = self._compiler().compile(
                    format="pdf", sys_inputs=inputs, pdf_standards="a-4", timestamp=int(moment.timestamp())
                )
            else:
                made = self._compiler().compile(format="png", sys_inputs=inputs, ppi=_PREVIEW_PPI)
        except typst.TypstError as error:
            # Its text quotes what could not be printed: that must not travel further, not even as a cause.
            failure = _MISSING if _MISSING in error.message else "typst"
        if failure == _MISSING:
            raise MissingGlyphError(sheet.report.verification_id)
        if failure:
            raise TypesettingError(f"核验报告 {sheet.report.verification_id} 排版失败")
        first = bytes(made[0] if isinstance(made, list) else made)
        return self._seal.sign(first) if form == "pdf" else first

    def _compiler(self) -> typst.Compiler:
        if not hasattr(self._local, "compiler"):
            folder = Path(str(files("handlers.report")))
            self._local.compiler = typst.Compiler(
                folder / "document.typ", root=folder, font_paths=_fonts(), ignore_system_fonts=True
            )
        compiler: typst.Compiler = self._local.compiler
        return compiler


def font_problem() -> str | None:
    """Tell what is wrong with the font (报告字体自检), or None: 29 characters that occur in names must be there."""
    page = f'#set document(title: "字体自检", date: auto)\n#set text(font: "Noto Sans SC")\n{RARE_CHARACTERS}'
    try:
        typst.compile(
            page.encode(),
            format="pdf",
            font_paths=_fonts(),
            ignore_system_fonts=True,
            pdf_standards="a-4",
            timestamp=0,
        )
    except (typst.TypstError, ModuleNotFoundError, FileNotFoundError):
        return "找不到报告用的字体，或它缺少姓名中的生僻字：请重新安装（pip install justmytype-intl-cjk）"
    return None


@cache
def _fonts() -> typst.Fonts:
    """Open Noto Sans SC from its package and nothing else: another font must never step in silently."""
    folder = files("justmytype_intl_cjk") / "fonts" / "ofl" / "notosanssc"
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(folder)])


def _printed(sheet: Sheet) -> dict[str, Any]:
    """Put the sheet into the words of the document (document.typ)."""
    report = sheet.report
    return {
        "title": TITLE,
        "school": report.school,
        "subtitle": subtitle_of(report),
        "number": report.number,
        "facts": [_pair(row) for row in facts_of(report)],
        "sections": [{"title": part.title, "rows": [_pair(row) for row in part.rows]} for part in report.sections],
        "qr": qr_svg(sheet.landing_url),
        "link": sheet.landing_url,
        "notes": _notes(sheet),
        "footer": f"{NUMBER_LABEL} {report.number}　{sheet.official_host}",
        "words": {"number": NUMBER_LABEL, "qr": "扫码核验", "how": "如何核验"},
    }


def subtitle_of(report: Report) -> str:
    """Return the line under the title (副标题), e.g. 2023 届 · 档案核验."""
    return f"{report.season} 届 · {report.subject.value.removesuffix('信息')}核验"


def facts_of(report: Report) -> tuple[Row, ...]:
    """Return the lines beside the QR code (签发信息)."""
    return (
        Row("valid_until", "有效期至", moment_text(report.valid_until)),
        Row("issued_at", "签发时间", moment_text(report.issued_at)),
        Row("digest", "数据校验码", report.digest_code),
    )


def _pair(row: Row) -> list[str]:
    return [row.label, row.value]


def _notes(sheet: Sheet) -> list[str]:
    report = sheet.report
    doubt = f"仍有疑问，请致电{report.school}{report.office}（{report.office_phone}）。"
    return [
        f"扫描二维码，打开的网址应是 {sheet.official_host}，网页上的学校、核验编号、姓名和数据校验码应与本页一致。",
        f"不便扫码时，打开 {sheet.official_host}/verify，输入核验编号和毕业生姓名，或上传本文件。{doubt}",
        "状态以网页显示为准：有效期届满、毕业生撤销授权，或去向、档案、户口信息变更后，本报告不再有效。",
        "本报告装入学生档案袋，供档案接收管理部门办理接收手续使用。证件号码部分隐藏，以保护毕业生个人信息。"
        if report.subject is Subject.ARCHIVE
        else "本报告供户籍接收管理部门办理户口迁移手续使用。证件号码部分隐藏，以保护毕业生个人信息。",
    ]
