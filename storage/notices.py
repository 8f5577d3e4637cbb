"""The outbox of notices (主动消息): each said once, each claimed by one worker at a time."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, or_, select, update

from bot.ports import Notice, NoticeState
from storage.cipher import FieldCipher
from storage.tables import Moment, notice
from storage.transaction import Transaction

_DATA = "notice:data"
_c = notice.c
_columns = (_c.id, _c.openid, _c.key, _c.data, _c.once, _c.created_at, _c.attempts, _c.state, _c.next_at)

_INSERT = insert(notice)
_IS_KNOWN = select(_c.id).where(_c.once == bindparam("once"))
_HELD = (
    select(*_columns)
    .where(_c.openid == bindparam("openid"), _c.state == NoticeState.HELD.name)
    .order_by(_c.created_at, _c.id)
)
_SHOW = (
    update(notice)
    .where(_c.id == bindparam("row_id"), _c.state == NoticeState.HELD.name)
    .values(state=NoticeState.SENT.name)
)
_DROP = (
    update(notice)
    .where(_c.openid == bindparam("row_openid"), _c.state.in_([NoticeState.WAITING.name, NoticeState.HELD.name]))
    .values(state=NoticeState.DROPPED.name)
)
_DUE = (
    select(*_columns)
    .where(
        _c.state == NoticeState.WAITING.name,
        or_(_c.next_at.is_(None), _c.next_at <= bindparam("now", type_=Moment)),
    )
    .order_by(_c.created_at, _c.id)
    .limit(bindparam("most"))
)
# ``attempts`` is the compare-and-swap counter of a claim: it grows with each.
_TRY = update(notice).where(
    _c.id == bindparam("row_id"), _c.attempts == bindparam("old_attempts"), _c.state == NoticeState.WAITING.name
)


class SqlNotices:
    """The outbox in the database (主动消息); fits ``bot.ports.Notices``."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._cipher = cipher

    def add(self, notice: Notice) -> bool:
        """Store a notice; False if one with the same ``once`` is there already."""
        if self._transaction.row(_IS_KNOWN, {"once": notice.once}):
            return False
        data = json.dumps(dict(notice.data), ensure_ascii=False)
        columns = {
            "id": notice.id,
            "openid": notice.openid,
            "key": notice.key,
            "data": self._cipher.seal(data, _DATA, notice.id),
            "once": notice.once,
            "created_at": notice.created_at,
            "attempts": notice.attempts,
            "state": notice.state.name,
            "next_at": notice.next_at,
        }
        return self._transaction.write_new(_INSERT, columns)

    def take_held(self, openid: str, now: datetime) -> Sequence[Notice]:
        """Return the account's held notices (待补发), oldest first, and mark them sent."""
        rows = self._transaction.rows(_HELD, {"openid": openid})
        taken = [row for row in rows if self._transaction.write(_SHOW, {"row_id": row.id, "shown_at": now}) == 1]
        return [replace(self._notice(row), state=NoticeState.SENT) for row in taken]

    def drop(self, openid: str) -> None:
        """Take back what the account was not told yet (作废): it has lost its binding."""
        self._transaction.write(_DROP, {"row_openid": openid})

    def claim(self, now: datetime, lease_until: datetime, most: int) -> Sequence[Notice]:
        """Claim up to ``most`` waiting notices that are due (认领), oldest first.

        Nobody else gets them before ``lease_until``. The attempt is counted now, before anything is sent, so that
        a notice that kills its worker is not tried for ever; ``attempts`` of what is returned includes it.
        """
        claimed = []
        for row in self._transaction.rows(_DUE, {"now": now, "most": most}):
            mine = {"row_id": row.id, "old_attempts": row.attempts}
            if self._transaction.write(_TRY, {**mine, "attempts": row.attempts + 1, "next_at": lease_until}) == 1:
                claimed.append(replace(self._notice(row), attempts=row.attempts + 1, next_at=lease_until))
        return claimed

    def settle(self, notice: Notice, state: NoticeState, next_at: datetime | None) -> None:
        """Write the outcome of a claimed notice (结果).

        If the lease ran out and another worker has claimed it since, nothing is written: the newer claim decides.
        """
        mine = {"row_id": notice.id, "old_attempts": notice.attempts}
        self._transaction.write(_TRY, {**mine, "state": state.name, "next_at": next_at})

    def _notice(self, row: Row[Any]) -> Notice:
        return Notice(
            id=row.id,
            openid=row.openid,
            key=row.key,
            data=json.loads(self._cipher.unseal(row.data, _DATA, row.id)),
            once=row.once,
            created_at=row.created_at,
            attempts=row.attempts,
            state=NoticeState[row.state],
            next_at=row.next_at,
        )
