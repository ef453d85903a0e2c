from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from generators.labelled import (
    LAWS,
    NAMES,
    TOOLS,
    customers,
    known_cells,
    learnt,
    negated,
    numbers,
)
from hypothesis import given
from hypothesis import strategies as st

from icp.errors import TooFewCustomersError
from icp.learn import fit_profile
from icp.schema import Kind
from icp.scoring import explain, score, score_one

if TYPE_CHECKING:
    from icp.profile import AttributeTable

# Not those that say "not answered": these mean missing wherever they occur.
ODD_NAMES = [
    "\u00c5\u00e9",
    "\U0001d4b3",
    "\u65e5\u672c",
    "0",
    "-1",
    "true",
    " a ",
    "=",
]
SURPRISE_CAP = 6_000
#: One millinat for the base and for each of the five tables.
ROUNDING = 6


@LAWS
@given(
    customers(),
    st.permutations([*NAMES, *ODD_NAMES]),
    st.permutations([*TOOLS, *ODD_NAMES]),
    st.integers(-40, 40),
)
def test_names_of_values_and_units_change_nothing(frame, names, tools, power) -> None:
    of_level = dict(zip(NAMES, names[: len(NAMES)], strict=True))
    of_tool = dict(zip(TOOLS, tools[: len(TOOLS)], strict=True))
    renamed = frame.with_columns(
        pl.col("staff") * 2.0**power,
        pl.col("industry").replace_strict(of_level),
        pl.col("tools").list.eval(
            pl.element().replace_strict(of_tool, return_dtype=pl.String)
        ),
    )
    assert numbers(learnt(renamed)) == numbers(learnt(frame))


@LAWS
@given(customers())
def test_swapping_the_outcomes_negates_every_known_cell(frame) -> None:
    other = {"best": "regrettable", "regrettable": "best"}
    mirror = learnt(frame.with_columns(pl.col("outcome").replace(other)))
    profile = learnt(frame)
    assert mirror.base == -profile.base
    assert known_cells(mirror) == negated(known_cells(profile))


@LAWS
@given(customers(), st.floats(1e-6, 1e6))
def test_any_unit_gives_the_same_ranks(frame, factor) -> None:
    scaled = frame.with_columns(pl.col("staff") * factor)
    one, other = score(frame, learnt(frame)), score(scaled, learnt(scaled))
    margins = np.column_stack([one["margin"], other["margin"]])
    assert np.abs(np.diff(margins)).max() <= ROUNDING
    surely_above = margins[:, None] > margins[None, :] + 2 * ROUNDING
    assert not (surely_above[:, :, 0] & surely_above[:, :, 1].T).any()


@LAWS
@given(customers())
def test_unknown_is_never_the_best_value_of_a_column(frame) -> None:
    profile = learnt(frame)
    for table in profile.tables:
        assert max(table.points[:2]) <= max(table.points[2:])
    for segment in profile.segments:
        assert all(min(row[:2]) >= min(row[2:]) for row in segment.surprises)


@LAWS
@given(customers(), st.data())
def test_contributions_of_a_learnt_profile_sum_to_its_score(frame, data) -> None:
    profile = learnt(frame)
    parts = score(frame, profile, parts=True)
    told = parts.select(pl.sum_horizontal(pl.col("^points__.*$")))
    assert told.to_series().equals(parts["margin"].cast(told.to_series().dtype))
    row = data.draw(st.sampled_from(frame.to_dicts()))
    one = explain(row, profile)
    whole = profile.base + sum(part.points for part in one.contributions)
    assert whole == one.score.margin


def typical(tables: tuple[AttributeTable, ...], rows) -> dict[str, object]:
    """The account that has the least surprising value of every attribute."""
    account: dict[str, object] = {}
    for table, surprises in zip(tables, rows, strict=True):
        code = 2 + int(np.argmin(surprises[2:]))
        if table.kind is Kind.MULTI:
            held = account.setdefault(table.column, [])
            held += [table.value] if code == 3 else []
        elif table.kind is Kind.NUMBER:
            edges = (*table.edges, np.inf)
            account[table.column] = float(np.nextafter(edges[code - 2], -np.inf))
        else:
            account[table.column] = next(n for n, c in table.levels if c == code)
    return account


@LAWS
@given(customers())
def test_distances_start_at_the_typical_customer(frame) -> None:
    profile = learnt(frame)
    pooled = tuple(table.pooled for table in profile.tables)
    for rows in (pooled, *(segment.surprises for segment in profile.segments)):
        assert all(0 <= s <= SURPRISE_CAP for row in rows for s in row)
        assert all(min(row[2:]) == 0 for row in rows)
    for segment in profile.segments:
        found = score_one(typical(profile.tables, segment.surprises), profile)
        assert getattr(found, f"distance_{segment.kind}") == 0
    scored = score(frame, profile)
    distances = scored.select("distance_best", "distance_regrettable")
    assert distances.min_horizontal().min() >= 0


@pytest.mark.parametrize("best", range(6))
@pytest.mark.parametrize("bad", [0, 1, 2, 4, 5])
def test_fewer_than_five_of_a_kind_are_refused(best: int, bad: int) -> None:
    outcomes = ["best"] * best + ["regrettable"] * bad
    frame = pl.DataFrame(
        {"outcome": outcomes, "kind": [str(i % 2) for i in range(best + bad)]},
        schema={"outcome": pl.String, "kind": pl.String},
    )
    if min(best, bad) == 5:
        assert fit_profile(frame).provenance.best == 5
        return
    counts = f"{best} best and {bad} regrettable customers; at least 5 of each"
    with pytest.raises(TooFewCustomersError, match=counts):
        fit_profile(frame)
