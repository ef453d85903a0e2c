"""Numbers as people write them: money, percent, magnitudes, bands.

A number is read only where one reading exists. `1,234` is 1234 where the comma groups
thousands and 1.234 where it is the decimal sign; which of the two holds is settled per
column (`decimal`), never per value.
"""

from __future__ import annotations

from typing import Literal

import polars as pl

__all__ = ["CURRENCY", "Decimal", "number_column", "with_numbers"]

Decimal = Literal[".", ","]

_CODES = (
    "us\\$|usd|eur|euro|euros|gbp|chf|cad|aud|nzd|inr|jpy|cny|sek|nok|dkk|pln|czk|huf|"
    "brl|mxn|zar|sgd|hkd|krw|try|ils|rub"
)
#: A currency's sign or code, anywhere in a lower-case value.
CURRENCY = rf"[$€£¥₹₩₽]|\b(?:{_CODES})\b|us\$|\b(?:rs\.?)\b"
_MAGNITUDES = {
    "k": 1e3,
    "tsd": 1e3,
    "thousand": 1e3,
    "m": 1e6,
    "mm": 1e6,
    "mn": 1e6,
    "mio": 1e6,
    "mill": 1e6,
    "million": 1e6,
    "millionen": 1e6,
    "millions": 1e6,
    "b": 1e9,
    "bn": 1e9,
    "mrd": 1e9,
    "billion": 1e9,
    "milliarden": 1e9,
}
_MAGNITUDE = "|".join(sorted(_MAGNITUDES, key=len, reverse=True))
_UNITS = (
    "employees?|people|staff|ftes?|mitarbeiter|seats?|users?|days?|tage|months?|monate|"
    "years?|jahre|hours?|hrs?|percent|pct"
)
_SHAPE = (
    r"^(?<sign>[-+]?) ?(?<core>[0-9][0-9.,' ]*|[.,][0-9]+) ?"
    rf"(?<magnitude>{_MAGNITUDE})?\.? ?%? ?(?:{_UNITS})?$"
)
_SCIENTIFIC = r"^[-+]?[0-9]+(?:\.[0-9]+)?e[-+]?[0-9]+$"
_GROUPED = {
    ".": r"^[1-9][0-9]{0,2}(?:(?:,[0-9]{2,3})*,[0-9]{3}|(?:[' ][0-9]{3})+)"
    r"(?:\.[0-9]+)?$",
    ",": r"^[1-9][0-9]{0,2}(?:(?:\.[0-9]{3})+|(?:[' ][0-9]{3})+)(?:,[0-9]+)?$",
}
_PLAIN = {".": r"^[0-9]*\.?[0-9]*$", ",": r"^[0-9]*,?[0-9]*$"}
_GROUPING = {".": "[,' ]", ",": "[.' ]"}
_TO = r"-|to|bis|until|und|and|a|à"
_BETWEEN = rf"^(?<low>[^a-z]*[0-9][^-]*?) ?(?:{_TO}) ?(?<high>[^-0-9]*[0-9][^-]*)$"
_ABOVE = (
    r"^(?:>=?|≥|over|more than|above|at least|über|mehr als|ab|plus de|más de) ?(.+)$"
)
_PLUS = (
    r"^(.*[0-9].*?) ?(?:\+|or more|and more|und mehr|et plus|o más|and over)"
    rf" ?(?:{_UNITS})?$"
)
_BELOW = (
    r"^(?:<=?|≤|under|less than|below|up to|fewer than|unter|weniger als|bis zu|bis|"
    r"moins de|menos de) ?(.+)$"
)
_SIMPLE = r"^(?<sign>[-+]?)[$€£]?(?<core>[0-9][0-9.,]*) ?[€%]?$"
_TEXT = pl.col("text")


def with_numbers(values: pl.DataFrame, /) -> pl.DataFrame:
    """Add three readings of the cleaned `text` of each row, as Float64.

    `point` with a decimal point, `comma` with a decimal comma, `either` only where one
    reading exists: both agree, or one of them fails. Null where the text is no number,
    or one beyond all floats.

    Bands become one number that keeps their order: `51-200` the geometric middle of
    its ends, sqrt(51 * 200); `0-50` and `<50` half of the upper end; `5000+` its lower
    end, `<-10` its only one. `(500)` is -500; `12%` is 12; `1.2M` is 1200000.

    >>> frame = pl.DataFrame({"text": ["$1,200.50", "(500)", "51-200", "1,234", "TBD"]})
    >>> with_numbers(frame).rows()  # doctest: +NORMALIZE_WHITESPACE
    [('$1,200.50', 1200.5, None, 1200.5),
     ('(500)', -500.0, -500.0, -500.0),
     ('51-200', 100.99504938362078, 100.99504938362078, 100.99504938362078),
     ('1,234', 1234.0, 1.234, None),
     ('TBD', None, None, None)]
    """
    parts = values.select("text", row=pl.int_range(pl.len())).pipe(_with_parts)
    read = parts.select("row", point=_number("."), comma=_number(","))
    point, comma = pl.col("point"), pl.col("comma")
    one = pl.when(point.is_null() | (point == comma)).then(comma)
    either = one.when(comma.is_null()).then(point)
    rows = values.with_columns(row=pl.int_range(pl.len()))
    joined = rows.join(read, on="row", how="left", maintain_order="left")
    return joined.with_columns(either=either).drop("row")


def number_column(decimal: Decimal | None, /) -> Literal["point", "comma", "either"]:
    """Which column of `with_numbers` holds for a column's decimal sign."""
    if decimal is None:
        return "either"
    return "point" if decimal == "." else "comma"


def _bare(text: pl.Expr) -> pl.Expr:
    return (
        text.str.to_lowercase()
        .str.replace_all(CURRENCY, " ")
        .str.replace_all("[−–—]", "-")
        .str.replace_all("’", "'")
        .str.replace_all(" +", " ")
        .str.strip_chars()
        .str.replace(r"^\((.*)\)$", "-${1}")
        .str.replace("^- ", "-")
    )


def _with_parts(frame: pl.DataFrame) -> pl.DataFrame:
    """`row` and the parts of its number, for rows with a digit, in any order.

    Most values are plain digits with a sign at most; only the others take the long way.
    """
    shaped = frame.filter(_TEXT.str.contains("[0-9]")).with_columns(
        simple=_TEXT.str.extract_groups(_SIMPLE)
    )
    core = pl.col("simple").struct["core"]
    plain = shaped.filter(core.is_not_null()).select(
        "row", low=core, sign=_signed(pl.col("simple").struct["sign"])
    )
    others = shaped.filter(core.is_null())
    return pl.concat([_long_way(others), plain], how="diagonal")


def _long_way(frame: pl.DataFrame) -> pl.DataFrame:
    bare = frame.select("row", _bare(_TEXT))
    return bare.pipe(_with_ends).pipe(_with_shapes)


def _signed(sign: pl.Expr) -> pl.Expr:
    return pl.when(sign == "-").then(-1.0).otherwise(1.0)


def _with_ends(frame: pl.DataFrame) -> pl.DataFrame:
    """Add `low`, `high` (text of a number each) and whether the range is open below."""
    ends = _TEXT.str.extract_groups(_BETWEEN)
    scientific = _TEXT.str.contains(_SCIENTIFIC)
    return (
        frame.with_columns(ends=ends, scientific=scientific)
        .with_columns(
            low=pl.col("ends").struct["low"],
            high=pl.col("ends").struct["high"],
            below=_TEXT.str.extract(_BELOW, 1),
            above=_TEXT.str.extract(_ABOVE, 1),
            plus=_TEXT.str.extract(_PLUS, 1),
        )
        .select(
            "row",
            low=pl.coalesce("low", "below", "above", "plus", "text").str.strip_chars(),
            high=pl.col("high").str.strip_chars(),
            below=pl.col("below").is_not_null() & pl.col("high").is_null(),
            exact=pl.when("scientific").then("text").cast(pl.Float64, strict=False),
        )
    )


def _with_shapes(frame: pl.DataFrame) -> pl.DataFrame:
    """Exchange each end for its digits, its sign and its magnitude's factor."""
    shaped = frame.with_columns(
        pl.col(end).str.extract_groups(_SHAPE) for end in ("low", "high")
    )
    magnitude = {
        end: pl.col(end).struct["magnitude"].replace_strict(
            _MAGNITUDES, default=None, return_dtype=pl.Float64
        )
        for end in ("low", "high")
    }  # fmt: skip
    return shaped.select(
        "row",
        "below",
        "exact",
        low=pl.col("low").struct["core"].str.strip_chars(),
        high=pl.col("high").struct["core"].str.strip_chars(),
        sign=_signed(pl.col("low").struct["sign"]),
        low_factor=magnitude["low"],
        high_factor=magnitude["high"],
    )


def _number(decimal: Decimal) -> pl.Expr:
    low, high = _reading("low", decimal), _reading("high", decimal)
    written, factor = pl.col("low_factor"), pl.col("high_factor")
    # "10-50M" means millions at both ends, "500-1M" does not.
    shared = written.is_null() & (low < 1000) & (low <= high)
    scale = pl.when(shared).then(factor).otherwise(written).fill_null(1.0)
    start = low * scale * pl.col("sign")
    end = high * factor.fill_null(1.0)
    middle = pl.when(start > 0).then((start * end).sqrt()).otherwise(end / 2)
    band = pl.when((start >= 0) & (end > start)).then(middle)
    single = pl.when(pl.col("below") & (start > 0)).then(start / 2).otherwise(start)
    one = pl.when(pl.col("high").is_null()).then(single).otherwise(band)
    number = pl.coalesce("exact", one)
    return pl.when(number.is_finite()).then(number)


def _reading(end: str, decimal: Decimal) -> pl.Expr:
    core = pl.col(end)
    fits = core.str.contains(_GROUPED[decimal]) | core.str.contains(_PLAIN[decimal])
    digits = core.str.replace_all(_GROUPING[decimal], "").str.replace(",", ".")
    return pl.when(fits).then(digits).cast(pl.Float64, strict=False)
