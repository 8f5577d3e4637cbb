"""The staff console: stages and milestones of graduates, accounts, audit log, uploads, the cut-off, templates.

Revision: 0003, after 0002
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Copied from storage/tables.py as it was: a migration must not change when the tables do.
OPTIONS: dict[str, Any] = {
    f"{dialect}_{name}": value
    for dialect in ("mysql", "mariadb")
    for name, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}
ID, ENUM, WORD, MOMENT, SEASON = sa.CHAR(32), sa.String(16), sa.String(255), sa.BigInteger(), sa.String(32)
SEALED = sa.LargeBinary()
LONG_SEALED = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PROGRESS = ["college", "major", "class_name", "counsellor_staff_number", "counsellor_name", "stage", "season_id"]
PREFIXES = dict.fromkeys(PROGRESS[:5], 60)

# The order of bot.registration.stage.Stage, as far as SQL can tell it: a confirmation counts as one of the present
# data here, and a dossier's next change puts its stage right.
STAGE = """
UPDATE graduate SET stage_since = COALESCE(
    (SELECT MAX(v.issued_at) FROM verification v WHERE v.graduate_id = graduate.id),
    confirmed_at, archive_reviewed_at, archive_submitted_at, checked_at, 0),
stage = CASE
    WHEN confirmed_at IS NOT NULL AND EXISTS (
        SELECT 1 FROM verification v WHERE v.graduate_id = graduate.id
        AND v.closed_at IS NULL AND v.superseded_at IS NULL AND v.annulled_at IS NULL) THEN 'VERIFIED'
    WHEN confirmed_at IS NOT NULL AND real_person_at IS NOT NULL THEN 'UNVERIFIED'
    WHEN confirmed_at IS NOT NULL THEN 'NO_REAL_PERSON'
    WHEN openid IS NULL THEN 'UNBOUND'
    WHEN EXISTS (SELECT 1 FROM correction c WHERE c.id = graduate.correction_id AND c.state = 'OPEN') THEN 'CORRECTING'
    WHEN checked_at IS NULL THEN 'UNCHECKED'
    WHEN destination_code IS NULL THEN 'NO_DESTINATION'
    WHEN archive_status = 'MISSING' THEN 'ARCHIVE_MISSING'
    WHEN archive_status = 'RETURNED' THEN 'ARCHIVE_RETURNED'
    WHEN archive_status = 'SUBMITTED' THEN 'ARCHIVE_WAITS'
    ELSE 'UNCONFIRMED' END
"""


def upgrade() -> None:
    with op.batch_alter_table("graduate") as batch:
        batch.add_column(sa.Column("stage", ENUM))
        batch.add_column(sa.Column("stage_since", MOMENT))
        batch.add_column(sa.Column("school_digest", sa.CHAR(64)))
        batch.add_column(sa.Column("archive_returned", SEALED))
        batch.add_column(sa.Column("archive_hints", sa.SmallInteger()))
    op.execute(STAGE)
    op.execute("UPDATE graduate SET school_digest = ''")
    with op.batch_alter_table("graduate") as batch:
        batch.alter_column("stage", existing_type=ENUM, nullable=False)
        batch.alter_column("stage_since", existing_type=MOMENT, nullable=False)
        batch.alter_column("school_digest", existing_type=sa.CHAR(64), nullable=False)
    op.create_index("ix_graduate_name_season_id", "graduate", ["name", "season_id"])
    op.create_index(
        "ix_graduate_stage_season_id_stage_since_student_number",
        "graduate",
        ["stage", "season_id", "stage_since", "student_number"],
    )
    op.create_index("ix_graduate_progress", "graduate", PROGRESS, mysql_length=PREFIXES, mariadb_length=PREFIXES)
    op.drop_index("ix_graduate_college_season_id", "graduate")
    op.create_index("ix_footstep_who_at", "footstep", ["who", "at"])
    _graduates()
    _staff()
    _audit()
    _uploads()
    _season()
    _guard_audit()


def downgrade() -> None:
    names = ("milestone", "progress_day", "staff", "audit", "roster_piece", "roster_upload")
    for table in (*names, "cutoff_graduate", "cutoff_run", "reason_template"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_stays()")
    op.drop_index("ix_footstep_who_at", "footstep")
    op.create_index("ix_graduate_college_season_id", "graduate", ["college", "season_id"])
    op.drop_index("ix_graduate_progress", "graduate")
    op.drop_index("ix_graduate_stage_season_id_stage_since_student_number", "graduate")
    op.drop_index("ix_graduate_name_season_id", "graduate")
    with op.batch_alter_table("graduate") as batch:
        batch.drop_column("school_digest")
        batch.drop_column("stage_since")
        batch.drop_column("stage")


def _graduates() -> None:
    op.create_table(
        "milestone",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("graduate_id", ID, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("detail", WORD, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["graduate_id"], ["graduate.id"], name="fk_milestone_graduate_id_graduate"),
        sa.PrimaryKeyConstraint("id", name="pk_milestone"),
        **OPTIONS,
    )
    op.create_index("ix_milestone_graduate_id_at", "milestone", ["graduate_id", "at"])
    op.create_table(
        "progress_day",
        sa.Column("season_id", SEASON, nullable=False),
        sa.Column("dimension", ENUM, nullable=False),
        sa.Column("key", sa.String(160), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("stage", ENUM, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["season_id"], ["season.id"], name="fk_progress_day_season_id_season"),
        sa.PrimaryKeyConstraint("season_id", "dimension", "key", "day", "stage", name="pk_progress_day"),
        **OPTIONS,
    )


def _staff() -> None:
    op.create_table(
        "staff",
        sa.Column("id", ID, nullable=False),
        sa.Column("login", sa.String(64), nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("role", ENUM, nullable=False),
        sa.Column("staff_number", WORD, nullable=False),
        sa.Column("password_hash", WORD, nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("totp_secret", SEALED),
        sa.Column("totp_step", sa.BigInteger(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_staff"),
        sa.UniqueConstraint("login", name="uq_staff_login"),
        **OPTIONS,
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", SERIAL, autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor_id", sa.String(32), nullable=False),
        sa.Column("actor_name", WORD, nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("details", LONG_SEALED, nullable=False),
        sa.Column("previous", sa.CHAR(64), nullable=False),
        sa.Column("hash", sa.CHAR(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
        **OPTIONS,
    )
    op.create_index("ix_audit_subject_seq", "audit", ["subject", "seq"])
    op.create_index("ix_audit_actor_id_seq", "audit", ["actor_id", "seq"])


def _uploads() -> None:
    op.create_table(
        "roster_upload",
        sa.Column("id", ID, nullable=False),
        sa.Column("season_id", SEASON, nullable=False),
        sa.Column("staff_id", sa.String(32), nullable=False),
        sa.Column("file_name", WORD, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("state", ENUM, nullable=False),
        sa.Column("rows_seen", sa.Integer(), nullable=False),
        sa.Column("rows_total", sa.Integer(), nullable=False),
        sa.Column("lease_until", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.Column("result", LONG_SEALED),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["season_id"], ["season.id"], name="fk_roster_upload_season_id_season"),
        sa.PrimaryKeyConstraint("id", name="pk_roster_upload"),
        **OPTIONS,
    )
    op.create_index("ix_roster_upload_state_created_at", "roster_upload", ["state", "created_at"])
    op.create_index("ix_roster_upload_season_id_created_at", "roster_upload", ["season_id", "created_at"])
    op.create_table(
        "roster_piece",
        sa.Column("upload_id", ID, nullable=False),
        sa.Column("kind", ENUM, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data", LONG_SEALED, nullable=False),
        sa.ForeignKeyConstraint(["upload_id"], ["roster_upload.id"], name="fk_roster_piece_upload_id_roster_upload"),
        sa.PrimaryKeyConstraint("upload_id", "kind", "ordinal", name="pk_roster_piece"),
        **OPTIONS,
    )


def _season() -> None:
    op.create_table(
        "cutoff_run",
        sa.Column("season_id", SEASON, nullable=False),
        sa.Column("cutoff", sa.Date(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("reached", ID, nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.ForeignKeyConstraint(["season_id"], ["season.id"], name="fk_cutoff_run_season_id_season"),
        sa.PrimaryKeyConstraint("season_id", "cutoff", name="pk_cutoff_run"),
        **OPTIONS,
    )
    op.create_table(
        "cutoff_graduate",
        sa.Column("season_id", SEASON, nullable=False),
        sa.Column("cutoff", sa.Date(), nullable=False),
        sa.Column("graduate_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["season_id"], ["season.id"], name="fk_cutoff_graduate_season_id_season"),
        sa.PrimaryKeyConstraint("season_id", "cutoff", "graduate_id", name="pk_cutoff_graduate"),
        **OPTIONS,
    )
    op.create_table(
        "reason_template",
        sa.Column("id", ID, nullable=False),
        sa.Column("purpose", ENUM, nullable=False),
        sa.Column("text", WORD, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reason_template"),
        sa.UniqueConstraint("purpose", "text", name="uq_reason_template_purpose_text"),
        **OPTIONS,
    )


# What was written stays: a mistake of ours, or a stray hand, is refused by the database itself. Whoever may change
# tables can take the triggers away; then the chain of hashes tells.
_REFUSED = "the audit log is append-only"


def _guard_audit() -> None:
    dialect = op.get_bind().dialect.name
    if dialect == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_stays()"
        )
        return
    for event in ("UPDATE", "DELETE"):
        name = f"audit_no_{event.lower()}"
        if dialect == "sqlite":
            body = f"BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
        else:
            body = f"FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{_REFUSED}'"
        _create_trigger(f"CREATE TRIGGER {name} BEFORE {event} ON audit {body}", dialect)


def _create_trigger(statement: str, dialect: str) -> None:
    try:
        op.execute(statement)
    except sa.exc.DBAPIError as error:
        # With a binary log, MariaDB lets only SUPER (or log_bin_trust_function_creators) make triggers, which many
        # schools do not give an application: there the GRANTs of the README keep the log.
        needs_super = error.orig is not None and error.orig.args[:1] == (1419,)
        if dialect == "sqlite" or not needs_super:
            raise
