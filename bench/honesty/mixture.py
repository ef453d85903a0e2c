"""S13: our mixture agrees with StepMix. S14: its priors pay among few customers.

S14 takes the best customers of every recipe that `ICP_DATA` has the data of, and
seeded draws up to ten sets.
"""

from __future__ import annotations

import os
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from bench.honesty.rows import Row, at_least, at_most, row
from bench.sets.recipe import recipe_names, run_recipe
from icp.learn.cells import draft_tables
from icp.learn.mixture import CellRows, Mixture, cell_rows, fit_mixture
from icp.schema import AccountSchema, Kind
from icp.scoring.cells import code_matrix

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl
    from numpy.typing import NDArray

_WEAK = 1e-6
_LEAST_CHANCE = 1e-15
_SIZES = (20, 40, 60)
_SETS = 10
_PRIOR = 4.0
_MOST_HELD_OUT = 500


# -------------------------------------------------------------------- against StepMix


def oracle_row(*, seed: int = 0) -> Row:
    """Three classes, eight attributes of four levels, 5,000 rows, a tenth missing."""
    codes = _latent_classes(5_000, np.random.default_rng([seed, 13]))
    log_likelihood, parameter = _differences(codes)
    figure = f"{log_likelihood:.1e} nats a row, parameters within {parameter:.4f}"
    beyond = max(log_likelihood / 1e-3, parameter / 0.01)
    return row(
        "S13",
        "our mixture equals StepMix at 5,000 rows with a weak prior",
        "log-likelihood within 0.001 a row, parameters within 0.01",
        figure,
        at_most(beyond, 1.0),
    )


def _latent_classes(count: int, draw: np.random.Generator) -> NDArray[np.int32]:
    """Cell codes, 0 where missing."""
    member = draw.choice(3, count, p=[0.5, 0.3, 0.2])
    shares = draw.dirichlet(np.full(4, 0.6), (3, 8)).cumsum(axis=2)
    levels = (draw.random((count, 8, 1)) > shares[member]).sum(axis=2).clip(max=3)
    return np.where(draw.random((count, 8)) < 0.1, 0, levels + 2).astype(np.int32)


def _differences(codes: NDArray[np.int32]) -> tuple[float, float]:
    """In log-likelihood per row, and in the parameter that differs most."""
    from stepmix import StepMix

    flat = np.zeros(codes.shape[1], dtype=bool)
    data = cell_rows(codes, flat, prior=_WEAK)
    ours = fit_mixture(data, 3, draw=np.random.default_rng(0))
    values = np.where(codes == 0, np.nan, codes - 2.0)
    theirs = StepMix(
        3, measurement="categorical_nan", n_init=10, random_state=0, progress_bar=0
    ).fit(values)
    known = np.delete(np.exp(ours.log_cells), data.starts, axis=0)
    stepmix = theirs.get_parameters()["measurement"]["pis"].T
    found = np.vstack([known, np.exp(ours.log_shares)])
    wanted = np.vstack([stepmix, theirs.get_parameters()["weights"]])
    return (
        abs(ours.log_likelihood / len(codes) - float(theirs.score(values))),
        min(
            float(np.abs(found[:, list(order)] - wanted).max())
            for order in permutations(range(3))
        ),
    )


# ------------------------------------------------------------------ priors or no priors


def prior_row(*, draws: int, seed: int = 0) -> Row:
    """Held-out log-likelihood with the default prior and with none, over ten sets.

    Every cell is learnt by itself in both, so that the prior is all that differs.
    """
    gains = {name: _gain(data, draws, seed) for name, data in _sets(seed)}
    better = sum(gain > 0 for gain in gains.values())
    told = ", ".join(f"{name} {gain:+.2f}" for name, gain in gains.items())
    return row(
        "S14",
        f"priors beat no priors at {_SIZES[0]} to {_SIZES[-1]} customers, two segments",
        "held-out log-likelihood better on 8 of 10 sets",
        f"{better} of {len(gains)}; least gain in nats a customer: {told}",
        at_least(better, 0.8 * len(gains)),
    )


def _gain(data: CellRows, draws: int, seed: int) -> float:
    """The least of the mean gains at the three sizes."""
    draw = np.random.default_rng([seed, 14])
    return min(
        float(np.mean([_gained(data, size, draw) for _ in range(draws)]))
        for size in _SIZES
        if 2 * size <= len(data.cells)
    )


def _gained(data: CellRows, size: int, draw: np.random.Generator) -> float:
    order = draw.permutation(len(data.cells))
    few, rest = data.take(order[:size]), data.take(order[size:][:_MOST_HELD_OUT])
    state = draw.integers(2**32)
    values = []
    for prior in (_PRIOR, _WEAK):
        own = CellRows(
            cells=few.cells,
            starts=few.starts,
            shares=few.shares,
            ordered=np.zeros_like(few.ordered),
            prior=prior,
        )
        fit = fit_mixture(own, 2, draw=np.random.default_rng(state))
        values.append(_held_out(fit, rest))
    return values[0] - values[1]


def _held_out(fit: Mixture, rest: CellRows) -> float:
    """Mean log-likelihood of a customer; no chance is below 1e-15, as in StepMix."""
    floored = np.maximum(fit.log_cells, np.log(_LEAST_CHANCE))
    clipped = Mixture(
        log_cells=floored, log_shares=fit.log_shares, log_likelihood=fit.log_likelihood
    )
    return float(np.mean(logsumexp(clipped.joint(rest), axis=1)))


def _sets(seed: int) -> Iterator[tuple[str, CellRows]]:
    """The best customers of open sets where the data is there, then seeded draws."""
    found = 0
    for name in recipe_names() if "ICP_DATA" in os.environ else []:
        recipe = run_recipe(name)
        best = (recipe.labelled["outcome"] == "best").to_numpy()
        schema = recipe.customers.schema
        if best.sum() >= 2 * _SIZES[0] and found < _SETS:
            found += 1
            yield name, _cells(recipe.labelled, schema, best)
    for number in range(found, _SETS):
        draw = np.random.default_rng([seed, number])
        codes = _latent_classes(1_000, draw)
        flat = np.zeros(codes.shape[1], dtype=bool)
        yield f"seeded {number - found + 1}", cell_rows(codes, flat, prior=_PRIOR)


def _cells(
    frame: pl.DataFrame, schema: AccountSchema, best: NDArray[np.bool_]
) -> CellRows:
    """The best customers, in cells and with shares of all that the set has."""
    drafts = draft_tables(frame, schema, min_level=4, max_levels=100)
    tables = [draft.table for draft in drafts]
    numbers = np.array([table.kind is Kind.NUMBER for table in tables])
    everybody = cell_rows(code_matrix(frame, tables), numbers, prior=_PRIOR)
    return everybody.take(np.flatnonzero(best))


def main() -> None:
    """Print both lines."""
    print(oracle_row())
    print(prior_row(draws=10))


if __name__ == "__main__":
    main()
