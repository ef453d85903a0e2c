"""What the store hands out: one frozen value per stored thing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from typing import Any, Literal

__all__ = [
    "ImportRecord",
    "Job",
    "JobKind",
    "JobState",
    "LabelRecord",
    "ProfileRecord",
    "ScoreRun",
]

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
