"""Disqualifiers, and the accounts that they make an exception for."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "disqualifiers",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.CheckConstraint(
            "state IN ('proposed', 'shadow', 'active', 'probation', 'retired')",
            name=op.f("ck_disqualifiers_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disqualifiers")),
    )
    op.create_table(
        "exceptions",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=500), nullable=False),
        sa.Column("approver", sa.String(length=200), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_exceptions")),
    )


def downgrade() -> None:
    op.drop_table("exceptions")
    op.drop_table("disqualifiers")
