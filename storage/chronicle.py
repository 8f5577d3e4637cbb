"""The chronicle (经过时间线) in the database: one graduate's records from everywhere, only within season and scope."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BindParameter, Integer, Row, Select, String, and_, bindparam, func, or_, select

from bot.registration.dossier import Dossier
from bot.registration.look import Look
from bot.registration.stage import Milestone
from bot.staff.chronicle import Happened, Sources, Spoken, Told, Whose
from storage.audit import SqlAudit
from storage.cipher import FieldCipher
from storage.dossier_rows import GRADUATE_COLUMNS, GraduateRow
from storage.dossiers import DossierReader
from storage.looks import SqlLooks
from storage.notice_tables import broadcast, delivery
from storage.receipts import SqlReceipts
from storage.staff_tables import milestone
from storage.tables import Moment, footstep, graduate
from storage.transaction import Transaction

_END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)
_before = bindparam("before", type_=Moment)
_id: BindParameter[str] = bindparam("id")
_staff_number: BindParameter[str] = bindparam("staff_number", type_=String)

_is_found = and_(
    graduate.c.id == _id,
    graduate.c.season_id == bindparam("season_id"),
    # NULL sees everybody; an empty staff number is nobody's, also not of graduates without one.
    or_(
        bindparam("everybody", type_=Integer) == 1,
        and_(graduate.c.counsellor_staff_number == _staff_number, _staff_number != ""),
    ),
)
_DOSSIER = select(*GRADUATE_COLUMNS).where(_is_found)
_SINCE = select(graduate.c.stage_since).where(_is_found)


def _newest(columns: Select[Any], moment: Any, serial: Any) -> Select[Any]:  # noqa: ANN401 -- columns of any table
    return columns.where(moment < _before).order_by(moment.desc(), serial.desc()).limit(bindparam("most"))


_f, _m, _d = footstep.c, milestone.c, delivery.c
_SPOKEN = _newest(select(_f.step, _f.outcome, _f.at).where(_f.who == _id), _f.at, _f.id)
_HAPPENED = _newest(select(_m.kind, _m.detail, _m.at).where(_m.graduate_id == _id), _m.at, _m.id)
_BOUND_AT = select(func.max(_m.at)).where(_m.graduate_id == _id, _m.kind == Milestone.BOUND.name)
_TOLD = _newest(
    select(_d.key, _d.state, _d.created_at, _d.shown_at, broadcast.c.title)
    .select_from(delivery.outerjoin(broadcast, broadcast.c.id == _d.broadcast_id))
    .where(_d.openid == bindparam("openid"), _d.created_at >= bindparam("since", type_=Moment)),
    _d.created_at,
    _d.id,
)


class SqlChronicle:
    """The chronicle in the database (经过时间线); fits ``bot.ports.Chronicle``."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._cipher = cipher

    def dossier(self, whose: Whose) -> Dossier | None:
        """Return the dossier, None if there is none of this season in this scope."""
        row = self._transaction.row(_DOSSIER, _asked(whose))
        if row is None:
            return None
        return DossierReader(self._transaction, self._cipher).complete([GraduateRow._make(row)])[0]

    def stage_since(self, whose: Whose) -> datetime | None:
        """Return since when the graduate stands at the present stage (阶段起始)."""
        row = self._transaction.row(_SINCE, _asked(whose))
        return row.stage_since if row else None

    def sources(self, whose: Whose, most: int, before: datetime | None = None) -> Sources:
        """Return the newest of every kind of record (各处记录), or the newest before a moment.

        Notices are those to the WeChat account bound now, since it was bound: whom it belonged to before is another
        story. Without a dossier in season and scope there is nothing.
        """
        dossier = self.dossier(whose)
        if dossier is None:
            return Sources()
        until = before or _END_OF_TIME
        asked = {"id": dossier.id, "before": until, "most": most}
        ids = [verification.id for verification in dossier.verifications]
        receipts = SqlReceipts(self._transaction, self._cipher).of(ids)
        return Sources(
            [Spoken(row.step, row.outcome, row.at) for row in self._rows(_SPOKEN, asked)],
            [Happened(row.kind, row.detail, row.at) for row in self._rows(_HAPPENED, asked)],
            self._told(dossier, asked),
            self._looks(ids, most, until),
            receipts,
            SqlAudit(self._transaction, self._cipher).of(dossier.id, most, until),
        )

    def _told(self, dossier: Dossier, asked: Mapping[str, Any]) -> list[Told]:
        if dossier.openid is None:
            return []
        row = self._transaction.row(_BOUND_AT, {"id": dossier.id})
        since = row[0] if row and row[0] else datetime.fromtimestamp(0, UTC)
        told = {"openid": dossier.openid, "since": since, "before": asked["before"], "most": asked["most"]}
        return [
            Told(row.key, row.state, row.created_at, row.shown_at, row.title or "") for row in self._rows(_TOLD, told)
        ]

    def _looks(self, ids: Sequence[str], most: int, until: datetime) -> Sequence[Look]:
        return SqlLooks(self._transaction, self._cipher).of(ids, most, until)

    def _rows(self, statement: Select[Any], parameters: Mapping[str, Any]) -> Sequence[Row[Any]]:
        return self._transaction.rows(statement, parameters)


def _asked(whose: Whose) -> dict[str, Any]:
    number = whose.scope.staff_number
    return {
        "id": whose.dossier_id,
        "season_id": whose.season_id,
        "everybody": int(number is None),
        "staff_number": number or "",
    }
