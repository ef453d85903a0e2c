"""Charts about many accounts: how customers turned out, how prospects compare."""

from __future__ import annotations

from typing import Any, Final

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from icp.charts.figure import BEST, MUTED, NEUTRAL, REGRETTABLE, Chart, drawn, room
from icp.words import agreeing, plain, plural, short_amount, thousands

_OUTCOMES: Final = ("best", "neutral", "regrettable", "unknown")
_COLOURS: Final = {
    "best": BEST,
    "neutral": NEUTRAL,
    "regrettable": REGRETTABLE,
    "unknown": MUTED,
}
_MOST_POINTS = 5_000
_BIN = 5


def outcome_split(split: pl.DataFrame, /, *, currency: str = "") -> Chart:
    """Customers and their worth in money per outcome.

    `split` has `outcome`, `customers` and `worth` (the sum; null where unknown).
    """
    order = pl.Enum(_OUTCOMES)
    table = (
        split.select(
            pl.col("outcome").cast(order), "customers", pl.col("worth").cast(pl.Float64)
        )
        .sort("outcome")
        .with_columns(pl.col("outcome").cast(pl.String))
    )
    if not table["customers"].sum():
        return Chart(figure=None, table=table, alt="No customer is labelled yet.")
    with_money = table["worth"].null_count() < len(table)
    figure = _split_figure(table, currency, panels=1 + with_money)
    return Chart(figure=figure, table=table, alt=_split_alt(table, currency))


def _split_figure(table: pl.DataFrame, currency: str, *, panels: int) -> go.Figure:
    figure = make_subplots(
        rows=1, cols=panels, shared_yaxes=True, horizontal_spacing=0.08
    )
    for place, column in enumerate(("customers", "worth")[:panels], start=1):
        figure.add_trace(_split_bars(table, column), row=1, col=place)
        unit = f"worth in {currency}" if currency else "worth"
        title = "customers" if column == "customers" else unit
        reach = room(table[column].drop_nulls().to_list(), share=0.3)
        figure.update_xaxes(title={"text": title}, col=place, range=reach)
    styled = drawn(
        list(figure.data),
        height=40 * len(table) + 70,
        **{k: v for k, v in figure.layout.to_plotly_json().items() if k != "template"},
    )
    styled.update_yaxes(autorange="reversed", showgrid=False)
    return styled


def _split_bars(table: pl.DataFrame, column: str) -> Any:
    values = table[column].to_list()
    words = thousands if column == "customers" else short_amount
    return go.Bar(
        orientation="h",
        y=table["outcome"].to_list(),
        x=values,
        marker={"color": [_COLOURS[o] for o in table["outcome"]]},
        text=["" if value is None else words(value) for value in values],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{text}<extra></extra>",
    )


def _split_alt(table: pl.DataFrame, currency: str) -> str:
    parts = [
        f"{thousands(row['customers'])} {row['outcome']}"
        + (
            f" ({short_amount(row['worth'], currency)})"
            if row["worth"] is not None
            else ""
        )
        for row in table.to_dicts()
    ]
    return f"{plural(int(table['customers'].sum()), 'customer')}: {', '.join(parts)}."


def fit_distribution(
    scored: pl.DataFrame | pl.LazyFrame,
    /,
    *,
    cuts: tuple[int, int, int] = (750, 500, 250),
) -> Chart:
    """How many prospects have which fit, in steps of five, with the grades' borders.

    Reads `fit` only; a null fit is not evaluable and counted in the note.
    """
    fits = scored.lazy().select("fit")
    table = _bins(fits)
    without, top = (
        fits.select(
            pl.col("fit").is_null().sum(),
            (pl.col("fit") >= cuts[0] / 10).sum().alias("top"),
        )
        .collect()
        .row(0)
    )
    total = int(table["prospects"].sum())
    notes = (f"{thousands(without)} more cannot be scored.",) if without else ()
    if not total:
        return Chart(
            figure=None, table=table, alt="No prospect has a fit.", notes=notes
        )
    figure = drawn(
        [_bin_bars(table)],
        height=260,
        bargap=0.06,
        margin={"l": 8, "r": 16, "t": 26, "b": 8},
        xaxis={
            "title": {"text": "fit"},
            "range": [0, 100],
            "tickvals": [0, 25, 50, 75, 100],
            "showgrid": False,
        },
        yaxis={"title": {"text": "prospects"}},
        shapes=_borders(cuts),
        annotations=_letters(cuts),
    )
    return Chart(
        figure=figure, table=table, alt=_bins_alt(total, top, cuts), notes=notes
    )


def _bins(fits: pl.LazyFrame) -> pl.DataFrame:
    low = (pl.col("fit") // _BIN * _BIN).clip(0, 100 - _BIN)
    counted = (
        fits.drop_nulls()
        .group_by(low.cast(pl.Int64).alias("from"))
        .agg(pl.len().cast(pl.Int64).alias("prospects"))
    )
    every = pl.LazyFrame({"from": list(range(0, 100, _BIN))})
    return (
        every.join(counted, on="from", how="left")
        .select(
            "from",
            (pl.col("from") + _BIN).alias("to"),
            pl.col("prospects").fill_null(0),
        )
        .sort("from")
        .collect()
    )


def _bin_bars(table: pl.DataFrame) -> Any:
    return go.Bar(
        x=[low + _BIN / 2 for low in table["from"]],
        y=table["prospects"].to_list(),
        width=_BIN,
        marker={"color": BEST},
        customdata=[
            f"fit {row['from']} to {row['to']}" for row in table.iter_rows(named=True)
        ],
        hovertemplate="%{customdata}: %{y:,} prospects<extra></extra>",
    )


def _borders(cuts: tuple[int, int, int]) -> list[dict[str, Any]]:
    return [
        {
            "type": "line",
            "x0": cut / 10,
            "x1": cut / 10,
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "line": {"color": NEUTRAL, "width": 1, "dash": "dot"},
        }
        for cut in cuts
    ]


def _letters(cuts: tuple[int, int, int]) -> list[dict[str, Any]]:
    edges = [0, *(cut / 10 for cut in reversed(cuts)), 100]
    return [
        {
            "x": (low + high) / 2,
            "yref": "paper",
            "y": 1.0,
            "yanchor": "bottom",
            "text": letter,
            "showarrow": False,
        }
        for letter, low, high in zip("DCBA", edges, edges[1:], strict=False)
    ]


def _bins_alt(total: int, top: int, cuts: tuple[int, int, int]) -> str:
    return (
        f"{plural(total, 'prospect')} with a fit; {thousands(top)} of them at "
        f"{cuts[0] / 10:g} or more, where grade A begins."
    )


def outlier_map(accounts: pl.DataFrame | pl.LazyFrame, /) -> Chart:
    """Distance to the nearest best segment against distance to all closed customers.

    Reads what `icp.scoring.explain` gives: `account_id`, `distance_best`,
    `distance_closed`, `quadrant`, and `account_name` where there is one. Above 5,000
    accounts the farthest from all closed customers are drawn.
    """
    rows = _map_rows(accounts)
    if rows.is_empty():
        return Chart(figure=None, table=rows, alt="There is no account to compare.")
    table = rows.head(_MOST_POINTS)
    figure = drawn(
        [
            _points(table.filter(quadrant=name), name, *style)
            for name, style in _QUADRANTS.items()
        ],
        height=460,
        showlegend=True,
        margin={"l": 8, "r": 16, "t": 40, "b": 8},
        xaxis={
            "title": {"text": "distance to the nearest best segment"},
            "rangemode": "tozero",
        },
        yaxis={
            "title": {"text": "distance to all closed customers"},
            "rangemode": "tozero",
        },
    )
    cut = rows.height > table.height
    return Chart(
        figure=figure,
        table=table,
        alt=_map_alt(rows),
        notes=(f"The {thousands(_MOST_POINTS)} farthest are drawn.",) if cut else (),
    )


#: Quadrant -> colour, symbol and size of its marks.
_QUADRANTS: Final = {
    "ordinary": (MUTED, "circle", 6),
    "far from best only": (BEST, "circle-open", 8),
    "far from all closed only": (REGRETTABLE, "diamond-open", 9),
    "far from both": (REGRETTABLE, "diamond", 10),
}


def _map_rows(accounts: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    lazy = accounts.lazy()
    name = "account_name" if "account_name" in lazy.collect_schema() else "account_id"
    return (
        lazy.select(
            "account_id",
            pl.col(name).fill_null(pl.col("account_id")).alias("account_name"),
            "distance_best",
            "distance_closed",
            "quadrant",
        )
        .sort("distance_closed", "account_id", descending=[True, False])
        .collect()
    )


def _points(rows: pl.DataFrame, name: str, colour: str, symbol: str, size: int) -> Any:
    return go.Scatter(
        x=rows["distance_best"].to_list(),
        y=rows["distance_closed"].to_list(),
        mode="markers",
        name=f"{name} ({thousands(rows.height)})",
        marker={"size": size, "color": colour, "symbol": symbol},
        customdata=[
            [account, plain(label)]
            for account, label in rows.select("account_id", "account_name").iter_rows()
        ],
        hovertemplate="%{customdata[1]}<extra></extra>",
    )


def _map_alt(rows: pl.DataFrame) -> str:
    both, closed = (
        rows.filter(quadrant=name).height
        for name in ("far from both", "far from all closed only")
    )
    return (
        f"{plural(rows.height, 'account')}; {thousands(both + closed)} "
        f"{agreeing(both + closed, 'is', 'are')} unlike nearly all closed customers, "
        f"{thousands(both)} of these also unlike the best."
    )
