"""Read one raw column as its rule says, through its distinct values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from icp.ingest.dates import read_date
from icp.ingest.facts import distinct_values
from icp.ingest.numbers import number_column, with_numbers
from icp.ingest.remarks import column_findings
from icp.ingest.values import (
    cleaned,
    is_missing,
    read_domain,
    read_flag,
    read_items,
    spelling_key,
)
from icp.schema import Kind, Role

if TYPE_CHECKING:
    from icp.ingest.result import Finding, RawTable
    from icp.ingest.rules import ColumnRule

__all__ = ["ReadColumn", "read_column"]

_TEXT = pl.col("text")
_WHOLE_ID = r"^\d+\.0$"


@dataclass(frozen=True, kw_only=True)
class ReadColumn:
    """One typed column, aligned with the raw table's rows, and what to know of it."""

    values: pl.Series
    findings: tuple[Finding, ...]


def read_column(table: RawTable, rule: ColumnRule, /) -> ReadColumn:
    """The column of one rule; a column that is not in the table is all missing."""
    if rule.source not in table.frame.columns:
        empty = pl.Series(rule.name, [None] * len(table.frame), dtype=rule.kind.dtype)
        return ReadColumn(values=empty, findings=())
    values = distinct_values(table.frame, rule.source).with_columns(
        missing=is_missing(_TEXT, keep=rule.keep)
    )
    read = _typed(values, rule, serials=_may_hold_serials(table, rule))
    findings = column_findings(table, rule, read)
    return ReadColumn(values=_spread(table, rule, read), findings=findings)


def _spread(table: RawTable, rule: ColumnRule, read: pl.DataFrame) -> pl.Series:
    rows = table.frame.select(text=cleaned(pl.col(rule.source)))
    joined = rows.join(read, on="text", how="left", maintain_order="left")
    return joined["value"].rename(rule.name)


def _may_hold_serials(table: RawTable, rule: ColumnRule) -> bool:
    return table.report.kind == "excel" or rule.confirmed


# --- the values -------------------------------------------------------------------


def _typed(values: pl.DataFrame, rule: ColumnRule, *, serials: bool) -> pl.DataFrame:
    """Add `value`; null where missing or not read."""
    if rule.kind is Kind.NUMBER:
        read = with_numbers(values)
        value = pl.col(number_column(rule.decimal))
    elif rule.kind is Kind.DATE:
        read = values
        value = read_date(_TEXT, order=rule.date_order, serials=serials)
    elif rule.kind is Kind.FLAG:
        read, value = values, read_flag(_TEXT)
    elif rule.kind is Kind.MULTI:
        read, value = values, read_items(_TEXT, separator=rule.separator or ";")
    else:
        read, value = _texts(values, rule)
    known = pl.when(~pl.col("missing")).then(value).cast(rule.kind.dtype)
    return read.with_columns(value=known)


def _texts(values: pl.DataFrame, rule: ColumnRule) -> tuple[pl.DataFrame, pl.Expr]:
    if rule.name == "domain":
        return values, pl.coalesce(read_domain(_TEXT), _TEXT.str.to_lowercase())
    if rule.role is Role.IDENTIFIER and rule.kind is Kind.TEXT:
        known = values.filter(~pl.col("missing"))
        whole = len(known) > 0 and known["text"].str.contains(_WHOLE_ID).all()
        return values, _TEXT.str.strip_suffix(".0") if whole else _TEXT
    if rule.kind is Kind.TEXT:
        return values, _TEXT
    return _with_one_spelling(values), pl.col("spelling")


def _with_one_spelling(values: pl.DataFrame) -> pl.DataFrame:
    """Add `spelling`: the most frequent of those that differ in case and blanks only.

    The earliest in the file where two are as frequent.
    """
    best = _TEXT.sort_by(["rows", "line"], descending=[True, False]).first()
    return values.with_columns(spelling=best.over(spelling_key(_TEXT)))
