"""How numbers, shares, money, dates and lists are written, for every reader.

The command line, the dashboard, charts, the report and errors all take their words from
here, so that a figure reads the same wherever it is shown: `21%`, `1,200 rows`,
`−4,110 EUR`, `9 March 2026`.
"""

from __future__ import annotations

from html import escape
from math import isfinite
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date


#: What is written where a value is missing.
NOT_KNOWN: Final = "not known"
#: A true minus: as wide as a plus, and no line breaks behind it.
MINUS: Final = "−"
NO_VALUE: Final = "–"

# ---- Numbers

_FEW_DIGITS = 100
_WHOLE = 1_000
_MANY_DIGITS = 1e15
#: The unit of a point in time, which is not counted in units.
YEAR: Final = "year"


def thousands(count: float, /, *, digits: int = 0) -> str:
    """A count or an amount, rounded, thousands apart.

    >>> thousands(1234.4), thousands(-1234.56, digits=1), thousands(-0.2)
    ('1,234', '−1,234.6', '0')
    """
    size = f"{abs(count):,.{digits}f}"
    negative = count < 0 and any(digit in "123456789" for digit in size)
    return f"{MINUS}{size}" if negative else size


def signed(points: int, /) -> str:
    """Points with their sign, a true minus and thousands apart.

    >>> signed(1250), signed(-3), signed(0)
    ('+1,250', '−3', '0')
    """
    if points == 0:
        return "0"
    return f"{'+' if points > 0 else MINUS}{abs(points):,}"


def quantity(value: float, unit: str = "", /) -> str:
    """An account's own value as one would type it, with its unit.

    Thousands are apart; at most three decimals below 100, one below 1,000, none beyond.
    A year is only its digits. NaN raises ValueError: it is a missing value.

    >>> quantity(1234567.0, "EUR"), quantity(0.125), quantity(1999, "year")
    ('1,234,567 EUR', '0.125', '1999')
    """
    if unit == YEAR:
        return f"{value:.0f}"
    size = abs(value)
    if size >= _MANY_DIGITS:
        text = f"{value:.3g}"
    elif size >= _WHOLE or value == int(value):
        text = f"{round(value):,}"
    else:
        # Added to zero, so that what rounds to nothing has no sign.
        text = f"{round(value, 3) + 0:.3f}" if size < _FEW_DIGITS else f"{value:,.1f}"
        text = text.rstrip("0").rstrip(".")
    return with_unit(text, unit)


def with_unit(text: str, unit: str, /) -> str:
    """A number in words with its unit; a per cent sign stands close, as in English.

    >>> with_unit("5 to 10", "people"), with_unit("-0.5", "%"), with_unit("7", "")
    ('5 to 10 people', '-0.5%', '7')
    """
    return f"{text}{unit}" if unit == "%" else f"{text} {unit}".rstrip()


# ---- Shares and probabilities


def percent(share: float, /, *, digits: int = 0) -> str:
    """A share between 0 and 1.

    >>> percent(0.214), percent(0.0526, digits=1), percent(float("nan"))
    ('21%', '5.3%', 'not known')
    """
    return f"{share:.{digits}%}" if isfinite(share) else NOT_KNOWN


def per_mille(share: int, /) -> str:
    """A share that is stored in thousandths, without loss.

    >>> per_mille(400), per_mille(25)
    ('40%', '2.5%')
    """
    return percent(share / 1000, digits=1 if share % 10 else 0)


def percent_range(low: float, high: float, /) -> str:
    """The two ends of an interval between 0 and 1.

    >>> percent_range(0.571, 0.712)
    '57–71%'
    """
    return f"{100 * low:.0f}–{percent(high)}"


def chance(low: float | None, high: float | None, /) -> str:
    """The interval of a probability; what is missing where there is none.

    >>> chance(0.571, 0.712), chance(None, None)
    ('57–71%', 'not enough closed customers')
    """
    if low is None or high is None:
        return "not enough closed customers"
    return percent_range(low, high)


def likely(probability: float | None, /) -> str:
    """A probability; never certain, whatever the rounding says.

    >>> likely(0.714), likely(1.0), likely(0.0), likely(None)
    ('71%', 'over 99%', 'under 1%', '–')
    """
    if probability is None:
        return NO_VALUE
    whole = round(100 * probability)
    return {0: "under 1%", 100: "over 99%"}.get(whole, f"{whole}%")


# ---- Money

#: Amounts below this many units have one digit behind the point.
_ONE_DIGIT = 10


def amount(money: float, currency: str = "", /) -> str:
    """Money in whole units of its currency.

    >>> amount(28_033.4, "EUR"), amount(-4_110, "EUR"), amount(-0.2)
    ('28,033 EUR', '−4,110 EUR', '0')
    """
    return f"{thousands(money)} {currency}".rstrip()


def short_amount(money: float, currency: str = "", /) -> str:
    """Money short enough for a label.

    >>> short_amount(4_913_082), short_amount(-579_683, "EUR"), short_amount(950)
    ('4.9M', '−580k EUR', '950')
    >>> short_amount(999_999), short_amount(-0.2)
    ('1.0M', '0')
    """
    size = abs(money)
    sign = MINUS if money < 0 and round(size) else ""
    for unit, name in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        # What rounds up to a unit is written in it: 999,999 is 1.0M, never 1000k.
        if round(size / unit, 3) >= 1:
            digits = 1 if round(size / unit, 1) < _ONE_DIGIT else 0
            return f"{sign}{size / unit:,.{digits}f}{name} {currency}".rstrip()
    return f"{sign}{size:,.0f} {currency}".rstrip()


# ---- Counts and lists

_FIRST_LINES = 10


def agreeing(count: int, one: str, several: str, /) -> str:
    """The form of a word that goes with a count.

    >>> agreeing(1, "is", "are"), agreeing(0, "is", "are")
    ('is', 'are')
    """
    return one if count == 1 else several


def plural(count: int, noun: str, nouns: str = "", /) -> str:
    """A count with its noun; `nouns` is the plural where it is not a mere "s" more.

    >>> plural(1, "row"), plural(1200, "row"), plural(2, "company", "companies")
    ('1 row', '1,200 rows', '2 companies')
    """
    return f"{count:,} {agreeing(count, noun, nouns or f'{noun}s')}"


def listing(items: Iterable[str], /) -> str:
    """Items in the order they come, with "and" before the last.

    >>> listing(["a"]), listing(["a", "b", "c"]), listing([])
    ('a', 'a, b and c', '')
    """
    *others, last = [*items] or [""]
    return f"{', '.join(others)} and {last}" if others else last


def counted(names: Iterable[str], noun: str, nouns: str = "", /) -> str:
    """How many names there are, and the names in order.

    >>> counted(["b", "a"], "missing column")
    "2 missing columns: 'a', 'b'"
    >>> counted(["age"], "missing column")
    "1 missing column: 'age'"
    """
    ordered = sorted(names)
    return f"{plural(len(ordered), noun, nouns)}: {', '.join(map(repr, ordered))}"


def line_list(lines: Iterable[int], /) -> str:
    """Line numbers in order, the first ten in full.

    >>> line_list([7, 3]), line_list([4])
    ('lines 3 and 7', 'line 4')
    """
    ordered = sorted(set(lines))
    first = [f"{line:,}" for line in ordered[:_FIRST_LINES]]
    if len(ordered) > _FIRST_LINES:
        return f"lines {', '.join(first)} and {len(ordered) - _FIRST_LINES:,} more"
    return f"{agreeing(len(first), 'line', 'lines')} {listing(first)}"


# ---- Dates and texts

_LABEL = 44


def day(moment: date | None, /) -> str:
    """A date as people of every country read it in one way; "" where there is none.

    >>> from datetime import datetime
    >>> day(datetime(2026, 3, 9, 14, 5))
    '9 March 2026'
    """
    return "" if moment is None else f"{moment.day} {moment:%B %Y}"


def capital(text: str, /) -> str:
    """The text with a capital first letter, the rest as it is.

    >>> capital("funding round"), capital("")
    ('Funding round', '')
    """
    return text[:1].upper() + text[1:]


def readable(name: str, /) -> str:
    """A column's name as people write it.

    >>> readable("customer_since")
    'customer since'
    """
    return name.replace("_", " ").strip()


#: What ends a line or moves on in it; between words it is a space.
LINE_BREAKS: Final = frozenset({*range(0x09, 0x0E), 0x85, 0x2028, 0x2029})
#: Characters that cannot be seen, and those that turn the direction of reading.
HIDDEN: Final = frozenset(
    {
        *range(0x20),
        *range(0x7F, 0xA0),
        0xAD,
        0x061C,
        0x180E,
        *range(0x200B, 0x2010),
        *range(0x2028, 0x202F),
        *range(0x2060, 0x2070),
        0xFEFF,
        *range(0xFFF9, 0xFFFC),
        *range(0xE0000, 0xE0080),
    }
)
_VISIBLE = {**dict.fromkeys(HIDDEN, ""), **dict.fromkeys(LINE_BREAKS, " ")}


def visible(text: str, /) -> str:
    r"""The text on one line, without characters that hide it or turn its direction.

    >>> visible("Ac\u202eme\x07"), visible("Acme\nSons")
    ('Acme', 'Acme Sons')
    """
    return text.translate(_VISIBLE)


def plain(text: str, /, *, longest: int = _LABEL) -> str:
    """A customer's text as a label: no markup, nothing hidden, not too long.

    >>> plain("<b>Acme</b> & Sons")
    '&lt;b&gt;Acme&lt;/b&gt; &amp; Sons'
    >>> plain("a very long name indeed", longest=12)
    'a very long…'
    """
    clean = visible(text)
    short = f"{clean[: longest - 1].rstrip()}…" if len(clean) > longest else clean
    return escape(short, quote=False)
