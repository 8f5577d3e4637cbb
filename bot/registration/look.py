"""Looks and receipts (查看与接收): who asked about a verification, and who says that the archive has arrived."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.registration.report import Standing


class Way(StrEnum):
    """The way somebody looked (查看方式)."""

    SCAN = "扫码"
    TYPED = "编号查询"
    FILE = "文件核验"


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a verification (一次查看); who looked is known only as far as it was stated.

    Attributes:
        id: identifier.
        verification_id: the verification.
        at: when.
        way: how.
        standing: what was shown.
        department: as stated by whoever looked, "" if nothing was.
    """

    id: str
    verification_id: str
    at: datetime
    way: Way
    standing: Standing
    department: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A department's record that it received the archive (档案已接收); anybody with the paper can make one.

    Attributes:
        id: identifier.
        verification_id: the verification that was scanned.
        at: when.
        department: name as stated.
        contact: how to reach the department.
        note: free words, or "".
        withdrawn_at: when it was taken back, or None.
        withdrawn_by: who took it back, "" if nobody did.
    """

    id: str
    verification_id: str
    at: datetime
    department: str = field(repr=False)
    contact: str = field(repr=False)
    note: str = field(default="", repr=False)
    withdrawn_at: datetime | None = None
    withdrawn_by: str = ""

    @property
    def stands(self) -> bool:
        """Whether it was not taken back."""
        return self.withdrawn_at is None
