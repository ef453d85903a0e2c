"""Numbers whose size looks like an accident of locale: decimals read as thousands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from icp.ingest.result import LINE, Finding
from icp.schema import Kind

if TYPE_CHECKING:
    from icp.ingest.result import RawTable
    from icp.ingest.rules import ColumnMapping, ColumnRule

__all__ = ["magnitude_findings"]

_ENOUGH = 10
_JUMP = 300.0
_ODD = 0.9
_LARGE = 100_000
_SIZE = pl.col("size")


def magnitude_findings(
    table: RawTable, mapping: ColumnMapping, typed: pl.DataFrame, /
) -> tuple[Finding, ...]:
    """A finding per number column that seems to mix values and their thousandfold.

    Two signs are looked for. Values written with decimals are typically hundreds of
    times smaller than those without. Or nothing has decimals, yet nearly every value
    is above 100,000 and ends in odd digits, as `2,024.994` does once its point is lost.
    """
    rules = [
        rule
        for rule in mapping.columns
        if rule.kind is Kind.NUMBER and rule.source in table.frame.columns
    ]
    found = [_finding(table, rule, typed[rule.name]) for rule in rules]
    return tuple(finding for finding in found if finding)


def _finding(table: RawTable, rule: ColumnRule, values: pl.Series) -> Finding | None:
    sizes = _sizes(table, rule, values)
    reason = _mixed(sizes) or _lost(sizes)
    if not reason:
        return None
    return Finding(
        level="ask",
        code="deviated-value",
        message=f"its numbers may have lost their decimal sign: {reason}",
        file=table.report.file,
        sheet=table.report.sheet,
        line=sizes[LINE][0],
        column=rule.source,
        count=len(sizes),
        action="compare a few with the source system before learning from them",
    )


def _sizes(table: RawTable, rule: ColumnRule, values: pl.Series) -> pl.DataFrame:
    """`size`, and whether it is written with decimals or in groups of thousands."""
    text = pl.col(rule.source)
    return table.frame.select(
        LINE,
        size=values.abs(),
        decimals=text.str.contains(r"[.,](?:[0-9]{1,2}|[0-9]{4,})\D*$"),
        grouped=text.str.contains(r"[0-9][.,][0-9]{3}\b"),
    ).filter(_SIZE > 0)


def _mixed(sizes: pl.DataFrame) -> str:
    written, count = pl.col("decimals"), pl.col("decimals").sum()
    some, all_, with_, without = sizes.select(
        some=count,
        all=pl.len(),
        with_=_SIZE.filter(written).median(),
        without=_SIZE.filter(~written).median(),
    ).row(0)
    if min(some, all_ - some) < _ENOUGH or without < _JUMP * with_:
        return ""
    return (
        f"those without decimals are typically {without / with_:,.0f} times those with"
    )


def _lost(sizes: pl.DataFrame) -> str:
    grouped, whole, odd, low = sizes.select(
        grouped=pl.col("grouped").mean(),
        whole=(_SIZE.floor() == _SIZE).all(),
        odd=(_SIZE % 10 != 0).mean(),
        low=_SIZE.quantile(0.25),
    ).row(0)
    few = len(sizes) < _ENOUGH
    if few or not whole or min(grouped, odd) < _ODD or low < _LARGE:
        return ""
    return "all are large, none is round and none has decimals"
