"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_NO_CHANGE_SQLITE = (
    """
    CREATE TRIGGER events_no_update BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END
    """,
    """
    CREATE TRIGGER events_no_delete BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END
    """,
)
_NO_CHANGE_POSTGRESQL = (
    """
    CREATE FUNCTION events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'events are append-only'; END $$
    """,
    """
    CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION events_append_only()
    """,
)
_EMPTY_CHAIN = f"INSERT INTO meta VALUES ('event_chain', '0:{'0' * 64}')"


def upgrade() -> None:
    _bulk_and_log()
    _inputs()
    _outcomes()
    _profiles()
    _activations()
    _runs()
    _jobs()
    for statement in (*_append_only(), _EMPTY_CHAIN):
        op.execute(statement)


def downgrade() -> None:
    message = "the first tables are not removed; delete the store's file instead"
    raise RuntimeError(message)


def _append_only() -> tuple[str, ...]:
    if op.get_context().dialect.name == "postgresql":
        return _NO_CHANGE_POSTGRESQL
    return _NO_CHANGE_SQLITE


def _bulk_and_log() -> None:
    op.create_table(
        "bulk",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=50), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_bulk")),
    )
    op.create_table(
        "meta",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_meta")),
    )
    op.create_table(
        "events",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=50), nullable=False),
        sa.Column("subject", sa.String(length=500), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
    )


def _inputs() -> None:
    op.create_table(
        "mappings",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_mappings")),
        sa.UniqueConstraint(
            "source", "version", name=op.f("uq_mappings_source_version")
        ),
    )
    op.create_table(
        "imports",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("customers", sa.String(length=64), nullable=True),
        sa.Column("prospects", sa.String(length=64), nullable=True),
        sa.Column("quarantine", sa.String(length=64), nullable=True),
        sa.Column("unmatched", sa.String(length=64), nullable=True),
        sa.Column("schemas", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["customers"], ["bulk.hash"], name=op.f("fk_imports_customers_bulk")
        ),
        sa.ForeignKeyConstraint(
            ["prospects"], ["bulk.hash"], name=op.f("fk_imports_prospects_bulk")
        ),
        sa.ForeignKeyConstraint(
            ["quarantine"], ["bulk.hash"], name=op.f("fk_imports_quarantine_bulk")
        ),
        sa.ForeignKeyConstraint(
            ["unmatched"], ["bulk.hash"], name=op.f("fk_imports_unmatched_bulk")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_imports")),
    )


def _outcomes() -> None:
    op.create_table(
        "labels",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("import_number", sa.Integer(), nullable=False),
        sa.Column("bulk", sa.String(length=64), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["bulk"], ["bulk.hash"], name=op.f("fk_labels_bulk_bulk")
        ),
        sa.ForeignKeyConstraint(
            ["import_number"],
            ["imports.number"],
            name=op.f("fk_labels_import_number_imports"),
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_labels")),
    )
    op.create_table(
        "overrides",
        sa.Column("account_id", sa.String(length=500), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('best', 'regrettable', 'neutral', 'unknown')",
            name=op.f("ck_overrides_outcome"),
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_overrides")),
    )


def _profiles() -> None:
    op.create_table(
        "profiles",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("parent", sa.Integer(), nullable=True),
        sa.Column("import_number", sa.Integer(), nullable=True),
        sa.Column("label_number", sa.Integer(), nullable=True),
        sa.Column("best", sa.Integer(), nullable=False),
        sa.Column("regrettable", sa.Integer(), nullable=False),
        sa.Column("evidence", sa.String(length=20), nullable=False),
        sa.Column("auc", sa.Float(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_number"],
            ["imports.number"],
            name=op.f("fk_profiles_import_number_imports"),
        ),
        sa.ForeignKeyConstraint(
            ["label_number"],
            ["labels.number"],
            name=op.f("fk_profiles_label_number_labels"),
        ),
        sa.ForeignKeyConstraint(
            ["parent"], ["profiles.number"], name=op.f("fk_profiles_parent_profiles")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_profiles")),
        sa.UniqueConstraint("hash", name=op.f("uq_profiles_hash")),
    )


def _activations() -> None:
    op.create_table(
        "activations",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("profile", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.CheckConstraint(
            "kind IN ('activate', 'rollback')", name=op.f("ck_activations_kind")
        ),
        sa.ForeignKeyConstraint(
            ["profile"],
            ["profiles.number"],
            name=op.f("fk_activations_profile_profiles"),
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_activations")),
    )


def _runs() -> None:
    op.create_table(
        "score_runs",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("profile", sa.Integer(), nullable=False),
        sa.Column("import_number", sa.Integer(), nullable=True),
        sa.Column("bulk", sa.String(length=64), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("evaluable", sa.BigInteger(), nullable=False),
        sa.Column("grades", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["bulk"], ["bulk.hash"], name=op.f("fk_score_runs_bulk_bulk")
        ),
        sa.ForeignKeyConstraint(
            ["import_number"],
            ["imports.number"],
            name=op.f("fk_score_runs_import_number_imports"),
        ),
        sa.ForeignKeyConstraint(
            ["profile"],
            ["profiles.number"],
            name=op.f("fk_score_runs_profile_profiles"),
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_score_runs")),
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("done", sa.Float(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=True),
        sa.Column("cancel_asked", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(), nullable=True),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed', 'cancelled', 'lost')",
            name=op.f("ck_jobs_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
