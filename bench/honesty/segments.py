"""S1 and S2: segments are not invented, and real ones are found, in seeded draws.

`rows(runs=200)` gives the lines of the honesty table, S13 and S14 behind them. One kind
of customers at a time is drawn, cut into cells and handed to the step of `fit_profile`
that looks for segments.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
from sklearn.metrics import adjusted_rand_score

from bench.honesty.mixture import oracle_row, prior_row
from bench.honesty.rows import Row, at_least, at_most, line, row
from icp.learn.cells import build_cells, draft_tables
from icp.learn.segments import split_into_segments
from icp.schema import AccountSchema

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIZES = (30, 60, 120, 500)
_PER_SETTING = 0.05
_FOUND = 0.9
_AGREEMENT = 0.8
_COLUMNS = 6
_APART = 2.0


class Drawn(NamedTuple):
    """Customers, and the segment that each was drawn from."""

    frame: pl.DataFrame
    member: NDArray[np.int64]


# ----------------------------------------------------------------------- one segment


def normal(count: int, draw: np.random.Generator) -> Drawn:
    """Six independent normal numbers."""
    return _of_one(draw.normal(size=(count, _COLUMNS)))


def skewed(count: int, draw: np.random.Generator) -> Drawn:
    """Six independent log-normal numbers, sigma 1.5."""
    return _of_one(np.exp(1.5 * draw.normal(size=(count, _COLUMNS))))


def correlated(count: int, draw: np.random.Generator) -> Drawn:
    """Six normal numbers of which every two have the correlation 0.5."""
    own = draw.normal(size=(count, _COLUMNS))
    return _of_one(np.sqrt(0.5) * (own + draw.normal(size=(count, 1))))


def mixed(count: int, draw: np.random.Generator) -> Drawn:
    """Two normal and two log-normal numbers, four categories, 20 % missing."""
    numbers = draw.normal(size=(count, 4))
    numbers[:, 2:] = np.exp(1.5 * numbers[:, 2:])
    shares = ([0.5, 0.2, 0.2, 0.1], [0.4, 0.3, 0.3], [0.7, 0.3], [0.2] * 5)
    levels = {f"c{j}": _levels(share, count, draw) for j, share in enumerate(shares)}
    drawn = _of_one(numbers)
    frame = drawn.frame.with_columns(**levels)
    return Drawn(_with_gaps(frame, draw), drawn.member)


def _of_one(values: NDArray[np.float64]) -> Drawn:
    return Drawn(_numbers(values), np.zeros(len(values), dtype=np.int64))


def _numbers(values: NDArray[np.float64]) -> pl.DataFrame:
    return pl.DataFrame(values, [f"n{j}" for j in range(values.shape[1])])


def _levels(shares: list[float], count: int, draw: np.random.Generator) -> pl.Series:
    return pl.Series(
        [f"L{level}" for level in draw.choice(len(shares), count, p=shares)]
    )


def _with_gaps(frame: pl.DataFrame, draw: np.random.Generator) -> pl.DataFrame:
    kept = {name: pl.Series(draw.random(frame.height) >= 0.2) for name in frame.columns}
    return frame.with_columns(
        pl.when(keep).then(pl.col(name)).alias(name) for name, keep in kept.items()
    )


# -------------------------------------------------------------------- three segments


def each_apart(count: int, draw: np.random.Generator) -> Drawn:
    """Six normal numbers, of which every two lift one of the segments by 2 SD."""
    member = draw.integers(3, size=count)
    lifted = member[:, None] == np.arange(_COLUMNS) % 3
    return Drawn(_numbers(draw.normal(size=lifted.shape) + _APART * lifted), member)


def in_a_row(count: int, draw: np.random.Generator) -> Drawn:
    """Six normal numbers, in each of them small, middle and large are 2 SD apart."""
    member = draw.integers(3, size=count)
    values = draw.normal(size=(count, _COLUMNS)) + _APART * member[:, None]
    return Drawn(_numbers(values), member)


def among_noise(count: int, draw: np.random.Generator) -> Drawn:
    """The same, and six normal numbers that say nothing."""
    frame, member = each_apart(count, draw)
    idle = draw.normal(size=(count, _COLUMNS))
    names = {f"idle{j}": idle[:, j] for j in range(_COLUMNS)}
    return Drawn(frame.with_columns(**names), member)


def mixed_apart(count: int, draw: np.random.Generator) -> Drawn:
    """Three such numbers, three categories (80 % have the favourite), 20 % missing."""
    frame, member = each_apart(count, draw)
    levels = {}
    for j in range(3):
        other = draw.integers(4, size=count)
        level = np.where(draw.random(count) < 0.8, (member + j) % 4, other)
        levels[f"c{j}"] = pl.Series([f"L{code}" for code in level])
    held = frame.select("n0", "n1", "n2").with_columns(**levels)
    return Drawn(_with_gaps(held, draw), member)


_ONE = (normal, skewed, mixed, correlated)
_THREE = (each_apart, in_a_row, among_noise, mixed_apart)
_Draw = Callable[[int, np.random.Generator], Drawn]


# ---------------------------------------------------------------------------- the table


def rows(*, runs: int, seed: int = 0) -> Iterator[Row]:
    """S1, S2, S13 and S14 of the honesty table, one after the other."""
    for make in _ONE:
        yield _invented(make, runs, seed)
    for make in _THREE:
        yield _recovered(make, runs, seed)
    yield oracle_row(seed=seed)
    yield prior_row(draws=max(2, runs // 20), seed=seed)


def _invented(make: _Draw, runs: int, seed: int) -> Row:
    split = {
        count: sum(
            _split(make(count, np.random.default_rng([seed, count, run])))[0] > 1
            for run in range(runs)
        )
        for count in _SIZES
    }
    told = ", ".join(f"{times} at {count}" for count, times in split.items())
    return row(
        "S1",
        f"no invented segments: {_plain(make)}",
        "split in at most 5 % of runs at each size",
        f"splits in {runs} runs: {told}",
        at_most(max(split.values()) / runs, _PER_SETTING),
    )


def _recovered(make: _Draw, runs: int, seed: int) -> Row:
    draws = (make(150, np.random.default_rng([seed, run])) for run in range(runs))
    counts, agreements = zip(*map(_split, draws), strict=True)
    right = counts.count(3) / runs
    agreement = float(np.mean(agreements))
    return row(
        "S2",
        f"three segments found among 150: {_plain(make)}",
        "3 segments in 90 % of runs or more, mean adjusted Rand index 0.8 or more",
        f"{right:.1%} of {runs} runs, {agreement:.3f}",
        at_least(right, _FOUND) if right < _FOUND else at_least(agreement, _AGREEMENT),
    )


def _plain(make: _Draw) -> str:
    words = (make.__doc__ or make.__name__).strip().rstrip(".")
    return words[0].lower() + words[1:]


def _split(drawn: Drawn) -> tuple[int, float]:
    frame = drawn.frame
    schema = AccountSchema.infer(frame)
    drafts = draft_tables(frame, schema, min_level=4, max_levels=100)
    cells = build_cells(frame, drafts, np.ones(frame.height, dtype=np.int8))
    split = split_into_segments(
        cells,
        np.arange(frame.height),
        noun="customers",
        max_segments=6,
        prior=4.0,
        seed=0,
        progress=lambda share: None,
    )
    agreement = adjusted_rand_score(drawn.member[cells.rows], split.members)
    return split.count, float(agreement)


def main() -> None:
    """Print the rows as they come."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--only", nargs="*", help="names of draws")
    chosen = parser.parse_args()
    start = time.process_time()
    for measure, draws in ((_invented, _ONE), (_recovered, _THREE)):
        for make in draws:
            if not chosen.only or make.__name__ in chosen.only:
                print(line(measure(make, chosen.runs, 0)), flush=True)
    print(f"{time.process_time() - start:,.0f} CPU seconds")


if __name__ == "__main__":
    main()
