"""Bring one source's rows to another's: fetched one to one, or many summed up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from icp.errors import ConfigError, counted, some
from icp.ingest.aggregate import described, grouped
from icp.ingest.keys import matched
from icp.ingest.part import ID, NAME
from icp.ingest.result import LINE, Finding

if TYPE_CHECKING:
    from icp.ingest.part import Part
    from icp.ingest.plan import Join
    from icp.schema import Attribute

__all__ = ["Joined", "combined"]

_ROW = "__row__"
_FEW_MATCHES = 0.5
_REPEATED = "repeated-key"


@dataclass(frozen=True, kw_only=True)
class Joined:
    """A part after a join, and the rows of either side that found nothing."""

    part: Part
    unmatched: dict[str, pl.DataFrame]


def combined(base: Part, source: Part, join: Join, /) -> Joined:
    """Add the join's columns to `base`, whose rows stay as many as they were.

    Fetched: a repeated identifier in `source` raises ConfigError unless `join.keep`
    says which known value counts; a repeated domain or name fetches nothing.
    Summed up: a row whose key belongs to several accounts counts for none.
    """
    source = source.where(join.where)
    if join.aggregates:
        return _aggregated(base, source, join)
    if join.keep:
        source = _one_per_key(source, join)
    return _fetched(base, source, join)


def _fetched(base: Part, source: Part, join: Join) -> Joined:
    columns = _wanted(base, source, join)
    sought, offered = _keys(base, source, join)
    _refuse_repeats(sought, offered, source, join)
    found = matched(sought, offered)
    rows = source.frame.select(columns).with_row_index(_ROW)
    frame = (
        base.frame.with_columns(found["target"].alias(_ROW))
        .join(rows, on=_ROW, how="left", maintain_order="left")
        .drop(_ROW)
    )
    part = base.with_frame(frame).describing(_inherited(source, columns, join))
    idle = _never_found(found, source)
    lacking = _listing(base, join, left=True).with_columns(found["problem"])
    unmatched = {
        source.name: idle,
        f"{base.name} without {source.name}": _with_problem(lacking),
    }
    findings = (
        *(f for f in source.findings if f.code == _REPEATED),
        *_left_out(base, source, join, columns),
        _counts(base, source, found, matching=base.name, into=source.name),
    )
    return Joined(part=part.noting(*findings), unmatched=unmatched)


def _aggregated(base: Part, source: Part, join: Join) -> Joined:
    offered, seeking = _keys(base, source, join)
    found = matched(seeking, offered)
    groups = grouped(source, join.aggregates, found["target"].alias(_ROW))
    clashes = [a.name for a in join.aggregates if a.name in base.frame.columns]
    if clashes:
        message = f"{counted(clashes, 'column')} of {source.name!r} exist already"
        raise ConfigError(f"{message}; give the aggregate another name")
    frame = (
        base.frame.with_row_index(_ROW)
        .join(groups.frame, on=_ROW, how="left", maintain_order="left")
        .with_columns(groups.where_no_rows)
        .drop(_ROW, groups.marker)
    )
    part = base.with_frame(frame).describing(described(frame, source, join.aggregates))
    lost = _listing(source, join, left=False).with_columns(found["problem"])
    unmatched = {
        source.name: _with_problem(lost),
        f"{base.name} without {source.name}": _never_found(found, base),
    }
    finding = _counts(source, base, found, matching=source.name, into=base.name)
    return Joined(part=part.noting(finding), unmatched=unmatched)


def _keys(base: Part, source: Part, join: Join) -> tuple[pl.DataFrame, pl.DataFrame]:
    left = base.keys((key.by, key.left) for key in join.on)
    return left, source.keys((key.by, key.right) for key in join.on)


def _wanted(base: Part, source: Part, join: Join) -> list[str]:
    if join.columns is None:
        own = {LINE, source.identifier()}
        there = {*base.frame.columns, *own}
        return [name for name in source.frame.columns if name not in there]
    clashes = [name for name in join.columns if name in base.frame.columns]
    if clashes:
        message = f"{counted(clashes, 'column')} of {source.name!r} exist already"
        raise ConfigError(f"{message}; rename them in the source's mapping")
    return [source.require(name) for name in join.columns]


def _inherited(source: Part, columns: list[str], join: Join) -> list[Attribute]:
    role = {} if join.role is None else {"role": join.role}
    return [source.schema[name].model_copy(update=role) for name in columns]


def _left_out(
    base: Part, source: Part, join: Join, columns: list[str]
) -> tuple[Finding, ...]:
    keys = {source.key_column(key.by, key.right) for key in join.on}
    rest = {LINE, source.identifier(), *columns, *keys}
    both = [name for name in source.frame.columns if name not in rest]
    if join.columns is not None or not both:
        return ()
    finding = Finding(
        level="note",
        code="column-left-out",
        message=f"{counted(both, 'column')} left out, as {base.name!r} has them too",
        file=source.file,
        count=len(both),
        action="rename them in the mapping to keep both",
    )
    return (finding,)


def _one_per_key(source: Part, join: Join) -> Part:
    """One row per value of the first key; rows without one stay as they are."""
    by, column = join.on[0].by, join.on[0].right
    key = source.keys([(by, column)]).to_series().alias("__key__")
    known = pl.all().drop_nulls()
    kept = known.first() if join.keep == "first" else known.last()
    frame = source.frame.with_columns(key)
    groups = frame.drop_nulls("__key__").group_by("__key__", maintain_order=True)
    columns = source.frame.columns
    once = groups.agg(kept).select(columns)
    keyless = frame.filter(pl.col("__key__").is_null()).select(columns)
    part = source.with_frame(pl.concat([once, keyless]).sort(LINE))
    merged = len(frame) - len(part.frame)
    return part.noting(_merged(source, merged, join)) if merged else part


def _merged(source: Part, count: int, join: Join) -> Finding:
    return Finding(
        level="note",
        code=_REPEATED,
        message=f"{some(count, 'row')} of {source.name!r} repeat the key of another; "
        f"the {join.keep} known value of each column was kept",
        file=source.file,
        count=count,
    )


def _refuse_repeats(
    sought: pl.DataFrame, offered: pl.DataFrame, source: Part, join: Join
) -> None:
    for position, key in enumerate(join.on):
        name = str(position)
        repeated = offered.filter(pl.col(name).is_duplicated())
        doubling = repeated.join(sought, on=name, how="semi")[name].n_unique()
        if key.by == "id" and doubling:
            column = source.key_column(key.by, key.right)
            message = (
                f"joining {source.name!r} would repeat accounts: {doubling} values of "
                f"{column!r} are in several rows; sum the rows up with 'aggregates', "
                'or set keep = "last"'
            )
            raise ConfigError(message)


def _never_found(found: pl.DataFrame, part: Part) -> pl.DataFrame:
    rows = pl.Series(range(len(part.frame)), dtype=pl.UInt32)
    hit = rows.is_in(found["target"].drop_nulls().unique().implode())
    names = (
        a.name for a in part.schema.attributes if part.role(a.name) == "identifier"
    )
    return part.listed((ID, NAME, *names)).filter(~hit)


def _listing(part: Part, join: Join, *, left: bool) -> pl.DataFrame:
    keys = (part.key_column(key.by, key.left if left else key.right) for key in join.on)
    return part.listed((ID, *keys) if left else keys)


def _with_problem(listing: pl.DataFrame) -> pl.DataFrame:
    return listing.filter(pl.col("problem").is_not_null())


def _counts(
    seeking: Part, target: Part, found: pl.DataFrame, *, matching: str, into: str
) -> Finding:
    lost = found.filter(pl.col("target").is_null())
    reasons = lost["problem"].value_counts(sort=True).rows()
    why = ", ".join(f"{count} {problem}" for problem, count in sorted(reasons))
    few = len(lost) > _FEW_MATCHES * max(1, len(found))
    idle = len(target.frame) - found["target"].drop_nulls().n_unique()
    hits = f"{len(found) - len(lost):,} of {some(len(found), 'row')} of {matching!r}"
    never = f"{some(idle, 'row')} of {into!r} never found"
    return Finding(
        level="ask" if few else "note",
        code="unmatched-rows" if len(lost) else "matched-rows",
        message=f"{hits} found a row of {into!r}{f' ({why})' if why else ''}; {never}",
        file=seeking.file,
        count=len(lost),
        action="check the keys of this join" if few else "",
    )
