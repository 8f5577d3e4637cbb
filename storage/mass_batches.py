"""The mass batches (群发批次) in the database: stored with their members before the call, moved together ever after."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, func, insert, or_, select, update

from bot.notices.delivery import Channel, Delivery, DeliveryState, Reason
from bot.notices.mass import LEAST, MassBatch, member_of
from bot.notices.scene import Scene
from bot.registration.stage import Stage
from storage.cipher import FieldCipher
from storage.delivery_rows import moving
from storage.dossiers import CHUNK, chunks
from storage.notice_tables import broadcast, delivery, mass_batch
from storage.scenes import ACCOUNT, SCENE_COLUMNS, to_scene
from storage.tables import Moment, graduate, talk
from storage.transaction import Transaction
from storage.windows import window_parameters

_c, _m, _b = delivery.c, mass_batch.c, broadcast.c
_NOW = bindparam("now", type_=Moment)
_QUEUED, _SENDING = DeliveryState.QUEUED.name, DeliveryState.SENDING.name

# -- who waits -------------------------------------------------------------------------------------------------------
_WAITS = and_(_c.state == _QUEUED, _c.channel == Channel.MASS.name, _c.batch_id == "")
_DUE = (
    select(_c.id)
    .where(_c.broadcast_id == bindparam("broadcast_id"), _WAITS, or_(_c.next_at.is_(None), _c.next_at <= _NOW))
    # Who was tried as often goes together, so that nobody's tries are used up by others'.
    .order_by(_c.attempts.desc(), _c.id)
)
# By identifier alone: any other condition may lead PostgreSQL to an index that holds thousands.
_SCENES = (
    select(*SCENE_COLUMNS)
    .select_from(
        delivery.join(broadcast, _b.id == _c.broadcast_id)
        .outerjoin(graduate, graduate.c.id == _c.graduate_id)
        .outerjoin(talk, talk.c.openid == ACCOUNT)
    )
    .where(_c.id.in_(bindparam("keys", expanding=True)))
)
_WAITING_COUNT = (
    select(func.count())
    .select_from(delivery)
    .where(
        _c.broadcast_id == bindparam("broadcast_id"),
        _c.state.in_([_QUEUED, _SENDING]),
        _c.channel == Channel.MASS.name,
    )
)
_LEAVE_OUT = update(delivery).where(_c.id.in_(bindparam("keys", expanding=True)), _WAITS).values(channel=None)

# -- the batch -------------------------------------------------------------------------------------------------------
_INSERT = insert(mass_batch)
# Read, not asked for in the UPDATE itself: there MariaDB would lock the graduates, and the chat would wait.
_STILL = (
    select(_c.id, _c.openid, graduate.c.openid.label("bound"))
    .join(graduate, graduate.c.id == _c.graduate_id)
    .where(
        _c.id.in_(bindparam("keys", expanding=True)),
        graduate.c.stage.in_(bindparam("stages", expanding=True)),
        graduate.c.openid != "",
    )
)
_TAKE = (
    update(delivery)
    .where(_c.id.in_(bindparam("keys", expanding=True)), _WAITS)
    .values(state=_SENDING, attempts=_c.attempts + 1, next_at=None, reason=None, to_show=False)
)
ACCOUNTS = select(_c.openid).where(_c.batch_id == bindparam("row_batch")).order_by(_c.id)
_REHOME = update(delivery).where(_c.id == bindparam("row_id"))
_TO_DO = (
    select(mass_batch)
    .where(
        or_(
            and_(_m.state == _QUEUED, _m.next_at <= _NOW),
            and_(_m.state == _SENDING, _m.lease_until < _NOW),
        )
    )
    .order_by(_m.created_at, _m.id)
)
_OF = select(mass_batch).where(_m.broadcast_id == bindparam("broadcast_id")).order_by(_m.created_at, _m.id)
_BY_MESSAGE = select(mass_batch).where(_m.message_id == bindparam("message_id"), _m.message_id != "")
_TO_ASK = (
    select(mass_batch)
    .where(
        _m.state == DeliveryState.ACCEPTED.name,
        _m.next_at <= _NOW,
        _m.counts == "",
        _m.message_id != "",
    )
    .order_by(_m.next_at)
    .limit(bindparam("most"))
)
_MOVE = update(mass_batch).where(
    _m.id == bindparam("old_id"),
    _m.state == bindparam("old_state"),
    _m.attempts == bindparam("old_attempts"),
    _m.counts == bindparam("old_counts"),
    _m.lease_owner == bindparam("old_owner"),
    _m.next_at.is_not_distinct_from(bindparam("old_next", type_=Moment)),
)
_NOTE_MESSAGE = update(mass_batch).where(_m.id == bindparam("row_batch"), _m.message_id == "")

# -- the members -----------------------------------------------------------------------------------------------------
_MEMBERS = and_(_c.batch_id == bindparam("row_batch"), _c.state == bindparam("row_state"))
_FOLLOW = update(delivery).where(_MEMBERS).values(attempts=_c.attempts + bindparam("more"))
_FREE = _FOLLOW.values(batch_id="")
_FREE_FOR_OTHERS = _FREE.values(refused=func.trim(_c.refused + f" {Channel.MASS.name}"))
_SHARED = ("state", "reason", "next_at", "sending_at", "unsure_since", "code", "to_show")


class SqlBatches:
    """The mass batches in the database (群发批次); fits ``bot.notices.ports.Batches``."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._cipher = cipher

    def waiting_count(self, broadcast_id: str) -> int:
        """Return how many wait for a mass message (待群发), or are in a batch that is still under way."""
        row = self._transaction.row(_WAITING_COUNT, {"broadcast_id": broadcast_id})
        return int(row[0]) if row else 0

    def waiting(self, broadcast_id: str, now: datetime) -> Iterator[Scene]:
        """Return everybody who waits for a mass message and is due (待群发的人), as of now, in order.

        Read piece by piece: use it up inside the unit of work. One question about all of them would be so dear that
        PostgreSQL compiles it first, and takes longer than a statement may.
        """
        due = [row.id for row in self._transaction.rows(_DUE, {"broadcast_id": broadcast_id, "now": now})]
        for piece in chunks(due):
            rows = self._transaction.rows(_SCENES, {"keys": piece, **window_parameters(now)})
            found = {scene.delivery.id: scene for scene in (to_scene(row, self._cipher) for row in rows)}
            scenes = (found[id_] for id_ in piece if id_ in found)
            yield from (scene for scene in scenes if scene.delivery.state is DeliveryState.QUEUED)

    def leave_out(self, members: Sequence[Delivery]) -> None:
        """Write who of those waiting is not sent it after all (不群发), each with the reason."""
        alike: defaultdict[tuple[Any, ...], list[str]] = defaultdict(list)
        for member in members:
            written = moving(member)
            alike[tuple(written[name] for name in ("state", "reason", "why", "to_show"))].append(member.id)
        for (state, reason, why, to_show), ids in alike.items():
            for piece in chunks(ids):
                values = {"state": state, "reason": reason, "why": why, "to_show": to_show}
                self._transaction.write(_LEAVE_OUT, {"keys": piece, **values})

    def add(self, batch: MassBatch, members: Sequence[Delivery], stages: Iterable[Stage]) -> MassBatch | None:
        """Store a batch about to be sent and move its members to SENDING (成批); return it with its true size.

        Who moved meanwhile, is not at one of the stages any more or has no account stays outside. None if fewer are
        left than one call takes: then the unit of work must be left without a commit.
        """
        if len(members) > CHUNK:
            # The ledger may have grown by as many a moment ago, and PostgreSQL would look for each piece in all of it.
            self._transaction.analyse(delivery)
        at, taken = {"stages": [stage.name for stage in stages]}, 0
        for piece in chunks([member.id for member in members]):
            still = self._transaction.rows(_STILL, {"keys": piece, **at})
            values = {"batch_id": batch.id, "sending_at": batch.sending_at}
            if still:
                taken += self._transaction.write(_TAKE, {"keys": [row.id for row in still], **values})
            rebound = [{"row_id": row.id, "openid": row.bound} for row in still if row.openid != row.bound]
            if rebound:
                self._transaction.write(_REHOME, rebound)
        if taken < LEAST:
            return None
        stored = replace(batch, size=taken)
        self._transaction.write(_INSERT, {"id": stored.id, "created_at": stored.created_at, **_columns(stored)})
        return stored

    def to_do(self, now: datetime) -> Sequence[MassBatch]:
        """Return batches that are to be sent again, or whose worker has not been heard of (失联)."""
        return [_batch(row) for row in self._transaction.rows(_TO_DO, {"now": now})]

    def openids(self, batch_id: str) -> Sequence[str]:
        """Return the accounts of a batch, always in the same order."""
        return [row.openid for row in self._transaction.rows(ACCOUNTS, {"row_batch": batch_id})]

    def move(self, old: MassBatch, new: MassBatch) -> bool:
        """Write a batch, and its members with it, if it still is as it was (批次与成员同步); False otherwise.

        Members that somebody else moved meanwhile, as by cancelling, stay where they are.
        """
        was = {
            "old_id": old.id,
            "old_state": old.state.name,
            "old_attempts": old.attempts,
            "old_counts": _counts(old.counts),
            "old_owner": old.lease_owner,
            "old_next": old.next_at,
        }
        if self._transaction.write(_MOVE, was | _columns(new)) != 1:
            return False
        member, more = member_of(new), new.attempts - old.attempts
        if member == member_of(old) and not more:
            return True
        values = {name: value for name, value in moving(member).items() if name in _SHARED}
        mine = {"row_batch": old.id, "row_state": old.state.name, "more": more}
        if new.state is not DeliveryState.SKIPPED:
            self._transaction.write(_FOLLOW, mine | values)
        elif member.channel is None:
            self._transaction.write(_FREE_FOR_OTHERS, mine | values | {"channel": None})
        else:
            self._transaction.write(_FREE, mine | values)
        return True

    def note_message(self, batch_id: str, message_id: str) -> None:
        """Note the platform's identifier of a batch that was given up or reported meanwhile (补记消息编号)."""
        self._transaction.write(_NOTE_MESSAGE, {"row_batch": batch_id, "message_id": message_id})

    def of(self, broadcast_id: str) -> Sequence[MassBatch]:
        """Return the batches of a broadcast, oldest first."""
        return [_batch(row) for row in self._transaction.rows(_OF, {"broadcast_id": broadcast_id})]

    def to_ask(self, now: datetime, most: int) -> Sequence[MassBatch]:
        """Return accepted batches that no report has come about and that are to be asked about (待查询)."""
        return [_batch(row) for row in self._transaction.rows(_TO_ASK, {"now": now, "most": most})]

    def by_message(self, message_id: str) -> MassBatch | None:
        """Return the batch of a platform's identifier or None."""
        row = self._transaction.row(_BY_MESSAGE, {"message_id": message_id})
        return _batch(row) if row else None


def _batch(row: Row[Any]) -> MassBatch:
    return MassBatch(
        id=row.id,
        broadcast_id=row.broadcast_id,
        state=DeliveryState[row.state],
        size=row.size,
        created_at=row.created_at,
        reason=Reason[row.reason] if row.reason else None,
        attempts=row.attempts,
        next_at=row.next_at,
        sending_at=row.sending_at,
        unsure_since=row.unsure_since,
        message_id=row.message_id,
        code=row.code,
        counts=json.loads(row.counts) if row.counts else {},
        lease_owner=row.lease_owner,
        lease_until=row.lease_until,
    )


def _columns(batch: MassBatch) -> dict[str, Any]:
    return {
        "broadcast_id": batch.broadcast_id,
        "state": batch.state.name,
        "reason": batch.reason.name if batch.reason else None,
        "size": batch.size,
        "attempts": batch.attempts,
        "next_at": batch.next_at,
        "sending_at": batch.sending_at,
        "unsure_since": batch.unsure_since,
        "message_id": batch.message_id,
        "code": batch.code,
        "counts": _counts(batch.counts),
        "lease_owner": batch.lease_owner,
        "lease_until": batch.lease_until,
    }


def _counts(counts: Mapping[str, int]) -> str:
    return json.dumps(dict(sorted(counts.items()))) if counts else ""
