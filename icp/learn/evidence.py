"""What each attribute says alone, what all say together, and how much that carries."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, exp, floor, log
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from icp.profile import AttributeEvidence, Capacity, ProfileEvidence
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
    from icp.learn.cells import Cells
    from icp.learn.contrast import CrossFit
    from icp.stats import Codes, Flags, Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Alone:
    """One table on its own: counts per code and how well it ranks, cross-fitted."""

    best: Floats
    regrettable: Floats
    auc: float
    missing_auc: float


def each_alone(
    cells: Cells, rows: Ints, positive: Flags, folds: Ints, /
) -> tuple[Alone, ...]:
    """Counts and the cross-fitted AUC of every table alone."""
    return tuple(
        _alone(cells.codes[rows, j], table.size, positive, folds)
        for j, table in enumerate(cells.tables)
    )


def _alone(codes: Codes, size: int, positive: Flags, folds: Ints) -> Alone:
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


_SMOOTHING = 1.0


def log_odds(best: Floats, regrettable: Floats) -> Floats:
    """Shrunken toward the overall odds, as two more customers would."""
    ones, zeros = best.sum() + 1, regrettable.sum() + 1
    each = 2 * _SMOOTHING / (ones + zeros)
    odds = np.log(best + each * ones) - np.log(regrettable + each * zeros)
    # Equal odds are a tie, whichever counts they come from.
    return np.asarray(odds.round(9))


_PERMUTATIONS = 400
_PERMUTED_ROWS = 4_000


def attribute_evidence(
    cells: Cells, rows: Ints, positive: Flags, alone: tuple[Alone, ...], /, *, seed: int
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


def _p_value(codes: Codes, size: int, labels: Flags, shuffled: Flags) -> float:
    onehot = (codes[:, None] == np.arange(size)).astype(np.float64)
    totals = onehot.sum(axis=0)
    best = shuffled.astype(np.float64) @ onehot
    chance = np.array([information_value(row, totals - row) for row in best])
    own = labels.astype(np.float64) @ onehot
    value = information_value(own, totals - own)
    return float((1 + (chance >= value - 1e-12).sum()) / (1 + len(chance)))


def overall_evidence(cross: CrossFit, positive: Flags, /) -> ProfileEvidence:
    """How well best and regrettable can be told apart, on customers held out."""
    probability = sigmoid(cross.logits)
    base = float(positive.mean())
    low, high = auc_interval(
        cross.logits, positive, groups=cross.groups, z=_z(cross, positive)
    )
    ranked = auc(cross.logits, positive)
    return ProfileEvidence(
        level=_level(cross, ranked),
        auc=round(ranked, 6),
        auc_low=round(low, 6),
        auc_high=round(high, 6),
        log_loss=round(log_loss(probability, positive), 6),
        base_log_loss=round(log_loss(np.full(len(positive), base), positive), 6),
        brier=round(brier(probability, positive), 6),
        method="cross-validation, identical and grouped accounts kept together",
    )


#: Where nothing separates, every pair of customers counts twice in a held-out AUC:
#: either one's outcome tells the other's. Its variance is double that of an AUC of
#: scores that knew no outcome; with few customers it is larger still.
_TWICE = 2**0.5
_FEW_EXTRA = 5.0
_NINE_TENTHS = 1.6449


def _z(cross: CrossFit, positive: Flags) -> float:
    """Standard errors to either side of the AUC that make an interval of 90%."""
    if cross.separates:
        return _NINE_TENTHS
    smaller = min(len(np.unique(cross.groups[side])) for side in (positive, ~positive))
    return _NINE_TENTHS * _TWICE * (1 + _FEW_EXTRA / max(1, smaller))


_WEAK, _MODERATE = 0.65, 0.8
_Level = Literal["none", "weak", "moderate", "strong"]


def _level(cross: CrossFit, ranked: float) -> _Level:
    if not cross.separates:
        return "none"
    if ranked < _WEAK:
        return "weak"
    return "moderate" if ranked < _MODERATE else "strong"


_MARGIN: Final = 0.05
_ASSUMED: Final = 0.15
_Z: Final = 1.96


def capacity(
    best: int, regrettable: int, offered: int, evidence: ProfileEvidence
) -> Capacity:
    """How many effects the closed customers carry, and how many were offered.

    >>> from icp.profile import ProfileEvidence
    >>> none = ProfileEvidence(
    ...     level="none", auc=0.5, auc_low=0.4, auc_high=0.6, log_loss=0.7,
    ...     base_log_loss=0.69, brier=0.25, method="",
    ... )
    >>> found = capacity(44, 46, 21, none)
    >>> found.effects, found.offered, found.assumed, found.needed_for_share
    (1, 21, True, 384)
    >>> found.share_within
    0.103
    """
    customers = best + regrettable
    share = best / customers
    most = 1 - exp(2 * (share * log(share) + (1 - share) * log(1 - share)))
    cross_validated = 1 - exp(-2 * (evidence.base_log_loss - evidence.log_loss))
    assumed = evidence.level == "none" or cross_validated <= 0
    r_squared = _ASSUMED * most if assumed else min(cross_validated, most)
    each = per_effect(r_squared, most) * _more(evidence.auc)
    variance = share * (1 - share)
    return Capacity(
        effects=floor(customers / each),
        offered=offered,
        r_squared=round(r_squared, 6),
        assumed=assumed,
        per_effect=round(each, 3),
        share_within=round(_Z * (variance / customers) ** 0.5, 3),
        needed_for_share=ceil((_Z / _MARGIN) ** 2 * variance),
    )


#: Area under the curve from which more customers are needed, and how many times more.
_RANKS_WELL: Final = ((0.9, 2.0), (0.85, 1.5))


def _more(auc: float) -> float:
    return next((times for limit, times in _RANKS_WELL if auc >= limit), 1.0)


# How many effects so many customers carry (Riley et al. 2019, 2020): three demands on a
# prediction model with a yes/no outcome, each a sample size.
#
# 1. little overfitting: expected shrinkage S of at least 0.9,
#    effects <= (S - 1) n ln(1 - R2 / S);
# 2. little optimism: at most 0.05 between apparent and true Nagelkerke R2, which is the
#    same formula with S = R2 / (R2 + 0.05 max R2);
# 3. the overall share of best ones known to within 0.05:
#    n >= (1.96 / 0.05)^2 p (1 - p).
#
# R2 is Cox and Snell's, that a new model is expected to reach: here the cross-validated
# one, R2 = 1 - exp(-2 (base log loss - log loss)), or 15% of the largest possible
# where nothing separates (Riley et al. 2020, step 2). Very good ranking needs more
# customers than the formulas say: half as many again from an area under the curve of
# 0.85, twice as many from 0.9 (Pavlou et al. 2024). A lasso-like or ridge fit may be
# offered more effects than that, since it shrinks what the data cannot carry.

_SHRINKAGE: Final = 0.9
_OPTIMISM: Final = 0.05


def per_effect(r_squared: float, most: float, /) -> float:
    """Customers needed per effect, for a Cox-Snell R2 of `r_squared` of at most `most`.

    The example of the R package `pmsampsize` (24 effects, 662 customers):

    >>> from math import ceil
    >>> ceil(24 * per_effect(0.288, 0.60321))
    662
    """
    optimism = r_squared / (r_squared + _OPTIMISM * most)
    wished = max(_SHRINKAGE, optimism)
    return 1 / ((wished - 1) * log(1 - r_squared / wished))
