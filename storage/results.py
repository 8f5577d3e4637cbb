"""What became of broadcasts (发送结果), as staff read it: counts and lists, the scope in every statement."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Row, Select, and_, bindparam, case, func, or_, select

from bot.notices.delivery import Channel, DeliveryState, Reason
from bot.notices.results import TO_CALL, Result, Tally, Which
from bot.staff.policy import Scope
from storage.broadcast_rows import BROADCAST_COLUMNS, to_broadcast
from storage.cipher import FieldCipher
from storage.delivery_rows import DELIVERY_COLUMNS, WIDTH, to_delivery
from storage.dossiers import chunks
from storage.notice_tables import broadcast, delivery
from storage.tables import graduate
from storage.transaction import Transaction

_MOBILE = "graduate:mobile"
_c, _g = delivery.c, graduate.c
_WITH_GRADUATE = delivery.outerjoin(graduate, _g.id == _c.graduate_id)
_WAY = (_c.broadcast_id, _c.state, _c.reason, _c.channel)
_IS_SHOWN = _c.shown_at.is_not(None)
_COUNTS = (*_WAY, func.count().label("many"), func.sum(case((_IS_SHOWN, 1), else_=0)).label("shown"))
_LINE = (
    *DELIVERY_COLUMNS,
    _g.id,
    _g.student_number,
    _g.name,
    _g.college,
    _g.class_name,
    _g.counsellor_name,
    _c.shown_at,
    _g.mobile,
)
_BY_IDS = select(*_LINE).select_from(_WITH_GRADUATE).where(_c.id.in_(bindparam("keys", expanding=True)))
_BROADCAST = select(*BROADCAST_COLUMNS).where(broadcast.c.id == bindparam("id"))
_NOT_REACHED = or_(
    _c.state.in_([DeliveryState.FAILED_TEMP.name, DeliveryState.FAILED_PERM.name]),
    and_(_c.state == DeliveryState.SKIPPED.name, _c.reason.in_([reason.name for reason in TO_CALL])),
)
_number = func.coalesce(_g.student_number, "")


class SqlResults:
    """What became of broadcasts (发送结果); fits ``bot.notices.ports.Results``."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._cipher = cipher

    def tally(self, broadcast_id: str, scope: Scope) -> Tally:
        """Count the deliveries of a broadcast (统计)."""
        return self.tallies([broadcast_id], scope)[broadcast_id]

    def tallies(self, broadcast_ids: Sequence[str], scope: Scope) -> Mapping[str, Tally]:
        """Do ``tally`` for several at once; each has one, with nobody in it if there are no deliveries."""
        found: dict[str, list[Row[Any]]] = defaultdict(list)
        if broadcast_ids:
            statement = select(*_COUNTS).select_from(_table(scope))
            where = (_c.broadcast_id.in_(broadcast_ids), *_seen_by(scope))
            for row in self._transaction.rows(statement.where(*where).group_by(*_WAY)):
                found[row.broadcast_id].append(row)
        return {broadcast_id: _tally(found[broadcast_id]) for broadcast_id in broadcast_ids}

    def page(self, which: Which, after: str, most: int) -> Sequence[Result]:
        """Return the next results after a delivery's identifier (一页), by student number; "" for the first.

        One that is not in sight any more begins anew.
        """
        statement = _ordered(_number, _c.id).where(*self._where(which), *self._after(which, after))
        return list(self._results(statement.limit(most), with_mobile=False))

    def lines(self, which: Which, *, with_mobile: bool) -> Iterator[Result]:
        """Return all results (全部), piece by piece, by counsellor and student number.

        To be used up inside the unit of work.
        """
        counsellor = (_g.counsellor_staff_number, _g.counsellor_name)
        order = (*(func.coalesce(column, "") for column in counsellor), _number, _c.id)
        return self._results(_ordered(*order).where(*self._where(which)), with_mobile=with_mobile)

    def _results(self, ordered: Select[Any], *, with_mobile: bool) -> Iterator[Result]:
        ids = [row.id for row in self._transaction.rows(ordered)]
        for piece in chunks(ids):
            found = {row[0]: row for row in self._transaction.rows(_BY_IDS, {"keys": piece})}
            yield from (self._result(found[id_], with_mobile=with_mobile) for id_ in piece if id_ in found)

    def count(self, which: Which) -> int:
        """Return how many there are (人数)."""
        table = _WITH_GRADUATE if which.by_phone else _table(which.scope)
        row = self._transaction.row(select(func.count()).select_from(table).where(*self._where(which)))
        return int(row[0]) if row else 0

    def _where(self, which: Which) -> list[ColumnElement[bool]]:
        conditions = [_c.broadcast_id == which.broadcast_id, *_seen_by(which.scope)]
        if which.states:
            conditions.append(_c.state.in_(_names(which.states)))
        if which.reasons:
            conditions.append(_c.reason.in_(_names(which.reasons)))
        if which.by_phone:
            # Who has done it since, or has read it in the chat since, need not be called.
            conditions += [_NOT_REACHED, ~_IS_SHOWN, _g.stage.in_(self._stages(which.broadcast_id))]
        return conditions

    def _stages(self, broadcast_id: str) -> list[str]:
        """Return the stages a broadcast is for; none if there is no such broadcast."""
        row = self._transaction.row(_BROADCAST, {"id": broadcast_id})
        return [stage.name for stage in to_broadcast(row, self._cipher).audience.stages] if row else []

    def _after(self, which: Which, after: str) -> list[ColumnElement[bool]]:
        """Return the conditions of what comes after a place in the list (翻页条件)."""
        if not after:
            return []
        where = (_c.id == after, _c.broadcast_id == which.broadcast_id, *_seen_by(which.scope))
        row = self._transaction.row(select(_number).select_from(_WITH_GRADUATE).where(*where))
        if row is None:
            return []
        return [or_(_number > row[0], and_(_number == row[0], _c.id > after))]

    def _result(self, row: Row[Any], *, with_mobile: bool) -> Result:
        id_, number, name, college, class_name, counsellor, shown_at, mobile = row[WIDTH:]
        return Result(
            delivery=to_delivery(row[:WIDTH], self._cipher),
            dossier_id=id_ or "",
            student_number=number or "",
            name=name or "",
            college=college or "",
            class_name=class_name or "",
            counsellor=counsellor or "",
            shown_at=shown_at,
            mobile=self._cipher.unseal_optional(mobile, _MOBILE, id_) if with_mobile and id_ else "",
        )


def _ordered(*order: ColumnElement[Any]) -> Select[Any]:
    """Return identifiers in an order: databases sort wide rows with sealed columns far more slowly."""
    return select(_c.id).select_from(_WITH_GRADUATE).order_by(*order)


def _table(scope: Scope) -> FromClause:
    """Return what is counted in: without a scope no graduate needs to be looked at."""
    return delivery if scope.staff_number is None else _WITH_GRADUATE


def _seen_by(scope: Scope) -> list[ColumnElement[bool]]:
    """Return the conditions of the scope (可见范围)."""
    if scope.staff_number is None:
        return []
    # An empty number is nobody's: it must not find those whose counsellor has none.
    return [_g.counsellor_staff_number == scope.staff_number, _g.counsellor_staff_number != ""]


def _names(members: Iterable[DeliveryState | Reason]) -> list[str]:
    return sorted(member.name for member in members)


def _tally(rows: Iterable[Row[Any]]) -> Tally:
    counts: dict[tuple[DeliveryState, Reason | None], int] = defaultdict(int)
    channels: dict[Channel, int] = defaultdict(int)
    shown = 0
    for row in rows:
        state = DeliveryState[row.state]
        counts[state, Reason[row.reason] if row.reason else None] += row.many
        if row.channel:
            channels[Channel[row.channel]] += row.many
        shown += int(row.shown or 0)
    return Tally(dict(counts), dict(channels), shown)
