"""Charts about a profile's attributes, and about how much it can be relied on."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
import polars as pl

from icp.charts.figure import (
    BEST,
    BEST_SOFT,
    MUTED,
    NEUTRAL,
    REGRETTABLE,
    Chart,
    drawn,
    room,
    side,
)
from icp.scoring.words import cell_words, title_of
from icp.words import agreeing, percent, plain, plural, signed, thousands

if TYPE_CHECKING:
    from icp.profile import AttributeTable, Profile, ProfileEvidence, Segment


_ROW = 28
_MOST_CELLS = 24
_A_BIT_BELOW_A_COIN = 0.38


def attribute_weights(profile: Profile, /, *, top: int = 15) -> Chart:
    """How much each attribute says, as a share of all the profile says."""
    table = _weights(profile).head(top)
    if table.is_empty():
        return Chart(figure=None, table=table, alt="The profile uses no attribute.")
    rows = table.to_dicts()
    figure = drawn(
        [_weight_bars(rows)],
        height=_ROW * len(rows) + 60,
        xaxis={
            "title": {"text": "share of what the profile knows"},
            "tickformat": ".0%",
            "range": room([row["share"] for row in rows], share=0.08),
        },
        yaxis=_row_axis([row["attribute"] for row in rows]),
    )
    strongest = rows[0]
    alt = (
        f"{plural(len(profile.tables), 'attribute')}; {strongest['attribute']} says "
        f"the most, {percent(strongest['share'])}."
    )
    return Chart(figure=figure, table=table, alt=alt)


def _weights(profile: Profile) -> pl.DataFrame:
    total = sum(t.information for t in profile.tables) or 1
    frame = pl.DataFrame(
        {
            "attribute": [title_of(t) for t in profile.tables],
            "share": [t.information / total for t in profile.tables],
            "lowest points": [min(t.points) for t in profile.tables],
            "highest points": [max(t.points) for t in profile.tables],
        },
        schema={
            "attribute": pl.String,
            "share": pl.Float64,
            "lowest points": pl.Int64,
            "highest points": pl.Int64,
        },
    )
    return frame.sort("share", "attribute", descending=[True, False])


def _weight_bars(rows: list[dict[str, Any]]) -> Any:
    return go.Bar(
        orientation="h",
        y=list(range(len(rows))),
        x=[row["share"] for row in rows],
        marker={"color": NEUTRAL},
        text=[percent(row["share"]) for row in rows],
        textposition="outside",
        cliponaxis=False,
        customdata=[
            [signed(row["lowest points"]), signed(row["highest points"])]
            for row in rows
        ],
        hovertemplate="%{customdata[0]} to %{customdata[1]} points<extra></extra>",
    )


def _row_axis(labels: list[str]) -> dict[str, Any]:
    return {
        "tickvals": list(range(len(labels))),
        "ticktext": [plain(label) for label in labels],
        "range": [len(labels) - 0.5, -0.5],
        "showgrid": False,
    }


def attribute_points(table: AttributeTable, /) -> Chart:
    """The points of each cell of one attribute, with the customers behind it.

    Numbers keep their order, levels are sorted by points. Cells nobody was in and
    that carry no points are left out; so is everything past 24 cells, with a note.
    """
    cells = _cells(table)
    if cells.is_empty():
        return Chart(figure=None, table=cells, alt="No closed customer has a value.")
    shown = _fewer(cells)
    rows = shown.to_dicts()
    figure = drawn(
        [_point_bars(rows)],
        height=_ROW * len(rows) + 60,
        margin={"l": 8, "r": 190, "t": 8, "b": 8},
        xaxis={
            "title": {"text": "points"},
            "zeroline": True,
            "tickformat": ",d",
            "range": room([row["points"] for row in rows]),
        },
        annotations=_count_column(rows),
        yaxis=_row_axis([row["cell"] for row in rows]),
    )
    left = len(cells) - len(shown)
    verb = agreeing(left, "is", "are")
    note = f"{plural(left, 'cell')} with smaller points {verb} in the table only."
    return Chart(
        figure=figure,
        table=cells,
        alt=_points_alt(table, cells),
        notes=(note,) if left else (),
    )


def _cells(table: AttributeTable) -> pl.DataFrame:
    frame = pl.DataFrame(
        {
            "cell": [cell_words(table, code) for code in range(table.size)],
            "points": table.points,
            "best": table.best,
            "regrettable": table.regrettable,
        },
        schema={
            "cell": pl.String,
            "points": pl.Int64,
            "best": pl.Int64,
            "regrettable": pl.Int64,
        },
    )
    rows = frame.filter(pl.any_horizontal(pl.col(pl.Int64) != 0))
    if table.edges:
        return rows
    return rows.sort("points", "cell", descending=[True, False])


def _fewer(cells: pl.DataFrame) -> pl.DataFrame:
    if len(cells) <= _MOST_CELLS:
        return cells
    ranked = cells.with_row_index("place").sort(
        pl.col("points").abs(), "place", descending=[True, False]
    )
    return ranked.head(_MOST_CELLS).sort("place").drop("place")


def _point_bars(rows: list[dict[str, Any]]) -> Any:
    return go.Bar(
        orientation="h",
        y=list(range(len(rows))),
        x=[row["points"] for row in rows],
        marker={"color": [side(row["points"]) for row in rows]},
        text=[signed(row["points"]) for row in rows],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{text} points<extra></extra>",
    )


def _count_column(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "xref": "paper",
            "x": 1.02,
            "xanchor": "left",
            "y": place,
            "text": _counts(row),
            "showarrow": False,
        }
        for place, row in enumerate(rows)
    ]


def _counts(row: dict[str, Any]) -> str:
    return f"{thousands(row['best'])} best, {thousands(row['regrettable'])} regrettable"


def _points_alt(table: AttributeTable, cells: pl.DataFrame) -> str:
    rows = cells.to_dicts()
    high, low = (pick(rows, key=lambda r: r["points"]) for pick in (max, min))
    total = sum(table.best) + sum(table.regrettable)
    return (
        f"{title_of(table)}, n = {thousands(total)}: most points for "
        f"{high['cell']} ({signed(high['points'])}; {_counts(high)}), fewest for "
        f"{low['cell']} ({signed(low['points'])}; {_counts(low)})."
    )


def evidence_strip(
    evidence: ProfileEvidence, /, *, best: int, regrettable: int
) -> Chart:
    """How often the profile ranks a best customer above a regrettable one."""
    table = pl.DataFrame(
        {
            "ranked right": [evidence.auc],
            "low": [evidence.auc_low],
            "high": [evidence.auc_high],
            "best": [best],
            "regrettable": [regrettable],
        }
    )
    figure = drawn(
        [_evidence_span(evidence), _evidence_dot(evidence)],
        height=128,
        xaxis=_evidence_axis(evidence),
        yaxis={"visible": False, "range": [-1, 1]},
        shapes=[
            {
                "type": "line",
                "x0": 0.5,
                "x1": 0.5,
                "y0": -1,
                "y1": 0.55,
                "line": {"color": NEUTRAL, "width": 1, "dash": "dot"},
            }
        ],
        annotations=[{"x": 0.5, "y": 0.85, "text": "a coin", "showarrow": False}],
    )
    alt = (
        f"Of 100 pairs of one best and one regrettable customer it ranks "
        f"{100 * evidence.auc:.0f} right (90% interval "
        f"{100 * evidence.auc_low:.0f} to {100 * evidence.auc_high:.0f}; a coin: 50; "
        f"n = {thousands(best)} best, {thousands(regrettable)} regrettable)."
    )
    return Chart(figure=figure, table=table, alt=alt, notes=(evidence.method,))


def _evidence_axis(evidence: ProfileEvidence) -> dict[str, Any]:
    """From a coin upward, and as far below as the interval reaches."""
    lowest = min(_A_BIT_BELOW_A_COIN, evidence.auc_low - 0.02)
    first = 5 if lowest == _A_BIT_BELOW_A_COIN else ceil(10 * lowest)
    return {
        "range": [lowest, 1.01],
        "tickformat": ".0%",
        "showgrid": False,
        "tickvals": [step / 10 for step in range(first, 11)],
        "title": {"text": "pairs ranked right"},
    }


def _evidence_span(evidence: ProfileEvidence) -> Any:
    return go.Scatter(
        x=[evidence.auc_low, evidence.auc_high],
        y=[-0.2, -0.2],
        mode="lines",
        line={"color": BEST_SOFT, "width": 14},
        hovertemplate="%{x:.0%}<extra></extra>",
    )


def _evidence_dot(evidence: ProfileEvidence) -> Any:
    return go.Scatter(
        x=[evidence.auc],
        y=[-0.2],
        mode="markers",
        marker={"size": 18, "color": BEST, "line": {"color": "white", "width": 2}},
        hovertemplate="%{x:.0%}<extra></extra>",
    )


def calibration_curve(profile: Profile, /) -> Chart:
    """What a fit means as a probability, with the 90% interval at each fit."""
    calibration = profile.calibration
    steps = list(range(0, len(calibration.low), 25))
    table = pl.DataFrame(
        {
            "fit": [step / 10 for step in steps],
            "low": [calibration.low[step] / 1000 for step in steps],
            "high": [calibration.high[step] / 1000 for step in steps],
        },
        schema={"fit": pl.Float64, "low": pl.Float64, "high": pl.Float64},
    )
    if table.is_empty():
        return Chart(
            figure=None,
            table=table,
            alt="Too few closed customers to turn points into a fit.",
        )
    figure = drawn(
        _band(table),
        height=280,
        xaxis={"title": {"text": "fit"}, "range": [0, 100]},
        yaxis={
            "title": {"text": "chance of best"},
            "tickformat": ".0%",
            "range": [0, 1],
        },
    )
    widest = table.select((pl.col("high") - pl.col("low")).max()).item()
    alt = (
        "The chance that an account turns out best rather than regrettable, among "
        f"companies like those you closed; the 90% interval is up to "
        f"{100 * widest:.0f} points wide."
    )
    return Chart(figure=figure, table=table, alt=alt)


def _band(table: pl.DataFrame) -> list[Any]:
    fit, low, high = (table[name].to_list() for name in ("fit", "low", "high"))
    return [
        go.Scatter(x=fit, y=low, mode="lines", line={"width": 0}, hoverinfo="skip"),
        go.Scatter(
            x=fit,
            y=high,
            mode="lines",
            line={"width": 0},
            fill="tonexty",
            fillcolor=BEST_SOFT,
            hoverinfo="skip",
        ),
        go.Scatter(
            x=fit,
            y=[f / 100 for f in fit],
            mode="lines",
            line={"color": BEST, "width": 2},
            hovertemplate="fit %{x:.0f}: %{y:.0%}<extra></extra>",
        ),
    ]


# ---- Charts about a profile's segments: how many, how large, what sets each apart

_SEGMENT_ROW = 34


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
        height=_SEGMENT_ROW * len(rows) + 60,
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
        f"{plural(len(best), 'segment')} of best customers (n = {_total(best)}) and "
        f"{plural(len(bad), 'segment')} of regrettable ones (n = {_total(bad)}). "
        f"The largest is {largest.name} with {plural(largest.size, 'customer')}."
    )


def _total(segments: list[Segment]) -> str:
    return thousands(sum(s.size for s in segments))


def segment_shares(profile: Profile, segment: int, /, *, top: int = 10) -> Chart:
    """What sets a segment apart: its share of each cell against all closed customers.

    The `top` cells by difference of the two shares, the most typical first; `segment`
    is a position in `profile.segments`. A cell of missing values is never shown.
    """
    group = profile.segments[segment]
    table = _shares(profile, group).head(top)
    if table.is_empty():
        return Chart(figure=None, table=table, alt="No shares were kept for this one.")
    rows = table.to_dicts()
    colour = _kind_colour(group.kind)
    figure = drawn(
        [_gaps(rows, colour), _everyone(rows), _members(rows, group, colour)],
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
    return Chart(figure=figure, table=table, alt=_shares_alt(group, rows))


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
    comparisons = "; ".join(
        f"{r['attribute']} {r['cell']}: {percent(r['segment'])} "
        f"against {percent(r['all closed'])} of all"
        for r in rows[:3]
    )
    return f"{segment.name}, n = {thousands(segment.size)}. {comparisons}."
