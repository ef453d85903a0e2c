"""Latent classes over one-hot cells, fitted by MAP-EM from several starts at once.

A segment gives each attribute its own distribution over cells; attributes are
independent within a segment (latent class analysis, Lazarsfeld & Henry 1968). Dirichlet
priors centred on the pooled shares keep rare cells from getting probability 0, which
matters at 30 customers. Missing values are left out of the product.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Mixture", "OneHot", "fit_mixture", "icl"]

_RESTARTS = 24
_SHORT_STEPS = 8
_KEPT_SHARE = 4
_LONG_STEPS = 60
_NEAR = 1e-5


@dataclass(frozen=True, kw_only=True)
class OneHot:
    """Rows as 0/1 columns, `starts` where each attribute's columns begin.

    `prior` is one value per column: the customers that it is worth in every segment.
    """

    rows: NDArray[np.float64]
    starts: NDArray[np.int64]
    prior: NDArray[np.float64]

    def take(self, which: NDArray[np.int64]) -> OneHot:
        """Only some rows."""
        return OneHot(rows=self.rows[which], starts=self.starts, prior=self.prior)

    @cached_property
    def widths(self) -> NDArray[np.int64]:
        """Columns of each attribute."""
        return np.diff([*self.starts, self.rows.shape[1]])

    @property
    def free(self) -> int:
        """Free parameters of one segment's distributions."""
        return int(self.rows.shape[1] - len(self.starts))


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """A fitted mixture over one-hot cells.

    `log_cells` is segments x one-hot columns, `log_shares` one value per segment.
    """

    log_cells: NDArray[np.float64]
    log_shares: NDArray[np.float64]
    log_likelihood: float

    def joint(self, onehot: NDArray[np.float64], /) -> NDArray[np.float64]:
        """Log of share times likelihood: rows x segments."""
        return np.asarray(onehot @ self.log_cells.T + self.log_shares)

    def nearest(self, onehot: NDArray[np.float64], /) -> NDArray[np.int64]:
        """The most probable segment of each row."""
        return np.asarray(self.joint(onehot).argmax(axis=1))


def fit_mixture(
    data: OneHot,
    count: int,
    /,
    *,
    draw: np.random.Generator,
    restarts: int = _RESTARTS,
) -> Mixture:
    """The best of several MAP-EM runs (Dempster, Laird & Rubin 1977).

    Each run starts at `count` customers drawn at random. All take a few steps, the
    most promising quarter goes on until it settles (Biernacki, Celeux & Govaert 2003).
    Runs are compared by penalised log-likelihood rounded to 1e-6; the first of equals
    is taken.
    """
    runs = 1 if count == 1 else restarts
    weights = _started(data, count, runs, draw)
    if runs > 1:
        short = _climbed(data, weights, _SHORT_STEPS)
        ranked = np.argsort(-short.penalised(data), kind="stable")
        weights = short.weights[:, ranked[: -(-runs // _KEPT_SHARE)]]
    found = _climbed(data, weights, _LONG_STEPS)
    chosen = int(np.argmax(found.penalised(data)))
    return Mixture(
        log_cells=found.log_cells[:, chosen],
        log_shares=found.log_shares[:, chosen],
        log_likelihood=float(found.value[chosen]),
    )


def icl(data: OneHot, fit: Mixture, /) -> float:
    """Integrated completed likelihood (Biernacki et al. 2000); smaller is better."""
    count = len(fit.log_shares)
    certain = fit.joint(data.rows).max(axis=1).sum()
    entropy = float(fit.log_likelihood - certain)
    free = count - 1 + count * data.free
    size = float(np.log(len(data.rows)))
    return -2 * fit.log_likelihood + free * size + 2 * entropy


class _Runs(NamedTuple):
    """Several runs side by side; `weights` is segments x runs x rows."""

    weights: NDArray[np.float64]
    log_cells: NDArray[np.float64]
    log_shares: NDArray[np.float64]
    value: NDArray[np.float64]

    def penalised(self, data: OneHot) -> NDArray[np.float64]:
        return np.asarray((self.value + (self.log_cells @ data.prior).sum(0)).round(6))


def _started(
    data: OneHot, count: int, runs: int, draw: np.random.Generator
) -> NDArray[np.float64]:
    """Every row's weight in segments around rows drawn at random."""
    size = len(data.rows)
    order = draw.random((runs, size)).argsort(axis=1)[:, :count].T
    sums = len(data.starts) * data.rows[order] + data.prior
    log_cells = _log_shares_of(sums, data)
    return _expected(data, log_cells, np.zeros((count, runs)))[0]


def _climbed(data: OneHot, weights: NDArray[np.float64], steps: int) -> _Runs:
    last = np.full(weights.shape[1], -np.inf)
    for _ in range(steps):
        log_cells, log_shares = _maximised(data, weights)
        weights, value = _expected(data, log_cells, log_shares)
        if np.all(value - last < _NEAR * (1 + np.abs(value))):
            break
        last = value
    return _Runs(weights, log_cells, log_shares, value)


def _maximised(
    data: OneHot, weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """MAP cell probabilities and shares: segments x runs (x columns)."""
    sums = weights.reshape(-1, weights.shape[2]) @ data.rows
    log_cells = _log_shares_of(sums.reshape(*weights.shape[:2], -1) + data.prior, data)
    shares = weights.sum(axis=2) + 1
    return log_cells, np.log(shares / shares.sum(axis=0))


def _log_shares_of(sums: NDArray[np.float64], data: OneHot) -> NDArray[np.float64]:
    totals = np.add.reduceat(sums, data.starts, axis=2)
    return np.asarray(np.log(sums) - np.repeat(np.log(totals), data.widths, axis=2))


def _expected(
    data: OneHot, log_cells: NDArray[np.float64], log_shares: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Every row's weight in each segment, and each run's log-likelihood."""
    flat = log_cells.reshape(-1, log_cells.shape[2]) @ data.rows.T
    joint = flat.reshape(*log_shares.shape, -1) + log_shares[:, :, None]
    top = joint.max(axis=0)
    weights = np.exp(joint - top)
    totals = weights.sum(axis=0)
    weights /= totals
    return weights, (top + np.log(totals)).sum(axis=1)
