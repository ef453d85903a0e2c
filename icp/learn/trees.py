"""Boosted trees of depth two over cells, grown side by side and folded into tables.

Gradient boosting (Friedman 2001) with second-order gains (Chen & Guestrin 2016) and
random rows and columns per tree (Friedman 2002). A tree of depth two asks of one
attribute and then of one more on either side, so that a sum of trees is exactly a sum
of tables of one and of two attributes. Levels without an order are split along their
mean gradient (Fisher 1958).

Every sum is exact: gradients are rounded to multiples of 2^-12, so that neither the
order of rows nor which outcome is called best can change a tree by a last digit.
Many models (folds, resamples) grow in step, which keeps small fits short.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from icp.profile import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]

__all__ = ["FREE_LEVELS", "Grower", "Growth", "Trees"]

_RATE = 0.1
_RIDGE = 5.0
#: Added for splits of attributes with many levels, of which the best one is chosen.
_LEVEL_RIDGE = 10.0
_MANY_LEVELS = 4
#: Least sum of second derivatives on either side; about two customers.
_LEAST_WEIGHT = 0.5
_ROW_SHARE = 0.7
_COLUMN_SHARE = 0.4
#: Gradients are whole multiples of 1 / _STEPS; two sums travel packed in one number.
_STEPS = 2.0**12
_PACK = 2.0**26
_NEITHER = 2
#: Mean gain that chance gives the best split for one more level without an order.
_CHANCE = 2 / np.pi
#: So many levels are tried freely even by cautious models.
FREE_LEVELS = 12
#: Decides between splits of equal gain by which cells they part, never by an outcome.
_TIE = 1e-10


class Trees(NamedTuple):
    """One tree of every model: models first.

    `root` is the table asked first and `side` says per cell code where it leads: 0, 1,
    or 2 where the tree never saw that cell. `then` is the table asked on each side,
    `values` what each of its cells gives there, and `unseen` what side 2 gives.
    """

    root: Codes
    side: NDArray[np.int8]
    then: Codes
    values: Floats
    unseen: Floats


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Which rows and pairs a model may use, and where it starts.

    `rows` is models x rows, true where the model may learn from the row; `start`
    models x rows, log-odds in nats; `partners` models x tables x tables, true where
    the second may be asked after the first. A `cautious` model takes from a split of
    many levels what chance alone would gain by so many levels.
    """

    rows: NDArray[np.bool_]
    start: Floats
    partners: NDArray[np.bool_]
    cautious: NDArray[np.bool_]


class _Splits(NamedTuple):
    gain: Floats
    table: Codes
    side: NDArray[np.int8]
    values: Floats
    whole: Floats


class Grower:
    """The cell codes of some customers, ready for trees to be grown on."""

    def __init__(
        self,
        codes: NDArray[np.int32],
        sizes: Codes,
        ordered: NDArray[np.bool_],
        positive: NDArray[np.bool_],
        /,
        *,
        silent: NDArray[np.bool_],
    ) -> None:
        """`silent` tables have a code 0 (missing) that says nothing."""
        self._silent = silent
        self._cells = int(sizes.max(initial=1))
        self._codes = np.ascontiguousarray(codes.T).astype(np.int64)
        tables = len(self._codes)
        self._drawn = min(tables, max(2, round(_COLUMN_SHARE * tables)))
        self._offset = np.arange(self._drawn)[:, None] * self._cells
        self._ordered = ordered
        self._places = np.arange(self._cells, dtype=np.float64)
        self._tie = np.random.default_rng(0).dirichlet(np.ones(self._cells))
        self._ridge = np.where(
            ~ordered & (sizes > 2 + _MANY_LEVELS), _RIDGE + _LEVEL_RIDGE, _RIDGE
        )
        self._sign = np.where(positive, 1.0, -1.0)

    def grow(
        self,
        growth: Growth,
        /,
        *,
        rounds: int,
        seed: int,
        watch: Callable[[int, Floats], bool],
    ) -> list[Trees]:
        """Grow `rounds` trees of every model, one after another.

        `watch` is given the round and the log-odds (models x rows) after it and says
        whether to go on. Without any table nothing grows.
        """
        draw = np.random.default_rng([seed, 2])
        logits, grown = growth.start.copy(), []
        for number in range(rounds if len(self._codes) else 0):
            trees = self._trees(logits, growth, draw)
            logits += self.values(trees)
            grown.append(trees)
            if not watch(number + 1, logits):
                break
        return grown

    def values(self, trees: Trees, /) -> Floats:
        """What one tree of every model gives to every row: models x rows."""
        models = np.arange(len(trees.root))[:, None]
        side = trees.side[models, self._codes[trees.root]]
        sides = np.minimum(side, 1)
        second = np.where(
            side == 0, self._codes[trees.then[:, 0]], self._codes[trees.then[:, 1]]
        )
        found = trees.values[models, sides, second]
        return np.where(side == _NEITHER, trees.unseen[:, None], found)

    def _trees(
        self, logits: Floats, growth: Growth, draw: np.random.Generator
    ) -> Trees:
        models = np.arange(len(logits))[:, None]
        # Odd and even functions of the logit: exchanging the outcomes is exact.
        tilt = np.tanh(logits / 2)
        slope = np.round((tilt - self._sign) * (_STEPS / 2))
        curve = np.round((1 - tilt**2) * (_STEPS / 4))
        drawn = growth.rows & (draw.random(logits.shape) < _ROW_SHARE)
        both = np.where(drawn, slope * _PACK + curve, 0.0)
        ranks = draw.random((len(logits), len(self._codes))).argsort(axis=1)
        tables = np.sort(ranks[:, : self._drawn], axis=1)
        whole = self._sums(both, tables)
        every = np.ones(tables.shape, dtype=bool)
        first = self._best_splits(whole, tables, every, growth.cautious)
        side = first.side[models, self._codes[first.table]]
        parts = [self._sums(np.where(side == s, both, 0.0), tables) for s in (0, 1)]
        allowed = growth.partners[models, first.table[:, None], tables]
        second = [
            self._best_splits(sums, tables, allowed, growth.cautious) for sums in parts
        ]
        return self._with_second(first, second)

    def _sums(self, both: Floats, tables: Codes) -> Floats:
        """Packed sums of slope and curve per model, table drawn and cell code."""
        shape = (self._drawn, self._cells)
        sums = np.empty((len(both), *shape))
        for model, weights in enumerate(both):
            flat = self._codes[tables[model]] + self._offset
            repeated = np.tile(weights, self._drawn)
            counted = np.bincount(flat.ravel(), repeated, self._drawn * self._cells)
            sums[model] = counted.reshape(shape)
        sums[self._silent[tables], MISSING] = 0
        return sums

    def _best_splits(
        self,
        sums: Floats,
        tables: Codes,
        allowed: NDArray[np.bool_],
        cautious: NDArray[np.bool_],
    ) -> _Splits:
        """The split of each model's sums that gains most, and what each cell gets."""
        packed = np.floor(sums / _PACK)
        slope, curve = packed / _STEPS, (sums - packed * _PACK) / _STEPS
        empty, in_order = curve == 0, self._ordered[tables][..., None]
        mean = slope / (curve + _LEVEL_RIDGE)
        key = np.where(empty, np.inf, np.where(in_order, self._places, mean))
        order = key.argsort(axis=2, kind="stable")
        key = np.take_along_axis(key, order, axis=2)
        below = _summed(slope, order)
        weight = _summed(curve, order)
        gain = _gain(below, weight, self._ridge[tables][..., None])
        levels = (~empty).sum(axis=2, keepdims=True)
        many = np.where(in_order, 0, np.maximum(levels - FREE_LEVELS, 0))
        chance = _CHANCE * many * cautious[:, None, None]
        kept = (gain - chance).round(9)
        fits = allowed[..., None] & (kept > 0) & _heavy(weight)
        fits[..., :-1] &= key[..., :-1] < key[..., 1:]
        marks = _summed(np.where(empty, 0, self._tie), order)
        parted = np.abs(2 * marks - marks[..., -1:])
        rank = np.where(fits, kept + _TIE * parted, 0.0)
        share = kept / np.maximum(gain, _TIE)
        return self._taken(rank, share, tables, order, below, weight, empty)

    def _taken(
        self,
        rank: Floats,
        share: Floats,
        tables: Codes,
        order: Codes,
        below: Floats,
        weight: Floats,
        empty: NDArray[np.bool_],
    ) -> _Splits:
        models = np.arange(len(rank))
        drawn, cut = np.divmod(rank.reshape(len(rank), -1).argmax(axis=1), self._cells)
        table, best = tables[models, drawn], rank[models, drawn, cut]
        place = order[models, drawn].argsort(axis=1, kind="stable")
        side = (place > cut[:, None]).astype(np.int8)
        side[empty[models, drawn]] = _NEITHER
        slope, curve = below[models, drawn], weight[models, drawn]
        ridge, rate = self._ridge[table], -_RATE * share[models, drawn, cut]
        at, end = (models, cut), (models, -1)
        low = rate * slope[at] / (curve[at] + ridge)
        high = rate * (slope[end] - slope[at]) / (curve[end] - curve[at] + ridge)
        whole = -_RATE * slope[end] / (curve[end] + _RIDGE)
        values = np.stack([low, high, whole], axis=1)[models[:, None], side]
        values[best <= 0] = whole[best <= 0, None]
        return _Splits(best, table, side, values, whole)

    def _with_second(self, first: _Splits, second: list[_Splits]) -> Trees:
        """A side that no second split improves gives what the first one gives."""
        then, values = [], []
        for split in second:
            split_again = (split.gain > 0) & (first.gain > 0)
            then.append(np.where(split_again, split.table, first.table))
            values.append(np.where(split_again[:, None], split.values, first.values))
        return Trees(
            root=first.table,
            side=first.side,
            then=np.stack(then, axis=1),
            values=np.stack(values, axis=1),
            unseen=first.whole,
        )


def _summed(values: Floats, order: Codes) -> Floats:
    return np.take_along_axis(values, order, axis=2).cumsum(axis=2)


def _gain(below: Floats, weight: Floats, ridge: Floats) -> Floats:
    """What parting the cells after each place gains over keeping them together."""
    total, mass = below[..., -1:], weight[..., -1:]
    return np.asarray(
        below**2 / (weight + ridge)
        + (total - below) ** 2 / (mass - weight + ridge)
        - total**2 / (mass + ridge)
    )


def _heavy(weight: Floats) -> NDArray[np.bool_]:
    rest = weight[..., -1:] - weight
    return np.asarray((weight >= _LEAST_WEIGHT) & (rest >= _LEAST_WEIGHT))
