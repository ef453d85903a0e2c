"""How customers are cut into parts, beside what the parts have to be."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp.learn.drift import _cuts, _rarer, bands_of
from icp.learn.evidence import _p_value
from icp.learn.rule_search import _newer_third, _random_third, split_customers
from icp.stats import information_value

deals = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 9)), min_size=2, max_size=30
)


@given(deals)
def test_the_newer_third_is_the_fewest_whole_days_that_make_a_third(
    rows: list[tuple[int, int]],
) -> None:
    groups, days = (np.array(column) for column in zip(*rows, strict=True))
    newest = {g: max(d for one, d in rows if one == g) for g, _ in rows}
    seen = np.array([newest[g] for g, _ in rows])
    found = _newer_third(groups, days)
    if len(set(seen.tolist())) == 1:
        assert found is None
        return
    assert found is not None
    later, first = found
    wanted = max(1, round(len(rows) / 3))
    assert later.tolist() == (seen >= first).tolist()
    assert first in seen[later]
    assert (seen > first).sum() < wanted
    oldest_only = set(seen[~later].tolist()) == {seen.min()}
    assert later.sum() >= wanted or oldest_only
    assert not later.all()


@pytest.mark.parametrize("seed", range(8))
def test_a_third_is_drawn_of_groups_with_a_regret_and_of_those_without(
    seed: int,
) -> None:
    """Nine groups have one of each outcome, six only good ones, four only bad ones."""
    groups = np.repeat(np.arange(19), 2)
    regretted = np.zeros(38, dtype=bool)
    regretted[:18:2] = True
    regretted[30:] = True
    later = _random_third(groups, regretted, np.random.default_rng(seed))
    of_group = later[::2]
    assert (later == np.repeat(of_group, 2)).all()
    assert of_group[9:15].sum() == 2
    assert of_group[:9].sum() + of_group[15:].sum() == 4


def test_regrets_are_what_is_drawn_by() -> None:
    outcomes = ["regrettable", "best"] * 9 + ["best", "best"] * 6
    frame = pl.DataFrame(
        {"outcome": outcomes, "group": [f"g{n // 2:02}" for n in range(30)]}
    )
    for seed in range(6):
        part = split_customers(
            frame, [], outcome="outcome", date=None, group="group", seed=seed
        )
        mixed = part.newer.filter(pl.col("group") < "g09")["group"].n_unique()
        assert (mixed, part.newer["group"].n_unique()) == (3, 5)


@pytest.mark.parametrize(
    ("counts", "least", "most", "bands"),
    [
        ([3, 3, 3], 3, 9, [0, 1, 2]),
        ([3, 3, 2], 3, 9, [0, 1, 1]),
        ([2, 3, 3], 3, 9, [0, 0, 1]),
        ([2, 2, 2], 9, 9, [0, 0, 0]),
        ([5, 5, 5, 5], 1, 2, [0, 0, 1, 1]),
        ([0, 4, 0, 4], 4, 9, [-1, 0, -1, 1]),
        ([0, 0], 1, 9, [-1, -1]),
    ],
)
def test_a_band_is_full_as_soon_as_it_holds_enough(
    counts: list[int], least: float, most: int, bands: list[int]
) -> None:
    found = bands_of(np.array(counts, float), ordered=True, least=least, most=most)
    assert found.tolist() == bands


@given(
    st.lists(st.integers(0, 12), min_size=3, max_size=40), st.sampled_from([2, 3, 9])
)
def test_slices_never_split_a_day_and_are_never_empty(
    days: list[int], parts: int
) -> None:
    cuts = _cuts(np.array(days, dtype=np.int32), parts)
    assert cuts == sorted(set(cuts))
    assert set(cuts) <= set(days)
    if len(set(days)) > 1:
        assert min(days) < cuts[0]
        bounds = [min(days), *cuts, max(days) + 1]
        held = [sum(a <= d < b for d in days) for a, b in pairwise(bounds)]
        assert all(held)
        assert len(held) <= parts
    if len(set(days)) == len(days) and len(days) % parts == 0:
        assert len(cuts) == parts - 1
        ordered = sorted(days)
        step = len(days) // parts
        assert cuts == ordered[step::step][: parts - 1]


@pytest.mark.parametrize(
    ("labels", "days"),
    [
        ([1, 1, 1, 0, 2, 3], [3]),
        ([0, 0, 0, 1, 2, 3], [3]),
        ([1, 0, 1, 0, 2, 3], [0, 1, 2, 3]),
        ([1, 1, 2, 2, 3, 3], []),
    ],
)
def test_slices_are_cut_by_the_rarer_outcome(
    labels: list[int], days: list[int]
) -> None:
    found = _rarer(np.arange(6, dtype=np.int32), np.array(labels, dtype=np.int8))
    assert sorted(found.tolist()) == days


def test_unknown_days_are_the_oldest_whatever_their_year() -> None:
    days = [None, *(date(2024, 1, 1) + timedelta(days=300 * n) for n in range(8))]
    frame = pl.DataFrame({"outcome": ["best", "regrettable", "best"] * 3, "day": days})
    part = split_customers(frame, [], outcome="outcome", date="day", group=None, seed=0)
    assert sorted(part.newer["day"].to_list()) == days[6:]
    strata = dict(zip(part.older["day"].to_list(), part.strata.tolist(), strict=True))
    assert strata[None] == strata[days[1]] == 2024 - 1970


@pytest.mark.parametrize("seed", range(3))
def test_a_p_value_counts_the_permutations_that_tell_as_much(seed: int) -> None:
    draw = np.random.default_rng(seed)
    codes = draw.integers(0, 4, 30).astype(np.int32)
    labels = draw.random(30) < 0.4
    shuffled = np.array([draw.permutation(labels) for _ in range(50)])

    def told(best: np.ndarray) -> float:
        inside = [np.bincount(codes[side], minlength=4) for side in (best, ~best)]
        return information_value(*(side.astype(np.float64) for side in inside))

    as_much = sum(told(row) >= told(labels) - 1e-12 for row in shuffled)
    assert _p_value(codes, 4, labels, shuffled) == (1 + as_much) / 51
