from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from icp.errors import PolicyError
from icp.outcomes import OutcomePolicy, label

TODAY = date(2025, 1, 1)


def policy(**parts):
    return OutcomePolicy.model_validate(parts)


def said(accounts, **parts):
    labelled = label(pl.DataFrame(accounts), policy(**parts), as_of=TODAY)
    return list(labelled.select("outcome", "outcome_reason").iter_rows())


def test_label_adds_three_columns_and_keeps_the_rest():
    accounts = pl.DataFrame({"account_id": ["a", "b"], "paid": [10.0, None]})
    labelled = label(
        accounts,
        policy(worth={"value": "paid"}, thresholds={"regrettable_below": 20}),
    )
    assert_frame_equal(
        labelled,
        accounts.with_columns(
            outcome=pl.Series(["regrettable", "unknown"]),
            outcome_reason=pl.Series(
                ["worth 10, below 20", "no data on how it turned out"]
            ),
            worth=pl.Series([10.0, None]),
        ),
    )


def test_lazy_in_lazy_out():
    accounts = pl.DataFrame({"paid": [1.0, 2.0, 3.0, 4.0]})
    quarter = policy(worth={"value": "paid"}, thresholds={"best_top": 0.25})
    lazy = label(accounts.lazy(), quarter)
    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(lazy.collect(), label(accounts, quarter))


@pytest.mark.parametrize(
    ("worth", "values"),
    [
        (None, [None, None, None]),
        ({"value": "paid"}, [9.0, None, -1.0]),
        ({"value": "paid", "costs": [{"name": "s", "amount": "hours"}]}, [6, None, -1]),
        ({"value": "0", "costs": [{"name": "s", "amount": "paid"}]}, [-9.0, 0.0, 1.0]),
        ({"value": "paid / 0"}, [None, None, None]),
    ],
)
def test_worth_is_value_less_costs(worth, values):
    accounts = pl.DataFrame({"paid": [9.0, None, -1.0], "hours": [3.0, 3.0, None]})
    assert label(accounts, policy(worth=worth))["worth"].to_list() == values


def test_rules_decide_in_order_with_their_reason_filled_in():
    accounts = {
        "gone": [True, False, None, None],
        "late": [3.0, 90.0, 1.5, None],
        "why": ["price", None, "x", None],
    }
    rules = [
        {"outcome": "regrettable", "when": "gone", "reason": "left: {why}"},
        {
            "outcome": "neutral",
            "when": "late > 30",
            "reason": "{late} days late, {why}",
        },
    ]
    assert said(
        accounts, rules=rules, otherwise="best", otherwise_reason="{late} d"
    ) == [
        ("regrettable", "left: price"),
        ("neutral", "90 days late, not known"),
        ("best", "1.5 d"),
        ("unknown", "no data on how it turned out"),
    ]


def test_a_label_column_decides_before_the_rules():
    accounts = {"stage": ["Won", "Lost", "Open", None], "ok": [True] * 4}
    assert said(
        accounts,
        label={"column": "stage", "values": {"Won": "best", "Lost": "regrettable"}},
        rules=[{"outcome": "neutral", "when": "ok", "reason": "ok is {ok}"}],
    ) == [
        ("best", "stage is Won"),
        ("regrettable", "stage is Lost"),
        ("neutral", "ok is yes"),
        ("neutral", "ok is yes"),
    ]


@pytest.mark.parametrize(
    "values", [[True, False, None], [1.0, 0.0, None], [1, 0, None], ["1", "0", None]]
)
def test_a_label_column_may_hold_flags_and_numbers(values):
    texts = {"true": "best", "false": "regrettable", "1": "best", "0": "regrettable"}
    rows = said({"x": values}, label={"column": "x", "values": texts, "reason": "so"})
    assert [outcome for outcome, _ in rows] == ["best", "regrettable", "unknown"]


def test_thresholds_take_the_regrettable_first():
    assert said(
        {"paid": [-5.0, 0.0, 1.0, 2.0, 1000.0]},
        worth={"value": "paid"},
        thresholds={"best_top": 0.6, "regrettable_below": 0, "best_from": 500},
        currency="EUR",
    ) == [
        ("regrettable", "worth -5 EUR, below 0 EUR"),
        ("neutral", "neither clearly best nor regrettable"),
        ("best", "worth 1 EUR, among the 60% worth most, from 1 EUR"),
        ("best", "worth 2 EUR, among the 60% worth most, from 1 EUR"),
        ("best", "worth 1,000 EUR, at least 500 EUR"),
    ]


def test_the_bottom_share_is_of_the_mature():
    rows = said(
        {
            "paid": [-100.0, 1.0, 2.0, 3.0, 4.0],
            "since": [TODAY, *[date(2020, 1, 1)] * 4],
        },
        worth={"value": "paid"},
        thresholds={"regrettable_bottom": 0.25},
        maturity={"start": "since"},
    )
    assert rows[0] == (
        "unknown",
        "too young to judge: under 12 months on 2025-01-01",
    )
    assert [o for o, _ in rows[1:]] == ["regrettable", *["neutral"] * 3]


@pytest.mark.parametrize(
    ("since", "outcome"),
    [
        (date(2024, 1, 1), "best"),
        (date(2024, 1, 2), "unknown"),
        (date(2026, 1, 1), "unknown"),
        (None, "best"),
    ],
)
def test_young_customers_wait(since, outcome):
    rows = said(
        {"since": pl.Series([since], dtype=pl.Date), "good": [True]},
        rules=[{"outcome": "best", "when": "good", "reason": "good"}],
        maturity={"start": "since", "months": 12},
    )
    assert rows[0][0] == outcome


def test_early_regret_does_not_wait():
    accounts = {"since": [TODAY] * 4, "gone": [True, False, False, False]}
    accounts["stage"] = ["Won", "Lost", "Won", None]
    assert [
        outcome
        for outcome, _ in said(
            accounts,
            label={"column": "stage", "values": {"Won": "best", "Lost": "regrettable"}},
            rules=[
                {"outcome": "regrettable", "when": "gone", "reason": "x", "early": True}
            ],
            maturity={"start": "since"},
        )
    ] == ["regrettable", "regrettable", "unknown", "unknown"]


def test_a_label_column_may_wait_even_for_regret():
    values = {"Lost": "regrettable"}
    rows = said(
        {"since": [TODAY], "stage": ["Lost"]},
        label={"column": "stage", "values": values, "early": False},
        maturity={"start": "since"},
    )
    assert rows[0][0] == "unknown"


def test_the_latest_word_by_hand_stands_over_everything():
    word = {"account_id": "a", "author": "ann", "outcome": "best", "reason": "fine"}
    rows = said(
        {"account_id": ["a", "b"], "gone": [True, True]},
        rules=[{"outcome": "regrettable", "when": "gone", "reason": "left"}],
        overrides=[
            {**word, "at": "2024-03-01"},
            {**word, "at": "2024-02-01", "outcome": "neutral", "reason": "so so"},
        ],
    )
    assert rows == [("best", "set by ann on 2024-03-01: fine"), ("regrettable", "left")]


def test_as_of_may_stand_in_the_policy():
    accounts = pl.DataFrame({"since": [date(2010, 1, 1)], "x": [True]})
    parts = {
        "rules": [{"outcome": "best", "when": "x", "reason": "x"}],
        "maturity": {"start": "since"},
    }
    then = label(accounts, policy(**parts, as_of="2010-06-01"))
    now = label(accounts, policy(**parts))
    assert (then["outcome"].item(), now["outcome"].item()) == ("unknown", "best")


def test_columns_called_like_ours_are_read_and_then_replaced():
    accounts = pl.DataFrame({"outcome": ["good", "bad"], "worth": [5.0, 1.0]})
    labelled = label(
        accounts,
        policy(
            label={
                "column": "outcome",
                "values": {"good": "best", "bad": "regrettable"},
            },
            worth={"value": "worth"},
        ),
    )
    assert labelled.columns == ["outcome", "outcome_reason", "worth"]
    assert labelled["outcome"].to_list() == ["best", "regrettable"]
    assert labelled["outcome_reason"][0] == "outcome is good"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"worth": {"value": "payd"}}, "worth: cannot use.*did you mean 'paid'"),
        (
            {"worth": {"value": "1", "costs": [{"name": "s", "amount": "why"}]}},
            "cost 's': cannot use.*not a number",
        ),
        (
            {"rules": [{"outcome": "best", "when": "paid", "reason": "x"}]},
            "best rule: cannot use.*not a condition",
        ),
        (
            {"rules": [{"outcome": "best", "when": "paid > 1", "reason": "{wy}"}]},
            r"1 unknown column: 'wy' in the reason '\{wy\}'; did you mean 'why'",
        ),
        (
            {"label": {"column": "paidd", "values": {"x": "best"}}},
            "1 unknown label column: 'paidd'; did you mean 'paid'",
        ),
        ({"maturity": {"start": "paid"}}, "no date column 'paid'; it has"),
        (
            {
                "overrides": [
                    {
                        "account_id": "a",
                        "outcome": "best",
                        "reason": "r",
                        "author": "x",
                        "at": "2024-01-01",
                    }
                ]
            },
            "overrides need the column 'account_id'",
        ),
        ({"worth": {"value": "CAST(why AS DOUBLE)"}}, "worth: .*use TRY_CAST"),
        (
            {
                "rules": [
                    {
                        "outcome": "best",
                        "when": "CAST(why AS DOUBLE) > 1",
                        "reason": "x",
                    }
                ]
            },
            "best rule: .*use TRY_CAST",
        ),
    ],
)
def test_a_policy_that_does_not_fit_is_refused(parts, message):
    accounts = pl.DataFrame({"paid": [1.0], "why": ["price"], "day": [TODAY]})
    with pytest.raises(PolicyError, match=message) as caught:
        label(accounts, policy(**parts))
    assert "price" not in str(caught.value)


_MONEY = st.lists(st.none() | st.integers(-50, 50).map(float), min_size=1, max_size=12)


@settings(deadline=None, max_examples=30)
@given(_MONEY, st.floats(0.05, 0.6), st.integers(-20, 20))
def test_thresholds_agree_with_a_naive_reading(paid, top, below):
    rows = said(
        {"paid": pl.Series(paid, dtype=pl.Float64)},
        worth={"value": "paid"},
        thresholds={"best_top": top, "regrettable_below": below},
    )
    known = sorted((x for x in paid if x is not None), reverse=True)
    cut = known[max(1, int(top * len(known) + 1e-9)) - 1] if known else None
    assert [o for o, _ in rows] == [_naive(x, below, cut) for x in paid]
    assert all(reason for _, reason in rows)


def _naive(worth, below, cut):
    if worth is None:
        return "unknown"
    if worth < below:
        return "regrettable"
    return "best" if worth >= cut else "neutral"


@settings(deadline=None, max_examples=30)
@given(st.permutations(range(6)))
def test_row_order_changes_no_label(order):
    accounts = pl.DataFrame({"id": list(range(6)), "paid": [5.0, None, -2, 8, 8, 0]})
    half = policy(
        worth={"value": "paid"}, thresholds={"best_top": 0.4, "regrettable_below": 0}
    )
    moved = label(accounts[list(order)], half).sort("id")
    assert_frame_equal(moved, label(accounts, half))
