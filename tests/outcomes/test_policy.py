from __future__ import annotations

import pytest
from pydantic import ValidationError

from icp.outcomes import OutcomePolicy

WHOLE = {
    "worth": {"value": "paid", "costs": [{"name": "support", "amount": "60 * hours"}]},
    "label": {"column": "stage", "values": {"Won": "best", "Lost": "regrettable"}},
    "rules": [{"outcome": "regrettable", "when": "gone", "reason": "left"}],
    "thresholds": {
        "best_top": 0.25,
        "best_from": 1000,
        "regrettable_below": 0,
        "regrettable_bottom": 0.1,
    },
    "maturity": {"start": "since"},
    "overrides": [
        {
            "account_id": "a",
            "outcome": "best",
            "reason": "r",
            "author": "ann",
            "at": "2024-01-01",
        }
    ],
}


def test_describe_follows_the_order_of_deciding():
    assert OutcomePolicy.model_validate(WHOLE).describe() == (
        "1 customer is decided by hand",
        "Worth is paid less support (support: 60 * hours)",
        "Unknown: younger than 12 months, counted from since, unless an early regret "
        "shows already",
        "Best: stage is Won",
        "Regrettable: stage is Lost",
        "Regrettable: left (gone)",
        "Regrettable: worth is below 0",
        "Regrettable: the 10% worth least",
        "Best: worth is 1,000 or more",
        "Best: the 25% worth most",
        "Neutral: everybody else of whom anything is known",
    )


def test_a_policy_is_the_same_after_json():
    policy = OutcomePolicy.model_validate(WHOLE)
    assert OutcomePolicy.model_validate_json(policy.model_dump_json()) == policy


@pytest.mark.parametrize(
    "wrong",
    [
        {"thresholds": {"best_top": 0.2}},
        {"worth": {"value": "x"}, "thresholds": {"best_top": 25}},
        {"rules": [{"outcome": "good", "when": "x", "reason": "y"}]},
        {"rules": [{"outcome": "best", "when": "x", "reason": ""}]},
        {"label": {"column": "x", "values": {}}},
        {"maturity": {"start": "x", "months": -1}},
        {"mood": "x"},
    ],
)
def test_what_means_nothing_is_refused(wrong):
    with pytest.raises(ValidationError):
        OutcomePolicy.model_validate(wrong)


@pytest.mark.parametrize(("part", "nothing"), [("label", False), ("worth", True)])
def test_says_nothing(part, nothing):
    assert OutcomePolicy.model_validate({part: WHOLE[part]}).says_nothing is nothing
