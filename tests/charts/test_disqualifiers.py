from __future__ import annotations

from datetime import date

import pytest

from icp.charts import rule_history, rule_shares
from icp.disqualifiers import RuleEvidence, policy_rule, proposed_rule

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
RULE = proposed_rule("vendors >= 5", SEEN, on=DAY)
WEAK = proposed_rule(
    "industry = '<b>Law</b>'",
    SEEN.model_copy(update={"later_regrettable": 5, "low": 0.3, "high": 0.8}),
    on=DAY,
)
POLICY = policy_rule("a = 1", by="ada", reason="law", why="x", on=DAY)


def test_shares_have_intervals_and_counts() -> None:
    chart = rule_shares([RULE, POLICY, WEAK], titles={"vendors": "Vendors"})
    assert chart.table["rule"].to_list() == ["Vendors ≥ 5", "industry is <b>Law</b>"]
    assert chart.table["at least"].to_list() == [0.81, 0.3]
    assert chart.alt.startswith("1 of 2 rules is strong: beyond chance")
    assert chart.figure is not None
    (trace,) = chart.figure.data
    assert trace.text == ("9 of 9", "5 of 9")
    assert trace.error_x.arrayminus == pytest.approx((0.19, 5 / 9 - 0.3))
    assert "<b>" not in "".join(chart.figure.layout.yaxis.ticktext)
    assert chart.figure.layout.shapes[0].x0 == 0.6


@pytest.mark.parametrize("rules", [[], [POLICY]])
def test_without_evidence_there_is_no_figure(rules: list) -> None:
    chart = rule_shares(rules)
    assert chart.figure is None
    assert chart.alt == "No rule has evidence yet."
    assert chart.table.is_empty()


def test_history_needs_two_looks() -> None:
    assert rule_history(RULE).alt == "It was looked at once so far."
    assert rule_history(POLICY).alt == "Policy needs no evidence."
    later = SEEN.model_copy(update={"on": date(2026, 6, 1), "low": 0.7})
    chart = rule_history(RULE.seen(later))
    assert chart.table["looked at"].to_list() == ["2026-01-31", "2026-06-01"]
    assert "from 81% to 70% over 2 looks" in chart.alt
    assert chart.figure is not None


def test_a_look_without_a_day_is_numbered() -> None:
    undated = SEEN.model_copy(update={"on": None})
    chart = rule_history(RULE.seen(undated))
    assert chart.table["looked at"].to_list() == ["2026-01-31", "look 2"]
