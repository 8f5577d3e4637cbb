"""The QR code (二维码) of the report, as a drawing that stays sharp at any size."""

import qrcode
from qrcode.constants import ERROR_CORRECT_M

QUIET_ZONE = 4
"""White modules around the symbol, as ISO/IEC 18004 demands; stickers and frames must not touch it."""

# Level M and not Q: at the same printed size the lower version decides whether a blurred photo can be read.
# The mask is fixed: the search for the best of eight costs 15 ms and changes nothing for our readers.
_MASK = 2


def qr_svg(text: str) -> str:
    """Draw the text as an SVG (二维码), one unit per module, quiet zone included.

    Args:
        text: upper case, digits and ``$%*+-./:`` give the smallest symbol.
    """
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=QUIET_ZONE, mask_pattern=_MASK)
    code.add_data(text)
    code.make(fit=True)
    rows = code.get_matrix()
    side = len(rows)
    strokes = "".join(_runs(row, y) for y, row in enumerate(rows))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" width="{side}" height="{side}">'
        f'<rect width="{side}" height="{side}" fill="#fff"/><path fill="#000" d="{strokes}"/></svg>'
    )


def _runs(row: list[bool], y: int) -> str:
    """Draw each run of dark modules in a row as one rectangle: no hairlines between neighbours."""
    out, x = "", 0
    while x < len(row):
        length = 0
        while x + length < len(row) and row[x + length]:
            length += 1
        if length:
            out += f"M{x} {y}h{length}v1h-{length}z"
        x += max(length, 1)
    return out
