"""Customers as they would be if they were one group: the yardstick for a split.

Shuffling every column by itself is too easy a yardstick: company size alone makes
employees, revenue and seats rise together, and a mixture then finds "small" and
"large" in what is one cloud. Here all columns come from one normal cloud (a Gaussian
copula) with the margins, the gaps and the correlations of the customers themselves, so
that only what a single cloud cannot show counts for a split.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from icp.learn.mixture import CellRows

__all__ = ["OneGroup", "togetherness"]

_ROUNDS = 8
_MOST = 0.99
_LEAST_OWN = 0.02


@dataclass(frozen=True, kw_only=True)
class OneGroup:
    """One normal cloud behind the cells of given rows.

    `ranks` puts the places of every attribute in order, `root` times its transpose is
    the matrix of correlations.
    """

    data: CellRows
    ranks: NDArray[np.int64]
    root: NDArray[np.float64]

    @classmethod
    def of(cls, data: CellRows, /) -> OneGroup:
        """The cloud with the correlations of the rows.

        Correlations are shrunk toward 0 by what chance adds to them (Schäfer &
        Strimmer 2005). Those of numbers are corrected for the width of cells; those
        between levels are not, as levels that go together are what a segment is.
        Levels have no order of their own; they get the one in which they go best
        with the main direction of the other attributes (homogeneity analysis,
        Gifi 1990).
        """
        ranks = np.arange(len(data.shares))
        middle = _middles(data, ranks)
        for _ in range(_ROUNDS if not data.ordered.all() else 0):
            ranks = _reordered(data, middle, ranks)
            middle = _middles(data, ranks)
        return cls(data=data, ranks=ranks, root=_root(_correlations(data, middle)))

    def drawn(self, draw: np.random.Generator, /) -> CellRows:
        """As many rows with the same margins and the same gaps."""
        data = self.data
        cloud = draw.standard_normal(data.cells.shape) @ self.root.T
        cells = data.cells.copy()
        for attribute, start in enumerate(data.starts):
            known = np.flatnonzero(cells[:, attribute] != start)
            held = cells[known, attribute]
            ascending = held[np.argsort(self.ranks[held], kind="stable")]
            cells[known[np.argsort(cloud[known, attribute])], attribute] = ascending
        return replace(data, cells=cells)


def togetherness(data: CellRows, /) -> float:
    """How much the numbers of the rows tell about each other, in twice nats.

    The likelihood ratio of correlated against independent normal variables,
    -n ln det R. A drawn group may by chance be more or less correlated than the
    customers; a split gains accordingly, which is known from this figure alone.
    """
    numbers = np.flatnonzero(data.ordered)
    if len(numbers) < 2:
        return 0.0
    values = _middles(data, np.arange(len(data.shares)))[data.cells[:, numbers]]
    known = (data.cells != data.starts)[:, numbers].astype(np.float64)
    products = values.T @ values / np.maximum(known.T @ known, 1)
    spread = np.sqrt(np.maximum(np.diag(products), 1e-12))
    own = np.linalg.eigvalsh(products / np.outer(spread, spread))
    return float(-len(values) * np.log(np.maximum(own, _LEAST_OWN)).sum())


def _middles(data: CellRows, ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean of a standard normal variable in every place; 0 where not known."""
    order = np.lexsort((ranks, data.owner))
    shares = data.shares[order]
    upto = np.cumsum(shares) - data.owner[order]
    low, high = upto - shares, upto
    middle = np.empty(len(order))
    middle[order] = (_height(low) - _height(high)) / np.maximum(shares, 1e-300)
    middle[data.starts] = 0
    return middle


def _height(upto: NDArray[np.float64]) -> NDArray[np.float64]:
    """Normal density at a share of the distribution; 0 at both ends."""
    inside = (upto > 1e-12) & (upto < 1 - 1e-12)
    at = ndtri(np.where(inside, upto, 0.5))
    density = np.exp(-(at**2) / 2) / np.sqrt(2 * np.pi)
    return np.asarray(np.where(inside, density, 0))


def _reordered(
    data: CellRows, middle: NDArray[np.float64], ranks: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Levels by how their customers lie along the main direction of the others."""
    values = middle[data.cells]
    _, directions = np.linalg.eigh(values.T @ values)
    along = values * directions[:, -1]
    others = along.sum(axis=1)[:, None] - along
    sums = np.zeros(len(data.shares))
    np.add.at(sums, data.cells, others)
    counts = np.bincount(data.cells.ravel(), minlength=len(sums))
    score = (sums / np.maximum(counts, 1)).round(9)
    moved = np.empty(len(ranks), dtype=np.int64)
    moved[np.lexsort((ranks, score))] = np.arange(len(ranks))
    return np.asarray(np.where(data.ordered[data.owner], np.arange(len(ranks)), moved))


def _correlations(data: CellRows, middle: NDArray[np.float64]) -> NDArray[np.float64]:
    values = middle[data.cells]
    known = (data.cells != data.starts).astype(np.float64)
    both = known.T @ known
    variance = np.add.reduceat(data.shares * middle**2, data.starts)
    spread = np.sqrt(np.maximum(variance, 1e-12))
    found = values.T @ values / np.maximum(both, 1) / np.outer(spread, spread)
    np.fill_diagonal(found, 0)
    found = np.clip(found, -_MOST, _MOST)
    chance = ((1 - found**2) ** 2 / np.maximum(both, 2)).sum()
    chance -= np.diag(1 / np.maximum(both, 2)).sum()
    kept = max(0.0, 1 - chance / max((found**2).sum(), 1e-12))
    levels = np.outer(~data.ordered, ~data.ordered)
    width = np.where(levels, 1.0, np.outer(spread, spread))
    return np.asarray(np.clip(found * kept / width, -_MOST, _MOST))


def _root(correlations: NDArray[np.float64]) -> NDArray[np.float64]:
    """A root of the nearest usable matrix of correlations."""
    values, vectors = np.linalg.eigh(correlations + np.eye(len(correlations)))
    root = vectors * np.sqrt(np.maximum(values, 0))
    return np.asarray(root / np.sqrt((root**2).sum(axis=1))[:, None])
