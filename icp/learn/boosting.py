"""Boosted trees of depth two over cells, and the tables that their sum is.

Gradient boosting (Friedman 2001) with second-order gains (Chen & Guestrin 2016) and
random rows and columns per tree (Friedman 2002). A tree of depth two asks one attribute
and then one more on either side, so that a sum of trees is exactly a sum of tables of
one and of two attributes. Levels without an order are split along their mean gradient
(Fisher 1958).

How long to boost is decided on held-out customers. Rounds are averaged, each by how
well it did (pseudo-BMA; Yao, Vehtari, Simpson & Gelman 2018) and by a belief in about a
hundred, which matters where customers are few. Only the pairs of attributes that were
strongest in a first, free run may be asked together, one for every ten customers and 15
at most, so that the profile stays readable; each fold finds its own pairs.

Every sum is exact: gradients are rounded to multiples of 2^-12, so that neither the
order of rows nor which outcome is called best can change a tree by a last digit. Many
models (folds, resamples) grow in step, which keeps small fits short.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from icp.profile import MISSING, NEVER_SEEN
from icp.stats import log_losses, sigmoid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from icp.learn.cells import Cells
    from icp.stats import Codes, Flags, Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Boosting:
    """What cross-validation chose.

    `tails` says by how much each round counts; `cautious` whether splits of many
    levels must beat what chance gains by so many.
    """

    tails: tuple[float, ...]
    cautious: bool


_ROUNDS = 300
_EVERY = 10
_LEAST_SHARE = 0.005


def cross_boost(
    cells: Cells,
    rows: Ints,
    positive: Flags,
    folds: Ints,
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
    training = _Training(cells, rows, positive, silent)
    kinds = (False, True) if training.many else (False,)
    holdouts = [row == number for row in folds for number in range(row.max() + 1)]
    test = np.array(holdouts * len(kinds))
    cautious = np.repeat(np.array(kinds), len(holdouts))
    start = np.array([np.full(len(rows), starts(~out)) for out in test])
    growth = training.growth(~test, start, cautious)
    alone = [[model] for model in range(len(test))]
    growth = replace(growth, partners=training.partners(growth, seed, alone))
    stopping = _EarlyStopping(
        positive, test.reshape(len(kinds), len(holdouts), -1), start, progress
    )
    training.grower.grow(growth, rounds=_ROUNDS, seed=seed, watch=stopping.watch)
    kind, weights, logits = stopping.best()
    tails = weights[::-1].cumsum()[::-1][1:].repeat(_EVERY).round(6)
    lasting = int(np.flatnonzero(tails >= _LEAST_SHARE).max(initial=-1)) + 1
    shares = tuple(tails[:lasting].tolist())
    return Boosting(tails=shares, cautious=kinds[kind]), logits


#: So many levels are tried freely even by cautious models.
FREE_LEVELS = 12
_FREE_ROUNDS = 120
_MOST_PAIRS = 15
_CUSTOMERS_A_PAIR = 10


class _Training:
    """The customers to grow on."""

    def __init__(
        self, cells: Cells, rows: Ints, positive: Flags, silent: Flags
    ) -> None:
        self.codes, self.silent = cells.codes[rows], silent
        self.sizes = np.array([table.size for table in cells.tables], dtype=np.int64)
        self.ordered = np.array([t.kind.ordered for t in cells.tables], bool)
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

    def partners(self, growth: Growth, seed: int, groups: list[list[int]]) -> Flags:
        """The pairs that each group of models may use: groups x tables x tables."""
        trees = self.grower.grow(growth, rounds=_FREE_ROUNDS, seed=seed)
        even = np.ones(len(trees))
        contrasts = [self.tabulate(trees, even, models) for models in groups]
        masks = [
            strongest_pairs(one, self.codes, self.sizes, most=self.most_pairs)
            for one in contrasts
        ]
        return np.stack(masks)

    def tabulate(
        self, trees: list[Trees], tails: Floats, models: list[int]
    ) -> Contrast:
        """The models' mean as tables."""
        return tabulate(trees, tails, models, self.codes, self.sizes, self.silent)


#: Rounds without a better held-out loss after which growing stops.
_PATIENCE = 60


class _EarlyStopping:
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
        self._logits = [self._held_out(start)]
        self._losses = [self._loss(self._logits[0])]

    def _held_out(self, logits: Floats) -> Floats:
        """Kinds x rows: the mean over repeats of what held-out models say."""
        by_kind = np.where(self._test, logits.reshape(self._test.shape), 0.0)
        return np.asarray(by_kind.sum(axis=1) / self._times)

    def _loss(self, logits: Floats) -> list[float]:
        """Sum of log losses of each kind."""
        sums = (log_losses(sigmoid(row), self._positive).sum() for row in logits)
        return [round(float(total), 6) for total in sums]

    def watch(self, number: int, logits: Floats) -> bool:
        """Note the log-odds; false when they have not become better for long."""
        if number % _EVERY:
            return True
        self._logits.append(self._held_out(logits))
        self._losses.append(self._loss(self._logits[-1]))
        self._progress(number / _ROUNDS)
        best = np.array(self._losses).min(axis=1).argmin()
        since = len(self._logits) - 1 - best
        return bool(since * _EVERY < _PATIENCE)

    def best(self) -> tuple[int, Floats, Floats]:
        """The better kind, the weight of each moment in it, and its log-odds."""
        losses = np.array(self._losses)
        kind = int(losses.min(axis=0).argmin())
        rounds = _EVERY * np.arange(len(losses))
        belief = rounds_belief(rounds, len(self._positive))
        weights = pseudo_weights(losses[:, kind], belief)
        logits = weights @ np.array([moment[kind] for moment in self._logits])
        return kind, weights, np.asarray(logits)


_FORESTS = 8


def fit_boosting(
    cells: Cells,
    rows: Ints,
    positive: Flags,
    boosting: Boosting,
    start: float,
    /,
    *,
    silent: Flags,
    seed: int,
) -> Contrast:
    """The mean of a few forests grown from the start, as tables."""
    training = _Training(cells, rows, positive, silent)
    shape = (_FORESTS, len(rows))
    everyone, starts = np.ones(shape, dtype=bool), np.full(shape, start)
    cautious = np.full(_FORESTS, boosting.cautious)
    growth = training.growth(everyone, starts, cautious)
    forests = list(range(_FORESTS))
    common = training.partners(growth, seed, [forests])
    growth = replace(growth, partners=common.repeat(_FORESTS, axis=0))
    rounds = len(boosting.tails)
    trees = training.grower.grow(growth, rounds=rounds, seed=seed + 1)
    return training.tabulate(trees, np.array(boosting.tails), forests)


def pseudo_weights(losses: Floats, belief: Floats | float = 0.0, /) -> Floats:
    """Weights of models by their summed held-out log losses; they add up to 1.

    `belief` is the log of how likely each was thought before.

    >>> pseudo_weights(np.array([10.0, 10.0, 30.0])).round(3).tolist()
    [0.5, 0.5, 0.0]
    """
    log_weights = belief - losses
    weights = np.exp(log_weights - log_weights.max())
    return np.asarray(weights / weights.sum())


#: Believed before anything is held out: so many rounds for a hundred customers, and
#: more by the fourth root of their number; the log of the belief falls by `_BELIEF`
#: times the square of the log of how far rounds are from that, but never lower than
#: `_DOUBT`, so that noise is not boosted.
_BELIEVED_ROUNDS = 100.0
_BELIEVED_AT = 100
_BELIEF = 16.0
_DOUBT = -5.0


def rounds_belief(rounds: Ints, customers: int, /) -> Floats:
    """The log of how likely each number of rounds is thought, but for a constant.

    >>> rounds_belief(np.array([10, 100, 200]), 100).round(1).tolist()
    [-5.0, 0.0, -4.9]
    """
    expected = _BELIEVED_ROUNDS * (customers / _BELIEVED_AT) ** 0.25
    apart = np.log(np.maximum(rounds, _EVERY / 2) / min(expected, _ROUNDS))
    return np.asarray(np.logaddexp(-_BELIEF * apart**2, _DOUBT))


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Which rows and pairs a model may use, and where it starts.

    `rows` is models x rows, true where the model may learn from the row; `start`
    models x rows, log-odds in nats; `partners` models x tables x tables, true where
    the second may be asked after the first. A `cautious` model takes from a split of
    many levels what chance alone would gain by so many levels.
    """

    rows: Flags
    start: Floats
    partners: Flags
    cautious: Flags


class Trees(NamedTuple):
    """One tree of every model: models first.

    `root` is the table asked first and `side` says per cell code where it leads: 0, 1,
    or 2 where the tree never saw that cell. `then` is the table asked on each side,
    `values` what each of its cells gives there, and `unseen` what side 2 gives.
    """

    root: Ints
    side: NDArray[np.int8]
    then: Ints
    values: Floats
    unseen: Floats


_RATE = 0.1
_RIDGE = 5.0
#: Added for splits of attributes with many levels, of which the best one is chosen.
_LEVEL_RIDGE = 10.0
_MANY_LEVELS = 4
_ROW_SHARE = 0.7
_COLUMN_SHARE = 0.4
#: Gradients are whole multiples of 1 / _STEPS; two sums travel packed in one number.
_STEPS = 2.0**12
_PACK = 2.0**26
_NEITHER = 2
#: Mean gain that chance gives the best split for one more level without an order.
_CHANCE = 2 / np.pi
#: Decides between splits of equal gain by which cells they part, never by an outcome.
_TIE = 1e-10


class Grower:
    """The cell codes of some customers, ready for trees to be grown on."""

    def __init__(
        self,
        codes: Codes,
        sizes: Ints,
        ordered: Flags,
        positive: Flags,
        /,
        *,
        silent: Flags,
    ) -> None:
        """`silent` tables have a code 0 (missing) that says nothing."""
        self._silent = silent
        self._cells = int(sizes.max(initial=1))
        self._codes = np.ascontiguousarray(codes.T).astype(np.int64)
        tables = len(self._codes)
        self._width = min(tables, max(2, round(_COLUMN_SHARE * tables)))
        self._offset = np.arange(self._width)[:, None] * self._cells
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
        watch: Callable[[int, Floats], bool] = lambda number, logits: True,
    ) -> list[Trees]:
        """Grow `rounds` trees of every model, one after another.

        `watch` is given the round and the log-odds (models x rows) after it and says
        whether to go on. Without any table nothing grows.
        """
        draw = np.random.default_rng([seed, 2])
        logits, trees = growth.start.copy(), []
        for number in range(rounds if len(self._codes) else 0):
            tree = self._trees(logits, growth, draw)
            logits += self.values(tree)
            trees.append(tree)
            if not watch(number + 1, logits):
                break
        return trees

    def values(self, trees: Trees, /) -> Floats:
        """What one tree of every model gives to every row: models x rows."""
        models = np.arange(len(trees.root))[:, None]
        side = trees.side[models, self._codes[trees.root]]
        sides = np.minimum(side, 1)
        second = np.where(
            side == 0, self._codes[trees.then[:, 0]], self._codes[trees.then[:, 1]]
        )
        leaf = trees.values[models, sides, second]
        return np.where(side == _NEITHER, trees.unseen[:, None], leaf)

    def _trees(
        self, logits: Floats, growth: Growth, draw: np.random.Generator
    ) -> Trees:
        models = np.arange(len(logits))[:, None]
        # Odd and even functions of the logit: exchanging the outcomes is exact.
        tilt = np.tanh(logits / 2)
        slope = np.round((tilt - self._sign) * (_STEPS / 2))
        curve = np.round((1 - tilt**2) * (_STEPS / 4))
        sample = growth.rows & (draw.random(logits.shape) < _ROW_SHARE)
        both = np.where(sample, slope * _PACK + curve, 0.0)
        ranks = draw.random((len(logits), len(self._codes))).argsort(axis=1)
        tables = np.sort(ranks[:, : self._width], axis=1)
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

    def _sums(self, both: Floats, tables: Ints) -> Floats:
        """Packed sums of slope and curve per model, table drawn and cell code."""
        shape = (self._width, self._cells)
        sums = np.empty((len(both), *shape))
        for model, weights in enumerate(both):
            flat = self._codes[tables[model]] + self._offset
            repeated = np.tile(weights, self._width)
            counted = np.bincount(flat.ravel(), repeated, self._width * self._cells)
            sums[model] = counted.reshape(shape)
        sums[self._silent[tables], MISSING] = 0
        return sums

    def _best_splits(
        self, sums: Floats, tables: Ints, allowed: Flags, cautious: Flags
    ) -> _Splits:
        """The split of each model's sums that gains most, and what each cell gets."""
        packed = np.floor(sums / _PACK)
        slope, curve = packed / _STEPS, (sums - packed * _PACK) / _STEPS
        empty, in_order = curve == 0, self._ordered[tables][..., None]
        mean = slope / (curve + _LEVEL_RIDGE)
        key = np.where(empty, np.inf, np.where(in_order, self._places, mean))
        order = key.argsort(axis=2, kind="stable")
        key = np.take_along_axis(key, order, axis=2)
        below = _running_sums(slope, order)
        weight = _running_sums(curve, order)
        gain = _gain(below, weight, self._ridge[tables][..., None])
        levels = (~empty).sum(axis=2, keepdims=True)
        many = np.where(in_order, 0, np.maximum(levels - FREE_LEVELS, 0))
        chance = _CHANCE * many * cautious[:, None, None]
        excess = (gain - chance).round(9)
        fits = allowed[..., None] & (excess > 0) & _heavy(weight)
        fits[..., :-1] &= key[..., :-1] < key[..., 1:]
        marks = _running_sums(np.where(empty, 0, self._tie), order)
        parted = np.abs(2 * marks - marks[..., -1:])
        rank = np.where(fits, excess + _TIE * parted, 0.0)
        share = excess / np.maximum(gain, _TIE)
        return self._pick(rank, share, tables, order, below, weight, empty)

    def _pick(
        self,
        rank: Floats,
        share: Floats,
        tables: Ints,
        order: Ints,
        below: Floats,
        weight: Floats,
        empty: Flags,
    ) -> _Splits:
        models = np.arange(len(rank))
        slot, cut = np.divmod(rank.reshape(len(rank), -1).argmax(axis=1), self._cells)
        table, best = tables[models, slot], rank[models, slot, cut]
        place = order[models, slot].argsort(axis=1, kind="stable")
        side = (place > cut[:, None]).astype(np.int8)
        side[empty[models, slot]] = _NEITHER
        slope, curve = below[models, slot], weight[models, slot]
        ridge, rate = self._ridge[table], -_RATE * share[models, slot, cut]
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


class _Splits(NamedTuple):
    gain: Floats
    table: Ints
    side: NDArray[np.int8]
    values: Floats
    whole: Floats


def _running_sums(values: Floats, order: Ints) -> Floats:
    return np.take_along_axis(values, order, axis=2).cumsum(axis=2)


def _gain(below: Floats, weight: Floats, ridge: Floats) -> Floats:
    """What parting the cells after each place gains over keeping them together."""
    total, mass = below[..., -1:], weight[..., -1:]
    return np.asarray(
        below**2 / (weight + ridge)
        + (total - below) ** 2 / (mass - weight + ridge)
        - total**2 / (mass + ridge)
    )


#: Least sum of second derivatives on either side; about two customers.
_LEAST_WEIGHT = 0.5


def _heavy(weight: Floats) -> Flags:
    rest = weight[..., -1:] - weight
    return np.asarray((weight >= _LEAST_WEIGHT) & (rest >= _LEAST_WEIGHT))


class Pair(NamedTuple):
    """What two tables give together beyond what each gives alone, in nats.

    `points` is code of `first` x code of `second`; `first` comes before `second`.
    """

    first: int
    second: int
    points: Floats


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """Log-odds in nats: `base`, one value per table and cell code, and pairs."""

    base: float
    points: tuple[Floats, ...]
    pairs: tuple[Pair, ...] = ()

    def logits(self, codes: Codes, /) -> Floats:
        """Log-odds of each row of cell codes."""
        parts = [points[codes[:, j]] for j, points in enumerate(self.points)]
        parts += [
            pair.points[codes[:, pair.first], codes[:, pair.second]]
            for pair in self.pairs
        ]
        return sum(parts, np.full(len(codes), self.base))


def tabulate(
    trees: list[Trees],
    weights: Floats,
    models: Iterable[int],
    codes: Codes,
    sizes: Ints,
    silent: Flags,
    /,
) -> Contrast:
    """The mean over `models` of the trees, each round by its weight.

    Pairs are free of what their tables give alone, as if the two were independent
    (functional analysis of variance; Hooker 2007), and tables are centred over the
    customers of `codes`. A level never seen gives 0, and so does missing in `silent`
    tables.
    """
    points = [np.zeros(size) for size in sizes]
    pairs: dict[tuple[int, int], Floats] = {}
    members = list(models)
    for weight, tree in zip(weights / len(members), trees, strict=False):
        for model in members:
            _add(tree, model, weight, points, pairs, sizes)
    shares = [_shares(codes[:, j], sizes[j], silent[j]) for j in range(len(sizes))]
    return _purify(points, pairs, shares, silent)


def _add(
    tree: Trees,
    model: int,
    weight: float,
    points: list[Floats],
    pairs: dict[tuple[int, int], Floats],
    sizes: Ints,
) -> None:
    root = int(tree.root[model])
    side = tree.side[model, : sizes[root]]
    for side_code in (0, 1):
        then = int(tree.then[model, side_code])
        values = weight * tree.values[model, side_code, : sizes[then]]
        branch = side == side_code
        if then == root:
            points[root][branch] += values[branch]
            continue
        first, second = min(root, then), max(root, then)
        table = pairs.setdefault(
            (first, second), np.zeros((sizes[first], sizes[second]))
        )
        oriented = table if first == root else table.T
        oriented[branch] += values
    points[root][side > 1] += weight * tree.unseen[model]


def _shares(codes: Codes, size: np.int64, silent: np.bool_) -> Floats:
    counts = np.bincount(codes, minlength=int(size)).astype(np.float64)
    counts[NEVER_SEEN] = 0
    counts[MISSING] *= not silent
    return np.asarray(counts / max(counts.sum(), 1.0))


def _purify(
    points: list[Floats],
    pairs: dict[tuple[int, int], Floats],
    shares: list[Floats],
    silent: Flags,
) -> Contrast:
    base, pure_pairs = 0.0, []
    for (first, second), table in sorted(pairs.items()):
        rows, columns = table @ shares[second], shares[first] @ table
        middle = float(shares[first] @ rows)
        points[first] += rows - middle
        points[second] += columns - middle
        base += middle
        pure = table - rows[:, None] - columns + middle
        for code in (MISSING, NEVER_SEEN):
            pure[code] *= code == MISSING and not silent[first]
            pure[:, code] *= code == MISSING and not silent[second]
        pure_pairs.append(Pair(first, second, pure))
    for j, values in enumerate(points):
        centre = float(shares[j] @ values)
        base += centre
        values -= centre
        values[NEVER_SEEN] = 0
        values[MISSING] *= not silent[j]
    return Contrast(base=base, points=tuple(points), pairs=tuple(pure_pairs))


def strongest_pairs(
    contrast: Contrast, codes: Codes, sizes: Ints, /, *, most: int
) -> Flags:
    """Which tables may be asked together: tables x tables, true for `most` pairs.

    The strongest by the mean square of what they give to the customers.
    """
    force = [
        (-float(np.square(p.points[codes[:, p.first], codes[:, p.second]]).mean()), p)
        for p in contrast.pairs
    ]
    partners = np.eye(len(sizes), dtype=bool)
    ranked = sorted(force, key=lambda pair: (round(pair[0], 12), pair[1][:2]))
    for _, (first, second, _) in ranked[:most]:
        partners[first, second] = partners[second, first] = True
    return partners


def cap_unknown(contrast: Contrast, /) -> Contrast:
    """The same, with nothing that is not known doing better than a table's best cell.

    Whatever the other tables hold, missing and never seen give at most what the cell
    that is best alone gives, pairs included. They may give less than any other cell:
    where customers of whom something is not known turned out worse, that is worth
    knowing. So the one thing that exchanging the outcomes does not negate is a cap that
    was needed.
    """
    best = [2 + int(values[2:].argmax()) for values in contrast.points]
    points = tuple(
        np.concatenate([np.minimum(values[:2], values[at]), values[2:]])
        for values, at in zip(contrast.points, best, strict=True)
    )
    pairs = tuple(p._replace(points=p.points.copy()) for p in contrast.pairs)
    for table, (values, at) in enumerate(zip(points, best, strict=True)):
        of_table = [p.points for p in pairs if p.first == table]
        of_table += [p.points.T for p in pairs if p.second == table]
        for code in (MISSING, NEVER_SEEN):
            _cap(of_table, code, at, float(values[at] - values[code]))
    return Contrast(base=contrast.base, points=points, pairs=pairs)


#: Most by which rounding to millinats moves what one cell gives beside another.
_ROUNDING = 0.001


def _cap(pairs: list[Floats], code: int, best: int, lead: float) -> None:
    """Take from the pairs, in place, what a code gains there beyond the lead it lacks.

    Each holds the table's codes first. Rounding to millinats must not undo it.
    """
    room = max(0.0, lead - _ROUNDING * (1 + len(pairs)))
    excess = [np.maximum(pair[code] - pair[best], 0) for pair in pairs]
    most = float(sum(gained.max() for gained in excess))
    if most > room:
        for pair, gained in zip(pairs, excess, strict=True):
            pair[code] -= (1 - room / most) * gained
