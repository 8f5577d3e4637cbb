"""The second factor (动态口令): a code of six digits for each half minute (RFC 6238), by pyotp."""

from datetime import datetime

import pyotp
from markupsafe import Markup

from handlers.report.qr import qr_svg

ISSUER = "去向工作台"
"""What the app on the telephone calls us."""
_STEP = 30
_LENGTH = 32


def new_secret() -> str:
    """Return a new secret (密钥), 160 bits in Base32."""
    return pyotp.random_base32(_LENGTH)


def is_secret(text: str) -> bool:
    """Tell whether a text can be a secret of ``new_secret``; what comes back from a form is checked with it."""
    return len(text) == _LENGTH and set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


def step_of(secret: str, code: str, now: datetime) -> int:
    """Return the time step whose code this is (时间步), one step of clock error allowed; 0 if it is none's.

    Spaces are ignored: telephones show the digits in two groups.
    """
    digits = "".join(code.split())
    if len(digits) != 6 or not digits.isascii() or not digits.isdigit():
        return 0
    present, totp, found = int(now.timestamp()) // _STEP, pyotp.TOTP(secret), 0
    for step in (present - 1, present, present + 1):
        if pyotp.utils.strings_equal(totp.generate_otp(step), digits):
            found = step
    return found


def picture(secret: str, login: str) -> Markup:
    """Return the QR code (二维码) that a telephone's app reads the secret from, as SVG."""
    address = pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)
    return Markup(qr_svg(address))  # noqa: S704 -- a drawing of modules, no text of anybody's
