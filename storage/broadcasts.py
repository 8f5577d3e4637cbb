"""The broadcasts (通知) in the database: stored only over what was read, their audience written down in pieces."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, bindparam, case, func, insert, or_, select, update

from bot.errors import MovedError
from bot.notices.broadcast import Broadcast, BroadcastState
from bot.notices.delivery import OPEN, Channel, Delivery, DeliveryState, Reason
from storage.audiences import IS_BOUND, IS_GONE, is_meant, parts_of
from storage.broadcast_rows import BROADCAST_COLUMNS, from_broadcast, to_broadcast
from storage.cipher import FieldCipher
from storage.delivery_rows import new_row
from storage.notice_tables import broadcast, delivery
from storage.tables import Moment, graduate, talk
from storage.transaction import Transaction

_END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)
_b, _c, _g = broadcast.c, delivery.c, graduate.c
_OURS = and_(_b.id == bindparam("row_id"), _b.version == bindparam("old_version"))
_INSERT = insert(broadcast)
_IS_PLANNED = select(_b.id).where(_b.planned == bindparam("planned", type_=String))
_BY_ID = select(*BROADCAST_COLUMNS).where(_b.id == bindparam("id"))
_SAVE = update(broadcast).where(_OURS)
_NEWEST = (
    select(*BROADCAST_COLUMNS)
    .where(_b.season_id == bindparam("season_id"), _b.created_at < bindparam("before", type_=Moment))
    .order_by(_b.created_at.desc(), _b.id)
    .limit(bindparam("most"))
)
_IN_STATES = (
    select(*BROADCAST_COLUMNS).where(_b.state.in_(bindparam("states", expanding=True))).order_by(_b.created_at, _b.id)
)
_REACHED = select(_b.reached).where(_b.id == bindparam("id"))
_REACH = update(broadcast).where(
    _b.id == bindparam("row_id"),
    _b.reached == bindparam("was", type_=String),
    _b.version == bindparam("old_version"),
    _b.state == BroadcastState.RUNNING.name,
)
_SIZE = select(func.count()).select_from(delivery).where(_c.broadcast_id == bindparam("id"))
_CANCEL = (
    update(delivery)
    .where(_c.broadcast_id == bindparam("row_broadcast"), _c.state == DeliveryState.QUEUED.name)
    .values(
        state=case((_c.unsure_since.is_(None), DeliveryState.SKIPPED.name), else_=DeliveryState.UNKNOWN.name),
        reason=case((_c.unsure_since.is_(None), Reason.CANCELLED.name), else_=Reason.NO_ANSWER.name),
    )
)
_RETRY = (
    update(delivery)
    .where(_c.broadcast_id == bindparam("row_broadcast"), _c.state.in_(bindparam("states", expanding=True)))
    .values(
        state=DeliveryState.QUEUED.name,
        reason=None,
        channel=None,
        why="",
        refused="",
        code=0,
        attempts=0,
        unsure_since=None,
        message_id="",
        batch_id="",
    )
)
_OPEN = (
    select(_c.id)
    .where(
        _c.broadcast_id == bindparam("id"),
        _c.state.in_([state.name for state in OPEN]),
        or_(
            _c.state != DeliveryState.QUEUED.name,
            _c.batch_id != "",
            _c.channel.is_(None),
            _c.channel != Channel.MASS.name,
        ),
    )
    .limit(1)
)
_PERSON = (_g.id, _g.openid, case((and_(IS_BOUND, IS_GONE), 1), else_=0).label("is_gone"))


class SqlBroadcasts:
    """The broadcasts in the database (通知); fits ``bot.notices.ports.Broadcasts``."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._cipher = cipher

    def add(self, broadcast: Broadcast) -> bool:
        """Store a new one; False if one of the same ``planned`` is there already."""
        if broadcast.planned and self._transaction.row(_IS_PLANNED, {"planned": broadcast.planned}):
            return False
        values = {"id": broadcast.id, "version": 1, "reached": "", **from_broadcast(broadcast, self._cipher)}
        return self._transaction.write_new(_INSERT, values)

    def by_id(self, broadcast_id: str) -> Broadcast | None:
        """Return the broadcast or None."""
        row = self._transaction.row(_BY_ID, {"id": broadcast_id})
        return to_broadcast(row, self._cipher) if row else None

    def save(self, old: Broadcast, new: Broadcast) -> Broadcast:
        """Write ``new`` if the stored row still is ``old`` (by version), and return it.

        Raises:
            MovedError: somebody else changed it meanwhile.
        """
        stored = replace(new, version=old.version + 1)
        values = {"version": stored.version, **from_broadcast(stored, self._cipher)}
        if self._transaction.write(_SAVE, {"row_id": old.id, "old_version": old.version, **values}) != 1:
            raise MovedError("the broadcast was changed meanwhile")
        return stored

    def newest(self, season_id: str, most: int, before: datetime | None = None) -> Sequence[Broadcast]:
        """Return the newest of a season, or the newest made before a moment, newest first."""
        asked = {"season_id": season_id, "most": most, "before": before or _END_OF_TIME}
        return self._all(_NEWEST, asked)

    def in_states(self, states: Iterable[BroadcastState]) -> Sequence[Broadcast]:
        """Return all in these states, whatever the season, oldest first."""
        return self._all(_IN_STATES, {"states": [state.name for state in states]})

    def freeze_some(self, broadcast: Broadcast, now: datetime, new_id: Callable[[], str], most: int) -> Broadcast:
        """Write the next ``most`` of the audience into the ledger (冻结名单); return it, frozen once all are there.

        Who cannot be reached stands there too, skipped, so that the states add up to the audience at every moment.

        Raises:
            MovedError: somebody else went on with it, or it is not running any more.
        """
        row = self._transaction.row(_REACHED, {"id": broadcast.id})
        if row is None:
            raise MovedError("the broadcast is gone")
        people, reached = self._next(broadcast, row.reached.strip(), most)
        mine = {"row_id": broadcast.id, "was": row.reached, "old_version": broadcast.version}
        # First the cursor: whoever does the same piece at this moment waits here, and fails.
        if self._transaction.write(_REACH, {**mine, "reached": reached or "~"}) != 1:
            raise MovedError("somebody else went on with it")
        if people:
            rows = [new_row(_delivery(broadcast, person, now, new_id()), self._cipher) for person in people]
            self._transaction.insert_many(delivery, rows)
        if reached:
            return broadcast
        size = self._transaction.row(_SIZE, {"id": broadcast.id})
        return self.save(broadcast, broadcast.freeze(int(size[0]) if size else 0, now))

    def cancel_rest(self, broadcast_id: str) -> None:
        """Skip everything of it that was not sent yet (取消其余); what a worker holds it gives up by itself."""
        self._transaction.write(_CANCEL, {"row_broadcast": broadcast_id})

    def retry(self, broadcast_id: str, states: Iterable[DeliveryState], now: datetime) -> int:
        """Queue again what is in these states (重试), under the same identifiers; return how many."""
        asked = {"row_broadcast": broadcast_id, "states": [state.name for state in states], "next_at": now}
        return self._transaction.write(_RETRY, asked)

    def has_open(self, broadcast_id: str) -> bool:
        """Tell whether a worker has still something to do for it (未办完), but for what waits for a mass message."""
        return self._transaction.row(_OPEN, {"id": broadcast_id}) is not None

    def _all(self, statement: Select[Any], parameters: dict[str, Any]) -> list[Broadcast]:
        return [to_broadcast(row, self._cipher) for row in self._transaction.rows(statement, parameters)]

    def _next(self, broadcast: Broadcast, reached: str, most: int) -> tuple[Sequence[Any], str]:
        """Return the next piece of the audience, and how far it reaches, "" for the end.

        The cursor is a place in an own list, otherwise the last graduate's identifier.
        """
        audience = broadcast.audience
        if reached == "~":
            return [], ""
        where: list[ColumnElement[bool]] = [*parts_of(broadcast.season_id, audience), is_meant(audience)]
        people = select(*_PERSON).select_from(graduate.outerjoin(talk, talk.c.openid == _g.openid))
        if audience.numbers:
            start = int(reached or 0)
            piece, end = audience.numbers[start : start + most], start + most
            found = self._transaction.rows(people.where(*where, _g.student_number.in_(piece)))
            return found, str(end) if end < len(audience.numbers) else ""
        found = self._transaction.rows(people.where(*where, _g.id > reached).order_by(_g.id).limit(most))
        return found, found[-1].id if len(found) == most else ""


def _delivery(broadcast: Broadcast, person: Any, now: datetime, id_: str) -> Delivery:  # noqa: ANN401 -- a row
    made = Delivery(
        id=id_,
        openid=person.openid or "",
        key="",
        data={},
        once=f"broadcast:{broadcast.id}:{person.id}",
        created_at=now,
        broadcast_id=broadcast.id,
        graduate_id=person.id,
        next_at=now,
    )
    if not person.openid:
        return replace(made, state=DeliveryState.SKIPPED, reason=Reason.NOT_BOUND)
    if person.is_gone:
        return replace(made, state=DeliveryState.SKIPPED, reason=Reason.NOT_FOLLOWING)
    return made
