from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from generators.planted import segmented_customers

from icp.learn.cells import build_cells, draft_tables
from icp.learn.segments import (
    _falls_apart,
    _Gains,
    _overlap,
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


def sized(count: int, seed: int, *, alike: float = 0.5) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    size = draw.normal(size=(count, 1))
    own = draw.normal(size=(count, 6))
    values = np.exp(np.sqrt(alike) * size + np.sqrt(1 - alike) * own)
    return pl.DataFrame({f"n{j}": values[:, j] for j in range(6)})


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_numbers_that_rise_with_size_are_no_segments(seed: int) -> None:
    result, _ = split(sized(200, seed))
    assert result.count == 1
    assert result.note == "One segment describes the best customers best."


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_segments_two_deviations_apart_in_two_numbers_each_are_found(seed: int) -> None:
    draw = np.random.default_rng(seed)
    truth = draw.integers(3, size=150)
    values = draw.normal(size=(150, 6)) + 2 * (truth[:, None] == np.arange(6) % 3)
    result, members = split(pl.DataFrame(values, [f"n{j}" for j in range(6)]))
    assert result.count == 3
    assert same_pairs(truth, members) > 0.85


def test_customers_who_differ_in_nothing_known_are_one_segment() -> None:
    same = pl.DataFrame({"one": ["x"] * 40, "none": pl.Series([None] * 40, dtype=str)})
    result, members = split(same)
    assert result.count == 1
    assert set(members) == {0}
    assert result.note == "No known attribute varies among the best customers."


def gains(own: list[float], drawn: np.ndarray, together: float = 0.0) -> _Gains:
    return _Gains(np.array(own), together, drawn, np.zeros(len(drawn)))


def test_gaps_are_what_is_won_beyond_a_group() -> None:
    drawn = np.array([[10.0, 20.0], [12.0, 26.0], [14.0, 32.0]])
    found = gains([20.0, 28.0], drawn)
    gap, spread = found.gaps()
    assert gap.tolist() == [8.0, 2.0]
    assert spread.tolist() == [2.0, 6.0]
    assert found.best() == 4.0
    assert found.stand_out()
    assert not gains([14.0, 31.0], drawn).stand_out()


def test_what_correlated_numbers_explain_is_taken_out() -> None:
    draw = np.random.default_rng(0)
    together = draw.normal(100, 30, 19)
    noise = draw.normal(0, 1, (19, 2))
    drawn = 0.5 * together[:, None] + noise
    own = np.array([0.5 * 160 + 10, 0.5 * 160])
    plain = _Gains(own, 100.0, drawn, np.zeros(19))
    known = _Gains(own, 160.0, drawn, together)
    assert known.gaps()[0] == pytest.approx([10, 0], abs=2)
    assert known.best() > 3 * plain.best() > 0
    slope = np.polyfit(together, drawn[:, 0], 1)[0]
    wanted = own[0] - slope * (160 - together.mean()) - drawn[:, 0].mean()
    assert known.gaps()[0][0] == pytest.approx(wanted)
