"""The notice ledger: broadcasts, deliveries, mass jobs, reports, subscriptions; the pace and halts of sending.

The outbox goes: there were no users yet, so nothing waits in it.

Revision: 0004, after 0003
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Copied from storage/tables.py as it was: a migration must not change when the tables do.
OPTIONS: dict[str, Any] = {
    f"{dialect}_{name}": value
    for dialect in ("mysql", "mariadb")
    for name, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}
ID, ENUM, WORD, MOMENT = sa.CHAR(32), sa.String(16), sa.String(255), sa.BigInteger()
NAME, LONG_NAME = sa.String(32), sa.String(64)
LONG_SEALED = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")


def upgrade() -> None:
    op.drop_table("notice")
    with op.batch_alter_table("talk") as batch:
        batch.add_column(sa.Column("spoke_at", sa.BigInteger()))
        batch.add_column(sa.Column("acted_at", sa.BigInteger()))
    for made in (
        _broadcast,
        _delivery,
        _mass_batch,
        _delivery_report,
        _subscription,
        _planned_notice,
        _channel_halt,
        _pace,
        _sender_beat,
    ):
        made()


def downgrade() -> None:
    names = ("sender_beat", "pace", "channel_halt", "planned_notice", "subscription", "delivery_report")
    for table in (*names, "mass_batch", "delivery", "broadcast"):
        op.drop_table(table)
    with op.batch_alter_table("talk") as batch:
        batch.drop_column("acted_at")
        batch.drop_column("spoke_at")
    op.create_table(
        "notice",
        sa.Column("id", ID, nullable=False),
        sa.Column("openid", LONG_NAME, nullable=False),
        sa.Column("key", WORD, nullable=False),
        sa.Column("data", LONG_SEALED, nullable=False),
        sa.Column("once", WORD, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("state", ENUM, nullable=False),
        sa.Column("next_at", MOMENT),
        sa.Column("shown_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
        sa.UniqueConstraint("once", name="uq_notice_once"),
        **OPTIONS,
    )
    op.create_index("ix_notice_state_next_at", "notice", ["state", "next_at"])
    op.create_index("ix_notice_openid_state", "notice", ["openid", "state"])


def _broadcast() -> None:
    op.create_table(
        "broadcast",
        sa.Column("id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("season_id", NAME, nullable=False),
        sa.Column("state", ENUM, nullable=False),
        sa.Column("planned", WORD),
        sa.Column("title", WORD, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("day", sa.Date()),
        sa.Column("use_mass", sa.Boolean(), nullable=False),
        sa.Column("audience", LONG_SEALED, nullable=False),
        sa.Column("created_by", NAME, nullable=False),
        sa.Column("created_name", WORD, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("approved_by", NAME),
        sa.Column("approved_name", WORD),
        sa.Column("approved_at", MOMENT),
        sa.Column("scheduled_at", MOMENT),
        sa.Column("not_after", MOMENT),
        sa.Column("started_at", MOMENT),
        sa.Column("reached", NAME, nullable=False),
        sa.Column("frozen_at", MOMENT),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("said", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["season_id"], ["season.id"], name="fk_broadcast_season_id_season"),
        sa.PrimaryKeyConstraint("id", name="pk_broadcast"),
        sa.UniqueConstraint("planned", name="uq_broadcast_planned"),
        **OPTIONS,
    )
    op.create_index("ix_broadcast_season_id_created_at", "broadcast", ["season_id", "created_at"])
    op.create_index("ix_broadcast_state", "broadcast", ["state"])


def _delivery() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", ID, nullable=False),
        sa.Column("broadcast_id", NAME, nullable=False),
        sa.Column("graduate_id", NAME, nullable=False),
        sa.Column("openid", LONG_NAME, nullable=False),
        sa.Column("key", WORD, nullable=False),
        sa.Column("data", LONG_SEALED),
        sa.Column("once", WORD, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("state", ENUM, nullable=False),
        sa.Column("reason", ENUM),
        sa.Column("channel", ENUM),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("refused", WORD, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", MOMENT),
        sa.Column("sending_at", MOMENT),
        sa.Column("unsure_since", MOMENT),
        sa.Column("message_id", LONG_NAME, nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("to_show", sa.Boolean(), nullable=False),
        sa.Column("shown_at", MOMENT),
        sa.Column("lease_owner", LONG_NAME, nullable=False),
        sa.Column("lease_until", MOMENT),
        sa.Column("batch_id", NAME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
        sa.UniqueConstraint("once", name="uq_delivery_once"),
        **OPTIONS,
    )
    op.create_index("ix_delivery_batch_id", "delivery", ["batch_id"])
    op.create_index("ix_delivery_broadcast_id_state_next_at", "delivery", ["broadcast_id", "state", "next_at"])
    op.create_index("ix_delivery_graduate_id_created_at", "delivery", ["graduate_id", "created_at"])
    op.create_index("ix_delivery_message_id", "delivery", ["message_id"])
    op.create_index("ix_delivery_openid_sending_at", "delivery", ["openid", "sending_at"])
    op.create_index("ix_delivery_state_lease_until", "delivery", ["state", "lease_until"])


def _mass_batch() -> None:
    op.create_table(
        "mass_batch",
        sa.Column("id", ID, nullable=False),
        sa.Column("broadcast_id", ID, nullable=False),
        sa.Column("state", ENUM, nullable=False),
        sa.Column("reason", ENUM),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", MOMENT),
        sa.Column("sending_at", MOMENT),
        sa.Column("unsure_since", MOMENT),
        sa.Column("message_id", LONG_NAME, nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("lease_owner", LONG_NAME, nullable=False),
        sa.Column("lease_until", MOMENT),
        sa.ForeignKeyConstraint(["broadcast_id"], ["broadcast.id"], name="fk_mass_batch_broadcast_id_broadcast"),
        sa.PrimaryKeyConstraint("id", name="pk_mass_batch"),
        **OPTIONS,
    )
    op.create_index("ix_mass_batch_broadcast_id", "mass_batch", ["broadcast_id"])
    op.create_index("ix_mass_batch_message_id", "mass_batch", ["message_id"])
    op.create_index("ix_mass_batch_state_next_at", "mass_batch", ["state", "next_at"])


def _delivery_report() -> None:
    op.create_table(
        "delivery_report",
        sa.Column("key", sa.CHAR(64), nullable=False),
        sa.Column("message_id", LONG_NAME, nullable=False),
        sa.Column("openid", LONG_NAME, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("state", ENUM, nullable=False),
        sa.Column("reason", ENUM),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", MOMENT),
        sa.Column("delivery_id", NAME, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_delivery_report"),
        **OPTIONS,
    )
    op.create_index("ix_delivery_report_message_id", "delivery_report", ["message_id"])
    op.create_index("ix_delivery_report_next_at", "delivery_report", ["next_at"])


def _subscription() -> None:
    op.create_table(
        "subscription",
        sa.Column("openid", LONG_NAME, nullable=False),
        sa.Column("template_id", LONG_NAME, nullable=False),
        sa.Column("left", sa.Integer(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("openid", "template_id", name="pk_subscription"),
        **OPTIONS,
    )


def _planned_notice() -> None:
    op.create_table(
        "planned_notice",
        sa.Column("season_id", NAME, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("title", WORD, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["season_id"], ["season.id"], name="fk_planned_notice_season_id_season"),
        sa.PrimaryKeyConstraint("season_id", "kind", name="pk_planned_notice"),
        **OPTIONS,
    )


def _channel_halt() -> None:
    op.create_table(
        "channel_halt",
        sa.Column("scope", ENUM, nullable=False),
        sa.Column("until", MOMENT),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("scope", name="pk_channel_halt"),
        **OPTIONS,
    )


def _pace() -> None:
    op.create_table(
        "pace",
        sa.Column("name", ENUM, nullable=False),
        sa.Column("next_slot", MOMENT, nullable=False),
        sa.Column("rate", sa.Integer(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("lowered_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_pace"),
        **OPTIONS,
    )


def _sender_beat() -> None:
    op.create_table(
        "sender_beat",
        sa.Column("name", ENUM, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_sender_beat"),
        **OPTIONS,
    )
