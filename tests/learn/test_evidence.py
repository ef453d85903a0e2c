from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.learn.boosting import Boosting
from icp.learn.cells import build_cells, draft_tables
from icp.learn.contrast import CrossFit, Setting, cross_fit, folds_of
from icp.learn.evidence import attribute_evidence, each_alone, overall_evidence
from icp.schema import AccountSchema
from icp.stats import auc


def told(frame: pl.DataFrame, best: np.ndarray, *, folds: int = 5):
    drafts = draft_tables(frame, AccountSchema.infer(frame), min_level=1, max_levels=50)
    cells = build_cells(frame, drafts, best.astype(np.int8))
    rows, positive = np.arange(frame.height), best[cells.rows]
    fold = folds_of(rows, positive, folds=folds, seed=0)
    return cells, rows, positive, fold, each_alone(cells, rows, positive, fold)


def naive_alone(codes, positive, fold) -> float:
    """Held-out log-odds of each row's cell, by counting in loops."""
    scores = np.empty(len(codes))
    for row, code in enumerate(codes):
        others = [i for i in range(len(codes)) if fold[i] != fold[row]]
        best = sum(positive[i] for i in others) + 1
        bad = len(others) - best + 2
        own = [i for i in others if codes[i] == code]
        hits = sum(positive[i] for i in own)
        prior = best / (best + bad)
        scores[row] = np.log(hits + 2 * prior) - np.log(
            len(own) - hits + 2 * (1 - prior)
        )
    return auc(scores.round(9), positive)


rows = st.lists(
    st.tuples(st.sampled_from("abc"), st.booleans()), min_size=12, max_size=40
)


@settings(max_examples=40, deadline=None)
@given(rows)
def test_alone_is_ranking_by_the_others_odds(data) -> None:
    frame = pl.DataFrame({"one": [row[0] for row in data]})
    best = np.array([row[1] for row in data])
    cells, _, positive, fold, (alone,) = told(frame, best)
    wanted = naive_alone(cells.codes[:, 0], positive, fold)
    assert alone.auc == pytest.approx(wanted, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(rows)
def test_alone_is_the_same_with_the_outcomes_exchanged(data) -> None:
    frame = pl.DataFrame({"one": [row[0] for row in data]})
    best = np.array([row[1] for row in data])
    (one,), (other,) = told(frame, best)[-1], told(frame, ~best)[-1]
    if 2 * best.sum() != len(best):
        assert one.auc == other.auc
        assert one.best.tolist() == other.regrettable.tolist()


def test_counts_are_per_cell_code() -> None:
    frame = pl.DataFrame({"one": ["a", "a", "b", None, "a", "b"] * 2})
    best = np.array([1, 1, 0, 0, 0, 1] * 2, dtype=bool)
    *_, (alone,) = told(frame, best, folds=2)
    assert alone.best.tolist() == [0, 0, 4, 2]
    assert alone.regrettable.tolist() == [2, 0, 2, 2]


def test_being_missing_is_ranked_whichever_way_it_points() -> None:
    best = np.arange(40) % 2 == 0
    for filled in (best, ~best):
        values = [1.0 if f else None for f in filled]
        frame = pl.DataFrame({"one": values}, schema={"one": pl.Float64})
        *_, (alone,) = told(frame, best)
        assert alone.missing_auc == 1.0


def test_p_values_are_spread_evenly_where_there_is_nothing() -> None:
    draw = np.random.default_rng(0)
    found = []
    for _ in range(60):
        frame = pl.DataFrame({"one": draw.choice(list("abcd"), 60).tolist()})
        cells, rows, positive, _, alone = told(frame, draw.random(60) < 0.5)
        (one,) = attribute_evidence(cells, rows, positive, alone, seed=0)
        found.append(one.p_value)
    assert 0.3 < np.mean(found) < 0.7
    assert np.mean(np.array(found) < 0.1) < 0.25


def test_p_values_are_adjusted_for_how_many_were_tried() -> None:
    draw = np.random.default_rng(1)
    best = draw.random(120) < 0.5
    real = np.where(draw.random(120) < 0.8, best, ~best)
    noise = {f"n{i}": draw.choice(list("ab"), 120).tolist() for i in range(9)}
    frame = pl.DataFrame({"real": np.where(real, "x", "y").tolist(), **noise})
    cells, rows, positive, _, alone = told(frame, best)
    found = attribute_evidence(cells, rows, positive, alone, seed=0)
    p_value = {one.name: one.p_value for one in found}
    assert p_value["real"] == pytest.approx(10 / 401, abs=1e-6)
    assert min(p for name, p in p_value.items() if name != "real") > 0.05
    strongest = max(found, key=lambda one: one.information_value)
    assert strongest.name == "real"


def cross(logits: np.ndarray, *, separates: bool = True) -> CrossFit:
    return CrossFit(
        settings=((Setting(1.0, 0.0), 1.0),),
        boosting=Boosting(tails=(), cautious=False),
        share=0.5,
        separates=separates,
        rows=np.arange(len(logits)),
        logits=logits,
        groups=np.arange(len(logits)),
    )


@pytest.mark.parametrize(
    ("shift", "level"), [(0.3, "weak"), (1.0, "moderate"), (2.5, "strong")]
)
def test_how_far_apart_the_outcomes_are_gives_the_level(shift, level) -> None:
    draw = np.random.default_rng(2)
    positive = np.arange(2_000) % 2 == 0
    evidence = overall_evidence(cross(draw.normal(positive * shift)), positive)
    assert evidence.level == level
    assert evidence.auc_low < evidence.auc < evidence.auc_high


def test_what_is_not_beyond_chance_is_no_evidence_however_it_ranks() -> None:
    positive = np.arange(40) % 2 == 0
    evidence = overall_evidence(cross(positive * 2.0, separates=False), positive)
    assert (evidence.level, evidence.auc) == ("none", 1.0)


def test_losses_are_beside_those_of_knowing_nothing() -> None:
    positive = np.array([True, False, False, False] * 10)
    evidence = overall_evidence(cross(np.zeros(40)), positive)
    assert evidence.log_loss == pytest.approx(np.log(2), abs=1e-6)
    assert evidence.base_log_loss == pytest.approx(
        -(0.25 * np.log(0.25) + 0.75 * np.log(0.75)), abs=1e-6
    )
    assert evidence.brier == 0.25


def test_where_nothing_separates_the_interval_is_wider() -> None:
    draw = np.random.default_rng(3)
    logits = draw.normal(size=400)
    positive = np.arange(400) % 2 == 0
    told, doubted = (
        overall_evidence(cross(logits, separates=s), positive) for s in (True, False)
    )
    wider = (doubted.auc_high - doubted.auc_low) / (told.auc_high - told.auc_low)
    assert wider == pytest.approx(2**0.5 * (1 + 5 / 200), abs=1e-3)


def test_held_out_ranking_of_noise_stays_in_its_interval() -> None:
    held = []
    for seed in range(30):
        draw = np.random.default_rng(seed)
        positive = draw.random(160) < 0.5
        kinds = {f"c{i}": draw.choice(list("abc"), 160).tolist() for i in range(6)}
        cells, rows, best, _, _ = told(pl.DataFrame(kinds), positive)
        crossed = cross_fit(
            cells,
            rows,
            best,
            rows,
            missing_counts=np.zeros(6, dtype=bool),
            folds=5,
            seed=seed,
            progress=lambda share: None,
        )
        evidence = overall_evidence(crossed, best)
        held.append(evidence.auc_low <= 0.5 <= evidence.auc_high)
    assert np.mean(held) >= 0.8
