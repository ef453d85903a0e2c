"""Segments of customers: a mixture over cells, split only where that is earned.

One segment is the default. More are kept only if the integrated completed likelihood
(Biernacki, Celeux & Govaert 2000) improves by more than it does on one group with the
same margins and correlations, the split returns under resampling (Hennig 2007), and
every segment is large enough. What was tried and refused is said in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from icp.learn.mixture import CellRows, Mixture, cell_rows, fit_mixture, icl
from icp.learn.onegroup import OneGroup
from icp.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from icp.learn.cells import Cells

__all__ = ["Split", "split_into_segments"]

_MAX_ROWS = 2_000
_NULLS = 19
_RESAMPLES = 30
_FEW_RESTARTS = 8
_STABLE_MEAN = 0.75
_STABLE_LOW = 0.6
_MOST_TRIED = 5
_LOOK_AFTER = 8
_ONE_GROUP = "one group with the same correlations gains as much"


@dataclass(frozen=True, kw_only=True)
class Split:
    """Which segment each row belongs to, and what was tried."""

    members: NDArray[np.int64]
    count: int
    note: str


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
    data = _rows(cells, rows, prior)
    if not len(data.starts):
        return _whole(rows, f"Nothing is known that the {noun} differ in.")
    every = -(-len(rows) // _MAX_ROWS)
    sample = data.take(np.arange(0, len(rows), every))
    draw = np.random.default_rng([seed, 2])
    fits = [fit_mixture(sample, k, draw=draw) for k in range(1, most + 1)]
    gains = [icl(sample, fits[0]) - icl(sample, fit) for fit in fits]
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
            return _ordered(fits[k].nearest(data), k + 1, note)
        refusals.append(f"into {k + 1}: {refusal}")
        if refusal == _ONE_GROUP:
            break
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


def _rows(cells: Cells, rows: NDArray[np.int64], prior: float) -> CellRows:
    numbers = np.array([table.kind is Kind.NUMBER for table in cells.tables])
    return cell_rows(cells.codes[rows], numbers, prior=prior)


# ----------------------------------------------------------------------------- gates


def _refusal(
    data: CellRows,
    fit: Mixture,
    gain: float,
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
        return f"in resamples a segment comes back with overlap {mean:.2f} only"
    if _falls_apart(stable):
        return "a segment falls apart in one of ten resamples"
    return _no_better_than_chance(data, count, gain, draw, progress)


def _stability(
    data: CellRows,
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
        found[resample] = _overlap(members, fit.nearest(data), count)
        progress(0.5 * (resample + 1) / _RESAMPLES)
        so_far = found[: resample + 1]
        hopeless = resample >= _LOOK_AFTER and so_far.mean(axis=0).min() < _STABLE_LOW
        if hopeless or _falls_apart(so_far):
            return so_far
    return found


def _falls_apart(stable: NDArray[np.float64]) -> bool:
    """Whether some segment is mostly lost in more than a tenth of all resamples."""
    return bool((stable < _STABLE_LOW).sum(axis=0).max() > _RESAMPLES // 10)


def _overlap(
    members: NDArray[np.int64], others: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    both = np.zeros((count, count))
    np.add.at(both, (members, others), 1)
    either = both.sum(axis=1)[:, None] + both.sum(axis=0)[None, :] - both
    return np.asarray((both / np.maximum(either, 1)).max(axis=1))


def _no_better_than_chance(
    data: CellRows,
    count: int,
    gain: float,
    draw: np.random.Generator,
    progress: Callable[[float], None],
) -> str:
    """Whether the gain is reached by customers of one group that are alike otherwise.

    None of 19 draws may reach it, which happens by chance once in 20.
    """
    group = OneGroup.of(data)
    for number in range(_NULLS):
        null = group.drawn(draw)
        one = fit_mixture(null, 1, draw=draw)
        many = fit_mixture(null, count, draw=draw, restarts=_FEW_RESTARTS)
        if icl(null, one) - icl(null, many) >= gain:
            return _ONE_GROUP
        progress(0.5 + 0.5 * (number + 1) / _NULLS)
    return ""
