"""What the use cases hand back: plain frozen values, for any front end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import TYPE_CHECKING, Literal

from icp.ingest.plan import AssemblyPlan  # noqa: TC001 - the same
from icp.ingest.result import Finding, SheetInfo, SourceReport  # noqa: TC001 - the same

if TYPE_CHECKING:
    import polars as pl

    from icp.config import SourceConfig, SourceObject
    from icp.ingest.mapping_rules import ColumnMapping
    from icp.store.records import ProfileRecord, ScoreRun


@dataclass(frozen=True, kw_only=True)
class SourcePreview:
    """A file as it would be imported, before anything is stored."""

    path: Path
    #: What its rows are, as given or guessed from the headers and the file's name.
    object: SourceObject
    #: The first 20 rows as text, without the hidden line column.
    head: pl.DataFrame
    #: Rows of the whole table.
    rows: int
    report: SourceReport
    #: The proposed mapping, or the saved one with new columns proposed.
    mapping: ColumnMapping
    #: Findings of reading, mapping and parsing, worst first.
    findings: tuple[Finding, ...]

    @property
    def sheets(self) -> tuple[SheetInfo, ...]:
        """The sheets or further tables to choose from."""
        return self.report.sheets


@dataclass(frozen=True, kw_only=True)
class SourceImport:
    """What came of one source in an import."""

    name: str
    #: accounts, deals, invoices, tickets, prospects or other.
    object: str
    #: Rows that were used; every line is accounted for in the report's ledger.
    rows: int
    quarantined: int
    report: SourceReport


@dataclass(frozen=True, kw_only=True)
class ImportSummary:
    """What came of importing all sources."""

    number: int
    created_at: datetime
    author: str
    #: False where the same bytes and mapping had been imported before.
    changed: bool
    customers: int
    prospects: int
    sources: tuple[SourceImport, ...]
    #: Findings of joining the sources to accounts.
    assembly: tuple[Finding, ...] = ()
    #: Rows per source that belong to no account.
    unmatched: dict[str, int] = field(default_factory=dict)
    #: How the sources became customers and prospects, in words.
    how: tuple[str, ...] = ()
    #: The same as plans, by population: declared ones, else proposed ones.
    plans: dict[str, AssemblyPlan] = field(default_factory=dict)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, worst first."""
        found = [f for source in self.sources for f in source.report.findings]
        return worst_first([*found, *self.assembly])

    @property
    def quarantined(self) -> int:
        """Rows kept out, over all sources."""
        return sum(source.quarantined for source in self.sources)

    def count(self, level: Literal["stop", "ask", "note"], /) -> int:
        """How many findings of one level there are."""
        return sum(finding.level == level for finding in self.findings)


@dataclass(frozen=True, kw_only=True)
class WorkspaceStatus:
    """Where a workspace stands, and what to do next."""

    name: str
    path: Path
    actor: str
    role: str
    sources: tuple[SourceConfig, ...]
    last_import: ImportSummary | None
    #: Accounts per outcome of the last labelling; empty before the first.
    labels: dict[str, int]
    profiles: int
    active: ProfileRecord | None
    last_run: ScoreRun | None
    #: Whole sentences, the most useful first; never empty.
    next_steps: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that `icp doctor` looked at."""

    name: str
    state: Literal["ok", "warning", "failed"]
    message: str
    #: The next action; empty where nothing needs doing.
    action: str = ""


def worst_first(findings: list[Finding], /) -> tuple[Finding, ...]:
    """Findings by level (stop, ask, note), otherwise in their order."""
    rank = {"stop": 0, "ask": 1, "note": 2}
    return tuple(sorted(findings, key=lambda finding: rank[finding.level]))
