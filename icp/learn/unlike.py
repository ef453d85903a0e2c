"""Columns in which the prospects are unlike the customers one has learnt from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from icp.errors import SchemaError
from icp.learn.leakage import filled
from icp.profile import NEVER_SEEN, ColumnFinding
from icp.schema import Kind
from icp.scoring.cells import code_matrix, refuse_unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from icp.profile import AttributeTable

__all__ = ["prospects_unlike"]

_LEAST_KNOWN = 30
_MOSTLY = 0.5


def prospects_unlike(
    prospects: pl.DataFrame,
    customers: pl.DataFrame,
    tables: Sequence[AttributeTable],
    /,
) -> Iterator[ColumnFinding]:
    """Columns whose values lie, for most prospects, where no customer's did.

    A number outside the customers' range scores as the range's end does, and a level
    that no customer had scores nothing, so the column says little about such prospects.
    Nothing is said of fewer than 30 prospects that have a value. Nothing is refused.
    """
    present = [
        table
        for table in tables
        if table.kind in {Kind.NUMBER, Kind.CATEGORY} and _readable(prospects, table)
    ]
    codes = code_matrix(prospects, present)
    for table, code in zip(present, codes.T, strict=True):
        has_value = filled(table.column, prospects.schema[table.column])
        told = (code > 0) & prospects.select(has_value).to_series().to_numpy()
        known = int(told.sum())
        outside = int((told & _outside(prospects, customers, table, code)).sum())
        if known >= _LEAST_KNOWN and outside >= _MOSTLY * known:
            yield _finding(table, outside / known)


def _readable(prospects: pl.DataFrame, table: AttributeTable) -> bool:
    if table.column not in prospects.columns:
        return False
    try:
        refuse_unreadable(prospects.schema, {table.column: table.kind})
    except SchemaError:
        return False  # scoring says so, with what to do
    return True


def _outside(
    prospects: pl.DataFrame,
    customers: pl.DataFrame,
    table: AttributeTable,
    codes: NDArray[np.int32],
) -> NDArray[np.bool_]:
    if table.kind is Kind.CATEGORY:
        return np.asarray(codes == NEVER_SEEN)
    numbers, seen = (_numbers(frame[table.column]) for frame in (prospects, customers))
    seen = seen[np.isfinite(seen)]
    return np.asarray((numbers < seen.min()) | (numbers > seen.max()))


def _numbers(values: pl.Series) -> NDArray[np.float64]:
    return values.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _finding(table: AttributeTable, share: float) -> ColumnFinding:
    number = table.kind is Kind.NUMBER
    text = (
        f"{share:.0%} of the prospects' values are outside the customers' range and "
        "count as its nearest end; check the unit"
        if number
        else f"{share:.0%} of the prospects' values are ones that no customer has and "
        "count for nothing; check the spelling"
    )
    return ColumnFinding(
        column=table.column,
        code="prospects_unlike",
        message=f"{table.column}: {text}",
        excluded=False,
    )
