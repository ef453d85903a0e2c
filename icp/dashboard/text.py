"""Text on its way to the screen: hostile names made harmless, numbers made readable."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from icp.charts.figure import visible

if TYPE_CHECKING:
    from datetime import date

__all__ = ["amount", "chance", "code", "day", "escaped", "label", "likely", "quiet"]

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
#: Directives and emoji (:name:), addresses (a@b.c, http://) and www. are found by
#: Streamlit after escapes are resolved; a word joiner behind the mark breaks them.
_TRIGGERS = re.compile(r"[:@](?=\S)|www(?=\.)", re.IGNORECASE)
_JOINER = "\u2060"
#: Escapes that a label can do without: marks that mean nothing within a line.
_NEEDLESS = re.compile(r"\\([%(),/'\";?=])|(?<=\w)\\(-)(?=\w)")
_TICKS = re.compile(r"`+")


def escaped(text: str, /) -> str:
    r"""A customer's text for Markdown, shown exactly as it is and never interpreted.

    >>> print(escaped("*Acme* <b>"))
    \*Acme\* \<b\>
    """
    broken = _TRIGGERS.sub(lambda m: m[0] + _JOINER, visible(text))
    return _PUNCTUATION.sub(r"\\\1", broken)


def label(text: str, /) -> str:
    r"""A customer's text as the label of a field; never interpreted.

    Screen readers read a label as it is written, so it holds no needless escapes.

    >>> print(label("Growth (%)"), label("E-Mail *new*"))
    Growth (%) E-Mail \*new\*
    """
    return _NEEDLESS.sub(lambda m: m[1] or m[2], escaped(text))


def code(text: str, /) -> str:
    """A text to be typed as it is, in Markdown, whatever it holds.

    >>> print(code("icp init my_space"))
    `icp init my_space`
    """
    clean = visible(text)
    fence = "`" * (1 + max(map(len, _TICKS.findall(clean)), default=0))
    # Between spaces a tick at either end is no part of the fence.
    return f"{fence} {clean} {fence}" if "`" in clean else f"{fence}{clean}{fence}"


def quiet(text: str, /) -> str:
    """Markdown for secondary text; `text` must be safe already.

    >>> quiet("n = 12")
    ':small[:gray[n = 12]]'
    """
    return f":small[:gray[{text}]]"


def chance(low: float | None, high: float | None, /) -> str:
    """An interval of a probability in whole per cent.

    >>> chance(0.571, 0.712), chance(None, None)
    ('57–71 %', 'not enough closed customers')
    """
    if low is None or high is None:
        return "not enough closed customers"
    return f"{100 * low:.0f}–{100 * high:.0f} %"


def likely(probability: float | None, /) -> str:
    """A probability in whole per cent; never certain, whatever the rounding says.

    >>> likely(0.714), likely(1.0), likely(0.0), likely(None)
    ('71 %', 'over 99 %', 'under 1 %', '–')
    """
    if probability is None:
        return "–"
    whole = round(100 * probability)
    return {0: "under 1 %", 100: "over 99 %"}.get(whole, f"{whole} %")


def amount(money: float, unit: str, /) -> str:
    """Money in whole units of its currency, with a true minus.

    >>> amount(28_033.4, "EUR"), amount(-4_110, "EUR"), amount(-0.2, "")
    ('28,033 EUR', '−4,110 EUR', '0')
    """
    whole = round(money)
    return f"{'−' if whole < 0 else ''}{abs(whole):,} {unit}".rstrip()


def day(moment: date | None, /) -> str:
    """A date as people of every country read it in one way.

    >>> from datetime import datetime
    >>> day(datetime(2026, 3, 9, 14, 5))
    '9 March 2026'
    """
    return "" if moment is None else f"{moment.day} {moment:%B %Y}"
