"""The plan (核对结果): what the look at a file found, row by row, and the lists staff read before they decide."""

import hashlib
import json
from dataclasses import dataclass, field

from bot.roster.cells import Broken, Cell
from bot.roster.columns import Column, Headings, Line
from bot.roster.ledger import Ledger
from bot.roster.rows import Fault, RosterRow

_EXACT = 1e15  # spreadsheets keep fifteen digits

NEW = -1
"""The version of a dossier that is not there yet."""


@dataclass(slots=True)
class Preview:
    """The lists staff read before they decide (预览); see ``bot.staff.uploads.Kind`` for their lines."""

    added: Ledger = field(default_factory=Ledger)
    changed: Ledger = field(default_factory=Ledger)
    cells: Ledger = field(default_factory=Ledger)
    has_cells: set[int] = field(default_factory=set)

    def keep_cells(self, line: Line) -> None:
        """Keep the cells of a refused row, to be given back with the reason."""
        if line.number not in self.has_cells:
            self.has_cells.add(line.number)
            self.cells.add([line.number, [shown(cell) for cell in line.cells]])


@dataclass(slots=True)
class Plan:
    """What the look at a file found (核对结果).

    Attributes:
        headings: where the columns stand.
        registered: dossiers of the season before.
        known: dossiers of the season that the file names, refused rows included.
        faults: all that was refused.
        versions: rows that would write something → version of the dossier, or -1 for a new one.
        digests: the same rows → digest of what they would write.
        rows: the same rows themselves, if they are to be applied.
        same: rows that say nothing new.
        falls: rows that take a confirmation back.
        first_rows: where each student number and ID number stands first.
    """

    headings: Headings
    registered: int
    known: int = 0
    faults: list[Fault] = field(default_factory=list)
    versions: dict[int, int] = field(default_factory=dict)
    digests: dict[int, bytes] = field(default_factory=dict)
    rows: dict[int, RosterRow] = field(default_factory=dict, repr=False)
    same: set[int] = field(default_factory=set)
    falls: set[int] = field(default_factory=set)
    first_rows: dict[tuple[Column, str], int] = field(default_factory=dict, repr=False)
    refused: set[int] = field(default_factory=set)
    conflicts: list[tuple[Line, str]] = field(default_factory=list, repr=False)

    @property
    def added(self) -> int:
        """The number of new dossiers."""
        return sum(version == NEW for version in self.versions.values())

    @property
    def changed(self) -> int:
        """The number of dossiers with new data."""
        return len(self.versions) - self.added

    @property
    def fingerprint(self) -> str:
        """SHA-256 over everything that would be written, and what is refused."""
        rows = [[row, self.digests[row].hex()] for row in sorted(self.digests)]
        return hashlib.sha256(json.dumps([rows, sorted(self.refused)]).encode()).hexdigest()

    def names(self, student_number: str) -> bool:
        """Tell whether the file names a student number, in a refused row too."""
        return (Column.STUDENT_NUMBER, student_number) in self.first_rows

    def refuse(self, fault: Fault) -> None:
        """Refuse a row, whatever was found before."""
        self.faults.append(fault)
        self.refused.add(fault.row)
        for found in (self.versions, self.digests, self.rows):
            found.pop(fault.row, None)
        self.same.discard(fault.row)
        self.falls.discard(fault.row)

    def fault(self, row: int, column: Column, reason: str) -> Fault:
        """Return a fault in a column of this file."""
        return Fault(row, self.headings.letter(column), column, reason)


def shown(cell: Cell) -> str:
    """Return a cell as text (单元格原文) that reads back as the same; "" for one without a value."""
    if cell is None or isinstance(cell, Broken):
        return ""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    return str(int(cell)) if isinstance(cell, float) and abs(cell) < _EXACT and cell == int(cell) else str(cell)
