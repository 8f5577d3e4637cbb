"""The audit log (审计日志) in the database: rows are only ever added, each chained to the one before."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, func, insert, select

from bot.errors import MovedError
from bot.staff.audit import GENESIS, UNREADABLE, Entry, Search, hash_of
from bot.staff.deed import Action
from bot.staff.policy import Actor
from storage.cipher import CipherError, FieldCipher
from storage.staff_tables import audit
from storage.tables import Moment
from storage.transaction import Transaction

_DETAILS = "audit:details"
_ATTEMPTS = 50  # appends at the same moment wait for each other; only so many can come in between
_PAGE = 500
_c = audit.c

_LAST = select(_c.seq, _c.hash).order_by(_c.seq.desc()).limit(1)
_INSERT = insert(audit)
_OF = select(audit).where(_c.subject == bindparam("subject")).order_by(_c.seq.desc()).limit(bindparam("most"))
_OF_BEFORE = _OF.where(_c.at < bindparam("before", type_=Moment))
_done_to = and_(_c.subject == bindparam("subject"), _c.action == bindparam("action"))
_DONE_TO = select(audit).where(_done_to).order_by(_c.seq.desc()).limit(bindparam("most"))
_TIMES_DONE = select(func.count()).select_from(audit).where(_done_to)
_BEFORE = select(audit).where(_c.seq < bindparam("seq")).order_by(_c.seq.desc()).limit(bindparam("most"))
_AFTER = select(audit).where(_c.seq > bindparam("seq")).order_by(_c.seq).limit(_PAGE)


class SqlAudit:
    """The audit log in the database (审计日志); fits ``bot.ports.Audit``."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._cipher = cipher

    def append(self, actor: Actor, action: Action, subject: str, details: Mapping[str, str], at: datetime) -> Entry:
        """Append an entry, chained to the newest one; it stays only if the unit of work is committed.

        Raises:
            MovedError: too many others appended at the same moment.
        """
        for _ in range(_ATTEMPTS):
            last = self._transaction.row(_LAST)
            seq, previous = (last.seq + 1, last.hash) if last else (1, GENESIS)
            text = json.dumps(dict(details), ensure_ascii=False, sort_keys=True)
            sealed = self._cipher.seal(text, _DETAILS, str(seq))
            entry = Entry(seq, at, actor.id, actor.name, action.name, subject, details, sealed.hex(), previous, "")
            entry = replace(entry, hash=hash_of(entry))
            columns = {name: getattr(entry, name) for name in _c.keys() if name != "details"}  # noqa: SIM118 -- columns
            if self._transaction.write_new(_INSERT, columns | {"details": sealed}):
                return entry
        raise MovedError("the audit log is being written by too many at once")

    def of(self, subject: str, most: int, before: datetime | None = None) -> Sequence[Entry]:
        """Return the newest entries about a subject, or the newest older than a moment, newest first."""
        asked = {"subject": subject, "most": most}
        if before is None:
            return [self._entry(row) for row in self._transaction.rows(_OF, asked)]
        return [self._entry(row) for row in self._transaction.rows(_OF_BEFORE, {**asked, "before": before})]

    def done_to(self, subject: str, action: Action, most: int) -> Sequence[Entry]:
        """Return the newest entries of one action about a subject, newest first."""
        asked = {"subject": subject, "action": action.name, "most": most}
        return [self._entry(row) for row in self._transaction.rows(_DONE_TO, asked)]

    def times_done_to(self, subject: str, action: Action) -> int:
        """Return how often one action was done to a subject (次数)."""
        row = self._transaction.row(_TIMES_DONE, {"subject": subject, "action": action.name})
        return int(row[0]) if row else 0

    def newest(self, most: int, before: int | None = None) -> Sequence[Entry]:
        """Return the newest entries, or the newest older than entry ``before``, newest first."""
        seq = 2**62 if before is None else before
        return [self._entry(row) for row in self._transaction.rows(_BEFORE, {"seq": seq, "most": most})]

    def found(self, search: Search, most: int, before: int | None = None) -> Sequence[Entry]:
        """Return the newest entries a search finds, or the newest older than entry ``before``, newest first (筛选)."""
        statement = _BEFORE
        for column, value in ((_c.actor_id, search.actor_id), (_c.action, search.action), (_c.subject, search.subject)):
            statement = statement.where(column == value) if value else statement
        statement = statement.where(_c.at >= search.since) if search.since else statement
        statement = statement.where(_c.at < search.until) if search.until else statement
        seq = 2**62 if before is None else before
        return [self._entry(row) for row in self._transaction.rows(statement, {"seq": seq, "most": most})]

    def all(self) -> Iterator[Entry]:
        """Return all entries, oldest first, read piece by piece; of details that cannot be unsealed it says so."""
        return map(self._entry, self._rows())

    def sealed(self) -> Iterator[Entry]:
        """Return all entries without their details, oldest first, piece by piece; nothing is decrypted (链式校验)."""
        return (_sealed(row) for row in self._rows())

    def head(self) -> tuple[int, str] | None:
        """Return number and hash of the newest entry (末尾哈希), or None before the first."""
        row = self._transaction.row(_LAST)
        return (row.seq, row.hash) if row else None

    def _rows(self) -> Iterator[Row[Any]]:
        seq = 0
        while rows := self._transaction.rows(_AFTER, {"seq": seq}):
            yield from rows
            seq = rows[-1].seq

    def _entry(self, row: Row[Any]) -> Entry:
        try:
            details = json.loads(self._cipher.unseal(row.details, _DETAILS, str(row.seq)))
        except CipherError:
            details = {"详情": UNREADABLE}
        return replace(_sealed(row), details=details)


def _sealed(row: Row[Any]) -> Entry:
    return Entry(
        seq=row.seq,
        at=row.at,
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        action=row.action,
        subject=row.subject,
        details={},
        sealed=row.details.hex(),
        previous=row.previous,
        hash=row.hash,
    )
