"""The tables of the notice ledger (通知台账数据表), on the same metadata and by the choices of storage/tables.py."""

from typing import Final

from sqlalchemy import (
    CHAR,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects import mysql

from storage.tables import OPTIONS, Moment, metadata, season

_ID, _NO_ID, _ENUM, _WORD = CHAR(32), String(32), String(16), String(255)
_LONG_SEALED: Final = LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")

broadcast = Table(
    "broadcast",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("season_id", String(32), ForeignKey(season.c.id), nullable=False),
    Column("state", _ENUM, nullable=False, index=True),
    Column("planned", _WORD, unique=True, doc="name of the planned notice and its day, so that it comes once; or NULL"),
    Column("title", _WORD, nullable=False),
    Column("text", Text, nullable=False),
    Column("day", Date),
    Column("use_mass", Boolean, nullable=False),
    Column("audience", _LONG_SEALED, nullable=False, doc="sealed JSON: it may name student numbers"),
    Column("created_by", _NO_ID, nullable=False),
    Column("created_name", _WORD, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("approved_by", _NO_ID, doc="NULL while nobody has approved it"),
    Column("approved_name", _WORD),
    Column("approved_at", Moment),
    Column("scheduled_at", Moment),
    Column("not_after", Moment),
    Column("started_at", Moment),
    Column("reached", _NO_ID, nullable=False, doc="the last graduate written into the ledger, in order; '' at first"),
    Column("frozen_at", Moment, doc="when the audience was complete; nothing is sent before"),
    Column("size", Integer, nullable=False),
    Column("ended_at", Moment),
    Column("said", Text, nullable=False),
    Index(None, "season_id", "created_at"),
    **OPTIONS,
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", _ID, primary_key=True, doc="also the client_msg_id of every attempt"),
    Column("broadcast_id", _NO_ID, nullable=False, doc="'' for a message of the system itself"),
    Column("graduate_id", _NO_ID, nullable=False, doc="no key: the undoing of an import may take a graduate away"),
    Column("openid", String(64), nullable=False),
    Column("key", _WORD, nullable=False),
    Column("data", _LONG_SEALED, doc="NULL where the broadcast has the text"),
    Column("once", _WORD, nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
    Column("state", _ENUM, nullable=False),
    Column("reason", _ENUM),
    Column("channel", _ENUM),
    Column("why", Text, nullable=False),
    Column("refused", _WORD, nullable=False, doc="names of the channels that refused it, parted by blanks"),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Moment, doc="NULL while it waits for a mass message"),
    Column("sending_at", Moment),
    Column("unsure_since", Moment),
    Column("message_id", String(64), nullable=False),
    Column("code", Integer, nullable=False),
    Column("to_show", Boolean, nullable=False),
    Column("shown_at", Moment),
    Column("lease_owner", String(64), nullable=False),
    Column("lease_until", Moment),
    Column("batch_id", _NO_ID, nullable=False),
    Index(None, "broadcast_id", "state", "next_at"),
    Index(None, "state", "lease_until"),
    Index(None, "openid", "sending_at"),
    Index(None, "graduate_id", "created_at"),
    Index(None, "message_id"),
    Index(None, "batch_id"),
    **OPTIONS,
)

mass_batch = Table(
    "mass_batch",
    metadata,
    Column("id", _ID, primary_key=True, doc="also the clientmsgid of every attempt"),
    Column("broadcast_id", _ID, ForeignKey(broadcast.c.id), nullable=False, index=True),
    Column("state", _ENUM, nullable=False),
    Column("reason", _ENUM),
    Column("size", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Moment),
    Column("sending_at", Moment),
    Column("unsure_since", Moment),
    Column("message_id", String(64), nullable=False, index=True),
    Column("code", Integer, nullable=False),
    Column("counts", Text, nullable=False, doc="JSON of what MASSSENDJOBFINISH counted; '' before"),
    Column("lease_owner", String(64), nullable=False),
    Column("lease_until", Moment),
    Index(None, "state", "next_at"),
    **OPTIONS,
)

delivery_report = Table(
    "delivery_report",
    metadata,
    Column("key", CHAR(64), primary_key=True, doc="digest of who, when and which message: a report twice is one"),
    Column("message_id", String(64), nullable=False, index=True),
    Column("openid", String(64), nullable=False),
    Column("at", Moment, nullable=False, doc="CreateTime of the event"),
    Column("state", _ENUM, nullable=False, doc="the state of a delivery it means"),
    Column("reason", _ENUM),
    Column("counts", Text, nullable=False, doc="JSON of the numbers of a mass job, '' for one person's"),
    Column("received_at", Moment, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_at", Moment, doc="when it is looked at again; NULL once it is matched or given up"),
    Column("delivery_id", _NO_ID, nullable=False, doc="what it was about, '' while nobody knows"),
    Index(None, "next_at"),
    **OPTIONS,
)

subscription = Table(
    "subscription",
    metadata,
    Column("openid", String(64), primary_key=True),
    Column("template_id", String(64), primary_key=True),
    Column("left", Integer, nullable=False, doc="notices the person agreed to and did not get yet"),
    Column("changed_at", Moment, nullable=False),
    **OPTIONS,
)

planned_notice = Table(
    "planned_notice",
    metadata,
    Column("season_id", String(32), ForeignKey(season.c.id), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("is_on", Boolean, nullable=False),
    Column("title", _WORD, nullable=False),
    Column("text", Text, nullable=False),
    **OPTIONS,
)

channel_halt = Table(
    "channel_halt",
    metadata,
    Column("scope", _ENUM, primary_key=True, doc="name of a channel, or ALL"),
    Column("until", Moment, doc="NULL: until somebody says so"),
    Column("code", Integer, nullable=False),
    Column("said", Text, nullable=False),
    Column("at", Moment, nullable=False),
    **OPTIONS,
)

pace = Table(
    "pace",
    metadata,
    Column("name", _ENUM, primary_key=True),
    Column("next_slot", Moment, nullable=False, doc="when the next call may begin"),
    Column("rate", Integer, nullable=False, doc="calls in a thousand seconds, at present"),
    Column("changed_at", Moment, nullable=False, doc="when the rate was changed last, up or down"),
    Column("lowered_at", Moment, nullable=False, doc="when it was lowered last"),
    **OPTIONS,
)

sender_beat = Table(
    "sender_beat",
    metadata,
    Column("name", _ENUM, primary_key=True),
    Column("at", Moment, nullable=False, doc="when some worker last said that it lives"),
    **OPTIONS,
)
