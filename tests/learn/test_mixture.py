from __future__ import annotations

from itertools import pairwise
from math import exp, log
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.learn import mixture
from icp.learn.mixture import CellRows, Mixture, cell_rows, fit_mixture

STRAY = 0.02


def levels(codes: np.ndarray, *, prior: float = 1.0) -> CellRows:
    flat = np.zeros(codes.shape[1], dtype=bool)
    return cell_rows(codes.astype(np.int32), flat, prior=prior)


def numbers(codes: np.ndarray, *, prior: float = 1.0) -> CellRows:
    line = np.ones(codes.shape[1], dtype=bool)
    return cell_rows(codes.astype(np.int32), line, prior=prior)


def planted(count: int, seed: int = 0, *, columns: int = 5, clear: float = 0.9):
    draw = np.random.default_rng(seed)
    member = draw.integers(2, size=count)
    other = draw.integers(3, size=(count, columns))
    keeps = draw.random((count, columns)) < clear
    return 2 + np.where(keeps, member[:, None], other), member


def binned(count: int, seed: int = 0, *, columns: int = 4, away: float = 3.0):
    """Two segments of numbers as eight cells of equal weight, a tenth missing."""
    draw = np.random.default_rng(seed)
    member = draw.integers(2, size=count)
    values = draw.normal(size=(count, columns)) + away * member[:, None]
    edges = np.quantile(values, np.arange(1, 8) / 8, axis=0)
    codes = 2 + np.sum(values[None] > edges[:, None, :], axis=0)
    return np.where(draw.random(codes.shape) < 0.1, 0, codes), member


def agreement(found: np.ndarray, member: np.ndarray) -> float:
    same = float((found == member).mean())
    return max(same, 1 - same)


# --------------------------------------------------------------------- naive oracles


def naive_log_likelihood(data: CellRows, fit: Mixture) -> float:
    total = 0.0
    for row in data.cells:
        chance = sum(
            exp(share + sum(fit.log_cells[place, segment] for place in row))
            for segment, share in enumerate(fit.log_shares)
        )
        total += log(chance)
    return total


def naive_weights(data: CellRows, fit: Mixture) -> np.ndarray:
    weights = np.array(
        [
            [
                exp(share + sum(fit.log_cells[place, segment] for place in row))
                for segment, share in enumerate(fit.log_shares)
            ]
            for row in data.cells
        ]
    )
    return weights / weights.sum(axis=1, keepdims=True)


def naive_cells(data: CellRows, weights: np.ndarray) -> np.ndarray:
    """Shares of every place in a segment, attribute by attribute, in loops."""
    cells = np.ones(len(data.shares))
    for j, start in enumerate(data.starts):
        end = data.starts[j + 1] if j + 1 < len(data.starts) else len(data.shares)
        places = range(start + 1, end)
        counts = [
            weights[data.cells[:, j] == place].sum() + data.prior * data.shares[place]
            for place in places
        ]
        chance = [count / sum(counts) for count in counts]
        if data.ordered[j]:
            chance = naive_normal(chance, data.shares[start + 1 : end].tolist())
        cells[start + 1 : end] = chance
    return cells


def naive_normal(chance: list[float], shares: list[float]) -> list[float]:
    """Integrate the normal with the moments of `chance` over the cells."""
    plain = NormalDist()
    upto = np.cumsum(shares)[:-1]
    edges = [-12.0, *(plain.inv_cdf(share) for share in upto), 12.0]
    mean = square = 0.0
    for weight, (low, high) in zip(chance, pairwise(edges), strict=True):
        grid = np.linspace(low, high, 20_001)
        density = np.exp(-(grid**2) / 2)
        mean += weight * float((grid * density).sum() / density.sum())
        square += weight * float((grid**2 * density).sum() / density.sum())
    fitted = NormalDist(mean, (square - mean**2) ** 0.5)
    mass = [fitted.cdf(high) - fitted.cdf(low) for low, high in pairwise(edges)]
    return [
        (1 - STRAY) * own + STRAY * share
        for own, share in zip(mass, shares, strict=True)
    ]


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("data", [levels(planted(60)[0]), numbers(binned(60)[0])])
def test_the_log_likelihood_is_that_of_the_model(data: CellRows, count: int) -> None:
    fit = fit_mixture(data, count, draw=np.random.default_rng(1))
    assert fit.log_likelihood == pytest.approx(naive_log_likelihood(data, fit))


@pytest.mark.parametrize("data", [levels(planted(80)[0]), numbers(binned(80)[0])])
def test_it_stops_where_one_more_step_changes_little(data: CellRows) -> None:
    fit = fit_mixture(data, 2, draw=np.random.default_rng(2))
    weights = naive_weights(data, fit)
    for segment in range(2):
        cells = naive_cells(data, weights[:, segment])
        assert np.exp(fit.log_cells[:, segment]) == pytest.approx(cells, abs=0.01)
    shares = (weights.sum(axis=0) + 1) / (len(data.cells) + 2)
    assert np.exp(fit.log_shares) == pytest.approx(shares, abs=0.01)


# ------------------------------------------------------------------------- cell rows


def test_places_follow_the_cells_that_occur() -> None:
    codes = np.array([[2, 5, 7], [4, 0, 7], [1, 9, 7], [4, 5, 7]], dtype=np.int32)
    rows = cell_rows(codes, np.array([False, True, True]), prior=4.0)
    assert rows.cells.tolist() == [[1, 4], [2, 3], [0, 5], [2, 4]]
    assert rows.starts.tolist() == [0, 3]
    assert rows.shares.tolist() == pytest.approx([0, 1 / 3, 2 / 3, 0, 2 / 3, 1 / 3])
    assert rows.ordered.tolist() == [False, False]


def test_numbers_lie_on_a_line_from_four_cells_on() -> None:
    codes = np.array([[2, 2], [3, 3], [4, 4], [2, 5]])
    assert numbers(codes).ordered.tolist() == [False, True]
    assert levels(codes).ordered.tolist() == [False, False]


def test_nothing_that_varies_leaves_no_attribute() -> None:
    assert levels(np.array([[2, 0], [2, 0]])).cells.shape == (2, 0)


def test_taking_rows_keeps_the_pooled_shares() -> None:
    data = levels(planted(40)[0])
    part = data.take(np.array([3, 3, 7]))
    assert part.cells.tolist() == data.cells[[3, 3, 7]].tolist()
    assert part.shares is data.shares


# ------------------------------------------------------------------------------ fits


@pytest.mark.parametrize("data", [levels(planted(50)[0]), numbers(binned(50)[0])])
def test_one_segment_is_the_pooled_shares(data: CellRows) -> None:
    fit = fit_mixture(data, 1, draw=np.random.default_rng(0))
    known = data.shares > 0
    assert np.exp(fit.log_cells[known, 0]) == pytest.approx(data.shares[known])
    assert fit.log_shares.tolist() == [0.0]


def test_numbers_of_uneven_cells_are_their_pooled_shares_too() -> None:
    codes = np.repeat([2, 3, 4, 5, 6], [60, 3, 20, 1, 16])[:, None]
    data = numbers(codes)
    fit = fit_mixture(data, 1, draw=np.random.default_rng(0))
    assert np.exp(fit.log_cells[1:, 0]) == pytest.approx([0.6, 0.03, 0.2, 0.01, 0.16])


def test_planted_segments_are_recovered() -> None:
    codes, member = planted(300)
    data = levels(codes)
    fit = fit_mixture(data, 2, draw=np.random.default_rng(3))
    assert agreement(fit.nearest(data), member) > 0.97
    assert np.exp(fit.log_shares) == pytest.approx([0.5, 0.5], abs=0.08)


def test_segments_of_numbers_are_recovered_although_cells_are_fine() -> None:
    codes, member = binned(120, away=2.0)
    found = fit_mixture(numbers(codes), 2, draw=np.random.default_rng(3))
    assert agreement(found.nearest(numbers(codes)), member) > 0.95


def test_a_number_in_a_segment_has_its_mean_and_spread() -> None:
    codes, _ = binned(4_000, away=2.0)
    data = numbers(codes)
    fit = fit_mixture(data, 2, draw=np.random.default_rng(3))
    for segment in range(2):
        own = fit.nearest(data) == segment
        counts = np.bincount(codes[own, 0], minlength=10)[2:]
        fitted = np.exp(fit.log_cells[1:9, segment])
        assert fitted == pytest.approx(counts / counts.sum(), abs=0.06)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 4), st.booleans())
def test_cells_of_every_attribute_sum_to_one(seed: int, count: int, line: bool) -> None:
    draw = np.random.default_rng(seed)
    codes = draw.integers(1, 7, size=(40, 3))
    data = numbers(codes) if line else levels(codes)
    fit = fit_mixture(data, count, draw=draw)
    chance = np.exp(fit.log_cells)
    chance[data.starts] = 0
    sums = np.add.reduceat(chance, data.starts, axis=0)
    assert sums == pytest.approx(np.ones_like(sums))
    assert np.exp(fit.log_shares).sum() == pytest.approx(1)


def test_more_segments_never_fit_worse() -> None:
    data = levels(planted(120, clear=0.6)[0])
    values = [
        fit_mixture(data, count, draw=np.random.default_rng(4)).log_likelihood
        for count in (1, 2, 3)
    ]
    assert values[0] < values[1] < values[2] + 1


def test_a_missing_value_is_left_out_of_the_product() -> None:
    data = levels(planted(100)[0])
    fit = fit_mixture(data, 2, draw=np.random.default_rng(5))
    nothing = CellRows(
        cells=data.starts[None, :].astype(np.int32),
        starts=data.starts,
        shares=data.shares,
        ordered=data.ordered,
        prior=1.0,
    )
    assert fit.joint(nothing) == pytest.approx(fit.log_shares[None, :])


def test_the_same_draws_give_the_same_fit() -> None:
    data = numbers(binned(90)[0])
    one, two = (fit_mixture(data, 3, draw=np.random.default_rng(6)) for _ in range(2))
    assert one.log_cells.tolist() == two.log_cells.tolist()


def test_blocks_of_rows_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = binned(90)[0]
    whole = fit_mixture(numbers(codes), 2, draw=np.random.default_rng(6))
    monkeypatch.setattr(mixture, "_BLOCK", 17)
    data = numbers(codes)
    assert len(data.blocks) == 6
    parts = fit_mixture(data, 2, draw=np.random.default_rng(6))
    assert parts.log_likelihood == pytest.approx(whole.log_likelihood)
    assert parts.joint(data) == pytest.approx(whole.joint(numbers(codes)))
    assert parts.nearest(data).tolist() == parts.joint(data).argmax(axis=1).tolist()


def test_many_rows_are_started_on_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    codes, member = planted(600)
    monkeypatch.setattr(mixture, "_LEVELS", (50, 150))
    data = levels(codes)
    fit = fit_mixture(data, 2, draw=np.random.default_rng(3))
    assert agreement(fit.nearest(data), member) > 0.97
    assert fit.log_likelihood == pytest.approx(naive_log_likelihood(data, fit))
    weights = naive_weights(data, fit)
    cells = naive_cells(data, weights[:, 0])
    assert np.exp(fit.log_cells[:, 0]) == pytest.approx(cells, abs=0.01)


def test_with_many_rows_every_cell_is_learnt_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codes, _ = binned(500, away=4.0)
    data = numbers(codes)
    few = fit_mixture(data, 2, draw=np.random.default_rng(3))
    monkeypatch.setattr(mixture, "_MANY", 400)
    many = fit_mixture(data, 2, draw=np.random.default_rng(3))
    assert agreement(many.nearest(data), few.nearest(data)) > 0.97
    own = many.nearest(data) == 0
    counts = np.bincount(codes[own, 0], minlength=10)[2:] / (codes[own, 0] > 0).sum()
    away = [np.abs(np.exp(fit.log_cells[1:9, 0]) - counts).max() for fit in (few, many)]
    assert away[1] < 0.02 < away[0]
