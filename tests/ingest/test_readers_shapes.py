from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp.ingest.readers.grid import amount, shapes_of, value_kind


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        ("empty", ["", " ", "\t"]),
        ("number", ["1", "-1.5", "(20)", "$1,200.00", "1.200,50 €", "5 %", "2.5k"]),
        ("number", ["1'234", "1 234", "USD 5", "+3", "1e5", "3bn"]),
        ("date", ["2024-01-31", "31/1/24", "1 Mar 2024", "Mar 1, 2024"]),
        ("date", ["2024-01-31 10:00", "2024-01-31T10:00:00Z"]),
        ("email", ["a@x.de", "a.b+c@x.co.uk"]),
        ("url", ["https://x.de/a?b", "www.x.de"]),
        ("code", ["A-17", "0013000abc", "10-20-30x", "abc1"]),
        ("text", ["Retail", "a b", "N/A", "51 to 200", "x" * 200, "9" * 200]),
    ],
)
def test_a_cell_is_of_a_kind(kind, cells):
    assert {cell: value_kind(cell) for cell in cells} == dict.fromkeys(cells, kind)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1", 1),
        ("1,234", 1234),
        ("1.234", 1.234),
        ("1,234.5", 1234.5),
        ("1.234,5", 1234.5),
        ("1.234.567", 1234567),
        ("1,5", 1.5),
        ("12,345,678.90", 12345678.9),
        ("$ 1 200.50", 1200.5),
        ("(20.5)", -20.5),
        ("-7 €", -7),
        ("abc", None),
        ("", None),
        ("2024-01-31", None),
    ],
)
def test_an_amount_is_read_well_enough_for_a_sum(cell, value):
    assert amount(cell) == value


@given(st.integers(-(10**9), 10**9))
def test_whole_amounts_come_back(number):
    assert amount(str(number)) == number
    assert amount(f"{number:,}") == number


@given(st.decimals(0, 10**6, places=2))
def test_written_amounts_come_back_in_both_notations(number):
    english = f"{number:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert amount(english) == amount(german) == pytest.approx(float(number))


# --- columns -----------------------------------------------------------------------


def shape(*values: str):
    return shapes_of([[value] for value in values], width=1)[0]


@pytest.mark.parametrize(
    ("values", "kind", "closed"),
    [
        (["1", "2", "3"], "number", False),
        (["1", "2", "x"], None, False),
        (["1"] * 19 + ["x"], "number", False),
        (["1"] * 7 + ["x"], "number", False),
        (["won", "lost"] * 4, "text", True),
        (["won", "lost", "open"], "text", False),
        (["2024-01-31"] * 8, "date", False),
        (["", ""], None, False),
    ],
)
def test_a_column_is_what_nearly_all_its_values_are(values, kind, closed):
    found = shape(*values)
    assert (found.kind, found.closed) == (kind, closed)
    assert found.rows == len(values)
    assert found.may_be_empty == ("" in values)


@pytest.mark.parametrize(
    ("values", "cell", "fits"),
    [
        (["1", "2"], "3", True),
        (["1", "2"], "x", False),
        (["1", "2"], "", False),
        (["1", ""], "", True),
        (["won", "lost"] * 4, "won", True),
        (["won", "lost"] * 4, "lose", False),
        (["Acme", "Bolt"], "Cora", True),
        (["Acme", "Bolt"], "2024-01-31", False),
        (["2024-01-31"], "2025-02-01", True),
        (["2024-01-31"], "7", False),
        (["a@x.de"], "x.de", False),
        (["", ""], "anything", True),
    ],
)
def test_a_value_fits_a_column_or_not(values, cell, fits):
    assert shape(*values).fits(cell) is fits


@given(st.lists(st.text(max_size=5), min_size=1, max_size=12))
def test_a_column_s_own_values_fit_it_while_they_are_of_one_kind(values):
    found = shape(*values)
    kinds = {value_kind(value) for value in values} - {"empty"}
    if len(kinds) <= 1:
        assert all(found.fits(value) for value in values)


def test_short_rows_leave_their_last_columns_out():
    first, second = shapes_of([["a", "1"], ["b"]], width=2)
    assert (first.rows, second.rows) == (2, 1)
