"""What the values of one raw column look like: the evidence behind a proposal.

A column is read through its distinct values, each once, weighted by its rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from icp.ingest.result import LINE
from icp.ingest.values import (
    CURRENCY,
    EMAIL,
    PHONE,
    WEB_ADDRESS,
    Decimal,
    cleaned,
    is_missing,
    is_numeric_date,
    is_serial,
    read_date,
    read_flag,
    spelling_key,
    with_numbers,
)

if TYPE_CHECKING:
    from icp.ingest.values import DateOrder

_TEXT = pl.col("text")
_MOST_READ = 5_000
_CODE = r"^[A-Za-z0-9][A-Za-z0-9_.:/#-]*$"
_THREE_PARTS = r"^(\d{1,2})\D+(\d{1,2})\D+(\d{2,4})"
_SEPARATORS = (";", "|")
_SIGNS = {"$": "$", "us$": "USD", "€": "EUR", "euro": "EUR", "£": "GBP", "¥": "JPY"}
_SHARES = (
    "flags", "numbers", "bands", "percents", "leading_zeros", "whole", "dates",
    "compact_dates", "serials", "emails", "phones", "web_addresses", "codes",
    "mean_length",
)  # fmt: skip
_COUNTS = (
    "point_only", "comma_only", "either_way", "day_first", "day_second",
    "numeric_dates",
)  # fmt: skip


def distinct_values(frame: pl.DataFrame, source: str, /) -> pl.DataFrame:
    """`text` (cleaned, no nulls), `rows` that hold it, `line` of the first of them.

    In the order of their first lines.
    """
    return (
        frame.lazy()
        .select(text=cleaned(pl.col(source)), line=pl.col(LINE))
        .filter(_TEXT.is_not_null())
        .group_by("text")
        .agg(rows=pl.len(), line=pl.col("line").min())
        .sort("line", "text")
        .collect()
    )


@dataclass(frozen=True, kw_only=True)
class ColumnFacts:
    """Shares are of the rows that hold a value; counts are of rows."""

    rows: int
    values: int
    distinct: int
    #: Rows that hold only a placeholder, as a share of the rows with any text.
    placeholders: float
    flags: float
    #: Distinct values are exactly 0 and 1.
    zero_one: bool
    numbers: float
    #: Rows that only a decimal point, or only a decimal comma, can read.
    point_only: int
    comma_only: int
    #: Rows such as `1,234`, which both read, but not alike; and their own sign.
    either_way: int
    either_sign: Decimal | None
    bands: float
    percents: float
    leading_zeros: float
    whole: float
    dates: float
    compact_dates: float
    serials: float
    #: Rows with a day above 12 in first, or in second place.
    day_first: int
    day_second: int
    numeric_dates: int
    #: Every such date has two digits for its year, and may as well start with it.
    year_first: bool
    emails: float
    phones: float
    web_addresses: float
    codes: float
    mean_length: float
    separator: str | None
    currencies: tuple[str, ...]
    #: Distinct spellings, at most 201, in order.
    levels: tuple[str, ...]

    @property
    def decimal(self) -> Decimal | None:
        """The one decimal mark that every value agrees with, if its values tell."""
        if self.point_only and not self.comma_only:
            return "."
        return "," if self.comma_only and not self.point_only else None

    @property
    def date_order(self) -> DateOrder | None:
        """The one order that every value agrees with, if its values tell."""
        if not self.numeric_dates:
            return "ymd" if self.dates else None
        if self.year_first:
            return None
        if self.day_first and not self.day_second:
            return "dmy"
        return "mdy" if self.day_second and not self.day_first else None

    @property
    def near_unique(self) -> bool:
        """Whether nearly every known value occurs once."""
        return self.values >= 5 and self.distinct >= 0.95 * self.values

    @property
    def coverage(self) -> float:
        """Share of the rows that hold a value."""
        return self.values / self.rows if self.rows else 0.0


def column_facts(
    frame: pl.DataFrame, source: str, /, *, keep: tuple[str, ...] = ()
) -> ColumnFacts:
    """The facts of one column of a raw table."""
    every = distinct_values(frame, source)
    values = every.filter(~is_missing(_TEXT, keep=keep))
    count, text_rows = int(values["rows"].sum()), int(every["rows"].sum())
    sample = values.gather_every(max(1, -(-len(values) // _MOST_READ)))
    sample = sample.pipe(with_numbers)
    counts = sample.select(**_counts()).row(0, named=True)
    read = int(sample["rows"].sum()) or 1
    return ColumnFacts(
        rows=len(frame),
        values=count,
        distinct=len(values),
        placeholders=1 - count / text_rows if text_rows else 0.0,
        **{name: counts[name] / read for name in _SHARES},
        **{name: int(counts[name] or 0) for name in _COUNTS},
        zero_one=set(values["text"].head(5)) in ({"0", "1"}, {"0.0", "1.0"}),
        either_sign=_either_sign(counts),
        year_first=_may_start_with_year(sample),
        separator=_separator(sample),
        currencies=currencies(sample),
        levels=_levels(values),
    )


def _counts() -> dict[str, pl.Expr]:
    point, comma = (pl.col(name).is_not_null() for name in ("point", "comma"))
    neither = pl.col("either").is_null()
    numeric_date = is_numeric_date(_TEXT)
    compact = _TEXT.str.contains(r"^(?:19|20)\d{6}$") & _is_date(_TEXT)
    day = [_TEXT.str.extract(r"^(\d{1,2})\D+(\d{1,2})\D", i) for i in (1, 2)]
    beyond = [numeric_date & (d.cast(pl.Int64, strict=False) > 12) for d in day]
    either = point & comma & neither
    tests = {
        "flags": read_flag(_TEXT).is_not_null(),
        "numbers": point | comma,
        "point_only": point & ~comma,
        "comma_only": comma & ~point,
        "either_way": either,
        "either_comma": either & _TEXT.str.contains(","),
        "bands": _TEXT.str.contains(r"\d\s*(?:-|–|—|to|bis)\s*\D*\d|^[<>]|\+$"),
        "percents": _TEXT.str.ends_with("%"),
        "leading_zeros": _TEXT.str.contains(r"^0\d+$"),
        "whole": _TEXT.str.contains(r"^\d+$"),
        "dates": numeric_date | (_is_date(_TEXT) & ~compact),
        "compact_dates": compact,
        "serials": is_serial(_TEXT),
        "numeric_dates": numeric_date,
        "day_first": beyond[0],
        "day_second": beyond[1],
        "emails": _TEXT.str.contains(EMAIL),
        "phones": _TEXT.str.contains(PHONE) & _TEXT.str.contains(r"\D"),
        "web_addresses": _TEXT.str.contains(WEB_ADDRESS),
        "codes": _TEXT.str.contains(_CODE) & _TEXT.str.contains(r"\d"),
        "mean_length": _TEXT.str.len_chars(),
    }
    return {name: (test * pl.col("rows")).sum() for name, test in tests.items()}


def _either_sign(counts: dict[str, Any]) -> Decimal | None:
    if counts["either_comma"]:
        return ","
    return "." if counts["either_way"] else None


def _is_date(text: pl.Expr) -> pl.Expr:
    return read_date(text, order=None).is_not_null()


def _may_start_with_year(values: pl.DataFrame) -> bool:
    """Whether dates such as 24-03-15 are all years, months and days by their size.

    Then the part that varies more is the day: years repeat.
    """
    dates = values.filter(is_numeric_date(_TEXT)).select(
        _TEXT.str.extract(_THREE_PARTS, place).cast(pl.Int64).alias(name)
        for place, name in enumerate(("first", "second", "third"), start=1)
    )
    fits = pl.col("second").is_between(1, 12) & pl.col("third").is_between(1, 31)
    first, third = dates["first"].n_unique(), dates["third"].n_unique()
    return bool(len(dates) and dates.select(fits.all()).item() and first <= third)


def _separator(values: pl.DataFrame) -> str | None:
    """The sign between the items of lists: short items, many of them repeated."""
    for sign in _SEPARATORS:
        lists = values.filter(_TEXT.str.contains(sign, literal=True))
        if int(lists["rows"].sum()) < max(2, 0.1 * int(values["rows"].sum())):
            continue
        items = values.select(item=_TEXT.str.split(sign).explode().str.strip_chars())
        distinct, count, length = items.select(
            distinct=pl.col("item").n_unique(),
            count=pl.col("item").count(),
            length=pl.col("item").str.len_chars().mean(),
        ).row(0)
        if distinct <= 0.5 * count and length < 40:
            return sign
    return None


def currencies(values: pl.DataFrame, /) -> tuple[str, ...]:
    """The currencies written in the values, by code where the sign is unique to one."""
    with_digits = values.filter(
        _TEXT.str.contains(r"\d") & _TEXT.str.len_chars().lt(30)
    )
    signs = with_digits.select(
        _TEXT.str.to_lowercase().str.extract(f"({CURRENCY})", 1).drop_nulls().unique()
    ).to_series()
    codes = {_SIGNS.get(sign, sign.upper()) for sign in signs}
    dollars = {code for code in codes if code.endswith("D")}
    return tuple(sorted(codes - {"$"} if dollars else codes))


def _levels(values: pl.DataFrame) -> tuple[str, ...]:
    spellings = (
        values.head(_MOST_READ)
        .with_columns(key=spelling_key(_TEXT))
        .sort("rows", "text", descending=[True, False])
    )
    return tuple(sorted(spellings.unique("key", keep="first")["text"].head(201)))
