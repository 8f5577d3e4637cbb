"""What a file says on its pages (纸面内容), by pypdf; runs in the child process ``handlers.files.child``."""

import io
import re
from typing import Any, Final

from pypdf import PdfReader, mult

from handlers.files.findings import Paper, Piece

_MOST_PAGES: Final = 5
_MOST_PIECES: Final = 2000
_MOST_CHARACTERS: Final = 400  # of one piece, which is at most a line
_TOKEN: Final = re.compile(rb"/V/([A-Z2-7]{148})(?![A-Z2-7])")


def is_locked(pdf: bytes) -> bool:
    """Tell whether the file is encrypted (已加密), with or without a password to open it."""
    return PdfReader(io.BytesIO(pdf)).is_encrypted


def token_of(pdf: bytes) -> str:
    """Return the token in the document's description (核验令牌), "" if there is none or more than one."""
    described = PdfReader(io.BytesIO(pdf)).root_object.get("/Metadata")
    found = set(_TOKEN.findall(described.get_object().get_data())) if described is not None else set()
    return found.pop().decode("ascii") if len(found) == 1 else ""


def paper_of(pdf: bytes) -> Paper:
    """Read the token and the visible text (读取纸面).

    Raises:
        Exception: of any kind, where the file is damaged.
    """
    pieces: list[Piece] = []
    for number, page in enumerate(PdfReader(io.BytesIO(pdf)).pages[:_MOST_PAGES]):

        def visit(text: str, cm: list[float], tm: list[float], _font: Any, size: float, number: int = number) -> None:  # noqa: ANN401 -- pypdf's own
            if text.strip() and len(pieces) < _MOST_PIECES:
                at = mult(tm, cm)
                scaled = round(size * abs(at[0] or at[1]), 1)
                pieces.append(Piece(number, round(at[4], 1), round(at[5], 1), scaled, text.strip()[:_MOST_CHARACTERS]))

        page.extract_text(visitor_text=visit)
    return Paper(token_of(pdf), tuple(pieces))
