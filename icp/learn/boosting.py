"""How long to boost, of which kind, over which pairs: chosen on customers held out.

Below 300 customers trees ask of one attribute only. From there on they may ask of two,
but only of the pairs that were strongest in a first, free run, so that the profile
stays small enough to read; each fold of the cross-validation finds its own pairs.
Rounds are not picked but averaged, each by how well it did (pseudo-BMA; Yao, Vehtari,
Simpson & Gelman 2018), and so are resampled forests.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from icp.learn.fold import Contrast, folded, strongest
from icp.learn.trees import FREE_LEVELS, Grower, Growth
from icp.schema import Kind
from icp.stats import log_losses, sigmoid

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from icp.learn.cells import Cells
    from icp.learn.trees import Trees

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

__all__ = ["Boosting", "cross_boost", "fit_boosting", "pseudo_weights"]

_ROUNDS = 300
_FREE_ROUNDS = 120
_EVERY = 10
#: Rounds without a better held-out loss after which growing stops.
_PATIENCE = 60
_PAIRS_FROM = 300
_MOST_PAIRS = 15
_FORESTS = 8
_LEAST_SHARE = 0.005


@dataclass(frozen=True, kw_only=True)
class Boosting:
    """What cross-validation chose.

    `tails` says by how much each round counts; `cautious` whether splits of many
    levels must beat what chance gains by so many.
    """

    tails: tuple[float, ...]
    cautious: bool


class _Ground:
    """The customers to grow on."""

    def __init__(
        self, cells: Cells, rows: NDArray[np.int64], positive: Flags, silent: Flags
    ) -> None:
        self.codes, self.silent = cells.codes[rows], silent
        self.sizes = np.array([table.size for table in cells.tables], dtype=np.int64)
        self.ordered = np.array([t.kind is Kind.NUMBER for t in cells.tables], bool)
        self.many = bool((self.sizes[~self.ordered] > 2 + FREE_LEVELS).any())
        self.pairs = len(rows) >= _PAIRS_FROM
        self.grower = Grower(
            self.codes, self.sizes, self.ordered, positive, silent=silent
        )

    def growth(self, rows: Flags, start: Floats, cautious: Flags) -> Growth:
        """Growing freely: any pair from 300 customers on, none below."""
        shape = (len(rows), len(self.sizes), len(self.sizes))
        partners = np.full(shape, fill_value=self.pairs)
        return Growth(rows=rows, start=start, partners=partners, cautious=cautious)

    def partners(
        self, growth: Growth, seed: int, groups: list[list[int]]
    ) -> NDArray[np.bool_]:
        """The pairs that each group of models may use: groups x tables x tables."""
        trees = self.grower.grow(
            growth, rounds=_FREE_ROUNDS, seed=seed, watch=lambda number, logits: True
        )
        even = np.ones(len(trees))
        found = [self.folded(trees, even, models) for models in groups]
        chosen = [
            strongest(one, self.codes, self.sizes, most=_MOST_PAIRS) for one in found
        ]
        return np.stack(chosen)

    def folded(self, trees: list[Trees], tails: Floats, models: list[int]) -> Contrast:
        """The models' mean as tables."""
        return folded(trees, tails, models, self.codes, self.sizes, self.silent)


def cross_boost(
    cells: Cells,
    rows: NDArray[np.int64],
    positive: Flags,
    folds: NDArray[np.int64],
    starts: Callable[[Flags], float],
    /,
    *,
    silent: Flags,
    seed: int,
    progress: Callable[[float], None],
) -> tuple[Boosting, Floats]:
    """How to boost, and held-out log-odds of every row.

    `folds` is repeats x rows; `starts` gives the log-odds to start from when learning
    from the rows it is shown.
    """
    ground = _Ground(cells, rows, positive, silent)
    kinds = (False, True) if ground.many else (False,)
    held = [row == number for row in folds for number in range(row.max() + 1)]
    test = np.array(held * len(kinds))
    cautious = np.repeat(np.array(kinds), len(held))
    start = np.array([np.full(len(rows), starts(~out)) for out in test])
    growth = ground.growth(~test, start, cautious)
    if ground.pairs:
        alone = [[model] for model in range(len(test))]
        partners = ground.partners(growth, seed, alone)
        growth = replace(growth, partners=partners)
    log = _Log(positive, test.reshape(len(kinds), len(held), -1), start, progress)
    ground.grower.grow(growth, rounds=_ROUNDS, seed=seed, watch=log.watch)
    kind, weights, logits = log.best()
    tails = weights[::-1].cumsum()[::-1][1:].repeat(_EVERY).round(6)
    lasting = int(np.flatnonzero(tails >= _LEAST_SHARE).max(initial=-1)) + 1
    kept = tuple(tails[:lasting].tolist())
    return Boosting(tails=kept, cautious=kinds[kind]), logits


class _Log:
    """Held-out log-odds every few rounds, and when to stop."""

    def __init__(
        self,
        positive: Flags,
        test: Flags,
        start: Floats,
        progress: Callable[[float], None],
    ) -> None:
        self._positive, self._test, self._progress = positive, test, progress
        self._times = test[0].sum(axis=0)
        self._kept = [self._held_out(start)]
        self._losses = [self._loss(self._kept[0])]

    def _held_out(self, logits: Floats) -> Floats:
        """Kinds x rows: the mean over repeats of what held-out models say."""
        by_kind = np.where(self._test, logits.reshape(self._test.shape), 0.0)
        return np.asarray(by_kind.sum(axis=1) / self._times)

    def _loss(self, kept: Floats) -> list[float]:
        """Sum of log losses of each kind."""
        sums = (log_losses(sigmoid(row), self._positive).sum() for row in kept)
        return [round(float(total), 6) for total in sums]

    def watch(self, number: int, logits: Floats) -> bool:
        """Note the log-odds; false when they have not become better for long."""
        if number % _EVERY:
            return True
        self._kept.append(self._held_out(logits))
        self._losses.append(self._loss(self._kept[-1]))
        self._progress(number / _ROUNDS)
        best = np.array(self._losses).min(axis=1).argmin()
        since = len(self._kept) - 1 - best
        return bool(since * _EVERY < _PATIENCE)

    def best(self) -> tuple[int, Floats, Floats]:
        """The better kind, the weight of each moment in it, and its log-odds."""
        losses = np.array(self._losses)
        kind = int(losses.min(axis=0).argmin())
        weights = pseudo_weights(losses[:, kind])
        logits = weights @ np.array([kept[kind] for kept in self._kept])
        return kind, weights, np.asarray(logits)


def pseudo_weights(losses: Floats, /) -> Floats:
    """Weights of models by their summed held-out log losses; they add up to 1.

    >>> pseudo_weights(np.array([10.0, 10.0, 30.0])).round(3).tolist()
    [0.5, 0.5, 0.0]
    """
    likelihood = np.exp(losses.min() - losses)
    return np.asarray(likelihood / likelihood.sum())


def fit_boosting(
    cells: Cells,
    rows: NDArray[np.int64],
    positive: Flags,
    chosen: Boosting,
    start: float,
    /,
    *,
    silent: Flags,
    seed: int,
) -> Contrast:
    """The mean of a few forests grown from the start, as tables."""
    ground = _Ground(cells, rows, positive, silent)
    shape = (_FORESTS, len(rows))
    everyone, begun = np.ones(shape, dtype=bool), np.full(shape, start)
    cautious = np.full(_FORESTS, chosen.cautious)
    growth = ground.growth(everyone, begun, cautious)
    forests = list(range(_FORESTS))
    if ground.pairs:
        common = ground.partners(growth, seed, [forests])
        growth = replace(growth, partners=common.repeat(_FORESTS, axis=0))
    trees = ground.grower.grow(
        growth,
        rounds=len(chosen.tails),
        seed=seed + 1,
        watch=lambda number, logits: True,
    )
    return ground.folded(trees, np.array(chosen.tails), forests)
