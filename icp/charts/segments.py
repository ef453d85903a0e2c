"""Charts about a profile's segments: how many, how large, what sets each apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
import polars as pl

from icp.charts.figure import (
    BEST,
    MUTED,
    NEUTRAL,
    REGRETTABLE,
    Chart,
    drawn,
    percent,
    plain,
    room,
    thousands,
)
from icp.errors import some
from icp.scoring.words import cell_words, title_of

if TYPE_CHECKING:
    from icp.profile import AttributeTable, Profile, Segment

__all__ = ["segment_shares", "segment_sizes"]

_ROW = 34


def segment_sizes(profile: Profile, /) -> Chart:
    """The segments of best and of regrettable customers by number of customers.

    The table adds each segment's share of its own kind and what sets it apart.
    """
    table = _sizes(profile)
    if table.is_empty():
        return Chart(figure=None, table=table, alt="The profile has no segments.")
    rows = table.to_dicts()
    figure = drawn(
        [_size_bars(rows)],
        height=_ROW * len(rows) + 60,
        xaxis={
            "title": {"text": "customers"},
            "range": room([row["customers"] for row in rows], share=0.25),
        },
        yaxis={
            "tickvals": list(range(len(rows))),
            "ticktext": [plain(row["segment"]) for row in rows],
            "range": [len(rows) - 0.5, -0.5],
            "showgrid": False,
        },
    )
    return Chart(figure=figure, table=table, alt=_sizes_alt(profile))


def _sizes(profile: Profile) -> pl.DataFrame:
    totals = {
        kind: sum(s.size for s in profile.segments if s.kind == kind) or 1
        for kind in ("best", "regrettable")
    }
    ordered = sorted(profile.segments, key=lambda s: (s.kind, -s.size, s.name))
    return pl.DataFrame(
        {
            "segment": [s.name for s in ordered],
            "kind": [s.kind for s in ordered],
            "customers": [s.size for s in ordered],
            "share of kind": [s.size / totals[s.kind] for s in ordered],
            "what sets it apart": ["; ".join(s.traits) for s in ordered],
        },
        schema={
            "segment": pl.String,
            "kind": pl.String,
            "customers": pl.Int64,
            "share of kind": pl.Float64,
            "what sets it apart": pl.String,
        },
    )


def _size_bars(rows: list[dict[str, Any]]) -> Any:
    return go.Bar(
        orientation="h",
        y=list(range(len(rows))),
        x=[row["customers"] for row in rows],
        marker={"color": [_kind_colour(row["kind"]) for row in rows]},
        text=[
            f"{thousands(row['customers'])} ({percent(row['share of kind'])} "
            f"of {row['kind']})"
            for row in rows
        ],
        textposition="outside",
        cliponaxis=False,
        customdata=[plain(row["what sets it apart"], longest=90) for row in rows],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _kind_colour(kind: str) -> str:
    return BEST if kind == "best" else REGRETTABLE


def _sizes_alt(profile: Profile) -> str:
    best = [s for s in profile.segments if s.kind == "best"]
    bad = [s for s in profile.segments if s.kind == "regrettable"]
    largest = max(profile.segments, key=lambda s: s.size)
    return (
        f"{some(len(best), 'segment')} of best customers (n = {_total(best)}) and "
        f"{some(len(bad), 'segment')} of regrettable ones (n = {_total(bad)}). "
        f"The largest is {largest.name} with {some(largest.size, 'customer')}."
    )


def _total(segments: list[Segment]) -> str:
    return thousands(sum(s.size for s in segments))


def segment_shares(profile: Profile, segment: int, /, *, top: int = 10) -> Chart:
    """What sets a segment apart: its share of each cell against all closed customers.

    The `top` cells by difference of the two shares, the most typical first; `segment`
    is a position in `profile.segments`. A cell of missing values is never shown.
    """
    chosen = profile.segments[segment]
    table = _shares(profile, chosen).head(top)
    if table.is_empty():
        return Chart(figure=None, table=table, alt="No shares were kept for this one.")
    rows = table.to_dicts()
    colour = _kind_colour(chosen.kind)
    figure = drawn(
        [_gaps(rows, colour), _everyone(rows), _members(rows, chosen, colour)],
        height=28 * len(rows) + 96,
        showlegend=True,
        xaxis={
            "title": {"text": "share of customers"},
            "tickformat": ".0%",
            "range": [-0.02, 1.04],
        },
        yaxis={
            "tickvals": list(range(len(rows))),
            "ticktext": [plain(f"{r['attribute']}: {r['cell']}") for r in rows],
            "range": [len(rows) - 0.5, -0.5],
            "showgrid": False,
        },
    )
    return Chart(figure=figure, table=table, alt=_shares_alt(chosen, rows))


def _shares(profile: Profile, segment: Segment) -> pl.DataFrame:
    rows = [
        row
        for table, shares in zip(profile.tables, segment.shares, strict=False)
        for row in _table_shares(table, shares)
    ]
    schema = {
        "attribute": pl.String,
        "cell": pl.String,
        "segment": pl.Float64,
        "all closed": pl.Float64,
        "difference": pl.Float64,
    }
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.filter(pl.col("difference") != 0).sort(
        pl.col("difference").abs().round(6),
        "attribute",
        "cell",
        descending=[True, False, False],
    )


def _table_shares(
    table: AttributeTable, shares: tuple[int, ...]
) -> list[tuple[str, str, float, float, float]]:
    everyone = [b + r for b, r in zip(table.best, table.regrettable, strict=True)]
    total = sum(everyone)
    if not total:
        return []
    return [
        (
            title_of(table),
            cell_words(table, code),
            shares[code] / 1000,
            everyone[code] / total,
            shares[code] / 1000 - everyone[code] / total,
        )
        for code in range(2, table.size)
        if not (table.size == 4 and code == 2 and table.cells[0] == "no")
    ]


def _gaps(rows: list[dict[str, Any]], colour: str) -> Any:
    x: list[float | None] = []
    y: list[int | None] = []
    for i, row in enumerate(rows):
        x += [row["all closed"], row["segment"], None]
        y += [i, i, None]
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": MUTED, "width": 5},
        hoverinfo="skip",
        showlegend=False,
    )


def _everyone(rows: list[dict[str, Any]]) -> Any:
    return go.Scatter(
        x=[row["all closed"] for row in rows],
        y=list(range(len(rows))),
        mode="markers",
        name="all closed customers",
        marker={
            "size": 10,
            "color": NEUTRAL,
            "symbol": "line-ns",
            "line": {"width": 3, "color": NEUTRAL},
        },
        hovertemplate="all closed customers: %{x:.0%}<extra></extra>",
    )


def _members(rows: list[dict[str, Any]], segment: Segment, colour: str) -> Any:
    return go.Scatter(
        x=[row["segment"] for row in rows],
        y=list(range(len(rows))),
        mode="markers",
        name=f"this segment (n = {thousands(segment.size)})",
        marker={"size": 13, "color": colour},
        hovertemplate="this segment: %{x:.0%}<extra></extra>",
    )


def _shares_alt(segment: Segment, rows: list[dict[str, Any]]) -> str:
    named = "; ".join(
        f"{r['attribute']} {r['cell']}: {percent(r['segment'])} "
        f"against {percent(r['all closed'])} of all"
        for r in rows[:3]
    )
    return f"{segment.name}, n = {thousands(segment.size)}. {named}."
