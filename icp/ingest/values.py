"""Cell text as values: cleaned, then read as flag, list, domain, date or number."""

from __future__ import annotations

from typing import Literal

import polars as pl

from icp.ingest.fields import words

DateOrder = Literal["ymd", "dmy", "mdy"]
Decimal = Literal[".", ","]
EMAIL = r"^[^@\s;,]+@[^@\s;,]+\.[A-Za-z]{2,}$"
PHONE = r"^(?:\+|00|\()?\d[\d\s().x/-]{6,}\d$"
WEB_ADDRESS = r"^(?:https?://|www\.)?(?:[\w-]+\.)+[A-Za-z]{2,}(?:[/?#]\S*)?$"
_INVISIBLE = [
    *map(chr, (*range(9), *range(14, 32), 127, 0xAD, *range(0x200B, 0x2010))),
    # Windows puts these around text copied from its dialogs.
    *map(chr, (0x61C, *range(0x202A, 0x202F), *range(0x2066, 0x206A))),
    "\u2060",
    "\ufeff",
]
_BLANKS = ["\t", *map(chr, (0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000))]
_VISIBLE = dict.fromkeys(_INVISIBLE, "") | dict.fromkeys(_BLANKS, " ")


def cleaned(text: pl.Expr, /) -> pl.Expr:
    r"""Text without blanks at its ends or invisible characters; null if empty.

    >>> frame = pl.DataFrame({"text": ["\u200bClosed\u00a0Won ", " "]})
    >>> frame.select(cleaned(pl.col("text"))).to_series().to_list()
    ['Closed Won', None]
    """
    bare = text.str.replace_many(_VISIBLE).str.strip_chars()
    return pl.when(bare != "").then(bare)


def is_missing(text: pl.Expr, /, *, keep: tuple[str, ...] = ()) -> pl.Expr:
    """Whether cleaned text only says that nothing is known; `keep` are values here.

    >>> frame = pl.DataFrame({"text": ["Select", "N/A", "NA", "Retail"]})
    >>> frame.select(is_missing(pl.col("text"), keep=("NA",))).to_series().to_list()
    [True, True, False, False]
    """
    values = {word.casefold() for word in keep}
    missing = [word for word in words("missing") if word not in values]
    return text.str.to_lowercase().is_in(missing)


def read_flag(text: pl.Expr, /) -> pl.Expr:
    """A Boolean from yes and no in several languages; null where it is neither.

    >>> frame = pl.DataFrame({"text": ["Ja", "no", "1", "maybe"]})
    >>> frame.select(read_flag(pl.col("text"))).to_series().to_list()
    [True, False, True, None]
    """
    lower = text.str.to_lowercase()
    yes = pl.when(lower.is_in(list(words("true")))).then(statement=True)
    return yes.when(lower.is_in(list(words("false")))).then(statement=False)


def read_items(text: pl.Expr, /, *, separator: str) -> pl.Expr:
    """A List[String] of the parts: cleaned, without placeholders, each once.

    The parts keep the order in which they stand; a cell of placeholders alone is null.

    >>> frame = pl.DataFrame({"text": ["AWS; Azure ;AWS", "n/a"]})
    >>> frame.select(read_items(pl.col("text"), separator=";")).to_series().to_list()
    [['AWS', 'Azure'], None]
    """
    part = cleaned(pl.element())
    item = pl.when(~is_missing(part)).then(part)
    items = text.str.split(separator).list.eval(item.drop_nulls())
    distinct = items.list.unique(maintain_order=True)
    return pl.when(distinct.list.len() > 0).then(distinct)


def read_domain(text: pl.Expr, /) -> pl.Expr:
    """A web domain in lower case, without scheme, `www.`, port and path.

    Text that is no web address is null.

    >>> frame = pl.DataFrame({"text": ["https://www.Acme.com/de?x=1", "acme"]})
    >>> frame.select(read_domain(pl.col("text"))).to_series().to_list()
    ['acme.com', None]
    """
    bare = text.str.to_lowercase().str.replace(r"^[a-z]+://", "")
    host = bare.str.replace(r"^[^/@]*@", "").str.extract(r"^(?:www\.)?([^/?#:\s]+)", 1)
    domain = host.str.strip_suffix(".")
    return pl.when(domain.str.contains(r"^(?:[\w-]+\.)+[a-z]{2,}$")).then(domain)


def spelling_key(text: pl.Expr, /) -> pl.Expr:
    """What two spellings share that differ only in case and blanks."""
    return text.str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()


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

    Day and month are told apart per column, never per value; a time of day is dropped.

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
    iso = pl.format(
        "{}-{}-{}",
        year.cast(pl.String),
        month.cast(pl.String).str.zfill(2),
        day.cast(pl.String).str.zfill(2),
    )
    return iso.str.to_date("%Y-%m-%d", strict=False)


def _serial(text: pl.Expr) -> pl.Expr:
    number = text.str.extract(r"^(\d{5})(?:\.\d+)?$", 1).cast(pl.Int64, strict=False)
    return pl.when(number.is_between(_FIRST_SERIAL, _LAST_SERIAL)).then(number)


_CODES = (
    "us\\$|usd|eur|euro|euros|gbp|chf|cad|aud|nzd|inr|jpy|cny|sek|nok|dkk|pln|czk|huf|"
    "brl|mxn|zar|sgd|hkd|krw|try|ils|rub"
)
#: A currency's sign or code, anywhere in a lower-case value.
CURRENCY = rf"[$€£¥₹₩₽]|\b(?:{_CODES})\b|us\$|\b(?:rs\.?)\b"
_MAGNITUDES = {
    **dict.fromkeys(("k", "tsd", "thousand"), 1e3),
    **dict.fromkeys(("m", "mm", "mn", "mio", "mill"), 1e6),
    **dict.fromkeys(("million", "millionen", "millions"), 1e6),
    **dict.fromkeys(("b", "bn", "mrd", "billion", "milliarden"), 1e9),
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

    `1,234` is 1234 where the comma groups thousands and 1.234 where it is the decimal
    sign: which one holds is decided per column (`decimal`), never per value.

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
    """Which column of `with_numbers` holds for a column's decimal mark."""
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
    low_factor, factor = pl.col("low_factor"), pl.col("high_factor")
    # "10-50M" means millions at both ends, "500-1M" does not.
    shared = low_factor.is_null() & (low < 1000) & (low <= high)
    scale = pl.when(shared).then(factor).otherwise(low_factor).fill_null(1.0)
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
