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
from icp.ingest.combine import ID, NAME, Part, combined, kind_of
from icp.ingest.plan import AssemblyPlan, Derived, id_key
from icp.ingest.result import LINE, Finding
from icp.schema import AccountSchema, Attribute, Kind, Role
from icp.words import counted, plural

if TYPE_CHECKING:
    from collections.abc import Mapping

    from icp.ingest.result import IngestResult


#: The key of accounts that nothing else identifies.
_LINE_NUMBER = "line"

#: Earlier-known to later-known: a derived column is known when its last part is.
_KNOWN_ORDER = (
    Role.FIRST_CONTACT,
    Role.QUALIFICATION,
    Role.IDENTIFIER,
    Role.OWNER,
    Role.DATE,
    Role.AFTER_SALE,
    Role.OUTCOME,
    Role.IGNORED,
    Role.PROTECTED,
)


@dataclass(frozen=True, kw_only=True)
class AssembleResult:
    """The accounts, what they are made of, and what did not fit."""

    #: One row per account, in the base's order; the schema's columns in its order.
    accounts: pl.LazyFrame
    schema: AccountSchema
    #: Per source, its rows that match no account (`line`, the keys, `problem`); per
    #: "base without source", the accounts that found no row.
    unmatched: dict[str, pl.DataFrame]
    findings: tuple[Finding, ...]
    #: `account_id`, `lines` (List[Int64]): accounts that were there more than once.
    repeated: pl.DataFrame


def assemble(
    tables: Mapping[str, IngestResult], plan: AssemblyPlan, /
) -> AssembleResult:
    """Make one row per account of the plan's sources.

    Reads the sources the plan names once, into memory. Raises ConfigError for a
    source, column or join that cannot be, and PolicyError for an expression that
    cannot be evaluated.
    """
    parts = _collected(tables, plan)
    unmatched: dict[str, pl.DataFrame] = {}
    for lookup in plan.lookups:
        joined = combined(parts[lookup.into], parts[lookup.source], lookup)
        parts[lookup.into] = joined.part
        unmatched = _added(unmatched, joined.unmatched)
    findings = [f for part in parts.values() for f in part.findings]
    key = plan.key or parts[plan.base].identifier() or _LINE_NUMBER
    base, repeated = _base(parts[plan.base], plan, key)
    for join in plan.joins:
        joined = combined(base, parts[join.source], join)
        base = joined.part
        unmatched = _added(unmatched, joined.unmatched)
    for derived in plan.derived:
        base = _with_derived(base, derived)
    base = _finished(base, plan, key)
    return AssembleResult(
        accounts=base.frame.lazy(),
        schema=base.schema,
        unmatched=unmatched,
        findings=tuple(dict.fromkeys((*findings, *base.findings))),
        repeated=repeated,
    )


def _collected(
    tables: Mapping[str, IngestResult], plan: AssemblyPlan
) -> dict[str, Part]:
    missing = [name for name in plan.sources if name not in tables]
    if missing:
        advice = near(missing[0], tables)
        message = f"the assembly names {counted(missing, 'unknown source')}; {advice}"
        raise ConfigError(message)
    frames = pl.collect_all([tables[name].accounts for name in plan.sources])
    return {
        name: Part.of(name, tables[name], frame)
        for name, frame in zip(plan.sources, frames, strict=True)
    }


def _added(
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


def _base(part: Part, plan: AssemblyPlan, key: str) -> tuple[Part, pl.DataFrame]:
    part = _identified(part.where(plan.where), key)
    if key == _LINE_NUMBER and not plan.key:
        part = part.noting(_no_identifier(part))
    if plan.columns is not None:
        kept = dict.fromkeys((ID, *map(part.require, plan.columns), LINE))
        part = part.with_frame(part.frame.select(*kept))
    repeated = (
        part.frame.filter(pl.col(ID).is_duplicated())
        .group_by(ID, maintain_order=True)
        .agg(lines=pl.col(LINE).cast(pl.Int64))
    )
    if repeated.is_empty():
        return part, repeated
    part = part.with_frame(_once_each(part, plan))
    if plan.rows == "events":
        return part, repeated.clear()
    return part.noting(_repeats(repeated, part, plan)), repeated


def _once_each(part: Part, plan: AssemblyPlan) -> pl.DataFrame:
    known = pl.all().drop_nulls()
    kept = known.first() if plan.keep == "first" else known.last()
    frame = part.frame.with_columns(pl.col(LINE).min().over(ID))
    if plan.order:
        last = plan.keep == "first"
        order = part.require(plan.order)
        frame = frame.sort(order, nulls_last=last, maintain_order=True)
    once = frame.group_by(ID, maintain_order=True).agg(kept)
    return once.select(frame.columns).sort(LINE, maintain_order=True)


def _repeats(repeated: pl.DataFrame, part: Part, plan: AssemblyPlan) -> Finding:
    accounts, rows = len(repeated), int(repeated["lines"].list.len().sum())
    return Finding(
        level="note",
        code="repeated-account",
        message=f"{plural(accounts, 'account')} with {rows} rows together; "
        f"the {plan.keep} known value of each column was kept",
        file=part.file,
        count=rows - accounts,
        action="look at the list of repeated accounts",
    )


def _identified(part: Part, key: str) -> Part:
    identity = [Attribute(name=ID, role=Role.IDENTIFIER, kind=Kind.TEXT)]
    if key == _LINE_NUMBER:
        numbered = part.frame.with_columns(pl.format("line {}", LINE).alias(ID))
        return part.with_frame(numbered).describing(identity)
    frame = part.frame.with_columns(id_key(pl.col(part.require(key))).alias(ID))
    named = frame.filter(pl.col(ID).is_not_null())
    lost = len(frame) - len(named)
    part = part.with_frame(named).describing(identity)
    return part.noting(_no_key(part, key, lost)) if lost else part


def _no_identifier(part: Part) -> Finding:
    return Finding(
        level="ask",
        code="no-identifier",
        message="no column surely identifies an account, so its line number does",
        file=part.file,
        action="name a column as 'key' of the assembly, or confirm with key = \"line\"",
    )


def _no_key(part: Part, key: str, lost: int) -> Finding:
    return Finding(
        level="note",
        code="missing-identifier",
        message=f"{plural(lost, 'row')} without {key!r}: of no account",
        file=part.file,
        column=key,
        count=lost,
    )


def _with_derived(part: Part, derived: Derived) -> Part:
    what, text = f"derived column {derived.name!r}", derived.expression
    expression, dtype = compiled(text, what=what, schema=part.frame.schema)
    kind = derived.kind or kind_of(dtype)
    values = evaluated(part.frame, expression.cast(kind.dtype), what=what, text=text)
    roles = [part.role(name) for name in expression.meta.root_names()]
    attribute = Attribute(
        name=derived.name,
        role=derived.role or max(roles, key=_KNOWN_ORDER.index, default=Role.IGNORED),
        kind=kind,
        label=derived.label,
        unit=derived.unit,
        reason=f"derived: {text}",
    )
    frame = part.frame.with_columns(values.alias(derived.name))
    return part.with_frame(frame).describing([attribute])


def _finished(part: Part, plan: AssemblyPlan, key: str) -> Part:
    if plan.name and plan.name != NAME:
        named = pl.col(part.require(plan.name)).alias(NAME)
        attribute = Attribute(name=NAME, role=Role.IDENTIFIER, kind=Kind.TEXT)
        part = part.with_frame(part.frame.with_columns(named)).describing([attribute])
    changed = [
        part.schema[part.require(name)].model_copy(update={"role": role})
        for name, role in plan.roles.items()
    ]
    part = part.describing(changed)
    spent = {key, LINE} - {ID, NAME, *(plan.columns or ())}
    names = dict.fromkeys((ID, NAME, *part.schema.names))
    kept = [n for n in names if n in part.frame.columns and n not in spent]
    schema = AccountSchema(attributes=tuple(part.schema[name] for name in kept))
    types = (pl.col(a.name).cast(a.kind.dtype) for a in schema.attributes)
    return replace(part, frame=part.frame.select(types), schema=schema)
