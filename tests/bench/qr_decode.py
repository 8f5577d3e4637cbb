"""How well the printed QR code is read (识读率): from the real PDF through a bad camera, by pixels across the symbol.

.venv/bin/python -m tests.bench.qr_decode [TRIES]

Each try turns the code by up to 8°, tilts it by 3 %, blurs it by 0.8 px, adds noise, saves it as JPEG 70, and reads it
with zxing-cpp. Needs pdftoppm (poppler-utils).
"""

import argparse
import io
import random
import subprocess
import sys
from typing import Final

import zxingcpp
from PIL import Image, ImageFilter

from bot.registration.report import report_of
from handlers.report.pdf import Press, Sheet
from handlers.report.seal import Seal
from handlers.report.seal_key import make_seal_key
from handlers.verification.tokens import VerificationKeys
from tests.handlers.report.sample import NOW, SEASON, registered

_DPI: Final = 600
_ACROSS: Final = (450, 300, 220, 180, 150, 125, 105)
_HOSTS: Final = ("bys.example.edu.cn", "quxiang.example.edu.cn")
_TILT: Final = 0.03
_TURN: Final = 8.0
_BLUR: Final = 0.8
_NOISE: Final = 10.0  # standard deviation, of 255
_JPEG: Final = 70


def printed(host: str) -> tuple[Image.Image, str]:
    """Return the first page of a real report as a grey picture, and the address in its code (印样)."""
    keys = VerificationKeys.of_seeds(1, {1: b"1" * 32})
    dossier = registered()
    verification = dossier.verifications[0]
    url = keys.landing_url(f"https://{host}", verification)
    sheet = Sheet(report_of(SEASON, dossier, verification, NOW), url, host)
    pdf = Press(Seal(make_seal_key(SEASON.school, NOW), lambda: NOW)).pdf(sheet)
    command = ["pdftoppm", "-r", str(_DPI), "-f", "1", "-l", "1", "-gray", "-"]
    page = subprocess.run(command, input=pdf, capture_output=True, check=True).stdout
    return Image.open(io.BytesIO(page)), url


def symbol(page: Image.Image) -> tuple[Image.Image, int]:
    """Return the code with its surroundings, and its pixels across without the quiet zone."""
    (code,) = zxingcpp.read_barcodes(page)
    left, right = code.position.top_left, code.position.top_right
    side = right.x - left.x + 1
    around = side // 4
    return page.crop((left.x - around, left.y - around, right.x + around, left.y + side + around)), side


def photographed(picture: Image.Image, scale: float, chance: random.Random) -> Image.Image:
    """Return what a bad camera makes of it (翻拍)."""
    width, height = picture.size
    corners = [(0, 0), (0, height), (width, height), (width, 0)]
    moved = [
        (x + chance.uniform(-_TILT, _TILT) * width, y + chance.uniform(-_TILT, _TILT) * height) for x, y in corners
    ]
    quad = [coordinate for corner in moved for coordinate in corner]
    turned = picture.transform(picture.size, Image.Transform.QUAD, quad, Image.Resampling.BICUBIC, fillcolor=255)
    turned = turned.rotate(chance.uniform(-_TURN, _TURN), Image.Resampling.BICUBIC, fillcolor=255)
    small = turned.resize((round(width * scale), round(height * scale)), Image.Resampling.BOX)
    blurred = small.filter(ImageFilter.GaussianBlur(_BLUR))
    noisy = bytes(min(255, max(0, round(value + chance.gauss(0, _NOISE)))) for value in blurred.tobytes())
    saved = io.BytesIO()
    Image.frombytes("L", blurred.size, noisy).save(saved, "JPEG", quality=_JPEG)
    return Image.open(saved)


def rate(picture: Image.Image, side: int, across: int, url: str, tries: int) -> int:
    """Return how many of the tries were read right (识读次数)."""
    chance = random.Random(across)
    photos = (photographed(picture, across / side, chance) for _ in range(tries))
    return sum([found.text for found in zxingcpp.read_barcodes(photo)] == [url] for photo in photos)


def main() -> None:
    """Print the rates (识读率)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("tries", nargs="?", type=int, default=24)
    tries = parser.parse_args().tries
    for host in _HOSTS:
        page, url = printed(host)
        picture, side = symbol(page)
        sys.stdout.write(f"{host} ({len(host)} characters): {side / _DPI * 25.4:.1f} mm across\n")
        for across in _ACROSS:
            sys.stdout.write(f"  {across} px: {rate(picture, side, across, url, tries)}/{tries}\n")


if __name__ == "__main__":
    main()
