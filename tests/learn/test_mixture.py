from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.learn.mixture import Mixture, OneHot, fit_mixture, icl


def one_hot(codes: np.ndarray, *, prior: float = 1.0) -> OneHot:
    blocks = [codes[:, [j]] == np.unique(codes[:, j]) for j in range(codes.shape[1])]
    widths = [block.shape[1] for block in blocks]
    rows = np.hstack(blocks).astype(float)
    sums = rows.sum(axis=0)
    starts = np.concatenate([[0], np.cumsum(widths)[:-1]])
    totals = np.repeat(np.add.reduceat(sums, starts), widths)
    return OneHot(rows=rows, starts=starts, prior=prior * sums / totals)


def planted(count: int, seed: int = 0, *, columns: int = 5, clear: float = 0.9):
    draw = np.random.default_rng(seed)
    member = draw.integers(2, size=count)
    other = draw.integers(3, size=(count, columns))
    keeps = draw.random((count, columns)) < clear
    return np.where(keeps, member[:, None], other), member


def naive_log_likelihood(data: OneHot, fit: Mixture) -> float:
    total = 0.0
    for row in data.rows:
        chance = 0.0
        for share, cells in zip(fit.log_shares, fit.log_cells, strict=True):
            chance += np.exp(share + sum(cells[row > 0]))
        total += np.log(chance)
    return total


def naive_step(data: OneHot, fit: Mixture) -> tuple[np.ndarray, np.ndarray]:
    """One step of MAP-EM in loops."""
    weights = np.array(
        [
            [
                np.exp(s + c[row > 0].sum())
                for s, c in zip(fit.log_shares, fit.log_cells, strict=True)
            ]
            for row in data.rows
        ]
    )
    weights /= weights.sum(axis=1, keepdims=True)
    cells = np.empty_like(fit.log_cells)
    for segment in range(weights.shape[1]):
        sums = weights[:, segment] @ data.rows + data.prior
        for start, width in zip(data.starts, data.widths, strict=True):
            part = slice(start, start + width)
            cells[segment, part] = sums[part] / sums[part].sum()
    shares = (weights.sum(axis=0) + 1) / (len(data.rows) + weights.shape[1])
    return cells, shares


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_log_likelihood_is_that_of_the_model(count: int) -> None:
    data = one_hot(planted(60)[0])
    fit = fit_mixture(data, count, draw=np.random.default_rng(1))
    assert fit.log_likelihood == pytest.approx(naive_log_likelihood(data, fit))


def test_it_stops_where_one_more_step_changes_little() -> None:
    data = one_hot(planted(80)[0])
    fit = fit_mixture(data, 2, draw=np.random.default_rng(2))
    cells, shares = naive_step(data, fit)
    assert np.exp(fit.log_cells) == pytest.approx(cells, abs=0.01)
    assert np.exp(fit.log_shares) == pytest.approx(shares, abs=0.01)


def test_one_segment_is_the_smoothed_pooled_shares() -> None:
    data = one_hot(np.array([[0], [0], [0], [1]]), prior=4.0)
    fit = fit_mixture(data, 1, draw=np.random.default_rng(0))
    assert np.exp(fit.log_cells) == pytest.approx(np.array([[0.75, 0.25]]))
    assert fit.log_shares.tolist() == [0.0]


def test_planted_segments_are_recovered() -> None:
    codes, member = planted(300)
    data = one_hot(codes)
    found = fit_mixture(data, 2, draw=np.random.default_rng(3)).nearest(data.rows)
    agreement = (found == member).mean()
    assert max(agreement, 1 - agreement) > 0.97
    estimate = fit_mixture(data, 2, draw=np.random.default_rng(3))
    assert np.exp(estimate.log_shares) == pytest.approx([0.5, 0.5], abs=0.08)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 4))
def test_cells_of_every_attribute_sum_to_one(seed: int, count: int) -> None:
    draw = np.random.default_rng(seed)
    data = one_hot(draw.integers(4, size=(40, 3)))
    fit = fit_mixture(data, count, draw=draw)
    sums = np.add.reduceat(np.exp(fit.log_cells), data.starts, axis=1)
    assert sums == pytest.approx(np.ones_like(sums))
    assert np.exp(fit.log_shares).sum() == pytest.approx(1)


def test_more_segments_never_fit_worse() -> None:
    data = one_hot(planted(120, clear=0.6)[0])
    values = [
        fit_mixture(data, count, draw=np.random.default_rng(4)).log_likelihood
        for count in (1, 2, 3)
    ]
    assert values[0] < values[1] < values[2] + 1


def test_a_missing_value_is_left_out_of_the_product() -> None:
    data = one_hot(planted(100)[0])
    fit = fit_mixture(data, 2, draw=np.random.default_rng(5))
    nothing = np.zeros((1, data.rows.shape[1]))
    assert fit.joint(nothing) == pytest.approx(fit.log_shares[None, :])


def test_the_same_draws_give_the_same_fit() -> None:
    data = one_hot(planted(90)[0])
    one, two = (fit_mixture(data, 3, draw=np.random.default_rng(6)) for _ in range(2))
    assert one.log_cells.tolist() == two.log_cells.tolist()


def test_icl_prefers_two_where_there_are_two_and_one_where_there_is_one() -> None:
    def gain(codes):
        data, draw = one_hot(codes), np.random.default_rng(7)
        one, two = (fit_mixture(data, count, draw=draw) for count in (1, 2))
        return icl(data, one) - icl(data, two)

    assert gain(planted(200)[0]) > 50
    assert gain(np.random.default_rng(8).integers(3, size=(200, 5))) < 0


def test_icl_by_hand() -> None:
    data = one_hot(np.array([[0], [1], [1]]))
    fit = Mixture(
        log_cells=np.log([[0.5, 0.5]]), log_shares=np.zeros(1), log_likelihood=-2.0
    )
    certain = 3 * np.log(0.5)
    wanted = 4.0 + np.log(3) + 2 * (-2.0 - certain)
    assert icl(data, fit) == pytest.approx(wanted)
