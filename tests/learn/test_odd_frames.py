from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.errors import IcpError, SchemaError, TooFewCustomersError
from icp.learn import FitOptions, fit_profile
from icp.profile import Profile
from icp.schema import AccountSchema, Attribute
from icp.scoring import score, score_one

QUICK = FitOptions(refits=3, max_segments=1)
OUTCOMES = ["best", "regrettable", "best", "best", "regrettable"] * 8
MIXED = list("aabababbba" * 4)
PLAIN = pl.DataFrame({"outcome": OUTCOMES, "industry": MIXED})
NAN, INF = float("nan"), float("inf")


def learnt(frame: pl.DataFrame, **options) -> Profile:
    profile = fit_profile(frame, **{"options": QUICK, **options})
    assert Profile.from_json(profile.to_json()) == profile
    batch = score(frame.drop("outcome", strict=False), profile, parts=True)
    for row, scored in zip(
        frame.iter_rows(named=True), batch.iter_rows(named=True), strict=True
    ):
        single = score_one(row, profile)
        assert single.margin == scored["margin"]
        assert single.margin == profile.base + sum(single.points.values())
        assert single.fit == scored["fit"]
    return profile


def codes(profile: Profile) -> dict[str, str]:
    return {f.column: f.code for f in profile.provenance.findings}


def kinds(**given: str) -> AccountSchema:
    return AccountSchema(
        attributes=tuple(
            Attribute(name=name, kind=kind) for name, kind in given.items()
        )
    )


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (pl.Series([None] * 40, dtype=pl.String), "empty"),
        (pl.Series([None] * 40), "empty"),
        (pl.Series([NAN] * 40), "empty"),
        (pl.Series(["n/a", "-"] * 20), "empty"),
        (pl.Series([[]] * 40, dtype=pl.List(pl.String)), "empty"),
        (pl.Series([["n/a"]] * 40), "rare"),
        (pl.Series([[f"v{i}"] for i in range(40)]), "rare"),
        (pl.Series([f"v{i // 2}" for i in range(40)]), "rare"),
        (pl.Series(["x"] * 39 + [None]), "constant"),
        (pl.Series([3.0] * 39 + [INF]), "constant"),
        (pl.Series([True] * 40), "constant"),
        (pl.Series(["x", "unknown"] * 20), "constant"),
    ],
)
def test_columns_that_say_nothing_are_set_aside_and_named(values, code) -> None:
    profile = learnt(PLAIN.with_columns(odd=values))
    assert codes(profile) == {"odd": code}
    assert [t.name for t in profile.tables] == ["industry"]


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([["a", None], None, [], ["b"]] * 10),
        pl.Series([["a"], ["b", "a"]] * 20, dtype=pl.List(pl.Categorical)),
        pl.Series([["a", "b"], ["c", "d"]] * 20, dtype=pl.Array(pl.String, 2)),
        pl.Series(MIXED, dtype=pl.Categorical),
        pl.Series(MIXED, dtype=pl.Enum(["b", "a", "c"])),
        pl.Series([2**62, -(2**63), 5, 7] * 10),
        pl.Series([2**100, 5, 7, 9] * 10, dtype=pl.Int128),
        pl.Series([NAN, INF, -INF, 1.0, 2.0] * 8),
        pl.Series([1e308, -1e308, 1e-320, 0.0, 5.0] * 8),
        pl.Series([1e308, 1e-320, 1e-310, 1e-300] * 10),
        pl.Series([0.0] * 39 + [1e-320]),
        pl.Series([Decimal("1.50"), Decimal("2.25"), None, Decimal("9.00")] * 10),
        pl.Series(["\u00df", "\u1e9e", "\u0130", "\x00"] * 10),
    ],
    ids=lambda values: str(values.dtype),
)
def test_odd_values_are_learnt_or_named(values) -> None:
    profile = learnt(PLAIN.with_columns(odd=values))
    assert "odd" in profile.columns or "odd" in codes(profile)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1e20, 1e-9, 2.5, NAN] * 10, "category"),
        ([Decimal("1.50"), Decimal("2.25")] * 20, "category"),
        ([1, 2, 3, 4] * 10, "category"),
        ([True, False, None, True] * 10, "category"),
        ([0, 1, 1, 7] * 10, "flag"),
        ([5, 7] * 20, "flag"),
        (["x", "y", None, "x"] * 10, "multi"),
        ([True, False, None, True] * 10, "number"),
    ],
)
def test_a_given_kind_is_read_as_scoring_reads_it(values, kind) -> None:
    frame = PLAIN.with_columns(odd=pl.Series(values))
    profile = learnt(frame, schema=kinds(odd=kind), options=accepting("odd"))
    for table in profile.tables:
        assert sum(table.best) + sum(table.regrettable) == 40
        assert table.best[1] == 0 or kind == "flag"


def accepting(*columns: str) -> FitOptions:
    return FitOptions(refits=3, max_segments=1, accept=columns)


@pytest.mark.parametrize(
    ("values", "kind", "words"),
    [
        (["1", "2"] * 20, "number", "needs a number"),
        (["yes", "no"] * 20, "flag", "needs yes or no"),
        ([date(2020, 1, 1)] * 40, "number", "needs a number"),
        ([1.0, 2.0] * 20, "multi", "needs a list of texts"),
        ([{"a": 1}] * 40, "category", "needs a text"),
    ],
)
def test_a_type_that_does_not_fit_its_kind_is_refused(values, kind, words) -> None:
    with pytest.raises(SchemaError, match=words):
        learnt(PLAIN.with_columns(odd=pl.Series(values)), schema=kinds(odd=kind))


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([{"a": 1}, {"a": 2}] * 20),
        pl.Series([b"\xff", b"b"] * 20),
        pl.Series([object()] * 40, dtype=pl.Object),
        pl.Series([[1, 2], [3]] * 20),
        pl.Series([timedelta(1)] * 40),
        pl.Series([time(1)] * 40),
        pl.Series([datetime(2020, 1, 1, tzinfo=UTC)] * 40),
    ],
    ids=lambda values: str(values.dtype),
)
def test_types_that_are_no_attributes_are_left_out(values) -> None:
    assert "odd" not in learnt(PLAIN.with_columns(odd=values)).columns


@pytest.mark.parametrize("name", ["count", "base", "level", "customers", "literal"])
def test_any_name_may_be_a_columns(name: str) -> None:
    single = PLAIN.rename({"industry": name})
    several = single.with_columns(pl.concat_list(name))
    assert learnt(single).columns.keys() == learnt(several).columns.keys() == {name}


def test_the_outcome_may_have_any_name() -> None:
    profile = learnt(PLAIN.rename({"outcome": "count"}), outcome="count")
    assert (profile.provenance.best, profile.provenance.regrettable) == (24, 16)


def test_names_that_would_collide_are_told_apart() -> None:
    frame = pl.DataFrame(
        {
            "outcome": OUTCOMES,
            "tools": [["a"] if v == "a" else ["b"] for v in MIXED],
            "tools=a": MIXED,
        }
    )
    profile = learnt(frame)
    assert sorted(t.name for t in profile.tables) == ["tools=a", "tools=a'", "tools=b"]


def test_a_column_without_a_name_is_refused() -> None:
    with pytest.raises(SchemaError, match="1 column without a name"):
        learnt(PLAIN.rename({"industry": ""}))


@pytest.mark.parametrize("kind", [pl.Categorical, pl.Enum(["best", "regrettable"])])
def test_the_outcome_may_be_any_kind_of_text(kind) -> None:
    frame = PLAIN.with_columns(pl.col("outcome").cast(kind))
    assert learnt(frame).id == learnt(PLAIN).id


@pytest.mark.parametrize(
    "outcome",
    [pl.lit(None), pl.lit(1), pl.lit(True), pl.lit("best").cast(pl.Enum(["best"]))],
    ids=["null", "number", "flag", "one level"],
)
def test_other_outcomes_are_too_few_customers(outcome) -> None:
    with pytest.raises(TooFewCustomersError):
        learnt(PLAIN.with_columns(outcome=outcome))


@pytest.mark.parametrize("named", ["outcome", "group"])
def test_outcome_and_group_are_one_value_each(named: str) -> None:
    frame = PLAIN.with_columns(pl.concat_list("industry").alias("listed"))
    with pytest.raises(SchemaError, match="1 column: 'listed' must hold one text"):
        learnt(frame, **{named: "listed"})


@pytest.mark.parametrize(
    "values",
    [["2020-01-01"] * 40, [time(1)] * 40, [timedelta(1)] * 40, [None] * 40],
    ids=["text", "time", "duration", "null"],
)
def test_a_date_column_without_dates_gives_no_window(values) -> None:
    profile = learnt(PLAIN.with_columns(since=pl.Series(values)), date="since")
    assert (profile.provenance.first_date, profile.provenance.last_date) == (None, None)


@pytest.mark.parametrize("groups", [1, 2, 3])
def test_few_groups_never_make_a_signal(groups: int) -> None:
    frame = PLAIN.with_columns(group=pl.int_range(40) % groups)
    assert learnt(frame, group="group").provenance.evidence.level == "none"


def test_the_outcome_is_never_learnt_even_where_the_schema_says_so() -> None:
    schema = kinds(outcome="category", industry="category")
    assert list(learnt(PLAIN, schema=schema).columns) == ["industry"]


def test_an_attribute_that_is_not_there_is_named() -> None:
    with pytest.raises(SchemaError, match="1 missing column: 'staff'"):
        learnt(PLAIN, schema=kinds(staff="number"))


@pytest.mark.parametrize("columns", [{}, {"churn": OUTCOMES}, {"same": ["x"] * 40}])
def test_nothing_to_learn_from_still_gives_a_profile(columns) -> None:
    profile = learnt(pl.DataFrame({"outcome": OUTCOMES, **columns}))
    assert profile.tables == ()
    assert profile.provenance.evidence.level == "none"


def test_two_thousand_levels_of_equal_count_are_none_too_many() -> None:
    frame = pl.DataFrame(
        {
            "outcome": ["best", "regrettable"] * 5_000,
            "town": [f"t{i % 2_000}" for i in range(10_000)],
        }
    )
    assert codes(fit_profile(frame, options=QUICK)) == {"town": "rare"}


def test_options_that_name_no_column_do_no_harm() -> None:
    options = FitOptions(accept=("a",), exclude=("b",), refits=3, max_segments=1)
    assert learnt(PLAIN, options=options).tables == learnt(PLAIN).tables


VALUES = (
    (pl.String, st.sampled_from(["a", "b", "", "n/a", "\u00e9", "c d"])),
    (pl.Float64, st.floats() | st.sampled_from([0.0, -0.0, 1.0, 2.0])),
    (pl.Int64, st.integers(-(2**63), 2**63 - 1)),
    (pl.Boolean, st.booleans()),
    (pl.List(pl.String), st.lists(st.sampled_from(["x", "y", "-", None]), max_size=3)),
    (pl.Date, st.dates()),
    (pl.Categorical, st.sampled_from(["lo", "hi"])),
)
LABELS = ["best", "regrettable", "best", "regrettable", "neutral", "unknown", None]


@st.composite
def frames(draw: st.DrawFn) -> pl.DataFrame:
    rows = draw(st.integers(14, 36))

    def column(cell, dtype):
        cells = st.lists(cell, min_size=rows, max_size=rows)
        return pl.Series(draw(cells), dtype=dtype)

    columns = {"outcome": column(st.sampled_from(LABELS), pl.String)}
    chosen = draw(st.lists(st.sampled_from(VALUES), max_size=4))
    for place, (dtype, cell) in enumerate(chosen):
        columns[f"c{place}"] = column(st.none() | cell, dtype)
    return pl.DataFrame(columns)


@settings(max_examples=60, deadline=None)
@given(frames(), st.booleans())
def test_any_small_frame_is_learnt_from_or_refused_in_words(frame, doubt) -> None:
    accept = tuple(frame.columns) if doubt else ()
    with suppress(IcpError):
        learnt(frame, options=accepting(*accept))
