"""Accounts unlike the best customers, unlike any customer, or both, and what by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
import polars as pl

from icp.profile import MISSING
from icp.scoring.cells import codes
from icp.scoring.plan import SCORE_COLUMNS, refuse_taken, score, unused
from icp.scoring.reasons import ODD
from icp.scoring.words import cell_words, title_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from icp.profile import AttributeTable, Profile

__all__ = ["OUTLIER_COLUMNS", "QUADRANTS", "outliers"]

#: Far from the best (+1) and far from all closed (+2), in words.
QUADRANTS: Final = (
    "ordinary",
    "far from best only",
    "far from all closed only",
    "far from both",
)
#: The columns that `outliers` adds to the accounts, in order.
OUTLIER_COLUMNS: Final = {
    "distance_best": pl.Int32(),
    "nearest_best": SCORE_COLUMNS["nearest_best"],
    "best_p": pl.Float64(),
    "distance_closed": pl.Int32(),
    "novelty_p": pl.Float64(),
    "quadrant": pl.String(),
    "odd": pl.List(pl.String()),
}
FrameT = TypeVar("FrameT", pl.DataFrame, pl.LazyFrame)

_FAR = 0.05
_NAMED = 3
#: More cells than any profile may have, so that a surprise and a cell fit one integer.
_CELLS = 2**17


def outliers(accounts: FrameT, profile: Profile, /) -> FrameT:
    """Say how far each account is from the best and from all closed customers.

    Appends `distance_best` and `nearest_best` as in `score`; `best_p`, the share of
    best customers at least as far from their nearest segment (one added to both
    counts); `distance_closed` and its share `novelty_p`; `quadrant`, where far means a
    share below 5 %; and `odd`, the at most three attributes that are most surprising
    among the closed customers, as "title: cell". Columns of these names and score
    columns that are already there are replaced, but for those that the profile reads:
    they raise SchemaError, as in `score`. `best_p` and `novelty_p` are null where the
    profile has no distances.
    """
    if isinstance(accounts, pl.DataFrame):
        return outliers(accounts.lazy(), profile).collect()
    written = {*SCORE_COLUMNS, *OUTLIER_COLUMNS} - profile.columns.keys()
    plain = accounts.drop(*written, strict=False)
    schema, tables = plain.collect_schema(), profile.tables
    refuse_taken(schema, OUTLIER_COLUMNS)
    places = [f"{unused(schema)}{place}" for place in range(len(tables))]
    cells = zip(codes(schema, tables), places, strict=True)
    surprises = [
        _looked_up(table.pooled, pl.Int32(), place)
        for table, place in zip(tables, places, strict=True)
    ]
    return (
        plain.pipe(score, profile)
        .with_columns(cell.alias(place) for cell, place in cells)
        .with_columns(
            pl.sum_horizontal(pl.lit(0, pl.Int32), *surprises).alias("distance_closed"),
            _odd(tables, places).alias("odd"),
            _best_p(profile).alias("best_p"),
        )
        .with_columns(_quadrant().alias("quadrant"))
        .select(*schema, *OUTLIER_COLUMNS)
    )


def _looked_up(values: Sequence[int | None], dtype: pl.DataType, place: str) -> pl.Expr:
    return pl.lit(pl.Series(values, dtype=dtype)).gather(pl.col(place))


def _best_p(profile: Profile) -> pl.Expr:
    own = sorted(set(profile.novelty.best))
    if not own:
        return pl.lit(None, pl.Float64)
    count = len(profile.novelty.best)
    nearer = np.searchsorted(profile.novelty.best, [-1, *own], side="right")
    shares = pl.Series((1 + count - nearer) / (1 + count))
    place = (pl.col("distance_best") - 1).bin_intervals(own, labels=False)
    return pl.lit(shares).gather(place)


def _quadrant() -> pl.Expr:
    far_from_best = (pl.col("best_p") < _FAR).fill_null(value=False)
    far_from_closed = (pl.col("novelty_p") < _FAR).fill_null(value=False)
    place = far_from_best.cast(pl.UInt32) + 2 * far_from_closed.cast(pl.UInt32)
    return pl.lit(pl.Series(QUADRANTS)).gather(place)


def _odd(tables: Sequence[AttributeTable], places: Sequence[str]) -> pl.Expr:
    """The words of the most surprising cells: surprise and cell as one integer."""
    words: list[str] = []
    ranks = []
    for table, place in zip(tables, places, strict=True):
        cells = [
            surprise * _CELLS + _CELLS - 1 - len(words) - code
            if surprise >= ODD and code != MISSING
            else None
            for code, surprise in enumerate(table.pooled)
        ]
        ranks.append(_looked_up(cells, pl.Int64(), place))
        words += [
            f"{title_of(table)}: {cell_words(table, c)}" for c in range(table.size)
        ]
    if not ranks:
        return pl.lit([], pl.List(pl.String))
    ordered = pl.concat_list(ranks).list.drop_nulls().list.sort(descending=True)
    cell = _CELLS - 1 - pl.element() % _CELLS
    return ordered.list.head(_NAMED).list.eval(pl.lit(pl.Series(words)).gather(cell))
