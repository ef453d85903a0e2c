"""Reading all sources, joining them to accounts, and keeping the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import polars as pl
from pydantic import TypeAdapter

from icp.errors import ConfigError, NotFoundError
from icp.ingest.assemble import AssembleResult, AssemblyPlan, assemble
from icp.schema import AccountSchema
from icp.workflow.context import Progress, part_of, silent
from icp.workflow.results import ImportSummary, SourceImport
from icp.workflow.sources import ingested

if TYPE_CHECKING:
    from icp.config import SourceConfig
    from icp.ingest.result import IngestResult
    from icp.store.records import ImportRecord
    from icp.workflow.context import Context

__all__ = [
    "Population",
    "accounts",
    "import_sources",
    "last_import",
    "plan_for",
    "present",
    "quarantine",
    "schema",
    "unmatched",
]

Population = Literal["customers", "prospects"]

_SUMMARY: Final = TypeAdapter(ImportSummary)
#: The object of a source whose rows are the accounts of a population.
_BASE: Final[dict[Population, str]] = {
    "customers": "accounts",
    "prospects": "prospects",
}
_REJECTED: Final = pl.Schema(
    {
        "line": pl.Int64(),
        "last_line": pl.Int64(),
        "raw": pl.String(),
        "reason": pl.String(),
    }
)


@dataclass(frozen=True)
class _Assembled:
    """The populations that there are sources for."""

    results: dict[Population, AssembleResult]

    def frame(self, population: Population) -> pl.DataFrame | None:
        result = self.results.get(population)
        return result.accounts.collect() if result else None

    def unmatched(self) -> dict[str, pl.DataFrame]:
        found: dict[str, pl.DataFrame] = {}
        for population, result in self.results.items():
            for name, frame in result.unmatched.items():
                if frame.height:
                    found[f"{population}: {name}"] = frame
        return found


def import_sources(context: Context, /, progress: Progress = silent) -> ImportSummary:
    """Read every source, make accounts of them, and keep all of it or nothing."""
    sources = context.config.sources
    if not sources:
        message = "there is nothing to import; run icp import FILE"
        raise ConfigError(message)
    tables = _tables(context, part_of(progress, 0.0, 0.7))
    progress(0.7, "joining the sources to accounts")
    assembled = _assembled(context, tables)
    progress(0.9, "keeping the accounts")
    record, changed = _kept(context, tables, assembled)
    progress(1.0, "imported" if changed else "nothing changed")
    return _summary(record, changed=changed)


def last_import(context: Context, /) -> ImportSummary | None:
    """The newest import."""
    record = context.store.last_import()
    return _summary(record, changed=False) if record else None


def accounts(context: Context, population: Population, /) -> pl.LazyFrame:
    """The accounts of the newest import; raises NotFoundError."""
    record = _record(context)
    stored = record.tables[population]
    if stored is None:
        message = (
            f"no {population} imported; run icp import FILE --as {_BASE[population]}"
        )
        raise NotFoundError(message)
    return context.store.bulk.scan(stored)


def present(context: Context, population: Population, /) -> pl.LazyFrame | None:
    """The accounts of the newest import, or None where there are none."""
    record = context.store.last_import()
    stored = record.tables[population] if record else None
    return context.store.bulk.scan(stored) if stored else None


def schema(context: Context, population: Population, /) -> AccountSchema:
    """The schema of the newest import's accounts; raises NotFoundError."""
    accounts(context, population)
    return AccountSchema.model_validate(_record(context).schemas[population])


def quarantine(context: Context, source: str | None, /) -> pl.DataFrame:
    """Rows kept out of the newest import: source, line, last_line, raw, reason."""
    stored = _record(context).tables["quarantine"]
    frame = context.store.bulk.scan(stored) if stored else _no_rows().lazy()
    wanted = pl.lit(value=True) if source is None else pl.col("source") == source
    return frame.filter(wanted).collect()


def unmatched(context: Context, /) -> pl.DataFrame:
    """Rows of the newest import that belong to no account, by source."""
    stored = _record(context).tables["unmatched"]
    return context.store.bulk.scan(stored).collect() if stored else pl.DataFrame()


def plan_for(context: Context, population: Population, /) -> AssemblyPlan | None:
    """How a population's accounts are made; None where no source holds them."""
    declared: AssemblyPlan | None = getattr(context.config.assembly, population)
    if declared is not None:
        return declared
    bases = [s.name for s in context.config.sources if s.object == _BASE[population]]
    if len(bases) > 1:
        message = (
            f"{len(bases)} sources hold {population}; "
            f"say in [assembly.{population}] of icp.toml which one is the base"
        )
        raise ConfigError(message)
    return AssemblyPlan(base=bases[0]) if bases else None


def _tables(context: Context, progress: Progress) -> dict[str, IngestResult]:
    tables = {}
    for done, source in enumerate(context.config.sources):
        progress(done / len(context.config.sources), f"reading {source.name}")
        tables[source.name] = ingested(context, source)
    return tables


def _assembled(context: Context, tables: dict[str, IngestResult]) -> _Assembled:
    populations: tuple[Population, ...] = ("customers", "prospects")
    plans = {name: plan_for(context, name) for name in populations}
    made = {name: assemble(tables, plan) for name, plan in plans.items() if plan}
    if not made:
        message = (
            "no source holds accounts or prospects; "
            "set object = 'accounts' for one of them in icp.toml"
        )
        raise ConfigError(message)
    return _Assembled(made)


def _kept(
    context: Context, tables: dict[str, IngestResult], assembled: _Assembled
) -> tuple[ImportRecord, bool]:
    frames = {
        "customers": assembled.frame("customers"),
        "prospects": assembled.frame("prospects"),
        "quarantine": _quarantined(tables),
        "unmatched": _stacked(assembled.unmatched()),
    }
    return context.store.record_import(
        frames,
        schemas={
            name: result.schema.model_dump(mode="json")
            for name, result in assembled.results.items()
        },
        summary=_document(context, tables, assembled, frames),
        actor=context.actor,
    )


def _document(
    context: Context,
    tables: dict[str, IngestResult],
    assembled: _Assembled,
    frames: dict[str, pl.DataFrame | None],
) -> dict[str, Any]:
    """The summary as plain values, but for what the store adds."""
    summary = ImportSummary(
        number=0,
        created_at=context.store.database.clock(),
        author=context.actor,
        changed=True,
        customers=_height(frames["customers"]),
        prospects=_height(frames["prospects"]),
        sources=tuple(_source(s, tables[s.name]) for s in context.config.sources),
        assembly=tuple(f for r in assembled.results.values() for f in r.findings),
        unmatched={name: f.height for name, f in assembled.unmatched().items()},
    )
    plain: dict[str, Any] = _SUMMARY.dump_python(summary, mode="json")
    return plain


def _source(source: SourceConfig, result: IngestResult) -> SourceImport:
    return SourceImport(
        name=source.name,
        object=source.object,
        rows=result.accounts.select(pl.len()).collect().item(),
        quarantined=result.rejected.height,
        report=result.report,
    )


def _summary(record: ImportRecord, *, changed: bool) -> ImportSummary:
    known = {
        "number": record.number,
        "created_at": record.created_at,
        "author": record.author,
        "changed": changed,
    }
    return _SUMMARY.validate_python({**record.summary, **known})


def _record(context: Context) -> ImportRecord:
    record = context.store.last_import()
    if record is None:
        message = "nothing imported yet; run icp import FILE"
        raise NotFoundError(message)
    return record


def _quarantined(tables: dict[str, IngestResult]) -> pl.DataFrame | None:
    parts = [
        result.rejected.select(pl.lit(name).alias("source"), *_REJECTED).cast(_REJECTED)
        for name, result in tables.items()
        if result.rejected.height
    ]
    return pl.concat(parts) if parts else None


def _no_rows() -> pl.DataFrame:
    return pl.DataFrame(schema={"source": pl.String, **_REJECTED})


def _stacked(frames: dict[str, pl.DataFrame]) -> pl.DataFrame | None:
    parts = [
        frame.select(pl.lit(name).alias("source"), pl.all().cast(pl.String))
        for name, frame in frames.items()
    ]
    return pl.concat(parts, how="diagonal") if parts else None


def _height(frame: pl.DataFrame | None) -> int:
    return 0 if frame is None else frame.height
