"""The rows (名册行): what one line means, or every reason why it cannot be taken."""

from dataclasses import dataclass, field
from datetime import datetime

from bot.registration.dossier import SchoolData
from bot.roster.columns import Column


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a cell cannot be taken (错误): where it stands and what is wrong, never what was in it.

    Attributes:
        row: line number as the spreadsheet counts.
        column: letter, or "" if the file has no such column.
        heading: the column's heading.
        reason: a sentence for the person who repairs the file.
    """

    row: int
    column: str
    heading: str
    reason: str

    def __str__(self) -> str:
        where = f"{self.column} 列" if self.column else "缺列"
        return f"第 {self.row} 行 {where}（{self.heading}）：{self.reason}"


@dataclass(frozen=True, slots=True)
class RosterRow:
    """A row of the roster (名册行) that can be taken.

    Attributes:
        number: line number in the file.
        data: what the school says.
        real_person_at: when the real person was checked (实人验证, N12) as far as the school knows; None if not.
    """

    number: int
    data: SchoolData = field(repr=False)
    real_person_at: datetime | None = None

    @property
    def student_number(self) -> str:
        """The student number (学号)."""
        return self.data.graduate.student_number


@dataclass(frozen=True, slots=True)
class Parsed:
    """What came of a line (解析结果): a row or faults, never both.

    Attributes:
        number: line number in the file.
        row: the row, or None if there are faults.
        faults: all faults of the line.
        keys: the values that must be unique in a file, as far as they could be read, by column.
    """

    number: int
    row: RosterRow | None
    faults: tuple[Fault, ...]
    keys: tuple[tuple[Column, str], ...] = field(repr=False)
