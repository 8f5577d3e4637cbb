"""The error report (信息有误) and its correction (更正): N4, N11."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Item(StrEnum):
    """An item a graduate may report as wrong (有误的信息项); the value is its Chinese name."""

    NAME = "姓名"
    IDENTITY_NUMBER = "身份证号"
    COLLEGE = "学院"
    MAJOR = "专业"
    LEVEL = "学历层次"
    GRADUATION_DATE = "毕业日期"
    PLACE_OF_ORIGIN = "生源地"
    DESTINATION = "毕业去向"
    UNIT = "单位名称"
    ARCHIVE = "档案信息"
    HOUSEHOLD = "户口信息"
    OTHER = "其他"


class CorrectionState(StrEnum):
    """Where an error report stands (处理状态)."""

    OPEN = "待处理"
    APPLIED = "已更正"
    REFUSED = "未采纳"


class Verdict(StrEnum):
    """What staff says about one item (处理)."""

    TAKEN = "采纳"
    REFUSED = "不采纳"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one reported item (处理结果).

    Attributes:
        item: the item.
        verdict: taken or refused.
        before: what the school had; "" for an item that is answered in words only.
        after: what it has now; "" if nothing was changed.
        reason: why it was refused, the answer in words, or a note; "" else.
    """

    item: Item
    verdict: Verdict
    before: str = field(default="", repr=False)
    after: str = field(default="", repr=False)
    reason: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Correction:
    """An error report (信息有误) of a graduate.

    Attributes:
        id: identifier.
        items: pairs of the wrong item and what is right in the graduate's words.
        state: where it stands.
        reported_at: when it was sent.
        decided_at: when staff applied or refused it.
        answer: the reason when refused, or a note; "" else.
        outcomes: what became of each item, as far as it was decided item by item; kept to trace words to changes.
    """

    id: str
    items: tuple[tuple[Item, str], ...] = field(repr=False)
    reported_at: datetime
    state: CorrectionState = CorrectionState.OPEN
    decided_at: datetime | None = None
    answer: str = field(default="", repr=False)
    outcomes: tuple[Outcome, ...] = ()
