from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from icp.errors import PolicyError
from icp.outcomes import label, propose_policy
from icp.schema import AccountSchema, Attribute

OUTCOME = "outcome"


def proposed(columns, units=None, **roles):
    frame = pl.DataFrame(columns)
    schema = AccountSchema.infer(frame, roles=roles)
    changed = [
        schema[name].model_copy(update={"unit": unit})
        for name, unit in (units or {}).items()
    ]
    return frame, propose_policy(frame, schema.replace(changed))


def outcomes(columns, **more):
    frame, policy = proposed(columns, **more)
    return label(frame, policy, as_of=date(2025, 1, 1))["outcome"].to_list()


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"fit": ["Good", "bad", "ok"]}, ["best", "regrettable", "neutral"]),
        (
            {"deal_stage": ["Closed Won", "closed lost", "Proposal", None]},
            ["best", "regrettable", "unknown", "unknown"],
        ),
        (
            {"customer_status": ["Stayed", "Churned", "Joined"]},
            ["best", "regrettable", "unknown"],
        ),
        ({"is_churned": [True, False, None]}, ["regrettable", "best", "unknown"]),
        ({"churn_label": ["Yes", "No", "Yes"]}, ["regrettable", "best", "regrettable"]),
        ({"converted": [1.0, 0.0, None]}, ["best", "regrettable", "unknown"]),
        ({"is_won": [True, False]}, ["best", "regrettable"]),
    ],
)
def test_columns_that_say_it(columns, expected):
    assert outcomes(columns) == expected


def test_the_reason_for_leaving_is_part_of_the_reason():
    frame, policy = proposed({"is_churned": [True], "churn_reason": ["price"]})
    reason = label(frame, policy)["outcome_reason"].item()
    assert reason == "is churned is yes (churn reason: price)"


def test_revenue_alone_gives_a_first_guess():
    revenue = {"revenue": [1.0, 2.0, 3.0, 4.0]}
    frame, policy = proposed(revenue, revenue=OUTCOME)
    assert label(frame, policy)["outcome"].to_list() == [
        "regrettable",
        "neutral",
        "neutral",
        "best",
    ]
    assert policy.notes == (
        "worth is revenue",
        "the 25% worth most are best, the 25% worth least regrettable: a first guess",
    )


def test_costs_are_taken_off_and_losses_are_regretted():
    frame, policy = proposed(
        {
            "invoiced": [100.0, 50.0, 20.0, 10.0, 10.0],
            "support_cost": [10.0, 60.0, 0.0, None, 0.0],
            "refunds": [0.0, 0.0, 0.0, 5.0, 0.0],
            "discount": [10.0, 20.0, 30.0, 0.0, 0.0],
            "support_hours": [1.0, 2.0, 3.0, 4.0, 5.0],
            "annual_revenue": [1.0, 1.0, 1.0, 1.0, 1.0],
        },
        units={"discount": "%", "support_hours": "hours"},
        invoiced=OUTCOME,
        support_cost=OUTCOME,
        refunds=OUTCOME,
        discount="after_sale",
        support_hours=OUTCOME,
    )
    labelled = label(frame, policy)
    assert labelled["worth"].to_list() == [90.0, -10.0, 20.0, 5.0, 10.0]
    assert labelled["outcome"][:2].to_list() == ["best", "regrettable"]
    assert policy.notes[:2] == (
        "worth is invoiced less support_cost less refunds",
        "support_hours is not in money: "
        "add a cost of 'support_hours * your hourly rate'",
    )


def test_churn_is_early_regret_and_money_decides_the_rest():
    assert outcomes(
        {
            "is_churned": [True, False, False, False],
            "invoiced": [900.0, -5.0, 10.0, 30.0],
            "customer_since": [date(2020, 1, 1)] * 3 + [date(2024, 12, 1)],
        },
        invoiced=OUTCOME,
    ) == ["regrettable", "regrettable", "neutral", "unknown"]


def test_a_firms_own_revenue_is_no_worth():
    with pytest.raises(
        PolicyError, match="no column shows how the accounts turned out"
    ):
        proposed({"revenue": [1.0, 2.0], "industry": ["a", "b"]})


def test_a_status_with_other_words_is_not_guessed():
    with pytest.raises(PolicyError):
        proposed({"customer_status": ["Stayed", "Churned", "Paused"]})


def test_schema_columns_that_are_gone_are_ignored():
    frame = pl.DataFrame({"is_won": [True, False]})
    schema = AccountSchema.infer(frame).replace([Attribute(name="gone")])
    assert propose_policy(frame, schema).label.column == "is_won"
