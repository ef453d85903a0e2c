"""Margin to probability, by how many customers there are, with honest bounds.

| customers in the smaller class | method             | probability shown |
| ------------------------------ | ------------------ | ----------------- |
| fewer than 10                  | none               | none              |
| 10 to 29                       | one slope          | none, grade only  |
| 30 to 99                       | Platt (1999)       | to 10 %           |
| 100 to 999                     | beta (Kull 2017)   | to 5 %            |
| 1,000 or more                  | beta               | to 1 %            |

All are fitted on out-of-fold log-odds with a belief that those need no change, which
matters where customers are few, and all are monotone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from scipy.optimize import minimize

from icp.profile import Calibration
from icp.stats import Flags, Floats, Ints, sigmoid


def calibrate(
    held_out: Floats,
    positive: Flags,
    fitted: Floats,
    refitted: Floats,
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


_Method = Literal["none", "slope", "platt", "beta"]
_Terms = Callable[[Floats], tuple[Floats, float]]
_BOUNDS = {
    "slope": ((0.05, 1.0),),
    "platt": ((0.05, 3.0), (-5.0, 5.0)),
    "beta": ((0.05, 3.0), (0.05, 3.0), (-5.0, 5.0)),
}
_LEAST_WEIGHTS = {
    method: np.array([low for low, _ in bounds]) for method, bounds in _BOUNDS.items()
}


class _Curve(NamedTuple):
    """Log-odds told to log-odds meant: linear in `weights`, whose covariance is known.

    `terms` turns log-odds into one column per weight, and a constant.
    """

    method: _Method
    terms: _Terms
    weights: Floats
    spread: Floats

    def of(self, logit: Floats) -> Floats:
        basis, offset = self.terms(logit)
        return np.asarray(basis @ self.weights + offset)

    def sample(self, refitted: Floats) -> Floats:
        """The same for refits x rows, each refit under a curve of its own."""
        draw = np.random.default_rng(len(refitted))
        shifts = draw.multivariate_normal(
            np.zeros(len(self.weights)), self.spread, size=len(refitted)
        )
        # A curve may turn out steeper than the one told, but never fall.
        weights = np.maximum(self.weights + shifts, _LEAST_WEIGHTS[self.method])
        basis, offset = self.terms(refitted)
        return np.asarray(np.einsum("brk,bk->br", basis, weights) + offset)


def _curve(logit: Floats, positive: Flags, smaller: int) -> _Curve:
    if smaller < 30:
        return _fit("slope", _slope_terms(float(logit.mean())), logit, positive)
    if smaller < 100:
        return _fit("platt", _platt_terms, logit, positive)
    return _fit("beta", _beta_terms, logit, positive)


_NO_CHANGE = {"slope": (1.0,), "platt": (1.0, 0.0), "beta": (1.0, 1.0, 0.0)}
#: Precision of the belief in no change: weights lie about 0.22 from it.
_BELIEF = 20.0


def _fit(method: _Method, terms: _Terms, logit: Floats, positive: Flags) -> _Curve:
    basis, offset = terms(logit)
    no_change = np.array(_NO_CHANGE[method])
    belief = _BELIEF / len(logit)
    optimum = minimize(
        lambda weights: (
            _loss(basis @ weights + offset, positive)
            + belief / 2 * ((weights - no_change) ** 2).sum()
        ),
        no_change,
        bounds=_BOUNDS[method],
        method="L-BFGS-B",
    )
    chance = sigmoid(basis @ optimum.x + offset)
    curvature = (basis * (chance * (1 - chance))[:, None]).T @ basis
    spread = np.linalg.inv(curvature + _BELIEF * np.eye(len(optimum.x)))
    return _Curve(method, terms, np.asarray(optimum.x), np.asarray(spread, dtype=float))


def _loss(logit: Floats, positive: Flags) -> float:
    return float(np.logaddexp(0, np.where(positive, -logit, logit)).mean())


def _slope_terms(centre: float) -> _Terms:
    """One slope in 0..1 about the mean, so that few customers cannot sharpen."""
    return lambda x: (np.stack([x - centre], axis=-1), centre)


def _platt_terms(x: Floats) -> tuple[Floats, float]:
    return np.stack([x, np.ones_like(x)], axis=-1), 0.0


def _beta_terms(x: Floats) -> tuple[Floats, float]:
    """Kull, Silva Filho & Flach (2017): logit = a ln p - b ln(1 - p) + c, a, b > 0."""
    up, down = -np.logaddexp(0, -x), np.logaddexp(0, x)
    return np.stack([up, down, np.ones_like(x)], axis=-1), 0.0


_REACH = 30_000
_UNREACHED = 2**31 - 2
_STEPS = 1000


def _thresholds(curve: _Curve) -> Ints:
    """The least margin, in millinats, at which each tenth of fit is reached.

    A tenth that the curve never reaches has a margin that no account can have.
    """
    margins = np.arange(-_REACH, _REACH + 1)
    probability = sigmoid(curve.of(margins / 1000).round(9))
    shares = np.arange(1, _STEPS) / _STEPS
    places = np.searchsorted(probability, shares, side="left")
    reached = margins[np.minimum(places, len(margins) - 1)]
    return np.where(places < len(margins), reached, _UNREACHED)


_BINS = 12
_MOST_ROWS = 4_000


def _bounds(
    curve: _Curve, fitted: Floats, refitted: Floats, thresholds: Ints
) -> tuple[Ints, Ints]:
    """5 % and 95 % bounds of the probability per step, in per mille.

    How far refits, each under a calibration of its own, move an account's log-odds
    depends mostly on how extreme it is, so the deviations are pooled among accounts of
    similar margin and joined linearly.
    """
    order = np.argsort(fitted, kind="stable")
    order = order[:: -(-len(order) // _MOST_ROWS)]
    deviations = curve.sample(refitted[:, order]) - curve.of(fitted[order])
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


def _shown_step(smaller: int) -> int:
    limits = ((30, 0), (100, 100), (1_000, 50))
    return next((step for limit, step in limits if smaller < limit), 10)


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
