"""What deals taught, what was tried, how accounts were left, and who was referred."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _taught()
    _left()


def downgrade() -> None:
    for table in ("referrals", "exits", "attempts", "answers", "signals"):
        op.drop_table(table)


def _made() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
    )


def _about(table: str, *columns: sa.Column[Any]) -> None:
    op.create_table(
        table,
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.String(length=500), nullable=False),
        *columns,
        *_made(),
        sa.PrimaryKeyConstraint("number", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f(f"ix_{table}_account_id"), table, ["account_id"])


def _taught() -> None:
    _about(
        "signals",
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("holds", sa.Boolean(), nullable=False),
        sa.Column("observed_on", sa.Date(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
    )
    _about(
        "answers",
        sa.Column("attribute", sa.String(length=500), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
    )
    _about(
        "attempts",
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("play", sa.String(length=50), nullable=False),
        sa.Column("worked", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
    )


def _left() -> None:
    _about(
        "exits",
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("woke_at", sa.DateTime(), nullable=True),
        sa.Column("woke_why", sa.Text(), nullable=False),
    )
    _about(
        "referrals",
        sa.Column("came", sa.String(length=500), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
    )
