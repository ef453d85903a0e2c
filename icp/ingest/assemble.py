"""One row per account from several exports, as an `AssemblyPlan` says.

Nothing is dropped or doubled silently: rows that match no account, accounts that find
no row, repeated accounts and ambiguous keys are counted in findings and listed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from icp.errors import ConfigError, near
from icp.expressions import compiled, evaluated
from icp.ingest.combine import ID, NAME, SourceTable, join_tables, pick_known
from icp.ingest.plan import AssemblyPlan, Derived, id_key
from icp.ingest.result import LINE, Finding
from icp.schema import AccountSchema, Attribute, Kind, Role
from icp.words import counted, plural

if TYPE_CHECKING:
    from collections.abc import Mapping

    from icp.ingest.parse import IngestResult


#: The key of accounts that nothing else identifies.
_LINE_NUMBER = "line"
#: Earlier-known to later-known: a derived column is known when its last input is.
_KNOWN_ORDER = (
    *(Role.FIRST_CONTACT, Role.QUALIFICATION, Role.IDENTIFIER, Role.OWNER, Role.DATE),
    *(Role.AFTER_SALE, Role.OUTCOME, Role.IGNORED, Role.PROTECTED),
)


@dataclass(frozen=True, kw_only=True)
class AssembleResult:
    """The accounts, what they are made of, and the rows without a match."""

    #: One row per account, in the base's order; the schema's columns in its order.
    accounts: pl.LazyFrame
    schema: AccountSchema
    #: Per source, its rows that match no account (`line`, the keys, `problem`); per
    #: "base without source", the accounts that match no row.
    unmatched: dict[str, pl.DataFrame]
    findings: tuple[Finding, ...]
    #: `account_id`, `lines` (List[Int64]): accounts with more than one row.
    repeated: pl.DataFrame


def assemble(
    tables: Mapping[str, IngestResult], plan: AssemblyPlan, /
) -> AssembleResult:
    """Make one row per account of the plan's sources.

    Reads the sources the plan names once, into memory. Raises ConfigError for a
    source, column or join that cannot be, and PolicyError for an expression that
    cannot be evaluated.
    """
    sources = _collect(tables, plan)
    unmatched: dict[str, pl.DataFrame] = {}
    for lookup in plan.lookups:
        joined = join_tables(sources[lookup.into], sources[lookup.source], lookup)
        sources[lookup.into] = joined.table
        unmatched = _merge(unmatched, joined.unmatched)
    findings = [f for table in sources.values() for f in table.findings]
    key = plan.key or sources[plan.base].identifier() or _LINE_NUMBER
    base, repeats = _base(sources[plan.base], plan, key)
    for join in plan.joins:
        joined = join_tables(base, sources[join.source], join)
        base = joined.table
        unmatched = _merge(unmatched, joined.unmatched)
    for derived in plan.derived:
        base = _with_derived(base, derived)
    base = _with_result_columns(base, plan, key)
    return AssembleResult(
        accounts=base.frame.lazy(),
        schema=base.schema,
        unmatched=unmatched,
        findings=tuple(dict.fromkeys((*findings, *base.findings))),
        repeated=repeats,
    )


def _collect(
    tables: Mapping[str, IngestResult], plan: AssemblyPlan
) -> dict[str, SourceTable]:
    missing = [name for name in plan.sources if name not in tables]
    if missing:
        advice = near(missing[0], tables)
        message = f"the assembly names {counted(missing, 'unknown source')}; {advice}"
        raise ConfigError(message)
    frames = pl.collect_all([tables[name].accounts for name in plan.sources])
    return {
        name: SourceTable.of(name, tables[name], frame)
        for name, frame in zip(plan.sources, frames, strict=True)
    }


def _merge(
    unmatched: dict[str, pl.DataFrame], more: dict[str, pl.DataFrame]
) -> dict[str, pl.DataFrame]:
    """Both together; a source that is joined twice has the rows of both joins."""
    both = {
        name: pl.concat([unmatched[name], frame], how="diagonal_relaxed").unique(
            maintain_order=True
        )
        for name, frame in more.items()
        if name in unmatched
    }
    return unmatched | more | both


def _base(
    table: SourceTable, plan: AssemblyPlan, key: str
) -> tuple[SourceTable, pl.DataFrame]:
    """The base with one row per account, and the accounts that had several."""
    table = _identified(table.where(plan.where), key)
    if key == _LINE_NUMBER and not plan.key:
        table = table.with_findings(_no_identifier(table))
    if plan.columns is not None:
        columns = dict.fromkeys((ID, *map(table.require, plan.columns), LINE))
        table = table.with_frame(table.frame.select(*columns))
    repeats = (
        table.frame.filter(pl.col(ID).is_duplicated())
        .group_by(ID, maintain_order=True)
        .agg(lines=pl.col(LINE).cast(pl.Int64))
    )
    if repeats.is_empty():
        return table, repeats
    table = table.with_frame(_once_each(table, plan))
    if plan.rows == "events":
        return table, repeats.clear()
    return table.with_findings(_repeated_accounts(repeats, table, plan)), repeats


def _identified(table: SourceTable, key: str) -> SourceTable:
    identity = [Attribute.identifier(ID)]
    if key == _LINE_NUMBER:
        frame = table.frame.with_columns(pl.format("line {}", LINE).alias(ID))
        return table.with_frame(frame).with_attributes(identity)
    keys = id_key(pl.col(table.require(key))).alias(ID)
    frame = table.frame.with_columns(keys).filter(pl.col(ID).is_not_null())
    keyless = len(table.frame) - len(frame)
    table = table.with_frame(frame).with_attributes(identity)
    return table.with_findings(_no_key(table, key, keyless)) if keyless else table


def _once_each(table: SourceTable, plan: AssemblyPlan) -> pl.DataFrame:
    frame = table.frame.with_columns(pl.col(LINE).min().over(ID))
    if plan.order:
        last = plan.keep == "first"
        order = table.require(plan.order)
        frame = frame.sort(order, nulls_last=last, maintain_order=True)
    once = frame.group_by(ID, maintain_order=True).agg(pick_known(plan.keep))
    return once.select(frame.columns).sort(LINE, maintain_order=True)


def _repeated_accounts(
    repeats: pl.DataFrame, table: SourceTable, plan: AssemblyPlan
) -> Finding:
    accounts, rows = len(repeats), int(repeats["lines"].list.len().sum())
    return Finding(
        level="note",
        code="repeated-account",
        message=f"{plural(accounts, 'account')} with {rows} rows in total; "
        f"the {plan.keep} known value of each column was kept",
        file=table.file,
        count=rows - accounts,
        action="check the list of repeated accounts",
    )


def _no_identifier(table: SourceTable) -> Finding:
    return Finding(
        level="ask",
        code="no-identifier",
        message="no column clearly identifies an account; line numbers stand in",
        file=table.file,
        action="name a column as 'key' of the assembly, or confirm with key = \"line\"",
    )


def _no_key(table: SourceTable, key: str, rows: int) -> Finding:
    return Finding(
        level="note",
        code="missing-identifier",
        message=f"{plural(rows, 'row')} without {key!r} belong to no account",
        file=table.file,
        column=key,
        count=rows,
    )


def _with_derived(table: SourceTable, derived: Derived) -> SourceTable:
    subject, text = f"derived column {derived.name!r}", derived.expression
    expression, dtype = compiled(text, subject=subject, schema=table.frame.schema)
    kind = derived.kind or Kind.of(dtype)
    values = evaluated(
        table.frame, expression.cast(kind.dtype), subject=subject, text=text
    )
    roles = [table.role(name) for name in expression.meta.root_names()]
    attribute = Attribute(
        name=derived.name,
        role=derived.role or max(roles, key=_KNOWN_ORDER.index, default=Role.IGNORED),
        kind=kind,
        label=derived.label,
        unit=derived.unit,
        reason=f"derived: {text}",
    )
    frame = table.frame.with_columns(values.alias(derived.name))
    return table.with_frame(frame).with_attributes([attribute])


def _with_result_columns(
    table: SourceTable, plan: AssemblyPlan, key: str
) -> SourceTable:
    """The result's columns in their order, roles and types, without the key's own."""
    if plan.name and plan.name != NAME:
        names = pl.col(table.require(plan.name)).alias(NAME)
        attribute = Attribute.identifier(NAME)
        frame = table.frame.with_columns(names)
        table = table.with_frame(frame).with_attributes([attribute])
    table = table.with_attributes(
        table.schema[table.require(name)].model_copy(update={"role": role})
        for name, role in plan.roles.items()
    )
    rest = {key, LINE} - {ID, NAME, *(plan.columns or ())}
    columns = dict.fromkeys((ID, NAME, *table.schema.names))
    schema = AccountSchema(
        attributes=tuple(
            table.schema[name]
            for name in columns
            if name in table.frame.columns and name not in rest
        )
    )
    types = (pl.col(a.name).cast(a.kind.dtype) for a in schema.attributes)
    return replace(table, frame=table.frame.select(types), schema=schema)
