"""Does an attribute separate only because of who sold, or when?

If one seller wins most deals and sells mostly to banks, banks look like good customers.
Among the customers of each seller the contrast then vanishes. The log-odds that an
attribute shows overall are compared with those it shows within each seller or year, by
logistic regression with and without an intercept per stratum (Breslow & Day 1980, the
model behind the odds ratio of Mantel & Haenszel 1959, for any number of levels).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from icp.learn.evidence import log_odds
from icp.learn.leakage import names_the_seller
from icp.profile import ColumnFinding
from icp.schema import Role
from icp.stats import sigmoid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from icp.learn.cells import Cells
    from icp.profile import AttributeEvidence, AttributeTable
    from icp.schema import AccountSchema

__all__ = ["Strata", "confounded", "has_texts", "strata_of"]

_BEYOND_CHANCE = 0.05
_SHRINKS_TO = 0.5
#: One in five is wrong at the border: a warning that only asks for a look.
_SURE = 0.8416
_TOLD_APART = 0.1
_LEAST_PER_STRATUM = 4
_NEWTON_STEPS = 12
_STEEPEST = 20.0
_TINY = 1e-9

#: Names of columns that say who sold or when, each with a number per customer; -1
#: where it is not known.
Strata = dict[str, "NDArray[np.int64]"]


class _Within(NamedTuple):
    """How far an attribute's contrast holds within strata.

    `share` is the contrast within strata per contrast overall, `above` an upper bound
    of it less a half, in the same unit; `left` the share of the attribute's information
    that strata leave.
    """

    share: float
    above: float
    left: float


def strata_of(
    customers: pl.DataFrame, schema: AccountSchema, /, *, date: str | None
) -> Strata:
    """Who sold to each customer and in which year, where the frame says so.

    Columns of the role owner, columns named like one, and the year of `date`. A column
    with fewer than two values, or with nearly as many as customers, says nothing.
    """
    owners = [a.name for a in schema.with_role(Role.OWNER)]
    named = [c for c in customers.columns if c not in owners and names_the_seller(c)]
    found = {name: customers[name] for name in (*owners, *named) if name in customers}
    if date and isinstance(customers[date].dtype, pl.Date | pl.Datetime):
        found[f"the year of {date}"] = customers[date].dt.year()
    numbered = {name: _numbered(values) for name, values in found.items()}
    return {name: each for name, each in numbered.items() if _tells(each)}


def has_texts(dtype: pl.DataType, /) -> bool:
    """Whether values of a type can be told apart as texts."""
    unwritten = isinstance(dtype, pl.Binary | pl.Object | pl.Duration)
    return not dtype.is_nested() and not unwritten


def _numbered(values: pl.Series) -> NDArray[np.int64]:
    if not has_texts(values.dtype):
        return np.full(len(values), -1)
    ranks = values.cast(pl.String).rank("dense").fill_null(0).to_numpy()
    return ranks.astype(np.int64) - 1


def _tells(strata: NDArray[np.int64]) -> bool:
    known = strata[strata >= 0]
    count = len(np.unique(known))
    return 2 <= count <= len(known) / _LEAST_PER_STRATUM


def confounded(
    cells: Cells,
    rows: NDArray[np.int64],
    positive: NDArray[np.bool_],
    strata: Strata,
    evidence: Sequence[AttributeEvidence],
    /,
) -> tuple[ColumnFinding, ...]:
    """Warn of attributes whose contrast is that of who sold, or when.

    `rows` of `cells` are best or regrettable, as `positive` says; `strata` number the
    rows of the frame that `cells` were cut from. Told are attributes that separate
    beyond chance and of whose contrast, beyond chance, less than half is left within
    strata; and those that strata determine so far that the two cannot be told apart.
    Nothing is refused.
    """
    separates = [one.p_value <= _BEYOND_CHANCE for one in evidence]
    found: dict[str, ColumnFinding] = {}
    for name, numbers in strata.items():
        own = numbers[cells.rows[rows]]
        for j, table in enumerate(cells.tables):
            if separates[j] and table.column not in (name, *found):
                counts = _counts(cells.codes[rows, j], own, positive, table.size)
                text = _said(counts, name)
                if text:
                    found[table.column] = _finding(table, text)
    return tuple(found.values())


def _counts(
    codes: NDArray[np.int32],
    strata: NDArray[np.int64],
    positive: NDArray[np.bool_],
    size: int,
) -> NDArray[np.float64]:
    """Customers per cell, stratum and outcome, where cell and stratum are known."""
    known = (codes > 1) & (strata >= 0)
    count = int(strata.max(initial=0)) + 1
    places = (codes[known] * count + strata[known]) * 2 + positive[known]
    counted = np.bincount(places, minlength=size * count * 2)
    return counted.reshape(size, count, 2).astype(np.float64)


def _said(counts: NDArray[np.float64], name: str) -> str | None:
    """What is wrong, in words; None where the contrast holds within strata."""
    within = _compared(counts)
    if within is None:
        return None
    if within.left < _TOLD_APART:
        return (
            f"{name} and it go together so closely that which of the two matters "
            "cannot be told; the next account may get another"
        )
    if within.share >= _SHRINKS_TO or within.above >= 0:
        return None
    left = "turns round" if within.share < 0 else f"shrinks to {within.share:.0%}"
    return (
        f"among customers alike in {name} its contrast {left}; it may say who sold, "
        "or when, rather than who is a good customer"
    )


def _compared(counts: NDArray[np.float64]) -> _Within | None:
    """The contrast overall against within strata; None where there is nothing to see.

    The bound is from every customer's influence on the difference of the two slopes.
    """
    both = counts.sum(axis=2)
    levels = log_odds(counts[:, :, 1].sum(axis=1), counts[:, :, 0].sum(axis=1))
    overall = _regressed(counts.sum(axis=1, keepdims=True), levels)
    within = _regressed(counts, levels)
    if overall.slope <= 0:
        return None
    if within.information <= 0:
        return _Within(0.0, 0.0, 0.0)
    apart = within.influence - _SHRINKS_TO * overall.influence
    spread = np.sqrt((counts * apart**2).sum() * _inflation(both))
    above = within.slope - _SHRINKS_TO * overall.slope + _SURE * spread
    return _Within(
        share=round(float(within.slope / overall.slope), 9),
        above=round(float(above), 9),
        left=float(within.information / overall.information),
    )


def _inflation(customers: NDArray[np.float64]) -> float:
    """For the intercepts that were fitted, one per stratum."""
    total, strata = customers.sum(), (customers.sum(axis=0) > 0).sum()
    return float(total / max(1.0, total - strata - 1))


class _Slope(NamedTuple):
    slope: float
    information: float
    influence: NDArray[np.float64]


def _regressed(counts: NDArray[np.float64], levels: NDArray[np.float64]) -> _Slope:
    """Logistic regression of the outcome on `levels`, an intercept per stratum.

    Newton's method; strata (the second axis) in which all did alike say nothing.
    """
    both = counts.sum(axis=2)
    told = (counts.sum(axis=0) > 0).all(axis=1)
    slope, starts = 0.0, np.zeros(len(told))
    for _ in range(_NEWTON_STEPS):
        chance = sigmoid(starts + slope * levels[:, None])
        weight = both * chance * (1 - chance) * told
        total = np.maximum(weight.sum(axis=0), _TINY)
        middle = (weight * levels[:, None]).sum(axis=0) / total
        away = levels[:, None] - middle
        information = float((weight * away**2).sum())
        if information <= _TINY:
            return _Slope(0.0, 0.0, np.zeros_like(counts))
        missed = (counts[:, :, 1] - both * chance) * told
        step = float((missed * away).sum() / information)
        starts = np.clip(starts + missed.sum(axis=0) / total - step * middle, -30, 30)
        slope = float(np.clip(slope + step, -_STEEPEST, _STEEPEST))
    off = np.stack([-chance, 1 - chance], axis=2) * told[:, None]
    return _Slope(slope, information, off * away[:, :, None] / information)


def _finding(table: AttributeTable, text: str) -> ColumnFinding:
    return ColumnFinding(
        column=table.column,
        code="confounded",
        message=f"{table.column}: {text}",
        excluded=False,
    )
