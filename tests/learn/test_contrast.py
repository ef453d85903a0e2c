from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest
from generators.planted import closed_customers, prepared

from icp.learn.contrast import (
    CrossFit,
    cross_fit,
    fit_contrast,
    folds_of,
    refit_logits,
)
from icp.stats import auc


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


def test_a_planted_signal_is_found_on_customers_held_out() -> None:
    cross, positive = crossed(closed_customers(400))
    assert cross.separates
    assert auc(cross.logits, positive) > 0.72


def test_nothing_separates_when_nothing_does() -> None:
    found = [
        crossed(closed_customers(120, seed=seed, strength=0.0), seed=seed)[0].separates
        for seed in range(20)
    ]
    assert sum(found) <= 3


def test_copies_of_customers_do_not_make_a_signal() -> None:
    frame = closed_customers(60, strength=0.0)
    noise = frame.with_columns(size=pl.Series(np.random.default_rng(5).normal(size=60)))
    copied = pl.concat([noise] * 6)
    groups = np.tile(np.arange(60), 6)
    cross, positive = crossed(copied, groups)
    assert not cross.separates
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


def fitted(frame: pl.DataFrame, chosen: CrossFit):
    cells, rows, positive, nothing = prepared(frame)
    fit = fit_contrast(cells, rows, positive, chosen, missing_counts=nothing, seed=0)
    return fit, cells


def test_the_base_rate_alone_where_nothing_helps() -> None:
    frame = closed_customers(60)
    chosen, positive = crossed(frame)
    fit, _ = fitted(frame, dataclasses.replace(chosen, settings=()))
    odds = (positive.sum() + 0.5) / ((~positive).sum() + 0.5)
    assert fit.base == pytest.approx(np.log(odds))
    assert not any(points.any() for points in fit.points)
    assert fit.pairs == ()


def test_tables_and_pairs_sum_to_the_logits() -> None:
    frame = closed_customers(400)
    fit, cells = fitted(frame, crossed(frame)[0])
    assert fit.pairs
    one = cells.codes[7]
    alone = sum(p[c] for p, c in zip(fit.points, one, strict=True))
    both = sum(p.points[one[p.first], one[p.second]] for p in fit.pairs)
    assert fit.logits(cells.codes)[7] == pytest.approx(fit.base + alone + both)


def test_one_pair_for_every_ten_customers_at_most() -> None:
    frame = closed_customers(30)
    assert len(fitted(frame, crossed(frame)[0])[0].pairs) <= 3


def test_strengths_are_averaged_the_one_that_counts_most_first() -> None:
    chosen, _ = crossed(closed_customers(60))
    weights = [weight for _, weight in chosen.settings]
    assert len(weights) > 1
    assert weights == sorted(weights, reverse=True)
    assert sum(weights) == pytest.approx(1)


def test_the_smooth_part_is_the_mean_of_its_strengths() -> None:
    frame = closed_customers(60)
    cells = prepared(frame)[0]
    chosen, _ = crossed(frame)
    alone = dataclasses.replace(chosen, share=1.0)
    one, two = (
        fitted(frame, dataclasses.replace(alone, settings=((setting, 1.0),)))[0]
        for setting, _ in chosen.settings[:2]
    )
    half = tuple((setting, 0.5) for setting, _ in chosen.settings[:2])
    both, _ = fitted(frame, dataclasses.replace(alone, settings=half))
    mean = (one.logits(cells.codes) + two.logits(cells.codes)) / 2
    assert both.logits(cells.codes) == pytest.approx(mean)


def test_the_parts_are_shared_between_one_and_nineteen_twentieths() -> None:
    chosen, _ = crossed(closed_customers(200))
    assert 0.05 <= chosen.share <= 0.95


def test_exchanging_the_outcomes_turns_every_value_round() -> None:
    frame = closed_customers(320)
    other = {"best": "regrettable", "regrettable": "best"}
    swapped = frame.with_columns(pl.col("outcome").replace(other))
    one, _ = fitted(frame, crossed(frame)[0])
    two, _ = fitted(swapped, crossed(swapped)[0])
    assert one.base == pytest.approx(-two.base, abs=1e-9)
    for mine, theirs in zip(one.points, two.points, strict=True):
        assert mine[2:] == pytest.approx(-theirs[2:], abs=1e-9)
    for mine, theirs in zip(one.pairs, two.pairs, strict=True):
        assert mine[:2] == theirs[:2]
        known = mine.points[2:, 2:]
        assert known == pytest.approx(-theirs.points[2:, 2:], abs=1e-9)


def test_refits_lie_around_the_whole() -> None:
    frame = closed_customers(200)
    cells, rows, positive, nothing = prepared(frame)
    chosen, _ = crossed(frame)
    fit, _ = fitted(frame, chosen)
    logits = refit_logits(
        cells,
        rows,
        positive,
        rows,
        chosen.settings[0][0],
        fit,
        missing_counts=nothing,
        refits=40,
        seed=0,
        progress=lambda share: None,
    )
    assert logits.shape == (40, 200)
    shift = logits.mean(axis=0) - fit.logits(cells.codes)
    assert np.abs(shift).mean() < 0.2
