"""Margin to probability, by how many customers there are, with honest bounds.

| customers in the smaller class | method             | probability shown |
| ------------------------------ | ------------------ | ----------------- |
| fewer than 10                  | none               | none              |
| 10 to 29                       | one slope          | none, grade only  |
| 30 to 99                       | Platt (1999)       | to 10 %           |
| 100 to 999                     | beta (Kull 2017)   | to 5 %            |
| 1,000 or more                  | beta               | to 1 %            |

All are fitted on out-of-fold log-odds, and all are monotone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from scipy.optimize import minimize

from icp.profile import Calibration
from icp.stats import sigmoid

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["calibrate", "grade_cuts"]

_Method = Literal["none", "slope", "platt", "beta"]
_REACH = 30_000
_BINS = 12
_STEPS = 1000


class _Curve(NamedTuple):
    method: _Method
    of: Callable[[NDArray[np.float64]], NDArray[np.float64]]


def calibrate(
    held_out: NDArray[np.float64],
    positive: NDArray[np.bool_],
    fitted: NDArray[np.float64],
    refitted: NDArray[np.float64],
    /,
    *,
    cuts: tuple[int, int, int],
) -> Calibration:
    """Turn out-of-fold log-odds into thresholds on the margin, with bounds.

    `held_out` and `positive` give the curve; `fitted` (rows) and `refitted` (refits x
    rows) are log-odds of the final fit and of its bootstrap refits, from which the
    90 % bounds come. Fewer than 10 customers in the smaller class, or no refits, give
    a calibration without thresholds.
    """
    smaller = int(min(positive.sum(), (~positive).sum()))
    if smaller < 10 or not len(refitted):
        return Calibration(method="none", grade_cuts=cuts)
    curve = _curve(held_out, positive, smaller)
    thresholds = _thresholds(curve)
    low, high = _bounds(curve, fitted, refitted, thresholds)
    return Calibration(
        method=curve.method,
        thresholds=tuple(thresholds.tolist()),
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
        shown_step=_shown_step(smaller),
        grade_cuts=cuts,
    )


def grade_cuts(break_even: float, /) -> tuple[int, int, int]:
    """Lower bounds of A, B and C in per mille: B starts where pursuing pays.

    >>> grade_cuts(0.5), grade_cuts(0.2)
    ((750, 500, 250), (600, 200, 100))
    """
    return (
        round(500 * (1 + break_even)),
        round(1000 * break_even),
        round(500 * break_even),
    )


def _shown_step(smaller: int) -> int:
    limits = ((30, 0), (100, 100), (1_000, 50))
    return next((step for limit, step in limits if smaller < limit), 10)


def _curve(
    logit: NDArray[np.float64], positive: NDArray[np.bool_], smaller: int
) -> _Curve:
    if smaller < 30:
        slope = _fitted_slope(logit, positive)
        return _Curve("slope", lambda x: slope[0] * x + slope[1])
    if smaller < 100:
        a, b = _fitted_platt(logit, positive)
        return _Curve("platt", lambda x: a * x + b)
    a, b, c = _fitted_beta(logit, positive)
    return _Curve(
        "beta", lambda x: c - a * np.logaddexp(0, -x) + b * np.logaddexp(0, x)
    )


def _fitted_slope(
    logit: NDArray[np.float64], positive: NDArray[np.bool_]
) -> tuple[float, float]:
    """One slope in 0..1 about the mean, so that few customers cannot sharpen."""
    centre = float(logit.mean())

    def loss(parameters: NDArray[np.float64]) -> float:
        return _loss(parameters[0] * (logit - centre) + centre, positive)

    found = minimize(loss, np.array([0.8]), bounds=[(0.05, 1.0)], method="L-BFGS-B")
    slope = float(found.x[0])
    return slope, centre * (1 - slope)


def _fitted_platt(
    logit: NDArray[np.float64], positive: NDArray[np.bool_]
) -> NDArray[np.float64]:
    found = minimize(
        lambda p: _loss(p[0] * logit + p[1], positive),
        np.array([1.0, 0.0]),
        bounds=[(0.05, 3.0), (-5.0, 5.0)],
        method="L-BFGS-B",
    )
    return np.asarray(found.x)


def _fitted_beta(
    logit: NDArray[np.float64], positive: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Kull, Silva Filho & Flach (2017): logit = a ln p - b ln(1 - p) + c, a, b > 0."""
    up, down = -np.logaddexp(0, -logit), np.logaddexp(0, logit)
    found = minimize(
        lambda p: _loss(p[0] * up + p[1] * down + p[2], positive),
        np.array([1.0, 1.0, 0.0]),
        bounds=[(0.05, 3.0), (0.05, 3.0), (-5.0, 5.0)],
        method="L-BFGS-B",
    )
    return np.asarray(found.x)


def _loss(logit: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    return float(np.logaddexp(0, np.where(positive, -logit, logit)).mean())


def _thresholds(curve: _Curve) -> NDArray[np.int64]:
    """The least margin, in millinats, at which each tenth of fit is reached."""
    margins = np.arange(-_REACH, _REACH + 1)
    probability = sigmoid(curve.of(margins / 1000).round(9))
    wanted = np.arange(1, _STEPS) / _STEPS
    places = np.searchsorted(probability, wanted, side="left")
    return np.asarray(margins[np.minimum(places, len(margins) - 1)])


def _bounds(
    curve: _Curve,
    fitted: NDArray[np.float64],
    refitted: NDArray[np.float64],
    thresholds: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """5 % and 95 % bounds of the probability per step, in per mille.

    How far refits move an account's log-odds depends mostly on how extreme it is, so
    the deviations are pooled among accounts of similar margin and joined linearly.
    """
    order = np.argsort(fitted, kind="stable")
    deviations = curve.of(refitted[:, order]) - curve.of(fitted[order])
    parts = np.array_split(np.arange(len(order)), min(_BINS, max(1, len(order) // 5)))
    middle = np.array([fitted[order][part].mean() for part in parts])
    lower = np.array([np.quantile(deviations[:, part], 0.05) for part in parts])
    upper = np.array([np.quantile(deviations[:, part], 0.95) for part in parts])
    margin = np.concatenate([thresholds[:1], thresholds]) / 1000
    logit = curve.of(margin)
    steps = np.arange(_STEPS)
    low = sigmoid(logit + np.interp(margin, middle, lower)) * 1000
    high = sigmoid(logit + np.interp(margin, middle, upper)) * 1000
    low = np.minimum(np.maximum.accumulate(low), steps)
    high = np.maximum(np.maximum.accumulate(high), np.minimum(steps + 1, 1000))
    return low.round().astype(np.int64), high.round().astype(np.int64)
