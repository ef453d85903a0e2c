"""How long to boost, of which kind, over which pairs: chosen on customers held out.

Trees may ask of two attributes, but only of the pairs that were strongest in a first,
free run, one pair for every ten customers and 15 at most, so that the profile stays
small enough to read; each fold of the cross-validation finds its own pairs. Rounds are
not picked but averaged, each by how well it did (pseudo-BMA; Yao, Vehtari, Simpson &
Gelman 2018) and by a belief in about a hundred, which matters where customers are few;
and so are resampled forests.
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

__all__ = [
    "Boosting",
    "believed_rounds",
    "cross_boost",
    "fit_boosting",
    "pseudo_weights",
]

_ROUNDS = 300
_FREE_ROUNDS = 120
_EVERY = 10
#: Rounds without a better held-out loss after which growing stops.
_PATIENCE = 60
_MOST_PAIRS = 15
_CUSTOMERS_A_PAIR = 10
#: Believed before anything is held out: so many rounds for a hundred customers, and
#: more by the fourth root of their number; the log of the belief falls by `_BELIEF`
#: times the square of the log of how far rounds are from that, but never lower than
#: `_DOUBT`, so that noise is not boosted.
_BELIEVED_ROUNDS = 100.0
_BELIEVED_AT = 100
_BELIEF = 16.0
_DOUBT = -5.0
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
        self.most_pairs = min(_MOST_PAIRS, len(rows) // _CUSTOMERS_A_PAIR)
        self.grower = Grower(
            self.codes, self.sizes, self.ordered, positive, silent=silent
        )

    def growth(self, rows: Flags, start: Floats, cautious: Flags) -> Growth:
        """Growing freely, over any pair."""
        shape = (len(rows), len(self.sizes), len(self.sizes))
        partners = np.ones(shape, dtype=bool)
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
            strongest(one, self.codes, self.sizes, most=self.most_pairs)
            for one in found
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
    alone = [[model] for model in range(len(test))]
    growth = replace(growth, partners=ground.partners(growth, seed, alone))
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
        rounds = _EVERY * np.arange(len(losses))
        belief = believed_rounds(rounds, len(self._positive))
        weights = pseudo_weights(losses[:, kind], belief)
        logits = weights @ np.array([kept[kind] for kept in self._kept])
        return kind, weights, np.asarray(logits)


def pseudo_weights(losses: Floats, belief: Floats | float = 0.0, /) -> Floats:
    """Weights of models by their summed held-out log losses; they add up to 1.

    `belief` is the log of how likely each was thought before.

    >>> pseudo_weights(np.array([10.0, 10.0, 30.0])).round(3).tolist()
    [0.5, 0.5, 0.0]
    """
    log_weights = belief - losses
    weights = np.exp(log_weights - log_weights.max())
    return np.asarray(weights / weights.sum())


def believed_rounds(rounds: NDArray[np.int64], customers: int, /) -> Floats:
    """The log of how likely each number of rounds is thought, but for a constant.

    >>> believed_rounds(np.array([10, 100, 200]), 100).round(1).tolist()
    [-5.0, 0.0, -4.9]
    """
    expected = _BELIEVED_ROUNDS * (customers / _BELIEVED_AT) ** 0.25
    apart = np.log(np.maximum(rounds, _EVERY / 2) / min(expected, _ROUNDS))
    return np.asarray(np.logaddexp(-_BELIEF * apart**2, _DOUBT))


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
    common = ground.partners(growth, seed, [forests])
    growth = replace(growth, partners=common.repeat(_FORESTS, axis=0))
    trees = ground.grower.grow(
        growth,
        rounds=len(chosen.tails),
        seed=seed + 1,
        watch=lambda number, logits: True,
    )
    return ground.folded(trees, np.array(chosen.tails), forests)
