"""The review queue (审核队列) as reviewers ask for it: filters, a place in it, and how many wait."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from bot.errors import BadValueError
from bot.moments import from_microseconds, to_microseconds
from bot.registration.archive import TransferType

_WRITTEN = re.compile(r"([0-9]{1,16})-([0-9a-f]{32})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the queue (位置): entries stand by the moment they were submitted, then by identifier."""

    submitted_at: datetime
    dossier_id: str

    def __str__(self) -> str:
        return f"{to_microseconds(self.submitted_at)}-{self.dossier_id}"

    @classmethod
    def read(cls, text: str) -> "Place":
        """Read what ``str`` wrote.

        Raises:
            BadValueError: it is no place.
        """
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise BadValueError("网址不完整，请回到审核队列重新打开")
        return cls(from_microseconds(int(found[1])), found[2])


class Hinted(Enum):
    """Whether an entry gives hints (有无提示); the value stands in addresses."""

    WITH = "yes"
    WITHOUT = "no"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which waiting entries are wanted (筛选); None for all.

    Attributes:
        college: 学院.
        transfer: 户档转递类型.
        hinted: with hints, or without.
    """

    college: str | None = None
    transfer: TransferType | None = None
    hinted: Hinted | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many entries of one kind wait (待审核份数)."""

    college: str
    transfer: TransferType
    is_hinted: bool
    count: int


def count(counts: Sequence[Waiting], wanted: Filter) -> int:
    """Return how many waiting entries a filter lets through (份数)."""
    return sum(
        waiting.count
        for waiting in counts
        if wanted.college in {None, waiting.college}
        and wanted.transfer in {None, waiting.transfer}
        and (wanted.hinted is None or (wanted.hinted is Hinted.WITH) is waiting.is_hinted)
    )
