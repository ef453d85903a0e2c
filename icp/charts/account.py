"""Charts about one account: why this fit, and how sure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import plotly.graph_objects as go
import polars as pl

from icp.charts.figure import BEST, BEST_SOFT, MUTED, NEUTRAL, Chart, drawn, room, side
from icp.words import percent_range, plain, signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from icp.scoring.explain import Explanation
    from icp.scoring.single import Score
    from icp.scoring.words import Contribution


_ROW = 30
_HATCH: Final = {
    "shape": "/",
    "fgcolor": NEUTRAL,
    "fillmode": "replace",
    "size": 6,
    "solidity": 0.25,
}


@dataclass(frozen=True, kw_only=True)
class _Step:
    """One row of the waterfall: a bar from `start` over `points`."""

    kind: Literal["start", "known", "others", "unknown", "end"]
    label: str
    text: str
    start: int
    points: int
    lowest: int
    highest: int

    @property
    def end(self) -> int:
        return self.start + self.points


def waterfall(explanation: Explanation, /, *, top: int = 6, unknown: int = 3) -> Chart:
    """How the account's points add up, from everyone's start to its own margin.

    The `top` known contributions by size, the rest as one, then the `unknown` inputs
    that could still move it most, hatched over the range of what they could turn out
    to be. Points are millinats; the rows add up exactly.
    """
    steps = _steps(explanation, top, unknown)
    return Chart(
        figure=_waterfall_figure(steps),
        table=_waterfall_table(steps),
        alt=_waterfall_alt(explanation),
        notes=(
            "Points to the right make the account more like your best customers, "
            "points to the left more like those you regret. They add up exactly.",
            *(
                ("Hatched: not known yet; the bar spans what it could turn out to be.",)
                if explanation.unknown
                else ()
            ),
        ),
    )


def _steps(explanation: Explanation, top: int, unknown: int) -> list[_Step]:
    score = explanation.score
    telling = [c for c in explanation.contributions if c.known and c.points]
    idle = sum(1 for c in explanation.contributions if c.known and not c.points)
    open_ = sorted(explanation.unknown, key=lambda c: c.lowest - c.highest)
    steps = [
        _Step(
            kind="start",
            label="Where every account starts",
            text="",
            start=0,
            points=score.base,
            lowest=score.base,
            highest=score.base,
        )
    ]
    for one in telling[:top]:
        _append(steps, "known", [one], f"{one.title}: {one.value}", one.text)
    rest = telling[top:]
    if rest or idle:
        count = len(rest) + idle
        _append(steps, "others", rest, f"{count} other{'s' * (count > 1)}", "")
    for one in open_[:unknown]:
        _append(steps, "unknown", [one], f"{one.title}: not known", one.text)
    if open_[unknown:]:
        left = open_[unknown:]
        _append(steps, "unknown", left, f"{len(left)} more not known", "")
    fit = "no fit given" if score.fit is None else f"fit {score.fit:.0f}"
    steps.append(
        _Step(
            kind="end",
            label=f"Total: {fit}",
            text="",
            start=0,
            points=score.margin,
            lowest=score.margin,
            highest=score.margin,
        )
    )
    return steps


def _append(
    steps: list[_Step],
    kind: Literal["known", "others", "unknown"],
    parts: Sequence[Contribution],
    label: str,
    text: str,
) -> None:
    steps.append(
        _Step(
            kind=kind,
            label=label,
            text=text,
            start=steps[-1].end,
            points=sum(c.points for c in parts),
            lowest=sum(c.lowest for c in parts),
            highest=sum(c.highest for c in parts),
        )
    )


def _waterfall_figure(steps: list[_Step]) -> go.Figure:
    rows = list(range(len(steps)))
    return drawn(
        [_bars(steps), *_ranges(steps)],
        height=_ROW * len(steps) + 70,
        xaxis={
            "title": {"text": "points"},
            "zeroline": True,
            "tickformat": ",d",
            "range": room([end for s in steps for end in _ends(s)], share=0.09),
        },
        yaxis={
            "tickvals": rows,
            "ticktext": [plain(s.label) for s in steps],
            "range": [len(steps) - 0.5, -0.5],
            "showgrid": False,
        },
        shapes=_connectors(steps),
    )


def _ends(step: _Step) -> tuple[int, ...]:
    if step.kind == "unknown":
        return (step.end, step.start + step.lowest, step.start + step.highest)
    return (step.end,)


def _bars(steps: list[_Step]) -> Any:
    return go.Bar(
        orientation="h",
        y=list(range(len(steps))),
        base=[s.start for s in steps],
        x=[s.points for s in steps],
        marker={"color": [_colour(s) for s in steps]},
        text=[signed(s.points) if s.kind != "unknown" else "" for s in steps],
        textposition="outside",
        cliponaxis=False,
        customdata=[[plain(s.text, longest=90), signed(s.points)] for s in steps],
        hovertemplate="%{customdata[1]} points<br>%{customdata[0]}<extra></extra>",
    )


def _ranges(steps: list[_Step]) -> list[Any]:
    rows = [(i, s) for i, s in enumerate(steps) if s.kind == "unknown"]
    if not rows:
        return []
    spans = [f"{signed(s.lowest)} to {signed(s.highest)} points" for _, s in rows]
    return [
        go.Bar(
            orientation="h",
            y=[i for i, _ in rows],
            base=[s.start + s.lowest for _, s in rows],
            x=[s.highest - s.lowest for _, s in rows],
            marker={
                "color": "rgba(122, 135, 148, 0.12)",
                "pattern": _HATCH,
                "line": {"color": NEUTRAL, "width": 1},
            },
            text=spans,
            textposition="none",
            hovertemplate="not known: %{text}<extra></extra>",
        )
    ]


def _colour(step: _Step) -> str:
    return NEUTRAL if step.kind in {"start", "end"} else side(step.points)


def _connectors(steps: list[_Step]) -> list[dict[str, Any]]:
    line = {"color": NEUTRAL, "width": 1, "dash": "dot"}
    return [
        {
            "type": "line",
            "x0": s.end,
            "x1": s.end,
            "y0": i,
            "y1": i + 1,
            "line": line,
            "layer": "below",
        }
        for i, s in enumerate(steps[:-1])
    ]


def _waterfall_table(steps: list[_Step]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "step": [s.label for s in steps],
            "points": [s.points for s in steps],
            "total so far": [s.end for s in steps],
            "lowest": [s.lowest for s in steps],
            "highest": [s.highest for s in steps],
            "why": [s.text for s in steps],
        }
    )


def _waterfall_alt(explanation: Explanation) -> str:
    largest = [c for c in explanation.contributions if c.known and c.points][:3]
    names = ", ".join(f"{c.title} {c.value} ({signed(c.points)})" for c in largest)
    score = explanation.score
    fit = "no fit is given" if score.fit is None else f"the fit is {score.fit:.0f}"
    strongest = f" Strongest: {names}." if names else ""
    missing = f" {len(explanation.unknown)} not known." if explanation.unknown else ""
    return f"Total {signed(score.margin)} points, {fit}.{strongest}{missing}"


def interval_strip(
    score: Score, /, *, cuts: tuple[int, int, int] = (750, 500, 250)
) -> Chart:
    """Where the account stands between 0 and 100, with its 90% interval and grades.

    `cuts` are the lower bounds of A, B and C in per mille.
    """
    table = pl.DataFrame(
        {
            "fit": [score.fit],
            "low": [_hundred(score.p_low)],
            "high": [_hundred(score.p_high)],
            "grade": [score.grade],
        },
        schema={
            "fit": pl.Float64,
            "low": pl.Float64,
            "high": pl.Float64,
            "grade": pl.String,
        },
    )
    if score.fit is None:
        return Chart(figure=None, table=table, alt=f"No fit: {score.why_not}.")
    figure = drawn(
        _strip_traces(score.fit, _hundred(score.p_low), _hundred(score.p_high)),
        height=128,
        xaxis={
            "range": [-1, 101],
            "tickvals": [0, 25, 50, 75, 100],
            "showgrid": False,
            "title": {"text": "fit, 0 = regrettable, 100 = best"},
        },
        yaxis={"visible": False, "range": [-1, 1]},
        shapes=_zones(cuts),
        annotations=_grade_letters(cuts),
    )
    return Chart(figure=figure, table=table, alt=_strip_alt(score))


def _hundred(probability: float | None) -> float | None:
    return None if probability is None else round(100 * probability, 1)


def _strip_traces(fit: float, low: float | None, high: float | None) -> list[Any]:
    dot = go.Scatter(
        x=[fit],
        y=[-0.2],
        mode="markers",
        marker={"size": 18, "color": BEST, "line": {"color": "white", "width": 2}},
        hovertemplate="fit %{x:.1f}<extra></extra>",
    )
    if low is None or high is None:
        return [dot]
    span = go.Scatter(
        x=[low, high],
        y=[-0.2, -0.2],
        mode="lines",
        line={"color": BEST_SOFT, "width": 14},
        hovertemplate="%{x:.0f}<extra></extra>",
    )
    return [span, dot]


def _zones(cuts: tuple[int, int, int]) -> list[dict[str, Any]]:
    return [
        {
            "type": "line",
            "x0": cut / 10,
            "x1": cut / 10,
            "y0": -1,
            "y1": 1,
            "line": {"color": MUTED, "width": 1},
            "layer": "below",
        }
        for cut in cuts
    ]


def _grade_letters(cuts: tuple[int, int, int]) -> list[dict[str, Any]]:
    edges = [0, *(cut / 10 for cut in reversed(cuts)), 100]
    return [
        {"x": (low + high) / 2, "y": 0.75, "text": letter, "showarrow": False}
        for letter, low, high in zip("DCBA", edges, edges[1:], strict=False)
    ]


def _strip_alt(score: Score) -> str:
    grade = f", grade {score.grade}" if score.grade else ""
    if score.p_low is None or score.p_high is None:
        return (
            f"Fit {score.fit:.0f} of 100{grade}. "
            "Too few closed customers to give a probability."
        )
    return (
        f"Fit {score.fit:.0f} of 100{grade}; 90% interval "
        f"{percent_range(score.p_low, score.p_high)}."
    )
