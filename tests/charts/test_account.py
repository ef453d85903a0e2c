from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp.charts import NEUTRAL, interval_strip, waterfall
from icp.scoring import Contribution, Explanation, Score, explain

if TYPE_CHECKING:
    from icp.charts import Chart
    from icp.profile import Profile

RETAIL = {"industry": "Retail", "employees": 40.0, "cloud": True}


def _score(margin: int, base: int) -> Score:
    return Score(
        fit=72.3,
        grade="B",
        state="scored",
        why_not="",
        margin=margin,
        p_best=0.7,
        p_low=0.6,
        p_high=0.8,
        distance_best=0,
        nearest_best=None,
        distance_regrettable=0,
        nearest_regrettable=None,
        known_fraction=1.0,
        novelty_p=None,
        disqualified_by=(),
        points={},
        base=base,
    )


def _contribution(place: int, points: int, *, known: bool) -> Contribution:
    return Contribution(
        name=f"t{place}",
        title=f"T{place}",
        value="x" if known else "not known",
        points=points,
        text="because",
        known=known,
        lowest=min(points, -100),
        highest=max(points, 200),
    )


def _explanation(parts: list[tuple[int, bool]], base: int = 50) -> Explanation:
    given_parts = [
        _contribution(i, points, known=known) for i, (points, known) in enumerate(parts)
    ]
    ordered = sorted(given_parts, key=lambda c: (not c.known, -abs(c.points), c.name))
    return Explanation(
        score=_score(base + sum(points for points, _ in parts), base),
        contributions=tuple(ordered),
        unknown=tuple(c for c in ordered if not c.known),
        nearest=(),
        similar=None,
        unusual=(),
    )


def _steps(chart: Chart) -> list[tuple[str, int, int]]:
    return chart.table.select("step", "points", "total so far").rows()


def test_the_rows_run_from_everyones_start_to_the_margin(profile: Profile) -> None:
    chart = waterfall(explain(RETAIL, profile))
    assert _steps(chart) == [
        ("Where every account starts", 120, 120),
        ("Industry: Retail", 620, 740),
        ("Employees: 40 people", -300, 440),
        ("Uses a cloud: yes", 30, 470),
        ("1 other", 0, 470),
        ("Total: fit 74", 470, 470),
    ]
    assert chart.alt.startswith("Total +470 points, the fit is 7")


def test_what_is_not_known_is_hatched_over_its_range(profile: Profile) -> None:
    chart = waterfall(explain({"industry": "Retail"}, profile))
    bars, ranges = chart.figure.data
    labels = list(chart.figure.layout.yaxis.ticktext)
    hatched = [labels[y] for y in ranges.y]
    assert hatched == ["Employees: not known", *hatched[1:]]
    assert (ranges.base[0], ranges.x[0]) == (740 - 300, 540)
    assert ranges.marker.pattern.shape == "/"
    assert all(bars.x[y] == 0 for y in ranges.y)
    assert len(chart.notes) == 2


@given(
    st.lists(st.tuples(st.integers(-3000, 3000), st.booleans()), max_size=20),
    st.integers(0, 8),
)
def test_the_rows_always_add_up_exactly(
    parts: list[tuple[int, bool]], top: int
) -> None:
    explanation = _explanation(parts)
    chart = waterfall(explanation, top=top)
    *steps, (_, total, end) = _steps(chart)
    assert sum(points for _, points, _ in steps) == total == end
    assert total == explanation.score.margin
    assert len(steps) <= 1 + top + 1 + 4


def test_start_and_total_are_neither_blue_nor_vermilion() -> None:
    colours = waterfall(_explanation([(5, True)])).figure.data[0].marker.color
    assert (colours[0], colours[-1]) == (NEUTRAL, NEUTRAL)


def test_hostile_values_are_text_in_labels() -> None:
    one = _contribution(0, 9, known=True)._replace(value="<a href='x'>y</a>")
    explanation = _explanation([(9, True)])._replace(contributions=(one,))
    labels = waterfall(explanation).figure.layout.yaxis.ticktext
    assert labels[1] == "T0: &lt;a href='x'&gt;y&lt;/a&gt;"


def test_the_strip_shows_fit_interval_and_grades() -> None:
    chart = interval_strip(_score(0, 0), cuts=(800, 600, 300))
    assert chart.table.row(0) == (72.3, 60.0, 80.0, "B")
    assert chart.alt == "Fit 72 of 100, grade B; 90% interval 60–80%."
    assert [note.text for note in chart.figure.layout.annotations] == list("DCBA")
    assert [line.x0 for line in chart.figure.layout.shapes] == [80, 60, 30]


def test_without_an_interval_the_strip_says_why() -> None:
    bare = _score(0, 0)._replace(p_best=None, p_low=None, p_high=None, grade=None)
    chart = interval_strip(bare)
    assert len(chart.figure.data) == 1
    assert chart.alt == (
        "Fit 72 of 100. Too few closed customers to give a probability."
    )


@pytest.mark.parametrize("why", ["too little is known"])
def test_without_a_fit_there_is_no_strip(why: str) -> None:
    score = _score(0, 0)._replace(fit=None, state="not_evaluable", why_not=why)
    chart = interval_strip(score)
    assert chart.figure is None
    assert chart.alt == "No fit: too little is known."
