"""Telling (告知) in the database: what the rest of the system puts into the ledger, and what is shown in the chat."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, case, insert, select, true, update

from bot.notices.delivery import Delivery, DeliveryState, Reason
from bot.notices.ports import Held
from storage.broadcast_rows import BROADCAST_COLUMNS, to_broadcast
from storage.cipher import FieldCipher
from storage.delivery_rows import DELIVERY_COLUMNS, WIDTH, new_row, to_delivery
from storage.notice_tables import broadcast, delivery
from storage.transaction import Transaction

_c = delivery.c
_UNSENT = (DeliveryState.QUEUED.name, DeliveryState.LEASED.name)

_INSERT = insert(delivery)
_IS_KNOWN = select(_c.id).where(_c.once == bindparam("once"))
_HELD = (
    select(*DELIVERY_COLUMNS, *BROADCAST_COLUMNS)
    .select_from(delivery.outerjoin(broadcast, broadcast.c.id == _c.broadcast_id))
    .where(_c.openid == bindparam("openid"), _c.to_show == true())
    .order_by(_c.created_at, _c.id)
)
_SHOW = update(delivery).where(_c.id == bindparam("row_id"), _c.to_show == true()).values(to_show=False)
_HIDE = update(delivery).where(_c.openid == bindparam("row_openid"), _c.to_show == true()).values(to_show=False)
# What may have gone out is not called unsent; a broadcast looks the account up anew before it sends.
_DROP = (
    update(delivery)
    .where(_c.openid == bindparam("row_openid"), _c.state.in_(_UNSENT), _c.broadcast_id == "")
    .values(
        state=case((_c.unsure_since.is_(None), DeliveryState.SKIPPED.name), else_=DeliveryState.UNKNOWN.name),
        reason=Reason.LOST_BINDING.name,
        lease_owner="",
        lease_until=None,
    )
)


class SqlNotices:
    """What is told, in the database (告知); fits ``bot.notices.ports.Notices``."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._cipher = cipher

    def add(self, delivery: Delivery) -> bool:
        """Store a delivery; False if one with the same ``once`` is there already."""
        if self._transaction.row(_IS_KNOWN, {"once": delivery.once}):
            return False
        return self._transaction.write_new(_INSERT, new_row(delivery, self._cipher))

    def take_held(self, openid: str, now: datetime) -> Sequence[Held]:
        """Return what waits to be shown to the account (待补发), oldest first, and mark it shown."""
        taken = []
        for row in self._transaction.rows(_HELD, {"openid": openid}):
            if self._transaction.write(_SHOW, {"row_id": row[0], "shown_at": now}) == 1:
                of = to_broadcast(row[WIDTH:], self._cipher) if row[WIDTH] is not None else None
                taken.append(Held(to_delivery(row[:WIDTH], self._cipher), of))
        return taken

    def drop(self, openid: str) -> None:
        """Take back what the account was not told yet (作废): it has lost its binding."""
        self._transaction.write(_DROP, {"row_openid": openid})
        self._transaction.write(_HIDE, {"row_openid": openid})
