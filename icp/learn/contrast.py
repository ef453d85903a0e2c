"""Best against regrettable: one smooth, shrunken table of log-odds per attribute.

The logit of being best is a sum over attributes. A numeric attribute has a straight
backbone in its transformed value plus shrunken deviations per cell; any other has
shrunken deviations only. All are fitted together by ridge-penalised logistic
regression (Le Cessie & van Houwelingen 1992), so that attributes that say the same
share the credit. How much to shrink is chosen by cross-validation in which identical
accounts, and accounts of one group, always stay together; "nothing separates" is one
of the choices and is taken unless the others are better by more than chance.

Values are centred: an average account gets 0 from an attribute, and so does a missing
value.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from icp.learn.ridge import Ridge
from icp.profile import MISSING, AttributeTable
from icp.schema import Kind
from icp.stats import auc_interval, log_losses, sigmoid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from icp.learn.cells import Cells

__all__ = ["Contrast", "CrossFit", "cross_fit", "fit_contrast", "refit_logits"]

_PENALTIES = (300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3)
_CELL_SCALES = (0.0, 0.3, 1.0)
#: The AUC less so many standard errors must exceed one half, or nothing separates.
#: Where nothing separates, held-out AUCs scatter by the root of two more than their
#: standard error says (evidence.py), and by more with few customers or groups of them.
_BETTER_BY = 2.4
_FEW_EXTRA = 1.5
_MAX_CV_ROWS = 20_000
_FEW_ROWS = 150
#: Stands for no deviations of number cells at all.
_NO_SCALE = 1e-5
#: Enough to compare settings; the final fit is exact.
_NEAR = 1e-6


@dataclass(frozen=True)
class Setting:
    """How strongly to shrink: the ridge penalty and the weight of numeric cells."""

    penalty: float
    cell_scale: float


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """Log-odds in nats: `base` plus one value per table and cell code."""

    base: float
    points: tuple[NDArray[np.float64], ...]

    def logits(self, codes: NDArray[np.int32], /) -> NDArray[np.float64]:
        """Log-odds of each row of cell codes."""
        parts = (points[codes[:, j]] for j, points in enumerate(self.points))
        return sum(parts, np.full(len(codes), self.base))


@dataclass(frozen=True, kw_only=True)
class CrossFit:
    """What cross-validation said: the chosen setting and out-of-fold log-odds.

    `setting` is None where nothing separates. `rows` are the rows that took part,
    `logits` their out-of-fold log-odds, `groups` which rows belong together.
    """

    setting: Setting | None
    rows: NDArray[np.int64]
    logits: NDArray[np.float64]
    groups: NDArray[np.int64]


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


def fit_contrast(
    cells: Cells,
    rows: NDArray[np.int64],
    positive: NDArray[np.bool_],
    setting: Setting | None,
    /,
    *,
    missing_counts: NDArray[np.bool_],
) -> Contrast:
    """Fit on the given rows; where `setting` is None, nothing but the base rate."""
    if setting is None:
        blank = tuple(np.zeros(table.size) for table in cells.tables)
        return Contrast(base=_base_logit(positive), points=blank)
    tables = bases(cells, rows, missing_counts)
    ridge = Ridge(design=_design(tables, cells.codes[rows]), positive=positive)
    return _as_tables(ridge.solve(_penalties(cells, tables, setting)), tables)


def _as_tables(
    weights: NDArray[np.float64], tables: list[NDArray[np.float64]]
) -> Contrast:
    """Weights as points; a value not known is never the best or worst of its column."""
    bounds = np.cumsum([1, *(table.shape[1] for table in tables)])
    spans = zip(tables, pairwise(bounds.tolist()), strict=True)
    points = tuple(table @ weights[start:end] for table, (start, end) in spans)
    for of_cell in points:
        known = of_cell[2:]
        of_cell[:2] = np.clip(of_cell[:2], known.min(), known.max())
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


def _base_logit(positive: NDArray[np.bool_]) -> float:
    return float(np.log((positive.sum() + 0.5) / ((~positive).sum() + 0.5)))


# ------------------------------------------------------------------ cross-validation


def cross_fit(
    cells: Cells,
    rows: NDArray[np.int64],
    positive: NDArray[np.bool_],
    groups: NDArray[np.int64],
    /,
    *,
    missing_counts: NDArray[np.bool_],
    folds: int,
    seed: int,
    progress: Callable[[float], None],
) -> CrossFit:
    """Choose the setting by cross-validation, and return out-of-fold log-odds.

    `groups` numbers rows that must stay in one fold. With few rows the folds are
    drawn several times and the log-odds averaged. Above 20,000 rows every k-th row
    takes part.
    """
    every = -(-len(rows) // _MAX_CV_ROWS)
    rows, positive, groups = rows[::every], positive[::every], groups[::every]
    _, groups = np.unique(groups, return_inverse=True)
    repeats = 4 if len(rows) <= _FEW_ROWS else 1
    tables = bases(cells, rows, missing_counts)
    total = np.zeros((len(_settings(cells)), len(rows)))
    baseline = np.zeros(len(rows))
    for repeat in range(repeats):
        fold = folds_of(groups, positive, folds=folds, seed=seed + repeat)
        for number in range(fold.max() + 1):
            train, test = fold != number, fold == number
            baseline[test] += _base_logit(positive[train])
            for place, logits in enumerate(
                _path(cells, tables, rows, positive, train, test)
            ):
                total[place, test] += logits
            progress((repeat + (number + 1) / (fold.max() + 1)) / repeats)
    return _chosen(cells, rows, positive, groups, total / repeats, baseline / repeats)


def _settings(cells: Cells) -> list[Setting]:
    numeric = any(table.kind is Kind.NUMBER for table in cells.tables)
    scales = _CELL_SCALES if numeric else _CELL_SCALES[:1]
    return [Setting(penalty, scale) for scale in scales for penalty in _PENALTIES]


def _path(
    cells: Cells,
    tables: list[NDArray[np.float64]],
    rows: NDArray[np.int64],
    positive: NDArray[np.bool_],
    train: NDArray[np.bool_],
    test: NDArray[np.bool_],
) -> Iterator[NDArray[np.float64]]:
    """Held-out log-odds for every setting, each fit starting at the one before."""
    codes = cells.codes[rows]
    ridge = Ridge(design=_design(tables, codes[train]), positive=positive[train])
    for setting in _settings(cells):
        penalties = _penalties(cells, tables, setting)
        weights = ridge.solve(penalties, tolerance=_NEAR)
        yield _as_tables(weights, tables).logits(codes[test])


def _chosen(
    cells: Cells,
    rows: NDArray[np.int64],
    positive: NDArray[np.bool_],
    groups: NDArray[np.int64],
    logits: NDArray[np.float64],
    baseline: NDArray[np.float64],
) -> CrossFit:
    losses = np.array([log_losses(sigmoid(row), positive) for row in logits])
    best = int(np.argmin(losses.mean(axis=1).round(9)))
    gain = log_losses(sigmoid(baseline), positive).mean() - losses[best].mean()
    smaller = min(len(np.unique(groups[side])) for side in (positive, ~positive))
    z = _BETTER_BY * (1 + _FEW_EXTRA / max(1, smaller))
    low, _ = auc_interval(logits[best], positive, groups=groups, z=z)
    separates = low > 0.5 and gain > 0
    return CrossFit(
        setting=_settings(cells)[best] if separates else None,
        rows=rows,
        logits=logits[best],
        groups=groups,
    )


def folds_of(
    groups: NDArray[np.int64],
    positive: NDArray[np.bool_],
    /,
    *,
    folds: int,
    seed: int,
) -> NDArray[np.int64]:
    """Fold of each row: groups stay whole, and each fold gets its share of best ones.

    Exchanging best and regrettable gives the same folds.

    >>> groups = np.array([0, 0, 1, 2, 3])
    >>> fold = folds_of(groups, np.array([1, 1, 0, 1, 0], bool), folds=2, seed=0)
    >>> bool(fold[0] == fold[1]), sorted(set(fold.tolist()))
    (True, [0, 1])
    """
    count = int(groups.max()) + 1
    side = positive == positive[0]
    share = np.bincount(groups, weights=side) / np.bincount(groups)
    shuffled = np.random.default_rng([seed, count]).permutation(count)
    ordered = shuffled[np.argsort(share[shuffled], kind="stable")]
    fold_of_group = np.empty(count, dtype=np.int64)
    fold_of_group[ordered] = np.arange(count) % min(folds, count)
    return fold_of_group[groups]


def refit_logits(
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
