"""The first tables.

Revision: 0001, after nothing
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Copied from storage/tables.py as it was: a migration must not change when the tables do.
OPTIONS: dict[str, Any] = {
    f"{dialect}_{name}": value
    for dialect in ("mysql", "mariadb")
    for name, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}
ID, ENUM, WORD, MOMENT = sa.CHAR(32), sa.String(16), sa.String(255), sa.BigInteger()
SEALED = sa.LargeBinary()
LONG_SEALED = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")


def upgrade() -> None:
    for create in (
        _season,
        _season_version,
        _graduate,
        _verification,
        _correction,
        _talk,
        _identity_failure,
        _notice,
        _footstep,
        _access_token,
    ):
        create()


def downgrade() -> None:
    for table in (
        "access_token",
        "footstep",
        "notice",
        "identity_failure",
        "talk",
        "correction",
        "verification",
        "graduate",
        "season_version",
        "season",
    ):
        op.drop_table(table)


def _season() -> None:
    op.create_table(
        "season",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("school", WORD, nullable=False),
        sa.Column("opens", sa.Date(), nullable=False),
        sa.Column("closes", sa.Date(), nullable=False),
        sa.Column("cutoff", sa.Date(), nullable=False),
        sa.Column("changes_until", sa.Date(), nullable=False),
        sa.Column("office", WORD, nullable=False),
        sa.Column("office_phone", WORD, nullable=False),
        sa.Column("hotline", WORD, nullable=False),
        sa.Column("mail", WORD, nullable=False),
        sa.Column("school_system_url", sa.Text(), nullable=False),
        sa.Column("chsi_url", sa.Text(), nullable=False),
        sa.Column("verification_months", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("is_current", sa.SmallInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_season"),
        sa.UniqueConstraint("is_current", name="uq_season_is_current"),
        **OPTIONS,
    )


def _season_version() -> None:
    op.create_table(
        "season_version",
        sa.Column("season_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["season_id"], ["season.id"], name="fk_season_version_season_id_season"),
        sa.PrimaryKeyConstraint("season_id", "version", name="pk_season_version"),
        **OPTIONS,
    )


def _graduate() -> None:
    op.create_table(
        "graduate",
        sa.Column("id", ID, nullable=False),
        sa.Column("season_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("student_number", sa.String(length=32), nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("identity_number", SEALED, nullable=False),
        sa.Column("identity_index", sa.CHAR(length=64), nullable=False),
        sa.Column("college", WORD, nullable=False),
        sa.Column("major", WORD, nullable=False),
        sa.Column("class_name", WORD, nullable=False),
        sa.Column("level", ENUM, nullable=False),
        sa.Column("graduation_date", sa.Date(), nullable=False),
        sa.Column("completion", ENUM, nullable=False),
        sa.Column("counsellor_name", WORD, nullable=False),
        sa.Column("counsellor_phone", SEALED, nullable=True),
        sa.Column("counsellor_staff_number", WORD, nullable=False),
        sa.Column("exam_number", WORD, nullable=False),
        sa.Column("mobile", SEALED, nullable=True),
        sa.Column("place_of_origin", WORD, nullable=False),
        sa.Column("destination_code", sa.String(length=8), nullable=True),
        sa.Column("destination_unit", sa.Text(), nullable=True),
        sa.Column("destination_uscc", WORD, nullable=True),
        sa.Column("destination_place", sa.Text(), nullable=True),
        sa.Column("destination_post", sa.Text(), nullable=True),
        sa.Column("archive_status", ENUM, nullable=False),
        sa.Column("archive_transfer_type", ENUM, nullable=True),
        sa.Column("archive_receiving_type", ENUM, nullable=True),
        sa.Column("archive_unit", sa.Text(), nullable=True),
        sa.Column("archive_address", SEALED, nullable=True),
        sa.Column("archive_postcode", WORD, nullable=True),
        sa.Column("archive_contact", SEALED, nullable=True),
        sa.Column("archive_phone", SEALED, nullable=True),
        sa.Column("archive_reason", sa.Text(), nullable=False),
        sa.Column("archive_submitted_at", MOMENT, nullable=True),
        sa.Column("archive_reviewed_at", MOMENT, nullable=True),
        sa.Column("household_moved", sa.Boolean(), nullable=False),
        sa.Column("household_address", SEALED, nullable=True),
        sa.Column("chsi_bound", sa.Boolean(), nullable=True),
        sa.Column("checked_at", MOMENT, nullable=True),
        sa.Column("confirmed_at", MOMENT, nullable=True),
        sa.Column("confirmed_digest", sa.CHAR(length=64), nullable=True),
        sa.Column("reopened_at", MOMENT, nullable=True),
        sa.Column("real_person_at", MOMENT, nullable=True),
        sa.Column("openid", sa.String(length=64), nullable=True),
        sa.Column("correction_id", ID, nullable=True),
        sa.Column("verification_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["season_id"], ["season.id"], name="fk_graduate_season_id_season"),
        sa.PrimaryKeyConstraint("id", name="pk_graduate"),
        sa.UniqueConstraint("openid", "season_id", name="uq_graduate_openid_season_id"),
        sa.UniqueConstraint("student_number", "season_id", name="uq_graduate_student_number_season_id"),
        **OPTIONS,
    )
    op.create_index("ix_graduate_identity_index", "graduate", ["identity_index"])
    op.create_index(
        "ix_graduate_archive_status_season_id_archive_submitted_at",
        "graduate",
        ["archive_status", "season_id", "archive_submitted_at"],
    )
    op.create_index("ix_graduate_college_season_id", "graduate", ["college", "season_id"])
    op.create_index(
        "ix_graduate_counsellor_staff_number_season_id", "graduate", ["counsellor_staff_number", "season_id"]
    )
    op.create_index("ix_graduate_destination_code_season_id", "graduate", ["destination_code", "season_id"])


def _verification() -> None:
    op.create_table(
        "verification",
        sa.Column("id", ID, nullable=False),
        sa.Column("graduate_id", ID, nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("number", sa.CHAR(length=8), nullable=False),
        sa.Column("subject", ENUM, nullable=False),
        sa.Column("digest", sa.CHAR(length=64), nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("superseded_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["graduate_id"], ["graduate.id"], name="fk_verification_graduate_id_graduate"),
        sa.PrimaryKeyConstraint("id", name="pk_verification"),
        sa.UniqueConstraint("graduate_id", "ordinal", name="uq_verification_graduate_id_ordinal"),
        sa.UniqueConstraint("number", name="uq_verification_number"),
        **OPTIONS,
    )


def _correction() -> None:
    op.create_table(
        "correction",
        sa.Column("id", ID, nullable=False),
        sa.Column("graduate_id", ID, nullable=False),
        sa.Column("items", LONG_SEALED, nullable=False),
        sa.Column("state", ENUM, nullable=False),
        sa.Column("reported_at", MOMENT, nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["graduate_id"], ["graduate.id"], name="fk_correction_graduate_id_graduate"),
        sa.PrimaryKeyConstraint("id", name="pk_correction"),
        **OPTIONS,
    )
    op.create_index("ix_correction_graduate_id", "correction", ["graduate_id"])
    op.create_index("ix_correction_state", "correction", ["state"])


def _talk() -> None:
    op.create_table(
        "talk",
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("following", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("memory", LONG_SEALED, nullable=False),
        sa.PrimaryKeyConstraint("openid", name="pk_talk"),
        **OPTIONS,
    )


def _identity_failure() -> None:
    op.create_table(
        "identity_failure",
        sa.Column("subject", sa.CHAR(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("first_at", MOMENT, nullable=False),
        sa.Column("locked_until", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("subject", name="pk_identity_failure"),
        **OPTIONS,
    )


def _notice() -> None:
    op.create_table(
        "notice",
        sa.Column("id", ID, nullable=False),
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("key", WORD, nullable=False),
        sa.Column("data", LONG_SEALED, nullable=False),
        sa.Column("once", WORD, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("state", ENUM, nullable=False),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.Column("shown_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
        sa.UniqueConstraint("once", name="uq_notice_once"),
        **OPTIONS,
    )
    op.create_index("ix_notice_openid_state", "notice", ["openid", "state"])
    op.create_index("ix_notice_state_next_at", "notice", ["state", "next_at"])


def _footstep() -> None:
    op.create_table(
        "footstep",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("who", sa.String(length=32), nullable=False),
        sa.Column("rev", sa.String(length=64), nullable=False),
        sa.Column("step", WORD, nullable=False),
        sa.Column("outcome", WORD, nullable=False),
        sa.Column("to_step", WORD, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_footstep"),
        **OPTIONS,
    )
    op.create_index("ix_footstep_at", "footstep", ["at"])


def _access_token() -> None:
    op.create_table(
        "access_token",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=1024), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("lock_owner", sa.String(length=32), nullable=False),
        sa.Column("lock_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_access_token"),
        **OPTIONS,
    )
