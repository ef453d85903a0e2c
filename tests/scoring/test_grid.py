from __future__ import annotations

import math
from bisect import bisect_right
from itertools import pairwise

import polars as pl
import pytest
from generators.strategies import FINITE, LAWS, neighbours
from hypothesis import given
from hypothesis import strategies as st

from icp.scoring import cells as module
from icp.scoring.cells import Grid, grid


def coded(found: Grid, numbers: list[float | None]) -> list[int]:
    frame = pl.DataFrame({"x": numbers}, schema={"x": pl.Float64})
    number = pl.col("x").fill_nan(None)
    placed = frame.with_columns(place=found.place(number))
    cells = placed.with_columns(cell=found.cell(number, pl.col("place")))
    codes = cells.select(pl.lit(found.codes).gather("cell")).to_series()
    assert codes.dtype == pl.UInt32
    return codes.to_list()


def searched(edges: list[float], number: float | None) -> int:
    if number is None or math.isnan(number):
        return 0
    return 1 if math.isinf(number) else 2 + bisect_right(edges, number)


def test_numbers_on_a_grid() -> None:
    found = grid([10.0, 20.0, 50.0])
    assert found is not None
    numbers = [-1e308, 9.9, 10.0, 19.9, 20.0, 50.0, 1e308, math.inf, -math.inf, None]
    assert coded(found, numbers) == [2, 2, 3, 3, 4, 5, 5, 1, 1, 0]
    assert found.last < 10


def test_not_a_number_is_missing() -> None:
    found = grid([0.0])
    assert found is not None
    assert coded(found, [math.nan, -0.0, 0.0, -5e-324]) == [0, 3, 3, 2]


def test_every_edge_has_a_place_of_its_own() -> None:
    found = grid([0.5, 1.0, 1.25, 300.0])
    assert found is not None
    places = [0, *found.places(found.edges).tolist(), found.last]
    assert all(a < b for a, b in pairwise(places))
    assert found.exact


def test_dense_edges_are_spread_by_square_roots() -> None:
    edges = [10.0**power for power in range(9)]
    found = grid(edges)
    assert found is not None
    assert found.roots > 0
    near = [value for edge in edges for value in neighbours(edge)]
    assert coded(found, [*near]) == [searched(edges, value) for value in near]


@pytest.mark.parametrize(
    "edges",
    [
        [],
        [-1e308, 1e308],
        [0.0, 1e-300, 1e300],
        [0.0, 1e9, 1e9 + 1e-6],
    ],
)
def test_edges_too_unequal_for_a_grid(edges: list[float]) -> None:
    assert grid(edges) is None


@pytest.mark.parametrize("most", [5, 100])
def test_a_grid_never_has_more_places_than_allowed(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_PLACES", most)
    for edges in ([1.0, 2.0], [1.0, 2.0, 40.0], [1.0, 2.0, 4000.0]):
        found = grid(edges)
        assert found is None or found.last <= 1.02 * most


@LAWS
@given(
    st.lists(FINITE, min_size=1, max_size=30, unique_by=lambda edge: edge + 0.0),
    st.lists(FINITE, max_size=10),
)
def test_any_grid_finds_what_a_search_finds(
    drawn: list[float], numbers: list[float]
) -> None:
    edges = sorted(edge + 0.0 for edge in drawn)
    found = grid(edges)
    if found is not None:
        near = [value for edge in edges for value in neighbours(edge)]
        asked = [*near, *numbers, math.inf, -math.inf, math.nan]
        assert coded(found, [*asked]) == [searched(edges, value) for value in asked]


@LAWS
@given(
    st.lists(st.integers(-9_999, 99_999), min_size=1, max_size=25, unique=True),
    st.sampled_from((0.01, 0.5, 1.0, 12.0)),
)
def test_usual_edges_have_a_grid(steps: list[int], unit: float) -> None:
    edges = sorted(step * unit for step in steps)
    found = grid(edges)
    if edges[-1] - edges[0] < 60_000 * unit:
        assert found is not None
    if found is not None:
        near = [value for edge in edges for value in neighbours(edge)]
        assert coded(found, [*near]) == [searched(edges, value) for value in near]
