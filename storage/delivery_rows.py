"""Deliveries as rows (投递行): explicit translation between the table ``delivery`` and the frozen value."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row

from bot.notices.delivery import Channel, Delivery, DeliveryState, Reason
from storage.cipher import FieldCipher
from storage.notice_tables import delivery

_DATA = "delivery:data"
_FIELDS = (
    "id",
    "openid",
    "key",
    "data",
    "once",
    "created_at",
    "broadcast_id",
    "graduate_id",
    "state",
    "reason",
    "channel",
    "why",
    "refused",
    "attempts",
    "next_at",
    "sending_at",
    "unsure_since",
    "message_id",
    "code",
    "to_show",
)
DELIVERY_COLUMNS = tuple(delivery.c[name] for name in _FIELDS)
"""The columns to select for ``to_delivery``."""

WIDTH = len(DELIVERY_COLUMNS)


def to_delivery(values: Sequence[Any] | Row[Any], cipher: FieldCipher) -> Delivery:
    """Return the delivery (投递) of the values of DELIVERY_COLUMNS."""
    row = dict(zip(_FIELDS, values, strict=True))
    sealed = row["data"]
    row["data"] = {} if sealed is None else json.loads(cipher.unseal(sealed, _DATA, row["id"]))
    row["state"] = DeliveryState[row["state"]]
    row["reason"] = Reason[row["reason"]] if row["reason"] else None
    row["channel"] = Channel[row["channel"]] if row["channel"] else None
    row["refused"] = frozenset(Channel[name] for name in row["refused"].split())
    row["to_show"] = bool(row["to_show"])
    return Delivery(**row)


def moving(delivery: Delivery) -> dict[str, Any]:
    """Return the columns that change while a delivery moves (会变的列)."""
    return {
        "openid": delivery.openid,
        "state": delivery.state.name,
        "reason": delivery.reason.name if delivery.reason else None,
        "channel": delivery.channel.name if delivery.channel else None,
        "why": delivery.why,
        "refused": " ".join(sorted(channel.name for channel in delivery.refused)),
        "attempts": delivery.attempts,
        "next_at": delivery.next_at,
        "sending_at": delivery.sending_at,
        "unsure_since": delivery.unsure_since,
        "message_id": delivery.message_id,
        "code": delivery.code,
        "to_show": delivery.to_show,
    }


def new_row(delivery: Delivery, cipher: FieldCipher) -> Mapping[str, Any]:
    """Return the whole row of a delivery that is new (新行)."""
    data = json.dumps(dict(delivery.data), ensure_ascii=False) if delivery.data else ""
    return {
        "id": delivery.id,
        "broadcast_id": delivery.broadcast_id,
        "graduate_id": delivery.graduate_id,
        "key": delivery.key,
        "data": cipher.seal_optional(data, _DATA, delivery.id),
        "once": delivery.once,
        "created_at": delivery.created_at,
        "shown_at": None,
        "lease_owner": "",
        "lease_until": None,
        "batch_id": "",
        **moving(delivery),
    }
