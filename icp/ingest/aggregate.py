"""Many rows per account summed up into columns: sums, counts, firsts, lasts, shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from icp.errors import PolicyError
from icp.expressions import compiled, condition, evaluated, number
from icp.ingest.part import kind_of
from icp.schema import Attribute

if TYPE_CHECKING:
    from collections.abc import Iterator

    from icp.ingest.part import Part
    from icp.ingest.plan import Aggregate

__all__ = ["Groups", "described", "grouped"]

_NUMERIC: Final = {"sum", "mean"}
_YES_NO: Final = {"any", "share"}
_ZERO: Final = {"sum": 0.0, "count": 0.0, "n_unique": 0.0, "any": False}


@dataclass(frozen=True, kw_only=True)
class Groups:
    """The aggregates per group, and what they are where a group has no row."""

    #: The group, one column per aggregate, and `marker` (rows of the group).
    frame: pl.DataFrame
    marker: str
    #: To be applied after a left join: fills what "no rows" means.
    where_no_rows: tuple[pl.Expr, ...]


def grouped(
    source: Part, aggregates: tuple[Aggregate, ...], by: pl.Series, /
) -> Groups:
    """Sum up the source's rows per value of `by`; rows where it is null are left out.

    Raises PolicyError naming the column and expression that cannot be evaluated.
    """
    marker = "__rows__"
    inputs = [by, *(s for a in aggregates for s in _inputs(source, a))]
    frame = (
        pl.DataFrame(inputs)
        .drop_nulls(by.name)
        .group_by(by.name)
        .agg(*(_summed(a).alias(a.name) for a in aggregates), pl.len().alias(marker))
    )
    nothing = pl.col(marker).is_null()
    fills = (
        pl.when(nothing).then(_ZERO[a.take]).otherwise(a.name).alias(a.name)
        for a in aggregates
        if a.take in _ZERO
    )
    return Groups(frame=frame, marker=marker, where_no_rows=tuple(fills))


def described(
    frame: pl.DataFrame, source: Part, aggregates: tuple[Aggregate, ...], /
) -> list[Attribute]:
    """The aggregates as attributes, each with the reason of how it is made."""
    return [
        Attribute(
            name=a.name,
            role=a.role,
            kind=a.kind or kind_of(frame.schema[a.name]),
            label=a.label,
            unit=a.unit,
            reason=f"{a.take} of {a.of or 'rows'} of {source.name}",
        )
        for a in aggregates
    ]


def _inputs(source: Part, aggregate: Aggregate) -> Iterator[pl.Series]:
    frame, name = source.frame, aggregate.name
    what = f"aggregate {name!r} of {source.name!r}"
    value, wanted = _value(aggregate, what, frame), pl.lit(value=True)
    if aggregate.where:
        wanted = condition(aggregate.where, what=what, schema=frame.schema)
    yield evaluated(frame, value, what=what, text=aggregate.of).alias(f"{name}|value")
    yield evaluated(frame, wanted, what=what, text=aggregate.where).alias(
        f"{name}|when"
    )
    if aggregate.order:
        order = source.require(aggregate.order)
        yield frame[order].alias(f"{name}|order")


def _value(aggregate: Aggregate, what: str, frame: pl.DataFrame) -> pl.Expr:
    text, take = aggregate.of, aggregate.take
    if not text:
        return pl.lit(value=True)
    if take in _NUMERIC:
        return number(text, what=what, schema=frame.schema)
    value, dtype = compiled(text, what=what, schema=frame.schema)
    if take in _YES_NO and dtype != pl.Boolean:
        message = f'{what}: "{text}" is not yes or no; {take!r} needs a condition'
        raise PolicyError(message)
    return value.cast(kind_of(dtype).dtype)


def _summed(aggregate: Aggregate) -> pl.Expr:
    value = pl.col(f"{aggregate.name}|value")
    if aggregate.order:
        order = pl.col(f"{aggregate.name}|order")
        last = aggregate.take != "last"
        value = value.sort_by(order, nulls_last=last, maintain_order=True)
    when = pl.col(f"{aggregate.name}|when")
    if aggregate.order:
        when = when.sort_by(order, nulls_last=last, maintain_order=True)
    rows = value.filter(when)
    known = rows.drop_nulls()
    match aggregate.take:
        case "sum":
            nothing = pl.when(rows.len() == 0).then(0.0)
            return pl.when(known.len() > 0).then(known.sum()).otherwise(nothing)
        case "mean":
            return known.mean()
        case "min":
            return known.min()
        case "max":
            return known.max()
        case "count":
            return known.len().cast(pl.Float64)
        case "first":
            return known.first()
        case "last":
            return known.last()
        case "any":
            return known.any()
        case "n_unique":
            return known.n_unique().cast(pl.Float64)
        case "share":
            return known.cast(pl.Float64).mean()
        case "values":
            return known.unique().sort()
