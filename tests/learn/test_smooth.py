from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from generators.planted import closed_customers, prepared

from icp.learn.boosting import cap_unknown
from icp.learn.contrast import (
    Setting,
    _design,
    _penalties,
    bases,
    fit_smooth,
    refit_smooth,
)
from icp.stats import sigmoid


def test_an_average_account_gets_nothing_from_an_attribute() -> None:
    cells, rows, positive, nothing = prepared(closed_customers(200))
    contrast = fit_smooth(
        cells, rows, positive, Setting(3.0, 1.0), missing_counts=nothing
    )
    for j, points in enumerate(contrast.points):
        known = cells.codes[:, j] > 1
        assert points[cells.codes[known, j]].mean() == pytest.approx(0, abs=1e-9)
        assert points[:2].tolist() == [0.0, 0.0]


def test_tables_sum_to_the_logits() -> None:
    cells, rows, positive, nothing = prepared(closed_customers(200))
    contrast = fit_smooth(
        cells, rows, positive, Setting(3.0, 1.0), missing_counts=nothing
    )
    one = cells.codes[7]
    by_hand = contrast.base + sum(
        p[c] for p, c in zip(contrast.points, one, strict=True)
    )
    assert contrast.logits(cells.codes)[7] == pytest.approx(by_hand)


def test_missing_counts_only_where_it_is_said_to() -> None:
    cells, rows, _, nothing = prepared(closed_customers(300))
    place = [t.name for t in cells.tables].index("employees")
    informative = nothing.copy()
    informative[place] = True
    tables = bases(cells, rows, informative)
    assert (tables[place][0] != 0).any()
    assert all((t[0] == 0).all() for j, t in enumerate(tables) if j != place)


def test_refits_scatter_as_the_posterior_does() -> None:
    cells, rows, positive, nothing = prepared(closed_customers(300))
    setting = Setting(10.0, 0.0)
    logits = refit_smooth(
        cells,
        rows,
        positive,
        rows,
        setting,
        missing_counts=nothing,
        refits=300,
        seed=0,
        progress=lambda share: None,
    )
    tables = bases(cells, rows, nothing)
    design = np.column_stack([np.ones(300), _design(tables, cells.codes)])
    fitted = fit_smooth(cells, rows, positive, setting, missing_counts=nothing)
    chance = sigmoid(fitted.logits(cells.codes))
    penalties = np.array([1e-9, *_penalties(cells, tables, setting)])
    curvature = (design * (chance * (1 - chance))[:, None]).T @ design
    covariance = np.linalg.inv(curvature + np.diag(penalties))
    wanted = np.sqrt(np.einsum("ij,jk,ik->i", design, covariance, design))
    assert logits.std(axis=0).mean() == pytest.approx(wanted.mean(), rel=0.15)


def test_missing_is_never_the_best_of_a_column() -> None:
    frame = closed_customers(400)
    best = (frame["outcome"] == "best").to_numpy()
    blank = np.random.default_rng(0).random(400) < np.where(best, 0.5, 0.2)
    hidden = frame.with_columns(
        colour=pl.when(pl.Series(~blank)).then("colour"),
        partner=pl.when(pl.Series(~blank)).then("partner"),
    )
    cells, rows, positive, nothing = prepared(hidden)
    setting = Setting(1.0, 1.0)
    fitted = fit_smooth(cells, rows, positive, setting, missing_counts=~nothing)
    contrast = cap_unknown(fitted)
    for points in contrast.points:
        assert points[:2].max() <= points[2:].max()


def test_refits_scatter_around_the_fit() -> None:
    cells, rows, positive, nothing = prepared(closed_customers(300))
    setting = Setting(3.0, 0.3)
    fitted = fit_smooth(cells, rows, positive, setting, missing_counts=nothing)
    logits = refit_smooth(
        cells,
        rows,
        positive,
        rows,
        setting,
        missing_counts=nothing,
        refits=40,
        seed=0,
        progress=lambda share: None,
    )
    assert logits.shape == (40, 300)
    shift = sigmoid(logits).mean(axis=0) - sigmoid(fitted.logits(cells.codes))
    assert np.abs(shift).mean() < 0.03
