"""The archive entry (档案信息登记): where the student archive (档案) goes (N7, N10)."""

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum


class TransferType(StrEnum):
    """The transfer type (户档转递类型, N10)."""

    UNIT = "单位接收档案"
    ORIGIN = "转回生源地"


class ReceivingType(StrEnum):
    """The receiving type (接收类型, N10), for a transfer to a unit only."""

    SIGNED = "签约单位接收"
    SUPERIOR = "上级主管单位接收"
    TRUSTEE = "托管单位接收"


class ArchiveStatus(StrEnum):
    """The state of an archive entry (审核状态, N7)."""

    MISSING = "未填写"
    SUBMITTED = "待审核"
    APPROVED = "已通过"
    RETURNED = "已退回"


@dataclass(frozen=True, slots=True)
class ArchiveItems:
    """What the receiver of the archive needs (档案接收信息).

    Attributes:
        transfer_type: to a unit or to the place of origin.
        receiving_type: for a unit, which kind; None for the place of origin.
        unit: receiving unit (档案接收单位).
        address: postal address, down to the room (档案接收地址).
        postcode: six digits (邮编).
        contact: person or section (联系人).
        phone: telephone (联系电话).
    """

    transfer_type: TransferType
    receiving_type: ReceivingType | None
    unit: str
    address: str = field(repr=False)
    postcode: str
    contact: str = field(repr=False)
    phone: str = field(repr=False)

    @property
    def facts(self) -> list[str]:
        """The items in a fixed order, for digests."""
        receiving = self.receiving_type.value if self.receiving_type else ""
        return [
            self.transfer_type.value,
            receiving,
            self.unit,
            self.address,
            self.postcode,
            self.contact,
            self.phone,
        ]


@dataclass(frozen=True, slots=True)
class Returned:
    """An entry that was returned (退回过的一版): what it said, why it came back, when.

    Attributes:
        items: what had been entered.
        reason: the reviewer's.
        at: when it was returned.
    """

    items: ArchiveItems
    reason: str = field(repr=False)
    at: datetime


MOST_RETURNED = 3
"""How many returned versions are kept for the reviewer to compare with."""


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """The archive entry (档案信息) with its review.

    Attributes:
        status: see ArchiveStatus.
        items: what was entered; None only while missing.
        reason: the reviewer's reason when returned, else "".
        submitted_at: when the graduate submitted; None if it came with the roster.
        reviewed_at: when it was approved or returned.
        returned: what was returned before the present items were submitted, oldest first, at most MOST_RETURNED; an
            approval forgets them.
    """

    status: ArchiveStatus = ArchiveStatus.MISSING
    items: ArchiveItems | None = None
    reason: str = ""
    submitted_at: datetime | None = None
    reviewed_at: datetime | None = None
    returned: tuple[Returned, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 over what a reviewer sees and when it was submitted: the decision is about exactly this (N7)."""
        facts = [self.items.facts if self.items else [], self.submitted_at and self.submitted_at.timestamp()]
        text = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(b"quxiang-archive-v1\0" + text.encode()).hexdigest()

    def submitted(self, items: ArchiveItems, now: datetime) -> "ArchiveEntry":
        """Submit items for review (提交); a version that was returned stays for the reviewer to compare with."""
        returned = self.returned
        if self.status is ArchiveStatus.RETURNED and self.items and self.reviewed_at:
            returned = (*returned, Returned(self.items, self.reason, self.reviewed_at))[-MOST_RETURNED:]
        return ArchiveEntry(ArchiveStatus.SUBMITTED, items, submitted_at=now, returned=returned)

    def approved(self, now: datetime) -> "ArchiveEntry":
        """Approve what was submitted (通过); earlier versions are not needed any more."""
        return replace(self, status=ArchiveStatus.APPROVED, reason="", reviewed_at=now, returned=())


UNIT_WORDS = re.compile(
    r"中心|局|公司|大学|学院|学校|处|厅|委|部|院|所|市场|集团|银行|社|馆|站|厂|政府|办|科|室|队|会|校|行|店|企业|基地|机构|街道|司"
)
"""What the name of a unit (单位) contains, and the name of a person hardly ever."""


def bounce_hints(unit: str, address: str) -> tuple[str, ...]:
    """Return soft hints about what makes archives come back (退件): "person" as receiver, no "room" or house number."""
    hints = []
    if len(unit) <= 4 and not UNIT_WORDS.search(unit):
        hints.append("person")
    if not re.search(r"[0-9０-９一二三四五六七八九十百]+ ?(?:号|室|栋|楼|层|幢|座|单元|弄|村|组|-)|[0-9]", address):
        hints.append("room")
    return tuple(hints)
