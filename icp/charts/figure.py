"""What every chart is made of: a figure, the same numbers as a table, one sentence."""

from __future__ import annotations

from dataclasses import dataclass
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
