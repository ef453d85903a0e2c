import json
import sqlite3
from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.conditions import And, Compare, Has, In, Missing, Not, Or, parse, to_sql
from icp.errors import RuleError, SchemaError

TEXTS = ("Retail", "retail", "O'Hara & Söhne", "", "5", '"', "%_\\")
NUMBERS = (0.0, 1.0, 2.5, -7.25, 1e20, 0.1, 5_900_000.0)
DAYS = tuple(date(2026, 1, day) for day in (1, 2, 3))
SCHEMA = {
    "industry": pl.String,
    "size": pl.Float64,
    "key": pl.Boolean,
    "tools": pl.List(pl.String),
    "since": pl.Date,
}
ORDERS = ("=", "!=", "<", "<=", ">", ">=")

comparisons = st.one_of(
    st.builds(
        Compare,
        st.just("industry"),
        st.sampled_from(("=", "!=")),
        st.sampled_from(TEXTS),
    ),
    st.builds(
        Compare, st.just("size"), st.sampled_from(ORDERS), st.sampled_from(NUMBERS)
    ),
    st.builds(Compare, st.just("key"), st.sampled_from(("=", "!=")), st.booleans()),
    st.builds(
        Compare, st.just("since"), st.sampled_from(ORDERS), st.sampled_from(DAYS)
    ),
    st.builds(
        In,
        st.just("industry"),
        st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3).map(tuple),
    ),
    st.builds(
        In,
        st.just("size"),
        st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=3).map(tuple),
    ),
    st.builds(Has, st.just("tools"), st.sampled_from(TEXTS)),
    st.builds(Missing, st.sampled_from(tuple(SCHEMA))),
)
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=6,
)
rows = st.fixed_dictionaries(
    {
        "industry": st.none() | st.sampled_from(TEXTS),
        "size": st.none() | st.sampled_from((*NUMBERS, float("nan"), float("inf"))),
        "key": st.none() | st.booleans(),
        "tools": st.none() | st.lists(st.none() | st.sampled_from(TEXTS), max_size=3),
        "since": st.none() | st.sampled_from(DAYS),
    }
)


def polars(condition, frame):
    return frame.select(condition.expr(frame.schema)).to_series().to_list()


def sqlite(condition, frame):
    base = sqlite3.connect(":memory:")
    base.execute(f"CREATE TABLE t ({', '.join(SCHEMA)})")
    for row in frame.iter_rows(named=True):
        held = dict(
            row, tools=None if row["tools"] is None else json.dumps(row["tools"])
        )
        held["since"] = None if row["since"] is None else row["since"].isoformat()
        base.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?)", list(held.values()))
    found = base.execute(f"SELECT {to_sql(condition)} FROM t ORDER BY rowid")
    return [None if value is None else bool(value) for (value,) in found]


@settings(max_examples=150, deadline=None)
@given(conditions, st.lists(rows, min_size=1, max_size=6))
def test_all_engines_agree(condition, drawn):
    frame = pl.DataFrame(drawn, schema=SCHEMA)
    wanted = polars(condition, frame)
    assert [condition.holds(row) for row in frame.iter_rows(named=True)] == wanted
    assert sqlite(condition, frame) == wanted
    assert parse(str(condition)) == condition
    covered = frame.select(condition.covers(frame.schema)).to_series().to_list()
    assert covered == [found is True for found in wanted]


@given(conditions)
def test_nothing_known_is_never_covered_unless_missing_is_asked_for(condition):
    asked = "is missing" in str(condition)
    assert asked or condition.holds({}) is None


@given(conditions)
def test_it_says_which_columns_it_reads(condition):
    only = dict.fromkeys(condition.columns)
    assert condition.holds(only) == condition.holds({})
    assert condition.columns <= set(SCHEMA)


@pytest.mark.parametrize(
    ("one", "other", "both", "either"),
    [
        (True, True, True, True),
        (True, None, None, True),
        (True, False, False, True),
        (None, None, None, None),
        (None, False, False, None),
        (False, False, False, False),
    ],
)
def test_three_valued_logic(one, other, both, either):
    row = {"a": one, "b": other}
    a, b = (Compare(name, "=", value=True) for name in "ab")
    for pair in ((a, b), (b, a)):
        assert And(pair).holds(row) is both
        assert Or(pair).holds(row) is either
    assert Not(a).holds(row) is (None if one is None else not one)


@pytest.mark.parametrize(
    ("rule", "values", "found"),
    [
        ("x > 1", pl.Series([1, 2, None]), [False, True, None]),
        ("x > 1", pl.Series([float("nan"), float("inf")]), [None, True]),
        ("x = 1", pl.Series([True, False]), [True, False]),
        ("x", pl.Series([1, 0, 2]), [True, False, None]),
        ("x", pl.Series([1.0, float("nan")]), [True, None]),
        ("x = 'a'", pl.Series(["a", "b"], dtype=pl.Categorical), [True, False]),
        ("x has 'a'", pl.Series(["a", "b", None]), [True, False, None]),
        ("x has 'a'", pl.Series([["a"], [None], [], None]), [True, False, False, None]),
        ("x is missing", pl.Series([float("nan"), 1.0, None]), [True, False, True]),
        ("x > 1", pl.Series([None, None]), [None, None]),
        (
            "x >= date '2026-01-02'",
            pl.Series([datetime(2026, 1, 2, 8), datetime(2026, 1, 1)]),
            [True, False],
        ),
    ],
)
def test_columns_of_many_types(rule, values, found):
    frame = values.alias("x").to_frame()
    condition = parse(rule)
    assert polars(condition, frame) == found
    assert [condition.holds(row) for row in frame.iter_rows(named=True)] == found


def test_a_column_that_is_not_there_is_not_known():
    frame = pl.DataFrame({"y": [1]})
    assert polars(parse("x = 1"), frame) == [None]
    assert polars(parse("x has 'a' or x is missing"), frame) == [True]


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("x > 1", "many"),
        ("x = 'a'", 1),
        ("x", "yes"),
        ("x has 'a'", 1),
        ("x < date '2026-01-01'", "2025-01-01"),
        ("x > 1", date(2026, 1, 1)),
        ("x > 1", [1]),
    ],
)
def test_what_cannot_be_compared_is_named_on_frames_and_rows(rule, value):
    condition = parse(rule)
    with pytest.raises(SchemaError, match="a rule reads 'x', which needs"):
        condition.holds({"x": value})
    with pytest.raises(SchemaError, match="a rule reads 'x', which needs"):
        condition.expr(pl.DataFrame({"x": [value]}).schema)


def test_a_number_beyond_all_floats_is_infinite():
    assert parse("x > 1").holds({"x": 10**400}) is True


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("vendors > 3", "vendors > 3"),
        ("industry in ('Retail', 'Law', 'Arms')", "industry is Arms, Law or Retail"),
        ("industry = ''", "industry is (empty)"),
        ("industry != 'Law'", "industry is not Law"),
        ("revenue < 5900000", "revenue < 5,900,000"),
        ("year_founded >= 2013", "year founded ≥ 2013"),
        ("end < date '2026-01-31'", "end before 2026-01-31"),
        ("key and not big", "key is yes and big is no"),
        ("budget is known", "budget is known"),
        ("budget is missing", "budget is not known"),
        ("not tools has 'SAP'", "tools does not include SAP"),
        ("not x in (1, 2)", "x is neither 1 nor 2"),
        ("not (a = 1 or b = 1)", "not (a is 1 or b is 1)"),
        ("a = 1 and (b = 1 or c = 1)", "a is 1 and (b is 1 or c is 1)"),
    ],
)
def test_in_words(rule, words):
    assert parse(rule).words() == words


def test_words_use_the_titles_of_columns():
    titles = {"vendors": "Vendors in play", "x": ""}
    rule = parse("vendors > 3 and x has 'a'")
    assert rule.words(titles) == "Vendors in play > 3 and x includes a"


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        ("sqlite", "\"since\" < '2026-01-31'"),
        ("duckdb", "\"since\" < CAST('2026-01-31' AS DATE)"),
        ("bigquery", "`since` < CAST('2026-01-31' AS DATE)"),
    ],
)
def test_sql_per_dialect(dialect, text):
    assert to_sql(parse("since < date '2026-01-31'"), dialect=dialect) == text


def test_sql_quotes_whatever_a_text_or_a_name_holds():
    rule = Compare('a"; DROP TABLE t; --', "=", "'); DROP TABLE t; --")
    assert to_sql(rule) == "\"a\"\"; DROP TABLE t; --\" = '''); DROP TABLE t; --'"
    with pytest.raises(RuleError, match="no SQL dialect 'elvish'"):
        to_sql(rule, dialect="elvish")
