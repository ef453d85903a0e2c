"""Values in words, as expressions: money, numbers, dates, filled-in templates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from icp.errors import PolicyError, counted, near

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["filled_in", "money"]

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NOT_KNOWN = "not known"


def money(amount: pl.Expr, /, *, currency: str = "") -> pl.Expr:
    """Money without decimals, with thousands separated; null is "not known".

    >>> frame = pl.DataFrame({"x": [1234567.8, -999.5, None]})
    >>> frame.select(money(pl.col("x"), currency="EUR"))["x"].to_list()
    ['1,234,568 EUR', '-1,000 EUR', 'not known']
    """
    whole = amount.abs().round(mode="half_away_from_zero")
    digits = whole.cast(pl.Int128, strict=False).cast(pl.String).str.reverse()
    grouped = digits.str.replace_all(r"(\d{3})", "${1},").str.reverse()
    sign = pl.when((amount < 0) & (whole > 0)).then(pl.lit("-")).otherwise(pl.lit(""))
    unit = pl.lit(f" {currency}" if currency else "")
    # What is beyond all integers stays as it is, for instance 1e+300.
    said = pl.coalesce(grouped.str.strip_chars_start(","), whole.cast(pl.String))
    text = pl.concat_str(sign, said, unit)
    return text.fill_null(_NOT_KNOWN).alias(amount.meta.output_name())


def filled_in(
    template: str, /, *, schema: Mapping[str, pl.DataType], currency: str = ""
) -> pl.Expr:
    """The template with each {column} replaced by the row's value in words.

    `{worth}` is money. Raises PolicyError for a column that does not exist.
    """
    names = _PLACEHOLDER.findall(template)
    unknown = {name for name in names if name not in schema}
    if unknown:
        advice = near(min(unknown), schema)
        message = f"{counted(unknown, 'unknown column')} in the reason {template!r}"
        raise PolicyError(f"{message}; {advice}")
    texts = _PLACEHOLDER.split(template)[::2]
    values = [_in_words(name, schema[name], currency) for name in names]
    pieces = [pl.lit(texts[0])]
    for value, text in zip(values, texts[1:], strict=True):
        pieces += [value, pl.lit(text)]
    return pl.concat_str(pieces)


def _in_words(name: str, dtype: pl.DataType, currency: str) -> pl.Expr:
    column = pl.col(name)
    if name == "worth":
        return money(column, currency=currency)
    return _said(column, dtype).fill_null(_NOT_KNOWN)


def _said(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Boolean:
        yes, no = pl.lit("yes"), pl.lit("no")
        return pl.when(column).then(yes).when(~column).then(no)
    if dtype.is_float():
        return column.round(2).cast(pl.String).str.replace(r"\.0+$", "")
    if isinstance(dtype, pl.List):
        return column.cast(pl.List(pl.String)).list.join(", ")
    return column.cast(pl.String)
