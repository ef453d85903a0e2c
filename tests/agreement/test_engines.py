from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from generators.strategies import (
    LAWS,
    accounts,
    frame_of,
    profile_of,
    profiles,
    scored_cases,
    steady_calibration,
    table_of,
    tables,
)
from hypothesis import given
from hypothesis import strategies as st
from oracles.naive_score import naive_score
from polars.testing import assert_frame_equal

from icp.schema import Kind
from icp.scoring import SCORE_COLUMNS, score, score_one

if TYPE_CHECKING:
    from icp.profile import Profile
    from icp.scoring import Score

Rows = list[dict[str, Any]]


def as_row(one: Score) -> dict[str, Any]:
    row = {name: getattr(one, name) for name in SCORE_COLUMNS}
    return {**row, "disqualified_by": list(one.disqualified_by)}


def expected(rows: Rows, profile: Profile) -> Rows:
    scores = [naive_score(row, profile) for row in rows]
    return [{name: s[name] for name in SCORE_COLUMNS} for s in scores]


@LAWS
@given(scored_cases())
def test_frame_is_what_the_loops_say(case: tuple[Profile, Rows]) -> None:
    profile, rows = case
    scored = score(frame_of(rows, profile), profile)
    assert scored.select(*SCORE_COLUMNS).to_dicts() == expected(rows, profile)


@LAWS
@given(scored_cases())
def test_one_account_is_what_the_loops_say(case: tuple[Profile, Rows]) -> None:
    profile, rows = case
    assert [as_row(score_one(row, profile)) for row in rows] == expected(rows, profile)


@LAWS
@given(scored_cases())
def test_parts_add_up_exactly_to_the_margin(case: tuple[Profile, Rows]) -> None:
    profile, rows = case
    scored = score(frame_of(rows, profile), profile, parts=True)
    parts = scored.select(pl.col("^points__.*$"))
    assert set(parts.dtypes) == {pl.Int32}
    naive = [naive_score(row, profile)["parts"] for row in rows]
    assert parts.to_dicts() == [
        {f"points__{name}": points for name, points in part.items()} for part in naive
    ]
    for row, sums in zip(rows, parts.rows(), strict=True):
        one = score_one(row, profile)
        assert one.base + sum(one.points.values()) == one.margin == sum(sums)


@LAWS
@given(scored_cases(), st.integers(1, 4))
def test_chunks_do_not_matter(case: tuple[Profile, Rows], size: int) -> None:
    profile, rows = case
    frame = frame_of(rows, profile)
    whole = score(frame, profile, parts=True)
    slices = [frame[i : i + size] for i in range(0, len(rows), size)]
    if slices:
        parts = [score(part, profile, parts=True) for part in slices]
        assert_frame_equal(pl.concat(parts), whole)
        chunked = pl.concat(slices, rechunk=False)
        assert_frame_equal(score(chunked, profile, parts=True), whole)


@LAWS
@given(scored_cases())
def test_streaming_and_lazy_are_the_eager_numbers(case: tuple[Profile, Rows]) -> None:
    profile, rows = case
    frame = frame_of(rows, profile)
    plan = score(frame.lazy(), profile, parts=True)
    whole = score(frame, profile, parts=True)
    assert_frame_equal(plan.collect(), whole)
    assert_frame_equal(plan.collect(engine="streaming"), whole)
    assert plan.collect_schema() == whole.schema


@LAWS
@given(scored_cases(), st.randoms(use_true_random=False))
def test_order_of_rows_and_columns_does_not_matter(
    case: tuple[Profile, Rows], random: Any
) -> None:
    profile, rows = case
    frame = frame_of(rows, profile)
    whole = score(frame, profile, parts=True)
    order = random.sample(range(len(rows)), len(rows))
    columns = random.sample(frame.columns, frame.width)
    mixed = score(frame[order].select(columns), profile, parts=True)
    assert_frame_equal(mixed.select(whole.columns), whole[order])


@LAWS
@given(st.data())
def test_renaming_levels_in_tables_and_data_changes_nothing(data: Any) -> None:
    table = data.draw(tables("level", Kind.CATEGORY))
    profile = profile_of([table])
    rows = data.draw(accounts(profile))
    renamed = {
        level: f"{n} 名 {level[::-1]}" for n, (level, _) in enumerate(table.levels)
    }
    levels = sorted((renamed[level], code) for level, code in table.levels)
    other = profile_of([table.model_copy(update={"levels": tuple(levels)})])
    known = [row for row in rows if row["level"] is None or row["level"] in renamed]
    same = [{"level": renamed.get(row["level"])} for row in known]
    assert [score_one(row, profile) for row in known] == [
        score_one(row, other) for row in same
    ]
    assert_frame_equal(
        score(frame_of(known, profile), profile).drop("level"),
        score(frame_of(same, other), other).drop("level"),
    )


@LAWS
@given(st.data(), st.integers(-30, 30))
def test_power_of_two_units_change_nothing(data: Any, power: int) -> None:
    bounded = st.floats(-1e9, 1e9, allow_subnormal=False).filter(
        lambda x: x == 0 or abs(x) > 1e-9
    )
    edges = sorted(set(data.draw(st.lists(bounded, min_size=1, max_size=5))))
    points = data.draw(
        st.lists(st.integers(-99, 99), min_size=len(edges) + 3, max_size=len(edges) + 3)
    )
    rows = data.draw(st.lists(st.one_of(bounded, st.sampled_from(edges)), max_size=6))
    plain = profile_of([table_of("x", "number", points, edges=tuple(edges))])
    factor = 2.0**power
    scaled = profile_of(
        [table_of("x", "number", points, edges=tuple(e * factor for e in edges))]
    )
    frames = pl.DataFrame({"x": pl.Series(rows, dtype=pl.Float64)})
    assert_frame_equal(
        score(frames, plain).drop("x"),
        score(frames * factor, scaled).drop("x"),
    )
    assert [score_one({"x": x}, plain) for x in rows] == [
        score_one({"x": x * factor}, scaled) for x in rows
    ]


@LAWS
@given(st.data())
def test_odd_values_never_raise_and_never_win(data: Any) -> None:
    profile = data.draw(profiles())
    humble = [
        table.model_copy(
            update={"points": (0, min(0, *table.points[2:]), *table.points[2:])}
        )
        for table in profile.tables
        if max(table.points[2:]) > 0
    ]
    modest = profile_of(humble, calibration=steady_calibration())
    nasty = {
        Kind.NUMBER: [None, float("nan"), float("inf"), float("-inf")],
        Kind.CATEGORY: [None, "never \x00 seen \N{SNOWMAN}"],
        Kind.FLAG: [None],
        Kind.MULTI: [None],
    }
    for table in modest.tables:
        for value in nasty[table.kind]:
            best = max(table.points[2:])
            assert score_one({table.column: value}, modest).points[table.name] < best


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_a_thousand_rows_agree_in_any_chunking(rows: int) -> None:
    profile = profile_of(
        [
            table_of("n", "number", (0, -5, 10, 20, 30), edges=(100.0, 200.0)),
            table_of("c", "category", (0, 7, 11, 13), cells=("a", "b")),
        ],
        abstention=None,
    )
    frame = pl.DataFrame(
        {
            "n": [None if i % 7 == 0 else float(i % 301) for i in range(1000)],
            "c": [("a", "b", "x", None)[i % 4] for i in range(1000)],
        }
    )
    whole = score(frame, profile, parts=True)
    parts = [
        score(frame[i : i + rows], profile, parts=True) for i in range(0, 1000, rows)
    ]
    assert_frame_equal(pl.concat(parts), whole)
    ones = [score_one(row, profile) for row in frame.iter_rows(named=True)]
    assert whole["margin"].to_list() == [one.margin for one in ones]


@LAWS
@given(st.data())
def test_many_tables_agree_across_joints(data: Any) -> None:
    profile = data.draw(profiles(max_tables=14))
    rows = data.draw(accounts(profile, max_size=4))
    scored = score(frame_of(rows, profile), profile)
    assert scored.select(*SCORE_COLUMNS).to_dicts() == expected(rows, profile)
