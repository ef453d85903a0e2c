"""Customers whose dates, groups, sellers or levels are not what one expects."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from icp.conditions import Compare
from icp.errors import ConfigError, SchemaError
from icp.learn import FitOptions, fit_profile
from icp.learn.cells import draft_tables
from icp.learn.leakage import fill_rates, population_findings
from icp.learn.rule_candidates import candidates, round_between
from icp.learn.rule_search import (
    FoundRules,
    RuleOptions,
    learn_disqualifiers,
    split_customers,
    weigh_rule,
)
from icp.learn.surprises import _widest_run, range_text
from icp.outcomes import Economics
from icp.schema import AccountSchema, Attribute
from icp.scoring import score, score_one

if TYPE_CHECKING:
    from icp.profile import AttributeTable, Profile

QUICK = FitOptions(refits=0, max_segments=1)
OUTCOMES = ["best", "regrettable", "best", "best", "regrettable"] * 8
PLAIN = pl.DataFrame({"outcome": OUTCOMES, "industry": list("aabababbba" * 4)})


@cache
def plain() -> Profile:
    return fit_profile(PLAIN, options=QUICK)


def with_column(name: str, values: list[Any], dtype: Any = None) -> pl.DataFrame:
    return PLAIN.with_columns(pl.Series(name, values, dtype=dtype))


# ------------------------------------------------------------------------------ dates


@pytest.mark.parametrize(
    ("first", "window"),
    [
        (0, ("1970-01-01", "1970-02-09")),
        (5_000_000, ("+15659-07-15", "+15659-08-23")),
        (-1_000_000, ("-0768-02-04", "-0768-03-14")),
    ],
)
def test_dates_may_be_as_far_away_as_a_typing_error(
    first: int, window: tuple[str, str]
) -> None:
    days = pl.Series(np.arange(first, first + 40), dtype=pl.Int32).cast(pl.Date)
    dated = PLAIN.with_columns(day=days)
    provenance = fit_profile(dated, date="day", options=QUICK).provenance
    assert (provenance.first_date, provenance.last_date) == window


def test_a_column_of_no_dates_has_no_window() -> None:
    frame = with_column("day", [None] * 40, pl.Date)
    provenance = fit_profile(frame, date="day", options=QUICK).provenance
    assert (provenance.first_date, provenance.last_date) == (None, None)


# ----------------------------------------------------------------- sellers and groups


UNWRITTEN = [
    ([b"\xff", b"b"] * 20, pl.Binary),
    ([object(), object()] * 20, pl.Object),
    ([timedelta(1), timedelta(2)] * 20, pl.Duration),
    ([["a"], ["b"]] * 20, pl.List(pl.String)),
]


@pytest.mark.parametrize(("values", "dtype"), UNWRITTEN[:3], ids=lambda v: str(v)[:9])
def test_a_seller_that_is_no_text_is_no_seller(values: list[Any], dtype: Any) -> None:
    frame = with_column("owner", values, dtype)
    assert fit_profile(frame, options=QUICK).tables == plain().tables


@pytest.mark.parametrize("named", ["outcome", "group"])
@pytest.mark.parametrize(("values", "dtype"), UNWRITTEN, ids=lambda v: str(v)[:9])
def test_an_outcome_or_group_that_is_no_text_is_refused_in_words(
    values: list[Any], dtype: Any, named: str
) -> None:
    with pytest.raises(SchemaError, match="1 column: 'odd' must hold one text"):
        fit_profile(with_column("odd", values, dtype), **{named: "odd"})  # type: ignore[arg-type]  # outcome or group


# -------------------------------------------------------------------------- prospects


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum(["Select", "a"])])
def test_a_placeholder_is_no_value_of_any_type_of_text(dtype: pl.DataType) -> None:
    frame = pl.DataFrame({"x": pl.Series(["Select"] * 30 + ["a"] * 10, dtype=dtype)})
    assert fill_rates(frame, ["x"]) == {"x": 0.25}


@pytest.mark.parametrize(
    ("unlike", "others", "told"),
    [
        (["Unknown"] * 60, ["a"] * 30, ()),
        (["n/a"] * 60, ["Mining"] * 29, ()),
        (["n/a"] * 60, ["Mining"] * 30, ("industry",)),
    ],
)
def test_prospects_that_did_not_answer_are_not_unlike(
    unlike: list[str], others: list[str], told: tuple[str, ...]
) -> None:
    prospects = pl.DataFrame({"industry": [*unlike, *others]})
    found = population_findings(prospects, PLAIN, plain().tables)
    assert tuple(f.column for f in found if "100%" in f.message) == told


# ------------------------------------------------------------------------------ words


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("up to 1", "9 or more", "any value"),
        ("up to -5", "-4 to -1", "up to -1"),
        ("-4 to -1", "0 to 3", "-4 to 3"),
        ("any", "any", "any"),
    ],
)
def test_ranges_in_words(first: str, last: str, words: str) -> None:
    assert range_text(first, last) == words


def number_table() -> AttributeTable:
    frame = pl.DataFrame({"staff": [0, 1, 2, 3] * 9})
    schema = AccountSchema.infer(frame)
    (draft,) = draft_tables(frame, schema, min_level=1, max_levels=9)
    return draft.table


@pytest.mark.parametrize(
    ("telling", "total", "words"),
    [
        ([0.5, 0.4, -0.9, -0.1], 0.9, "up to 1"),
        ([-0.5, 0.4, 0.3, -0.1], 0.7, "1 to 2"),
        ([-0.5, 0.4, -0.3, 0.6], 0.7, "1 or more"),
        ([-0.5, 0.4, -0.5, 0.6], 0.6, "3 or more"),
        ([0.5, -0.1, -0.1, 0.6], 0.6, "3 or more"),
        ([0.7, -0.1, -0.1, 0.6], 0.7, "up to 0"),
        ([-0.1, -0.2, -0.3, -0.4], 0.0, "up to 0"),
    ],
)
def test_a_segment_is_told_by_the_run_that_tells_most_but_never_by_all_cells(
    telling: list[float], total: float, words: str
) -> None:
    best, text = _widest_run(number_table(), np.array(telling))
    assert (round(best, 9), text) == (total, words)


# ------------------------------------------------------------------------------ rules


def regretted(rows: int = 90) -> pl.DataFrame:
    draw = np.random.default_rng(0)
    bad = draw.random(rows) < 0.4
    return pl.DataFrame(
        {
            "outcome": np.where(bad, "regrettable", "best"),
            "kind": np.where(bad & (draw.random(rows) < 0.8), "x", "y"),
            "staff": draw.integers(1, 90, rows).astype(float),
            "day": [date(2024, 1, 1) + timedelta(days=n) for n in range(rows)],
        }
    )


def learnt(frame: pl.DataFrame, **options: object) -> Profile:
    accepting = FitOptions(refits=0, max_segments=1, accept=("kind", "code"))
    return fit_profile(frame.drop("day"), options=accepting, **options)  # type: ignore[arg-type]  # keywords of fit_profile


@cache
def profile_of_regretted() -> Profile:
    return learnt(regretted())


def rules(frame: pl.DataFrame, profile: Profile, **options: object) -> FoundRules:
    return learn_disqualifiers(
        frame,
        profile,
        economics=Economics(V=10.0, L=20.0),
        options=RuleOptions(permutations=40),
        on=date(2026, 1, 1),
        **options,  # type: ignore[arg-type]  # keywords of learn_disqualifiers
    )


@pytest.mark.parametrize(
    ("groups", "words"),
    [(1, "none held out: all are one group"), (2, "a random third held out")],
)
def test_groups_that_all_closed_last_on_one_day_are_drawn(
    groups: int, words: str
) -> None:
    days = [date(2024, 1, 1), date(2024, 1, 2)]
    frame = pl.DataFrame(
        {
            "outcome": ["best", "regrettable"] * 12,
            "group": [f"g{n // 2 % groups}" for n in range(24)],
            "day": [days[n // groups // 2 % 2] for n in range(24)],
        }
    )
    assert frame.group_by("group").agg(pl.col("day").max())["day"].to_list() == (
        [days[1]] * groups
    )
    part = split_customers(
        frame, [], outcome="outcome", date="day", group="group", seed=0
    )
    assert part.words == words
    assert part.older.height + part.newer.height == 24
    assert set(part.strata.tolist()) <= {0}


def test_one_group_leaves_nobody_to_confirm() -> None:
    frame = regretted().with_columns(group=pl.lit("all"))
    found = rules(frame, profile_of_regretted(), date="day", group="group")
    assert (found.customers, found.later, found.strong) == (90, 0, ())
    assert "(none held out: all are one group), confirmed on 0" in found.sentences()[0]


def test_a_column_of_texts_that_now_holds_numbers_gives_no_conditions() -> None:
    numbers = regretted().with_columns(kind=pl.int_range(90) % 3)
    tables = profile_of_regretted().tables
    space = candidates(numbers, tables, least=3, most_edges=3, sets=True)
    assert {name for c in space.conditions for name in c.columns} == {"staff"}


def test_a_number_too_large_to_be_a_level_is_no_condition() -> None:
    large = pl.when(pl.col("kind") == "x").then(1e20).otherwise(2.5)
    frame = regretted().with_columns(code=large).drop("kind")
    schema = AccountSchema(attributes=(Attribute(name="code", kind="category"),))
    found = rules(frame, learnt(frame, schema=schema))
    assert found.searched == 1
    assert {str(rule.condition) for rule in found.rules} <= {"code = 2.5"}


@pytest.mark.parametrize(
    ("below", "above"),
    [
        (0.0, 5e-324),
        (5e-324, 1e-323),
        (-5e-324, 0.0),
        (-1e-323, -5e-324),
        (0.0, 1e-310),
        (-1.7e308, 1.7e308),
        (1e308, 1.7e308),
        (1.0, float(np.nextafter(1.0, 2.0))),
    ],
)
def test_there_is_a_cut_between_any_two_numbers(below: float, above: float) -> None:
    assert below < round_between(below, above) <= above


@pytest.mark.parametrize("rows", [0, 90])
def test_a_rule_that_covers_nobody_is_weighed_as_knowing_nothing(rows: int) -> None:
    nobody = Compare("kind", "=", "nobody")
    seen = weigh_rule(
        regretted().head(rows), nobody, economics=Economics(V=10.0, L=20.0)
    )
    assert (seen.covered, seen.customers, seen.p_value) == (0, rows, 1.0)
    assert (seen.low, seen.high, seen.strong) == (0.0, 1.0, False)


def test_a_negative_seed_is_refused_as_in_learning() -> None:
    with pytest.raises(ConfigError, match="seed -1 is negative; use 0 or more"):
        rules(regretted(), profile_of_regretted(), seed=-1)


@pytest.mark.parametrize(("values", "dtype"), UNWRITTEN, ids=lambda v: str(v)[:9])
def test_a_date_column_of_no_dates_is_none(values: list[Any], dtype: Any) -> None:
    frame = with_column("day", values, dtype)
    part = split_customers(frame, [], outcome="outcome", date="day", group=None, seed=0)
    assert part.words == "a random third held out"
    assert fit_profile(frame, date="day", options=QUICK).provenance.first_date is None


# ---------------------------------------------------------------------------- one row


def test_a_row_of_numpy_values_scores_as_its_frame_does() -> None:
    draw = np.random.default_rng(3)
    columns = {"code": draw.integers(0, 3, 60), "yes": draw.random(60) < 0.5}
    bad = (columns["code"] == 1) ^ (draw.random(60) < 0.15)
    frame = pl.DataFrame({"outcome": np.where(bad, "regrettable", "best"), **columns})
    schema = AccountSchema.infer(
        frame.drop("outcome"), kinds={"code": "category", "yes": "category"}
    )
    profile = learnt(frame.with_columns(day=None), schema=schema)
    assert any(any(table.points) for table in profile.tables)
    batch = score(frame, profile)["margin"].to_list()
    rows = [{name: values[i] for name, values in columns.items()} for i in range(60)]
    assert [score_one(row, profile).margin for row in rows] == batch


# ------------------------------------------------------------------------------ names


def test_a_column_called_like_a_pair_gets_a_name_of_its_own() -> None:
    draw = np.random.default_rng(6)
    columns = {name: draw.choice(list("pq"), 400) for name in ("a", "b", "a*b")}
    logit = np.where(columns["a"] == columns["b"], 1.5, -1.5)
    bad = draw.random(400) > 1 / (1 + np.exp(-logit))
    outcome = np.where(bad, "regrettable", "best")
    frame = pl.DataFrame({"outcome": outcome, **columns})
    profile = fit_profile(frame, options=QUICK)
    assert "a*b" in {pair.name for pair in profile.pairs}
    assert {t.name: t.column for t in profile.tables} == {
        "a": "a",
        "a*b'": "a*b",
        "b": "b",
    }
    parts = score(frame, profile, parts=True)
    told = parts.select(pl.sum_horizontal(pl.col("^points__.*$"))).to_series()
    assert told.to_list() == parts["margin"].to_list()


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (["*", "**", "a*"], ["*", "**", "a*"]),
        (["a", "a*a"], ["a", "a*a'"]),
        (["a", "b", "a*b", "a*b'"], ["a", "a*b'", "a*b''", "b"]),
        (["a", "b*c", "a*b*c"], ["a", "a*b*c'", "b*c"]),
        (["a*", "b", "a**b"], ["a*", "a**b'", "b"]),
        (["base", "a*b", "b"], ["a*b", "b", "base'"]),
    ],
)
def test_names_of_tables_are_no_names_of_pairs(
    names: list[str], kept: list[str]
) -> None:
    frame = pl.DataFrame({name: list("pq") * 4 for name in names})
    schema = AccountSchema(
        attributes=tuple(Attribute(name=name, kind="category") for name in names)
    )
    drafts = draft_tables(frame, schema, min_level=1, max_levels=9)
    assert sorted(draft.table.name for draft in drafts) == sorted(kept)


# ------------------------------------------------------------------------------ zones


def test_a_day_is_that_of_the_zone_it_was_told_in() -> None:
    zone = "Asia/Tokyo"
    days = [datetime(2024, 1, 1, 0, 30) + timedelta(days=n) for n in range(40)]
    frame = with_column("day", days, pl.Datetime("us")).with_columns(
        pl.col("day").dt.replace_time_zone(zone)
    )
    provenance = fit_profile(frame, date="day", options=QUICK).provenance
    assert (provenance.first_date, provenance.last_date) == ("2024-01-01", "2024-02-09")
    compared = "since 2024-01-27 were compared"
    assert [note for note in provenance.notes if compared in note]
    part = split_customers(frame, [], outcome="outcome", date="day", group=None, seed=0)
    assert part.words == "closed before 2024-01-28"
    assert set(part.strata.tolist()) == {54}
