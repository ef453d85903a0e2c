from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from icp.learn.contrast import Ridge


def problem(rows: int, columns: int, seed: int, *, strength: float = 1.0):
    draw = np.random.default_rng(seed)
    design = draw.normal(size=(rows, columns))
    logit = strength * design @ draw.normal(size=columns)
    return design, draw.random(rows) < 1 / (1 + np.exp(-logit))


def optimum(design, positive, penalties):
    def objective(w):
        logit = w[0] + design @ w[1:]
        loss = np.logaddexp(0, np.where(positive, -logit, logit)).sum()
        return loss + 0.5 * (penalties * w[1:] ** 2).sum()

    return minimize(objective, np.zeros(design.shape[1] + 1), tol=1e-12).x


@pytest.mark.parametrize("penalty", [0.3, 3.0, 300.0])
def test_it_equals_a_general_optimiser(penalty: float) -> None:
    design, positive = problem(60, 4, seed=0)
    found = Ridge(design=design, positive=positive).solve(penalty)
    assert found == pytest.approx(optimum(design, positive, penalty), abs=1e-4)


def test_every_column_may_have_its_own_penalty() -> None:
    design, positive = problem(80, 3, seed=1)
    penalties = np.array([0.1, 5.0, 200.0])
    found = Ridge(design=design, positive=positive).solve(penalties)
    assert found == pytest.approx(optimum(design, positive, penalties), abs=1e-4)


def test_a_column_penalised_without_end_is_as_good_as_dropped() -> None:
    design, positive = problem(80, 3, seed=1)
    found = Ridge(design=design, positive=positive).solve(np.array([1.0, 1.0, 1e10]))
    dropped = Ridge(design=design[:, :2], positive=positive).solve(1.0)
    assert found == pytest.approx([*dropped, 0.0], abs=1e-8)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000),
    st.lists(st.sampled_from([0.3, 3.0, 30.0, 300.0]), min_size=1, max_size=4),
)
def test_a_kept_curvature_changes_no_solution(seed: int, path: list[float]) -> None:
    design, positive = problem(50, 5, seed=seed, strength=2.0)
    kept = Ridge(design=design, positive=positive)
    for penalty in path:
        alone = Ridge(design=design, positive=positive).solve(penalty)
        assert kept.solve(penalty) == pytest.approx(alone, abs=1e-4)


def test_counts_equal_physical_copies() -> None:
    design, positive = problem(40, 3, seed=1)
    counts = np.random.default_rng(1).integers(0, 4, size=40)
    copies = np.repeat(np.arange(40), counts)
    ridge = Ridge(design=design, positive=positive)
    ridge.solve(1.0)
    weighted = ridge.solve(1.0, counts=counts.astype(float))
    copied = Ridge(design=design[copies], positive=positive[copies]).solve(1.0)
    assert weighted == pytest.approx(copied, abs=1e-4)


def test_weights_are_pulled_toward_their_centres() -> None:
    design, positive = problem(40, 2, seed=3)
    ridge = Ridge(design=design, positive=positive)
    centres = np.array([2.0, -1.0])
    assert ridge.solve(1e9, centres=centres)[1:] == pytest.approx(centres, abs=1e-6)
    moved = ridge.solve(1.0, centres=centres)
    shifted = design @ centres

    def objective(w):
        logit = w[0] + shifted + design @ w[1:]
        loss = np.logaddexp(0, np.where(positive, -logit, logit)).sum()
        return loss + 0.5 * (w[1:] ** 2).sum()

    away = minimize(objective, np.zeros(3), tol=1e-12).x
    assert moved[1:] == pytest.approx(away[1:] + centres, abs=1e-4)


def test_resamples_start_from_the_fit_to_everybody() -> None:
    design, positive = problem(40, 3, seed=2)
    ridge = Ridge(design=design, positive=positive)
    whole = ridge.solve(1.0)
    ridge.solve(1.0, counts=np.arange(40) % 3 * 1.0)
    assert ridge.solve(1.0) == pytest.approx(whole, abs=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_swapping_the_outcomes_negates_the_weights(seed: int) -> None:
    design, positive = problem(30, 4, seed=seed)
    one = Ridge(design=design, positive=positive).solve(1.0)
    other = Ridge(design=design, positive=~positive).solve(1.0)
    assert other == pytest.approx(-one, abs=1e-12)


def test_separated_customers_still_get_finite_weights() -> None:
    design = np.array([[1.0], [1.0], [-1.0], [-1.0]])
    weights = Ridge(design=design, positive=np.array([1, 1, 0, 0], bool)).solve(1.0)
    assert np.isfinite(weights).all()
    assert weights[1] > 0


@pytest.mark.parametrize("best", [0, 6])
def test_one_outcome_only_gives_a_large_but_finite_intercept(best: int) -> None:
    positive = np.arange(6) < best
    weights = Ridge(design=np.zeros((6, 1)), positive=positive).solve(1.0)
    assert np.isfinite(weights).all()
    assert (weights[0] > 5) == bool(best)


def test_no_columns_and_no_rows_are_solved() -> None:
    positive = np.array([True, True, True, False])
    alone = Ridge(design=np.empty((4, 0)), positive=positive).solve(1.0)
    assert alone == pytest.approx([np.log(3)])
    nobody = Ridge(design=np.empty((0, 2)), positive=positive[:0]).solve(1.0)
    assert nobody.tolist() == [0.0, 0.0, 0.0]
