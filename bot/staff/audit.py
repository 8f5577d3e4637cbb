"""The audit log (审计日志): append-only; each entry holds the hash of the one before, so nothing goes missing."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.moments import to_microseconds

GENESIS = "0" * 64
"""The hash before the first entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry (审计一条).

    Attributes:
        seq: 1, 2, 3 … without a gap.
        at: when.
        actor_id: the account, or "system", "command", "graduate".
        actor_name: as it was called then.
        action: name of bot.staff.deed.Action; one that is gone since stays as it was written.
        subject: identifier of what it was done to (mostly a dossier), or "".
        details: what else must be known, without personal data of graduates in the clear; sealed when stored.
        sealed: the details as stored, in hex; what the hash covers.
        previous: hash of the entry before.
        hash: see ``hash_of``.
    """

    seq: int
    at: datetime
    actor_id: str
    actor_name: str = field(repr=False)
    action: str
    subject: str
    details: Mapping[str, str] = field(repr=False)
    sealed: str = field(repr=False)
    previous: str
    hash: str


UNREADABLE = "无法解密（被改动过，或密钥不对）"
"""What stands for details that cannot be unsealed; the entry is shown all the same."""


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for in the log (筛选); what is empty does not matter.

    Attributes:
        actor_id: who did it.
        action: name of bot.staff.deed.Action.
        subject: to what.
        since, until: from this moment on; before this moment.
    """

    actor_id: str = ""
    action: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None


def hash_of(entry: Entry) -> str:
    """Return SHA-256 over everything stored of an entry but its own hash (链式哈希), with the hash before it."""
    facts = [
        entry.seq,
        to_microseconds(entry.at),
        entry.actor_id,
        entry.actor_name,
        entry.action,
        entry.subject,
        entry.sealed,
        entry.previous,
    ]
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(b"quxiang-audit-v1\0" + text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where the chain does not hold (断点).

    Attributes:
        seq: of the entry that is wrong or missing.
        why: what is wrong, a sentence for staff.
    """

    seq: int
    why: str


def first_break(entries: Iterable[Entry], head: str = "") -> Break | None:
    """Return where a chain breaks (校验), or None: changed, missing, added or reordered entries, a cut-off end.

    Args:
        entries: all, by seq.
        head: the newest hash as noted down outside the database; "" if none was. Without it, a chain whose end was
            cut off cannot be told from a shorter one.
    """
    previous, seq, seen = GENESIS, 0, not head
    for seq, entry in enumerate(entries, 1):
        if entry.seq != seq:
            return Break(seq, f"缺少第 {seq} 条")
        if entry.previous != previous:
            return Break(seq, f"第 {seq} 条与前一条接不上：前面有记录被改动或替换")
        if entry.hash != hash_of(entry):
            return Break(seq, f"第 {seq} 条被改动过")
        previous = entry.hash
        seen = seen or previous == head
    return None if seen else Break(seq + 1, "抄存的末尾哈希不在日志里：末尾的记录被删除过")
