from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.learn.cells import build_cells, draft_tables
from icp.learn.segments import Split
from icp.learn.surprises import (
    describe_segments,
    group_of,
    novelty,
    pooled_shares,
    pooled_surprises,
    range_text,
    seen_once,
)
from icp.schema import AccountSchema
from icp.scoring.cells import code_matrix


def cells_of(frame: pl.DataFrame, *, min_level: int = 2):
    schema = AccountSchema.infer(frame)
    drafts = draft_tables(frame, schema, min_level=min_level, max_levels=50)
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


def naive_surprise(counts, shares, prior, *, smooth):
    """In loops: lend to neighbours, add the prior, compare with the commonest."""
    known = [float(count) for count in counts[2:]]
    if smooth:
        padded = [known[0], *known, known[-1]]
        known = [
            0.25 * a + 0.5 * b + 0.25 * c
            for a, b, c in zip(padded, padded[1:], padded[2:], strict=False)
        ]
    total = sum(known) + prior
    chance = [(k + prior * s) / total for k, s in zip(known, shares[2:], strict=True)]
    never = prior * shares[1] / total
    cost = [min(6.0, np.log(max(chance) / c)) for c in chance]
    mean = sum(c * x for c, x in zip(chance, cost, strict=True)) / sum(chance)
    return [mean, min(6.0, np.log(max(chance) / max(never, 1e-9))), *cost]


@settings(max_examples=100)
@given(frames, st.floats(0.5, 20))
def test_surprises_equal_plain_loops(frame, prior) -> None:
    cells, group = grouped(frame, prior=prior)
    shares = pooled_shares(cells)
    for j, described in enumerate(cells.tables):
        if described.size > 2 and shares[j][2:].sum() > 0:
            wanted = naive_surprise(
                np.bincount(cells.codes[:, j], minlength=described.size),
                shares[j],
                prior,
                smooth=described.kind == "number",
            )
            found = group.surprises[j].tolist()
            assert found == pytest.approx([1000 * w for w in wanted], abs=0.51)


@settings(max_examples=100)
@given(frames)
def test_pooled_shares_sum_to_one_and_keep_room_for_the_unseen(frame) -> None:
    cells, _ = grouped(frame)
    for j, shares in enumerate(pooled_shares(cells)):
        known = int((cells.codes[:, j] > 1).sum())
        assert shares[0] == 0
        if known:
            assert shares.sum() == pytest.approx(1)
            assert shares[1] == pytest.approx(1 / (known + 1))


@settings(max_examples=60)
@given(frames)
def test_leaving_out_is_refitting_without_the_customer(frame) -> None:
    cells, group = grouped(frame)
    shares = pooled_shares(cells)
    weights = np.full(len(cells.tables), 1000)
    for row in range(0, frame.height, 5):
        others = np.delete(np.arange(frame.height), row)
        without = group_of(cells, others, shares=shares, weights=weights, prior=4.0)
        for j in range(len(cells.tables)):
            code = cells.codes[row, j]
            if code > 1:
                assert group.without_self[j][code] == without.surprises[j][code]


def test_distance_is_the_sum_over_attributes() -> None:
    frame = pl.DataFrame({"one": list("aab"), "two": list("xyy")})
    cells, group = grouped(frame)
    for row, codes in enumerate(cells.codes):
        wanted = sum(int(s[c]) for s, c in zip(group.surprises, codes, strict=True))
        assert group.distances(cells.codes)[row] == wanted


def segment_of(frame: pl.DataFrame, members) -> list:
    cells = cells_of(frame)
    segments, _ = describe_segments(
        cells,
        np.arange(frame.height),
        Split(members=np.asarray(members)[cells.rows], count=2, note=""),
        "best",
        shares=pooled_shares(cells),
        weights=np.full(len(cells.tables), 1000),
        prior=4.0,
    )
    return list(segments)


def test_numbers_are_told_as_the_range_that_is_typical() -> None:
    sizes = [float(i) for i in range(40)]
    frame = pl.DataFrame({"staff": sizes})
    small, large = segment_of(frame, [0] * 20 + [1] * 20)
    assert small.traits[0].startswith("staff: up to 1")
    assert large.traits[0].endswith(" or more")


def test_segments_that_nothing_sets_apart_are_numbered() -> None:
    frame = pl.DataFrame({"one": list("ab") * 20})
    names = [s.name for s in segment_of(frame, [0, 0, 1, 1] * 10)]
    assert names == ["All best customers", "All best customers (2)"]


def test_a_list_column_gives_one_trait_at_most() -> None:
    lists = [["x", "y"]] * 20 + [["z"]] * 20
    (first, _) = segment_of(pl.DataFrame({"tools": lists}), [0] * 20 + [1] * 20)
    assert len(first.traits) == 1


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        ("5", "5", "5"),
        ("up to 3", "4 to 9", "up to 9"),
        ("4 to 9", "10 to 20", "4 to 20"),
        ("4 to 9", "30 or more", "4 or more"),
        ("7", "8", "7 to 8"),
    ],
)
def test_neighbouring_ranges_are_joined(first, last, text) -> None:
    assert range_text(first, last) == text


def test_a_level_of_ones_own_is_never_seen_without_oneself() -> None:
    towns = ["a"] * 9 + ["b", "c"]
    frame = pl.DataFrame({"town": towns})
    cells = cells_of(frame, min_level=4)
    once = seen_once(frame, cells)
    assert once[np.argsort(cells.rows), 0].tolist() == [False] * 9 + [True] * 2
    pooled = pooled_surprises(cells, pooled_shares(cells))
    rows, members = np.arange(11), np.zeros(11, dtype=int)
    found = novelty(cells, pooled, rows, members, (pooled,), once=once)
    unseen = pooled.surprises[0][1]
    assert found.closed[-2:] == found.best[-2:] == (unseen, unseen)
    assert found.closed[-3] < unseen


@pytest.mark.parametrize("count", [30, 100])
def test_ordinary_accounts_are_seldom_called_unusual(count: int) -> None:
    small = []
    for seed in range(30):
        draw = np.random.default_rng(seed)
        towns = draw.zipf(1.5, 2 * count).clip(max=60).astype(str)
        frame = pl.DataFrame({"town": towns[:count]})
        cells = cells_of(frame, min_level=4)
        pooled = pooled_surprises(cells, pooled_shares(cells))
        empty = np.arange(0)
        found = novelty(
            cells, pooled, empty, empty, (), once=seen_once(frame, cells)
        ).closed
        codes = code_matrix(pl.DataFrame({"town": towns[count:]}), cells.tables)
        further = np.array([[d <= c for c in found] for d in pooled.distances(codes)])
        small.append((1 + further.sum(axis=1)) / (1 + count) <= 0.1)
    assert np.mean(small) <= 0.11
