"""Pure numbers: ranking, calibration, intervals, evidence and multiplicity.

Every function takes arrays or counts and returns numbers; none knows of accounts.
`scores` and `probabilities` are float arrays, `positive` a boolean array, same length.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence


#: Arrays of numbers, of whole numbers, of yes and no, and of cell codes.
Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]
Codes: TypeAlias = NDArray[np.int32]

_CLIP = 1e-12


def sigmoid(logit: Floats, /) -> Floats:
    """Probability of a log-odds, without overflow.

    >>> sigmoid(np.array([-800.0, 0.0, 800.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    half = 0.5 * np.tanh(0.5 * logit)
    return np.asarray(0.5 + half)


def midranks(values: Floats, /) -> Floats:
    """Ranks from 1, ties sharing their mean rank.

    >>> midranks(np.array([3.0, 1.0, 3.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[inverse], dtype=np.float64)


def auc(scores: Floats, positive: Flags, /) -> float:
    """Chance that a positive scores above a negative, ties counting half.

    0.5 says that the scores do not separate; it is also returned where one class is
    empty, since then nothing can be said.

    >>> auc(np.array([0.1, 0.4, 0.8]), np.array([False, False, True]))
    1.0
    >>> auc(np.array([0.1, 0.4]), np.array([True, True]))
    0.5
    """
    ones = int(positive.sum())
    zeros = len(positive) - ones
    if not ones or not zeros:
        return 0.5
    ranks = midranks(scores)[positive].sum()
    return float((ranks - ones * (ones + 1) / 2) / (ones * zeros))


def auc_interval(
    scores: Floats, positive: Flags, /, *, groups: Ints | None = None, z: float = 1.6449
) -> tuple[float, float]:
    """Interval of the AUC (90 % by default), clipped to 0..1.

    Placement values of DeLong, DeLong & Clarke-Pearson (1988), section 2, summed per
    group where rows of one group are not independent (Obuchowski 1997). (0, 1) where
    a class has fewer than two rows.
    """
    ones, zeros = scores[positive], scores[~positive]
    if min(len(ones), len(zeros)) < 2:
        return 0.0, 1.0
    value = auc(scores, positive)
    influence: Floats = np.empty(len(scores))
    influence[positive] = (_placements(ones, zeros) - value) / len(ones)
    influence[~positive] = (1 - _placements(zeros, ones) - value) / len(zeros)
    if groups is not None:
        influence = np.bincount(groups, weights=influence).astype(np.float64)
    spread = z * sqrt(float((influence**2).sum()))
    return max(0.0, value - spread), min(1.0, value + spread)


def _placements(values: Floats, others: Floats) -> Floats:
    """Share of `others` below each value, ties counting half."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, values, side="left")
    upto = np.searchsorted(ordered, values, side="right")
    return np.asarray((below + upto) / (2 * len(others)))


def log_losses(probabilities: Floats, positive: Flags, /) -> Floats:
    """Negative log-likelihood of each row in nats, probabilities clipped at 1e-12."""
    clipped = np.clip(probabilities, _CLIP, 1 - _CLIP)
    return np.asarray(-np.log(np.where(positive, clipped, 1 - clipped)))


def log_loss(probabilities: Floats, positive: Flags, /) -> float:
    """Mean negative log-likelihood in nats.

    >>> round(log_loss(np.array([0.5, 0.5]), np.array([True, False])), 4)
    0.6931
    """
    return float(log_losses(probabilities, positive).mean())


def brier(probabilities: Floats, positive: Flags, /) -> float:
    """Mean squared error of the probability.

    >>> brier(np.array([1.0, 0.0]), np.array([True, True]))
    0.5
    """
    return float(((probabilities - positive) ** 2).mean())


def lift(scores: Floats, positive: Flags, /, *, share: float = 0.1) -> float:
    """Rate of positives among the top `share` over the rate among all.

    Rows tied at the border count in proportion, so that row order does not matter.
    NaN where there is no positive.

    >>> lift(np.array([3.0, 2.0, 1.0, 0.0]), np.array([1, 0, 0, 0], bool), share=0.25)
    4.0
    """
    if not positive.any():
        return float("nan")
    top = share * len(scores)
    border = np.sort(scores)[::-1][max(0, int(np.ceil(top)) - 1)]
    above, tied = scores > border, scores == border
    part = (top - above.sum()) / tied.sum()
    hits = positive[above].sum() + part * positive[tied].sum()
    return float(hits / top / positive.mean())


def average_precision(scores: Floats, positive: Flags, /) -> float:
    """Area under the precision-recall steps, ties entering together.

    NaN where there is no positive.

    >>> average_precision(np.array([3.0, 2.0, 1.0]), np.array([True, False, True]))
    0.8333333333333333
    """
    total = int(positive.sum())
    if not total:
        return float("nan")
    values, inverse = np.unique(-scores, return_inverse=True)
    hits = np.bincount(inverse, weights=positive, minlength=len(values))
    counts = np.cumsum(np.bincount(inverse, minlength=len(values)))
    return float((hits / total * np.cumsum(hits) / counts).sum())


def wilson(successes: int, trials: int, /, *, z: float = 1.6449) -> tuple[float, float]:
    """Wilson score interval of a proportion (90 % by default).

    Wilson (1927); (0, 1) where there are no trials.

    >>> [round(bound, 2) for bound in wilson(9, 10, z=1.96)]
    [0.6, 0.98]
    >>> wilson(0, 0)
    (0.0, 1.0)
    """
    if not trials:
        return 0.0, 1.0
    share, square = successes / trials, z * z / trials
    centre = share + square / 2
    spread = z * sqrt(share * (1 - share) / trials + square / (4 * trials))
    low, high = (centre - spread) / (1 + square), (centre + spread) / (1 + square)
    return max(0.0, low), min(1.0, high)


def information_value(best: Floats, regrettable: Floats, /) -> float:
    """Information value of a column's cells less its mean under no difference.

    `best` and `regrettable` are counts per cell. The raw value is the symmetric
    Kullback-Leibler divergence of the two smoothed distributions (s = 0.5); under no
    difference its mean is about (B-1)(1/G + 1/R), which is why the usual bands (0.1
    weak, 0.3 strong) are noise at small n (methods 1c). Can be negative.
    """
    occupied = (best + regrettable) > 0
    cells, total_best, total_bad = int(occupied.sum()), best.sum(), regrettable.sum()
    if cells < 2 or not total_best or not total_bad:
        return 0.0
    share_best = (best[occupied] + 0.5) / (total_best + 0.5 * cells)
    share_bad = (regrettable[occupied] + 0.5) / (total_bad + 0.5 * cells)
    raw = ((share_best - share_bad) * np.log(share_best / share_bad)).sum()
    return float(raw - (cells - 1) * (1 / total_best + 1 / total_bad))


def adjusted_p_values(p_values: Floats, /) -> Floats:
    """Benjamini-Hochberg (1995) adjusted p-values, in the order given.

    >>> adjusted_p_values(np.array([0.01, 0.04, 0.5])).round(3).tolist()
    [0.03, 0.06, 0.5]
    """
    count = len(p_values)
    order = np.argsort(p_values, kind="stable")[::-1]
    ranks = np.arange(count, 0, -1)
    adjusted = np.minimum.accumulate(p_values[order] * count / ranks)
    result = np.empty(count)
    result[order] = np.minimum(adjusted, 1.0)
    return result


def holm(p_values: Sequence[float], /) -> list[float]:
    """Holm (1979) adjusted p-values, in the order given.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, (len(p_values) - rank) * p_values[place])
        adjusted[place] = min(1.0, largest)
    return adjusted


def jeffreys(
    successes: int, trials: int, /, *, sure: float = 0.95
) -> tuple[float, float]:
    """Bounds of a proportion, each of which holds with probability `sure`.

    Quantiles of Beta(successes + 1/2, failures + 1/2), with 0 and 1 at the ends:
    Brown, Cai & DasGupta (2001), section 4.3. (0, 1) where there are no trials.

    >>> [round(bound, 3) for bound in jeffreys(14, 15)]
    [0.767, 0.988]
    >>> jeffreys(0, 0)
    (0.0, 1.0)
    """
    from scipy.special import betaincinv  # costs 0.2 s, needed only here

    failures = trials - successes
    low = betaincinv(successes + 0.5, failures + 0.5, 1 - sure) if successes else 0.0
    high = betaincinv(successes + 0.5, failures + 0.5, sure) if failures else 1.0
    return float(low), float(high)
