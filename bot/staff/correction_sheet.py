"""The correction sheet (更正表): reported items as rows that go out, each with a key that brings it back safely."""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from bot.errors import BadValueError
from bot.registration.correction import Item
from bot.registration.dossier import Dossier
from bot.roster.columns import ARCHIVE, DESTINATION_DETAILS, Column
from bot.roster.export import to_row

_COLUMNS: Mapping[Item, tuple[Column, ...]] = {
    Item.NAME: (Column.NAME,),
    Item.IDENTITY_NUMBER: (Column.IDENTITY_NUMBER,),
    Item.COLLEGE: (Column.COLLEGE,),
    Item.MAJOR: (Column.MAJOR,),
    Item.LEVEL: (Column.LEVEL,),
    Item.GRADUATION_DATE: (Column.GRADUATION_DATE,),
    Item.PLACE_OF_ORIGIN: (Column.PLACE_OF_ORIGIN,),
    Item.DESTINATION: (Column.DESTINATION,),
    Item.UNIT: DESTINATION_DETAILS,
    Item.ARCHIVE: (ARCHIVE[0], Column.RECEIVING_TYPE, *ARCHIVE[1:]),
    Item.HOUSEHOLD: (Column.HOUSEHOLD_MOVED, Column.HOUSEHOLD_ADDRESS),
    Item.OTHER: (),
}

SENSITIVE = frozenset([Item.IDENTITY_NUMBER, Item.ARCHIVE, Item.HOUSEHOLD, Item.OTHER])
"""Items whose values and words are hidden on pages until they are asked for."""

_KEY = re.compile(r"([0-9a-f]{32})\.([A-Z_]{2,20})\.([A-Z_]{2,30}|-)\.([0-9a-f]{16})")


class Heading(StrEnum):
    """A heading of the sheet (更正表表头), in the order of the columns."""

    COUNSELLOR = "辅导员"
    STUDENT_NUMBER = "学号"
    NAME = "姓名"
    ITEM = "有误的项目"
    PRESENT = "学校现有"
    WORDS = "毕业生的话"
    RIGHT = "更正为"
    VERDICT = "处理"
    REASON = "不采纳理由或答复"
    KEY = "编号（勿改）"


class Key(NamedTuple):
    """What a row is about (编号): it stays with the row when the sheet is sorted, cut or joined with others.

    Attributes:
        correction_id: the error report.
        item: the reported item.
        column: the column of the roster, or None for an item that is answered in words only.
        digest: of what the school had when the row was written.
    """

    correction_id: str
    item: Item
    column: Column | None
    digest: str

    def __str__(self) -> str:
        return f"{self.correction_id}.{self.item.name}.{self.column.name if self.column else '-'}.{self.digest}"

    @classmethod
    def parse(cls, text: str) -> "Key":
        """Read a key.

        Raises:
            BadValueError: it was altered.
        """
        found = _KEY.fullmatch(text.strip())
        try:
            if found:
                column = None if found[3] == "-" else Column[found[3]]
                return cls(found[1], Item[found[2]], column, found[4])
        except KeyError:
            pass
        raise BadValueError("编号被改动过或不完整，请重新下载更正表")


@dataclass(frozen=True, slots=True)
class Slot:
    """A row of the sheet as it goes out (更正表一行).

    Attributes:
        key: see Key.
        counsellor, student_number, name: whose row it is.
        words: what is right, in the graduate's words.
        present: what the school has now.
    """

    key: Key
    counsellor: str
    student_number: str = field(repr=False)
    name: str = field(repr=False)
    words: str = field(repr=False)
    present: str = field(repr=False)

    @property
    def label(self) -> str:
        """The item, with the column where it has several: 档案信息 · 档案接收单位."""
        column = self.key.column
        return (
            self.key.item.value
            if column is None or column.value == self.key.item.value
            else f"{self.key.item} · {column}"
        )


def columns_of(item: Item, reported: Collection[Item]) -> tuple[Column, ...]:
    """Return the columns of the roster an item is about (对应的列), none twice in one report."""
    if item is Item.DESTINATION and Item.UNIT not in reported:
        return (Column.DESTINATION, *DESTINATION_DETAILS)  # who goes elsewhere is mostly somewhere else too
    return _COLUMNS[item]


def slots_of(dossier: Dossier) -> tuple[Slot, ...]:
    """Return the rows of a dossier's error report (一份更正的各行), in the graduate's order."""
    correction, graduate = dossier.correction, dossier.graduate
    if correction is None:
        return ()
    row = to_row(dossier)
    words: dict[Item, str] = {}
    for item, right in correction.items:
        words[item] = f"{words[item]}；{right}" if item in words else right
    slots = []
    for item, said in words.items():
        for column in columns_of(item, words) or (None,):
            present = row[column] if column else ""
            key = Key(correction.id, item, column, _digest(correction.id, item, column, present))
            slots.append(Slot(key, graduate.counsellor.name, graduate.student_number, graduate.name, said, present))
    return tuple(slots)


def _digest(correction_id: str, item: Item, column: Column | None, present: str) -> str:
    facts = "\0".join(("quxiang-correction-v1", correction_id, item.name, column.name if column else "", present))
    return hashlib.sha256(facts.encode()).hexdigest()[:16]
