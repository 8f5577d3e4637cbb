"""The archive entry (档案信息登记): where the student archive (档案) goes (N7, N10)."""

import re
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """The archive entry (档案信息) with its review.

    Attributes:
        status: see ArchiveStatus.
        items: what was entered; None only while missing.
        reason: the reviewer's reason when returned, else "".
        submitted_at: when the graduate submitted; None if it came with the roster.
        reviewed_at: when it was approved or returned.
    """

    status: ArchiveStatus = ArchiveStatus.MISSING
    items: ArchiveItems | None = None
    reason: str = ""
    submitted_at: datetime | None = None
    reviewed_at: datetime | None = None


_UNIT_WORDS = re.compile(
    r"中心|局|公司|大学|学院|学校|处|厅|委|部|院|所|市场|集团|银行|社|馆|站|厂|政府|办|科|室|队|会|校|行|店|企业|基地|机构|街道|司"
)


def bounce_hints(unit: str, address: str) -> tuple[str, ...]:
    """Return soft hints about what makes archives come back (退件): "person" as receiver, no "room" or house number."""
    hints = []
    if len(unit) <= 4 and not _UNIT_WORDS.search(unit):
        hints.append("person")
    if not re.search(r"[0-9０-９一二三四五六七八九十百]+ ?(?:号|室|栋|楼|层|幢|座|单元|弄|村|组|-)|[0-9]", address):
        hints.append("room")
    return tuple(hints)
