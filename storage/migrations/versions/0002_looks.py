"""What happens to a verification after it was issued: extensions, annulment, looks, receipts; counts of limits.

Revision: 0002, after 0001
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
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
# MariaDB takes no default for TEXT before 10.2.1; nullable first, filled, then closed, works everywhere.
ADDED = {"annulled_reason": "", "extensions": "[]"}


def upgrade() -> None:
    with op.batch_alter_table("verification") as batch:
        batch.add_column(sa.Column("annulled_at", MOMENT))
        for name in ADDED:
            batch.add_column(sa.Column(name, sa.Text()))
    verification = sa.table("verification", *(sa.column(name, sa.Text()) for name in ADDED))
    op.execute(verification.update().values(ADDED))
    with op.batch_alter_table("verification") as batch:
        for name in ADDED:
            batch.alter_column(name, existing_type=sa.Text(), nullable=False)
    _look()
    _receipt()
    _limit_count()


def downgrade() -> None:
    for table in ("limit_count", "receipt", "look"):
        op.drop_table(table)
    with op.batch_alter_table("verification") as batch:
        for name in (*ADDED, "annulled_at"):
            batch.drop_column(name)


def _look() -> None:
    op.create_table(
        "look",
        sa.Column("id", ID, nullable=False),
        sa.Column("verification_id", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("way", ENUM, nullable=False),
        sa.Column("standing", sa.CHAR(length=2), nullable=False),
        sa.Column("department", SEALED),
        sa.ForeignKeyConstraint(["verification_id"], ["verification.id"], name="fk_look_verification_id_verification"),
        sa.PrimaryKeyConstraint("id", name="pk_look"),
        **OPTIONS,
    )
    op.create_index("ix_look_verification_id_at", "look", ["verification_id", "at"])


def _receipt() -> None:
    op.create_table(
        "receipt",
        sa.Column("id", ID, nullable=False),
        sa.Column("verification_id", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("department", SEALED, nullable=False),
        sa.Column("contact", SEALED, nullable=False),
        sa.Column("note", SEALED),
        sa.Column("withdrawn_at", MOMENT),
        sa.Column("withdrawn_by", WORD, nullable=False),
        sa.ForeignKeyConstraint(
            ["verification_id"], ["verification.id"], name="fk_receipt_verification_id_verification"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_receipt"),
        **OPTIONS,
    )
    op.create_index("ix_receipt_at", "receipt", ["at"])
    op.create_index("ix_receipt_verification_id_at", "receipt", ["verification_id", "at"])


def _limit_count() -> None:
    op.create_table(
        "limit_count",
        sa.Column("key", sa.CHAR(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_limit_count"),
        **OPTIONS,
    )
    op.create_index("ix_limit_count_expires_at", "limit_count", ["expires_at"])
