from __future__ import annotations

import itertools
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.naive_score import naive_code

from icp.learn.cells import (
    build_cells,
    cells_for,
    draft_tables,
    is_placeholder,
    number_edges,
)
from icp.schema import AccountSchema, Kind

values = st.lists(
    st.one_of(st.integers(-20, 20).map(float), st.floats(-1e6, 1e6)),
    min_size=1,
    max_size=60,
)


def built(frame: pl.DataFrame, **kinds: str):
    schema = AccountSchema.infer(frame, kinds=kinds)
    drafts = draft_tables(frame, schema, min_level=2, max_levels=10)
    return build_cells(frame, drafts, np.zeros(frame.height, dtype=np.int8))


def table(frame: pl.DataFrame, **kinds: str):
    (only,) = built(frame, **kinds).tables
    return only


@given(values, st.integers(2, 10))
def test_edges_ascend_and_separate_observed_values(numbers, cells) -> None:
    ordered = np.sort(np.array(numbers))
    edges = number_edges(ordered, cells=cells)
    assert np.all(np.diff(edges) > 0)
    assert len(edges) <= cells - 1 or len(np.unique(ordered)) <= cells
    for edge in edges:
        assert (ordered < edge).any()
        assert (ordered >= edge).any()


@given(values, st.integers(2, 10), st.integers(-30, 30))
def test_edges_scale_exactly_with_powers_of_two(numbers, cells, power) -> None:
    ordered = np.sort(np.array(numbers).round(3))
    scaled = number_edges(ordered * 2.0**power, cells=cells)
    assert (number_edges(ordered, cells=cells) * 2.0**power).tolist() == scaled.tolist()


def test_edges_of_neighbouring_floats_lie_between_them() -> None:
    low = 1.0
    high = np.nextafter(low, 2)
    assert number_edges(np.array([low, high]), cells=2).tolist() == [high]


def test_cells_hold_about_the_same_number() -> None:
    ordered = np.sort(np.random.default_rng(0).normal(size=800))
    edges = number_edges(ordered, cells=cells_for(800))
    counts = np.diff(np.searchsorted(ordered, [-np.inf, *edges, np.inf]))
    assert counts.min() >= 60
    assert counts.max() <= 73


def test_numbers_are_named_by_what_was_seen() -> None:
    found = table(pl.DataFrame({"size": [1.0, 5.0, 2000.0]}))
    assert found.cells == ("up to 1", "5", "2,000 or more")
    assert found.edges == (3.0, 1002.5)


@pytest.mark.parametrize(
    ("numbers", "names"),
    [
        ([1990.0, 2005.0, 2020.0], ("up to 1990", "2005", "2020 or more")),
        ([317.4, 1990.0, 20_000.0], ("up to 317", "1,990", "20,000 or more")),
        ([0.25, 1.5, 12.75], ("up to 0.25", "1.5", "12.8 or more")),
        ([7.0, 7.0, 7.0], ("any",)),
    ],
)
def test_numbers_are_written_as_a_person_would(numbers, names) -> None:
    assert table(pl.DataFrame({"size": numbers})).cells == names


def test_rare_levels_are_pooled_and_placeholders_are_missing() -> None:
    levels = ["Retail"] * 3 + ["Bank"] * 2 + ["Zoo", "Circus", "Select", None]
    found = table(pl.DataFrame({"industry": levels}))
    assert found.cells == ("Retail", "Bank", "other (2 rare ones)")
    assert dict(found.levels) == {
        "Retail": 2,
        "Bank": 3,
        "Zoo": 4,
        "Circus": 4,
        "Select": 0,
    }


def test_a_single_rare_level_keeps_its_name() -> None:
    found = table(pl.DataFrame({"industry": ["a", "a", "b"]}))
    assert found.cells == ("a", "b")


def test_only_so_many_levels_are_kept() -> None:
    levels = [f"L{i:02}" for i in range(14) for _ in range(20 - i)]
    found = table(pl.DataFrame({"industry": levels}))
    assert found.cells == (*(f"L{i:02}" for i in range(10)), "other (4 rare ones)")


def test_levels_as_common_as_each_other_are_kept_or_pooled_together() -> None:
    levels = ["top"] * 5 + [f"L{i}" for i in range(14) for _ in range(2)]
    found = table(pl.DataFrame({"industry": levels}))
    assert found.cells == ("top", "other (14 rare ones)")


def test_common_values_of_a_multi_column_become_tables() -> None:
    frame = pl.DataFrame(
        {"tools": [["AWS", "SAP"], ["AWS"], ["AWS", "rare"], None] * 3}
    )
    cells = built(frame.with_row_index().filter(pl.col("index") != 2).drop("index"))
    assert [(t.name, t.value, t.kind) for t in cells.tables] == [
        ("tools=AWS", "AWS", Kind.MULTI),
        ("tools=SAP", "SAP", Kind.MULTI),
    ]


def test_codes_are_missing_never_seen_then_cells() -> None:
    frame = pl.DataFrame({"size": [1.0, 2.0, None, float("nan"), float("inf")]})
    cells = built(frame)
    codes = dict(zip(cells.rows.tolist(), cells.codes[:, 0].tolist(), strict=True))
    assert codes == {0: 2, 1: 3, 2: 0, 3: 0, 4: 1}


@pytest.mark.parametrize("text", ["", " n/a ", "UNKNOWN", "Please Select", "--"])
def test_placeholders(text: str) -> None:
    assert is_placeholder(text)


rows = st.lists(
    st.tuples(st.sampled_from("abcde"), st.sampled_from("xyz"), st.integers(0, 9)),
    min_size=2,
    max_size=40,
)


@settings(max_examples=60)
@given(rows, st.randoms(use_true_random=False))
def test_order_of_rows_changes_nothing(data, random) -> None:
    frame = pl.DataFrame(data, schema=["one", "two", "size"], orient="row")
    order = list(range(frame.height))
    random.shuffle(order)
    first, second = built(frame), built(frame[order])
    assert first.tables == second.tables
    assert first.codes.tolist() == second.codes.tolist()


@settings(max_examples=60)
@given(rows, st.permutations("abcde"))
def test_names_of_levels_do_not_matter(data, names) -> None:
    frame = pl.DataFrame(data, schema=["one", "two", "size"], orient="row")
    renamed = frame.with_columns(
        pl.col("one").replace_strict(dict(zip("abcde", names, strict=True)))
    )
    assert built(frame).codes.tolist() == built(renamed).codes.tolist()


def test_selecting_tables_keeps_rows() -> None:
    cells = built(pl.DataFrame({"one": list("aabb"), "two": list("xyxy")}))
    kept = cells.select([1])
    assert [t.name for t in kept.tables] == ["two"]
    assert kept.codes.shape == (4, 1)


def test_positions_follow_the_value_and_ignore_units() -> None:
    numbers = np.exp(np.random.default_rng(3).normal(3, 1, 300))
    small = built(pl.DataFrame({"size": numbers})).positions[0]
    large = built(pl.DataFrame({"size": numbers * 1024})).positions[0]
    assert np.isnan(small[:2]).all()
    assert np.all(np.diff(small[2:]) > 0)
    assert small[2:].tolist() == large[2:].tolist()


def naive_edges(ordered: np.ndarray, cells: int) -> list[float]:
    """The gap nearest to each equal count, by trying every gap."""
    distinct = sorted(set(ordered.tolist()))
    gaps = [
        (a / 2 + b / 2, int((ordered <= a).sum()))
        for a, b in itertools.pairwise(distinct)
    ]
    if len(distinct) <= cells:
        return [edge for edge, _ in gaps]
    chosen = set()
    for part in range(1, cells):
        target = len(ordered) * part / cells
        chosen.add(min(gaps, key=lambda gap: (abs(gap[1] - target), gap[1]))[0])
    return sorted(chosen)


@given(
    st.lists(st.integers(-9, 9).map(float), min_size=1, max_size=50), st.integers(2, 6)
)
def test_edges_are_the_gaps_nearest_to_equal_counts(numbers, cells) -> None:
    ordered = np.sort(np.array(numbers))
    assert number_edges(ordered, cells=cells).tolist() == naive_edges(ordered, cells)


@pytest.mark.parametrize(("count", "cells"), [(39, 8), (40, 12), (999, 12), (1000, 16)])
def test_more_values_carry_more_cells(count: int, cells: int) -> None:
    assert cells_for(count) == cells
    assert len(table(pl.DataFrame({"size": np.arange(count) * 1.0})).cells) == cells


mixed_rows = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "n/a", None]),
        st.one_of(st.none(), st.floats(), st.integers(0, 5).map(float)),
        st.one_of(st.none(), st.booleans()),
        st.one_of(st.none(), st.lists(st.sampled_from(["x", "y"]), max_size=2)),
    ),
    min_size=4,
    max_size=40,
)
MIXED = {
    "one": pl.String,
    "size": pl.Float64,
    "flag": pl.Boolean,
    "many": pl.List(pl.String),
}


@settings(max_examples=80, deadline=None)
@given(mixed_rows)
def test_codes_are_what_plain_loops_say(data) -> None:
    frame = pl.DataFrame(data, schema=MIXED, orient="row")
    cells = built(frame)
    for place, row in enumerate(cells.rows.tolist()):
        for j, described in enumerate(cells.tables):
            value = frame[described.column].to_list()[row]
            assert cells.codes[place, j] == naive_code(described, value)


@settings(max_examples=80, deadline=None)
@given(mixed_rows)
def test_every_known_value_falls_into_a_cell(data) -> None:
    frame = pl.DataFrame(data, schema=MIXED, orient="row")
    cells = built(frame)
    for j, described in enumerate(cells.tables):
        values = frame[described.column].to_list()
        for place, row in enumerate(cells.rows.tolist()):
            value = values[row]
            unknown = value is None or value == "n/a" or value != value
            assert (cells.codes[place, j] == 0) == unknown
            endless = isinstance(value, float) and math.isinf(value)
            assert (cells.codes[place, j] == 1) == endless


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (["a", "a", "b", "b"], ("a", "b")),
        (["a", "a", "B", "b"], ("a", "other (2 rare ones)")),
        (["a"] * 2 + ["other (2 rare ones)"] * 2 + ["x", "y"], 3),
    ],
)
def test_levels_are_told_apart_exactly(texts, wanted) -> None:
    found = table(pl.DataFrame({"one": texts})).cells
    assert found == wanted or len(set(found)) == wanted


@pytest.mark.parametrize(
    ("numbers", "names"),
    [
        ([1e-6, 2e-6, 3e-6], ("up to 1e-06", "2e-06", "3e-06 or more")),
        ([1e20, 2e20, 3e20], ("up to 1e+20", "2e+20", "3e+20 or more")),
        ([-5.0, 0.0, 5.0], ("up to -5", "0", "5 or more")),
        ([1699.0, 1800.0], ("up to 1,699", "1,800 or more")),
        ([1900.5, 2000.0], ("up to 1,900", "2000 or more")),
    ],
)
def test_small_large_and_odd_numbers_are_written_short(numbers, names) -> None:
    found = table(pl.DataFrame({"size": numbers})).cells
    assert [name.replace(",", "") for name in found] == [
        name.replace(",", "") for name in names
    ]


@pytest.mark.parametrize(
    "numbers",
    [
        [0.0, 1e308, -1e308],
        [1e-320, 1e-310, 1e300],
        [0.0] * 150 + [1.0, 1e9],
        [1.0, 1.0 + 2**-52],
        [-3.0, -2.0, -1.0],
    ],
    ids=["huge", "tiny", "mostly zero", "neighbours", "negative"],
)
def test_positions_are_finite_and_ascend(numbers) -> None:
    cells = built(pl.DataFrame({"size": pl.Series(numbers, dtype=pl.Float64)}))
    (positions,) = cells.positions
    assert np.isfinite(positions[2:]).all()
    assert np.all(np.diff(positions[2:]) >= 0)
    assert positions[-1] > positions[2]


def test_positions_have_mean_zero_and_spread_one_over_customers() -> None:
    numbers = np.exp(np.random.default_rng(1).normal(2, 1, 400))
    cells = built(pl.DataFrame({"size": numbers}))
    seen = cells.positions[0][cells.codes[:, 0]]
    assert seen.mean() == pytest.approx(0, abs=1e-12)
    assert seen.std() == pytest.approx(1)


def test_tables_stand_in_order_of_their_columns() -> None:
    frame = pl.DataFrame({"b": [1.0, 2.0], "a": ["x", "y"], "C": [True, False]})
    names = [t.name for t in built(frame).tables]
    assert names == sorted(names)
    assert names == [t.name for t in built(frame.select("C", "a", "b")).tables]
