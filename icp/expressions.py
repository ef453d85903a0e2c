"""SQL expressions that people write, as Polars expressions that are safe to run.

An expression reads the columns of its own row and gives one value: no queries, no sums
over rows. Polars' own SQL parser reads it, and it is tried on an empty table of the
same types, so that mistakes show before any data is read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from icp.errors import PolicyError, counted, near

if TYPE_CHECKING:
    from collections.abc import Mapping


_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_QUERY = re.compile(r"\bselect\b", re.IGNORECASE)
_VALUE_LIST = re.compile(r":\s*\[.*\]")


def compiled(
    text: str, /, *, subject: str, schema: Mapping[str, pl.DataType]
) -> tuple[pl.Expr, pl.DataType]:
    """Parse an expression over the columns of `schema`; give it with its type.

    Messages start with `subject`, for instance "derived column 'x'".
    Raises PolicyError naming both, the fault and the next action.

    >>> schema = {"paid": pl.Float64(), "won": pl.Boolean()}
    >>> compiled("paid * 2", subject="worth", schema=schema)[1]
    Float64
    >>> compiled("payd * 2", subject="worth", schema=schema)
    Traceback (most recent call last):
    ...
    icp.errors.PolicyError: worth: cannot use "payd * 2": 1 unknown column: 'payd'; \
did you mean 'paid'?
    """
    expression = _parse(text, subject)
    unknown = set(expression.meta.root_names()).difference(schema)
    if unknown:
        reason = f"{counted(unknown, 'unknown column')}; {near(min(unknown), schema)}"
        raise _refusal(text, subject, reason)
    values = _try_on_no_rows(expression, text, subject, schema)
    if len(values) and expression.meta.root_names():
        reason = "it sums over rows; give one value per row"
        raise _refusal(text, subject, reason)
    return expression, values.dtype


def columns_in(text: str, /, *, subject: str) -> frozenset[str]:
    """The columns that an expression reads. Raises PolicyError.

    >>> sorted(columns_in("paid - 2 * owed", subject="worth"))
    ['owed', 'paid']
    """
    return frozenset(_parse(text, subject).meta.root_names())


def condition(
    text: str, /, *, subject: str, schema: Mapping[str, pl.DataType]
) -> pl.Expr:
    """Parse a yes/no expression; a null answer means no. Raises PolicyError."""
    expression, dtype = compiled(text, subject=subject, schema=schema)
    if dtype != pl.Boolean:
        raise _refusal(
            text, subject, "it is not a condition; compare it with something"
        )
    return expression.fill_null(value=False)


def number(text: str, /, *, subject: str, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """Parse a numeric expression; a result that is not finite is null.

    Yes/no counts as 1/0. Raises PolicyError.
    """
    expression, dtype = compiled(text, subject=subject, schema=schema)
    if not (dtype.is_numeric() or dtype in {pl.Boolean, pl.Null}):
        raise _refusal(
            text, subject, "it is not a number; use columns that hold numbers"
        )
    amount = expression.cast(pl.Float64)
    return pl.when(amount.is_finite()).then(amount)


def evaluated(
    frame: pl.DataFrame, expression: pl.Expr, /, *, subject: str, text: str
) -> pl.Series:
    """The expression's values on a frame; raises PolicyError where data defeat it."""
    try:
        return frame.with_columns(expression.alias("__value__"))["__value__"]
    except pl.exceptions.PolarsError as error:
        reason = f"{_first_line(error)}; use TRY_CAST or a CASE for such values"
        raise _refusal(text, subject, reason) from error


def _parse(text: str, subject: str) -> pl.Expr:
    if _QUERY.search(_QUOTED.sub("", text)):
        raise _refusal(
            text, subject, "it holds a query; write an expression over columns"
        )
    try:
        return pl.sql_expr(text)
    except pl.exceptions.PolarsError as error:
        reason = f"{_first_line(error)}; write it as in SQL, text in 'single quotes'"
        raise _refusal(text, subject, reason) from error


def _try_on_no_rows(
    expression: pl.Expr, text: str, subject: str, schema: Mapping[str, pl.DataType]
) -> pl.Series:
    try:
        return pl.DataFrame(schema=schema).select(expression).to_series()
    except pl.exceptions.PolarsError as error:
        reason = f"{_first_line(error)}; {_advice(str(error))}"
        raise _refusal(text, subject, reason) from error


def _advice(message: str) -> str:
    if "temporal" in message or "date" in message:
        return "write a date as DATE '2024-01-31'"
    return "compare text with 'text' and numbers with numbers"


def _first_line(error: Exception) -> str:
    line = str(error).strip().splitlines()[0]
    return _VALUE_LIST.sub("", line)


def _refusal(text: str, subject: str, reason: str) -> PolicyError:
    return PolicyError(f'{subject}: cannot use "{text}": {reason}')
