"""Invented customers whose true chance of being best is known, whatever is missing.

Seven attributes of all kinds with long tails, rare levels and 10 % missing; four of
them matter. The chance is that given what is seen of an account, because that is what
a profile is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

Effects = dict[str, "NDArray[np.float64]"]

_MISSING = 0.1
_IMAGINED = 256
_INDUSTRY = np.array(["Retail", "Bank", "Health", "Energy", "Media", "Public"])
_INDUSTRY_EFFECT = np.array([1.1, -0.9, 0.4, 0.0, -0.4, -0.2])
_TOWNS = np.array([f"town {i:02}" for i in range(40)])


def customers(
    count: int, /, *, seed: int, share: float = 0.5, strength: float = 1.0
) -> tuple[pl.DataFrame, NDArray[np.float64]]:
    """Accounts with `outcome`, and the true chance of being best of each.

    `share` is about how many are best, `strength` scales every effect.
    """
    draw = np.random.default_rng([seed, 11])
    columns, effects = _drawn(draw, count)
    base = _base(share, strength)
    unseen = {name: draw.random(count) < _MISSING for name in columns}
    logit = base + strength * sum(effects.values())
    best = draw.random(count) < _sigmoid(logit)
    frame = pl.DataFrame(
        {
            name: pl.Series(values).set(pl.Series(unseen[name]), None)
            for name, values in columns.items()
        }
    ).with_columns(outcome=pl.Series(np.where(best, "best", "regrettable")))
    return frame, _given_what_is_seen(base, strength, effects, unseen)


def _drawn(
    draw: np.random.Generator, count: int
) -> tuple[dict[str, NDArray[np.generic]], Effects]:
    industry = draw.choice(6, count, p=[0.25, 0.2, 0.2, 0.15, 0.1, 0.1])
    staff = np.ceil(np.exp(draw.normal(4, 1.3, count)))
    growth = draw.standard_t(4, count)
    partner = draw.random(count) < 0.4
    tail = 1 / np.arange(1, 41)
    columns: dict[str, NDArray[np.generic]] = {
        "industry": _INDUSTRY[industry],
        "staff": staff,
        "growth": growth,
        "partner": partner,
        "town": _TOWNS[draw.choice(40, count, p=tail / tail.sum())],
        "sites": draw.poisson(3, count).astype(np.float64),
        "colour": draw.choice(np.array(["red", "green", "blue"]), count),
    }
    effects = {
        "industry": _INDUSTRY_EFFECT[industry],
        "staff": 0.6 * (np.log(staff) - 4),
        "growth": 0.7 * np.tanh(growth),
        "partner": 0.8 * (partner - 0.4),
    }
    return columns, effects


def _base(share: float, strength: float) -> float:
    """The constant that makes about `share` of the accounts best."""
    _, effects = _drawn(np.random.default_rng(5), 20_000)
    spread = strength * sum(effects.values())
    low, high = -9.0, 9.0
    for _ in range(40):
        middle = (low + high) / 2
        above = _sigmoid(middle + spread).mean() > share
        low, high = (low, middle) if above else (middle, high)
    return low


def _given_what_is_seen(
    base: float,
    strength: float,
    effects: Effects,
    unseen: dict[str, NDArray[np.bool_]],
) -> NDArray[np.float64]:
    """The mean chance over what the missing values could have been."""
    draw = np.random.default_rng(7)
    _, other = _drawn(draw, _IMAGINED)
    count = len(next(iter(unseen.values())))
    logit = np.full((count, _IMAGINED), base)
    for name, values in effects.items():
        known = np.where(unseen[name], 0.0, values)
        logit += strength * known[:, None]
        logit += strength * np.outer(unseen[name], draw.permutation(other[name]))
    return np.asarray(_sigmoid(logit).mean(axis=1))


def _sigmoid(logit: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 + 0.5 * np.tanh(logit / 2))
