from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from math import inf, nan
from typing import Any

import numpy as np
import polars as pl
import pytest
from generators.strategies import LAWS, profile_of, table_of
from hypothesis import given
from hypothesis import strategies as st

from icp.errors import SchemaError
from icp.scoring import score, score_one

NUMBER = profile_of(
    [table_of("x", "number", (1, 2, 3, 4, 5), edges=(0.5, 300.0))], base=1000
)
CATEGORY = profile_of(
    [
        table_of(
            "x",
            "category",
            (1, 2, 3, 4, 5, 6, 7),
            cells=("3", "true", "1.5", "3.0", "a"),
        )
    ],
    base=1000,
)
FLAG = profile_of([table_of("x", "flag", (1, 2, 3, 4))], base=1000)
MULTI = profile_of([table_of("x=a", "multi", (1, 2, 3, 4), value="a")], base=1000)


def both(profile: Any, values: list[Any], dtype: Any) -> list[int]:
    series = pl.Series("x", values, dtype=dtype)
    batch = score(series.to_frame(), profile)["margin"].to_list()
    assert batch == [score_one({"x": value}, profile).margin for value in series]
    return [margin - 1000 for margin in batch]


@pytest.mark.parametrize(
    ("values", "dtype", "points"),
    [
        ([0, 1, 127, None], pl.Int8, [3, 4, 4, 1]),
        ([0, 1, 2**64 - 1], pl.UInt64, [3, 4, 5]),
        ([-(2**100), 2**100], pl.Int128, [3, 5]),
        ([0.5, nan, inf, -inf, -0.0], pl.Float32, [4, 1, 2, 2, 3]),
        ([0.5, nan, inf, -inf, -0.0], pl.Float64, [4, 1, 2, 2, 3]),
        ([Decimal("0.50"), Decimal("300.25"), None], pl.Decimal(10, 2), [4, 5, 1]),
        ([True, False, None], pl.Boolean, [4, 3, 1]),
        ([None, None], pl.Null, [1, 1]),
    ],
)
def test_any_numeric_type_is_a_number(
    values: list[Any], dtype: Any, points: list[int]
) -> None:
    assert both(NUMBER, values, dtype) == points


@pytest.mark.parametrize(
    ("values", "dtype", "points"),
    [
        (["a", "b", "", None], pl.String, [7, 2, 2, 1]),
        (["a", "b", None], pl.Categorical, [7, 2, 1]),
        (["a", "b", None], pl.Enum(["b", "a"]), [7, 2, 1]),
        ([3, 4, None], pl.Int16, [3, 2, 1]),
        ([3.0, 1.5, 1e-5, 1e300, inf, nan, None], pl.Float64, [6, 5, 2, 2, 2, 1, 1]),
        ([Decimal("1.5"), None], pl.Decimal(10, 1), [5, 1]),
        ([True, False, None], pl.Boolean, [4, 2, 1]),
        ([None], pl.Null, [1]),
    ],
)
def test_texts_numbers_and_booleans_are_levels(
    values: list[Any], dtype: Any, points: list[int]
) -> None:
    assert both(CATEGORY, values, dtype) == points


@LAWS
@given(st.lists(st.floats(), max_size=9), st.data())
def test_floats_are_written_alike_by_both_engines(
    values: list[float], data: Any
) -> None:
    written = [data.draw(st.sampled_from([repr(v), f"{v:g}", "inf"])) for v in values]
    cells = tuple(dict.fromkeys([*written, "inf"]))
    points = tuple(range(len(cells) + 2))
    both(
        profile_of([table_of("x", "category", points, cells=cells)]), values, pl.Float64
    )


@pytest.mark.parametrize(
    ("values", "dtype", "points"),
    [
        ([True, False, None], pl.Boolean, [4, 3, 1]),
        ([0, 1, 2, None], pl.Int64, [3, 4, 2, 1]),
        ([0.0, 1.0, 0.5, nan, inf, None], pl.Float64, [3, 4, 2, 1, 2, 1]),
        ([None], pl.Null, [1]),
    ],
)
def test_flags_may_be_zero_and_one(
    values: list[Any], dtype: Any, points: list[int]
) -> None:
    assert both(FLAG, values, dtype) == points


@pytest.mark.parametrize(
    ("values", "dtype", "points"),
    [
        ([["a", "b"], ["b"], [], [None], None], pl.List(pl.String), [4, 3, 3, 3, 1]),
        ([["a"], None], pl.List(pl.Categorical), [4, 1]),
        ([[], None], pl.List(pl.Null), [3, 1]),
        (["a", "b", None], pl.String, [4, 3, 1]),
        ([None], pl.Null, [1]),
    ],
)
def test_multi_columns_hold_or_lack_a_value(
    values: list[Any], dtype: Any, points: list[int]
) -> None:
    series = pl.Series("x", values, dtype=dtype)
    batch = score(series.to_frame(), MULTI)["margin"].to_list()
    assert [margin - 1000 for margin in batch] == points
    ones = [score_one({"x": value}, MULTI).margin for value in series.to_list()]
    assert ones == batch


def test_an_array_of_texts_is_a_list() -> None:
    frame = pl.DataFrame({"x": [["a", "b"]]}, schema={"x": pl.Array(pl.String, 2)})
    assert score(frame, MULTI)["margin"].to_list() == [1004]


def test_numbers_of_other_libraries_are_numbers() -> None:
    margins = [
        score_one({"x": value}, NUMBER).margin - 1000
        for value in (np.float32(0.5), np.int64(7), np.float64("nan"), 10**400)
    ]
    assert margins == [4, 4, 1, 2]


@pytest.mark.parametrize(
    ("profile", "value", "dtype", "needed"),
    [
        (NUMBER, "12", pl.String, "a number"),
        (NUMBER, "12", pl.Categorical, "a number"),
        (NUMBER, date(2024, 1, 1), pl.Date, "a number"),
        (NUMBER, timedelta(1), pl.Duration, "a number"),
        (CATEGORY, date(2024, 1, 1), pl.Date, "a text"),
        (CATEGORY, ["a"], pl.List(pl.String), "a text"),
        (FLAG, "yes", pl.String, "yes or no"),
        (MULTI, 3, pl.Int64, "a list of texts"),
        (MULTI, [3], pl.List(pl.Int64), "a list of texts"),
    ],
)
def test_both_engines_refuse_what_cannot_be_read(
    profile: Any, value: object, dtype: Any, needed: str
) -> None:
    frame = pl.DataFrame({"x": pl.Series([value], dtype=dtype)})
    with pytest.raises(SchemaError, match=needed):
        score(frame, profile)
    with pytest.raises(SchemaError, match=needed):
        score(frame.lazy(), profile)
    if not isinstance(value, list) or needed == "a text":
        with pytest.raises(SchemaError, match=needed):
            score_one({"x": value}, profile)
