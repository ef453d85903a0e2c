from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from icp.learn.calibrate import calibrate, grade_cuts
from icp.profile import Calibration
from icp.stats import sigmoid

CUTS = (750, 500, 250)


def calibrated(
    count: int, *, sharpness: float = 1.0, share: float = 0.5, seed: int = 0
):
    draw = np.random.default_rng(seed)
    truth = draw.normal(np.log(share / (1 - share)), 1.5, count)
    positive = draw.random(count) < sigmoid(truth)
    told = truth * sharpness
    refits = told + draw.normal(0, 0.3, (50, 1)) + draw.normal(0, 0.1, (50, count))
    return calibrate(told, positive, told, refits, cuts=CUTS)


@pytest.mark.parametrize(
    ("count", "method", "step"),
    [
        (12, "none", 0),
        (40, "slope", 0),
        (120, "platt", 100),
        (600, "beta", 50),
        (4_000, "beta", 10),
    ],
)
def test_method_and_rounding_follow_the_smaller_class(count, method, step) -> None:
    found = calibrated(count)
    assert (found.method, found.shown_step) == (method, step)


def test_too_few_customers_get_no_thresholds() -> None:
    assert calibrated(12) == Calibration(method="none", grade_cuts=CUTS)


@pytest.mark.parametrize("count", [40, 120, 600, 4_000])
def test_bounds_enclose_the_fit_and_ascend(count: int) -> None:
    found = calibrated(count)
    steps = np.arange(1000)
    assert np.all(np.diff(found.thresholds) >= 0)
    assert np.all(np.array(found.low) <= steps)
    assert np.all(np.array(found.high) >= steps)
    assert np.all(np.diff(found.low) >= 0)
    assert np.all(np.diff(found.high) >= 0)


@pytest.mark.parametrize("sharpness", [0.5, 2.0])
def test_too_flat_and_too_sharp_scores_are_set_right(sharpness: float) -> None:
    found = calibrated(4_000, sharpness=sharpness)
    for truth in (-1.0, 0.0, 1.0):
        fit = found.step(round(1000 * truth * sharpness)) / 1000
        assert fit == pytest.approx(sigmoid(np.array([truth]))[0], abs=0.04)


def test_few_customers_never_sharpen_a_score() -> None:
    found = calibrated(40, sharpness=0.3)
    assert found.step(2000) / 1000 <= sigmoid(np.array([2.0]))[0] + 0.02


@pytest.mark.parametrize("break_even", [0.1, 0.35, 0.5, 0.8])
def test_grade_b_starts_where_pursuing_pays(break_even: float) -> None:
    a, b, c = grade_cuts(break_even)
    assert b == round(1000 * break_even)
    assert c < b < a < 1000


def test_a_tenth_that_is_never_reached_has_a_margin_that_no_account_has() -> None:
    told = np.tile(np.linspace(-6, 6, 99), 2)
    positive = np.arange(198) < 99
    found = calibrate(told, positive, told, np.tile(told, (5, 1)), cuts=CUTS)
    assert found.step(30_000) < 900
    assert found.thresholds[-1] > 10**9


def test_bounds_hold_what_the_curve_itself_does_not_know() -> None:
    few, many = (
        calibrate(told, positive, told, np.tile(told, (80, 1)), cuts=CUTS)
        for told, positive in (held_out(240), held_out(24_000))
    )
    middle = 500
    assert few.high[middle] - few.low[middle] > 100
    assert many.high[middle] - many.low[middle] < 30


def held_out(count: int):
    draw = np.random.default_rng(4)
    truth = draw.normal(0, 1.5, count)
    return truth, draw.random(count) < sigmoid(truth)


def test_one_letter_only_where_the_interval_allows_it() -> None:
    steps = np.arange(1000)
    narrow = Calibration(
        method="beta",
        thresholds=tuple(range(999)),
        low=tuple(np.maximum(steps - 50, 0).tolist()),
        high=tuple(np.minimum(steps + 50, 999).tolist()),
    )
    wide = narrow.model_copy(update={"low": (100,) * 1000, "high": (900,) * 1000})
    assert {narrow.grades[i] for i in (100, 400, 600, 900)} == {"A", "B", "C", "D"}
    assert set(wide.grades) == {"A-D"}


def naive_curve(found: Calibration, margins: np.ndarray) -> np.ndarray:
    return np.array([sum(t <= m for t in found.thresholds) for m in margins]) / 1000


@pytest.mark.parametrize("count", [40, 120, 600])
def test_the_step_is_how_many_thresholds_are_reached(count: int) -> None:
    found = calibrated(count)
    margins = np.array([-40_000, -900, 0, 1, 900, 40_000])
    steps = [found.step(int(m)) / 1000 for m in margins]
    assert steps == naive_curve(found, margins).tolist()


def test_the_beta_curve_equals_a_general_optimiser() -> None:
    draw = np.random.default_rng(1)
    told = draw.normal(0, 2, 3_000)
    positive = draw.random(3_000) < sigmoid(0.7 * told + 0.4)
    found = calibrate(told, positive, told, np.tile(told, (5, 1)), cuts=CUTS)
    terms = np.column_stack([np.log(sigmoid(told)), -np.log(sigmoid(-told))])

    def loss(p):
        logit = terms @ p[:2] + p[2]
        belief = 20 / 2 * ((p - [1.0, 1.0, 0.0]) ** 2).sum()
        return np.logaddexp(0, np.where(positive, -logit, logit)).sum() + belief

    a, b, c = minimize(loss, [1.0, 1.0, 0.0], method="Nelder-Mead").x
    for margin in np.array([-3.0, -1.0, 0.0, 2.0]):
        logit = a * np.log(sigmoid(margin)) - b * np.log(sigmoid(-margin)) + c
        fit = found.step(round(1000 * margin)) / 1000
        assert fit == pytest.approx(sigmoid(logit), abs=0.005)


def test_no_refits_give_no_thresholds() -> None:
    told = np.linspace(-1, 1, 60)
    none = np.empty((0, 60))
    found = calibrate(told, np.arange(60) % 2 == 0, told, none, cuts=CUTS)
    assert found == Calibration(method="none", grade_cuts=CUTS)


def test_wider_refits_give_wider_bounds() -> None:
    draw = np.random.default_rng(2)
    told = draw.normal(0, 1.5, 400)
    positive = draw.random(400) < sigmoid(told)
    narrow, wide = (
        calibrate(
            told, positive, told, told + draw.normal(0, spread, (60, 1)), cuts=CUTS
        )
        for spread in (0.1, 1.0)
    )
    width = np.array(wide.high) - np.array(wide.low)
    assert (width >= np.array(narrow.high) - np.array(narrow.low))[100:900].all()


@pytest.mark.parametrize("count", [40, 120, 600])
def test_the_same_numbers_give_the_same_calibration(count: int) -> None:
    assert calibrated(count) == calibrated(count)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_mean_fit_is_the_share_of_best(share: float) -> None:
    draw = np.random.default_rng(3)
    told = draw.normal(0, 1, 4_000)
    positive = draw.random(4_000) < sigmoid(told + np.log(share / (1 - share)))
    found = calibrate(told, positive, told, np.tile(told, (5, 1)), cuts=CUTS)
    fits = [found.step(round(1000 * margin)) / 1000 for margin in told]
    assert np.mean(fits) == pytest.approx(positive.mean(), abs=0.01)
