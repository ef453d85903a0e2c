from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from generators.labelled import known_cells, negated, numbers

from icp.learn import FitOptions, fit_profile
from icp.scoring import score

QUICK = FitOptions(refits=0, max_segments=1)


@pytest.fixture(scope="module")
def crossed() -> pl.DataFrame:
    """Customers enough for pairs, with one that pays: either is bad, both are good."""
    draw = np.random.default_rng(6)
    count = 420
    one, two = draw.choice(list("ab"), count), draw.choice(list("xyz"), count)
    staff = draw.integers(1, 60, count).astype(float)
    logit = 2.6 * ((one == "a") == (two == "x")) - 1.3 + 0.03 * (staff - 30)
    best = draw.random(count) < 1 / (1 + np.exp(-logit))
    outcome = np.where(best, "best", "regrettable")
    columns = {"outcome": outcome, "one": one, "two": two, "staff": staff}
    return pl.DataFrame(columns)


@pytest.fixture(scope="module")
def profile(crossed):
    return fit_profile(crossed, options=QUICK)


def test_a_pair_that_pays_is_found(profile) -> None:
    assert "one*two" in {pair.name for pair in profile.pairs}


def test_order_changes_no_pair(crossed, profile) -> None:
    order = np.random.default_rng(1).permutation(crossed.height)
    moved = crossed[order].select(reversed(crossed.columns))
    assert fit_profile(moved, options=QUICK).id == profile.id


def test_units_and_names_change_no_pair(crossed, profile) -> None:
    renamed = crossed.with_columns(
        pl.col("staff") * 2.0**9, pl.col("two").replace({"x": "\u00e9", "z": "A"})
    )
    assert numbers(fit_profile(renamed, options=QUICK)) == numbers(profile)


def test_the_mirror_negates_every_known_cell_and_every_pair_of_them(
    crossed, profile
) -> None:
    other = {"best": "regrettable", "regrettable": "best"}
    swapped = crossed.with_columns(pl.col("outcome").replace(other))
    mirror = fit_profile(swapped, options=QUICK)
    assert mirror.base == -profile.base
    assert known_cells(mirror) == negated(known_cells(profile))


def test_the_mirror_negates_what_is_not_known_but_for_its_cap(crossed, profile) -> None:
    other = {"best": "regrettable", "regrettable": "best"}
    swapped = crossed.with_columns(pl.col("outcome").replace(other))
    mirror = fit_profile(swapped, options=QUICK)
    for one, two in zip(mirror.tables, profile.tables, strict=True):
        for mine, theirs in zip(one.points[:2], two.points[:2], strict=True):
            at_cap = mine == max(one.points[2:]) or theirs == max(two.points[2:])
            assert mine == -theirs or at_cap


def test_pairs_and_attributes_sum_to_the_margin(crossed, profile) -> None:
    parts = score(crossed, profile, parts=True)
    told = parts.select(pl.sum_horizontal(pl.col("^points__.*$"))).to_series()
    assert told.equals(parts["margin"].cast(told.dtype))
