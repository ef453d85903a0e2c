"""Best against regrettable: log-odds that are a sum over attributes and a few pairs.

A part is smooth (ridge regression with a straight backbone, `smooth.py`), a part is
boosted (trees of depth two, folded into tables, `boosting.py`). Every choice is made
by cross-validation in which identical accounts, and accounts of one group, always stay
together. Strengths of the smooth part are averaged by how well they did (pseudo-BMA);
so is the share of either part chosen, with some belief in one fifth smooth.

Whether the customers held out are told apart beyond chance is said beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from icp.learn.boosting import (
    Boosting,
    cross_boost,
    fit_boosting,
    pseudo_weights,
)
from icp.learn.fold import Contrast, capped
from icp.learn.smooth import (
    Setting,
    bases,
    fit_smooth,
    refit_smooth,
    settings,
    smooth_path,
)
from icp.stats import auc_interval, log_losses, sigmoid

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from icp.learn.cells import Cells

__all__ = [
    "Contrast",
    "CrossFit",
    "cross_fit",
    "fit_contrast",
    "folds_of",
    "refit_logits",
]

#: The AUC less so many standard errors must exceed one half, or nothing separates.
#: Where nothing separates, held-out AUCs scatter by the root of two more than their
#: standard error says (evidence.py), and by more with few customers or groups of them.
_BETTER_BY = 2.6
_FEW_EXTRA = 0.6
_MAX_CV_ROWS = 20_000
_FEW_ROWS = 150
_FEW_REPEATS = 4
#: Belief, worth so many customers' log loss, in a fifth smooth and the rest boosted.
_BELIEF = 12.0
_SMOOTH_BELIEF = 0.2
#: Strengths of the smooth part that count by less are left out.
_LEAST_SHARE = 0.01
_SHARES = np.arange(1, 20) / 20


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
    rows: NDArray[np.int64]
    logits: NDArray[np.float64]
    groups: NDArray[np.int64]


def fit_contrast(
    cells: Cells,
    rows: NDArray[np.int64],
    positive: NDArray[np.bool_],
    chosen: CrossFit,
    /,
    *,
    missing_counts: NDArray[np.bool_],
    seed: int,
) -> Contrast:
    """Fit on the given rows as chosen; the base rate alone where nothing helps."""
    start = _base_logit(positive)
    if not chosen.settings:
        blank = tuple(np.zeros(table.size) for table in cells.tables)
        return Contrast(base=start, points=blank)
    smooth = _smooth(cells, rows, positive, chosen.settings, missing_counts)
    boosted = fit_boosting(
        cells,
        rows[:: _every(rows)],
        positive[:: _every(rows)],
        chosen.boosting,
        start,
        silent=~missing_counts,
        seed=seed,
    )
    mixed = capped(_mixed(smooth, boosted, chosen.share))
    return replace(mixed, base=mixed.base + (1 - chosen.share) * start)


def _smooth(
    cells: Cells,
    rows: NDArray[np.int64],
    positive: NDArray[np.bool_],
    weighted: tuple[tuple[Setting, float], ...],
    missing_counts: NDArray[np.bool_],
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


def _mixed(smooth: Contrast, boosted: Contrast, share: float) -> Contrast:
    rest = 1 - share
    points = zip(smooth.points, boosted.points, strict=True)
    return Contrast(
        base=share * smooth.base + rest * boosted.base,
        points=tuple(share * one + rest * other for one, other in points),
        pairs=tuple(p._replace(points=rest * p.points) for p in boosted.pairs),
    )


def _every(rows: NDArray[np.int64]) -> int:
    """Above 20,000 rows every k-th takes part in cross-validation and boosting."""
    return -(-len(rows) // _MAX_CV_ROWS)


def _base_logit(positive: NDArray[np.bool_]) -> float:
    """Exactly the opposite where the outcomes are exchanged."""
    return float(np.log(positive.sum() + 0.5) - np.log((~positive).sum() + 0.5))


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
    """Choose by cross-validation, and return out-of-fold log-odds.

    `groups` numbers rows that must stay in one fold. With few rows the folds are
    drawn several times and the log-odds averaged. Above 20,000 rows every k-th row
    takes part.
    """
    every = _every(rows)
    rows, positive, groups = rows[::every], positive[::every], groups[::every]
    _, groups = np.unique(groups, return_inverse=True)
    drawn = np.array(
        [
            folds_of(groups, positive, folds=folds, seed=seed + repeat)
            for repeat in range(_FEW_REPEATS if len(rows) <= _FEW_ROWS else 1)
        ]
    )
    smooth, baseline = _held_out_smooth(
        cells, rows, positive, missing_counts, drawn, lambda x: progress(x / 2)
    )
    boosting, boosted = cross_boost(
        cells,
        rows,
        positive,
        drawn,
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
        settings=_weighted(settings(cells), weights) if gain > 0 else (),
        boosting=boosting,
        share=share,
        separates=bool(low > 0.5 and gain > 0),
        rows=rows,
        logits=logits,
        groups=groups,
    )


def _held_out_smooth(
    cells: Cells,
    rows: NDArray[np.int64],
    positive: NDArray[np.bool_],
    missing_counts: NDArray[np.bool_],
    drawn: NDArray[np.int64],
    progress: Callable[[float], None],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Held-out log-odds per setting and row, and those of the base rate alone."""
    tables = bases(cells, rows, missing_counts)
    total = np.zeros((len(settings(cells)), len(rows)))
    baseline = np.zeros(len(rows))
    for repeat, fold in enumerate(drawn):
        for number in range(fold.max() + 1):
            train, test = fold != number, fold == number
            baseline[test] += _base_logit(positive[train])
            path = smooth_path(cells, tables, rows, positive, train, test)
            for place, logits in enumerate(path):
                total[place, test] += logits
            progress((repeat + (number + 1) / (fold.max() + 1)) / len(drawn))
    return total / len(drawn), baseline / len(drawn)


def _smooth_weights(
    held_out: NDArray[np.float64], positive: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """How much each setting counts; those that hardly do are left out."""
    losses = [log_losses(sigmoid(row), positive).sum() for row in held_out]
    weights = pseudo_weights(np.array(losses).round(6))
    kept = np.where(weights >= _LEAST_SHARE, weights, 0.0)
    return np.asarray((kept / kept.sum()).round(6))


def _weighted(
    tried: list[Setting], weights: NDArray[np.float64]
) -> tuple[tuple[Setting, float], ...]:
    """The settings that count, the one that counts most first."""
    order = np.argsort(-weights, kind="stable")
    return tuple((tried[k], float(weights[k])) for k in order if weights[k] > 0)


def _share(
    smooth: NDArray[np.float64],
    boosted: NDArray[np.float64],
    positive: NDArray[np.bool_],
) -> float:
    """Share of the smooth part by held-out log loss, in twentieths."""
    belief = _SMOOTH_BELIEF * np.log(_SHARES) + (1 - _SMOOTH_BELIEF) * np.log1p(
        -_SHARES
    )
    losses = [
        log_losses(sigmoid(share * smooth + (1 - share) * boosted), positive).sum()
        for share in _SHARES
    ]
    return float(_SHARES[np.argmin((np.array(losses) - _BELIEF * belief).round(6))])


def _loss(logits: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    return round(float(log_losses(sigmoid(logits), positive).mean()), 9)


def _lowest_auc(
    logits: NDArray[np.float64],
    positive: NDArray[np.bool_],
    groups: NDArray[np.int64],
) -> float:
    smaller = min(len(np.unique(groups[side])) for side in (positive, ~positive))
    z = _BETTER_BY * (1 + _FEW_EXTRA / max(1, smaller))
    return auc_interval(logits, positive, groups=groups, z=z)[0]


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
    fitted: Contrast,
    /,
    *,
    missing_counts: NDArray[np.bool_],
    refits: int,
    seed: int,
    progress: Callable[[float], None],
) -> NDArray[np.float64]:
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
