"""What an examination of a file finds (检查结果), as plain values: a server knows these and no library for PDF."""

from dataclasses import dataclass, field
from enum import StrEnum


class Trouble(StrEnum):
    """Why a file could not be examined (无法检查的原因)."""

    NOT_PDF = "not_pdf"
    LOCKED = "locked"
    DAMAGED = "damaged"
    TOO_HARD = "too_hard"
    """It asked for more memory or time than any report needs (过于复杂)."""
    BUSY = "busy"
    """Too many files are being examined at this moment (排队已满)."""
    TOO_LARGE = "too_large"
    MISSING = "missing"
    """The form came without a file (没有选择文件)."""
    OFTEN = "often"
    """The same address sends too many (上传过于频繁)."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of printed text (一段文字), in points from the lower left corner.

    Attributes:
        page: from 0.
        x, y: where it begins.
        size: of its letters.
        text: what it says.
    """

    page: int
    x: float
    y: float
    size: float
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Paper:
    """What could be read from a file (纸面).

    Attributes:
        token: the token of its QR code, from the document's own description, or "".
        pieces: its text in the order in which it is drawn.
    """

    token: str = field(default="", repr=False)
    pieces: tuple[Piece, ...] = field(default=(), repr=False)


class Integrity(StrEnum):
    """How much of the file the signature vouches for (完整性)."""

    WHOLE = "whole"
    """Every byte is as it was signed (原样)."""
    ADDED = "added"
    """What was signed is whole; something that changes nothing visible stands behind it (有附加)."""
    BROKEN = "broken"
    """What was signed was changed, or something was laid over it (被改动)."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What the signatures of a file say (签章情况).

    Attributes:
        count: how many there are, time stamps included; the rest is about a single one.
        fingerprint: of the signer's certificate.
        integrity: see Integrity; WHOLE and ADDED only with a pinned certificate.
        end: where the signed part ends, if that part in itself is as a pinned certificate signed it; else 0.
    """

    count: int
    fingerprint: str = ""
    integrity: Integrity = Integrity.BROKEN
    end: int = 0


@dataclass(frozen=True, slots=True)
class Examined:
    """What an examination found (检查结果).

    Attributes:
        trouble: why there is no finding, or None.
        signed: see Signed.
        paper: see Paper.
        signed_token: token of the part that is genuine in itself, or "".
    """

    trouble: Trouble | None = None
    signed: Signed = field(default_factory=lambda: Signed(0))
    paper: Paper = field(default_factory=Paper)
    signed_token: str = field(default="", repr=False)

    @property
    def token(self) -> str:
        """The token the file is about (所指的核验): of its genuine part, where it has one; else as described now."""
        return self.signed_token or self.paper.token
