"""Dated customers, cut into earlier and newer ones, and counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from icp.learn.change import banded, tally
from icp.profile import MISSING
from icp.schema import Kind
from icp.scoring.cells import code_matrix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from icp.profile import AttributeTable

__all__ = [
    "Dated",
    "by_outcome",
    "counted_by",
    "dated_customers",
    "numbers_of",
    "outside_before",
    "shift_bands",
]

#: Dated customers below which nothing can be said.
_LEAST_DATED = 30
#: Expected customers per band and period, below which a test is not trusted.
_EXPECTED = 5.0
_SHIFT_BANDS, _EFFECT_BANDS = 12, 6
_PARTS = 3


@dataclass(frozen=True, kw_only=True)
class Dated:
    """The dated customers, and which of them are new."""

    values: pl.DataFrame
    tables: tuple[AttributeTable, ...]
    #: Cell code per customer and table.
    codes: NDArray[np.int32]
    #: 1 best, 0 regrettable, 2 neutral, 3 not known yet.
    labels: NDArray[np.int8]
    weights: NDArray[np.float64]
    #: 1 for the newest third, 0 for the others.
    newest: NDArray[np.int64]
    #: Whether each belongs to the newest third of these.
    last: NDArray[np.bool_]
    #: Slice in time; slices hold the rarer of best and regrettable in equal parts.
    period: NDArray[np.int64]
    #: First day of the newest third.
    since: str
    #: First day of each slice but the first.
    starts: tuple[str, ...]


def dated_customers(
    customers: pl.DataFrame,
    tables: Sequence[AttributeTable],
    labels: NDArray[np.int8],
    dates: pl.Series,
    groups: NDArray[np.int64] | None,
    /,
) -> Dated | None:
    """The customers with a date; None where they are too few to compare periods."""
    if not isinstance(dates.dtype, pl.Date | pl.Datetime):
        return None
    days = dates.dt.date()
    known = np.flatnonzero(days.is_not_null().to_numpy())
    if len(known) < _LEAST_DATED or days[known].n_unique() < _PARTS:
        return None
    weights = np.ones(len(known)) if groups is None else _weights(groups[known])
    return _cut(customers[known], tuple(tables), labels[known], days[known], weights)


def _weights(groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """Rows of one group share the weight of one."""
    _, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    return np.asarray(1 / sizes[place.reshape(-1)])


def _cut(
    values: pl.DataFrame,
    tables: tuple[AttributeTable, ...],
    labels: NDArray[np.int8],
    days: pl.Series,
    weights: NDArray[np.float64],
) -> Dated:
    number = days.to_physical().to_numpy()
    since = _cuts(number, _PARTS)[-1]
    rarer = _rarer(number, labels)
    cuts = _cuts(rarer, _PARTS) if len(rarer) >= _PARTS else [since]
    return Dated(
        values=values,
        tables=tables,
        codes=code_matrix(values, tables),
        labels=labels,
        weights=weights,
        newest=(number >= since).astype(np.int64),
        last=number >= _cuts(number, _PARTS**2)[-1],
        period=np.searchsorted(cuts, number, side="right"),
        since=_day(since),
        starts=tuple(_day(cut) for cut in cuts),
    )


def _rarer(days: NDArray[np.int32], labels: NDArray[np.int8]) -> NDArray[np.int32]:
    """The days of the rarer outcome; of both where neither is."""
    best, bad = days[labels == 1], days[labels == 0]
    if len(best) == len(bad):
        return np.concatenate([best, bad])
    return min(best, bad, key=len)


def _cuts(days: NDArray[np.int32], parts: int) -> list[int]:
    """First days of all parts but the first; a day is never split."""
    ordered = np.sort(days)
    places = [len(ordered) * part // parts for part in range(1, parts)]
    return sorted({int(ordered[place]) for place in places} - {int(ordered[0])}) or [
        int(ordered[-1])
    ]


def _day(number: int) -> str:
    return str(np.datetime64(number, "D"))


def outside_before(dated: Dated, j: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of the newest have a value, and which of these one not seen before.

    A number outside the earlier range, or a level that no earlier customer had. Rare
    levels are one level here, since some new ones are to be expected among them.
    """
    table, codes = dated.tables[j], dated.codes[:, j]
    new = dated.newest == 1
    told = codes[new] > MISSING
    if table.kind is Kind.CATEGORY:
        return told, told & ~np.isin(codes[new], codes[~new])
    numbers = numbers_of(dated, j)
    before = numbers[~new & np.isfinite(numbers)]
    if not len(before):
        return told, told
    return told, told & ((numbers[new] < before.min()) | (numbers[new] > before.max()))


def by_outcome(
    dated: Dated, j: int
) -> tuple[NDArray[np.float64] | None, NDArray[np.int64]]:
    """Slice x outcome x band of best and regrettable ones, and each cell's band."""
    codes, table = dated.codes[:, j], dated.tables[j]
    told = (dated.labels < 2) & (codes > 1)
    slices = dated.period * 2 + np.minimum(dated.labels, 1)
    sides = 2 * (int(dated.period.max()) + 1)
    rarest = np.bincount(slices[told], dated.weights[told], minlength=sides).min()
    cells = _per_cell(codes[told], dated.weights[told], table.size)
    if rarest < _EXPECTED:
        return None, np.empty(0, dtype=np.int64)
    bands = banded(
        cells,
        ordered=table.kind is Kind.NUMBER,
        least=_EXPECTED * cells.sum() / rarest,
        most=_EFFECT_BANDS,
    )
    counts = counted_by(dated, slices, bands[codes], sides, told)
    if counts.shape[1] < 2:
        return None, bands
    return counts.reshape(sides // 2, 2, -1), bands


def shift_bands(dated: Dated, j: int) -> NDArray[np.int64]:
    """The band of each customer; not known is one of its own, or of none if rare."""
    codes, table = dated.codes[:, j], dated.tables[j]
    cells = _per_cell(codes, dated.weights, table.size)
    smaller = min(dated.newest.mean(), 1 - dated.newest.mean())
    unknown, cells[:2] = cells[MISSING], 0.0
    least = _EXPECTED / max(smaller, 1e-9)
    ordered = table.kind is Kind.NUMBER
    bands = banded(cells, ordered=ordered, least=least, most=_SHIFT_BANDS)
    bands[MISSING] = bands.max() + 1 if unknown >= least else -1
    return np.asarray(bands[codes])


def counted_by(
    dated: Dated,
    parts: NDArray[np.int64],
    bands: NDArray[np.int64],
    count: int,
    chosen: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Weighted customers per part and band, of the chosen ones that have a band."""
    rows = chosen & (bands >= 0)
    shape = (count, int(bands.max()) + 1)
    return tally(parts[rows], bands[rows], dated.weights[rows], shape)


def _per_cell(
    codes: NDArray[np.int32], weights: NDArray[np.float64], size: int
) -> NDArray[np.float64]:
    return np.bincount(codes, weights, minlength=size).astype(np.float64)


def numbers_of(dated: Dated, j: int) -> NDArray[np.float64]:
    """A number column's values, NaN where not known."""
    column = dated.values[dated.tables[j].column]
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()
