from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from planted import closed_customers

from icp.learn.cells import build_cells, draft_tables
from icp.learn.contrast import (
    Setting,
    _design,
    _penalties,
    bases,
    cross_fit,
    fit_contrast,
    folds_of,
    refit_logits,
)
from icp.schema import AccountSchema
from icp.stats import auc, sigmoid


def prepared(frame: pl.DataFrame):
    schema = AccountSchema.infer(
        frame, roles={"account_id": "identifier", "outcome": "outcome"}
    )
    best = (frame["outcome"] == "best").to_numpy()
    drafts = draft_tables(frame, schema, min_level=4, max_levels=50)
    cells = build_cells(frame, drafts, best.astype(np.int8))
    nothing = np.zeros(len(cells.tables), dtype=bool)
    return cells, np.arange(frame.height), best[cells.rows], nothing


def crossed(frame: pl.DataFrame, groups=None, seed: int = 0):
    cells, rows, positive, nothing = prepared(frame)
    return cross_fit(
        cells,
        rows,
        positive,
        rows if groups is None else groups[cells.rows],
        missing_counts=nothing,
        folds=5,
        seed=seed,
        progress=lambda share: None,
    ), positive


def test_an_average_account_gets_nothing_from_an_attribute() -> None:
    cells, rows, positive, nothing = prepared(closed_customers(200))
    contrast = fit_contrast(
        cells, rows, positive, Setting(3.0, 1.0), missing_counts=nothing
    )
    for j, points in enumerate(contrast.points):
        known = cells.codes[:, j] > 1
        assert points[cells.codes[known, j]].mean() == pytest.approx(0, abs=1e-9)
        assert points[:2].tolist() == [0.0, 0.0]


def test_tables_sum_to_the_logits() -> None:
    cells, rows, positive, nothing = prepared(closed_customers(200))
    contrast = fit_contrast(
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


def test_a_planted_signal_is_found_on_customers_held_out() -> None:
    cross, positive = crossed(closed_customers(400))
    assert cross.setting is not None
    assert auc(cross.logits, positive) > 0.72


def test_nothing_separates_when_nothing_does() -> None:
    found = [
        crossed(closed_customers(120, seed=seed, strength=0.0), seed=seed)[0].setting
        for seed in range(20)
    ]
    assert sum(setting is not None for setting in found) <= 3


def test_copies_of_customers_do_not_make_a_signal() -> None:
    frame = closed_customers(60, strength=0.0)
    noise = frame.with_columns(size=pl.Series(np.random.default_rng(5).normal(size=60)))
    copied = pl.concat([noise] * 6)
    groups = np.tile(np.arange(60), 6)
    cross, positive = crossed(copied, groups)
    assert cross.setting is None
    assert auc(cross.logits, positive) < 0.65


def test_folds_keep_groups_whole_and_balanced() -> None:
    draw = np.random.default_rng(2)
    groups = draw.integers(60, size=300)
    _, groups = np.unique(groups, return_inverse=True)
    positive = draw.random(300) < 0.3
    fold = folds_of(groups, positive, folds=5, seed=1)
    assert all(len(set(fold[groups == g])) == 1 for g in range(groups.max() + 1))
    sizes = np.bincount(fold)
    assert sizes.min() > 30
    assert sizes.max() < 90


def test_refits_scatter_as_the_posterior_does() -> None:
    cells, rows, positive, nothing = prepared(closed_customers(300))
    setting = Setting(10.0, 0.0)
    logits = refit_logits(
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
    fitted = fit_contrast(cells, rows, positive, setting, missing_counts=nothing)
    chance = sigmoid(fitted.logits(cells.codes))
    penalties = np.array([1e-9, *_penalties(cells, tables, setting)])
    curvature = (design * (chance * (1 - chance))[:, None]).T @ design
    covariance = np.linalg.inv(curvature + np.diag(penalties))
    wanted = np.sqrt(np.einsum("ij,jk,ik->i", design, covariance, design))
    assert logits.std(axis=0).mean() == pytest.approx(wanted.mean(), rel=0.15)


def test_missing_is_never_the_best_nor_the_worst_of_a_column() -> None:
    frame = closed_customers(400)
    best = (frame["outcome"] == "best").to_numpy()
    blank = np.random.default_rng(0).random(400) < np.where(best, 0.5, 0.2)
    hidden = frame.with_columns(
        colour=pl.when(pl.Series(~blank)).then("colour"),
        partner=pl.when(pl.Series(~blank)).then("partner"),
    )
    cells, rows, positive, nothing = prepared(hidden)
    contrast = fit_contrast(
        cells, rows, positive, Setting(1.0, 1.0), missing_counts=~nothing
    )
    for points in contrast.points:
        assert points[2:].min() <= points[:2].min()
        assert points[:2].max() <= points[2:].max()


def test_refits_scatter_around_the_fit() -> None:
    cells, rows, positive, nothing = prepared(closed_customers(300))
    setting = Setting(3.0, 0.3)
    fitted = fit_contrast(cells, rows, positive, setting, missing_counts=nothing)
    logits = refit_logits(
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
