"""What a proposed policy takes for an outcome, for money and for a start, and not."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from icp.errors import PolicyError
from icp.outcomes import OutcomePolicy, propose_policy
from icp.schema import AccountSchema

LOST = (
    "the 25% worth most are best; "
    "customers who cost more than they earn are regrettable"
)


def proposed(columns: dict[str, object], **roles: str) -> OutcomePolicy:
    frame = pl.DataFrame(columns)
    return propose_policy(frame, AccountSchema.infer(frame, roles=roles))


def test_a_stage_that_identifies_says_no_outcome() -> None:
    with pytest.raises(PolicyError, match="no column shows how"):
        proposed({"deal_stage": ["Won", "Lost"]}, deal_stage="identifier")


@pytest.mark.parametrize(("others", "found"), [(48, True), (49, False)])
def test_a_column_of_more_than_fifty_values_is_no_stage(
    others: int, found: bool
) -> None:
    stages = ["Won", "Lost", *(f"Step {n}" for n in range(others))]
    columns = {"deal_stage": stages * 3, "is_won": [True, False, True] * len(stages)}
    label = proposed(columns).label
    assert label is not None
    assert (label.column == "deal_stage") is found


def test_what_is_net_already_has_no_costs_taken_off() -> None:
    policy = proposed(
        {"profit": [9.0, 5.0], "support_costs": [1.0, 1.0]},
        profit="outcome",
        support_costs="outcome",
    )
    assert policy.worth is not None
    assert (policy.worth.value, policy.worth.costs) == ("profit", ())


def test_a_cost_that_is_not_known_hides_no_loss() -> None:
    policy = proposed(
        {"invoiced": [-5.0, 9.0], "refunds": [None, 1.0]},
        invoiced="outcome",
        refunds="outcome",
    )
    assert policy.notes[1] == LOST
    assert policy.thresholds.regrettable_below == 0


def test_income_alone_does_not_overrule_a_label() -> None:
    policy = proposed(
        {"is_churned": [True, False], "invoiced": [9.0, 5.0]}, invoiced="outcome"
    )
    assert policy.label is not None
    assert policy.label.values == {"true": "regrettable", "false": "best"}
    assert not policy.by_worth


@pytest.mark.parametrize("value", ["profit", "gross_margin"])
def test_net_money_decides_who_is_best_and_the_label_who_is_regretted(
    value: str,
) -> None:
    columns = {"is_churned": [True, False], value: [9.0, 5.0]}
    policy = proposed(columns, **{value: "outcome"})
    assert policy.label is not None
    assert policy.label.values == {"true": "regrettable"}
    assert policy.thresholds.best_top == 0.25
    assert policy.thresholds.regrettable_bottom is None
    assert policy.notes[-1] == "the 25% worth most are best"


def test_a_label_that_only_says_best_gives_way_to_money() -> None:
    policy = proposed(
        {"invoiced": [9.0, -5.0], "is_won": [True, False]}, invoiced="outcome"
    )
    assert policy.label is not None
    assert policy.label.values == {"false": "regrettable"}


def test_money_after_the_sale_is_worth_too() -> None:
    policy = proposed({"invoiced": [9.0, 5.0]}, invoiced="after_sale")
    assert policy.worth is not None
    assert policy.worth.value == "invoiced"


def test_the_truest_column_of_money_is_taken() -> None:
    amounts = {name: [9.0, 5.0] for name in ("mrr", "amount", "invoiced")}
    policy = proposed(amounts, **dict.fromkeys(amounts, "outcome"))
    assert policy.worth is not None
    assert policy.worth.value == "invoiced"


@pytest.mark.parametrize(
    ("name", "start"),
    [("customer_since", True), ("first_invoice", True), ("birthday", False)],
)
def test_only_the_start_of_the_relation_is_a_start(name: str, start: bool) -> None:
    policy = proposed({name: [date(2020, 1, 1)] * 2, "is_won": [True, False]})
    assert (policy.maturity is not None) is start
    assert any("unknown for the first" in note for note in policy.notes) is start


def test_a_reason_for_leaving_is_not_repeated_where_it_is_the_label() -> None:
    reasons = ["churned", "stayed"] * 2
    policy = proposed({"churn_category": reasons})
    assert policy.label is not None
    assert policy.label.reason == "churn category is {churn_category}"
