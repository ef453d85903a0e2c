"""Dates as people and spreadsheets write them; as expressions over cleaned text.

Day and month are told apart per column, never per value: `03/04/2025` is only read
once the column's order is known. A time of day is dropped.
"""

from __future__ import annotations

from typing import Literal

import polars as pl

__all__ = ["DateOrder", "is_numeric_date", "is_serial", "read_date"]

DateOrder = Literal["ymd", "dmy", "mdy"]

_TIME = (
    r"[T ,]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[ap]\.?m\.?)?\s*"
    r"(?:z|utc|gmt|[+-]\d{2}:?\d{2})?$"
)
_YMD = r"^(\d{4})[-/. ](\d{1,2})[-/. ](\d{1,2})\.?$"
_COMPACT = r"^((?:19|20)\d{2})(\d{2})(\d{2})$"
_TWO_THEN_YEAR = r"^(\d{1,2})\s?[-/. ]\s?(\d{1,2})\s?[-/. ]\s?(\d{4}|\d{2})$"
_DAY_NAME = r"^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+"
_DAY_WORD_YEAR = (
    r"^(\d{1,2})(?:st|nd|rd|th|er|º)?\.?(?:\s|-|/|de )*"
    r"([a-zäéûúç]{3,})\.?(?:\s|,|-|/|de )*(\d{4}|\d{2})$"
)
_WORD_DAY_YEAR = r"^([a-zäéûúç]{3,})\.?[\s-]*(\d{1,2})(?:st|nd|rd|th)?[\s,-]+(\d{4})$"
_MONTHS = (
    ("jan", "january", "januar", "jänner", "janvier", "janv", "enero", "ene",
     "gennaio", "janeiro"),
    ("feb", "february", "februar", "février", "févr", "fév", "febrero", "febbraio",
     "fevereiro", "fev"),
    ("mar", "march", "märz", "mrz", "mär", "mars", "marzo", "março"),
    ("apr", "april", "avril", "avr", "abril", "abr", "aprile"),
    ("may", "mai", "mayo", "maggio", "maio", "mei"),
    ("jun", "june", "juni", "juin", "junio", "giugno", "junho"),
    ("jul", "july", "juli", "juillet", "juil", "julio", "luglio", "julho"),
    ("aug", "august", "août", "agosto", "ago", "augustus"),
    ("sep", "sept", "september", "septembre", "septiembre", "settembre", "setembro"),
    ("oct", "october", "oktober", "okt", "octobre", "octubre", "ottobre", "outubro"),
    ("nov", "november", "novembre", "noviembre", "novembro"),
    ("dec", "december", "dezember", "dez", "décembre", "déc", "diciembre", "dic",
     "dicembre", "dezembro"),
)  # fmt: skip
_MONTH_NUMBER = {
    word: number for number, words in enumerate(_MONTHS, start=1) for word in words
}
_FIRST_SERIAL, _LAST_SERIAL = 10_000, 80_000  # 1927-05-18 to 2119-01-10
_SERIAL_EPOCH = pl.date(1899, 12, 30)
_PIVOT = 69  # POSIX: 69 to 99 are of the last century, 00 to 68 of this one


def read_date(
    text: pl.Expr, /, *, order: DateOrder | None, serials: bool = False
) -> pl.Expr:
    """A Date from cleaned text; null where it is no date or its order is not known.

    Reads `2024-03-01`, `2024/3/1`, `20240301`, `1 Mar 2024`, `Mar 1, 2024` in any
    column; `03/04/2024` and the like only with an order. `serials` also reads a
    spreadsheet's day numbers (1900 system).

    >>> texts = ["2024-03-01 09:30", "20 Apr, 2021", "03/04/2024"]
    >>> frame = pl.DataFrame({"text": texts})
    >>> frame.select(read_date(pl.col("text"), order=None)).to_series().to_list()
    [datetime.date(2024, 3, 1), datetime.date(2021, 4, 20), None]
    """
    day = _without_time(text)
    year, month, date = (day.str.extract(_YMD, i) for i in (1, 2, 3))
    forms = [_date(year, month, date), _date(*_groups(day, _COMPACT))]
    forms += _with_month_names(day)
    if order in ("dmy", "mdy"):
        first, second, last = _groups(day, _TWO_THEN_YEAR)
        parts = (second, first) if order == "dmy" else (first, second)
        forms.append(_date(_century(last), *parts))
    if serials:
        number = _serial(text)
        forms.append(_SERIAL_EPOCH + pl.duration(days=number))
    return pl.coalesce(forms)


def is_numeric_date(text: pl.Expr, /) -> pl.Expr:
    """Whether a value has two short numbers and a year, in an order not yet known."""
    return _without_time(text).str.contains(_TWO_THEN_YEAR)


def is_serial(text: pl.Expr, /) -> pl.Expr:
    """Whether a value could be a spreadsheet's day number."""
    return _serial(text).is_not_null()


def _without_time(text: pl.Expr) -> pl.Expr:
    lower = text.str.to_lowercase()
    bare = lower.str.replace("(?i)" + _TIME, "").str.replace(_DAY_NAME, "")
    return bare.str.strip_chars(" ,")


def _groups(text: pl.Expr, pattern: str) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    one, two, three = (text.str.extract(pattern, i) for i in (1, 2, 3))
    return one, two, three


def _with_month_names(day: pl.Expr) -> list[pl.Expr]:
    date, word, year = _groups(day, _DAY_WORD_YEAR)
    word2, date2, year2 = _groups(day, _WORD_DAY_YEAR)
    return [
        _date(_century(year), _month(word), date),
        _date(year2, _month(word2), date2),
    ]


def _month(word: pl.Expr) -> pl.Expr:
    return word.replace_strict(_MONTH_NUMBER, default=None, return_dtype=pl.Int64)


def _century(year: pl.Expr) -> pl.Expr:
    number = year.cast(pl.Int64, strict=False)
    recent = pl.when(number < _PIVOT).then(number + 2000).otherwise(number + 1900)
    return pl.when(year.str.len_chars() == 2).then(recent).otherwise(number)


def _date(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    written = pl.format(
        "{}-{}-{}",
        year.cast(pl.String),
        month.cast(pl.String).str.zfill(2),
        day.cast(pl.String).str.zfill(2),
    )
    return written.str.to_date("%Y-%m-%d", strict=False)


def _serial(text: pl.Expr) -> pl.Expr:
    number = text.str.extract(r"^(\d{5})(?:\.\d+)?$", 1).cast(pl.Int64, strict=False)
    return pl.when(number.is_between(_FIRST_SERIAL, _LAST_SERIAL)).then(number)
