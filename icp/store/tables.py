"""The tables of the store, for SQLite and PostgreSQL alike.

```
meta          name -> value; the head of the event chain lives here
bulk          one row per Parquet file beside the store, by content
mappings      every saved column mapping, newest version in force
imports       what came of reading all sources
labels        outcomes given to the customers of an import
overrides     outcomes that a person set by hand
profiles      immutable documents, by content
activations   which profile was put in force when, and why
score_runs    lists that were scored
disqualifiers learned rules with their evidence and state; policy is in icp.toml
exceptions    accounts that a person pursues although a rule says no
signals       what people learnt about deals, by reason to walk away
answers       what people found out about accounts, by attribute
attempts      what was tried about a reason, and how it went
exits         how accounts were left, and what wakes them again
referrals     who was asked for a referral, and who came of it
jobs          background work
events        what happened, append-only, chained by hashes
```

Times are UTC. Documents are canonical JSON text, so that their hashes hold.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect


#: The newest migration; a test holds it against `migrations/versions`.
HEAD: Final = "1"


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A point in time, kept in UTC; aware on both sides.

    SQLite drops the zone, so it is kept out of the column on every database.
    """

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(
        self,
        value: datetime | None,
        dialect: Dialect,
    ) -> datetime | None:
        """Refuse a naive time: nobody knows which zone it means."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = "a time without zone cannot be stored; use datetime.now(UTC)"
            raise ValueError(message)
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Dialect,
    ) -> datetime | None:
        """Give the zone back."""
        return None if value is None else value.replace(tzinfo=UTC)


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _number() -> sa.Column[int]:
    return sa.Column("number", sa.Integer, primary_key=True)


def _made() -> tuple[sa.Column[datetime], sa.Column[str]]:
    return (
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
    )


def _bulk(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.ForeignKey("bulk.hash"), nullable=nullable)


meta = sa.Table(
    "meta",
    metadata,
    sa.Column("name", sa.String(100), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

bulk = sa.Table(
    "bulk",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(50), nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

mappings = sa.Table(
    "mappings",
    metadata,
    _number(),
    sa.Column("source", sa.String(200), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    *_made(),
    sa.UniqueConstraint("source", "version"),
)

imports = sa.Table(
    "imports",
    metadata,
    _number(),
    #: SHA-256 over the bulk hashes and schemas: the same again changes nothing.
    sa.Column("fingerprint", sa.String(64), nullable=False),
    _bulk("customers", nullable=True),
    _bulk("prospects", nullable=True),
    _bulk("quarantine", nullable=True),
    _bulk("unmatched", nullable=True),
    #: Population -> account schema.
    sa.Column("schemas", sa.Text, nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    *_made(),
)

labels = sa.Table(
    "labels",
    metadata,
    _number(),
    sa.Column("import_number", sa.ForeignKey("imports.number"), nullable=False),
    _bulk("bulk"),
    sa.Column("policy", sa.Text, nullable=False),
    #: Outcome -> accounts.
    sa.Column("counts", sa.Text, nullable=False),
    *_made(),
)

overrides = sa.Table(
    "overrides",
    metadata,
    sa.Column("account_id", sa.String(500), primary_key=True),
    sa.Column("outcome", sa.String(20), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    *_made(),
    sa.CheckConstraint(
        "outcome IN ('best', 'regrettable', 'neutral', 'unknown')", name="outcome"
    ),
)

profiles = sa.Table(
    "profiles",
    metadata,
    _number(),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("parent", sa.ForeignKey("profiles.number"), nullable=True),
    sa.Column("import_number", sa.ForeignKey("imports.number"), nullable=True),
    sa.Column("label_number", sa.ForeignKey("labels.number"), nullable=True),
    sa.Column("best", sa.Integer, nullable=False),
    sa.Column("regrettable", sa.Integer, nullable=False),
    sa.Column("evidence", sa.String(20), nullable=False),
    sa.Column("auc", sa.Float, nullable=False),
    *_made(),
)

activations = sa.Table(
    "activations",
    metadata,
    _number(),
    sa.Column("profile", sa.ForeignKey("profiles.number"), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    *_made(),
    sa.CheckConstraint("kind IN ('activate', 'rollback')", name="kind"),
)

score_runs = sa.Table(
    "score_runs",
    metadata,
    _number(),
    sa.Column("profile", sa.ForeignKey("profiles.number"), nullable=False),
    sa.Column("import_number", sa.ForeignKey("imports.number"), nullable=True),
    _bulk("bulk", nullable=True),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("evaluable", sa.BigInteger, nullable=False),
    sa.Column("grades", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=True),
    *_made(),
)

disqualifiers = sa.Table(
    "disqualifiers",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("state", sa.String(20), nullable=False),
    #: The rule with all its evidence and moves.
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    *_made(),
    sa.CheckConstraint(
        "state IN ('proposed', 'shadow', 'active', 'probation', 'retired')",
        name="state",
    ),
)

exceptions = sa.Table(
    "exceptions",
    metadata,
    _number(),
    #: Of a learned rule or of a policy in icp.toml.
    sa.Column("rule", sa.String(64), nullable=False),
    sa.Column("account_id", sa.String(500), nullable=False),
    sa.Column("approver", sa.String(200), nullable=True),
    sa.Column("reason", sa.Text, nullable=False),
    *_made(),
)


def _about(name: str, *columns: sa.Column[Any]) -> sa.Table:
    """A table of things that people noted about accounts."""
    return sa.Table(
        name,
        metadata,
        _number(),
        sa.Column("account_id", sa.String(500), nullable=False, index=True),
        *columns,
        *_made(),
    )


signals = _about(
    "signals",
    sa.Column("reason", sa.String(100), nullable=False),
    sa.Column("holds", sa.Boolean, nullable=False),
    sa.Column("observed_on", sa.Date, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
)

answers = _about(
    "answers",
    sa.Column("attribute", sa.String(500), nullable=False),
    #: The value as JSON; null takes an answer back.
    sa.Column("value", sa.Text, nullable=False),
)

attempts = _about(
    "attempts",
    sa.Column("reason", sa.String(100), nullable=False),
    sa.Column("play", sa.String(50), nullable=False),
    sa.Column("worked", sa.Boolean, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
)

exits = _about(
    "exits",
    #: The exit as JSON.
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("open", sa.Boolean, nullable=False),
    sa.Column("woke_at", UtcDateTime, nullable=True),
    sa.Column("woke_why", sa.Text, nullable=False),
)

referrals = _about(
    "referrals",
    #: The account that came of it; null as long as nobody did.
    sa.Column("came", sa.String(500), nullable=True),
    sa.Column("note", sa.Text, nullable=False),
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("actor", sa.String(200), nullable=False),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("options", sa.Text, nullable=False),
    sa.Column("done", sa.Float, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("result", sa.Text, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=True),
    sa.Column("cancel_asked", sa.Boolean, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=True),
    sa.Column("heartbeat_at", UtcDateTime, nullable=True),
    sa.Column("finished_at", UtcDateTime, nullable=True),
    sa.CheckConstraint(
        "state IN ('queued', 'running', 'done', 'failed', 'cancelled', 'lost')",
        name="state",
    ),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(200), nullable=False),
    sa.Column("kind", sa.String(50), nullable=False),
    sa.Column("subject", sa.String(500), nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)
