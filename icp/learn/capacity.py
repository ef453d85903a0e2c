"""How many separate effects so many customers can carry (Riley et al. 2019, 2020).

Three wishes for a prediction model with a yes/no outcome, each a sample size:

1. little overfitting: expected shrinkage S of at least 0.9,
   effects <= (S - 1) n ln(1 - R2 / S);
2. little optimism: at most 0.05 between apparent and true Nagelkerke R2, which is the
   same formula with S = R2 / (R2 + 0.05 max R2);
3. the overall share of best ones known to within 0.05: n >= (1.96 / 0.05)^2 p (1 - p).

R2 is Cox and Snell's, that a new model is expected to reach: here the cross-validated
one, R2 = 1 - exp(-2 (base log loss - log loss)), or 15 % of the largest possible where
nothing separates (Riley et al. 2020, step 2). Very good ranking needs more customers
than the formulas say: half as many again from an area under the curve of 0.85, twice as
many from 0.9 (Pavlou et al. 2024). A lasso-like or ridge fit may be offered more
effects than that, since it shrinks what the data cannot carry.
"""

from __future__ import annotations

from math import ceil, exp, floor, log
from typing import Final

from icp.provenance import Capacity, Evidence

__all__ = ["capacity"]

_SHRINKAGE: Final = 0.9
_OPTIMISM: Final = 0.05
_MARGIN: Final = 0.05
_ASSUMED: Final = 0.15
_Z: Final = 1.96
#: Area under the curve from which more customers are needed, and how many times more.
_RANKS_WELL: Final = ((0.9, 2.0), (0.85, 1.5))


def capacity(best: int, regrettable: int, offered: int, evidence: Evidence) -> Capacity:
    """How many effects the closed customers carry, and how many were offered.

    >>> from icp.provenance import Evidence
    >>> none = Evidence(
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
    found = 1 - exp(-2 * (evidence.base_log_loss - evidence.log_loss))
    assumed = evidence.level == "none" or found <= 0
    reached = _ASSUMED * most if assumed else min(found, most)
    each = per_effect(reached, most) * _more(evidence.auc)
    variance = share * (1 - share)
    return Capacity(
        effects=floor(customers / each),
        offered=offered,
        r_squared=round(reached, 6),
        assumed=assumed,
        per_effect=round(each, 3),
        share_within=round(_Z * (variance / customers) ** 0.5, 3),
        needed_for_share=ceil((_Z / _MARGIN) ** 2 * variance),
    )


def per_effect(reached: float, most: float, /) -> float:
    """Customers needed per effect, for a Cox-Snell R2 of `reached` of at most `most`.

    The example of the R package `pmsampsize` (24 effects, 662 customers):

    >>> from math import ceil
    >>> ceil(24 * per_effect(0.288, 0.60321))
    662
    """
    optimism = reached / (reached + _OPTIMISM * most)
    wished = max(_SHRINKAGE, optimism)
    return 1 / ((wished - 1) * log(1 - reached / wished))


def _more(auc: float) -> float:
    return next((times for limit, times in _RANKS_WELL if auc >= limit), 1.0)
