"""The planned notices (计划通知) in the database, and whose verification ends soon."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, bindparam, insert, select, update

from bot.errors import MovedError
from bot.notices.planned import Planned, PlannedNotice, default
from bot.notices.ports import Ending
from storage.dossiers import chunks
from storage.notice_tables import delivery, planned_notice
from storage.tables import Moment, graduate, verification
from storage.transaction import Transaction

_p, _v, _g = planned_notice.c, verification.c, graduate.c
_OF = select(planned_notice).where(_p.season_id == bindparam("season_id"))
_INSERT = insert(planned_notice)
_SAVE = update(planned_notice).where(
    _p.season_id == bindparam("row_season"), _p.kind == bindparam("row_kind"), _p.version == bindparam("old_version")
)
_ENDING = (
    select(_v.id, _v.graduate_id, _v.last_day)
    .join(graduate, _g.id == _v.graduate_id)
    .where(
        _g.season_id == bindparam("season_id"),
        _g.openid.is_not(None),
        _g.openid != "",
        _v.last_day >= bindparam("first", type_=Date),
        _v.last_day <= bindparam("last", type_=Date),
        _v.issued_at < bindparam("issued_before", type_=Moment),
        _v.closed_at.is_(None),
        _v.superseded_at.is_(None),
        _v.annulled_at.is_(None),
    )
    .order_by(_v.last_day, _v.graduate_id, _v.ordinal)
)
_TOLD = select(delivery.c.once).where(delivery.c.once.in_(bindparam("keys", expanding=True)))


class SqlPlannedNotices:
    """The planned notices in the database (计划通知); fits ``bot.notices.ports.PlannedNotices``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def of(self, season_id: str) -> Sequence[PlannedNotice]:
        """Return all of a season, in order, with the defaults where nothing was changed."""
        stored = {row.kind: row for row in self._transaction.rows(_OF, {"season_id": season_id})}
        return [_notice(season_id, kind, stored.get(kind.name)) for kind in Planned]

    def save(self, old: PlannedNotice, new: PlannedNotice) -> None:
        """Write one if it still is as it was (by version).

        Raises:
            MovedError: somebody else changed it meanwhile.
        """
        values = {"version": old.version + 1, "is_on": new.is_on, "title": new.title, "text": new.text}
        if old.version == 0:
            self._transaction.write(_INSERT, {"season_id": old.season_id, "kind": old.kind.name, **values})
            return
        mine = {"row_season": old.season_id, "row_kind": old.kind.name, "old_version": old.version}
        if self._transaction.write(_SAVE, mine | values) != 1:
            raise MovedError("the planned notice was changed meanwhile")

    def ending(self, season_id: str, days: tuple[date, date], issued_before: datetime) -> Sequence[Ending]:
        """Return verifications of graduates with an account whose last day lies between two days (快到期的核验)."""
        asked = {"season_id": season_id, "first": days[0], "last": days[1], "issued_before": issued_before}
        return [Ending._make(row) for row in self._transaction.rows(_ENDING, asked)]

    def told(self, names: Sequence[str]) -> AbstractSet[str]:
        """Return which of these names are in the ledger already (已提醒)."""
        pieces = (self._transaction.rows(_TOLD, {"keys": piece}) for piece in chunks(names))
        return {row.once for rows in pieces for row in rows}


def _notice(season_id: str, kind: Planned, row: Any) -> PlannedNotice:  # noqa: ANN401 -- a row of the table, or None
    usual = default(season_id, kind)
    if row is None:
        return usual
    return replace(usual, is_on=bool(row.is_on), title=row.title, text=row.text, version=row.version)
