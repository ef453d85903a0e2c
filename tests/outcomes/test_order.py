from __future__ import annotations

from datetime import date

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from icp.outcomes import OutcomePolicy, label

TODAY = date(2025, 6, 30)
_YOUNG, _OLD = date(2025, 1, 1), date(2020, 1, 1)

_ACCOUNTS = st.lists(
    st.fixed_dictionaries(
        {
            "account_id": st.sampled_from(["a", "b", "c"]),
            "since": st.sampled_from([_YOUNG, _OLD, None]),
            "stage": st.sampled_from(["Won", "Lost", "Open", None]),
            "gone": st.none() | st.booleans(),
            "late": st.none() | st.booleans(),
            "paid": st.none() | st.integers(-5, 5).map(float),
        }
    ),
    min_size=1,
    max_size=8,
)
_SCHEMA = {
    "account_id": pl.String,
    "since": pl.Date,
    "stage": pl.String,
    "gone": pl.Boolean,
    "late": pl.Boolean,
    "paid": pl.Float64,
}
POLICY = OutcomePolicy.model_validate(
    {
        "worth": {"value": "paid"},
        "overrides": [
            {
                "account_id": "a",
                "outcome": "neutral",
                "reason": "r",
                "author": "x",
                "at": "2025-01-01",
            }
        ],
        "maturity": {"start": "since", "months": 12},
        "label": {"column": "stage", "values": {"Won": "best", "Lost": "regrettable"}},
        "rules": [
            {"outcome": "regrettable", "when": "gone", "reason": "left", "early": True},
            {"outcome": "regrettable", "when": "late", "reason": "pays late"},
        ],
        "thresholds": {"regrettable_below": 0, "best_from": 3},
    }
)


def frame(accounts):
    return pl.DataFrame(accounts, schema=_SCHEMA)


def naive(account):
    young = account["since"] == _YOUNG
    paid = account["paid"]
    if account["account_id"] == "a":
        return "neutral"
    if account["gone"] or account["stage"] == "Lost":
        return "regrettable"
    if young:
        return "unknown"
    if account["stage"] == "Won":
        return "best"
    if account["late"] or (paid is not None and paid < 0):
        return "regrettable"
    if paid is not None and paid >= 3:
        return "best"
    known = {account["gone"], account["late"], paid} != {None}
    return "neutral" if known else "unknown"


@settings(deadline=None, max_examples=30)
@given(_ACCOUNTS)
def test_every_source_of_judgement_has_its_place(accounts):
    labelled = label(frame(accounts), POLICY, as_of=TODAY)
    assert labelled["outcome"].to_list() == [naive(account) for account in accounts]
    assert labelled["outcome_reason"].null_count() == 0


@settings(deadline=None, max_examples=30)
@given(_ACCOUNTS)
def test_lazy_streaming_and_row_by_row_give_the_same_labels(accounts):
    whole = label(frame(accounts), POLICY, as_of=TODAY)
    lazy = label(frame(accounts).lazy(), POLICY, as_of=TODAY)
    assert_frame_equal(lazy.collect(), whole)
    assert_frame_equal(lazy.collect(engine="streaming"), whole)
    single = [label(frame([a]), POLICY, as_of=TODAY) for a in accounts]
    assert_frame_equal(pl.concat(single), whole)


@settings(deadline=None, max_examples=30)
@given(_ACCOUNTS)
def test_labelling_twice_changes_nothing(accounts):
    once = label(frame(accounts), POLICY, as_of=TODAY)
    assert_frame_equal(label(once, POLICY, as_of=TODAY), once)


def test_no_accounts_give_no_labels():
    empty = label(frame([]), POLICY, as_of=TODAY)
    assert empty.height == 0
    assert empty.columns[-3:] == ["outcome", "outcome_reason", "worth"]
