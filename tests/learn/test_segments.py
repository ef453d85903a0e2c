from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from planted import segmented_customers

from icp.learn.cells import build_cells, draft_tables
from icp.learn.segments import split_into_segments
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
