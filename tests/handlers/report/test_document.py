import io
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
import zxingcpp
from PIL import Image
from pypdf import PdfReader

from bot.registration.dossier import Dossier
from bot.registration.report import report_of
from bot.registration.verification import Subject
from handlers.report.pdf import TITLE, MissingGlyphError, Press, Sheet
from handlers.report.seal import Seal
from handlers.report.seal_key import make_seal_key
from tests.handlers.report.sample import ADDRESS, IDENTITY_NUMBER, LAST_DAY, NOW, PHONE, SEASON, registered

# As long as a real address in a QR code, 28 + 64 bytes in Base32, so that the symbol has its real size.
LANDING = "HTTPS://QUXIANG.EXAMPLE.EDU.CN/V/" + "A2B3C4D5" * 18 + "E6F7"
HOST = "quxiang.example.edu.cn"
RARE = "䶮㛃㛄𬭊𬱖𬭚𬸚𫖯𬍛𨱏𪩘𬀩堃喆昇翀赟頔龑旻镕䲟㭎㧑㑊𬘭𬣞𬬭𬭳"
SEAL = Seal(make_seal_key(SEASON.school, NOW), lambda: NOW)
HOSTILE = '#panic("x") $x$ *b* \n#read("/etc/passwd") @ref <label> \\u{41} [c] // #'


def sheet(dossier: Dossier | None = None, subject: Subject = Subject.ARCHIVE) -> Sheet:
    dossier = dossier or registered()
    verification = dossier.verification_of(subject)
    assert verification
    return Sheet(report_of(SEASON, dossier, verification, NOW), LANDING, HOST)


def text_of(pdf: bytes) -> str:
    """Return the text of the file without white space, since lines break anywhere in Chinese."""
    return "".join("".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


@pytest.fixture(scope="module")
def press() -> Press:
    return Press(SEAL)


def test_the_report_prints_what_the_archive_office_works_from(press: Press) -> None:
    text = text_of(press.pdf(sheet()))
    for said in (TITLE, "江南示范大学", "23127150", "2023-07-1623:59:59", "欧阳㛃䶮", "*****************X", HOST):
        assert said in text, said
    for said in (ADDRESS, PHONE, "单位接收档案·托管单位接收", "园区人力资源管理服务中心𬭊", "0512-62880000", "结业"):
        assert said.replace(" ", "") in text, said
    assert sheet().report.digest_code.replace(" ", "") in text
    assert IDENTITY_NUMBER not in text
    assert "20010203" not in text


def test_it_is_one_a4_page_of_pdf_a_4(press: Press) -> None:
    pdf = press.pdf(sheet())
    reader = PdfReader(io.BytesIO(pdf))
    assert pdf.startswith(b"%PDF-2.0")
    assert len(reader.pages) == 1
    assert [round(float(side) / 72 * 25.4) for side in reader.pages[0].mediabox[2:]] == [210, 297]
    assert reader.xmp_metadata is not None
    assert TITLE in (reader.xmp_metadata.dc_title or {}).values()
    assert b'pdfaid:part="4"' in reader.xmp_metadata.stream.get_data()


def test_the_same_sheet_gives_the_same_bytes_on_another_press_but_for_the_seal(press: Press) -> None:
    one, other = (printed.pdf(sheet()).partition(b"%%EOF") for printed in (Press(SEAL), press))
    assert one[0] == other[0]
    assert b"/ByteRange" not in one[0]
    assert b"/ByteRange" in one[2]


def test_rare_characters_of_names_are_printed(press: Press) -> None:
    text = text_of(press.pdf(sheet(registered(name=RARE))))
    assert [character for character in RARE if character not in text] == []


def test_a_character_without_glyph_stops_the_report_and_its_name_stays_out_of_the_error(press: Press) -> None:
    for made in (press.pdf, press.preview):
        with pytest.raises(MissingGlyphError) as caught:
            made(sheet(registered(name="王\U00030000明")))
        assert "王" not in str(caught.value)
        assert caught.value.__context__ is None
    assert "23127150" in text_of(press.pdf(sheet()))


@pytest.mark.parametrize("field", ["name", "unit"])
def test_typst_markup_in_a_value_comes_out_letter_by_letter(press: Press, field: str) -> None:
    dossier = registered(name=HOSTILE) if field == "name" else registered(unit=HOSTILE)
    text = text_of(press.pdf(sheet(dossier)))
    assert "".join(HOSTILE.split()) in text.replace("\u200b", "")
    assert "root:" not in text


def test_very_long_values_go_on_to_a_second_page_and_lose_nothing(press: Press) -> None:
    pdf = press.pdf(sheet(registered(unit="长" * 700 + "W" * 300 + "尾")))
    text = text_of(pdf).replace("\u200b", "")
    assert len(PdfReader(io.BytesIO(pdf)).pages) == 2
    assert (text.count("长"), text.count("W"), text.count("尾")) == (700, 300, 1)


@pytest.mark.parametrize("subject", Subject)
def test_the_code_on_the_page_is_read_back_and_is_large_enough(press: Press, subject: Subject) -> None:
    page = Image.open(io.BytesIO(press.preview(sheet(subject=subject)))).convert("L")
    found = zxingcpp.read_barcodes(page)
    assert [code.text for code in found] == [LANDING]
    corners = found[0].position
    assert (corners.top_right.x - corners.top_left.x) / page.width * 210 >= 34 * 0.98  # a pixel of rounding


def test_the_quiet_zone_around_the_code_is_white(press: Press) -> None:
    page = Image.open(io.BytesIO(press.preview(sheet()))).convert("L")
    corners = zxingcpp.read_barcodes(page)[0].position
    left, top, right, bottom = corners.top_left.x, corners.top_left.y, corners.bottom_right.x, corners.bottom_right.y
    frame = round((right - left) / 45 * 3.5)
    around = page.crop((left - frame, top - frame, right + frame, bottom + frame))
    around.paste(255, (frame - 2, frame - 2, around.width - frame + 2, around.height - frame + 2))
    assert around.getextrema()[0] == 255


def test_a_preview_is_about_twice_as_wide_as_a_phone(press: Press) -> None:
    assert 780 <= Image.open(io.BytesIO(press.preview(sheet()))).width <= 860


def test_an_extension_prints_the_new_day_though_the_old_print_is_remembered(press: Press) -> None:
    press.pdf(sheet())
    extended = registered().extend(Subject.ARCHIVE, LAST_DAY + timedelta(days=30), SEASON, NOW)
    assert "2023-08-1523:59:59" in text_of(press.pdf(sheet(extended)))


def test_a_change_outside_the_digest_is_printed_too(press: Press) -> None:
    press.pdf(sheet())
    moved = replace(sheet().report, office_phone="0512-62999999")
    assert "0512-62999999" in text_of(press.pdf(replace(sheet(), report=moved)))


def test_a_remembered_print_costs_next_to_nothing_and_the_memory_stays_small() -> None:
    press = Press(SEAL, keep=2)
    first = press.pdf(sheet())
    started = time.process_time()
    assert press.pdf(sheet()) is first
    assert time.process_time() - started < 0.01
    press.pdf(sheet(registered(name="王小明")))
    press.pdf(sheet(registered(name="李小红")))
    assert press.pdf(sheet()) is not first


def test_four_threads_print_their_own_reports_at_the_same_time(press: Press) -> None:
    names = [f"王{character}明" for character in "甲乙丙丁戊己庚辛壬癸子丑"]
    texts: dict[str, str] = {}

    def work(mine: list[str]) -> None:
        for name in mine:
            texts[name] = text_of(press.pdf(sheet(registered(name=name))))

    threads = [threading.Thread(target=work, args=(names[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [name for name in names if name in texts.get(name, "")] == names
