"""What is measured of held-out probabilities, and how sure a difference is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import t as student

from icp import stats

if TYPE_CHECKING:
    from numpy.typing import NDArray

MEASURES = ("AUC", "average precision", "log loss", "Brier", "lift at 10 %", "slope")
AUC, AVERAGE_PRECISION, LOG_LOSS, BRIER, LIFT, SLOPE = range(len(MEASURES))
#: No method claims more than this: one certain mistake would decide a mean.
SURE = 1e-4
_STEEP = 10.0


def measured(
    probability: NDArray[np.float64], best: NDArray[np.bool_], /
) -> NDArray[np.float64]:
    """All `MEASURES` in their order."""
    clipped = np.clip(probability, SURE, 1 - SURE)
    return np.array(
        [
            stats.auc(clipped, best),
            stats.average_precision(clipped, best),
            stats.log_loss(clipped, best),
            stats.brier(clipped, best),
            stats.lift(clipped, best),
            calibration_slope(clipped, best),
        ]
    )


def calibration_slope(
    probability: NDArray[np.float64], best: NDArray[np.bool_], /
) -> float:
    """Slope of outcomes on log-odds (Cox 1958): below 1 means too sure.

    NaN where the probabilities are all the same, or where they separate so well that
    no slope is steep enough.
    """
    logit = np.log(probability) - np.log1p(-probability)
    if np.ptp(logit) < 1e-9 or stats.auc(probability, best) in (0.0, 1.0):
        return float("nan")
    x = np.column_stack([np.ones_like(logit), logit])
    weights = np.array([0.0, 1.0])
    for _ in range(50):
        fitted = stats.sigmoid(x @ weights)
        curved = (x * (fitted * (1 - fitted))[:, None]).T @ x + 1e-9 * np.eye(2)
        step = np.linalg.solve(curved, x.T @ (best - fitted))
        weights = weights + step
        if np.abs(step).max() < 1e-8:
            break
    return float(weights[1]) if abs(weights[1]) < _STEEP else float("nan")


def half_width(differences: NDArray[np.float64], /, *, tested: float) -> float:
    """Half of the 90 % interval of a mean difference over folds.

    Folds share most of what they learn from, hence the correction of Nadeau & Bengio
    (2003); `tested` is the test rows over the rows learnt from. NaN for one fold.
    """
    count = len(differences)
    if count < 2:
        return float("nan")
    spread = differences.std(ddof=1) * np.sqrt(1 / count + tested)
    return float(spread * student.ppf(0.95, count - 1))
