"""Segments of customers: a mixture over cells, split only where that is earned.

One segment is the default. More are kept only if the likelihood rises by more than it
does in one group of customers (a gap statistic, Tibshirani, Walther & Hastie 2001,
against a parametric bootstrap), every segment is large enough, and the split returns
under resampling (Hennig 2007). What was tried and refused is said in words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import ndtri

from icp.learn.mixture import CellRows, Mixture, cell_rows, fit_mixture

if TYPE_CHECKING:
    from collections.abc import Callable

    from icp.learn.cells import Cells
    from icp.stats import Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Split:
    """Which segment each row belongs to, and what was tried."""

    members: Ints
    count: int
    note: str


_MAX_ROWS = 1_000


def split_into_segments(
    cells: Cells,
    rows: Ints,
    /,
    *,
    noun: str,
    max_segments: int,
    prior: float,
    seed: int,
    progress: Callable[[float], None],
) -> Split:
    """Assign the given rows to segments; one segment unless more are earned.

    Fewer than 30 rows are never split. `noun` names the customers in the note.
    """
    most = min(max_segments, len(rows) // 15)
    if len(rows) < 30 or most < 2:
        note = f"{len(rows)} {noun} are too few to look for more than one segment."
        return one_segment(rows, note)
    data = _rows(cells, rows, prior)
    if not len(data.starts):
        return one_segment(rows, f"No known attribute varies among the {noun}.")
    every = -(-len(rows) // _MAX_ROWS)
    sample = data.take(np.arange(0, len(rows), every))
    draw = np.random.default_rng([seed, 2])
    fits = [fit_mixture(sample, k, draw=draw) for k in range(1, most + 1)]
    tried = _worth_trying(sample, fits, draw, _part_of(progress, 0, 2))
    if not tried:
        return one_segment(rows, f"One segment describes the {noun} best.")
    refusals = []
    for place, count in enumerate(tried, start=len(tried)):
        fit, part = fits[count - 1], _part_of(progress, place, 2 * len(tried))
        refusal = _refusal(sample, fit, draw, part)
        if not refusal:
            note = f"{count} segments of {noun} are supported."
            return _by_size(fit.nearest(data), count, note)
        refusals.append(f"into {count}: {refusal}")
    text = f"Splits of the {noun} were tried and are not supported"
    return one_segment(rows, f"{text} ({'; '.join(refusals)}).")


def one_segment(rows: Ints, note: str, /) -> Split:
    """All of the rows together, and why."""
    return Split(members=np.zeros(len(rows), dtype=np.int64), count=1, note=note)


def _rows(cells: Cells, rows: Ints, prior: float) -> CellRows:
    numbers = np.array([table.kind.ordered for table in cells.tables])
    return cell_rows(cells.codes[rows], numbers, prior=prior)


_DEVIATIONS = 4.0


def _worth_trying(
    data: CellRows,
    fits: list[Mixture],
    draw: np.random.Generator,
    progress: Callable[[float], None],
) -> list[int]:
    """Numbers of segments that gain more than in one group, most promising first.

    Empty unless the best of them stands out more than the best of each of 19 groups,
    which happens by chance once in 20, and by four deviations: the group is estimated
    from the same few customers, and 19 draws of it say little about rare ones.
    """
    gains = _gains(data, fits, draw, progress)
    if gains.best() < _DEVIATIONS or not gains.stand_out():
        return []
    gap, spread = (part.round(6) for part in gains.gaps())
    most = int(gap.argmax())
    simplest = int(np.argmax(gap >= gap[most] - spread[most]))
    ranked = sorted(range(len(gap)), key=lambda k: (k != simplest, -gap[k], k))
    return [k + 2 for k in ranked if gap[k] > 0]


class _Gains(NamedTuple):
    """What 2, 3, ... segments win in twice nats, for the customers and for groups.

    `together` is how much the numbers of the same rows tell about each other.
    """

    own: Floats
    own_together: float
    null: Floats
    null_together: Floats

    def rest(self) -> tuple[Floats, Floats]:
        """The gains without what correlated numbers explain, by regression."""
        away = self.null_together - self.null_together.mean()
        slope = away @ self.null / max(float(away @ away), 1e-9)
        own = self.own - slope * (self.own_together - self.null_together.mean())
        return own, self.null - slope * away[:, None]

    def gaps(self) -> tuple[Floats, Floats]:
        """By how much the customers win more than groups do, and the groups' spread."""
        own, null = self.rest()
        return own - null.mean(axis=0), np.maximum(null.std(axis=0, ddof=1), 1e-9)

    def best(self) -> float:
        """How many deviations the best number of segments stands out."""
        gap, spread = self.gaps()
        return float((gap / spread).max())

    def stand_out(self) -> bool:
        """Whether the best of the customers' stands out more than any group's."""
        own, null = self.rest()
        pool = np.vstack([null, own])
        most = ((pool - pool.mean(axis=0)) / (pool.std(axis=0) + 1e-9)).max(axis=1)
        return bool(most[-1] > most[:-1].max())


_GROUPS = 19
_LOOK = 6
_HOPELESS = 1.0
_LOOK_AGAIN = 10
_CLEAR = 8.0


def _gains(
    data: CellRows,
    fits: list[Mixture],
    draw: np.random.Generator,
    progress: Callable[[float], None],
) -> _Gains:
    """Draw groups until it is plain that the customers win more, or no more."""
    group = OneGroup.of(data)
    null_gains, together = [], []
    gains = _Gains(
        _gain_over_one(fits), togetherness(data), np.empty((0, 0)), np.empty(0)
    )
    for number in range(1, _GROUPS + 1):
        group_sample = group.sample(draw)
        counts = range(1, len(fits) + 1)
        null_gains.append(
            _gain_over_one([_quick(group_sample, count, draw) for count in counts])
        )
        together.append(togetherness(group_sample))
        gains = gains._replace(
            null=np.array(null_gains), null_together=np.array(together)
        )
        progress(number / _GROUPS)
        if number >= _LOOK and gains.best() < _HOPELESS:
            break
        if number >= _LOOK_AGAIN and gains.best() > _CLEAR:
            break
    return gains


def _gain_over_one(fits: list[Mixture]) -> Floats:
    one = fits[0].log_likelihood
    return np.array([2 * (fit.log_likelihood - one) for fit in fits[1:]])


_FEW_RESTARTS = 8


def _quick(data: CellRows, count: int, draw: np.random.Generator) -> Mixture:
    return fit_mixture(data, count, draw=draw, restarts=_FEW_RESTARTS)


def _part_of(
    progress: Callable[[float], None], place: int, parts: int
) -> Callable[[float], None]:
    return lambda share: progress((place + share) / parts)


_STABLE_MEAN = 0.75


def _refusal(
    data: CellRows,
    fit: Mixture,
    draw: np.random.Generator,
    progress: Callable[[float], None],
) -> str:
    """Why the split is not supported, or nothing where it is."""
    count = len(fit.log_shares)
    members = fit.nearest(data)
    smallest = int(np.bincount(members, minlength=count).min())
    least = max(8, round(0.05 * len(data.cells)))
    if smallest < least:
        return f"its smallest segment has {smallest} customers, fewer than {least}"
    stable = _stability(data, members, count, draw, progress)
    mean = stable.mean(axis=0).min()
    if mean < _STABLE_MEAN:
        return f"in resamples a segment returns with an overlap of only {mean:.2f}"
    if _falls_apart(stable):
        return "a segment falls apart in one of ten resamples"
    return ""


_RESAMPLES = 30
_STABLE_LOW = 0.6
_LOOK_AFTER = 8


def _stability(
    data: CellRows,
    members: Ints,
    count: int,
    draw: np.random.Generator,
    progress: Callable[[float], None],
) -> Floats:
    """Best Jaccard overlap of each segment in each resample: resamples x segments."""
    overlaps = np.empty((_RESAMPLES, count))
    for resample in range(_RESAMPLES):
        rows = draw.integers(len(members), size=len(members))
        fit = _quick(data.take(rows), count, draw)
        overlaps[resample] = _overlap(members, fit.nearest(data), count)
        progress((resample + 1) / _RESAMPLES)
        so_far = overlaps[: resample + 1]
        hopeless = resample >= _LOOK_AFTER and so_far.mean(axis=0).min() < _STABLE_LOW
        if hopeless or _falls_apart(so_far):
            return so_far
    return overlaps


def _overlap(members: Ints, others: Ints, count: int) -> Floats:
    both = np.zeros((count, count))
    np.add.at(both, (members, others), 1)
    either = both.sum(axis=1)[:, None] + both.sum(axis=0)[None, :] - both
    return np.asarray((both / np.maximum(either, 1)).max(axis=1))


def _falls_apart(stable: Floats) -> bool:
    """Whether some segment is mostly lost in more than a tenth of all resamples."""
    return bool((stable < _STABLE_LOW).sum(axis=0).max() > _RESAMPLES // 10)


def _by_size(members: Ints, count: int, note: str) -> Split:
    """Number the segments from the largest to the smallest."""
    sizes = np.bincount(members, minlength=count)
    rank = np.empty(count, dtype=np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(count)
    return Split(members=rank[members], count=count, note=note)


_ROUNDS = 8


# Shuffling every column by itself is too easy a yardstick: company size alone makes
# employees, revenue and seats rise together, and a mixture then finds "small" and
# "large" in what is one cloud. Here all columns come from one normal cloud (a Gaussian
# copula) with the margins, the gaps and the correlations of the customers themselves,
# so that only what a single cloud cannot show counts for a split.


@dataclass(frozen=True, kw_only=True)
class OneGroup:
    """One normal cloud behind the cells of given rows.

    `ranks` puts the places of every attribute in order, `root` times its transpose is
    the matrix of correlations.
    """

    data: CellRows
    ranks: Ints
    root: Floats

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
            ranks = _reorder(data, middle, ranks)
            middle = _middles(data, ranks)
        return cls(data=data, ranks=ranks, root=_root(_correlations(data, middle)))

    def sample(self, draw: np.random.Generator, /) -> CellRows:
        """As many rows with the same margins and the same gaps."""
        data = self.data
        cloud = draw.standard_normal(data.cells.shape) @ self.root.T
        cells = data.cells.copy()
        for attribute, start in enumerate(data.starts):
            rows = np.flatnonzero(cells[:, attribute] != start)
            places = cells[rows, attribute]
            ascending = places[np.argsort(self.ranks[places], kind="stable")]
            cells[rows[np.argsort(cloud[rows, attribute])], attribute] = ascending
        return replace(data, cells=cells)


def _middles(data: CellRows, ranks: Ints) -> Floats:
    """Mean of a standard normal variable in every place; 0 where not known."""
    order = np.lexsort((ranks, data.owner))
    shares = data.shares[order]
    upto = np.cumsum(shares) - data.owner[order]
    low, high = upto - shares, upto
    middle = np.empty(len(order))
    middle[order] = (_height(low) - _height(high)) / np.maximum(shares, 1e-300)
    middle[data.starts] = 0
    return middle


def _height(upto: Floats) -> Floats:
    """Normal density at a share of the distribution; 0 at both ends."""
    inside = (upto > 1e-12) & (upto < 1 - 1e-12)
    at = ndtri(np.where(inside, upto, 0.5))
    density = np.exp(-(at**2) / 2) / np.sqrt(2 * np.pi)
    return np.asarray(np.where(inside, density, 0))


def _reorder(data: CellRows, middle: Floats, ranks: Ints) -> Ints:
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


def _root(correlations: Floats) -> Floats:
    """A root of the nearest usable matrix of correlations."""
    values, vectors = np.linalg.eigh(correlations + np.eye(len(correlations)))
    root = vectors * np.sqrt(np.maximum(values, 0))
    return np.asarray(root / np.sqrt((root**2).sum(axis=1))[:, None])


_MOST = 0.99


def _correlations(data: CellRows, middle: Floats) -> Floats:
    values = middle[data.cells]
    present = (data.cells != data.starts).astype(np.float64)
    both = present.T @ present
    variance = np.add.reduceat(data.shares * middle**2, data.starts)
    spread = np.sqrt(np.maximum(variance, 1e-12))
    raw = values.T @ values / np.maximum(both, 1) / np.outer(spread, spread)
    np.fill_diagonal(raw, 0)
    raw = np.clip(raw, -_MOST, _MOST)
    chance = ((1 - raw**2) ** 2 / np.maximum(both, 2)).sum()
    chance -= np.diag(1 / np.maximum(both, 2)).sum()
    shrinkage = max(0.0, 1 - chance / max((raw**2).sum(), 1e-12))
    levels = np.outer(~data.ordered, ~data.ordered)
    width = np.where(levels, 1.0, np.outer(spread, spread))
    return np.asarray(np.clip(raw * shrinkage / width, -_MOST, _MOST))


_LEAST_OWN = 0.02


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
    present = (data.cells != data.starts)[:, numbers].astype(np.float64)
    products = values.T @ values / np.maximum(present.T @ present, 1)
    spread = np.sqrt(np.maximum(np.diag(products), 1e-12))
    own = np.linalg.eigvalsh(products / np.outer(spread, spread))
    return float(-len(values) * np.log(np.maximum(own, _LEAST_OWN)).sum())
