"""The forms of the corrections (更正表单): what a page shows of a report, and how what was typed becomes answers."""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from werkzeug.datastructures import MultiDict

from bot.errors import BadValueError
from bot.registration.archive import ReceivingType, TransferType
from bot.registration.correction import Correction, Item, Outcome, Verdict
from bot.registration.destination import categories
from bot.registration.dossier import Dossier
from bot.registration.graduate import Level
from bot.registration.particulars import clean_line
from bot.roster.columns import Column
from bot.roster.rows import Fault
from bot.staff.correction_answers import Answer, faults_of
from bot.staff.correction_sheet import SENSITIVE, Heading, Key, Slot, slots_of
from bot.staff.reveals import Field
from bot.staff.ruling import UnfitError

_LONG_NUMBER = re.compile(r"[0-9０-９]{10,}[0-9Xx０-９]?")
_MOST_PACKED = 400_000  # characters; Flask takes half a million bytes of a form into memory
_MOST_TEXT = 8 * 2**20
_CHOICES: Mapping[Column, tuple[str, ...]] = {
    Column.LEVEL: tuple(Level),
    Column.TRANSFER_TYPE: tuple(TransferType),
    Column.RECEIVING_TYPE: tuple(ReceivingType),
    Column.HOUSEHOLD_MOVED: ("是", "否"),
}
_HIDDEN = frozenset(
    [
        Column.IDENTITY_NUMBER,
        Column.ARCHIVE_ADDRESS,
        Column.ARCHIVE_CONTACT,
        Column.ARCHIVE_PHONE,
        Column.HOUSEHOLD_ADDRESS,
    ]
)
_BEHIND: Mapping[Item, tuple[Field, ...]] = {
    Item.IDENTITY_NUMBER: (Field.IDENTITY_NUMBER,),
    Item.ARCHIVE: (Field.ARCHIVE_ADDRESS, Field.ARCHIVE_CONTACT, Field.ARCHIVE_PHONE),
    Item.HOUSEHOLD: (Field.HOUSEHOLD_ADDRESS,),
}


@dataclass(frozen=True, slots=True)
class Box:
    """One value of an item on the page (一栏)."""

    slot: Slot = field(repr=False)
    present: str = field(repr=False)
    choices: tuple[str, ...] = ()
    right: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """The column, or "" for an item answered in words."""
        return self.slot.key.column.value if self.slot.key.column else ""


@dataclass(frozen=True, slots=True)
class Part:
    """One item of a report on the page (一项), with what was typed and what is wrong with it."""

    item: Item
    words: str = field(repr=False)
    boxes: tuple[Box, ...]
    verdict: str = ""
    reason: str = field(default="", repr=False)
    faults: tuple[str, ...] = ()


def parts_of(
    dossier: Dossier, *, revealed: bool, typed: Mapping[str, str] | None = None, faults: Sequence[Fault] = ()
) -> tuple[Part, ...]:
    """Return the items of the open report as the page shows them (各项); ``typed`` comes back as it was."""
    typed = typed or {}
    slots = slots_of(dossier)
    parts = []
    for item in dict.fromkeys(slot.key.item for slot in slots):
        own = [(at, slot) for at, slot in enumerate(slots, 1) if slot.key.item is item]
        boxes = tuple(
            Box(
                slot,
                value_shown(slot.key.column, slot.present, revealed=revealed),
                _choices(slot),
                typed.get(f"right-{at}", ""),
            )
            for at, slot in own
        )
        told = tuple(fault.reason for fault in faults if any(at == fault.row for at, _ in own))
        words = words_shown(item, own[0][1].words, revealed=revealed)
        verdict = typed.get(f"verdict-{item.name}", "")
        parts.append(Part(item, words, boxes, verdict, typed.get(f"reason-{item.name}", ""), told))
    return tuple(parts)


def _choices(slot: Slot) -> tuple[str, ...]:
    if slot.key.column is Column.DESTINATION:
        return tuple(category.name for category in categories().values())
    return _CHOICES.get(slot.key.column, ()) if slot.key.column else ()


def words_shown(item: Item, words: str, *, revealed: bool) -> str:
    """Return what a page shows of the graduate's words (毕业生的话): nothing where the item itself is sensitive."""
    if revealed:
        return words
    return f"未显示（{len(words)} 字）" if item in SENSITIVE else _LONG_NUMBER.sub("＊＊＊＊", words)


def value_shown(column: Column | None, value: str, *, revealed: bool) -> str:
    """Return what a page shows of a value (遮挡): of a sensitive one, that there is one."""
    return "已登记，未显示" if value and not revealed and column in _HIDDEN else value


def lines_shown(item: Item, text: str, *, revealed: bool) -> str:
    """Return what a page shows of a value before or after (原来、改为); several stand in lines by column."""
    known = {column.value: column for column in Column}
    if "：" not in text.partition("\n")[0]:
        return value_shown(known.get(item.value), text, revealed=revealed)
    lines = []
    for line in text.split("\n"):
        name, _, value = line.partition("：")
        is_none = value == "空"
        lines.append(f"{name}：{value if is_none else value_shown(known.get(name), value, revealed=revealed)}")
    return "\n".join(lines)


def fields_behind(correction: Correction) -> tuple[Field, ...]:
    """Return what looking behind the mask of a report reveals (查看项目), as the graduate is told of it."""
    items = [item for item, _ in correction.items]
    return (*dict.fromkeys(each for item in items for each in _BEHIND.get(item, ())), Field.REPORT)


class Traced(NamedTuple):
    """One item from the graduate's words to the change (经过)."""

    item: Item
    words: str
    outcome: Outcome | None
    before: str
    after: str


def traced(correction: Correction, *, revealed: bool) -> tuple[Traced, ...]:
    """Return the items of a report, each from words to change (经过)."""
    outcomes = {outcome.item: outcome for outcome in correction.outcomes}
    rows = []
    for item, said in correction.items:
        outcome = outcomes.get(item)
        words = words_shown(item, said, revealed=revealed)
        before = lines_shown(item, outcome.before, revealed=revealed) if outcome else ""
        after = lines_shown(item, outcome.after, revealed=revealed) if outcome else ""
        rows.append(Traced(item, words, outcome, before, after))
    return tuple(rows)


def answers_typed(form: MultiDict[str, str], dossier: Dossier) -> tuple[Answer, ...]:
    """Return what a report's form says (表单内容), one answer for each value; ``row`` counts the values from 1.

    Raises:
        BadValueError: the form was altered.
        UnfitError: an item was not decided.
    """
    keys = [Key.parse(text) for text in form.getlist("key")]
    if any(dossier.correction is None or key.correction_id != dossier.correction.id for key in keys):
        raise BadValueError("表单和这份更正对不上，请重新打开这一页")
    answers: list[Answer] = []
    undecided: list[Fault] = []
    for item in dict.fromkeys(key.item for key in keys):
        verdict, reason = form.get(f"verdict-{item.name}", ""), clean_line(form.get(f"reason-{item.name}", ""))
        own = [(at, key, clean_line(form.get(f"right-{at}", ""))) for at, key in enumerate(keys, 1) if key.item is item]
        if verdict not in list(Verdict):
            undecided.append(Fault(own[0][0], "", Heading.VERDICT, "请选 采纳 或 不采纳"))
            continue
        filled = [each for each in own if each[2]] or own[:1]
        number = dossier.graduate.student_number
        answers += (Answer(at, key, number, Verdict(verdict), right, reason) for at, key, right in filled)
    faults = [*undecided, *(fault for answer in answers for fault in faults_of(answer))]
    if faults or not answers:
        raise UnfitError(faults)
    return tuple(answers)


def packed(answers: Sequence[Answer]) -> str:
    """Return answers as one field of a form (打包), from the preview to the decision.

    Raises:
        BadValueError: too much for one form.
    """
    rows = [[a.row, str(a.key), a.student_number, a.verdict.name, a.right, a.reason] for a in answers]
    text = base64.b64encode(zlib.compress(json.dumps(rows, ensure_ascii=False).encode(), 9)).decode()
    if len(text) > _MOST_PACKED:
        raise BadValueError("这张表一次办不完，请拆成几份上传")
    return text


def unpacked(text: str) -> tuple[Answer, ...]:
    """Return the answers of ``packed``.

    Raises:
        BadValueError: the field was altered or cut off.
    """
    try:
        unzip = zlib.decompressobj()
        rows = json.loads(unzip.decompress(base64.b64decode(text, validate=True), _MOST_TEXT))
        return tuple(
            Answer(int(row), Key.parse(key), str(number), Verdict[verdict], str(right), str(reason))
            for row, key, number, verdict, right, reason in rows
        )
    except (binascii.Error, zlib.error, ValueError, TypeError, KeyError):
        raise BadValueError("预览的内容不完整，请重新上传更正表") from None
