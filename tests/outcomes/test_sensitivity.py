from __future__ import annotations

from datetime import date

import polars as pl
from polars.testing import assert_frame_equal

from icp.outcomes import OutcomePolicy, label, sensitivity

ACCOUNTS = pl.DataFrame(
    {
        "account_id": ["a", "b", "c", "d"],
        "paid": [-5.0, 5.0, 10.0, 40.0],
        "since": [date(2024, 1, 1)] * 4,
    }
)


def test_sensitivity_counts_and_names_those_that_flip():
    policy = OutcomePolicy.model_validate(
        {
            "worth": {"value": "paid"},
            "thresholds": {"best_from": 10, "regrettable_below": 0},
        }
    )
    assert_frame_equal(
        sensitivity(ACCOUNTS, policy, shifts=(-0.5, 1.0)),
        pl.DataFrame(
            {
                "threshold": [
                    "",
                    "best_from",
                    "best_from",
                    "regrettable_below",
                    "regrettable_below",
                ],
                "value": [None, 5.0, 20.0, -3.75, 7.5],
                "best": [2, 3, 1, 2, 2],
                "regrettable": [1, 1, 1, 1, 2],
                "neutral": [1, 0, 2, 1, 0],
                "unknown": [0, 0, 0, 0, 0],
                "flipped": [0, 1, 1, 0, 1],
                "flips": [
                    [],
                    ["b: neutral to best"],
                    ["c: best to neutral"],
                    [],
                    ["b: neutral to regrettable"],
                ],
            }
        ),
    )


def test_sensitivity_of_shares_and_months():
    policy = OutcomePolicy.model_validate(
        {
            "worth": {"value": "paid"},
            "thresholds": {"best_top": 0.5, "regrettable_bottom": 0.25},
            "maturity": {"start": "since", "months": 12},
        }
    )
    moved = sensitivity(ACCOUNTS, policy, as_of=date(2025, 1, 1), shifts=(-0.5, 0.5, 1))
    assert moved.select("threshold", "value").rows() == [
        ("", None),
        ("best_top", 0.25),
        ("best_top", 0.75),
        ("regrettable_bottom", 0.125),
        ("regrettable_bottom", 0.375),
        ("regrettable_bottom", 0.5),
        ("maturity_months", 6.0),
        ("maturity_months", 18.0),
        ("maturity_months", 24.0),
    ]
    assert moved["flipped"][-3:].to_list() == [0, 4, 4]


def test_each_row_of_sensitivity_is_a_labelling_of_its_own():
    policy = OutcomePolicy.model_validate(
        {"worth": {"value": "paid"}, "thresholds": {"best_from": 10}}
    )
    for row in sensitivity(ACCOUNTS, policy).iter_rows(named=True):
        cut = 10.0 if row["value"] is None else row["value"]
        own = policy.model_copy(
            update={
                "thresholds": policy.thresholds.model_copy(update={"best_from": cut})
            }
        )
        best = label(ACCOUNTS, own).filter(outcome="best").height
        assert row["best"] == best


def test_numbers_that_rules_compare_with_move_too():
    rules = [
        {"outcome": "regrettable", "when": "worth < 0", "reason": "loss"},
        {
            "outcome": "best",
            "when": "worth >= 10 AND account_id <> 'worth > 3' AND gone > 1",
            "reason": "gain",
        },
    ]
    policy = OutcomePolicy.model_validate({"worth": {"value": "paid"}, "rules": rules})
    frame = ACCOUNTS.with_columns(gone=2)
    moved = sensitivity(frame, policy, shifts=(1.0,))
    assert moved.select("threshold", "value", "flipped").rows() == [
        ("", None, 0),
        ("worth < 0", 7.5, 1),
        ("worth >= 10", 20.0, 1),
        ("worth > 3", 6.0, 0),
        ("gone > 1", 2.0, 2),
    ]


def test_a_policy_without_thresholds_has_one_row():
    label_column = {"column": "account_id", "values": {"a": "best"}}
    policy = OutcomePolicy.model_validate({"label": label_column})
    assert sensitivity(ACCOUNTS.lazy(), policy)["threshold"].to_list() == [""]


def test_accounts_without_id_are_named_by_row():
    policy = OutcomePolicy.model_validate(
        {"worth": {"value": "paid"}, "thresholds": {"best_from": 10}}
    )
    moved = sensitivity(ACCOUNTS.drop("account_id"), policy, shifts=(1.0,))
    assert moved["flips"][1].to_list() == ["row 3: best to neutral"]
