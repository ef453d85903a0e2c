"""Has a table of counts changed between periods, by more than chance gives?

Usual limits for drift (a population stability index of 0.1 or 0.25) are noise at our
sizes: with 50 accounts in each of two identical periods and ten cells, 63 % of columns
exceed 0.25 (methods 0.5). Every function here asks for the chance instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtrc, ndtr

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["banded", "effect_change", "effect_reversal", "shift", "shift_size", "tally"]

_NEWTON_STEPS = 30
_HALF = 0.005
_TINY = 1e-9


def banded(
    counts: NDArray[np.float64], /, *, ordered: bool, least: float, most: int
) -> NDArray[np.int64]:
    """The band of each cell, so that every band holds at least `least`; -1 where empty.

    Neighbours join where cells are `ordered`, else the rare ones join each other. No
    more than about `most` bands.

    >>> banded(np.array([4.0, 1, 2, 9]), ordered=True, least=3, most=9).tolist()
    [0, 1, 1, 2]
    >>> banded(np.array([4.0, 1, 2, 9]), ordered=False, least=3, most=9).tolist()
    [1, 2, 2, 0]
    """
    enough = max(least, counts.sum() / most)
    order = np.arange(len(counts)) if ordered else np.argsort(-counts, kind="stable")
    band = np.full(len(counts), -1, dtype=np.int64)
    number, held = 0, 0.0
    for cell in order[counts[order] > 0]:
        if held >= enough:
            number, held = number + 1, 0.0
        band[cell] = number
        held += counts[cell]
    if held < enough and number:
        band[band == number] = number - 1
    return band


def tally(
    parts: NDArray[np.int64],
    bands: NDArray[np.int64],
    weights: NDArray[np.float64],
    shape: tuple[int, int],
    /,
) -> NDArray[np.float64]:
    """Summed weights per part and band."""
    places = parts * shape[1] + bands
    summed = np.bincount(places, weights, minlength=shape[0] * shape[1])
    return summed.reshape(shape).astype(np.float64)


def shift(counts: NDArray[np.float64], /) -> float:
    """Chance of so large a change of shares if nothing changed.

    `counts` is strata x period (before, since) x band. Generalised Cochran-Mantel-
    Haenszel test (Mantel 1963): within a stratum periods are exchangeable, so that a
    changed mix of strata is no change.

    >>> shift(np.array([[[20.0, 20], [10, 10]]]))
    1.0
    >>> shift(np.array([[[20.0, 0], [0, 10]]])) < 1e-6
    True
    """
    gap = np.zeros(counts.shape[2])
    spread = np.zeros((counts.shape[2],) * 2)
    for before, since in counts:
        both, new, old = before + since, since.sum(), before.sum()
        total = new + old
        if min(new, old) <= 0 or total <= 1:
            continue
        gap += since - both * new / total
        pooled = np.diag(both) * total - np.outer(both, both)
        spread += pooled * new * old / (total**2 * (total - 1))
    distance = gap @ np.linalg.pinv(spread, hermitian=True) @ gap
    return float(chdtrc(max(len(gap) - 1, 1), distance))


def shift_size(
    counts: NDArray[np.float64], /
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """How large a change is, and the shares before and since that it comes from.

    The size is the population stability index less its mean under no change (methods
    1g). The shares before are weighted to the mix of strata that there is since.
    """
    told = counts[(counts.sum(axis=2) > 0).all(axis=1)]
    mix = told[:, 1].sum(axis=1)
    before = _shares(told[:, 0] / told[:, 0].sum(axis=1)[:, None] * mix[:, None])
    since = _shares(told[:, 1])
    raw = ((since - before) * np.log((since + _HALF) / (before + _HALF))).sum()
    chance = (1 / told[:, 0].sum() + 1 / told[:, 1].sum()) if len(told) else 0.0
    return float(raw - (counts.shape[2] - 1) * chance), before, since


def _shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    summed = counts.sum(axis=0)
    return np.asarray(summed / max(summed.sum(), _TINY))


def effect_change(counts: NDArray[np.float64], /) -> tuple[float, float]:
    """Chance of effects so different over periods if they were one, and how different.

    `counts` is period x outcome (regrettable, best) x band. Pearson's test of the model
    with a base rate per period and one effect per band; the second figure is the
    standard deviation of the periods' log-odds around it, chance taken off.

    >>> one = np.array([[30.0, 10], [10, 30]])
    >>> [round(figure, 3) for figure in effect_change(np.array([one, one]))]
    [1.0, 0.0]
    >>> p, size = effect_change(np.array([one, one[::-1]]))
    >>> p < 1e-6, size > 0.5
    (True, True)
    """
    total, best = counts.sum(axis=1), counts[:, 1]
    chance = _one_effect(total, best)
    spread = total * chance * (1 - chance)
    distance = ((best - total * chance) ** 2 / np.maximum(spread, _TINY)).sum()
    free = (counts.shape[0] - 1) * (counts.shape[2] - 1)
    if free < 1:
        return 1.0, 0.0
    size = np.sqrt(max(0.0, distance - free) / max(spread.sum(), _TINY))
    return float(chdtrc(free, distance)), float(size)


def _one_effect(
    total: NDArray[np.float64], best: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Fitted chance of best per period and band: base rates plus one effect a band."""
    periods, bands = total.shape
    design = np.hstack(
        [
            np.repeat(np.eye(periods), bands, axis=0),
            np.tile(np.eye(bands)[:, 1:], (periods, 1)),
        ]
    )
    weights = np.zeros(design.shape[1])
    n, y = total.ravel(), best.ravel()
    for _ in range(_NEWTON_STEPS):
        p = 0.5 + 0.5 * np.tanh(0.5 * np.clip(design @ weights, -30, 30))
        slope = design.T @ (y - n * p) - 1e-6 * weights
        curve = (design.T * (n * p * (1 - p))) @ design
        weights += np.linalg.solve(curve + 1e-6 * np.eye(len(weights)), slope)
    p = 0.5 + 0.5 * np.tanh(0.5 * np.clip(design @ weights, -30, 30))
    return np.asarray(p.reshape(total.shape))


def effect_reversal(
    before: NDArray[np.float64], since: NDArray[np.float64], /
) -> tuple[float, float]:
    """Chance that `before` has no effect, and that `since` does not run against it.

    Both are outcome (regrettable, best) x band. An effect is reversed when both are
    small: there was one, and the newer customers follow its opposite. The first is
    Pearson's test, the second a one-sided score test on the log-odds of `before`.

    >>> one = np.array([[30.0, 10], [10, 30]])
    >>> [round(p, 4) for p in effect_reversal(one, one)]
    [0.0, 1.0]
    >>> [round(p, 4) for p in effect_reversal(one, one[::-1])]
    [0.0, 0.0]
    """
    there = shift(before[None])
    score = np.log(before[1] + 0.5) - np.log(before[0] + 0.5)
    total, base = since.sum(axis=0), since[1].sum() / max(since.sum(), _TINY)
    centred = score - (total @ score) / max(total.sum(), _TINY)
    spread = base * (1 - base) * (total @ centred**2)
    z = centred @ (since[1] - base * total) / np.sqrt(max(spread, _TINY))
    return there, float(ndtr(z))
