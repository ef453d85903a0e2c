"""Charts about rules for walking away: how sure each is, and how that changed."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

import plotly.graph_objects as go
import polars as pl

from icp.charts.figure import MUTED, REGRETTABLE, Chart, drawn
from icp.words import agreeing, percent, plain, plural, visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from icp.disqualifiers import Disqualifier, RuleEvidence


_ROW: Final = 38
_LONGEST: Final = 40
_NOTE = (
    "Bars are where the true share lies with 90% certainty, judged only by customers "
    "that took no part in finding the rule."
)


def rule_shares(
    rules: Sequence[Disqualifier], /, *, titles: Mapping[str, str] | None = None
) -> Chart:
    """Share of regrettable customers under each rule with its interval, and n.

    Rules without evidence (policy) are not drawn. A line marks from where leaving
    pays.
    """
    looks = [(rule.words(titles), rule.latest) for rule in rules if rule.latest]
    table = _table([(name, evidence) for name, evidence in looks if evidence])
    if table.is_empty():
        alt = "No rule has evidence yet."
        return Chart(figure=None, table=table, alt=alt)
    rows = table.to_dicts()
    pays = {row["leaving pays from"] for row in rows}
    figure = drawn(
        [_whiskers(rows)],
        height=_ROW * len(rows) + 90,
        xaxis=_share_axis(),
        yaxis={
            "tickvals": list(range(len(rows))),
            "ticktext": [_label(row["rule"]) for row in rows],
            "range": [len(rows) - 0.5, -0.5],
            "showgrid": False,
        },
        **(_lines(rows) if len(pays) > 1 else _line(*pays)),
    )
    strong = sum(evidence.strong for _, evidence in looks if evidence)
    alt = (
        f"{_count(strong, len(rows))} strong: beyond chance, confirmed, and paying "
        f"(more than {' or '.join(map(percent, sorted(pays)))} regrettable even at the "
        "lower bound)."
    )
    return Chart(figure=figure, table=table, alt=alt, notes=(_NOTE,))


def _count(strong: int, rules: int) -> str:
    if rules == 1:
        return "This rule is" if strong else "This rule is not"
    return f"{strong} of {rules} rules {agreeing(strong, 'is', 'are')}"


def rule_history(rule: Disqualifier, /) -> Chart:
    """The same for one rule, each time it was looked at."""
    looks = [
        (evidence.on.isoformat() if evidence.on else f"look {place + 1}", evidence)
        for place, evidence in enumerate(rule.evidence)
    ]
    table = _table(looks).rename({"rule": "looked at"})
    if len(looks) < 2:
        alt = "It was looked at once so far." if looks else "Policy needs no evidence."
        return Chart(figure=None, table=table, alt=alt)
    rows = table.rename({"looked at": "rule"}).to_dicts()
    figure = drawn(
        [_whiskers(rows)],
        height=_ROW * len(rows) + 90,
        xaxis=_share_axis(),
        yaxis={
            "tickvals": list(range(len(rows))),
            "ticktext": [row["rule"] for row in rows],
            "range": [len(rows) - 0.5, -0.5],
            "showgrid": False,
        },
        **_line(rows[-1]["leaving pays from"]),
    )
    first, last = looks[0][1], looks[-1][1]
    alt = (
        f"The share that is sure went from {percent(first.low)} to {percent(last.low)} "
        f"over {plural(len(looks), 'look')}."
    )
    return Chart(figure=figure, table=table, alt=alt, notes=(_NOTE,))


def _table(looks: list[tuple[str, RuleEvidence]]) -> pl.DataFrame:
    rows = [
        {
            "rule": name,
            "regrettable": evidence.later_regrettable,
            "of": evidence.later_covered,
            "share": evidence.later_regrettable / max(1, evidence.later_covered),
            "at least": evidence.low,
            "at most": evidence.high,
            "leaving pays from": evidence.break_even,
        }
        for name, evidence in looks
    ]
    whole = dict.fromkeys(("regrettable", "of"), pl.Int64)
    shares = ("share", "at least", "at most", "leaving pays from")
    schema = {"rule": pl.String, **whole, **dict.fromkeys(shares, pl.Float64)}
    return pl.DataFrame(rows, schema)


def _whiskers(rows: list[dict[str, Any]]) -> Any:
    return go.Scatter(
        x=[row["share"] for row in rows],
        y=list(range(len(rows))),
        mode="markers+text",
        marker={"color": REGRETTABLE, "size": 11},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [max(0.0, row["at most"] - row["share"]) for row in rows],
            "arrayminus": [max(0.0, row["share"] - row["at least"]) for row in rows],
            "color": REGRETTABLE,
            "thickness": 2,
        },
        text=[f"{row['regrettable']:,} of {row['of']:,}" for row in rows],
        textposition="top center",
        cliponaxis=False,
        hovertemplate="%{text} regrettable<extra></extra>",
    )


def _share_axis() -> dict[str, Any]:
    title = {"text": "share regrettable of those covered"}
    return {"title": title, "tickformat": ".0%", "range": [0, 1.03]}


def _line(share: float) -> dict[str, Any]:
    """Where leaving begins to pay, as layout: a line and what it says."""
    place = {"x0": share, "x1": share, "y0": 0, "y1": 1, "yref": "paper"}
    note = {
        "text": f"leaving pays from {percent(share)}",
        "x": share,
        "xanchor": "right" if share > 0.5 else "left",
        "y": 1,
        "yref": "paper",
        "yanchor": "bottom",
        "showarrow": False,
    }
    line = {"type": "line", "line": {"color": MUTED, "width": 3}, **place}
    margin = {"l": 8, "r": 16, "t": 26, "b": 8}
    return {"shapes": [line], "annotations": [note], "margin": margin}


def _lines(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The same where money changed between two looks: each rule has its own line."""
    line = {"type": "line", "line": {"color": MUTED, "width": 3}}
    return {
        "shapes": [
            {
                **line,
                "x0": row["leaving pays from"],
                "x1": row["leaving pays from"],
                "y0": place - 0.5,
                "y1": place + 0.5,
            }
            for place, row in enumerate(rows)
        ]
    }


def _label(rule: str) -> str:
    """The rule on at most two lines."""
    lines = wrap(visible(rule), _LONGEST, max_lines=2, placeholder=" …")
    return "<br>".join(plain(line) for line in lines)
