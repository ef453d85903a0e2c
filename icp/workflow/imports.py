"""Reading all sources, joining them to accounts, and keeping the result."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import polars as pl
from pydantic import TypeAdapter

from icp.errors import ConfigError, NotFoundError
from icp.ingest.assemble import AssembleResult, assemble
from icp.ingest.plan import AssemblyPlan  # noqa: TC001 - the same
from icp.ingest.propose_plan import Export, ProposedPlan, propose_plans
from icp.ingest.result import Finding, SourceReport  # noqa: TC001 - the same
from icp.output import write
from icp.workflow.access import Area, Progress, Session, needs, part_of, silent
from icp.workflow.accounts import BASES
from icp.workflow.sources import worst_first

if TYPE_CHECKING:
    from collections.abc import Iterator

    from icp.config import SourceConfig
    from icp.ingest import IngestResult
    from icp.ingest.propose_plan import Population
    from icp.store.records import ImportRecord
    from icp.workflow.accounts import Accounts
    from icp.workflow.deals import Deals
    from icp.workflow.rulebook import Rules
    from icp.workflow.sources import Sources


_REJECTED: Final = pl.Schema(
    {
        "line": pl.Int64(),
        "last_line": pl.Int64(),
        "raw": pl.String(),
        "reason": pl.String(),
    }
)
_NO_ROWS: Final = pl.Schema({"source": pl.String(), **_REJECTED})


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
        findings = [f for source in self.sources for f in source.report.findings]
        return worst_first([*findings, *self.assembly])

    @property
    def quarantined(self) -> int:
        """Rows kept out, over all sources."""
        return sum(source.quarantined for source in self.sources)

    def count(self, level: Literal["stop", "ask", "note"], /) -> int:
        """How many findings of one level there are."""
        return sum(finding.level == level for finding in self.findings)


_SUMMARY: Final = TypeAdapter(ImportSummary)


class Imports(Area):
    """Imports: all sources at once, and the rows that found no place in them."""

    def __init__(
        self,
        session: Session,
        sources: Sources,
        accounts: Accounts,
        rules: Rules,
        deals: Deals,
        /,
    ) -> None:
        super().__init__(session)
        self._sources = sources
        self._accounts = accounts
        self._rules = rules
        self._deals = deals

    @needs("analyst")
    def run(self, *, progress: Progress = silent) -> ImportSummary:
        """Read every source, make accounts of them, and keep all of it or nothing.

        The same sources again change nothing. Accounts that were left are looked at
        again.
        """
        # A mistake in reasons.toml is reported before anything is kept.
        self._rules.reasons()
        sources = self._session.config.sources
        if not sources:
            raise ConfigError("there is nothing to import; run icp import FILE")
        batch = _Batch(sources, self._tables(sources, part_of(progress, 0.0, 0.7)))
        progress(0.7, "joining the sources to accounts")
        batch.assemble(self._plans(batch))
        progress(0.9, "keeping the accounts")
        record, changed = self._keep(batch)
        self._deals.wake_up()
        progress(1.0, "imported" if changed else "nothing changed")
        return _summary(record, changed=changed)

    @needs("viewer")
    def last(self) -> ImportSummary | None:
        """What came of the newest import."""
        record = self._session.store.last_import()
        return _summary(record, changed=False) if record else None

    @needs("viewer")
    def quarantine(self, source: str | None = None) -> pl.DataFrame:
        """Rows kept out: `source`, `line`, `last_line`, `raw`, `reason`."""
        rows = self._rows("quarantine", _NO_ROWS)
        return rows if source is None else rows.filter(pl.col("source") == source)

    @needs("viewer")
    def unmatched(self) -> pl.DataFrame:
        """Rows that belong to no account, by `source`; all columns are text."""
        return self._rows("unmatched", pl.Schema({"source": pl.String()}))

    @needs("viewer")
    def export_quarantine(
        self, target: str | Path, /, *, source: str | None = None
    ) -> int:
        """Write the rows kept out to a `.csv` or `.parquet` file; returns how many."""
        if source is not None:
            self._session.config.source(source)
        return write(self.quarantine(source), Path(target))

    @needs("viewer")
    def export_unmatched(self, target: str | Path, /) -> int:
        """Write the rows that belong to no account to such a file; returns how many."""
        return write(self.unmatched(), Path(target))

    def _rows(
        self, name: Literal["quarantine", "unmatched"], empty: pl.Schema
    ) -> pl.DataFrame:
        store = self._session.store
        record = store.last_import()
        if record is None:
            raise NotFoundError("nothing imported yet; run icp import FILE")
        bulk = record.tables[name]
        return store.bulk.scan(bulk).collect() if bulk else pl.DataFrame(schema=empty)

    def _tables(
        self, sources: tuple[SourceConfig, ...], progress: Progress
    ) -> dict[str, IngestResult]:
        tables = {}
        for number, source in enumerate(sources):
            progress(number / len(sources), f"reading {source.name}")
            tables[source.name] = self._sources.read(source)
        return tables

    def _plans(self, batch: _Batch) -> dict[Population, ProposedPlan]:
        """A plan per population: as declared, else as proposed."""
        plans: dict[Population, ProposedPlan] = {}
        for population in BASES:
            if plan := self._accounts.declared_plan(population):
                words = f"{population}: as [assembly.{population}] of icp.toml says"
                plans[population] = ProposedPlan(plan=plan, sentences=(words,))
        if len(plans) < len(BASES):
            plans = propose_plans(list(batch.exports())) | plans
        if not plans:
            objects = ", ".join(f"{s.name!r} holds {s.object}" for s in batch.sources)
            message = (
                f"no source tells about customers or prospects ({objects}); import one "
                "again with --as accounts, or set object = 'accounts' in icp.toml"
            )
            raise ConfigError(message)
        return plans

    def _keep(self, batch: _Batch) -> tuple[ImportRecord, bool]:
        session, frames = self._session, batch.frames()
        summary = ImportSummary(
            number=0,
            created_at=session.store.database.clock(),
            author=session.actor,
            changed=True,
            customers=_height(frames["customers"]),
            prospects=_height(frames["prospects"]),
            **batch.outcome(),
        )
        return session.store.record_import(
            frames,
            schemas={
                population: result.schema.model_dump(mode="json")
                for population, result in batch.results.items()
            },
            summary=_SUMMARY.dump_python(summary, mode="json"),
            actor=session.actor,
        )


class _Batch:
    """Sources that were read together, and the populations made of them."""

    def __init__(
        self, sources: tuple[SourceConfig, ...], tables: dict[str, IngestResult]
    ) -> None:
        self.sources = sources
        self.tables = tables
        self.plans: dict[Population, ProposedPlan] = {}
        self.results: dict[Population, AssembleResult] = {}

    def exports(self) -> Iterator[Export]:
        """The tables as what plans are proposed from."""
        for source in self.sources:
            table = self.tables[source.name]
            yield Export(
                name=source.name,
                file=table.report.file,
                object=source.object,
                schema=table.schema,
                frame=table.accounts.collect(),
            )

    def assemble(self, plans: dict[Population, ProposedPlan]) -> None:
        """Make the populations."""
        self.plans = plans
        self.results = {
            population: assemble(self.tables, proposal.plan)
            for population, proposal in plans.items()
        }

    def frames(self) -> dict[str, pl.DataFrame | None]:
        """The tables to keep; None where there is nothing to."""
        return {
            "customers": self._accounts("customers"),
            "prospects": self._accounts("prospects"),
            "quarantine": self._quarantine(),
            "unmatched": _stacked(self._unmatched()),
        }

    def outcome(self) -> dict[str, Any]:
        """What came of it, as fields of an ImportSummary."""
        return {
            "sources": tuple(
                SourceImport(
                    name=source.name,
                    object=source.object,
                    rows=table.accounts.select(pl.len()).collect().item(),
                    quarantined=table.rejected.height,
                    report=table.report,
                )
                for source in self.sources
                for table in (self.tables[source.name],)
            ),
            "assembly": (
                *(f for proposal in self.plans.values() for f in proposal.findings),
                *(f for result in self.results.values() for f in result.findings),
            ),
            "how": tuple(
                words
                for proposal in self.plans.values()
                for words in proposal.sentences
            ),
            "plans": {name: proposal.plan for name, proposal in self.plans.items()},
            "unmatched": {name: f.height for name, f in self._unmatched().items()},
        }

    def _accounts(self, population: Population) -> pl.DataFrame | None:
        result = self.results.get(population)
        return result.accounts.collect() if result else None

    def _quarantine(self) -> pl.DataFrame | None:
        parts = [
            table.rejected.select(pl.lit(name).alias("source"), *_REJECTED).cast(
                _REJECTED
            )
            for name, table in self.tables.items()
            if table.rejected.height
        ]
        return pl.concat(parts) if parts else None

    def _unmatched(self) -> dict[str, pl.DataFrame]:
        return {
            f"{population}: {name}": frame
            for population, result in self.results.items()
            for name, frame in result.unmatched.items()
            if frame.height
        }


def _summary(record: ImportRecord, *, changed: bool) -> ImportSummary:
    return _SUMMARY.validate_python(
        {
            **record.summary,
            "number": record.number,
            "created_at": record.created_at,
            "author": record.author,
            "changed": changed,
        }
    )


def _stacked(frames: dict[str, pl.DataFrame]) -> pl.DataFrame | None:
    parts = [
        frame.select(pl.lit(name).alias("source"), pl.all().cast(pl.String))
        for name, frame in frames.items()
    ]
    return pl.concat(parts, how="diagonal") if parts else None


def _height(frame: pl.DataFrame | None) -> int:
    return 0 if frame is None else frame.height
