"""Reading all sources, joining them to accounts, and keeping the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import polars as pl
from pydantic import TypeAdapter

from icp.config import set_assembly
from icp.errors import ConfigError, NotFoundError
from icp.ingest.assemble import AssembleResult, assemble
from icp.schema import AccountSchema
from icp.workflow.context import Progress, part_of, rewrite, silent
from icp.workflow.proposal import Proposed, propose_plans
from icp.workflow.results import ImportSummary, SourceImport
from icp.workflow.sources import ingested
from icp.workflow.sums import Export

if TYPE_CHECKING:
    from collections.abc import Callable

    from icp.config import SourceConfig
    from icp.ingest import IngestResult
    from icp.ingest.plan import AssemblyPlan
    from icp.ingest.result import Finding
    from icp.store.records import ImportRecord
    from icp.workflow.context import Context


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
    """The populations that there are sources for, and how they were made."""

    results: dict[Population, AssembleResult]
    chosen: dict[Population, Proposed]

    def frame(self, population: Population) -> pl.DataFrame | None:
        result = self.results.get(population)
        return result.accounts.collect() if result else None

    def findings(self) -> tuple[Finding, ...]:
        planned = [f for found in self.chosen.values() for f in found.findings]
        return (*planned, *(f for made in self.results.values() for f in made.findings))

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


def called(frame: pl.LazyFrame, name: str, /) -> pl.Expr:
    """Whether an account has that name, without regard to case and blanks around."""
    if "account_name" not in frame.collect_schema():
        return pl.lit(value=False)
    named = pl.col("account_name").str.to_lowercase().str.strip_chars()
    return named == name.strip().lower()


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
    if stored is None:
        return pl.DataFrame(schema={"source": pl.String})
    return context.store.bulk.scan(stored).collect()


def plan_for(context: Context, population: Population, /) -> AssemblyPlan | None:
    """How a population's accounts are made, as declared or as last proposed."""
    declared = _declared(context, population)
    last = context.store.last_import()
    if declared is not None or last is None:
        return declared
    proposed = _summary(last, changed=False).plans.get(population)
    return proposed if proposed and _has_all(context, proposed) else None


def keep_plans(context: Context, /) -> None:
    """Write the last proposals into `icp.toml` where it says nothing yet."""
    _record(context)
    for population in _BASE:
        plan = plan_for(context, population)
        if plan and _declared(context, population) is None:
            rewrite(context, _with_plan(population, plan))


def _with_plan(population: Population, plan: AssemblyPlan) -> Callable[[str], str]:
    return lambda text: set_assembly(text, population, plan)


def _declared(context: Context, population: Population) -> AssemblyPlan | None:
    declared: AssemblyPlan | None = getattr(context.config.assembly, population)
    return declared


def _has_all(context: Context, plan: AssemblyPlan) -> bool:
    names = {source.name for source in context.config.sources}
    return names.issuperset(plan.sources)


def _tables(context: Context, progress: Progress) -> dict[str, IngestResult]:
    tables = {}
    for done, source in enumerate(context.config.sources):
        progress(done / len(context.config.sources), f"reading {source.name}")
        tables[source.name] = ingested(context, source)
    return tables


def _assembled(context: Context, tables: dict[str, IngestResult]) -> _Assembled:
    chosen = {name: plan for name in _BASE if (plan := _as_declared(context, name))}
    if len(chosen) < len(_BASE):
        chosen = propose_plans(_exports(context, tables)) | chosen
    if not chosen:
        raise ConfigError(_nobody(context))
    made = {name: assemble(tables, found.plan) for name, found in chosen.items()}
    return _Assembled(made, chosen=chosen)


def _as_declared(context: Context, population: Population) -> Proposed | None:
    plan = _declared(context, population)
    said = f"{population}: as [assembly.{population}] of icp.toml says"
    return Proposed(plan=plan, said=(said,)) if plan else None


def _exports(context: Context, tables: dict[str, IngestResult]) -> list[Export]:
    return [
        Export(
            name=source.name,
            file=tables[source.name].report.file,
            object=source.object,
            schema=tables[source.name].schema,
            frame=tables[source.name].accounts.collect(),
        )
        for source in context.config.sources
    ]


def _nobody(context: Context) -> str:
    held = ", ".join(f"{s.name!r} holds {s.object}" for s in context.config.sources)
    return (
        f"no source tells about customers or prospects ({held}); import one again "
        "with --as accounts, or set object = 'accounts' in icp.toml"
    )


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
        assembly=assembled.findings(),
        how=tuple(said for found in assembled.chosen.values() for said in found.said),
        plans={name: found.plan for name, found in assembled.chosen.items()},
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
