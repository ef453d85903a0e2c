"""How a column is read: by the kind of value that it is compared with.

| compared with | frame column                 | one row's value       | unknown      |
| ------------- | ---------------------------- | --------------------- | ------------ |
| a text        | String, Categorical, Enum    | str                   | null         |
| a number      | any number, Boolean (1/0)    | int, float, bool      | null, NaN    |
| yes or no     | Boolean, a number (1/0)      | bool, 1, 0            | null, others |
| a date        | Date, Datetime               | date, datetime        | null         |
| `has`         | List[String], String (one)   | list, tuple, set, str | null         |

Each reader of a frame stands beside its twin for one row.
"""

from __future__ import annotations

from datetime import date, datetime
from math import inf, isnan
from typing import TYPE_CHECKING

import polars as pl

from icp.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Value", "read_column", "read_texts", "read_value", "read_values"]

Value = str | float | bool | date

_NEEDED = {
    bool: "yes or no",
    float: "a number",
    str: "a text",
    date: "a date",
    list: "a list of texts",
}


def read_column(
    name: str, kind: type[Value], schema: Mapping[str, pl.DataType]
) -> pl.Expr:
    """The column as values of this kind, null where not known or not there."""
    dtype = schema.get(name, pl.Null())
    column = pl.col(name) if name in schema else pl.lit(None)
    if dtype == pl.Null:
        return column.cast(_DTYPES[kind])
    if kind is str and isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        return column.cast(pl.String)
    if kind is date and isinstance(dtype, pl.Date | pl.Datetime):
        return column.dt.date()  # the day on its own clock, as a row says it
    if kind is bool and dtype == pl.Boolean:
        return column
    if kind in {float, bool} and (dtype.is_numeric() or dtype == pl.Boolean):
        number = column.cast(pl.Float64).fill_nan(None)
        return number if kind is float else _as_flag(number)
    raise _unreadable(name, kind, dtype)


_DTYPES: dict[type, pl.DataType] = {
    bool: pl.Boolean(),
    float: pl.Float64(),
    str: pl.String(),
    date: pl.Date(),
}


def _as_flag(number: pl.Expr) -> pl.Expr:
    return pl.when((number == 0) | (number == 1)).then(number == 1)


def read_value(name: str, kind: type[Value], row: Mapping[str, object]) -> Value | None:
    """The row's value as this kind, None where not known or not there."""
    value = row.get(name)
    if value is None:
        return None
    if kind is str and isinstance(value, str):
        return value
    if kind is date and isinstance(value, date):
        return value.date() if isinstance(value, datetime) else value
    if kind in {float, bool} and not isinstance(value, str | bytes | date):
        number = _number(name, kind, value)
        if number is None or kind is float:
            return number
        return number == 1 if number in {0, 1} else None
    raise _unreadable(name, kind, type(value).__name__)


def _number(name: str, kind: type, value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]  # what is no number raises
    except OverflowError:
        return -inf if value < 0 else inf  # type: ignore[operator]  # a whole number
    except (TypeError, ValueError) as error:
        raise _unreadable(name, kind, type(value).__name__) from error
    return None if isnan(number) else number


def read_texts(name: str, value: str, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """Whether the column of several texts holds this one; null where not known."""
    dtype = schema.get(name, pl.Null())
    column = pl.col(name) if name in schema else pl.lit(None)
    if dtype == pl.Null:
        return column.cast(pl.Boolean)
    if isinstance(dtype, pl.List | pl.Array) and _is_text(dtype.inner):
        held = column.cast(pl.List(pl.String)).list.contains(value)
        return pl.when(column.is_not_null()).then(held.fill_null(value=False))
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        return column.cast(pl.String) == value
    raise _unreadable(name, list, dtype)


def _is_text(dtype: object) -> bool:
    return isinstance(dtype, pl.String | pl.Categorical | pl.Enum | pl.Null)


def read_values(name: str, row: Mapping[str, object]) -> frozenset[object] | None:
    """The row's texts, None where not known or not there."""
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        return frozenset({value})
    if not isinstance(value, list | tuple | set | frozenset):
        raise _unreadable(name, list, type(value).__name__)
    for item in value:
        if not isinstance(item, str | None):
            raise _unreadable(name, list, f"one of {type(item).__name__}")
    return frozenset(value)


def _unreadable(name: str, kind: type, found: object) -> SchemaError:
    message = (
        f"a rule reads {name!r}, which needs {_NEEDED[kind]}, not {found}; "
        "convert it, or write the rule for what the column holds"
    )
    return SchemaError(message)
