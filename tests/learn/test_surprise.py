from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.learn.cells import build_cells, draft_tables
from icp.learn.segments import Split
from icp.learn.surprise import (
    describe_segments,
    group_of,
    novelty,
    pooled_shares,
    pooled_surprises,
)
from icp.schema import AccountSchema


def cells_of(frame: pl.DataFrame):
    drafts = draft_tables(frame, AccountSchema.infer(frame), min_level=2, max_levels=50)
    return build_cells(frame, drafts, np.zeros(frame.height, dtype=np.int8))


def grouped(frame: pl.DataFrame, *, weight: int = 1000, prior: float = 4.0):
    cells = cells_of(frame)
    weights = np.full(len(cells.tables), weight)
    group = group_of(
        cells,
        np.arange(frame.height),
        shares=pooled_shares(cells),
        weights=weights,
        prior=prior,
    )
    return cells, group


frames = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", None]), st.one_of(st.none(), st.integers(0, 30))
    ),
    min_size=6,
    max_size=40,
).map(
    lambda rows: pl.DataFrame(
        rows, schema={"one": pl.String, "size": pl.Float64}, orient="row"
    )
)


@settings(max_examples=100)
@given(frames)
def test_surprises_are_from_zero_to_six_nats_and_the_typical_cell_is_zero(
    frame,
) -> None:
    _, group = grouped(frame)
    for surprise in group.surprises:
        assert surprise.min() >= 0
        assert surprise.max() <= 6000
        if len(surprise) > 2:
            assert surprise[2:].min() == 0


@settings(max_examples=100)
@given(frames)
def test_missing_is_neither_close_nor_far(frame) -> None:
    _, group = grouped(frame)
    for surprise in group.surprises:
        assert surprise[0] <= surprise.max()
        if surprise[2:].any():
            assert surprise[0] > 0


def test_never_seen_is_more_surprising_than_anything_seen() -> None:
    _, group = grouped(pl.DataFrame({"one": ["a"] * 30 + ["b"] * 10}))
    assert group.surprises[0][1] > group.surprises[0][2:].max()


def test_surprise_by_hand() -> None:
    cells, group = grouped(pl.DataFrame({"one": ["a"] * 3 + ["b"]}), prior=2.0)
    shares = pooled_shares(cells)[0]
    known = np.array([3.0, 1.0])
    chance = (known + 2 * shares[2:]) / (4 + 2)
    wanted = round(1000 * float(-np.log(chance[1]) + np.log(chance[0])))
    assert group.surprises[0].tolist()[2:] == [0, wanted]


def test_weight_scales_surprise() -> None:
    frame = pl.DataFrame({"one": ["a"] * 9 + ["b"] * 3})
    full, half = grouped(frame)[1], grouped(frame, weight=500)[1]
    assert half.surprises[0] == pytest.approx(full.surprises[0] / 2, abs=1)


def test_leaving_a_customer_out_makes_it_more_surprising() -> None:
    cells, group = grouped(pl.DataFrame({"one": ["a"] * 9 + ["b"] * 2 + ["c"] * 2}))
    own = group.distances(cells.codes, own=True)
    assert (own >= group.distances(cells.codes)).all()
    assert own.max() > group.distances(cells.codes).max()


def test_leave_one_out_equals_refitting_without_the_customer() -> None:
    frame = pl.DataFrame({"one": ["a"] * 6 + ["b"] * 3})
    cells, group = grouped(frame)
    shares = pooled_shares(cells)
    last = int(np.flatnonzero(cells.codes[:, 0] == 3)[0])
    others = np.delete(np.arange(9), last)
    without = group_of(
        cells, others, shares=shares, weights=np.array([1000]), prior=4.0
    )
    assert group.without_self[0][3] == without.surprises[0][3]


def test_segments_are_named_by_what_sets_them_apart() -> None:
    frame = pl.DataFrame(
        {
            "industry": ["Retail"] * 20 + ["Bank"] * 20,
            "region": (["north"] * 19 + ["south"]) + ["north"] * 20,
        }
    )
    cells = cells_of(frame)
    retail = next(t for t in cells.tables if t.name == "industry").cells.index("Retail")
    place = [t.name for t in cells.tables].index("industry")
    members = np.where(cells.codes[:, place] == 2 + retail, 0, 1)
    segments, groups = describe_segments(
        cells,
        np.arange(40),
        Split(members=members, count=2, note=""),
        "best",
        shares=pooled_shares(cells),
        weights=np.full(2, 1000),
        prior=4.0,
    )
    assert [s.name for s in segments] == ["Retail", "Bank"]
    assert [s.size for s in segments] == [20, 20]
    assert segments[0].traits == ("industry: Retail",)
    assert segments[0].shares[place][2 + retail] == 1000
    assert len(groups) == 2


def test_novelty_keeps_sorted_distances() -> None:
    frame = pl.DataFrame({"one": ["a"] * 20 + ["b"] * 4 + ["odd"]})
    cells = cells_of(frame)
    shares = pooled_shares(cells)
    pooled = pooled_surprises(cells, shares)
    group = group_of(
        cells, np.arange(25), shares=shares, weights=np.array([1000]), prior=4.0
    )
    found = novelty(cells, pooled, np.arange(25), np.zeros(25, dtype=int), (group,))
    assert list(found.closed) == sorted(found.closed)
    assert len(found.closed) == len(found.best) == 25
    assert found.closed[-1] > found.closed[20]


def test_many_distances_are_thinned_to_999() -> None:
    numbers = np.random.default_rng(0).normal(size=3000)
    cells = cells_of(pl.DataFrame({"size": numbers}))
    shares = pooled_shares(cells)
    pooled = pooled_surprises(cells, shares)
    found = novelty(cells, pooled, np.arange(0), np.zeros(0, dtype=int), ())
    assert len(found.closed) == 999
