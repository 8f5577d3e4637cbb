import io
import re

import pytest
import zxingcpp
from PIL import Image

from bot.registration.report import report_of
from handlers.report.pdf import Press, Sheet
from handlers.report.qr import QUIET_ZONE, qr_svg
from handlers.report.seal import Seal
from handlers.report.seal_key import make_seal_key
from handlers.verification.tokens import VerificationKeys
from tests.handlers.report.sample import NOW, SEASON, registered

MODULES_OF_VERSION_7 = 45
PREVIEW_PPI = 96
KEYS = VerificationKeys.of_seeds(1, {1: b"1" * 32})


def address(host: str) -> str:
    return KEYS.landing_url(f"https://{host}", registered().verifications[0])


def modules(text: str) -> int:
    found = re.search(r'viewBox="0 0 (\d+) ', qr_svg(text))
    assert found
    return int(found[1]) - 2 * QUIET_ZONE


def test_a_host_of_nineteen_characters_still_fits_version_7_and_one_more_does_not() -> None:
    host = "bysqx.example.edu.c"
    assert len(host) == 19
    assert modules(address(host)) == MODULES_OF_VERSION_7
    assert modules(address(host + "n")) > MODULES_OF_VERSION_7


@pytest.mark.parametrize("host", ["bys.example.edu.cn", "quxiang.example.edu.cn", "employment.some-university.edu.cn"])
def test_the_printed_code_is_thirty_millimetres_across_without_its_white_frame(host: str) -> None:
    verification = registered().verifications[0]
    sheet = Sheet(report_of(SEASON, registered(), verification, NOW), address(host), host)
    press = Press(Seal(make_seal_key(SEASON.school, NOW), lambda: NOW))
    (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(press.preview(sheet))).convert("L"))
    assert code.text == address(host)
    side = code.position.top_right.x - code.position.top_left.x
    assert side / PREVIEW_PPI * 25.4 >= 30
