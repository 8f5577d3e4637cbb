"""The tables of the staff console (控制台数据表), on the same metadata and by the same choices as storage/tables.py."""

from typing import Final

from sqlalchemy import (
    CHAR,
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql

from storage.tables import OPTIONS, Moment, graduate, metadata, season

_ID = CHAR(32)
_ENUM = String(16)
_WORD = String(255)
_LONG_SEALED: Final = LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")
# SQLite numbers rows by itself only in a column declared INTEGER.
_SERIAL = BigInteger().with_variant(Integer(), "sqlite")

milestone = Table(
    "milestone",
    metadata,
    Column("id", _SERIAL, primary_key=True),
    Column("graduate_id", _ID, ForeignKey(graduate.c.id), nullable=False),
    Column("kind", String(32), nullable=False, doc="name of bot.registration.stage.Milestone"),
    Column("detail", _WORD, nullable=False, doc="number of the verification it is about, or ''"),
    Column("at", Moment, nullable=False),
    Index(None, "graduate_id", "at"),
    **OPTIONS,
)

progress_day = Table(
    "progress_day",
    metadata,
    Column("season_id", String(32), ForeignKey(season.c.id), primary_key=True),
    Column("dimension", _ENUM, primary_key=True, doc="total, college, counsellor"),
    Column("key", String(160), primary_key=True, doc="'' for total, the college, the counsellor's staff number"),
    Column("day", Date, primary_key=True, doc="in Shanghai"),
    Column("stage", _ENUM, primary_key=True),
    Column("count", Integer, nullable=False),
    **OPTIONS,
)

staff = Table(
    "staff",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("login", String(64), nullable=False, unique=True),
    Column("name", _WORD, nullable=False),
    Column("role", _ENUM, nullable=False),
    Column("staff_number", _WORD, nullable=False),
    Column("password_hash", _WORD, nullable=False),
    Column("must_change", Boolean, nullable=False),
    Column("totp_secret", LargeBinary, doc="sealed; NULL without a second factor"),
    Column("totp_step", BigInteger, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment),
    Column("version", Integer, nullable=False),
    **OPTIONS,
)

audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("actor_id", String(32), nullable=False),
    Column("actor_name", _WORD, nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(32), nullable=False),
    Column("details", _LONG_SEALED, nullable=False),
    Column("previous", CHAR(64), nullable=False),
    Column("hash", CHAR(64), nullable=False),
    Index(None, "subject", "seq"),
    Index(None, "actor_id", "seq"),
    **OPTIONS,
)

roster_upload = Table(
    "roster_upload",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("season_id", String(32), ForeignKey(season.c.id), nullable=False),
    Column("staff_id", String(32), nullable=False, doc="who uploaded; no key, so that the command line can upload too"),
    Column("file_name", _WORD, nullable=False),
    Column("size", Integer, nullable=False, doc="bytes"),
    Column("state", _ENUM, nullable=False),
    Column("rows_seen", Integer, nullable=False),
    Column("rows_total", Integer, nullable=False, doc="0 while unknown"),
    Column("lease_until", Moment, doc="until when a worker holds it"),
    Column("created_at", Moment, nullable=False),
    Column("finished_at", Moment, doc="of the last step that ended"),
    Column("result", _LONG_SEALED, doc="sealed JSON: what the preview or the application found"),
    Column("version", Integer, nullable=False),
    Index(None, "state", "created_at"),
    Index(None, "season_id", "created_at"),
    **OPTIONS,
)

roster_piece = Table(
    "roster_piece",
    metadata,
    Column("upload_id", _ID, ForeignKey(roster_upload.c.id), primary_key=True),
    Column("kind", _ENUM, primary_key=True, doc="file, or undo"),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("data", _LONG_SEALED, nullable=False, doc="sealed; at most half a MiB, for packets are limited"),
    **OPTIONS,
)

cutoff_run = Table(
    "cutoff_run",
    metadata,
    Column("season_id", String(32), ForeignKey(season.c.id), primary_key=True),
    Column("cutoff", Date, primary_key=True),
    Column("at", Moment, nullable=False, doc="when it began"),
    Column("count", Integer, nullable=False, doc="unplaced at first; registered, once finished"),
    Column("reached", _ID, nullable=False, doc="the last graduate handled, in the order of identifiers; '' at first"),
    Column("finished_at", Moment),
    **OPTIONS,
)

cutoff_graduate = Table(
    "cutoff_graduate",
    metadata,
    Column("season_id", String(32), ForeignKey(season.c.id), primary_key=True),
    Column("cutoff", Date, primary_key=True),
    # No key of graduate: the undoing of an import may take a graduate away.
    Column("graduate_id", _ID, primary_key=True),
    **OPTIONS,
)

reason_template = Table(
    "reason_template",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("purpose", _ENUM, nullable=False, doc="what it is a reason for: ARCHIVE, CORRECTION"),
    Column("text", _WORD, nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("purpose", "text"),
    **OPTIONS,
)
