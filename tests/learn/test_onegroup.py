from __future__ import annotations

import numpy as np
import pytest
from generators.planted import segmented_customers
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.learn.mixture import CellRows, cell_rows
from icp.learn.segments import OneGroup, togetherness


def cloud(count: int, seed: int, *, alike: float, columns: int = 4) -> np.ndarray:
    """Numbers that all follow one size, as eight cells of equal weight."""
    draw = np.random.default_rng(seed)
    size = draw.normal(size=(count, 1))
    own = draw.normal(size=(count, columns))
    values = np.sqrt(alike) * size + np.sqrt(1 - alike) * own
    edges = np.quantile(values, np.arange(1, 8) / 8, axis=0)
    return 2 + np.sum(values[None] > edges[:, None, :], axis=0)


def rows_of(codes: np.ndarray, *, line: bool = True) -> CellRows:
    return cell_rows(codes.astype(np.int32), np.full(codes.shape[1], line), prior=4.0)


def correlation(data: CellRows, one: int = 0, two: int = 1) -> float:
    return float(np.corrcoef(data.cells[:, one], data.cells[:, two])[0, 1])


def pairs_together(cells: np.ndarray) -> float:
    """Cramér's V of the first two attributes."""
    _, a = np.unique(cells[:, 0], return_inverse=True)
    _, b = np.unique(cells[:, 1], return_inverse=True)
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    wanted = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    chi = ((table - wanted) ** 2 / wanted).sum()
    return float(np.sqrt(chi / table.sum() / (min(table.shape) - 1)))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.booleans())
def test_margins_and_gaps_are_those_of_the_customers(seed: int, line: bool) -> None:
    draw = np.random.default_rng(seed)
    data = rows_of(draw.integers(1, 7, size=(40, 3)), line=line)
    null = OneGroup.of(data).sample(draw)
    unknown = data.cells == data.starts
    assert (null.cells == data.starts).tolist() == unknown.tolist()
    for j in range(data.cells.shape[1]):
        assert sorted(null.cells[:, j]) == sorted(data.cells[:, j])
    assert null.shares is data.shares


@pytest.mark.parametrize("alike", [0.0, 0.5, 0.8])
def test_numbers_stay_as_correlated_as_they_are(alike: float) -> None:
    data = rows_of(cloud(2_000, 1, alike=alike))
    null = OneGroup.of(data).sample(np.random.default_rng(2))
    assert correlation(null) == pytest.approx(correlation(data), abs=0.08)


def test_what_goes_together_by_chance_is_shrunk_away() -> None:
    data = rows_of(cloud(30, 3, alike=0.0, columns=12))
    root = OneGroup.of(data).root
    away = root @ root.T - np.eye(12)
    assert np.abs(away).max() < 0.25


def test_correlations_are_shrunk_by_the_formula() -> None:
    data = rows_of(cloud(50, 4, alike=0.5))
    group = OneGroup.of(data)
    fine = np.linspace(-6, 6, 12_001)
    upto = np.cumsum(np.exp(-(fine**2) / 2))
    bins = np.searchsorted(np.cumsum(data.shares[1:9]), upto / upto[-1] - 1e-9)
    weight = np.exp(-(fine**2) / 2)
    middle = [np.average(fine[bins == b], weights=weight[bins == b]) for b in range(8)]
    values = np.array(middle)[(data.cells - data.starts) - 1]
    found = values.T @ values / 50 / values.var(axis=0).mean()
    raw = found[~np.eye(4, dtype=bool)]
    kept = 1 - ((1 - raw**2) ** 2 / 50).sum() / (raw**2).sum()
    wanted = kept * raw / values.var(axis=0).mean()
    got = (group.root @ group.root.T)[~np.eye(4, dtype=bool)]
    assert got == pytest.approx(wanted, abs=0.02)


def test_levels_get_the_order_in_which_they_follow_the_rest() -> None:
    codes = cloud(1_000, 5, alike=0.7)
    named = np.array([4, 2, 5, 3])[(codes[:, 0] - 2) // 2]
    data = cell_rows(
        np.column_stack([named, codes[:, 1:]]).astype(np.int32),
        np.array([False, True, True, True]),
        prior=4.0,
    )
    ranks = OneGroup.of(data).ranks
    order = (1 + np.argsort(ranks[1:5])).tolist()
    assert order in ([3, 1, 4, 2], [2, 4, 1, 3])


def test_segments_of_levels_go_less_together_in_one_group() -> None:
    frame, _ = segmented_customers(400, segments=2, seed=1)
    codes = frame.select(
        [frame[name].str.slice(1).cast(int) + 2 for name in frame.columns]
    ).to_numpy()
    data = rows_of(codes, line=False)
    null = OneGroup.of(data).sample(np.random.default_rng(0))
    assert pairs_together(null.cells) < 0.8 * pairs_together(data.cells)


def test_a_copied_column_stays_a_copy_in_the_main() -> None:
    codes = cloud(400, 6, alike=0.0)
    data = rows_of(np.column_stack([codes, codes[:, 0]]))
    null = OneGroup.of(data).sample(np.random.default_rng(0))
    copies = np.corrcoef(null.cells[:, 0], null.cells[:, 4])[0, 1]
    assert copies > 0.95


def test_the_same_draws_give_the_same_rows() -> None:
    group = OneGroup.of(rows_of(cloud(60, 7, alike=0.5)))
    one, two = (group.sample(np.random.default_rng(1)) for _ in range(2))
    assert one.cells.tolist() == two.cells.tolist()


def test_togetherness_is_the_likelihood_ratio_of_correlated_numbers() -> None:
    data = rows_of(cloud(4_000, 8, alike=0.5, columns=3))
    matrix = np.full((3, 3), 0.5) + 0.5 * np.eye(3)
    wanted = -4_000 * np.log(np.linalg.det(matrix))
    assert togetherness(data) == pytest.approx(wanted, rel=0.15)
    apart = rows_of(cloud(4_000, 9, alike=0.0, columns=3))
    assert abs(togetherness(apart)) < 20


def test_levels_have_no_togetherness() -> None:
    codes = cloud(100, 10, alike=0.5)
    assert togetherness(rows_of(codes, line=False)) == 0.0
    assert togetherness(rows_of(codes[:, :1])) == 0.0
