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
        "1 decided by hand",
        "unknown before 12 months from since, except for early regret",
        "stage 'Won' is best",
        "stage 'Lost' is regrettable",
        "regrettable when gone",
        "worth is paid less support",
        "regrettable when worth is below 0",
        "the 10% worth least are regrettable",
        "best from a worth of 1,000",
        "the 25% worth most are best",
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
