"""The inbox of the platform's reports (回执收件箱) in the database: put down with one INSERT, matched in sets."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BindParameter, Insert, Row, and_, bindparam, func, insert, null, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.errors import MovedError
from bot.notices.delivery import AWAITED, FORMS, Delivery, DeliveryState, Reason
from bot.notices.ports import Move
from bot.notices.report import BEFORE, Report
from storage.cipher import FieldCipher
from storage.delivery_rows import DELIVERY_COLUMNS, to_delivery
from storage.notice_tables import delivery, delivery_report
from storage.tables import Moment
from storage.transaction import Transaction

_r, _c = delivery_report.c, delivery.c
_KEYS: BindParameter[Any] = bindparam("keys", expanding=True)

# One statement whether it is there already or not: no look before, no savepoint. MariaDB's IGNORE would also cut
# what is too long; the webhook lets nothing in that is.
_IGNORING = insert(delivery_report).prefix_with("IGNORE", dialect="mysql").prefix_with("IGNORE", dialect="mariadb")
_INSERT: Mapping[str, Insert] = {
    name: statement.execution_options(preserve_rowcount=True)
    for name, statement in {
        "sqlite": sqlite.insert(delivery_report).on_conflict_do_nothing(),
        "postgresql": postgresql.insert(delivery_report).on_conflict_do_nothing(),
        "mysql": _IGNORING,
        "mariadb": _IGNORING,
    }.items()
}
_DUE = (
    select(_r.key, _r.message_id, _r.openid, _r.at, _r.state, _r.reason, _r.counts, _r.tries, _r.received_at)
    .where(_r.next_at <= bindparam("now", type_=Moment))
    .order_by(_r.next_at)
    .limit(bindparam("most"))
)
# What a message says is none of a report's business, and unsealing it would cost more than all the rest.
_BARE = tuple(null().label("data") if column.name == "data" else column for column in DELIVERY_COLUMNS)
_HAS_REPORTS = _c.channel.in_(sorted(channel.name for channel in FORMS))
_ABOUT = select(*_BARE).where(_c.message_id.in_(bindparam("message_ids", expanding=True)), _HAS_REPORTS)
_MAY_HAVE_GONE = or_(
    _c.state.in_(sorted(state.name for state in AWAITED)),
    and_(
        _c.state.in_([DeliveryState.QUEUED.name, DeliveryState.LEASED.name]),
        _c.unsure_since.is_not(None),
    ),
)
_UNNAMED = select(*_BARE).where(
    _c.openid.in_(bindparam("openids", expanding=True)),
    _c.sending_at >= bindparam("since", type_=Moment),
    _c.message_id == "",
    _HAS_REPORTS,
    _MAY_HAVE_GONE,
)
# A worker that holds the delivery finds it moved, and only notes the identifier.
_APPLY = (
    update(delivery)
    .where(_c.id.in_(_KEYS), _c.state == bindparam("row_state"))
    .values(lease_owner="", lease_until=None)
)
_RECOGNISE = (
    update(delivery)
    .where(_c.id == bindparam("row_id"), _c.state == bindparam("row_state"), _c.message_id == "")
    .values(lease_owner="", lease_until=None)
)
_SETTLE = update(delivery_report).where(_r.key == bindparam("row_key")).values(next_at=None)
_PUT_OFF = update(delivery_report).where(_r.key.in_(_KEYS)).values(tries=_r.tries + 1)
UNMATCHED = select(func.count()).select_from(delivery_report).where(_r.next_at.is_not(None))
"""How many reports wait for the message they are about."""

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def put_down(transaction: Transaction, row: Mapping[str, Any]) -> bool:
    """Insert a row into the inbox (收下), in one statement; False, with nothing done, if its key is there already."""
    return transaction.write(_INSERT[transaction.dialect], row) == 1


class SqlReports:
    """The inbox in the database (回执收件箱); fits ``bot.notices.ports.Reports``."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._cipher = cipher

    def add(self, report: Report, now: datetime) -> bool:
        """Store a report as it came (收下回执), due at once; False if it is there already."""
        row = {
            "key": report.key,
            "message_id": report.message_id,
            "openid": report.openid,
            "at": report.at,
            "state": report.state.name,
            "reason": report.reason.name if report.reason else None,
            "counts": json.dumps(dict(report.counts)) if report.counts else "",
            "received_at": now,
            "tries": report.tries,
            "next_at": now,
            "delivery_id": "",
        }
        return put_down(self._transaction, row)

    def to_match(self, now: datetime, most: int) -> Sequence[Report]:
        """Return reports that are due (待匹配), oldest first; what others are looking at is passed over."""
        due = self._transaction.passing_over(_DUE)
        return [_to_report(row) for row in self._transaction.rows(due, {"now": now, "most": most})]

    def about(self, reports: Sequence[Report]) -> Mapping[str, Delivery]:
        """Return the deliveries found by account and the platform's identifier (按消息编号), by report key."""
        asked = {"message_ids": sorted({report.message_id for report in reports})}
        rows = self._transaction.rows(_ABOUT, asked)
        found = [to_delivery(row, self._cipher) for row in rows]
        # An identifier is unique at the platform; should it ever come again, the later message is meant.
        found.sort(key=lambda one: one.sending_at or _NEVER)
        named = {(one.openid, one.message_id): one for one in found}
        pairs = ((report.key, named.get((report.openid, report.message_id))) for report in reports)
        return {key: one for key, one in pairs if one is not None}

    def unnamed(self, reports: Sequence[Report]) -> Sequence[Delivery]:
        """Return what may have been sent to the accounts about that time and has no identifier yet (尚无编号)."""
        asked = {
            "openids": sorted({report.openid for report in reports}),
            "since": min(report.at for report in reports) - BEFORE,
        }
        return [to_delivery(row, self._cipher) for row in self._transaction.rows(_UNNAMED, asked)]

    def apply(self, moves: Sequence[Move]) -> None:
        """Write new states over old ones and end the leases (改状态), one statement for each kind of change.

        Raises:
            MovedError: one is not as it was; nothing of it may be committed.
        """
        kinds: dict[tuple[str, str, str | None], list[str]] = defaultdict(list)
        for old, new in moves:
            kinds[old.state.name, new.state.name, new.reason.name if new.reason else None].append(old.id)
        for (was, state, reason), keys in kinds.items():
            values = {"keys": sorted(keys), "row_state": was, "state": state, "reason": reason}
            if self._transaction.write(_APPLY, values) != len(keys):
                raise MovedError("a delivery moved while a report of it was matched")

    def recognise(self, move: Move) -> bool:
        """Do ``apply`` for one that had no identifier, and note it (补记编号); False if it is not as it was."""
        old, new = move
        values = {
            "row_id": old.id,
            "row_state": old.state.name,
            "state": new.state.name,
            "reason": new.reason.name if new.reason else None,
            "message_id": new.message_id,
        }
        return self._transaction.write(_RECOGNISE, values) == 1

    def settle(self, matched: Mapping[str, str]) -> None:
        """Note what reports were about (已匹配), report key → delivery or batch; they are not looked at again."""
        rows = [{"row_key": key, "delivery_id": about} for key, about in sorted(matched.items())]
        self._transaction.write(_SETTLE, rows)

    def put_off(self, keys: Sequence[str], until: datetime | None) -> None:
        """Count one more look at these reports (推迟), and look again then, or never."""
        self._transaction.write(_PUT_OFF, {"keys": sorted(keys), "next_at": until})

    def unmatched(self) -> int:
        """Return how many wait (未匹配数)."""
        row = self._transaction.row(UNMATCHED)
        return int(row[0]) if row else 0


def _to_report(row: Row[Any]) -> Report:
    return Report(
        key=row.key,
        message_id=row.message_id,
        openid=row.openid,
        at=row.at,
        state=DeliveryState[row.state],
        reason=Reason[row.reason] if row.reason else None,
        counts=json.loads(row.counts) if row.counts else {},
        tries=row.tries,
        received_at=row.received_at,
    )
