"""The smooth part of the contrast: ridge regression with a straight backbone.

The logit of being best is a sum over attributes. A numeric attribute has a straight
backbone in its transformed value plus shrunken deviations per cell; any other has
shrunken deviations only. All are fitted together by ridge-penalised logistic
regression (Le Cessie & van Houwelingen 1992), so that attributes that say the same
share the credit.

Values are centred: an average account gets 0 from an attribute, and so does a missing
value, unless being missing differs between outcomes beyond doubt.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from icp.learn.fold import Contrast
from icp.learn.ridge import Ridge
from icp.profile import MISSING, AttributeTable
from icp.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from icp.learn.cells import Cells

__all__ = ["Setting", "bases", "fit_smooth", "refit_smooth", "settings", "smooth_path"]

_PENALTIES = (300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3)
_CELL_SCALES = (0.0, 0.3, 1.0)
#: Stands for no deviations of number cells at all.
_NO_SCALE = 1e-5
#: Enough to compare settings; the final fit is exact.
_NEAR = 1e-6


@dataclass(frozen=True)
class Setting:
    """How strongly to shrink: the ridge penalty and the weight of numeric cells."""

    penalty: float
    cell_scale: float


def bases(
    cells: Cells, rows: NDArray[np.int64], missing_counts: NDArray[np.bool_], /
) -> list[NDArray[np.float64]]:
    """Per table, a matrix of cell code x basis function, centred over known rows.

    Rows for missing and never seen are zero, unless `missing_counts` says that being
    missing is itself a cell of that table.
    """
    return [
        _basis(table, position, cells.codes[rows, j], with_missing=bool(informative))
        for j, (table, position, informative) in enumerate(
            zip(cells.tables, cells.positions, missing_counts, strict=True)
        )
    ]


def _basis(
    table: AttributeTable,
    position: NDArray[np.float64],
    codes: NDArray[np.int32],
    *,
    with_missing: bool,
) -> NDArray[np.float64]:
    identity = np.eye(table.size)
    columns = identity[:, 3:] if _is_binary(table) else identity[:, 2:]
    if table.kind is Kind.NUMBER:
        columns = np.column_stack([np.nan_to_num(position), columns])
    counts = np.bincount(codes, minlength=table.size).astype(np.float64)
    counts[:2] = 0
    known = max(counts.sum(), 1.0)
    centred = columns - counts @ columns / known
    centred[:2] = 0
    if with_missing:
        share = float((codes == MISSING).mean())
        flag = (identity[:, MISSING] - share)[:, None]
        centred = np.column_stack([centred, flag])
    return np.asarray(centred)


def _is_binary(table: AttributeTable) -> bool:
    return table.kind is not Kind.NUMBER and len(table.cells) == 2


def fit_smooth(
    cells: Cells,
    rows: NDArray[np.int64],
    positive: NDArray[np.bool_],
    setting: Setting,
    /,
    *,
    missing_counts: NDArray[np.bool_],
) -> Contrast:
    """Fit on the given rows."""
    tables = bases(cells, rows, missing_counts)
    ridge = Ridge(design=_design(tables, cells.codes[rows]), positive=positive)
    return _as_tables(ridge.solve(_penalties(cells, tables, setting)), tables)


def _as_tables(
    weights: NDArray[np.float64], tables: list[NDArray[np.float64]]
) -> Contrast:
    bounds = np.cumsum([1, *(table.shape[1] for table in tables)])
    spans = zip(tables, pairwise(bounds.tolist()), strict=True)
    points = tuple(table @ weights[start:end] for table, (start, end) in spans)
    return Contrast(base=float(weights[0]), points=points)


def _penalties(
    cells: Cells, tables: list[NDArray[np.float64]], setting: Setting
) -> NDArray[np.float64]:
    """The penalty of every column; deviations of number cells are shrunken more."""
    parts = []
    for described, table in zip(cells.tables, tables, strict=True):
        part = np.full(table.shape[1], setting.penalty)
        if described.kind is Kind.NUMBER:
            part[1 : 1 + len(described.cells)] /= (
                max(setting.cell_scale, _NO_SCALE) ** 2
            )
        parts.append(part)
    return np.concatenate(parts) if parts else np.empty(0)


def _design(
    tables: list[NDArray[np.float64]], codes: NDArray[np.int32]
) -> NDArray[np.float64]:
    if not tables:
        return np.empty((len(codes), 0))
    return np.hstack([table[codes[:, j]] for j, table in enumerate(tables)])


def settings(cells: Cells, /) -> list[Setting]:
    """Everything that cross-validation tries."""
    numeric = any(table.kind is Kind.NUMBER for table in cells.tables)
    scales = _CELL_SCALES if numeric else _CELL_SCALES[:1]
    return [Setting(penalty, scale) for scale in scales for penalty in _PENALTIES]


def smooth_path(
    cells: Cells,
    tables: list[NDArray[np.float64]],
    rows: NDArray[np.int64],
    positive: NDArray[np.bool_],
    train: NDArray[np.bool_],
    test: NDArray[np.bool_],
    /,
) -> Iterator[NDArray[np.float64]]:
    """Held-out log-odds for every setting, each fit starting at the one before.

    `tables` are the `bases` of the rows.
    """
    codes = cells.codes[rows]
    ridge = Ridge(design=_design(tables, codes[train]), positive=positive[train])
    for setting in settings(cells):
        penalties = _penalties(cells, tables, setting)
        weights = ridge.solve(penalties, tolerance=_NEAR)
        yield _as_tables(weights, tables).logits(codes[test])


def refit_smooth(
    cells: Cells,
    rows: NDArray[np.int64],
    positive: NDArray[np.bool_],
    groups: NDArray[np.int64],
    setting: Setting,
    /,
    *,
    missing_counts: NDArray[np.bool_],
    refits: int,
    seed: int,
    progress: Callable[[float], None],
) -> NDArray[np.float64]:
    """Log-odds of every row under refits on resampled groups: refits x rows.

    The bootstrap of Efron (1979) over groups, in which weights are pulled toward draws
    from the prior that the penalty stands for, not toward zero. Refits then scatter as
    the posterior does (Bardsley et al. 2014), shrinkage included, whose average
    coverage is that of the truth (Nychka 1988). The setting stays as chosen.
    """
    tables, codes = bases(cells, rows, missing_counts), cells.codes[rows]
    ridge = Ridge(design=_design(tables, codes), positive=positive)
    penalties = _penalties(cells, tables, setting)
    ridge.solve(penalties)
    draw = np.random.default_rng([seed, 1])
    count = int(groups.max()) + 1
    logits = np.empty((refits, len(rows)))
    for refit in range(refits):
        times = np.bincount(draw.integers(count, size=count), minlength=count)[groups]
        weights = ridge.solve(
            penalties,
            counts=times.astype(np.float64),
            centres=draw.standard_normal(len(penalties)) / np.sqrt(penalties),
            tolerance=_NEAR,
        )
        logits[refit] = _as_tables(weights, tables).logits(codes)
        progress((refit + 1) / refits)
    return logits
