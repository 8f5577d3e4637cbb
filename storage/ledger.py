"""The ledger of deliveries (投递台账) as senders see it: taken by lease, every write compared with state and owner."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, case, false, select, true, update

from bot.notices.broadcast import BroadcastState
from bot.notices.delivery import Channel, Delivery, DeliveryState
from bot.notices.scene import Scene
from storage.cipher import FieldCipher
from storage.delivery_rows import DELIVERY_COLUMNS, moving, to_delivery
from storage.halts import IS_CLOSED
from storage.notice_tables import broadcast, delivery
from storage.scenes import ACCOUNT, SCENE_COLUMNS, to_scene
from storage.tables import Moment, graduate, talk
from storage.transaction import Transaction
from storage.windows import window_parameters

_c, _b = delivery.c, broadcast.c
_NOW = bindparam("now", type_=Moment)
_SENDS = (_b.state == BroadcastState.RUNNING.name, _b.frozen_at.is_not(None))
# What waits for a mass message goes in a batch, with all the others (bot/use_cases/send_mass.py).
_IS_MASS = and_(_c.channel.is_not(None), _c.channel == Channel.MASS.name)
_IS_DUE = and_(_c.state == DeliveryState.QUEUED.name, _c.next_at <= _NOW, _c.batch_id == "", ~_IS_MASS)
_OF_SYSTEM = select(_c.id).where(_c.broadcast_id == "", _IS_DUE).order_by(_c.next_at).limit(bindparam("most"))
_IS_CLOSED = select(IS_CLOSED)
_RUNNING = select(_b.id).where(*_SENDS).order_by(_b.started_at, _b.id)
_OF_BROADCAST = (
    select(_c.id)
    .where(_c.broadcast_id == bindparam("broadcast_id"), _IS_DUE)
    .order_by(_c.next_at)
    .limit(bindparam("most"))
)
_TAKE = (
    update(delivery)
    .where(_c.id.in_(bindparam("keys", expanding=True)), _c.state == DeliveryState.QUEUED.name)
    .values(state=DeliveryState.LEASED.name)
)
_IS_HELD = _c.state.in_([DeliveryState.LEASED.name, DeliveryState.SENDING.name])
_THEIRS = and_(_c.id.in_(bindparam("keys", expanding=True)), _c.lease_owner == bindparam("row_owner"))
_RENEW = update(delivery).where(_THEIRS, _IS_HELD)
_RELEASE = (
    update(delivery)
    .where(_THEIRS, _c.state == DeliveryState.LEASED.name)
    .values(state=DeliveryState.QUEUED.name, lease_owner="", lease_until=None)
)
_EXPIRED = (
    select(*DELIVERY_COLUMNS, _c.lease_owner)
    .where(_IS_HELD, _c.lease_until < _NOW, _c.batch_id == "")
    .order_by(_c.lease_until)
    .limit(bindparam("most"))
)
_MOVE = update(delivery).where(
    _c.id == bindparam("row_id"), _c.state == bindparam("row_state"), _c.lease_owner == bindparam("row_owner")
)
_MOVE_TO_SHOW = _MOVE.values(to_show=case((_c.shown_at.is_(None), true()), else_=false()))
_NOTE_MESSAGE = update(delivery).where(_c.id == bindparam("row_id"), _c.message_id == "")
_HURRY = update(delivery).where(
    _c.state == DeliveryState.QUEUED.name, _c.code == bindparam("row_code"), _c.next_at > _NOW
)
_GONE = update(talk).where(talk.c.openid == bindparam("row_openid")).values(following=False)

_SCENE = (
    select(*SCENE_COLUMNS, IS_CLOSED)
    .select_from(
        delivery.outerjoin(broadcast, _b.id == _c.broadcast_id)
        .outerjoin(graduate, and_(graduate.c.id == _c.graduate_id, _c.broadcast_id != ""))
        .outerjoin(talk, talk.c.openid == ACCOUNT)
    )
    .where(
        _c.id == bindparam("delivery_id"),
        _c.state == DeliveryState.LEASED.name,
        _c.lease_owner == bindparam("owner"),
    )
)
_ANY_QUEUED = select(_c.id).where(_c.state == DeliveryState.QUEUED.name).limit(1)
_ANY_BEGUN = select(_c.id).where(_IS_HELD).limit(1)
_ANY_TO_COME = select(_b.id).where(_b.state.in_([BroadcastState.SCHEDULED.name, BroadcastState.RUNNING.name])).limit(1)


class SqlLedger:
    """The ledger in the database (投递台账); fits ``bot.notices.ports.Ledger``."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._cipher = cipher

    def claim(self, owner: str, until: datetime, now: datetime, most: int) -> Sequence[str]:
        """Take up to ``most`` due deliveries for nobody else until then (领取), messages of the system first.

        Nothing while sending is closed. Rows that somebody else is just taking are passed over, not waited for.
        """
        closed = self._transaction.row(_IS_CLOSED, {"now": now})
        if closed is not None and closed[0]:
            return []
        keys = self._ids(_OF_SYSTEM, {"now": now, "most": most})
        if len(keys) < most:
            for row in self._transaction.rows(_RUNNING):
                asked = {"broadcast_id": row.id, "now": now, "most": most - len(keys)}
                keys += self._ids(_OF_BROADCAST, asked)
                if len(keys) == most:
                    break
        if keys:
            self._transaction.write(_TAKE, {"keys": keys, "lease_owner": owner, "lease_until": until})
        return keys

    def scene(self, delivery_id: str, owner: str, now: datetime) -> Scene | None:
        """Return what is known of a delivery taken by ``owner`` (发送现场), or None if it is not theirs any more."""
        asked = {"delivery_id": delivery_id, "owner": owner, "now": now, **window_parameters(now)}
        row = self._transaction.row(_SCENE, asked)
        return None if row is None else replace(to_scene(row[:-1], self._cipher), is_closed=bool(row[-1]))

    def move(self, delivery: Delivery, was: DeliveryState, owner: str) -> bool:
        """Write a delivery if it still is in the state ``was`` and its owner's (改状态); False otherwise."""
        stays = delivery.state in {DeliveryState.LEASED, DeliveryState.SENDING}
        lease = {} if stays else {"lease_owner": "", "lease_until": None}
        mine = {"row_id": delivery.id, "row_state": was.name, "row_owner": owner}
        if not delivery.to_show:
            return self._transaction.write(_MOVE, {**mine, **moving(delivery), **lease}) == 1
        # The chat may have shown it while the call was under way: once is enough.
        values = {name: value for name, value in moving(delivery).items() if name != "to_show"}
        return self._transaction.write(_MOVE_TO_SHOW, {**mine, **values, **lease}) == 1

    def note_message(self, delivery_id: str, message_id: str) -> None:
        """Note the platform's identifier of a delivery that a report has overtaken (补记消息编号)."""
        self._transaction.write(_NOTE_MESSAGE, {"row_id": delivery_id, "message_id": message_id})

    def renew(self, owner: str, delivery_ids: Sequence[str], until: datetime) -> None:
        """Keep what the owner has in hand until then (续租)."""
        self._transaction.write(_RENEW, {"row_owner": owner, "keys": delivery_ids, "lease_until": until})

    def release(self, owner: str, delivery_ids: Sequence[str], now: datetime) -> None:
        """Give back what of these the owner has taken and not begun to send (放回)."""
        self._transaction.write(_RELEASE, {"row_owner": owner, "keys": delivery_ids, "next_at": now})

    def expired(self, now: datetime, most: int) -> Sequence[tuple[Delivery, str]]:
        """Return deliveries whose worker has not been heard of (失联的), each with that owner."""
        rows = self._transaction.rows(self._transaction.passing_over(_EXPIRED), {"now": now, "most": most})
        return [(to_delivery(row[:-1], self._cipher), row[-1]) for row in rows]

    def hurry(self, code: int, now: datetime) -> int:
        """Make due at once what waits because of a platform's code (额度恢复); return how many."""
        return self._transaction.write(_HURRY, {"row_code": code, "now": now, "next_at": now})

    def has_pending(self) -> bool:
        """Tell whether anything waits to be sent, now or later (有待发)."""
        questions = (_ANY_QUEUED, _ANY_BEGUN, _ANY_TO_COME)
        return any(self._transaction.row(question) is not None for question in questions)

    def mark_gone(self, openid: str) -> None:
        """Note that an account does not follow (已取消关注), until it speaks again."""
        self._transaction.write(_GONE, {"row_openid": openid})

    def _ids(self, statement: Select[Any], parameters: dict[str, Any]) -> list[str]:
        return [row.id for row in self._transaction.rows(self._transaction.passing_over(statement), parameters)]
