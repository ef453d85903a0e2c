"""What the store hands out: one frozen value per stored thing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa

from icp.errors import NotFoundError
from icp.store.tables import activations, profiles

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row


JobKind = Literal["import", "label", "learn", "score", "refresh"]
JobState = Literal["queued", "running", "done", "failed", "cancelled", "lost"]


@dataclass(frozen=True, kw_only=True)
class ImportRecord:
    """One import: the stored tables and what is known about them."""

    number: int
    created_at: datetime
    author: str
    fingerprint: str
    #: customers, prospects, quarantine, unmatched -> hash of the table, where any.
    tables: dict[str, str | None]
    #: Population -> account schema, as plain values.
    schemas: dict[str, Any]
    summary: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class LabelRecord:
    """One labelling of an import's customers."""

    number: int
    created_at: datetime
    author: str
    import_number: int
    bulk: str
    policy: dict[str, Any]
    #: Outcome -> accounts.
    counts: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class ProfileRecord:
    """A learnt profile as it is listed; the document itself is read by its number."""

    number: int
    #: SHA-256 of the profile's canonical JSON.
    id: str
    created_at: datetime
    author: str
    #: Whether this is the profile in force.
    active: bool
    #: Number of the profile that was in force when this one was learnt.
    parent: int | None
    import_number: int | None
    label_number: int | None
    best: int
    regrettable: int
    #: "none", "weak", "moderate" or "strong".
    evidence: str
    #: Cross-validated area under the ROC curve.
    auc: float

    @property
    def version(self) -> str:
        """`v3`, as people call it."""
        return f"v{self.number}"

    @property
    def short_id(self) -> str:
        """The first twelve characters of the id, for people."""
        return self.id[:12]


@dataclass(frozen=True, kw_only=True)
class ScoreRun:
    """One scoring of a list with one profile."""

    number: int
    created_at: datetime
    author: str
    #: Number of the profile that scored.
    profile: int
    profile_id: str
    import_number: int | None
    rows: int
    #: Rows that could be scored; the others are `not_evaluable`.
    evaluable: int
    #: How many rows got each grade, for instance {"A": 12, "B-C": 3}.
    grades: dict[str, int] = field(default_factory=dict)
    #: Hash of the stored list; None where the result went to a file.
    bulk: str | None = None
    #: Name of the file that was written; None for the workspace's own prospects.
    target: str | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """A piece of background work and how far it is.

    `done` runs from 0 to 1. A running job whose heartbeat is older than 30 seconds is
    "lost": its process died without a word; starting it again is safe.
    """

    id: str
    kind: JobKind
    state: JobState
    actor: str
    done: float = 0.0
    message: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    #: Plain values about what came out; empty until the job is done.
    result: dict[str, Any] = field(default_factory=dict)
    #: What went wrong, in words; empty unless the state is "failed".
    error: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    heartbeat_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def live(self) -> bool:
        """Whether it is still worth asking again."""
        return self.state in {"queued", "running"}


# ---- From rows to records, and the few questions that are asked again and again


def newest(
    connection: Connection, table: sa.Table, *where: sa.ColumnElement[bool]
) -> Row[Any] | None:
    """The row with the largest number, if any."""
    query = sa.select(table).where(*where).order_by(table.c.number.desc()).limit(1)
    return connection.execute(query).one_or_none()


def one(connection: Connection, table: sa.Table, number: int, /) -> Row[Any]:
    """The row of that number; raises NotFoundError where there is none."""
    row = newest(connection, table, table.c.number == number)
    if row is None:
        message = f"no number {number} among the {table.name.replace('_', ' ')}"
        raise NotFoundError(message)
    return row


def activation_stack(connection: Connection, /) -> list[int]:
    """The profiles in force, oldest first: a rollback takes the newest one away."""
    query = sa.select(activations.c.kind, activations.c.profile)
    stack: list[int] = []
    for kind, profile in connection.execute(query.order_by(activations.c.number)):
        if kind == "rollback":
            stack.pop()
        else:
            stack.append(profile)
    return stack


def active_number(connection: Connection, /) -> int | None:
    """Number of the profile in force."""
    stack = activation_stack(connection)
    return stack[-1] if stack else None


def import_of(row: Row[Any], /) -> ImportRecord:
    """A row of `imports`."""
    names = ("customers", "prospects", "quarantine", "unmatched")
    return ImportRecord(
        number=row.number,
        created_at=row.created_at,
        author=row.author,
        fingerprint=row.fingerprint,
        tables={name: row._mapping[name] for name in names},
        schemas=json.loads(row.schemas),
        summary=json.loads(row.summary),
    )


def label_of(row: Row[Any], /) -> LabelRecord:
    """A row of `labels`."""
    return LabelRecord(
        number=row.number,
        created_at=row.created_at,
        author=row.author,
        import_number=row.import_number,
        bulk=row.bulk,
        policy=json.loads(row.policy),
        counts=json.loads(row.counts),
    )


def profile_of(row: Row[Any], active: int | None, /) -> ProfileRecord:
    """A row of `profiles`."""
    return ProfileRecord(
        number=row.number,
        id=row.hash,
        created_at=row.created_at,
        author=row.author,
        active=row.number == active,
        parent=row.parent,
        import_number=row.import_number,
        label_number=row.label_number,
        best=row.best,
        regrettable=row.regrettable,
        evidence=row.evidence,
        auc=row.auc,
    )


def run_of(connection: Connection, row: Row[Any], /) -> ScoreRun:
    """A row of `score_runs`, with the id of its profile."""
    query = sa.select(profiles.c.hash).where(profiles.c.number == row.profile)
    return ScoreRun(
        number=row.number,
        created_at=row.created_at,
        author=row.author,
        profile=row.profile,
        profile_id=connection.execute(query).scalar_one(),
        import_number=row.import_number,
        rows=row.rows,
        evaluable=row.evaluable,
        grades=json.loads(row.grades),
        bulk=row.bulk,
        target=row.target,
    )
