"""The tables (数据表): one schema for SQLite, PostgreSQL and MariaDB.

Choices that hold everywhere: identifiers are UUID4 in 32 hex digits, made by the caller; moments are whole
microseconds since 1970 UTC (``Moment``); enumerations are stored by their English name; free text has no length
limit, words that are looked up have 255; ``LargeBinary`` holds sealed values (storage/cipher.py).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CHAR,
    BigInteger,
    Boolean,
    Column,
    Date,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql

from bot.moments import from_microseconds, to_microseconds
from storage.access_token import access_token_table


class Moment(TypeDecorator[datetime]):
    """A moment (时刻): microseconds since 1970 UTC.

    The date-time types of the three databases differ in zone and precision; a number is the same in all, exact,
    quick to translate, and ordered. A naive datetime is refused.
    """

    impl = BigInteger
    cache_ok = True

    # Whole processors instead of TypeDecorator's ``process_*`` hooks: a row has ten moments, each three calls deep.

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], int | None]:  # noqa: ARG002 -- SQLAlchemy's signature
        """Return what makes a number of a moment; ``datetime`` itself raises TypeError for a naive value."""
        return lambda value: None if value is None else to_microseconds(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[int | None], datetime | None]:  # noqa: ARG002 -- the same
        """Return what makes a moment in UTC of a number."""
        return lambda value: None if value is None else from_microseconds(value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Bytewise collation: openids, keys and student numbers differ by case, and 㛃 is not 䶮.
OPTIONS: dict[str, Any] = {
    f"{dialect}_{name}": value
    for dialect in ("mysql", "mariadb")
    for name, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}

_ID, _ENUM, _WORD, _SEALED = CHAR(32), String(16), String(255), LargeBinary()
_LONG_SEALED = LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")  # a BLOB ends at 64 KiB there

_PROGRESS = ("college", "major", "class_name", "counsellor_staff_number", "counsellor_name", "stage", "season_id")
_PREFIXES = dict.fromkeys(_PROGRESS[:5], 60)

season = Table(
    "season",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("school", _WORD, nullable=False),
    Column("opens", Date, nullable=False),
    Column("closes", Date, nullable=False),
    Column("cutoff", Date, nullable=False),
    Column("changes_until", Date, nullable=False),
    Column("office", _WORD, nullable=False),
    Column("office_phone", _WORD, nullable=False),
    Column("hotline", _WORD, nullable=False),
    Column("mail", _WORD, nullable=False),
    Column("school_system_url", Text, nullable=False),
    Column("chsi_url", Text, nullable=False),
    Column("verification_months", SmallInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("is_current", SmallInteger, unique=True, doc="1 for the one current season, else NULL"),
    **OPTIONS,
)

season_version = Table(
    "season_version",
    metadata,
    Column("season_id", String(32), ForeignKey(season.c.id), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("settings", Text, nullable=False, doc="JSON; rows are only ever added"),
    **OPTIONS,
)

graduate = Table(
    "graduate",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("season_id", String(32), ForeignKey(season.c.id), nullable=False),
    Column("version", Integer, nullable=False),
    Column("student_number", String(32), nullable=False),
    Column("name", _WORD, nullable=False),
    Column("identity_number", _SEALED, nullable=False),
    Column("identity_index", CHAR(64), nullable=False, index=True),
    Column("college", _WORD, nullable=False),
    Column("major", _WORD, nullable=False),
    Column("class_name", _WORD, nullable=False),
    Column("level", _ENUM, nullable=False),
    Column("graduation_date", Date, nullable=False),
    Column("completion", _ENUM, nullable=False),
    Column("counsellor_name", _WORD, nullable=False),
    Column("counsellor_phone", _SEALED),
    Column("counsellor_staff_number", _WORD, nullable=False),
    Column("exam_number", _WORD, nullable=False),
    Column("mobile", _SEALED),
    Column("place_of_origin", _WORD, nullable=False),
    Column("destination_code", String(8), doc="NULL without a destination (N6)"),
    Column("destination_unit", Text),
    Column("destination_uscc", _WORD),
    Column("destination_place", Text),
    Column("destination_post", Text),
    Column("archive_status", _ENUM, nullable=False),
    Column("archive_transfer_type", _ENUM, doc="NULL without items"),
    Column("archive_receiving_type", _ENUM),
    Column("archive_unit", Text),
    Column("archive_address", _SEALED),
    Column("archive_postcode", _WORD),
    Column("archive_contact", _SEALED),
    Column("archive_phone", _SEALED),
    Column("archive_reason", Text, nullable=False),
    Column("archive_submitted_at", Moment),
    Column("archive_reviewed_at", Moment),
    Column("archive_returned", _SEALED, doc="JSON of earlier versions that were returned, oldest first; NULL without"),
    Column("archive_hints", SmallInteger, doc="how many hints a submitted entry gives, to filter by; else NULL"),
    Column("household_moved", Boolean, nullable=False),
    Column("household_address", _SEALED),
    Column("chsi_bound", Boolean),
    Column("checked_at", Moment),
    Column("confirmed_at", Moment),
    Column("confirmed_digest", CHAR(64)),
    Column("reopened_at", Moment),
    Column("real_person_at", Moment),
    Column("openid", String(64)),
    Column("correction_id", _ID, doc="the latest error report, so that dossiers without one cost no second look"),
    Column("verification_count", Integer, nullable=False, doc="rows in verification, for the same reason"),
    Column("stage", _ENUM, nullable=False, doc="name of bot.registration.stage.Stage, kept by the writer"),
    Column("stage_since", Moment, nullable=False),
    Column("school_digest", CHAR(64), nullable=False, doc="of storage/school_digest.py; '' until the next change"),
    # The season comes last in every index, for nearly all rows share it.
    UniqueConstraint("student_number", "season_id"),
    UniqueConstraint("openid", "season_id"),  # of one season only: who did the bachelor here comes back as a master
    Index(None, "counsellor_staff_number", "season_id"),
    Index(None, "name", "season_id"),
    Index(None, "stage", "season_id", "stage_since", "student_number"),  # who waits longest, page by page
    # All that the progress pages count, so that they touch no row; InnoDB limits the length of a key.
    Index("ix_graduate_progress", *_PROGRESS, mysql_length=_PREFIXES, mariadb_length=_PREFIXES),
    Index(None, "archive_status", "season_id", "archive_submitted_at"),
    Index(None, "destination_code", "season_id"),
    **OPTIONS,
)

verification = Table(
    "verification",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("graduate_id", _ID, ForeignKey(graduate.c.id), nullable=False),
    Column("ordinal", Integer, nullable=False, doc="place among the graduate's, oldest 0"),
    Column("number", CHAR(8), nullable=False, unique=True),
    Column("subject", _ENUM, nullable=False),
    Column("digest", CHAR(64), nullable=False),
    Column("issued_at", Moment, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("closed_at", Moment),
    Column("superseded_at", Moment),
    Column("annulled_at", Moment),
    Column("annulled_reason", Text, nullable=False),
    Column("extensions", Text, nullable=False, doc="JSON: moment, last day before, last day since; only ever added to"),
    UniqueConstraint("graduate_id", "ordinal"),
    **OPTIONS,
)

look = Table(
    "look",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("verification_id", _ID, ForeignKey(verification.c.id), nullable=False),
    Column("at", Moment, nullable=False),
    Column("way", _ENUM, nullable=False),
    Column("standing", CHAR(2), nullable=False, doc="the code shown"),
    Column("department", _SEALED, doc="as stated by whoever looked; NULL for nothing stated"),
    Index(None, "verification_id", "at"),
    **OPTIONS,
)

receipt = Table(
    "receipt",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("verification_id", _ID, ForeignKey(verification.c.id), nullable=False),
    Column("at", Moment, nullable=False, index=True),
    Column("department", _SEALED, nullable=False),
    Column("contact", _SEALED, nullable=False),
    Column("note", _SEALED),
    Column("withdrawn_at", Moment),
    Column("withdrawn_by", _WORD, nullable=False),
    Index(None, "verification_id", "at"),
    **OPTIONS,
)

limit_count = Table(
    "limit_count",
    metadata,
    Column("key", CHAR(64), primary_key=True, doc="blind: neither address nor number is shown"),
    Column("count", Integer, nullable=False),
    Column("expires_at", Moment, nullable=False, index=True),
    **OPTIONS,
)

correction = Table(
    "correction",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("graduate_id", _ID, ForeignKey(graduate.c.id), nullable=False, index=True),
    Column("items", _LONG_SEALED, nullable=False),
    Column("state", _ENUM, nullable=False, index=True),
    Column("reported_at", Moment, nullable=False),
    Column("decided_at", Moment),
    Column("answer", Text, nullable=False),
    **OPTIONS,
)

talk = Table(
    "talk",
    metadata,
    Column("openid", String(64), primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("following", Boolean, nullable=False),
    Column("at", BigInteger, nullable=False, doc="CreateTime of the newest message, whole seconds as WeChat sends it"),
    Column("spoke_at", BigInteger, doc="CreateTime of the newest message that opened the 48 hours, or NULL"),
    Column("acted_at", BigInteger, doc="CreateTime of the newest tap, follow or scan: one minute, or NULL"),
    Column("memory", _LONG_SEALED, nullable=False),
    **OPTIONS,
)

identity_failure = Table(
    "identity_failure",
    metadata,
    Column("subject", CHAR(64), primary_key=True, doc="blind index: neither openid nor student number is shown"),
    Column("failures", Integer, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("locked_until", Moment),
    **OPTIONS,
)

footstep = Table(
    "footstep",
    metadata,
    # SQLite numbers rows by itself only in a column declared INTEGER.
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("who", String(32), nullable=False, doc="graduate.id or '': the account itself is not in the trace"),
    Column("rev", String(64), nullable=False),
    Column("step", _WORD, nullable=False),
    Column("outcome", _WORD, nullable=False),
    Column("to_step", _WORD, nullable=False),
    Column("at", Moment, nullable=False, index=True),
    Index(None, "who", "at"),
    **OPTIONS,
)

access_token = access_token_table(metadata)
