"""Segments: latent classes over cells, fitted by MAP-EM, split only where earned.

A segment gives each attribute its own distribution over cells; attributes are
independent within a segment (latent class analysis, Lazarsfeld & Henry 1968). Dirichlet
priors centred on the pooled shares keep rare cells from getting probability 0, which
matters at 30 customers. Missing values are left out of the product.

One segment is the default. More are kept only if the integrated completed likelihood
(Biernacki, Celeux & Govaert 2000) improves by more than it does on data with the same
margins and no structure, the split returns under resampling (Hennig 2007), and every
segment is large enough. What was tried and refused is said in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from icp.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from icp.learn.cells import Cells

__all__ = ["Mixture", "Split", "fit_mixture", "split_into_segments"]

_COARSE_CELLS = 6
_MAX_ROWS = 2_000
_NULLS = 39
_RESAMPLES = 30
_RESTARTS = 24
_FEW_RESTARTS = 6
_STEPS = 60
_STABLE_MEAN = 0.75
_STABLE_LOW = 0.6
_MOST_TRIED = 5
_LOOK_AFTER = 8


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


@dataclass(frozen=True, kw_only=True)
class Split:
    """Which segment each row belongs to, and what was tried."""

    members: NDArray[np.int64]
    count: int
    note: str


@dataclass(frozen=True, kw_only=True)
class _OneHot:
    """Rows as 0/1 columns, `starts` where each attribute's columns begin."""

    rows: NDArray[np.float64]
    starts: NDArray[np.int64]
    prior: NDArray[np.float64]

    def take(self, which: NDArray[np.int64]) -> _OneHot:
        return _OneHot(rows=self.rows[which], starts=self.starts, prior=self.prior)

    @property
    def free(self) -> int:
        """Free parameters of one segment's distributions."""
        return int(self.rows.shape[1] - len(self.starts))


def split_into_segments(
    cells: Cells,
    rows: NDArray[np.int64],
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
        return _whole(rows, note)
    onehot = _one_hot(cells, rows, prior)
    every = -(-len(rows) // _MAX_ROWS)
    sample = onehot.take(np.arange(0, len(rows), every))
    draw = np.random.default_rng([seed, 2])
    fits = [fit_mixture(sample, k, draw=draw) for k in range(1, most + 1)]
    gains = [_icl(sample, fits[0]) - _icl(sample, fit) for fit in fits]
    ranked = sorted(range(1, most), key=lambda k: (-round(gains[k], 6), k))
    tried = [k for k in ranked if gains[k] > 0][:_MOST_TRIED]
    if not tried:
        return _whole(rows, f"One segment describes the {noun} best.")
    refusals = []
    for place, k in enumerate(tried):
        refusal = _refusal(
            sample, fits[k], gains[k], draw, _part_of(progress, place, len(tried))
        )
        if not refusal:
            note = f"{k + 1} segments of {noun} are supported."
            return _ordered(fits[k].nearest(onehot.rows), k + 1, note)
        refusals.append(f"into {k + 1}: {refusal}")
    told = f"Splits of the {noun} were tried and are not supported"
    return _whole(rows, f"{told} ({'; '.join(refusals)}).")


def _part_of(
    progress: Callable[[float], None], place: int, parts: int
) -> Callable[[float], None]:
    return lambda share: progress((place + share) / parts)


def _whole(rows: NDArray[np.int64], note: str) -> Split:
    return Split(members=np.zeros(len(rows), dtype=np.int64), count=1, note=note)


def _ordered(members: NDArray[np.int64], count: int, note: str) -> Split:
    """Number the segments from the largest to the smallest."""
    sizes = np.bincount(members, minlength=count)
    rank = np.empty(count, dtype=np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(count)
    return Split(members=rank[members], count=count, note=note)


# --------------------------------------------------------------------------- fitting


def _one_hot(cells: Cells, rows: NDArray[np.int64], prior: float) -> _OneHot:
    """Columns for the known cells of every attribute that varies among the rows."""
    blocks = []
    for j, table in enumerate(cells.tables):
        codes = cells.codes[rows, j]
        if table.kind is Kind.NUMBER:
            codes = _coarse(codes)
        present = np.unique(codes[codes > 1])
        if len(present) > 1:
            blocks.append(codes[:, None] == present[None, :])
    if not blocks:
        blocks = [np.ones((len(rows), 1), dtype=bool)]
    widths = [block.shape[1] for block in blocks]
    onehot = np.hstack(blocks).astype(np.float64)
    starts = np.concatenate([[0], np.cumsum(widths)[:-1]])
    sums = onehot.sum(axis=0)
    totals = np.repeat(np.add.reduceat(sums, starts), widths)
    return _OneHot(rows=onehot, starts=starts, prior=prior * sums / totals)


def _coarse(codes: NDArray[np.int32]) -> NDArray[np.int32]:
    """Neighbouring number cells merged into about six of equal weight."""
    known = codes > 1
    counts = np.bincount(codes[known], minlength=int(codes.max(initial=2)) + 1)
    middle = np.cumsum(counts) - counts / 2
    part = (middle / max(known.sum(), 1) * _COARSE_CELLS).astype(np.int32)
    return np.where(known, 2 + part[codes], 0).astype(np.int32)


def fit_mixture(
    data: _OneHot,
    count: int,
    /,
    *,
    draw: np.random.Generator,
    restarts: int = _RESTARTS,
) -> Mixture:
    """The best of several MAP-EM runs, all run at once as one matrix product.

    Dempster, Laird & Rubin (1977). Restarts are compared by penalised log-likelihood
    rounded to 1e-6, ties going to the first.
    """
    runs = 1 if count == 1 else restarts
    weights = draw.dirichlet(np.ones(count), size=(len(data.rows), runs))
    last = np.full(runs, -np.inf)
    for _ in range(_STEPS):
        log_cells, log_shares = _maximised(data, weights)
        joint = _joint(data, log_cells, log_shares)
        top = joint.max(axis=2, keepdims=True)
        weights = np.exp(joint - top)
        totals = weights.sum(axis=2, keepdims=True)
        weights /= totals
        value = (top + np.log(totals)).sum(axis=(0, 2))
        if np.all(value - last < 1e-6 * (1 + np.abs(value))):
            break
        last = value
    penalised = value + np.einsum("rkc,c->r", log_cells, data.prior)
    chosen = int(np.argmax(penalised.round(6)))
    return Mixture(
        log_cells=log_cells[chosen],
        log_shares=log_shares[chosen],
        log_likelihood=float(value[chosen]),
    )


def _maximised(
    data: _OneHot, weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """MAP cell probabilities and shares: runs x segments x columns, runs x segments."""
    rows, runs, count = weights.shape
    sums = weights.reshape(rows, runs * count).T @ data.rows
    sums = sums.reshape(runs, count, -1) + data.prior
    totals = np.add.reduceat(sums, data.starts, axis=2)
    widths = np.diff([*data.starts, sums.shape[2]])
    log_cells = np.log(sums) - np.log(np.repeat(totals, widths, axis=2))
    shares = weights.sum(axis=0) + 1
    return log_cells, np.log(shares / shares.sum(axis=1, keepdims=True))


def _joint(
    data: _OneHot, log_cells: NDArray[np.float64], log_shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    runs, count, columns = log_cells.shape
    flat = data.rows @ log_cells.reshape(runs * count, columns).T
    return np.asarray(flat.reshape(len(data.rows), runs, count) + log_shares)


def _icl(data: _OneHot, fit: Mixture) -> float:
    """Integrated completed likelihood; smaller is better."""
    count = len(fit.log_shares)
    joint = fit.joint(data.rows)
    top = joint.max(axis=1)
    entropy = float(fit.log_likelihood - top.sum())
    free = count - 1 + count * data.free
    size = float(np.log(len(data.rows)))
    return -2 * fit.log_likelihood + free * size + 2 * entropy


# ----------------------------------------------------------------------------- gates


def _refusal(
    data: _OneHot,
    fit: Mixture,
    gain: float,
    draw: np.random.Generator,
    progress: Callable[[float], None],
) -> str:
    """Why the split is not supported, or nothing where it is."""
    count = len(fit.log_shares)
    members = fit.nearest(data.rows)
    smallest = int(np.bincount(members, minlength=count).min())
    least = max(8, round(0.05 * len(data.rows)))
    if smallest < least:
        return f"its smallest segment has {smallest} customers, fewer than {least}"
    stable = _stability(data, members, count, draw, progress)
    mean = stable.mean(axis=0).min()
    if mean < _STABLE_MEAN:
        return f"in resamples a segment comes back with overlap {mean:.2f} only"
    if np.quantile(stable, 0.1, axis=0).min() < _STABLE_LOW:
        return "a segment falls apart in one of ten resamples"
    return _no_better_than_chance(data, count, gain, draw, progress)


def _stability(
    data: _OneHot,
    members: NDArray[np.int64],
    count: int,
    draw: np.random.Generator,
    progress: Callable[[float], None],
) -> NDArray[np.float64]:
    """Best Jaccard overlap of each segment in each resample: resamples x segments."""
    found = np.empty((_RESAMPLES, count))
    for resample in range(_RESAMPLES):
        rows = draw.integers(len(members), size=len(members))
        fit = fit_mixture(data.take(rows), count, draw=draw, restarts=_FEW_RESTARTS)
        found[resample] = _overlap(members, fit.nearest(data.rows), count)
        progress(0.5 * (resample + 1) / _RESAMPLES)
        if resample + 1 == _LOOK_AFTER and found[:_LOOK_AFTER].mean(axis=0).min() < 0.6:
            return found[:_LOOK_AFTER]
    return found


def _overlap(
    members: NDArray[np.int64], others: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    both = np.zeros((count, count))
    np.add.at(both, (members, others), 1)
    either = both.sum(axis=1)[:, None] + both.sum(axis=0)[None, :] - both
    return np.asarray((both / np.maximum(either, 1)).max(axis=1))


def _no_better_than_chance(
    data: _OneHot,
    count: int,
    gain: float,
    draw: np.random.Generator,
    progress: Callable[[float], None],
) -> str:
    """Compare the gain with that on data whose columns are shuffled separately."""
    widths = np.diff([*data.starts, data.rows.shape[1]])
    chance = np.empty(_NULLS)
    for number in range(_NULLS):
        rows = data.rows.copy()
        for start, width in zip(data.starts, widths, strict=True):
            columns = slice(start, start + width)
            rows[:, columns] = rows[draw.permutation(len(rows)), columns]
        null = _OneHot(rows=rows, starts=data.starts, prior=data.prior)
        one = fit_mixture(null, 1, draw=draw)
        many = fit_mixture(null, count, draw=draw, restarts=_FEW_RESTARTS)
        chance[number] = _icl(null, one) - _icl(null, many)
        progress(0.5 + 0.5 * (number + 1) / _NULLS)
    if gain <= np.quantile(chance, 0.95):
        return "it gains no more than the same customers do when shuffled"
    return ""
