"""What every chart is made of: a figure, the same numbers as a table, one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Final

import plotly.graph_objects as go

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl


#: Okabe and Ito's blue and vermilion: told apart with every common colour vision.
BEST: Final = "#0072B2"
REGRETTABLE: Final = "#D55E00"
#: The blue of intervals and areas; visible on white and on near-black.
BEST_SOFT: Final = "rgba(0, 114, 178, 0.42)"
#: Everything that is neither: starting points, totals, all customers.
NEUTRAL: Final = "#7A8794"
#: Guide lines and zones behind the data.
MUTED: Final = "rgba(122, 135, 148, 0.32)"

_LONGEST = 44
#: Amounts below this many units have one digit behind the point.
_ONE_DIGIT = 10
#: Control characters and marks that turn the reading direction or hide text.
_INVISIBLE = {
    *range(0x20),
    *range(0x7F, 0xA0),
    0xAD,
    0x061C,
    0x180E,
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    0xFEFF,
    *range(0xE0000, 0xE0080),
}
#: What ends a line or moves on in it stands between words.
_SPACES = {*range(0x09, 0x0E), 0x85, 0x2028, 0x2029}
_SEEN = {**dict.fromkeys(_INVISIBLE, ""), **dict.fromkeys(_SPACES, " ")}


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A figure with what a reader without the figure needs.

    `table` holds the numbers drawn, `alt` says the finding in one or two sentences,
    `notes` what a reader must know to judge it. A chart of nothing has `figure` None
    and an `alt` that says what is missing.
    """

    figure: go.Figure | None
    table: pl.DataFrame
    alt: str
    notes: tuple[str, ...] = ()


def plain(text: str, /, *, longest: int = _LONGEST) -> str:
    """A customer's text as a label: no markup, no hidden marks, not too long.

    >>> plain("<b>Acme</b> & Sons")
    '&lt;b&gt;Acme&lt;/b&gt; &amp; Sons'
    >>> plain("a very long name indeed", longest=12)
    'a very long…'
    """
    clean = visible(text)
    short = f"{clean[: longest - 1].rstrip()}…" if len(clean) > longest else clean
    return escape(short, quote=False)


def visible(text: str, /) -> str:
    r"""The text on one line, without control characters and marks that hide or turn it.

    >>> visible("Ac\u202eme\x07"), visible("Acme\nSons")
    ('Acme', 'Acme Sons')
    """
    return text.translate(_SEEN)


def signed(points: int, /) -> str:
    """Points with their sign, a true minus and thousands apart.

    >>> signed(1250), signed(-3), signed(0)
    ('+1,250', '−3', '0')
    """
    if points == 0:
        return "0"
    return f"{'+' if points > 0 else '−'}{abs(points):,}"


def thousands(count: float, /) -> str:
    """A count or an amount, rounded, thousands apart.

    >>> thousands(1234.4)
    '1,234'
    """
    return f"{count:,.0f}"


def money(amount: float, /) -> str:
    """An amount short enough for a label.

    >>> money(4_913_082), money(-579_683), money(950)
    ('4.9M', '−580k', '950')
    >>> money(999_999), money(-0.2)
    ('1.0M', '0')
    """
    size = abs(amount)
    sign = "−" if amount < 0 and round(size) else ""
    for unit, name in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        # What rounds up to a unit is said in it: 999,999 is 1.0M, never 1000k.
        if round(size / unit, 3) >= 1:
            digits = 1 if round(size / unit, 1) < _ONE_DIGIT else 0
            return f"{sign}{size / unit:,.{digits}f}{name}"
    return f"{sign}{size:,.0f}"


def percent(share: float, /) -> str:
    """A share between 0 and 1 in whole per cent.

    >>> percent(0.214)
    '21 %'
    """
    return f"{100 * share:.0f} %"


def room(ends: Sequence[float], /, *, share: float = 0.16) -> list[float]:
    """An axis range around zero and `ends` that leaves room for labels beyond bars.

    >>> room([0, 100, -50], share=0.1)
    [-65.0, 115.0]
    >>> room([0, 100], share=0.1)
    [0.0, 110.0]
    """
    low, high = min([0.0, *ends]), max([0.0, *ends])
    space = share * ((high - low) or 1.0)
    return [low - space if low < 0 else 0.0, high + space if high > 0 else space]


def side(points: int, /) -> str:
    """The colour of points: blue toward best, vermilion toward regrettable."""
    return BEST if points >= 0 else REGRETTABLE


def drawn(traces: list[Any], /, *, height: int, **layout: Any) -> go.Figure:
    """A figure in the house style: no background, no zoom by accident, room to read.

    Text and grid colours are left to the page's theme, so that one figure does for
    light and dark.
    """
    figure = go.Figure(data=traces)
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 16, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
        dragmode=False,
        bargap=0.35,
        barmode="overlay",
        hoverlabel={"align": "left"},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
        separators=".,",
    )
    figure.update_xaxes(automargin=True, zeroline=False)
    figure.update_yaxes(automargin=True, zeroline=False)
    figure.update_layout(**layout)
    return figure
