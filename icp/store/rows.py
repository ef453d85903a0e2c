"""From rows to records, and the few questions that are asked again and again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from icp.errors import NotFoundError
from icp.store.records import ImportRecord, LabelRecord, ProfileRecord, ScoreRun
from icp.store.tables import activations, profiles

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Row

__all__ = [
    "activation_stack",
    "active_number",
    "import_of",
    "label_of",
    "newest",
    "one",
    "profile_of",
    "run_of",
]


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
