"""What each attribute says alone, and whether anything separates at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from icp.profile import AttributeEvidence, Evidence
from icp.stats import (
    adjusted_p_values,
    auc,
    auc_interval,
    brier,
    information_value,
    log_loss,
    sigmoid,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from icp.learn.cells import Cells
    from icp.learn.contrast import CrossFit

__all__ = [
    "Alone",
    "attribute_evidence",
    "each_alone",
    "log_odds",
    "overall_evidence",
]

_PERMUTATIONS = 400
_PERMUTED_ROWS = 4_000
_SMOOTHING = 1.0
_WEAK, _MODERATE = 0.65, 0.8
#: Where nothing separates, every pair of customers counts twice in a held-out AUC:
#: either one's outcome tells the other's. Its variance is double that of an AUC of
#: scores that knew no outcome; with few customers it is larger still.
_TWICE = 2**0.5
_FEW_EXTRA = 5.0
_NINE_TENTHS = 1.6449
_Level = Literal["none", "weak", "moderate", "strong"]


@dataclass(frozen=True, kw_only=True)
class Alone:
    """One table on its own: counts per code and how well it ranks, cross-fitted."""

    best: NDArray[np.float64]
    regrettable: NDArray[np.float64]
    auc: float
    missing_auc: float


def each_alone(
    cells: Cells,
    rows: NDArray[np.int64],
    positive: NDArray[np.bool_],
    folds: NDArray[np.int64],
    /,
) -> tuple[Alone, ...]:
    """Counts and the cross-fitted AUC of every table alone."""
    return tuple(
        _alone(cells.codes[rows, j], table.size, positive, folds)
        for j, table in enumerate(cells.tables)
    )


def _alone(
    codes: NDArray[np.int32],
    size: int,
    positive: NDArray[np.bool_],
    folds: NDArray[np.int64],
) -> Alone:
    best = np.bincount(codes[positive], minlength=size).astype(np.float64)
    bad = np.bincount(codes[~positive], minlength=size).astype(np.float64)
    scores = np.empty(len(codes))
    for fold in range(int(folds.max()) + 1):
        test = folds == fold
        out_best = np.bincount(codes[test & positive], minlength=size)
        out_bad = np.bincount(codes[test & ~positive], minlength=size)
        scores[test] = log_odds(best - out_best, bad - out_bad)[codes[test]]
    missing = np.where(codes == 0, 1.0, 0.0)
    ranked = auc(missing, positive)
    return Alone(
        best=best,
        regrettable=bad,
        auc=auc(scores, positive),
        missing_auc=max(ranked, 1 - ranked),
    )


def log_odds(
    best: NDArray[np.float64], regrettable: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Shrunken toward the overall odds, as two more customers would."""
    ones, zeros = best.sum() + 1, regrettable.sum() + 1
    each = 2 * _SMOOTHING / (ones + zeros)
    odds = np.log(best + each * ones) - np.log(regrettable + each * zeros)
    # Equal odds are a tie, whichever counts they come from.
    return np.asarray(odds.round(9))


def attribute_evidence(
    cells: Cells,
    rows: NDArray[np.int64],
    positive: NDArray[np.bool_],
    alone: tuple[Alone, ...],
    /,
    *,
    seed: int,
) -> tuple[AttributeEvidence, ...]:
    """Information value with a permutation p-value, Benjamini-Hochberg adjusted.

    Above 4,000 rows every k-th takes part in the permutations.
    """
    every = -(-len(rows) // _PERMUTED_ROWS)
    thin, labels = rows[::every], positive[::every]
    draw = np.random.default_rng([seed, 3])
    shuffled = np.array([draw.permutation(labels) for _ in range(_PERMUTATIONS)])
    raw = np.array(
        [
            _p_value(cells.codes[thin, j], table.size, labels, shuffled)
            for j, table in enumerate(cells.tables)
        ]
    )
    adjusted = adjusted_p_values(raw) if len(raw) else raw
    return tuple(
        AttributeEvidence(
            name=table.name,
            auc=round(one.auc, 6),
            information_value=round(information_value(one.best, one.regrettable), 6),
            p_value=round(float(p), 6),
        )
        for table, one, p in zip(cells.tables, alone, adjusted, strict=True)
    )


def _p_value(
    codes: NDArray[np.int32],
    size: int,
    labels: NDArray[np.bool_],
    shuffled: NDArray[np.bool_],
) -> float:
    onehot = (codes[:, None] == np.arange(size)).astype(np.float64)
    totals = onehot.sum(axis=0)
    best = shuffled.astype(np.float64) @ onehot
    chance = np.array([information_value(row, totals - row) for row in best])
    own = labels.astype(np.float64) @ onehot
    found = information_value(own, totals - own)
    return float((1 + (chance >= found - 1e-12).sum()) / (1 + len(chance)))


def overall_evidence(cross: CrossFit, positive: NDArray[np.bool_], /) -> Evidence:
    """How well best and regrettable can be told apart, on customers held out."""
    probability = sigmoid(cross.logits)
    base = float(positive.mean())
    low, high = auc_interval(
        cross.logits, positive, groups=cross.groups, z=_z(cross, positive)
    )
    ranked = auc(cross.logits, positive)
    return Evidence(
        level=_level(cross, ranked),
        auc=round(ranked, 6),
        auc_low=round(low, 6),
        auc_high=round(high, 6),
        log_loss=round(log_loss(probability, positive), 6),
        base_log_loss=round(log_loss(np.full(len(positive), base), positive), 6),
        brier=round(brier(probability, positive), 6),
        method="cross-validation, identical and grouped accounts kept together",
    )


def _z(cross: CrossFit, positive: NDArray[np.bool_]) -> float:
    """Standard errors to either side of the AUC that make an interval of 90 %."""
    if cross.separates:
        return _NINE_TENTHS
    smaller = min(len(np.unique(cross.groups[side])) for side in (positive, ~positive))
    return _NINE_TENTHS * _TWICE * (1 + _FEW_EXTRA / max(1, smaller))


def _level(cross: CrossFit, ranked: float) -> _Level:
    if not cross.separates:
        return "none"
    if ranked < _WEAK:
        return "weak"
    return "moderate" if ranked < _MODERATE else "strong"
