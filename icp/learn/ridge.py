"""Ridge-penalised logistic regression by Newton's method with a curvature kept long.

Forming the matrix of second derivatives is by far the dearest part. It changes little
from one penalty to the next, and from one resample to the next, so it is kept while
steps taken with it still close most of the way to the optimum (the chord method), and
formed again when they do not. The optimum is the same either way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from icp.stats import sigmoid

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Ridge"]

_STEPS = 200
_HALVINGS = 12
#: A step that leaves more than this share of the distance calls for a new curvature.
_SLOW = 0.3
_EXACT = 1e-15
_FREE = 1e-9


@dataclass(kw_only=True)
class Ridge:
    """One design with its outcomes, solved again and again.

    `design` is rows x columns without the intercept, `positive` the outcome of each
    row. The intercept is the first weight and is not penalised.
    """

    design: NDArray[np.float64]
    positive: NDArray[np.bool_]
    _curvature: NDArray[np.float64] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._full = np.column_stack([np.ones(len(self.design)), self.design])
        self._weights = np.zeros(self._full.shape[1])

    def solve(
        self,
        penalties: NDArray[np.float64] | float,
        /,
        *,
        counts: NDArray[np.float64] | None = None,
        centres: NDArray[np.float64] | float = 0.0,
        tolerance: float = _EXACT,
    ) -> NDArray[np.float64]:
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
        weights = self._descended(ridge, times, tolerance)
        if counts is None:
            self._weights = weights
        return weights

    def _descended(
        self, ridge: NDArray[np.float64], times: NDArray[np.float64], tolerance: float
    ) -> NDArray[np.float64]:
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
            weights, found, gradient = self._halved(weights, step, value, ridge, times)
            if found >= value and fresh:
                break
            value, before, fresh = found, left, False
        return weights

    def _halved(
        self,
        weights: NDArray[np.float64],
        step: NDArray[np.float64],
        value: float,
        ridge: NDArray[np.float64],
        times: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
        """The weights after the longest half, quarter ... of the step that helps."""
        for power in range(_HALVINGS):
            tried = weights - step / 2**power
            found, gradient = self._at(tried, ridge, times)
            if found <= value:
                return tried, found, gradient
        _, gradient = self._at(weights, ridge, times)
        return weights, value, gradient

    def _at(
        self,
        weights: NDArray[np.float64],
        ridge: NDArray[np.float64],
        times: NDArray[np.float64],
    ) -> tuple[float, NDArray[np.float64]]:
        """Objective and gradient."""
        logit = self._full @ weights
        losses = np.logaddexp(0, np.where(self.positive, -logit, logit))
        away = weights - self._centres
        pull = ridge * away
        gradient = self._full.T @ (times * (sigmoid(logit) - self.positive)) + pull
        return float(times @ losses + 0.5 * pull @ away), gradient

    def _factor(
        self,
        weights: NDArray[np.float64],
        ridge: NDArray[np.float64],
        times: NDArray[np.float64],
        *,
        fresh: bool,
    ) -> tuple[NDArray[np.float64], bool]:
        if fresh or self._curvature is None:
            chance = sigmoid(self._full @ weights)
            root = np.sqrt(times * chance * (1 - chance))
            half = self._full * root[:, None]
            self._curvature = half.T @ half
        hessian = self._curvature.copy()
        hessian[np.diag_indices_from(hessian)] += ridge + 1e-12
        factor, lower = cho_factor(hessian, overwrite_a=True, check_finite=False)
        return factor, bool(lower)
