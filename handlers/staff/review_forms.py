"""What the pages of the review room read from forms and addresses (审核页的表单), and the sentences they say."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import request
from werkzeug.datastructures import MultiDict

from bot.registration.archive import ArchiveItems, ArchiveStatus, TransferType
from bot.registration.dossier import Dossier
from bot.registration.season import SHANGHAI
from bot.staff.difference import Piece, difference
from bot.staff.review_queue import Filter, Hinted, Place
from bot.use_cases.review_archive import Decided, Outcome, Result, Shown

LABELS = ("户档转递类型", "接收类型", "档案接收单位", "地址", "邮编", "联系人", "联系电话")
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
HINT = "hint-"
"""Before the name of a hint in the value of the button that returns with it."""


def read_filter(values: MultiDict[str, str]) -> Filter:
    """Read the filter (筛选); a value nobody offered filters nothing."""
    college, transfer, hinted = (values.get(name, "") for name in ("college", "type", "hints"))
    return Filter(
        college if college and college.isprintable() else None,
        TransferType.__members__.get(transfer),
        Hinted(hinted) if hinted in {"yes", "no"} else None,
    )


def filter_fields(wanted: Filter) -> dict[str, Any]:
    """Return a filter as fields of an address or a form, without those that filter nothing."""
    fields = {
        "college": wanted.college or "",
        "type": wanted.transfer.name if wanted.transfer else "",
        "hints": wanted.hinted.value if wanted.hinted else "",
    }
    return {name: value for name, value in fields.items() if value}


def read_reasons() -> str:
    """Return the reasons picked and the one typed, joined (退回原因)."""
    parts = [*request.form.getlist("pick"), request.form.get("reason", "")]
    return "；".join(part for part in (text.strip("；; \r\n") for text in parts) if part)


def read_shown() -> list[Shown]:
    """Return the chosen entries (勾选的), each with the digest of what the page showed."""
    pairs = (value.partition(":") for value in dict.fromkeys(request.form.getlist("entry")))
    return [Shown(dossier_id, digest) for dossier_id, _, digest in pairs if _ID.fullmatch(dossier_id)]


def place_of(dossier: Dossier) -> Place | None:
    """Return the place of an entry in the queue (位置), or None if it never was submitted."""
    submitted_at = dossier.archive.submitted_at
    return Place(submitted_at, dossier.id) if submitted_at else None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the comparison (对照一行): an item before and now, in pieces with what changed marked."""

    label: str
    before: Sequence[Piece]
    now: Sequence[Piece]

    @property
    def is_changed(self) -> bool:
        """Whether anything is marked."""
        return any(piece.is_changed for piece in (*self.before, *self.now))

    @property
    def is_same(self) -> bool:
        """Whether both say the same."""
        return [piece.text for piece in self.before] == [piece.text for piece in self.now]


def compared(dossier: Dossier) -> list[Row]:
    """Return the items beside the version returned last (左右对照), or beside what the school knows."""
    entry = dossier.archive
    if entry.items is None:
        return []
    now = entry.items.facts
    if entry.returned:
        before = entry.returned[-1].items.facts
        return [Row(label, *difference(*pair)) for label, *pair in zip(LABELS, before, now, strict=True) if any(pair)]
    known = school_facts(dossier, entry.items)
    return [
        Row(label, _plain(known.get(label, "")), _plain(value))
        for label, value in zip(LABELS, now, strict=True)
        if value
    ]


def school_facts(dossier: Dossier, items: ArchiveItems) -> dict[str, str]:
    """Return what the school knows to compare a first entry with (学校登记的)."""
    if items.transfer_type is TransferType.ORIGIN:
        return {"地址": dossier.graduate.place_of_origin}
    destination = dossier.destination
    return {"档案接收单位": destination.unit, "地址": destination.place} if destination else {}


def decided_sentence(decided: Decided | None) -> str:
    """Say how an entry that does not wait was decided (审核结果): who, what, when."""
    if decided is None:
        return "这名毕业生现在没有待审核的档案信息。"
    what = "通过" if decided.status is ArchiveStatus.APPROVED else "退回"
    at = f"于 {decided.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M} " if decided.at else ""
    if decided.is_own:
        return f"这一份您已经{at}{what}，不用再办。"
    who = f"由{decided.by}" if decided.by else "" if decided.at else "随学校名册"
    return f"这一份已经{who}{at}{what}。"


def late_sentence(decided: Decided | None) -> str:
    """Say kindly who was first (来晚了), and that nothing was done."""
    if decided is None:
        return "毕业生或学校刚刚改过这份档案信息，您的操作没有生效。请看过新的内容再决定。"
    said = decided_sentence(decided)
    return said if decided.is_own else f"{said}您的操作没有生效。"


def result_sentence(result: Result, *, is_return: bool) -> str:
    """Say what became of one entry of many (逐份结果)."""
    if result.outcome is Outcome.LATE:
        return late_sentence(result.decided)
    return {
        Outcome.DONE: "已退回" if is_return else "已通过",
        Outcome.GONE: "没有找到这名毕业生，没有办理。",
        Outcome.BUSY: "系统正忙，这一份没有办理。请回到队列再试一次。",
    }[result.outcome]


def _plain(text: str) -> Sequence[Piece]:
    return [Piece(text, is_changed=False)] if text else []
