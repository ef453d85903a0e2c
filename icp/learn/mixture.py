"""Latent classes over cells, fitted by MAP-EM from several starts at once.

A segment gives each attribute its own distribution over cells; attributes are
independent within a segment (latent class analysis, Lazarsfeld & Henry 1968). Dirichlet
priors centred on the pooled shares keep rare cells from getting probability 0, which
matters at 30 customers. Missing values are left out of the product.

Cells on a number line are not learnt one by one: they share a normal distribution on
the scale on which all customers together are standard normal, so that two figures,
place and spread, describe a number in a segment. One segment is the pooled shares
exactly, whatever their form; a skewed number is never a reason for a split.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.special import ndtr, ndtri

if TYPE_CHECKING:
    from icp.stats import Codes, Flags, Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """A fitted mixture over cells.

    `log_cells` is places x segments, `log_shares` one value per segment.
    """

    log_cells: Floats
    log_shares: Floats
    log_likelihood: float

    def joint(self, data: CellRows, /) -> Floats:
        """Log of share times likelihood: rows x segments."""
        parts = [block @ self.log_cells + self.log_shares for block in data.blocks]
        return np.concatenate(parts)

    def nearest(self, data: CellRows, /) -> Ints:
        """The most probable segment of each row."""
        parts = [block @ self.log_cells + self.log_shares for block in data.blocks]
        return np.concatenate([part.argmax(axis=1) for part in parts])


_RESTARTS = 24
_SHORT_STEPS = 8
_KEPT_SHARE = 4
_LONG_STEPS = 60
_LEVELS = (2_000, 20_000)
_MANY = 20_000


def fit_mixture(
    data: CellRows,
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
    is taken. Many rows are started on evenly spaced ones, 2,000 and then 20,000, of
    which only the best run goes on; beyond that every cell of a number is learnt by
    itself in the end.
    """
    runs = 1 if count == 1 else restarts
    sizes = [size for size in _LEVELS if 2 * size < len(data.cells)]
    parts = [_thin(data, size) for size in sizes]
    if len(data.cells) > _MANY:
        data = replace(data, ordered=np.zeros_like(data.ordered))
    parts.append(data)
    state = _start(parts[0], count, runs, draw)
    if runs > 1:
        short = _climb(parts[0], state, _SHORT_STEPS)
        state = short.best(parts[0], -(-runs // _KEPT_SHARE))
    runs_state = _climb(parts[0], state, _LONG_STEPS)
    for small, large in pairwise(parts):
        scale = len(large.cells) / len(small.cells)
        runs_state = _climb(large, runs_state.best(small, 1).times(scale), _LONG_STEPS)
    return runs_state.mixture(data)


def _thin(data: CellRows, size: int) -> CellRows:
    return data.take(slice(0, None, len(data.cells) // size))


class _State(NamedTuple):
    """Expected customers per place and per segment of several runs side by side."""

    sums: Floats
    sizes: Floats

    def times(self, scale: float) -> _State:
        return _State(self.sums * scale, self.sizes * scale)


def _start(data: CellRows, count: int, runs: int, draw: np.random.Generator) -> _State:
    """Every segment as if all its customers were like one drawn at random."""
    rows, attributes = data.cells.shape
    order = draw.random((runs, rows)).argsort(axis=1)[:, :count].T
    sums = np.zeros((len(data.shares), count, runs))
    segment, run = np.indices((count, runs))
    for places in data.cells[order].transpose(2, 0, 1):
        sums[places, segment, run] = attributes
    return _State(sums, np.ones((count, runs)))


class _Runs(NamedTuple):
    """Where several runs have come to: places x segments x runs."""

    state: _State
    log_cells: Floats
    log_shares: Floats
    value: Floats

    def best(self, data: CellRows, count: int) -> _State:
        order = np.argsort(-self._penalised(data), kind="stable")[:count]
        return _State(self.state.sums[:, :, order], self.state.sizes[:, order])

    def mixture(self, data: CellRows) -> Mixture:
        run = int(np.argmax(self._penalised(data)))
        return Mixture(
            log_cells=np.ascontiguousarray(self.log_cells[:, :, run]),
            log_shares=self.log_shares[:, run],
            log_likelihood=float(self.value[run]),
        )

    def _penalised(self, data: CellRows) -> Floats:
        weighted = data.shares[:, None, None] * self.log_cells
        prior = data.prior * weighted.sum(axis=(0, 1))
        return np.asarray((self.value + prior).round(6))


_NEAR = 1e-5


def _climb(data: CellRows, state: _State, steps: int) -> _Runs:
    last = np.full(state.sizes.shape[1], -np.inf)
    for _ in range(steps):
        log_cells = _log_cells(data, state.sums)
        sizes = state.sizes + 1
        log_shares = np.log(sizes / sizes.sum(axis=0))
        state, value = _expectation(data, log_cells, log_shares)
        if np.all(value - last < _NEAR * (1 + np.abs(value))):
            break
        last = value
    return _Runs(state, log_cells, log_shares, value)


_STRAY = 0.02
_LEAST = 1e-300


def _log_cells(data: CellRows, sums: Floats) -> Floats:
    """MAP log shares of every place; 0 where a value is not known."""
    counts = sums + data.prior * data.shares[:, None, None]
    counts[data.starts] = 0
    chance = counts / np.add.reduceat(counts, data.starts)[data.owner]
    if data.line is not None:
        places = data.line.places
        stray = _STRAY * data.shares[places, None, None]
        normal = data.line.spread_out(chance[places])
        chance[places] = (1 - _STRAY) * normal + stray
    chance[data.starts] = 1
    return np.asarray(np.log(np.maximum(chance, _LEAST)))


def _expectation(
    data: CellRows, log_cells: Floats, log_shares: Floats
) -> tuple[_State, Floats]:
    """Expected customers per place and segment, and each run's log-likelihood."""
    _, count, runs = log_cells.shape
    table = log_cells.reshape(-1, count * runs)
    sums = np.zeros_like(table)
    sizes = np.zeros((count, runs))
    value = np.zeros(runs)
    for block in data.blocks:
        joint = (block @ table).reshape(-1, count, runs) + log_shares
        value += _normalise(joint).sum(axis=0)
        sums += block.T @ joint.reshape(-1, count * runs)
        sizes += joint.sum(axis=0)
    return _State(sums.reshape(log_cells.shape), sizes), value


def _normalise(joint: Floats) -> Floats:
    """Turn log weights into shares in place; the logs of their sums come back.

    Segment by segment, as NumPy is slow along a short axis.
    """
    segments = range(1, joint.shape[1])
    top = joint[:, 0].copy()
    for segment in segments:
        np.maximum(top, joint[:, segment], out=top)
    joint -= top[:, None]
    np.exp(joint, out=joint)
    total = joint[:, 0].copy()
    for segment in segments:
        total += joint[:, segment]
    joint /= total[:, None]
    return np.asarray(top + np.log(total))


_BLOCK = 8_192


@dataclass(frozen=True, kw_only=True)
class CellRows:
    """Rows as places in one list of all attributes' cells.

    `cells` is rows x attributes. The places of an attribute begin at `starts` with
    the one for a value that is not known. `shares` are the pooled shares of the known
    places within each attribute, `ordered` says which attributes lie on a number
    line, `prior` is how many customers the shares are worth in every segment.
    """

    cells: Codes
    starts: Ints
    shares: Floats
    ordered: Flags
    prior: float

    def take(self, which: Ints | slice) -> CellRows:
        """Only some rows."""
        return replace(self, cells=np.ascontiguousarray(self.cells[which]))

    @cached_property
    def owner(self) -> Ints:
        """The attribute of each place."""
        widths = np.diff([*self.starts, len(self.shares)])
        return np.repeat(np.arange(len(self.starts)), widths)

    @cached_property
    def blocks(self) -> tuple[csr_array, ...]:
        """The rows as sparse 0/1 columns, a few thousand rows at a time."""
        tops = range(0, len(self.cells), _BLOCK)
        return tuple(self._block(self.cells[top : top + _BLOCK]) for top in tops)

    def _block(self, cells: Codes) -> csr_array:
        rows, attributes = cells.shape
        begins = np.arange(0, rows * attributes + 1, attributes, dtype=np.int32)
        ones = np.ones(cells.size)
        shape = (rows, len(self.shares))
        return csr_array((ones, cells.ravel(), begins), shape=shape)

    @cached_property
    def line(self) -> _Line | None:
        """Where the ordered cells lie, if there are any."""
        return _Line.of(self) if self.ordered.any() else None


_LEAST_SPREAD = 0.03


class _Line(NamedTuple):
    """Ordered cells on the scale where everybody together is standard normal."""

    #: Which places these are, and where each attribute's begin among them.
    places: Ints
    starts: Ints
    owner: Ints
    #: Upper edge of all cells but the last of each attribute, and which those are.
    edges: Floats
    inner: Ints
    #: Mean and mean square of a standard normal variable within each cell.
    middle: Floats
    square: Floats

    @classmethod
    def of(cls, data: CellRows) -> _Line:
        inner_place = np.ones(len(data.shares), dtype=bool)
        inner_place[data.starts] = False
        places = np.flatnonzero(data.ordered[data.owner] & inner_place)
        first = np.diff(data.owner[places], prepend=-1) > 0
        last = np.append(first[1:], [True])
        shares, starts = data.shares[places], np.flatnonzero(first)
        owner = np.cumsum(first) - 1
        upto = np.cumsum(shares) - owner
        high = ndtri(np.where(last, 1.0, np.minimum(upto, 1.0)))
        low = np.where(first, -np.inf, np.roll(high, 1))
        mass = np.maximum(shares, _LEAST)
        middle = (_density(low) - _density(high)) / mass
        square = 1 + (_moment(low) - _moment(high)) / mass
        inner = np.flatnonzero(~last)
        return cls(places, starts, owner, high[inner], inner, middle, square)

    def spread_out(self, chance: Floats) -> Floats:
        """The normal shares of the cells with the mean and variance of `chance`.

        Axes after the first are carried along.
        """
        middle, square = self.middle[:, None, None], self.square[:, None, None]
        mean = np.add.reduceat(chance * middle, self.starts)
        variance = np.add.reduceat(chance * square, self.starts) - mean**2
        spread = np.sqrt(np.maximum(variance, _LEAST_SPREAD**2))
        column = self.owner[self.inner]
        upto = np.ones_like(chance)
        edges = self.edges[:, None, None]
        upto[self.inner] = ndtr((edges - mean[column]) / spread[column])
        shares = upto.copy()
        shares[self.inner + 1] -= upto[self.inner]
        return np.maximum(shares, 0)


def _density(x: Floats) -> Floats:
    return np.asarray(np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi))


def _moment(x: Floats) -> Floats:
    """A value times its density; 0 at both ends."""
    return np.where(np.isfinite(x), x, 0) * _density(x)


_LEAST_LINE = 4


def cell_rows(codes: Codes, numbers: Flags, /, *, prior: float) -> CellRows:
    """Rows of cell codes (0 and 1 are not known) as places; columns may be numbers.

    Attributes of which fewer than two cells occur are left out; a number of which
    only two or three occur is treated as levels.

    >>> rows = cell_rows(np.array([[2, 3], [4, 3], [0, 3]]), np.array([0, 0]), prior=4)
    >>> rows.cells.tolist(), rows.shares.tolist()
    ([[1], [2], [0]], [0.0, 0.5, 0.5])
    """
    columns, shares, ordered = [np.zeros((len(codes), 0), dtype=np.int32)], [], []
    starts = [0]
    for column, number in zip(codes.T, numbers, strict=True):
        counts = np.bincount(column)
        counts[:2] = 0
        present = counts > 0
        if present.sum() > 1:
            places = np.where(present, np.cumsum(present), 0).astype(np.int32)
            columns.append((places[column] + starts[-1])[:, None])
            occurrences = counts[present]
            shares += [0.0, *(occurrences / occurrences.sum())]
            ordered.append(bool(number) and len(occurrences) >= _LEAST_LINE)
            starts.append(len(shares))
    return CellRows(
        cells=np.ascontiguousarray(np.hstack(columns), dtype=np.int32),
        starts=np.array(starts[:-1], dtype=np.int64),
        shares=np.array(shares, dtype=np.float64),
        ordered=np.array(ordered, dtype=bool),
        prior=prior,
    )
