from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp.dashboard import outcomes
from icp.outcomes import (
    Cost,
    LabelColumn,
    Maturity,
    OutcomePolicy,
    Override,
    Rule,
    Thresholds,
    Worth,
    sensitivity,
)

PAYS = Rule(
    outcome="best",
    when="worth >= 8000 AND status = 'Active'",
    reason="stays, and is worth 8,000 EUR or more",
)
COSTS = Rule(outcome="regrettable", when="worth < 0", reason="costs more than it pays")
LEFT = Rule(
    outcome="regrettable", when="gone", reason="left: {churn_reason}", early=True
)
WORTH = Worth(
    value="CASE WHEN invoices > 0 THEN invoiced END",
    costs=(
        Cost(name="support", amount="90 * support_hours"),
        Cost(name="late payment", amount="late_cost"),
    ),
)


@pytest.mark.parametrize(
    ("policy", "line"),
    [
        (
            OutcomePolicy(rules=(COSTS,)),
            r"**Regrettable**: costs more than it pays :small[:gray[worth \< 0]]",
        ),
        (
            OutcomePolicy(rules=(LEFT,)),
            "**Regrettable**: left\\: \\(churn reason\\), also for young customers "
            ":small[:gray[gone]]",
        ),
        (OutcomePolicy(worth=Worth(value="net_revenue")), "Worth is net revenue"),
        (
            OutcomePolicy(worth=WORTH),
            "Worth is what the customer brought in less support and late payment "
            r":small[:gray[CASE WHEN invoices \> 0 THEN invoiced END\; "
            r"support\: 90 \* support\_hours\; late payment\: late\_cost]]",
        ),
        (
            OutcomePolicy(
                label=LabelColumn(column="deal_stage", values={"Won": "best"})
            ),
            "**Best**: deal stage is Won",
        ),
        (
            OutcomePolicy(
                worth=WORTH, thresholds=Thresholds(best_from=8000), currency="EUR"
            ),
            "**Best**: worth is 8,000 EUR or more",
        ),
        (
            OutcomePolicy(worth=WORTH, thresholds=Thresholds(best_top=0.25)),
            "**Best**: the 25% worth most",
        ),
        (
            OutcomePolicy(worth=WORTH, thresholds=Thresholds(regrettable_below=0)),
            "**Regrettable**: worth is below 0",
        ),
        (
            OutcomePolicy(worth=WORTH, thresholds=Thresholds(regrettable_bottom=0.1)),
            "**Regrettable**: the 10% worth least",
        ),
        (
            OutcomePolicy(maturity=Maturity(start="customer_since", months=6)),
            "**Unknown**: younger than 6 months, counted from customer since, unless "
            "an early regret shows already",
        ),
        (OutcomePolicy(), "**Neutral**: everybody else of whom anything is known"),
    ],
)
def test_a_policy_is_said_in_plain_words(policy: OutcomePolicy, line: str) -> None:
    assert line in outcomes.in_words(policy)


def test_words_by_hand_come_first() -> None:
    word = Override(
        account_id="a",
        outcome="best",
        reason="we know them",
        author="ann",
        at=date(2026, 1, 2),
    )
    lines = outcomes.in_words(OutcomePolicy(overrides=(word,), rules=(COSTS,)))
    assert lines[0] == "1 customer is decided by hand"


def test_values_of_customers_are_never_markdown() -> None:
    policy = OutcomePolicy(
        label=LabelColumn(column="stage", values={"[x](http://evil.test)": "best"})
    )
    assert "[x](" not in "".join(outcomes.in_words(policy))


def _values(policy: OutcomePolicy) -> list[tuple[str, float]]:
    return [(knob.label, knob.value) for knob in outcomes.knobs(policy)]


def test_every_number_that_decides_may_be_moved() -> None:
    policy = OutcomePolicy(
        worth=WORTH,
        rules=(COSTS, PAYS, LEFT),
        thresholds=Thresholds(best_top=0.25, regrettable_below=-5),
        maturity=Maturity(start="since", months=12),
    )
    assert _values(policy) == [
        ("best: top share of customers, in %", 25.0),
        ("regrettable: worth below", -5.0),
        ("regrettable: worth below", 0.0),
        ("best: worth from", 8000.0),
        ("unknown: months until a customer counts", 12.0),
    ]


def test_a_policy_without_numbers_has_nothing_to_move() -> None:
    assert outcomes.knobs(OutcomePolicy(rules=(LEFT,))) == ()


def test_a_moved_rule_says_the_new_number_in_its_reason() -> None:
    policy = OutcomePolicy(rules=(PAYS,))
    (knob,) = outcomes.knobs(policy)
    (rule,) = outcomes.with_value(policy, knob, 12500.0).rules
    assert rule.when == "worth >= 12500 AND status = 'Active'"
    assert rule.reason == "stays, and is worth 12,500 EUR or more"


def test_a_number_within_another_number_stays() -> None:
    rule = Rule(outcome="best", when="sites > 5", reason="over 5 sites of 15, 5.5 or 5")
    policy = OutcomePolicy(rules=(rule,))
    (knob,) = outcomes.knobs(policy)
    (moved,) = outcomes.with_value(policy, knob, 7.0).rules
    assert moved.reason == "over 7 sites of 15, 5.5 or 7"


def test_months_and_shares_move_in_their_own_units() -> None:
    policy = OutcomePolicy(
        worth=WORTH,
        thresholds=Thresholds(best_top=0.25),
        maturity=Maturity(start="since", months=12),
    )
    share, months = outcomes.knobs(policy)
    moved = outcomes.with_value(outcomes.with_value(policy, share, 30.0), months, 6.0)
    assert moved.thresholds == Thresholds(best_top=0.3)
    assert moved.maturity == Maturity(start="since", months=6)


@given(
    first=st.integers(-(10**12), 10**12),
    second=st.integers(-(10**12), 10**12),
    top=st.integers(1, 99),
)
def test_fields_that_nobody_touches_change_nothing(
    first: int, second: int, top: int
) -> None:
    policy = OutcomePolicy(
        worth=WORTH,
        rules=(
            Rule(
                outcome="best",
                when=f"worth >= {first} AND sites < {second}",
                reason="large",
            ),
        ),
        thresholds=Thresholds(best_top=top / 100),
    )
    assert len(outcomes.knobs(policy)) == 3
    for knob in outcomes.knobs(policy):
        assert outcomes.with_value(policy, knob, knob.value) == policy


@given(
    values=st.tuples(*[st.integers(-(10**12), 10**12)] * 2),
    targets=st.tuples(*[st.integers(-(10**12), 10**12)] * 2),
)
def test_two_numbers_of_one_rule_move_one_after_the_other(
    values: tuple[int, int], targets: tuple[int, int]
) -> None:
    when = "worth >= {} AND sites < {}".format
    rule = Rule(outcome="best", when=when(*values), reason="large")
    policy = OutcomePolicy(rules=(rule,))
    for place, target in enumerate(targets):
        policy = outcomes.with_value(
            policy, outcomes.knobs(policy)[place], float(target)
        )
    assert policy.rules[0].when == when(*targets)


ACCOUNTS = pl.DataFrame(
    {"account_id": ["a", "b", "c", "d"], "worth": [-10.0, 4.0, 11.0, 30.0]}
)


def test_thresholds_are_called_as_people_do() -> None:
    moves = pl.DataFrame(
        {
            "threshold": ["", *["best_top"] * 2, *["worth < 0"] * 4, "maturity_months"],
            "value": [None, 0.2, 0.3, -1.0, 1.0, -1.0, 1.0, 6.0],
        }
    )
    assert outcomes.with_knobs(moves)["knob"].to_list() == [
        None,
        "best: the share of customers worth most",
        "best: the share of customers worth most",
        "worth < 0 (rule 1)",
        "worth < 0 (rule 1)",
        "worth < 0 (rule 2)",
        "worth < 0 (rule 2)",
        "unknown: months until a customer counts",
    ]


def test_one_threshold_is_shown_below_things_as_they_are() -> None:
    rule = Rule(outcome="best", when="worth >= 10", reason="pays")
    moves = sensitivity(
        ACCOUNTS,
        OutcomePolicy(worth=Worth(value="worth"), rules=(rule,)),
        shifts=(-0.7, 0.5),
    )
    rows = outcomes.with_knobs(moves)
    assert outcomes.moves_of(rows, "worth >= 10").rows() == [
        ("as it is", 2, 0, 2, 0, 0, ""),
        ("3", 3, 0, 1, 0, 1, "b: neutral to best"),
        ("15", 1, 0, 3, 0, 1, "c: best to neutral"),
    ]


def test_shares_are_shown_in_per_cent() -> None:
    policy = OutcomePolicy(
        worth=Worth(value="worth"), thresholds=Thresholds(best_top=0.25)
    )
    rows = outcomes.with_knobs(sensitivity(ACCOUNTS, policy, shifts=(1.0,)))
    shown = outcomes.moves_of(rows, "best: the share of customers worth most")
    assert shown["moved to"].to_list() == ["as it is", "50.0%"]
