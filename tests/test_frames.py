"""Tables of pandas, PyArrow and DuckDB mean what the same Polars frame means."""

import datetime as dt
import random

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from generators.labelled import QUICK
from polars.testing import assert_frame_equal, assert_series_equal

import icp
from icp.errors import SchemaError
from icp.frames import as_polars
from icp.outcomes import OutcomePolicy, Thresholds, Worth


def customers(count=60):
    draw = random.Random(4)
    rows = []
    for _ in range(count):
        industry = draw.choice(["Retail", "Mining", "Banks", None])
        staff = draw.choice([None, *range(1, 900)])
        good = (industry == "Retail") + (staff or 0) / 900 + draw.random() > 1.1
        rows.append(
            {
                "industry": industry,
                "staff": staff,
                "growth": draw.choice([None, 0.5, 1.25, -3.0]),
                "in_house": draw.choice([True, False, None]),
                "tier": draw.choice(["gold", "silver", None]),
                "since": dt.datetime(2024, 1, 1) + dt.timedelta(draw.randrange(700)),
                "brought": draw.choice([None, 12_000.0, 500.0, -900.0]),
                "outcome": "best" if good else "regrettable",
            }
        )
    return pl.DataFrame(rows).with_columns(pl.col("tier").cast(pl.Categorical))


CUSTOMERS = customers()


def as_pandas(frame):
    """As pandas users have it: text objects with NaN, nullable and float numbers."""
    return pd.DataFrame(
        {
            "industry": pd.Series(frame["industry"].to_list(), dtype=object).where(
                frame["industry"].is_not_null().to_numpy(), np.nan
            ),
            "staff": pd.array(frame["staff"].to_list(), dtype="Int64"),
            "growth": frame["growth"].to_numpy(),
            "in_house": pd.Series(frame["in_house"].to_list(), dtype=object),
            "tier": pd.Categorical(frame["tier"].to_list()),
            "since": pd.to_datetime(frame["since"].to_list()),
            "brought": frame["brought"].to_numpy(),
            "outcome": frame["outcome"].to_list(),
        }
    )


def as_pyarrow(frame):
    table = pa.Table.from_pylist(frame.to_dicts())
    tier = table.column_names.index("tier")
    return table.set_column(tier, "tier", table["tier"].dictionary_encode())


def as_duckdb(frame):
    duckdb = pytest.importorskip("duckdb")
    return duckdb.from_arrow(as_pyarrow(frame))


@pytest.fixture(scope="module")
def profile():
    return icp.fit_profile(CUSTOMERS, date="since", prospects=CUSTOMERS, options=QUICK)


def same_tiers(*frames):
    """DuckDB hands out categories as texts."""
    return [frame.cast({"tier": pl.String}) for frame in frames]


TABLES = pytest.mark.parametrize("table_of", [as_pandas, as_pyarrow, as_duckdb])


@TABLES
def test_a_profile_is_the_same_from_any_table(table_of, profile):
    table = table_of(CUSTOMERS)
    again = icp.fit_profile(table, date="since", prospects=table, options=QUICK)
    assert again == profile
    assert {"industry", "staff", "growth", "in_house", "tier"} <= again.columns.keys()


@TABLES
def test_scores_are_the_same_for_any_table(table_of, profile):
    scored = icp.score(table_of(CUSTOMERS), profile, parts=True)
    assert isinstance(scored, pl.DataFrame)
    assert_frame_equal(*same_tiers(scored, icp.score(CUSTOMERS, profile, parts=True)))


@TABLES
def test_labels_are_the_same_for_any_table(table_of):
    policy = OutcomePolicy(
        worth=Worth(value="brought"),
        thresholds=Thresholds(best_from=8_000, regrettable_below=0),
    )
    labelled = icp.label(table_of(CUSTOMERS), policy)
    assert isinstance(labelled, pl.DataFrame)
    assert set(labelled["outcome"]) == {"best", "neutral", "regrettable", "unknown"}
    assert_frame_equal(*same_tiers(labelled, icp.label(CUSTOMERS, policy)))


@TABLES
def test_a_schema_is_the_same_from_any_table(table_of):
    inferred = icp.AccountSchema.infer(table_of(CUSTOMERS))
    assert inferred == icp.AccountSchema.infer(CUSTOMERS)


def test_polars_frames_are_handed_back_as_they_are():
    lazy = CUSTOMERS.lazy()
    assert as_polars(CUSTOMERS) is CUSTOMERS
    assert as_polars(lazy) is lazy


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pd.Series(["a", np.nan, None], dtype=object), ["a", None, None]),
        (pd.Series(["a", pd.NA, "b"], dtype="string"), ["a", None, "b"]),
        (pd.Series([1.5, np.nan, 3]), [1.5, None, 3.0]),
        (pd.Series([1.5, np.nan, None], dtype=object), [1.5, None, None]),
        (pd.Series([1.0, np.nan, None], dtype="float64[pyarrow]"), [1.0, None, None]),
        (pd.Series([1, None, 3], dtype="Int64"), [1, None, 3]),
        (pd.Series([True, np.nan, False], dtype=object), [True, None, False]),
        (pd.Series([True, None, False], dtype="boolean"), [True, None, False]),
        (
            pd.Series(pd.to_datetime(["2026-01-02", None, "2026-01-03"])),
            [dt.datetime(2026, 1, 2), None, dt.datetime(2026, 1, 3)],
        ),
        (
            pd.Series([dt.date(2026, 1, 2), None, dt.date(2026, 1, 3)]),
            [dt.date(2026, 1, 2), None, dt.date(2026, 1, 3)],
        ),
        (pd.Series([["a", "b"], None, []]), [["a", "b"], None, []]),
    ],
)
def test_values_of_pandas_become_those_of_polars(values, expected):
    frame = as_polars(pd.DataFrame({"x": values}))
    assert_series_equal(frame["x"], pl.Series("x", expected), check_dtypes=True)


def test_categories_of_pandas_are_categories():
    frame = as_polars(pd.DataFrame({"x": pd.Categorical(["b", None, "a"])}))
    assert frame["x"].dtype == pl.Categorical
    assert frame["x"].to_list() == ["b", None, "a"]


def test_nan_is_missing_in_arrow_too():
    frame = as_polars(pa.table({"x": [1.0, float("nan"), None]}))
    assert frame["x"].to_list() == [1.0, None, None]


@pytest.mark.parametrize(
    "index", [[7, 7, 9], pd.Index(["a", "b", "c"], name="x"), [("a", 1)] * 3]
)
def test_the_index_of_pandas_is_left_out(index):
    frame = as_polars(pd.DataFrame({"x": [1, 2, 3]}, index=index))
    assert frame.to_dict(as_series=False) == {"x": [1, 2, 3]}


def test_record_batches_are_tables():
    table = pa.table({"x": [1, 2]})
    assert as_polars(table.to_batches()[0])["x"].to_list() == [1, 2]
    assert as_polars(table.to_reader())["x"].to_list() == [1, 2]


@pytest.mark.parametrize(
    ("thing", "name"),
    [
        ([{"x": 1}], "a list"),
        ({"x": [1]}, "a dict"),
        ("accounts.csv", "a str"),
        (pl.Series([1]), "a polars.Series"),
        (pd.Series([1]), "a pandas.Series"),
        (pa.chunked_array([[1]]), "a pyarrow.ChunkedArray"),
    ],
)
def test_what_is_no_table_is_refused_by_its_type(thing, name):
    message = f"{name} is not a table; pass a Polars or pandas DataFrame, "
    with pytest.raises(SchemaError, match=message):
        icp.fit_profile(thing)


def test_mixed_columns_of_pandas_are_named_without_their_values():
    table = pd.DataFrame({"size": ["4711", 3], "a": [1, 2], "more": [{}, 1]})
    with pytest.raises(
        SchemaError, match="2 columns without a single type: 'more', 'size'"
    ) as caught:
        as_polars(table)
    assert "4711" not in str(caught.value)


def test_repeated_names_are_refused():
    with pytest.raises(SchemaError, match="1 repeated column name: 'x'; rename"):
        as_polars(pd.DataFrame([[1, 2]], columns=["x", "x"]))
    with pytest.raises(SchemaError, match=r"a pyarrow\.Table has a column name twice"):
        as_polars(pa.table([[1], [2]], names=["x", "x"]))
