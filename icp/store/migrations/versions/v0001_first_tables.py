"""The first tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "1"
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
    _imports()
    _outcomes()
    _profiles()
    _disqualifiers()
    _deals()
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


def _text(name: str, length: int | None = None, *, null: bool = False) -> Any:
    kind = sa.Text() if length is None else sa.String(length)
    return sa.Column(name, kind, nullable=null)


def _integer(name: str, *, null: bool = False) -> Any:
    return sa.Column(name, sa.Integer(), nullable=null)


def _size(name: str) -> Any:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _flag(name: str) -> Any:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _time(name: str, *, null: bool = False) -> Any:
    return sa.Column(name, sa.DateTime(), nullable=null)


def _records(table: str, *parts: Any) -> None:
    """A table of numbered rows that carry their time and author."""
    op.create_table(
        table,
        _integer("number"),
        *parts,
        _time("created_at"),
        _text("author", 200),
        _key(table, "number"),
    )


def _key(table: str, column: str) -> Any:
    return sa.PrimaryKeyConstraint(column, name=op.f(f"pk_{table}"))


def _reference(table: str, column: str, target: str) -> Any:
    name = op.f(f"fk_{table}_{column}_{target.split('.')[0]}")
    return sa.ForeignKeyConstraint([column], [target], name=name)


def _one_of(table: str, column: str, *values: str) -> Any:
    allowed = ", ".join(f"'{value}'" for value in values)
    name = op.f(f"ck_{table}_{column}")
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=name)


def _bulk_and_log() -> None:
    op.create_table(
        "bulk",
        _text("hash", 64),
        _text("kind", 50),
        _size("rows"),
        _size("bytes"),
        _time("created_at"),
        _key("bulk", "hash"),
    )
    op.create_table("meta", _text("name", 100), _text("value"), _key("meta", "name"))
    op.create_table(
        "events",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        _time("at"),
        _text("actor", 200),
        _text("kind", 50),
        _text("subject", 500),
        _text("payload"),
        _text("hash", 64),
        _key("events", "seq"),
    )


def _imports() -> None:
    _records(
        "mappings",
        _text("source", 200),
        _integer("version"),
        _text("document"),
        sa.UniqueConstraint(
            "source", "version", name=op.f("uq_mappings_source_version")
        ),
    )
    files = ("customers", "prospects", "quarantine", "unmatched")
    _records(
        "imports",
        _text("fingerprint", 64),
        *(_text(name, 64, null=True) for name in files),
        _text("schemas"),
        _text("summary"),
        *(_reference("imports", name, "bulk.hash") for name in files),
    )


def _outcomes() -> None:
    _records(
        "labels",
        _integer("import_number"),
        _text("bulk", 64),
        _text("policy"),
        _text("counts"),
        _reference("labels", "bulk", "bulk.hash"),
        _reference("labels", "import_number", "imports.number"),
    )
    op.create_table(
        "overrides",
        _text("account_id", 500),
        _text("outcome", 20),
        _text("reason"),
        _time("created_at"),
        _text("author", 200),
        _one_of("overrides", "outcome", "best", "regrettable", "neutral", "unknown"),
        _key("overrides", "account_id"),
    )


def _profiles() -> None:
    _records(
        "profiles",
        _text("hash", 64),
        _text("document"),
        _integer("parent", null=True),
        _integer("import_number", null=True),
        _integer("label_number", null=True),
        _integer("best"),
        _integer("regrettable"),
        _text("evidence", 20),
        sa.Column("auc", sa.Float(), nullable=False),
        _reference("profiles", "import_number", "imports.number"),
        _reference("profiles", "label_number", "labels.number"),
        _reference("profiles", "parent", "profiles.number"),
        sa.UniqueConstraint("hash", name=op.f("uq_profiles_hash")),
    )
    _records(
        "activations",
        _integer("profile"),
        _text("kind", 20),
        _text("reason"),
        _one_of("activations", "kind", "activate", "rollback"),
        _reference("activations", "profile", "profiles.number"),
    )
    _records(
        "score_runs",
        _integer("profile"),
        _integer("import_number", null=True),
        _text("bulk", 64, null=True),
        _size("rows"),
        _size("evaluable"),
        _text("grades"),
        _text("target", null=True),
        _reference("score_runs", "bulk", "bulk.hash"),
        _reference("score_runs", "import_number", "imports.number"),
        _reference("score_runs", "profile", "profiles.number"),
    )


def _disqualifiers() -> None:
    states = ("proposed", "shadow", "active", "probation", "retired")
    op.create_table(
        "disqualifiers",
        _text("id", 16),
        _text("state", 20),
        _text("document"),
        _time("changed_at"),
        _time("created_at"),
        _text("author", 200),
        _one_of("disqualifiers", "state", *states),
        _key("disqualifiers", "id"),
    )
    _records(
        "exceptions",
        _text("rule", 64),
        _text("account_id", 500),
        _text("approver", 200, null=True),
        _text("reason"),
    )


def _deals() -> None:
    for table, columns in {
        "signals": (
            _text("reason", 100),
            _flag("holds"),
            sa.Column("observed_on", sa.Date(), nullable=False),
            _text("evidence"),
        ),
        "answers": (_text("attribute", 500), _text("value")),
        "attempts": (
            _text("reason", 100),
            _text("play", 50),
            _flag("worked"),
            _text("note"),
        ),
        "exits": (
            _text("document"),
            _flag("open"),
            _time("woke_at", null=True),
            _text("woke_why"),
        ),
        "referrals": (_text("came", 500, null=True), _text("note")),
    }.items():
        _records(table, _text("account_id", 500), *columns)
        op.create_index(op.f(f"ix_{table}_account_id"), table, ["account_id"])


def _jobs() -> None:
    states = ("queued", "running", "done", "failed", "cancelled", "lost")
    op.create_table(
        "jobs",
        _text("id", 32),
        _text("kind", 20),
        _text("state", 20),
        _text("actor", 200),
        _text("role", 20),
        _text("options"),
        sa.Column("done", sa.Float(), nullable=False),
        _text("message"),
        _text("result"),
        _text("error"),
        _integer("pid", null=True),
        _flag("cancel_asked"),
        _time("created_at"),
        *(
            _time(f"{name}_at", null=True)
            for name in ("started", "heartbeat", "finished")
        ),
        _one_of("jobs", "state", *states),
        _key("jobs", "id"),
    )
