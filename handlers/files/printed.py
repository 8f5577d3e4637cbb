"""From the pieces of text on a page back to the rows of the report (纸面各行); pure.

The report is set by ``handlers/report/document.typ``, which draws cell after cell: a label in small type, then its
value in larger type. Text drawn over a row out of turn is added to that row: what a reader sees is what is compared.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from handlers.files.findings import Piece
from handlers.report.pdf import NUMBER_LABEL

LABEL_SIZE: Final = 9.0
VALUE_SIZES: Final = (10.0, 23.0)  # 23: the number beside the QR code
SUBTITLE_SIZE: Final = 10.5
FOOTER_SIZE: Final = 7.5
SUBTITLE: Final = "subtitle"
_RIGHT_EDGE: Final = 545.0
_LINE: Final = 13.5
_UNSEEN: Final = re.compile(r"\s+")


@dataclass(slots=True)
class _Cell:
    """A row being read (一行): its text, where its value stands, and where the next label of its line begins."""

    page: int
    texts: list[str] = field(default_factory=list, repr=False)
    left: float = 0.0
    right: float = _RIGHT_EDGE
    top: float = 0.0
    bottom: float = 0.0

    def add(self, piece: Piece) -> None:
        if not self.texts:
            self.page, self.left, self.top = piece.page, piece.x, piece.y
        self.texts.append(piece.text)
        # The next page begins at the top again: only the part on the page where the value begins is guarded.
        if piece.page == self.page:
            self.bottom = piece.y

    def holds(self, piece: Piece) -> bool:
        inside = self.left - _LINE / 2 <= piece.x < self.right
        return inside and piece.page == self.page and self.bottom - _LINE / 2 <= piece.y <= self.top + _LINE / 2


def plain(text: str) -> str:
    """Return text as it is compared (比较用文本): no white space, nothing unseen, one spelling of each character."""
    seen = "".join(character for character in text if unicodedata.category(character) not in {"Cf", "Cc"})
    return _UNSEEN.sub("", unicodedata.normalize("NFKC", seen))


def rows_of(pieces: Collection[Piece], labels: Collection[str]) -> dict[str, str]:
    """Return what is printed beside each label (纸面各行).

    Args:
        pieces: text in the order in which it is drawn.
        labels: of the report; other small type is no label.

    Returns:
        Value by label; a label that is not on the paper is missing. The line under the title is ``SUBTITLE``.
    """
    named = {plain(label): label for label in (*labels, NUMBER_LABEL)}
    cells: dict[str, _Cell] = {}
    strays: list[Piece] = []
    current: _Cell | None = None
    page, is_over = 0, False
    for piece in _with_whole_labels(pieces):
        if piece.page != page:
            page, is_over = piece.page, False
        label = named.get(plain(piece.text)) if piece.size == LABEL_SIZE else None
        if piece.size == FOOTER_SIZE:
            is_over = True
        elif is_over or (label is None and current is None):
            strays.append(piece)
        elif label is not None:
            _close(cells, piece)
            current = cells.setdefault(label, _Cell(page))
        elif current is not None and piece.size in VALUE_SIZES:
            current.add(piece)
        else:
            current = None
            strays.append(piece)
    return _texts(cells, strays)


def _with_whole_labels(pieces: Collection[Piece]) -> Iterator[Piece]:
    """Join the parts of a label: where two characters share a glyph, the second is written down by itself."""
    for (page, y, size), run in groupby(pieces, key=lambda piece: (piece.page, piece.y, piece.size)):
        parts = list(run)
        if size == LABEL_SIZE:
            yield Piece(page, parts[0].x, y, size, "".join(part.text for part in parts))
        else:
            yield from parts


def _close(cells: dict[str, _Cell], label: Piece) -> None:
    """Let the cell to the left of a label on the same line end where the label begins."""
    for cell in cells.values():
        is_left = cell.page == label.page and cell.left < label.x < cell.right
        if cell.texts and is_left and cell.bottom - _LINE / 2 <= label.y <= cell.top + _LINE / 2:
            cell.right = label.x


def _texts(cells: dict[str, _Cell], strays: list[Piece]) -> dict[str, str]:
    for cell in cells.values():
        cell.texts += [stray.text for stray in strays if cell.holds(stray)]
    found = {label: _joined(cell.texts) for label, cell in cells.items()}
    subtitles = [piece.text for piece in strays if piece.size == SUBTITLE_SIZE]
    return found | ({SUBTITLE: _joined(subtitles)} if subtitles else {})


def _joined(texts: list[str]) -> str:
    """Join the lines of a value: a Chinese text breaks anywhere, words keep their blank."""
    joined = ""
    for text in texts:
        shown = "".join(character for character in text if unicodedata.category(character) != "Cf")
        needs_blank = joined[-1:].isascii() and joined[-1:].isalnum() and shown[:1].isascii() and shown[:1].isalnum()
        joined += (" " if needs_blank else "") + shown
    return joined
