"""Best against regrettable: log-odds that are a sum over attributes and a few pairs.

One part is smooth (ridge regression), the other boosted trees (`icp.learn.boosting`).
Every choice is made by cross-validation in which identical accounts, and accounts of
one group, stay together: strengths of the smooth part are averaged by how well they did
(pseudo-BMA), and so is the share of either part, with some belief in one fifth smooth.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from icp.learn.boosting import (
    Boosting,
    Contrast,
    cap_unknown,
    cross_boost,
    fit_boosting,
    pseudo_weights,
)
from icp.profile import MISSING, AttributeTable
from icp.stats import auc_interval, log_losses, sigmoid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from icp.learn.cells import Cells
    from icp.stats import Codes, Flags, Floats, Ints


@dataclass(frozen=True)
class Setting:
    """How strongly to shrink: the ridge penalty and the weight of numeric cells."""

    penalty: float
    cell_scale: float


@dataclass(frozen=True, kw_only=True)
class CrossFit:
    """What cross-validation said: the choices and out-of-fold log-odds.

    `separates` says whether customers held out are told apart beyond chance. `rows`
    are the rows that took part, `logits` their out-of-fold log-odds, `groups` which
    rows belong together. `share` is that of the smooth part, which is the mean of its
    `settings`, each with its weight; where no part does better than the base rate,
    there are none.
    """

    settings: tuple[tuple[Setting, float], ...]
    boosting: Boosting
    share: float
    separates: bool
    rows: Ints
    logits: Floats
    groups: Ints


_FEW_ROWS = 150
_FEW_REPEATS = 4


def cross_fit(
    cells: Cells,
    rows: Ints,
    positive: Flags,
    groups: Ints,
    /,
    *,
    missing_counts: Flags,
    folds: int,
    seed: int,
    progress: Callable[[float], None],
) -> CrossFit:
    """Choose by cross-validation, and return out-of-fold log-odds.

    `groups` numbers rows that must stay in one fold. With few rows the folds are
    drawn several times and the log-odds averaged. Above 20,000 rows every k-th row
    takes part.
    """
    every = _every(rows)
    rows, positive, groups = rows[::every], positive[::every], groups[::every]
    _, groups = np.unique(groups, return_inverse=True)
    partitions = np.array(
        [
            folds_of(groups, positive, folds=folds, seed=seed + repeat)
            for repeat in range(_FEW_REPEATS if len(rows) <= _FEW_ROWS else 1)
        ]
    )
    smooth, baseline = _held_out_smooth(
        cells, rows, positive, missing_counts, partitions, lambda x: progress(x / 2)
    )
    boosting, boosted = cross_boost(
        cells,
        rows,
        positive,
        partitions,
        lambda learnt: _base_logit(positive[learnt]),
        silent=~missing_counts,
        seed=seed,
        progress=lambda x: progress(0.5 + x / 2),
    )
    progress(1.0)
    weights = _smooth_weights(smooth, positive)
    smoothed = weights @ smooth
    share = _share(smoothed, boosted, positive)
    logits = share * smoothed + (1 - share) * boosted
    gain = _loss(baseline, positive) - _loss(logits, positive)
    low = _lowest_auc(logits, positive, groups)
    return CrossFit(
        settings=_ranked_settings(settings(cells), weights) if gain > 0 else (),
        boosting=boosting,
        share=share,
        separates=bool(low > 0.5 and gain > 0),
        rows=rows,
        logits=logits,
        groups=groups,
    )


_MAX_CV_ROWS = 20_000


def _every(rows: Ints) -> int:
    """Above 20,000 rows every k-th takes part in cross-validation and boosting."""
    return -(-len(rows) // _MAX_CV_ROWS)


def _held_out_smooth(
    cells: Cells,
    rows: Ints,
    positive: Flags,
    missing_counts: Flags,
    partitions: Ints,
    progress: Callable[[float], None],
) -> tuple[Floats, Floats]:
    """Held-out log-odds per setting and row, and those of the base rate alone."""
    tables = bases(cells, rows, missing_counts)
    total = np.zeros((len(settings(cells)), len(rows)))
    baseline = np.zeros(len(rows))
    for repeat, fold in enumerate(partitions):
        for number in range(fold.max() + 1):
            train, test = fold != number, fold == number
            baseline[test] += _base_logit(positive[train])
            path = smooth_path(cells, tables, rows, positive, train, test)
            for place, logits in enumerate(path):
                total[place, test] += logits
            progress((repeat + (number + 1) / (fold.max() + 1)) / len(partitions))
    return total / len(partitions), baseline / len(partitions)


def _base_logit(positive: Flags) -> float:
    """Exactly the opposite where the outcomes are exchanged."""
    return float(np.log(positive.sum() + 0.5) - np.log((~positive).sum() + 0.5))


#: Strengths of the smooth part that count by less are left out.
_LEAST_SHARE = 0.01


def _smooth_weights(held_out: Floats, positive: Flags) -> Floats:
    """How much each setting counts; those that hardly do are left out."""
    losses = [log_losses(sigmoid(row), positive).sum() for row in held_out]
    weights = pseudo_weights(np.array(losses).round(6))
    weights = np.where(weights >= _LEAST_SHARE, weights, 0.0)
    return np.asarray((weights / weights.sum()).round(6))


#: Belief, worth so many customers' log loss, in a fifth smooth and the rest boosted.
_BELIEF = 12.0
_SMOOTH_BELIEF = 0.2
_SHARES = np.arange(1, 20) / 20


def _share(smooth: Floats, boosted: Floats, positive: Flags) -> float:
    """Share of the smooth part by held-out log loss, in twentieths."""
    belief = _SMOOTH_BELIEF * np.log(_SHARES) + (1 - _SMOOTH_BELIEF) * np.log1p(
        -_SHARES
    )
    losses = [
        log_losses(sigmoid(share * smooth + (1 - share) * boosted), positive).sum()
        for share in _SHARES
    ]
    return float(_SHARES[np.argmin((np.array(losses) - _BELIEF * belief).round(6))])


def _loss(logits: Floats, positive: Flags) -> float:
    return round(float(log_losses(sigmoid(logits), positive).mean()), 9)


#: The AUC less so many standard errors must exceed one half, or nothing separates.
#: Where nothing separates, held-out AUCs scatter by the root of two more than their
#: standard error says (evidence.py), and by more with few customers or groups of them.
_BETTER_BY = 2.6
_FEW_EXTRA = 0.6


def _lowest_auc(logits: Floats, positive: Flags, groups: Ints) -> float:
    smaller = min(len(np.unique(groups[side])) for side in (positive, ~positive))
    z = _BETTER_BY * (1 + _FEW_EXTRA / max(1, smaller))
    return auc_interval(logits, positive, groups=groups, z=z)[0]


def _ranked_settings(
    options: list[Setting], weights: Floats
) -> tuple[tuple[Setting, float], ...]:
    """The settings that count, the one that counts most first."""
    order = np.argsort(-weights, kind="stable")
    return tuple((options[k], float(weights[k])) for k in order if weights[k] > 0)


def fit_contrast(
    cells: Cells,
    rows: Ints,
    positive: Flags,
    cross: CrossFit,
    /,
    *,
    missing_counts: Flags,
    seed: int,
) -> Contrast:
    """Fit on the given rows as chosen; the base rate alone where nothing helps."""
    start = _base_logit(positive)
    if not cross.settings:
        blank = tuple(np.zeros(table.size) for table in cells.tables)
        return Contrast(base=start, points=blank)
    smooth = _mean_smooth(cells, rows, positive, cross.settings, missing_counts)
    boosting_part = fit_boosting(
        cells,
        rows[:: _every(rows)],
        positive[:: _every(rows)],
        cross.boosting,
        start,
        silent=~missing_counts,
        seed=seed,
    )
    contrast = cap_unknown(_mix(smooth, boosting_part, cross.share))
    return replace(contrast, base=contrast.base + (1 - cross.share) * start)


def _mean_smooth(
    cells: Cells,
    rows: Ints,
    positive: Flags,
    weighted: tuple[tuple[Setting, float], ...],
    missing_counts: Flags,
) -> Contrast:
    fits = [
        fit_smooth(cells, rows, positive, setting, missing_counts=missing_counts)
        for setting, _ in weighted
    ]
    weights = np.array([weight for _, weight in weighted])
    points = zip(*(fit.points for fit in fits), strict=True)
    return Contrast(
        base=float(weights @ np.array([fit.base for fit in fits])),
        points=tuple(weights @ np.array(of_table) for of_table in points),
    )


def _mix(smooth: Contrast, boosted: Contrast, share: float) -> Contrast:
    rest = 1 - share
    points = zip(smooth.points, boosted.points, strict=True)
    return Contrast(
        base=share * smooth.base + rest * boosted.base,
        points=tuple(share * one + rest * other for one, other in points),
        pairs=tuple(p._replace(points=rest * p.points) for p in boosted.pairs),
    )


def folds_of(groups: Ints, positive: Flags, /, *, folds: int, seed: int) -> Ints:
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
    rows: Ints,
    positive: Flags,
    groups: Ints,
    setting: Setting,
    fitted: Contrast,
    /,
    *,
    missing_counts: Flags,
    refits: int,
    seed: int,
    progress: Callable[[float], None],
) -> Floats:
    """Log-odds of every row under refits on resampled groups: refits x rows.

    The smooth part is refitted; as far as its refits lie from it, so far are those of
    the whole taken to lie.
    """
    smooth = fit_smooth(cells, rows, positive, setting, missing_counts=missing_counts)
    refitted = refit_smooth(
        cells,
        rows,
        positive,
        groups,
        setting,
        missing_counts=missing_counts,
        refits=refits,
        seed=seed,
        progress=progress,
    )
    codes = cells.codes[rows]
    return refitted + (fitted.logits(codes) - smooth.logits(codes))


_PENALTIES = (300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3)
_CELL_SCALES = (0.0, 0.3, 1.0)


def settings(cells: Cells, /) -> list[Setting]:
    """Everything that cross-validation tries."""
    numeric = any(table.kind.ordered for table in cells.tables)
    scales = _CELL_SCALES if numeric else _CELL_SCALES[:1]
    return [Setting(penalty, scale) for scale in scales for penalty in _PENALTIES]


# The smooth part: a numeric attribute has a straight backbone in its transformed value
# plus shrunken deviations per cell; any other has shrunken deviations only. All are
# fitted together by ridge-penalised logistic regression (Le Cessie & van Houwelingen
# 1992), so that attributes that say the same share the credit. Values are centred: an
# average account gets 0 from an attribute, and so does a missing value, unless being
# missing differs between outcomes beyond doubt.


def fit_smooth(
    cells: Cells,
    rows: Ints,
    positive: Flags,
    setting: Setting,
    /,
    *,
    missing_counts: Flags,
) -> Contrast:
    """Fit on the given rows."""
    tables = bases(cells, rows, missing_counts)
    ridge = Ridge(design=_design(tables, cells.codes[rows]), positive=positive)
    return _as_tables(ridge.solve(_penalties(cells, tables, setting)), tables)


def _design(tables: list[Floats], codes: Codes) -> Floats:
    if not tables:
        return np.empty((len(codes), 0))
    return np.hstack([table[codes[:, j]] for j, table in enumerate(tables)])


def _as_tables(weights: Floats, tables: list[Floats]) -> Contrast:
    bounds = np.cumsum([1, *(table.shape[1] for table in tables)])
    spans = zip(tables, pairwise(bounds.tolist()), strict=True)
    points = tuple(table @ weights[start:end] for table, (start, end) in spans)
    return Contrast(base=float(weights[0]), points=points)


#: Stands for no deviations of number cells at all.
_NO_SCALE = 1e-5


def _penalties(cells: Cells, tables: list[Floats], setting: Setting) -> Floats:
    """The penalty of every column; deviations of number cells are shrunken more."""
    parts = []
    for described, table in zip(cells.tables, tables, strict=True):
        part = np.full(table.shape[1], setting.penalty)
        if described.kind.ordered:
            part[1 : 1 + len(described.cells)] /= (
                max(setting.cell_scale, _NO_SCALE) ** 2
            )
        parts.append(part)
    return np.concatenate(parts) if parts else np.empty(0)


#: Enough to compare settings; the final fit is exact.
_NEAR = 1e-6


def smooth_path(
    cells: Cells,
    tables: list[Floats],
    rows: Ints,
    positive: Flags,
    train: Flags,
    test: Flags,
    /,
) -> Iterator[Floats]:
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
    rows: Ints,
    positive: Flags,
    groups: Ints,
    setting: Setting,
    /,
    *,
    missing_counts: Flags,
    refits: int,
    seed: int,
    progress: Callable[[float], None],
) -> Floats:
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


def bases(cells: Cells, rows: Ints, missing_counts: Flags, /) -> list[Floats]:
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
    table: AttributeTable, position: Floats, codes: Codes, *, with_missing: bool
) -> Floats:
    identity = np.eye(table.size)
    columns = identity[:, 3:] if _is_binary(table) else identity[:, 2:]
    if table.kind.ordered:
        columns = np.column_stack([np.nan_to_num(position), columns])
    counts = np.bincount(codes, minlength=table.size).astype(np.float64)
    counts[:2] = 0
    total = max(counts.sum(), 1.0)
    centred = columns - counts @ columns / total
    centred[:2] = 0
    if with_missing:
        share = float((codes == MISSING).mean())
        flag = (identity[:, MISSING] - share)[:, None]
        centred = np.column_stack([centred, flag])
    return np.asarray(centred)


def _is_binary(table: AttributeTable) -> bool:
    return not table.kind.ordered and len(table.cells) == 2


_STEPS = 200
_HALVINGS = 12
#: A step that leaves more than this share of the distance calls for a new curvature.
_SLOW = 0.3
_EXACT = 1e-15
_FREE = 1e-9


# Forming the matrix of second derivatives is by far the most expensive part. It changes
# little from one penalty to the next, and from one resample to the next, so it is kept
# while steps taken with it still close most of the way to the optimum (the chord
# method), and formed again when they do not. The optimum is the same either way.


@dataclass(kw_only=True)
class Ridge:
    """One design with its outcomes, solved again and again.

    `design` is rows x columns without the intercept, `positive` the outcome of each
    row. The intercept is the first weight and is not penalised.
    """

    design: Floats
    positive: Flags
    _curvature: Floats | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._full = np.column_stack([np.ones(len(self.design)), self.design])
        self._weights = np.zeros(self._full.shape[1])

    def solve(
        self,
        penalties: Floats | float,
        /,
        *,
        counts: Floats | None = None,
        centres: Floats | float = 0.0,
        tolerance: float = _EXACT,
    ) -> Floats:
        """Weights that minimise the log loss plus half the penalties times squares.

        `penalties` has one value per column, or one for all; the squares are of how
        far a weight lies from its value in `centres`. `counts` says how often each row
        stands for itself. Starts where the last solution without counts was.
        """
        ridge = np.empty(self._full.shape[1])
        ridge[0], ridge[1:] = _FREE, penalties
        self._centres = np.zeros(len(ridge))
        self._centres[1:] = centres
        times = np.ones(len(self._full)) if counts is None else counts
        weights = self._descend(ridge, times, tolerance)
        if counts is None:
            self._weights = weights
        return weights

    def _descend(self, ridge: Floats, times: Floats, tolerance: float) -> Floats:
        weights, before = self._weights, np.inf
        value, gradient = self._at(weights, ridge, times)
        fresh = self._curvature is None
        factor = self._factor(weights, ridge, times, fresh=fresh)
        for _ in range(_STEPS):
            step = cho_solve(factor, gradient, check_finite=False)
            left = float(gradient @ step) / 2
            if left <= tolerance * (1 + abs(value)):
                break
            if left > _SLOW * before and not fresh:
                factor, fresh = self._factor(weights, ridge, times, fresh=True), True
                before = np.inf
                continue
            weights, trial_value, gradient = self._line_search(
                weights, step, value, ridge, times
            )
            if trial_value >= value and fresh:
                break
            value, before, fresh = trial_value, left, False
        return weights

    def _line_search(
        self, weights: Floats, step: Floats, value: float, ridge: Floats, times: Floats
    ) -> tuple[Floats, float, Floats]:
        """The weights after the longest half, quarter ... of the step that helps."""
        for power in range(_HALVINGS):
            trial = weights - step / 2**power
            trial_value, gradient = self._at(trial, ridge, times)
            if trial_value <= value:
                return trial, trial_value, gradient
        _, gradient = self._at(weights, ridge, times)
        return weights, value, gradient

    def _at(
        self, weights: Floats, ridge: Floats, times: Floats
    ) -> tuple[float, Floats]:
        """Objective and gradient."""
        logit = self._full @ weights
        losses = np.logaddexp(0, np.where(self.positive, -logit, logit))
        away = weights - self._centres
        pull = ridge * away
        gradient = self._full.T @ (times * (sigmoid(logit) - self.positive)) + pull
        return float(times @ losses + 0.5 * pull @ away), gradient

    def _factor(
        self, weights: Floats, ridge: Floats, times: Floats, *, fresh: bool
    ) -> tuple[Floats, bool]:
        if fresh or self._curvature is None:
            chance = sigmoid(self._full @ weights)
            root = np.sqrt(times * chance * (1 - chance))
            half = self._full * root[:, None]
            self._curvature = half.T @ half
        hessian = self._curvature.copy()
        hessian[np.diag_indices_from(hessian)] += ridge + 1e-12
        factor, lower = cho_factor(hessian, overwrite_a=True, check_finite=False)
        return factor, bool(lower)
