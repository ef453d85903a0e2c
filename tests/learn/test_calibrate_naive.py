"""Calibration beside loops that do the same step by step."""

from __future__ import annotations

from math import exp, floor, log1p
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.optimize import minimize

from icp.learn.calibrate import calibrate

if TYPE_CHECKING:
    from icp.profile import Calibration

CUTS = (750, 500, 250)
LEAST = {"slope": [0.05], "platt": [0.05, -5.0], "beta": [0.05, 0.05, -5.0]}
UNCHANGED = {"slope": [1.0], "platt": [1.0, 0.0], "beta": [1.0, 1.0, 0.0]}


def customers(
    count: int, *, share: float = 0.5, seed: int = 0
) -> tuple[np.ndarray, ...]:
    """Held-out log-odds, outcomes, fitted log-odds, and refits that fan out."""
    draw = np.random.default_rng(seed)
    held_out = draw.normal(0.4, 1.2, count)
    positive = np.arange(count) < round(share * count)
    positive = positive[np.argsort(-held_out + draw.normal(0, 1.5, count)).argsort()]
    fitted = 1.1 * held_out + draw.normal(0, 0.2, count)
    fan = draw.normal(0.1, 0.2, (40, 1)) * (1 + np.abs(fitted))
    return held_out, positive, fitted, fitted + fan


def calibrated(count: int, **options: Any) -> Calibration:
    return calibrate(*customers(count, **options), cuts=CUTS)


def terms(method: str, x: float, centre: float) -> tuple[list[float], float]:
    """What the weights are multiplied with, and what is added."""
    if method == "slope":
        return [x - centre], centre
    if method == "platt":
        return [x, 1.0], 0.0
    return [-log1p(exp(-x)), log1p(exp(x)), 1.0], 0.0


def told(method: str, weights: np.ndarray, x: float, centre: float) -> float:
    parts, plus = terms(method, x, centre)
    return float(sum(w * p for w, p in zip(weights, parts, strict=True)) + plus)


def chance(logit: float) -> float:
    return 1 / (1 + exp(-logit))


def naive_weights(
    method: str, held_out: np.ndarray, positive: np.ndarray
) -> np.ndarray:
    centre = float(np.mean(held_out))

    def loss(weights: np.ndarray) -> float:
        total = 10.0 * ((weights - np.array(UNCHANGED[method])) ** 2).sum()
        for x, best in zip(held_out, positive, strict=True):
            logit = told(method, weights, x, centre)
            total += log1p(exp(-logit if best else logit))
        return float(total)

    highest = [1.0] if method == "slope" else [3.0] * (len(LEAST[method]) - 1) + [5.0]
    bounds = list(zip(LEAST[method], highest, strict=True))
    found = minimize(
        loss, UNCHANGED[method], bounds=bounds, method="Nelder-Mead", tol=1e-9
    )
    return np.asarray(found.x)


@pytest.mark.parametrize(
    ("best", "bad", "method", "step"),
    [
        (9, 60, "none", 0),
        (60, 9, "none", 0),
        (10, 60, "slope", 0),
        (60, 10, "slope", 0),
        (29, 400, "slope", 0),
        (400, 29, "slope", 0),
        (30, 400, "platt", 100),
        (400, 30, "platt", 100),
        (99, 100, "platt", 100),
        (100, 100, "beta", 50),
        (100, 999, "beta", 50),
        (999, 1000, "beta", 50),
        (1000, 1000, "beta", 10),
    ],
)
def test_the_smaller_outcome_decides(
    best: int, bad: int, method: str, step: int
) -> None:
    found = calibrated(best + bad, share=best / (best + bad))
    assert (found.method, found.shown_step) == (method, step)


CASES = [(24, 0.5), (70, 0.2), (130, 0.6), (300, 0.5)]


@pytest.mark.parametrize(("count", "share"), CASES)
def test_the_curve_is_the_likeliest_with_its_belief(count: int, share: float) -> None:
    held_out, positive, *_ = customers(count, share=share)
    found = calibrated(count, share=share)
    weights = naive_weights(found.method, held_out, positive)
    centre = float(held_out.mean())
    for margin in range(-4000, 4001, 250):
        fit = chance(told(found.method, weights, margin / 1000, centre))
        assert found.step(margin) == pytest.approx(floor(1000 * fit), abs=1)


@pytest.mark.parametrize(("count", "share"), CASES)
def test_a_threshold_is_the_least_margin_of_its_step(count: int, share: float) -> None:
    found = calibrated(count, share=share)
    for step, threshold in enumerate(found.thresholds, start=1):
        assert found.step(threshold) >= step > found.step(threshold - 1)


def naive_bounds(
    count: int, share: float, found: Calibration
) -> tuple[list[float], list[float]]:
    held_out, positive, fitted, refitted = customers(count, share=share)
    method, centre = found.method, float(np.mean(held_out))
    weights = naive_weights(method, held_out, positive)
    curvature = 20.0 * np.eye(len(weights))
    for x in held_out:
        part = np.array(terms(method, x, centre)[0])
        p = chance(told(method, weights, x, centre))
        curvature += p * (1 - p) * np.outer(part, part)
    drawn = np.random.default_rng(len(refitted)).multivariate_normal(
        np.zeros(len(weights)), np.linalg.inv(curvature), size=len(refitted)
    )
    curves = np.maximum(weights + drawn, LEAST[method])
    order = sorted(range(count), key=lambda row: fitted[row])
    bands = np.array_split(order, min(12, count // 5))
    middles, lower, upper = [], [], []
    for band in bands:
        away = [
            told(method, curve, refit[row], centre)
            - told(method, weights, fitted[row], centre)
            for curve, refit in zip(curves, refitted, strict=True)
            for row in band
        ]
        middles.append(np.mean([fitted[row] for row in band]))
        lower.append(np.quantile(away, 0.05))
        upper.append(np.quantile(away, 0.95))
    low: list[float] = []
    high: list[float] = []
    for step in range(1000):
        margin = found.thresholds[max(0, step - 1)] / 1000
        logit = told(method, weights, margin, centre)
        down = logit + np.interp(margin, middles, lower)
        up = logit + np.interp(margin, middles, upper)
        low.append(max([1000 * chance(down), *low[-1:]]))
        high.append(max([1000 * chance(up), *high[-1:]]))
    lows = [min(bound, step) for step, bound in enumerate(low)]
    return lows, [max(bound, min(step + 1, 1000)) for step, bound in enumerate(high)]


@pytest.mark.parametrize(("count", "share"), CASES)
def test_bounds_are_quantiles_of_how_far_refits_lie(count: int, share: float) -> None:
    found = calibrated(count, share=share)
    low, high = naive_bounds(count, share, found)
    reached = [t < 20_000 for t in (found.thresholds[0], *found.thresholds)]
    for step in np.flatnonzero(reached).tolist():
        assert found.low[step] == pytest.approx(low[step], abs=1.6)
        assert found.high[step] == pytest.approx(high[step], abs=1.6)


@pytest.mark.parametrize("factor", [-1.0, 0.1])
@pytest.mark.parametrize(("count", "share"), [(24, 0.5), (130, 0.5), (900, 0.5)])
def test_a_curve_neither_falls_nor_gets_too_steep(
    count: int, share: float, factor: float
) -> None:
    held_out, positive, fitted, refitted = customers(count, share=share)
    held_out = factor * held_out
    found = calibrate(held_out, positive, fitted, refitted, cuts=CUTS)
    weights = naive_weights(found.method, held_out, positive)
    slopes = weights if found.method == "slope" else weights[:-1]
    assert all(0.05 <= slope <= 3 for slope in slopes)
    for margin in range(-9000, 9001, 1000):
        logit = told(found.method, weights, margin / 1000, float(held_out.mean()))
        assert found.step(margin) == pytest.approx(floor(1000 * chance(logit)), abs=1)
