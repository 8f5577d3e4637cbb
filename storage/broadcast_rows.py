"""Broadcasts as rows (通知行): explicit translation between the table ``broadcast`` and the frozen value."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from bot.notices.audience import Audience
from bot.notices.broadcast import Broadcast, BroadcastState, Message, Signature
from storage.cipher import FieldCipher
from storage.notice_tables import broadcast

_AUDIENCE = "broadcast:audience"
_NAMES = (
    "id",
    "version",
    "season_id",
    "state",
    "planned",
    "title",
    "text",
    "day",
    "use_mass",
    "audience",
    "created_by",
    "created_name",
    "created_at",
    "approved_by",
    "approved_name",
    "approved_at",
    "scheduled_at",
    "not_after",
    "started_at",
    "frozen_at",
    "size",
    "ended_at",
    "said",
)
BROADCAST_COLUMNS = tuple(broadcast.c[name] for name in _NAMES)
"""The columns to select for ``to_broadcast``."""


def to_broadcast(values: Sequence[Any] | Row[Any], cipher: FieldCipher) -> Broadcast:
    """Return the broadcast (通知) of the values of BROADCAST_COLUMNS."""
    row = dict(zip(_NAMES, values, strict=True))
    approved = row["approved_by"]
    return Broadcast(
        id=row["id"],
        version=row["version"],
        season_id=row["season_id"],
        state=BroadcastState[row["state"]],
        planned=row["planned"] or "",
        message=Message(row["title"], row["text"], row["day"], bool(row["use_mass"])),
        audience=Audience.from_json(cipher.unseal(row["audience"], _AUDIENCE, row["id"])),
        created=Signature(row["created_by"], row["created_name"], row["created_at"]),
        approved=None if approved is None else Signature(approved, row["approved_name"], row["approved_at"]),
        scheduled_at=row["scheduled_at"],
        not_after=row["not_after"],
        started_at=row["started_at"],
        frozen_at=row["frozen_at"],
        size=row["size"],
        ended_at=row["ended_at"],
        said=row["said"],
    )


def from_broadcast(one: Broadcast, cipher: FieldCipher) -> dict[str, Any]:
    """Return the columns of a broadcast (列值), but for id and version."""
    approved = one.approved
    return {
        "season_id": one.season_id,
        "state": one.state.name,
        "planned": one.planned or None,
        "title": one.message.title,
        "text": one.message.text,
        "day": one.message.day,
        "use_mass": one.message.use_mass,
        "audience": cipher.seal(one.audience.to_json(), _AUDIENCE, one.id),
        "created_by": one.created.account_id,
        "created_name": one.created.name,
        "created_at": one.created.at,
        "approved_by": approved.account_id if approved else None,
        "approved_name": approved.name if approved else None,
        "approved_at": approved.at if approved else None,
        "scheduled_at": one.scheduled_at,
        "not_after": one.not_after,
        "started_at": one.started_at,
        "frozen_at": one.frozen_at,
        "size": one.size,
        "ended_at": one.ended_at,
        "said": one.said,
    }
