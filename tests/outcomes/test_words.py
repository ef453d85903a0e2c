from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.outcomes.label import fill_in, money


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0.0, "0"),
        (-0.4, "0"),
        (999.5, "1,000"),
        (-1234.0, "-1,234"),
        (1e12, "1,000,000,000,000"),
        (None, "not known"),
    ],
)
def test_money(amount, text):
    frame = pl.DataFrame({"x": [amount]}, schema={"x": pl.Float64})
    assert frame.select(money(pl.col("x"))).item() == text


@settings(deadline=None, max_examples=30)
@given(st.integers(-(10**12), 10**12))
def test_money_is_written_as_python_writes_it(amount):
    frame = pl.DataFrame({"x": [float(amount)]})
    assert frame.select(money(pl.col("x"), currency="EUR")).item() == f"{amount:,} EUR"


def test_values_in_words():
    frame = pl.DataFrame(
        {
            "n": [3.0, 1.256, None],
            "yes": [True, False, None],
            "day": [date(2024, 2, 1), None, None],
            "tags": [["a", "b"], [], None],
            "worth": [1500.0, -2.0, None],
        }
    )
    template = fill_in(
        "{n}|{yes}|{day}|{tags}|{worth}", schema=frame.schema, currency="EUR"
    )
    assert frame.select(template).to_series().to_list() == [
        "3|yes|2024-02-01|a, b|1,500 EUR",
        "1.26|no|not known||-2 EUR",
        "not known|not known|not known|not known|not known",
    ]


def test_a_template_without_columns_is_itself():
    frame = pl.DataFrame({"x": [1]})
    assert frame.with_columns(r=fill_in("so", schema={}))["r"].to_list() == ["so"]
