from __future__ import annotations

import polars as pl
from polars.testing import assert_frame_equal

from icp.outcomes import preview

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
        "regrettable: 1 of 4 accounts (25.0%), worth −5 together",
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
