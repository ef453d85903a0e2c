from __future__ import annotations

from datetime import date

import polars as pl
from polars.testing import assert_frame_equal

from icp.outcomes import OutcomePolicy, label, preview, sensitivity

LABELLED = pl.DataFrame(
    {
        "account_id": ["a", "b", "c", "d"],
        "outcome": ["best", "best", "regrettable", "unknown"],
        "outcome_reason": ["worth 10", "worth 1,030.5", "left", "too young"],
        "worth": [10.0, 30.0, -5.0, None],
    }
)


def test_counts_money_and_sentences():
    seen = preview(LABELLED)
    assert seen.counts == {"best": 2, "regrettable": 1, "neutral": 0, "unknown": 1}
    assert seen.money == {
        "best": 40.0,
        "regrettable": -5.0,
        "neutral": None,
        "unknown": None,
    }
    assert seen.median["best"] == 20.0
    assert seen.total == 4
    assert seen.sentences() == (
        "best: 2 of 4 accounts (50.0%), worth 40 together",
        "regrettable: 1 of 4 accounts (25.0%), worth -5 together",
        "unknown: 1 of 4 accounts (25.0%)",
    )


def test_examples_show_the_most_extreme_first():
    assert_frame_equal(
        preview(LABELLED.lazy()).examples,
        pl.DataFrame(
            {
                "outcome": ["best", "best", "regrettable", "unknown"],
                "account_id": ["b", "a", "c", "d"],
                "account_name": pl.Series([None] * 4, dtype=pl.String),
                "worth": [30.0, 10.0, -5.0, None],
                "reason": ["worth 1,030.5", "worth 10", "left", "too young"],
            }
        ),
    )


def test_at_most_five_examples_per_outcome():
    many = pl.concat([LABELLED] * 4)
    counts = dict(preview(many).examples.group_by("outcome").len().iter_rows())
    assert counts == {"best": 5, "regrettable": 4, "unknown": 4}


def test_reasons_are_counted_without_their_numbers():
    assert_frame_equal(
        preview(LABELLED).reasons.head(1),
        pl.DataFrame({"outcome": ["best"], "reason": ["worth …"], "accounts": [2]}),
    )


def test_nothing_labelled():
    seen = preview(LABELLED.clear())
    assert seen.total == 0
    assert seen.sentences() == ()


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
