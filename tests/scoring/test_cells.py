from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from generators.strategies import (
    FINITE,
    KINDS,
    LAWS,
    neighbours,
    table_of,
    tables,
    values,
)
from hypothesis import given
from hypothesis import strategies as st
from oracles.naive_score import naive_code

from icp.errors import SchemaError
from icp.schema import Kind
from icp.scoring import code_matrix, codes
from icp.scoring.cells import coder

LEVELS = table_of(
    "level",
    "category",
    (0,) * 4,
    levels=(("-", 0), ("Retail", 2), ("Wine", 3), ("retail", 3)),
    cells=("Retail", "others"),
)
STAFF = table_of("staff", "number", (0,) * 5, edges=(10.0, 20.0))


def test_codes_of_a_frame() -> None:
    frame = pl.DataFrame(
        {
            "level": ["Retail", "retail", "RETAIL", " Retail", "-", None],
            "staff": [9.9, 10.0, 20.0, math.inf, math.nan, None],
        }
    )
    absent = table_of("gone", "flag", (0,) * 4)
    assert code_matrix(frame, [LEVELS, STAFF, absent]).tolist() == [
        [2, 2, 0],
        [3, 3, 0],
        [1, 4, 0],
        [1, 1, 0],
        [0, 0, 0],
        [0, 0, 0],
    ]


def test_codes_are_unsigned_and_never_null() -> None:
    frame = pl.DataFrame({"level": ["Retail", None], "staff": [None, 1.0]})
    coded = frame.select(codes(frame.schema, [LEVELS, STAFF]))
    assert set(coded.dtypes) == {pl.UInt32}
    assert coded.null_count().row(0) == (0, 0)


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_a_matrix_has_a_row_per_account(rows: int) -> None:
    frame = pl.DataFrame({"staff": [1.0] * rows}, schema={"staff": pl.Float64})
    matrix = code_matrix(frame, [LEVELS, STAFF])
    assert matrix.shape == (rows, 2)
    assert matrix.dtype == np.int32
    assert matrix.tolist() == [[0, 2]] * rows


def test_every_unreadable_column_is_named_once() -> None:
    frame = pl.DataFrame({"level": [[1]], "staff": ["9"], "stack": [3]})
    both = [
        table_of(f"stack={value}", "multi", (0,) * 4, value=value) for value in "ab"
    ]
    with pytest.raises(SchemaError) as caught:
        codes(frame.schema, [LEVELS, STAFF, *both])
    assert str(caught.value) == (
        "3 columns not of the type that the profile reads: "
        "'level' (List(Int64), needs a text), 'stack' (Int64, needs a list of texts), "
        "'staff' (String, needs a number); import the file with icp.ingest, or cast it"
    )


@LAWS
@given(st.lists(FINITE, min_size=1, max_size=20, unique=True))
def test_edges_and_their_neighbours(drawn: list[float]) -> None:
    edges = tuple(sorted({edge + 0.0 for edge in drawn}))
    table = table_of("x", "number", (0,) * (len(edges) + 3), edges=edges)
    near = [value for edge in edges for value in neighbours(edge)]
    expected = [naive_code(table, value) for value in near]
    assert [coder(table)(value) for value in near] == expected
    frame = pl.DataFrame({"x": near}, schema={"x": pl.Float64})
    assert code_matrix(frame, [table])[:, 0].tolist() == expected


@LAWS
@given(st.sampled_from(KINDS), st.data())
def test_one_value_is_coded_like_a_column(kind: Kind, data: st.DataObject) -> None:
    table = data.draw(tables("x=aws" if kind is Kind.MULTI else "x", kind))
    column = data.draw(st.lists(values(table), max_size=6))
    frame = pl.DataFrame({"x": pl.Series(column, dtype=kind.dtype)})
    expected = [naive_code(table, value) for value in column]
    assert code_matrix(frame, [table])[:, 0].tolist() == expected
    assert [coder(table)(value) for value in column] == expected


def test_minus_zero_is_zero() -> None:
    for edge in (0.0, -0.0):
        table = table_of("x", "number", (0,) * 4, edges=(edge,))
        frame = pl.DataFrame({"x": [0.0, -0.0, -5e-324]})
        assert code_matrix(frame, [table])[:, 0].tolist() == [3, 3, 2]
        assert [coder(table)(x) for x in frame["x"]] == [3, 3, 2]


def test_many_levels() -> None:
    names = [f"level {i:05}" for i in range(3_000)]
    table = table_of("x", "category", tuple(range(3_002)), cells=names)
    frame = pl.DataFrame({"x": [names[0], names[-1], "level"]})
    assert code_matrix(frame, [table])[:, 0].tolist() == [2, 3_001, 1]
