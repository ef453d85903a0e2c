from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.learn import FitOptions, fit_profile

if TYPE_CHECKING:
    from icp.profile import Profile

QUICK = FitOptions(refits=4, max_segments=1, min_level=2)
NAMES = ["a", "b", "c", "d"]
TOOLS = ["SAP", "AWS", "Zoho"]

rows = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from([*NAMES, None]),
        st.one_of(st.none(), st.integers(0, 12).map(float)),
        st.one_of(st.none(), st.lists(st.sampled_from(TOOLS), unique=True)),
        st.integers(0, 5),
    ),
    min_size=24,
    max_size=60,
)
SCHEMA = {
    "best": pl.Boolean,
    "industry": pl.String,
    "staff": pl.Float64,
    "tools": pl.List(pl.String),
    "group": pl.Int64,
}


@st.composite
def customers(draw: st.DrawFn) -> pl.DataFrame:
    """Half the draws are balanced, in which case no outcome is the rarer one."""
    data = draw(rows)
    frame = pl.DataFrame(data, schema=SCHEMA, orient="row")
    if draw(st.booleans()):
        frame = frame.with_columns(best=pl.int_range(pl.len()) % 2 == 0)
    strong = pl.col("staff").fill_null(6) + 3 * pl.col("industry").eq_missing("a")
    if draw(st.booleans()):
        frame = frame.with_columns(best=pl.col("best") & (strong > 5) | (strong > 9))
    if frame["best"].sum() < 5 or (~frame["best"]).sum() < 5:
        frame = frame.with_columns(best=pl.int_range(pl.len()) % 2 == 0)
    outcome = pl.when("best").then(pl.lit("best")).otherwise(pl.lit("regrettable"))
    return frame.with_columns(outcome=outcome).drop("best")


def learnt(frame: pl.DataFrame, **options) -> Profile:
    accept = tuple(c for c in frame.columns if c != "outcome")
    chosen = QUICK.model_copy(update={"accept": accept})
    return fit_profile(frame, options=chosen, **options)


def numbers(profile: Profile):
    return (
        profile.base,
        [(t.points, t.pooled, t.best, t.regrettable, t.weight) for t in profile.tables],
        [segment.surprises for segment in profile.segments],
        profile.calibration,
        profile.novelty,
        profile.provenance.evidence,
    )


@settings(max_examples=15, deadline=None)
@given(customers(), st.booleans(), st.randoms(use_true_random=False))
def test_row_order_changes_nothing_with_or_without_groups(frame, by, random) -> None:
    order = list(range(frame.height))
    random.shuffle(order)
    group = "group" if by else None
    chosen = frame if by else frame.drop("group")
    assert learnt(chosen[order], group=group).id == learnt(chosen, group=group).id


@settings(max_examples=15, deadline=None)
@given(customers(), st.permutations(NAMES), st.permutations(TOOLS))
def test_names_of_levels_and_list_values_change_nothing(frame, names, tools) -> None:
    renamed = frame.with_columns(
        pl.col("industry").replace_strict(dict(zip(NAMES, names, strict=True))),
        pl.col("tools").list.eval(
            pl.element().replace_strict(
                dict(zip(TOOLS, tools, strict=True)), return_dtype=pl.String
            )
        ),
    )
    assert numbers(learnt(renamed)) == numbers(learnt(frame))


@settings(max_examples=15, deadline=None)
@given(customers())
def test_swapping_the_outcomes_negates_every_point(frame) -> None:
    other = {"best": "regrettable", "regrettable": "best"}
    mirror = learnt(frame.with_columns(pl.col("outcome").replace(other)))
    profile = learnt(frame)
    assert mirror.base == -profile.base
    assert [(t.name, t.points) for t in mirror.tables] == [
        (t.name, tuple(-p for p in t.points)) for t in profile.tables
    ]


@settings(max_examples=15, deadline=None)
@given(customers(), st.integers(-40, 40))
def test_units_that_are_powers_of_two_change_nothing(frame, power) -> None:
    scaled = frame.with_columns(pl.col("staff") * 2.0**power)
    assert numbers(learnt(scaled)) == numbers(learnt(frame))


@settings(max_examples=15, deadline=None)
@given(customers())
def test_unknown_is_never_the_best_value_of_a_column(frame) -> None:
    profile = learnt(frame)
    for table in profile.tables:
        assert max(table.points[:2]) <= max(table.points[2:])
    for segment in profile.segments:
        assert all(min(row[:2]) >= min(row[2:]) for row in segment.surprises)


def test_a_hundred_ties_are_broken_by_name_and_not_by_row() -> None:
    draw = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "outcome": draw.choice(["best", "regrettable"], 400).tolist(),
            "town": [f"t{i // 4:03}" for i in range(400)],
        }
    )
    order = draw.permutation(400)
    assert learnt(frame[order]).id == learnt(frame).id
