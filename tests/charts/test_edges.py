"""Charts of nothing, of one thing, of too much, and of what nobody expects."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp.charts import (
    attribute_points,
    attribute_weights,
    calibration_curve,
    evidence_strip,
    fit_distribution,
    outcome_split,
    outlier_map,
    rule_shares,
    segment_shares,
    segment_sizes,
    waterfall,
)
from icp.charts.figure import room
from icp.disqualifiers import RuleEvidence, proposed_rule
from icp.profile import AttributeTable
from icp.schema import Kind
from icp.scoring import QUADRANTS, explain
from icp.words import short_amount, visible

if TYPE_CHECKING:
    from icp.charts import Chart
    from icp.profile import Profile


def _split(**worth: float | None) -> pl.DataFrame:
    return pl.DataFrame(
        {"outcome": list(worth), "customers": 1, "worth": list(worth.values())},
        schema={"outcome": pl.String, "customers": pl.Int64, "worth": pl.Float64},
    )


def _levels(points: list[int]) -> AttributeTable:
    levels = [f"L{i:02}" for i in range(len(points))]
    size = len(points) + 2
    return AttributeTable(
        name="code",
        column="code",
        kind=Kind.CATEGORY,
        title="Code",
        levels=tuple((level, i + 2) for i, level in enumerate(levels)),
        cells=tuple(levels),
        points=(0, 0, *points),
        pooled=(1,) * size,
        best=(0, 0, *[1] * len(points)),
        regrettable=(0,) * size,
        information=1,
    )


# ------------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (0.0, "0"),
        (-0.2, "0"),
        (999.4, "999"),
        (999.6, "1.0k"),
        (9_949.0, "9.9k"),
        (9_960.0, "10k"),
        (999_499.0, "999k"),
        (999_700.0, "1.0M"),
        (-999_999.0, "−1.0M"),
        (999_999_999.0, "1.0bn"),
        (4.2e12, "4,200bn"),
    ],
)
def test_an_amount_is_said_in_the_unit_it_rounds_to(amount: float, said: str) -> None:
    assert short_amount(amount) == said


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Acme\nSons\tLtd\r", "Acme Sons Ltd "),
        ("a\u2028b\x85c", "a b c"),
        ("\u061c\u200f\u202e\u2066\u2060\u00ad\ufeff\U000e0041", ""),
        ("\x00\x1b\x9b", ""),
        ("עברית 中文 🏭 ß", "עברית 中文 🏭 ß"),
    ],
)
def test_a_text_is_seen_on_one_line_in_its_own_order(text: str, seen: str) -> None:
    assert visible(text) == seen
    assert visible(seen) == seen


@given(st.floats(-9.9e11, 9.9e11))
def test_a_short_amount_is_near_the_amount(amount: float) -> None:
    units = {"bn": 1e9, "M": 1e6, "k": 1e3, "": 1.0}
    said = short_amount(amount).replace("−", "-").replace(",", "")
    unit = next(name for name in units if said.endswith(name))
    value = float(said.removesuffix(unit)) * units[unit]
    assert abs(value - amount) <= max(0.5, 0.052 * abs(amount))
    assert len(said) <= len("-999bn")


def test_room_around_nothing_is_room_all_the_same() -> None:
    assert room([]) == [0.0, 0.16]


# ------------------------------------------------------------------------ sentences


def test_one_customer_one_account_one_attribute_are_said_in_the_singular(
    profile: Profile,
) -> None:
    first = profile.segments[0]
    cut = {"surprises": first.surprises[:1], "shares": first.shares[:1]}
    segment = first.model_copy(update={"size": 1, **cut})
    one = profile.model_copy(
        update={"tables": profile.tables[:1], "pairs": (), "segments": (segment,)}
    )
    account = pl.DataFrame(
        {
            "account_id": ["a"],
            "distance_best": [1],
            "distance_closed": [1],
            "quadrant": ["far from both"],
        }
    )
    assert [
        outcome_split(_split(best=None)).alt,
        fit_distribution(pl.DataFrame({"fit": [80.0]})).alt,
        outlier_map(account).alt,
        attribute_weights(one).alt,
        segment_sizes(one).alt,
    ] == [
        "1 customer: 1 best.",
        "1 prospect with a fit; 1 of them at 75 or more, where grade A begins.",
        "1 account; 1 is unlike nearly all closed customers, 1 of these also unlike "
        "the best.",
        "1 attribute; Industry says the most, 100%.",
        "1 segment of best customers (n = 1) and 0 segments of regrettable ones "
        "(n = 0). The largest is Best 1: Retail with 1 customer.",
    ]


def test_one_cell_too_many_is_said_in_the_singular() -> None:
    chart = attribute_points(_levels(list(range(1, 26))))
    assert chart.notes == ("1 cell with smaller points is in the table only.",)
    assert attribute_points(_levels(list(range(1, 25)))).notes == ()


def test_the_fewest_points_are_those_of_all_cells_not_of_those_drawn() -> None:
    chart = attribute_points(_levels(list(range(1, 41))))
    assert chart.alt == (
        "Code, n = 40: most points for L39 (+40; 1 best, 0 regrettable), fewest for "
        "L00 (+1; 1 best, 0 regrettable)."
    )


def test_an_attribute_nobody_has_a_value_of_has_no_figure() -> None:
    bare = _levels([0, 0]).model_copy(update={"best": (0,) * 4})
    chart = attribute_points(bare)
    assert (chart.figure, chart.table.height) == (None, 0)
    assert chart.alt == "No closed customer has a value."


def test_attributes_that_say_nothing_have_equal_shares_of_nothing(
    profile: Profile,
) -> None:
    silent = [t.model_copy(update={"information": 0}) for t in profile.tables]
    chart = attribute_weights(profile.model_copy(update={"tables": tuple(silent)}))
    assert chart.table["share"].to_list() == [0.0, 0.0, 0.0]
    assert chart.table["attribute"].to_list() == [
        "Employees",
        "Industry",
        "Uses a cloud",
    ]


def test_some_outcomes_without_money_leave_their_bars_out_only() -> None:
    chart = outcome_split(_split(best=0.0, neutral=None, regrettable=-1_000_000.0))
    assert chart.figure is not None
    assert list(chart.figure.data[1].text) == ["0", "", "−1.0M"]
    assert chart.alt == ("3 customers: 1 best (0), 1 neutral, 1 regrettable (−1.0M).")
    assert chart.figure.layout.xaxis2.title.text == "worth"


def test_no_outcome_at_all_has_no_figure() -> None:
    assert outcome_split(_split()).alt == "No customer is labelled yet."


# -------------------------------------------------------------------------- figures


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.74, 0.88, [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        (0.4, 0.6, [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        (0.21, 0.7, [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        (0.0, 0.1, [step / 10 for step in range(11)]),
    ],
)
def test_evidence_no_better_than_a_coin_is_still_within_the_figure(
    profile: Profile, low: float, high: float, ticks: list[float]
) -> None:
    seen = profile.provenance.evidence.model_copy(
        update={"auc": (low + high) / 2, "auc_low": low, "auc_high": high}
    )
    figure = evidence_strip(seen, best=2, regrettable=1).figure
    assert figure is not None
    start, end = figure.layout.xaxis.range
    assert start < low <= high < end
    assert start <= 0.38
    assert list(figure.layout.xaxis.tickvals) == ticks


def test_the_figure_of_good_evidence_begins_a_bit_below_a_coin(
    profile: Profile,
) -> None:
    figure = evidence_strip(profile.provenance.evidence, best=60, regrettable=45).figure
    assert figure is not None
    assert list(figure.layout.xaxis.range) == [0.38, 1.01]


DAY = date(2026, 1, 31)
SEEN = RuleEvidence(
    on=DAY,
    customers=40,
    all_regrettable=14,
    covered=12,
    regrettable=11,
    p_value=0.01,
    later_covered=9,
    later_regrettable=9,
    later_p_value=0.001,
    low=0.81,
    high=1.0,
    break_even=0.6,
)


def _rule(when: str, **seen: Any) -> Any:
    return proposed_rule(when, SEEN.model_copy(update=seen), on=DAY)


def test_rules_looked_at_with_other_money_have_lines_of_their_own() -> None:
    chart = rule_shares([_rule("a = 1"), _rule("b = 1", break_even=0.9)])
    assert chart.figure is not None
    lines = [(s.x0, s.x1, s.y0, s.y1) for s in chart.figure.layout.shapes]
    assert lines == [(0.6, 0.6, -0.5, 0.5), (0.9, 0.9, 0.5, 1.5)]
    assert "(more than 60% or 90% regrettable even at" in chart.alt
    assert chart.alt.startswith("1 of 2 rules is strong")


@pytest.mark.parametrize(
    ("seen", "said"),
    [({}, "This rule is strong:"), ({"low": 0.3}, "This rule is not strong:")],
)
def test_a_rule_alone_is_called_this_rule(seen: dict[str, Any], said: str) -> None:
    assert rule_shares([_rule("a = 1", **seen)]).alt.startswith(said)


def test_a_rule_that_nobody_came_under_later_is_a_share_of_none() -> None:
    empty = {"later_covered": 0, "later_regrettable": 0, "low": 0.0, "high": 1.0}
    chart = rule_shares([_rule("a = 1", **empty)])
    assert chart.table["share"].to_list() == [0.0]
    assert chart.figure is not None
    assert chart.figure.data[0].text == ("0 of 0",)
    assert chart.figure.data[0].error_x.array == (1.0,)


def test_a_long_rule_is_a_label_of_two_short_lines() -> None:
    chart = rule_shares([_rule("industry = '<b>" + "long " * 60 + "</b>'")])
    assert chart.figure is not None
    (label,) = chart.figure.layout.yaxis.ticktext
    first, second = label.split("<br>")
    assert second.endswith("…")
    assert "<" not in first + second
    assert "industry" in chart.table["rule"][0]
    assert len(chart.table["rule"][0]) > 300


def test_a_million_prospects_are_twenty_bars() -> None:
    fits = pl.select(fit=pl.int_range(1_000_000) % 1000 / 10).lazy()
    chart = fit_distribution(fits, cuts=(800, 500, 250))
    assert chart.table["prospects"].to_list() == [50_000] * 20
    assert chart.alt == (
        "1,000,000 prospects with a fit; 200,000 of them at 80 or more, where grade A "
        "begins."
    )


def test_every_account_is_drawn_once_or_counted_in_the_note() -> None:
    rows = 5_001
    accounts = pl.select(
        account_id=pl.format("a{}", pl.int_range(rows)),
        distance_best=pl.lit(1).repeat_by(rows).explode(),
        distance_closed=pl.int_range(rows),
        quadrant=pl.lit(pl.Series(QUADRANTS)).gather(pl.int_range(rows) % 4),
    )
    chart = outlier_map(accounts)
    assert chart.figure is not None
    drawn = [row[0] for trace in chart.figure.data for row in trace.customdata]
    assert sorted(drawn) == sorted(chart.table["account_id"])
    assert set(accounts["account_id"]) - set(drawn) == {"a0"}
    assert chart.alt.startswith("5,001 accounts; 2,500 are unlike")


def test_segments_of_one_kind_only_are_shown(profile: Profile) -> None:
    only = profile.model_copy(update={"segments": profile.segments[2:]})
    chart = segment_sizes(only)
    assert chart.table["share of kind"].to_list() == [1.0]
    assert chart.alt.startswith("0 segments of best customers (n = 0)")


def test_shares_of_a_profile_without_closed_customers_say_so(profile: Profile) -> None:
    tables = [
        t.model_copy(update={"best": (0,) * t.size, "regrettable": (0,) * t.size})
        for t in profile.tables
    ]
    bare = profile.model_copy(update={"tables": tuple(tables)})
    chart = segment_shares(bare, 0)
    assert (chart.figure, chart.alt) == (None, "No shares were kept for this one.")


def test_an_account_of_which_nothing_is_known_is_a_sum_of_its_start(
    profile: Profile,
) -> None:
    chart = waterfall(explain({}, profile))
    assert chart.table["step"][0] == "Where every account starts"
    assert chart.table["step"][-1] == "Total: no fit given"
    assert chart.alt.startswith("Total +120 points, no fit is given.")
    assert "Strongest" not in chart.alt


@pytest.mark.parametrize(("unknown", "rows"), [(0, 1), (1, 2), (3, 4), (9, 4)])
def test_what_is_not_known_beyond_the_widest_is_one_row(
    profile: Profile, unknown: int, rows: int
) -> None:
    steps = waterfall(explain({}, profile), unknown=unknown).table["step"].to_list()
    hidden = [step for step in steps if "not known" in step]
    assert len(hidden) == rows
    total = len(explain({}, profile).unknown)
    more = [step for step in hidden if step.endswith("more not known")]
    assert more == ([f"{total - unknown} more not known"] if total > unknown else [])


# ------------------------------------------------------------------------------ laws

NAMES = ["Łódź 🏭 " * 40, "\u202eevil", "<b>x</b>", "a\nb"]


def _charts(profile: Profile) -> list[Chart]:
    return [
        segment_sizes(profile),
        segment_shares(profile, 0),
        attribute_weights(profile),
        attribute_points(profile.tables[0]),
        waterfall(explain({"industry": "Retail"}, profile)),
        calibration_curve(profile),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_breaks_a_figure_or_becomes_markup(profile: Profile, name: str) -> None:
    first = profile.tables[0].model_copy(update={"title": name})
    segment = profile.segments[0].model_copy(update={"name": name, "traits": (name,)})
    hostile = profile.model_copy(
        update={
            "tables": (first, *profile.tables[1:]),
            "segments": (segment, *profile.segments[1:]),
        }
    )
    for chart in _charts(hostile):
        assert chart.figure is not None
        drawn = json.loads(chart.figure.to_json())
        labels = drawn["layout"]["yaxis"].get("ticktext", [])
        assert all(len(label) < 120 for label in labels)
        assert not any("<b>" in label or "\u202e" in label for label in labels)


def test_a_chart_has_a_sentence_and_a_table_that_agree_with_its_figure(
    profile: Profile,
) -> None:
    for chart in _charts(profile):
        assert chart.alt.endswith(".")
        assert not chart.table.is_empty()
        assert chart.figure is not None
        bars = [t for t in chart.figure.data if t.type == "bar"]
        for bar in bars[:1]:
            assert len(bar.x) == chart.table.height
