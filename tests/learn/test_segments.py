from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from planted import segmented_customers

from icp.learn.cells import build_cells, draft_tables
from icp.learn.segments import (
    _coarse,
    _falls_apart,
    _one_hot,
    _overlap,
    _shuffled,
    split_into_segments,
)
from icp.schema import AccountSchema


def split(frame: pl.DataFrame, **options):
    drafts = draft_tables(frame, AccountSchema.infer(frame), min_level=3, max_levels=50)
    cells = build_cells(frame, drafts, np.ones(frame.height, dtype=np.int8))
    result = split_into_segments(
        cells,
        np.arange(frame.height),
        noun="best customers",
        **{"max_segments": 6, "prior": 4.0, "seed": 0, **options},
        progress=lambda share: None,
    )
    members = np.empty(frame.height, dtype=int)
    members[cells.rows] = result.members
    return result, members


def same_pairs(a: np.ndarray, b: np.ndarray) -> float:
    together_a, together_b = a[:, None] == a, b[:, None] == b
    return float((together_a == together_b).mean())


def independent(count: int, seed: int) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "size": np.exp(draw.normal(4, 1, count)),
            "age": draw.normal(20, 5, count),
            "industry": draw.choice(list("abcd"), count, p=[0.5, 0.2, 0.2, 0.1]),
            "region": draw.choice(list("xyz"), count),
        }
    )


@pytest.mark.parametrize("segments", [2, 3])
def test_planted_segments_are_found(segments: int) -> None:
    frame, truth = segmented_customers(240, segments=segments)
    result, members = split(frame)
    assert result.count == segments
    assert same_pairs(truth, members) > 0.9
    assert result.note == f"{segments} segments of best customers are supported."


@pytest.mark.parametrize("count", [30, 60, 120])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_segments_are_invented(count: int, seed: int) -> None:
    result, members = split(independent(count, seed))
    assert result.count == 1
    assert set(members) == {0}


def test_fewer_than_thirty_are_never_split() -> None:
    frame, _ = segmented_customers(29, segments=2)
    result, _ = split(frame)
    assert result.count == 1
    assert "29 best customers are too few" in result.note


def test_segments_are_numbered_from_the_largest() -> None:
    frame, _ = segmented_customers(300, segments=3, seed=4)
    result, _ = split(frame)
    sizes = np.bincount(result.members)
    assert list(sizes) == sorted(sizes, reverse=True)


def test_the_most_segments_asked_for_is_respected() -> None:
    frame, _ = segmented_customers(240, segments=3)
    result, _ = split(frame, max_segments=1)
    assert result.count == 1


def test_row_order_does_not_change_who_belongs_together() -> None:
    frame, _ = segmented_customers(200, segments=2, seed=7)
    order = np.random.default_rng(0).permutation(200)
    _, members = split(frame)
    _, shuffled = split(frame[order])
    assert list(shuffled) == list(members[order])


def test_columns_that_never_vary_do_not_hinder() -> None:
    frame, _ = segmented_customers(200, segments=2)
    result, _ = split(
        frame.with_columns(same=pl.lit("x"), empty=pl.lit(None, pl.String))
    )
    assert result.count == 2


def cells_of(codes: np.ndarray) -> np.ndarray:
    frame = pl.DataFrame({"size": codes.astype(float)})
    return build_cells(
        frame,
        draft_tables(frame, AccountSchema.infer(frame), min_level=1, max_levels=9),
        np.zeros(len(codes), dtype=np.int8),
    ).codes[:, 0]


@pytest.mark.parametrize(("count", "most"), [(120, 3), (600, 4), (2_000, 6)])
def test_number_cells_are_coarser_with_few_customers(count: int, most: int) -> None:
    draw = np.random.default_rng(0)
    coarse = _coarse(cells_of(draw.permutation(count)))
    assert len(np.unique(coarse)) == most
    sizes = np.bincount(coarse)[2:]
    assert sizes.max() <= 1.6 * sizes.min()


def test_coarse_cells_keep_order_and_missing() -> None:
    codes = np.array([0, 1, 2, 3, 4, 5, 6, 7, 2, 7], dtype=np.int32)
    coarse = _coarse(codes)
    assert coarse[:2].tolist() == [0, 0]
    assert np.all(np.diff(coarse[2:8]) >= 0)
    assert coarse[8] == coarse[2]
    assert coarse[9] == coarse[7]


@pytest.mark.parametrize(
    ("members", "others", "wanted"),
    [
        ([0, 0, 1, 1], [1, 1, 0, 0], [1.0, 1.0]),
        ([0, 0, 1, 1], [0, 1, 1, 1], [0.5, 2 / 3]),
        ([0, 0, 1, 1], [0, 0, 0, 0], [0.5, 0.5]),
    ],
)
def test_overlap_is_the_best_jaccard_index(members, others, wanted) -> None:
    found = _overlap(np.array(members), np.array(others), 2)
    assert found.tolist() == pytest.approx(wanted)


@pytest.mark.parametrize(("lost", "apart"), [(3, False), (4, True)])
def test_a_segment_falls_apart_when_lost_in_over_a_tenth(lost, apart) -> None:
    stable = np.ones((30, 2))
    stable[:lost, 1] = 0.5
    assert _falls_apart(stable) is apart


def test_shuffling_keeps_margins_and_missing_and_breaks_the_rest() -> None:
    frame, _ = segmented_customers(200, segments=2)
    hidden = frame.with_columns(
        pl.when(pl.int_range(200) % 5 == 0).then(None).otherwise("c0").alias("c0")
    )
    drafts = draft_tables(
        hidden, AccountSchema.infer(hidden), min_level=3, max_levels=50
    )
    cells = build_cells(hidden, drafts, np.ones(200, dtype=np.int8))
    data = _one_hot(cells, np.arange(200), 4.0)
    mixed = _shuffled(data, np.random.default_rng(0))
    assert mixed.rows.sum(axis=0).tolist() == data.rows.sum(axis=0).tolist()
    held = np.add.reduceat(mixed.rows, data.starts, axis=1)
    assert held.max() == 1
    assert held[:, 0].sum() == 160
    assert (mixed.rows != data.rows).any()


def test_one_hot_leaves_out_what_never_varies_and_what_is_not_known() -> None:
    frame = pl.DataFrame(
        {"one": ["a", "b", None, "a"], "same": ["x"] * 4, "size": [1.0, 2.0, 3.0, 4.0]}
    )
    drafts = draft_tables(frame, AccountSchema.infer(frame), min_level=1, max_levels=9)
    cells = build_cells(frame, drafts, np.zeros(4, dtype=np.int8))
    data = _one_hot(cells, np.arange(4), 2.0)
    assert data.rows.shape == (4, 5)
    assert data.starts.tolist() == [0, 2]
    assert np.add.reduceat(data.prior, data.starts).tolist() == pytest.approx([2, 2])
    assert sorted(data.rows[:, :2].sum(axis=1).tolist()) == [0, 1, 1, 1]


def test_a_tiny_group_is_no_segment() -> None:
    frame, _ = segmented_customers(200, segments=1)
    odd = pl.DataFrame({column: ["other"] * 5 for column in frame.columns})
    result, _ = split(pl.concat([frame, odd]))
    assert result.count == 1


def test_segments_are_found_among_many_by_looking_at_a_part() -> None:
    frame, truth = segmented_customers(2_300, segments=2, columns=4, seed=3)
    result, members = split(frame, max_segments=2)
    assert result.count == 2
    assert same_pairs(truth[:500], members[:500]) > 0.9


def test_progress_rises_within_its_part() -> None:
    told: list[float] = []
    frame, _ = segmented_customers(120, segments=2)
    drafts = draft_tables(frame, AccountSchema.infer(frame), min_level=3, max_levels=50)
    cells = build_cells(frame, drafts, np.ones(120, dtype=np.int8))
    split_into_segments(
        cells,
        np.arange(120),
        noun="best customers",
        max_segments=3,
        prior=4.0,
        seed=0,
        progress=told.append,
    )
    assert told == sorted(told)
    assert 0 < told[0] <= told[-1] <= 1
