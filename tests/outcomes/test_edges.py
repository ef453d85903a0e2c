"""Odd columns and amounts: a label or a message that says what to do, never a crash."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import polars as pl
import pytest
from pydantic import ValidationError

from icp.errors import PolicyError
from icp.outcomes import (
    Economics,
    OutcomePolicy,
    columns_read,
    label,
    preview,
    propose_policy,
    sensitivity,
)
from icp.schema import AccountSchema

TODAY = date(2025, 1, 1)
WORD = {
    "account_id": "7",
    "outcome": "best",
    "reason": "fine",
    "author": "ann",
    "at": "2024-03-01",
}
BOOLEAN = {"good": pl.Boolean}
GOOD = {"outcome": "best", "when": "good", "reason": "good"}


def policy(**parts: object) -> OutcomePolicy:
    return OutcomePolicy.model_validate(parts)


@pytest.mark.parametrize(
    "ids",
    [
        pl.Series([7, 8]),
        pl.Series([7, 8], dtype=pl.UInt8),
        pl.Series(["7", "8"], dtype=pl.Categorical),
        pl.Series(["7", None]),
    ],
)
def test_a_word_by_hand_finds_ids_of_any_type(ids: pl.Series) -> None:
    labelled = label(ids.alias("account_id").to_frame(), policy(overrides=[WORD]))
    assert labelled["outcome"].to_list() == ["best", "unknown"]
    assert labelled["account_id"].dtype == ids.dtype
    assert labelled.columns == ["account_id", "outcome", "outcome_reason", "worth"]


def test_a_word_by_hand_about_nobody_changes_nothing() -> None:
    labelled = label(pl.DataFrame({"account_id": ["8"]}), policy(overrides=[WORD]))
    assert labelled["outcome"].to_list() == ["unknown"]


def test_a_word_by_hand_is_for_every_row_of_the_account() -> None:
    twice = pl.DataFrame({"account_id": ["7", "8", "7"]})
    labelled = label(twice, policy(overrides=[WORD]))
    assert labelled["outcome"].to_list() == ["best", "unknown", "best"]


def test_of_two_words_of_one_day_the_later_one_counts() -> None:
    second = {**WORD, "outcome": "neutral", "reason": "on second thought"}
    frame = pl.DataFrame({"account_id": ["7"]})
    labelled = label(frame, policy(overrides=[WORD, second]))
    assert labelled["outcome_reason"].item() == (
        "set by ann on 2024-03-01: on second thought"
    )


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
@pytest.mark.parametrize("name", ["best_from", "regrettable_below"])
def test_a_threshold_is_a_finite_amount(name: str, value: float) -> None:
    with pytest.raises(ValidationError, match="finite number"):
        policy(worth={"value": "paid"}, thresholds={name: value})


def test_absurd_amounts_are_labelled_all_the_same() -> None:
    labelled = label(
        pl.DataFrame({"paid": [1e300, -1e300, 5.0]}),
        policy(
            worth={"value": "paid"},
            thresholds={"best_from": 10, "regrettable_below": 0},
        ),
    )
    assert labelled["outcome"].to_list() == ["best", "regrettable", "neutral"]
    assert labelled["outcome_reason"][1] == "worth -1e+300, below 0"


@pytest.mark.parametrize("start", [time(9), timedelta(days=3), "2020-01-01", 7])
def test_maturity_counts_from_a_date_only(start: object) -> None:
    frame = pl.DataFrame({"since": [start], "day": [TODAY], "good": [True]})
    with pytest.raises(PolicyError, match="no date column 'since'; it has 1 name"):
        label(frame, policy(rules=[GOOD], maturity={"start": "since"}))


@pytest.mark.parametrize(
    ("start", "months", "outcome"),
    [
        (date(9999, 12, 31), 12, "unknown"),
        (date(1, 1, 1), 240, "best"),
        (date(2020, 2, 29), 58, "best"),
        (date(2020, 2, 29), 59, "unknown"),
        (date(2024, 12, 31), 0, "best"),
        (date(2025, 1, 1), 0, "best"),
        (date(2025, 1, 2), 0, "unknown"),
        (datetime(2024, 1, 1, 23, 59), 12, "best"),
    ],
)
def test_days_far_away_and_at_the_end_of_months(
    start: date, months: int, outcome: str
) -> None:
    frame = pl.DataFrame({"since": [start], "good": [True]})
    waiting = policy(rules=[GOOD], maturity={"start": "since", "months": months})
    assert label(frame, waiting, as_of=TODAY)["outcome"].item() == outcome


def test_a_start_with_a_zone_counts_by_its_own_clock() -> None:
    utc = pl.Series([datetime(2024, 1, 1, 20, tzinfo=UTC)])
    frame = pl.DataFrame(
        {"since": utc.dt.convert_time_zone("Asia/Tokyo"), "good": [True]}
    )
    waiting = policy(rules=[GOOD], maturity={"start": "since"})
    assert label(frame, waiting, as_of=TODAY)["outcome"].item() == "unknown"


def test_a_label_column_of_lists_is_refused() -> None:
    values = policy(label={"column": "tags", "values": {"a": "best"}})
    with pytest.raises(PolicyError, match="label column 'tags' holds lists"):
        label(pl.DataFrame({"tags": [["a"]]}), values)


@pytest.mark.parametrize("column", ["stage", "worth"])
def test_a_column_of_nothing_decides_nothing(column: str) -> None:
    frame = pl.DataFrame({"stage": [None, None]})
    parts = {
        "stage": {"label": {"column": "stage", "values": {"Won": "best"}}},
        "worth": {"worth": {"value": "stage"}, "thresholds": {"best_top": 0.5}},
    }
    labelled = label(frame, policy(**parts[column]))
    assert labelled["outcome"].to_list() == ["unknown", "unknown"]
    assert labelled["worth"].dtype == pl.Float64


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_an_amount_that_is_not_finite_is_not_known(value: float) -> None:
    labelled = label(
        pl.DataFrame({"paid": [value, 3.0], "cost": [1.0, value]}),
        policy(
            worth={"value": "paid", "costs": [{"name": "c", "amount": "cost"}]},
            thresholds={"best_top": 0.5, "regrettable_below": 0},
        ),
    )
    assert labelled["worth"].to_list() == [None, 3.0]
    assert labelled["outcome"].to_list() == ["unknown", "best"]


# -------------------------------------------------------------------------- economics


def test_given_amounts_need_no_worth() -> None:
    labelled = pl.DataFrame({"outcome": ["best"]})
    assert Economics.from_labelled(labelled, value=3, loss=2) == Economics(V=3, L=2)
    with pytest.raises(PolicyError, match="no best customer's worth is known"):
        Economics.from_labelled(labelled.lazy(), loss=2)


def test_amounts_that_are_no_numbers_do_not_count() -> None:
    labelled = pl.DataFrame(
        {
            "outcome": ["best"] * 4 + ["regrettable"] * 2,
            "worth": [float("nan"), 5.0, 7.0, None, float("nan"), -4.0],
        }
    )
    assert Economics.from_labelled(labelled) == Economics(V=6.0, L=4.0)


def test_best_customers_that_lost_money_are_worth_nothing() -> None:
    labelled = pl.DataFrame({"outcome": ["best", "regrettable"], "worth": [-5.0, -3.0]})
    found = Economics.from_labelled(labelled, cost=1.0)
    assert (found.V, found.L, found.break_even) == (0.0, 3.0, 4 / 3)


def test_neutral_and_unknown_customers_do_not_count() -> None:
    worth = {"best": 10.0, "regrettable": -2.0, "neutral": -900.0, "unknown": 900.0}
    labelled = pl.DataFrame({"outcome": list(worth), "worth": list(worth.values())})
    assert Economics.from_labelled(labelled) == Economics(V=10.0, L=2.0)


# --------------------------------------------------------------- proposal, sensitivity


@pytest.mark.parametrize("name", ["2024_costs", "x-ray_costs", 'a "b"_refunds'])
def test_costs_in_columns_of_odd_names_are_taken_off(name: str) -> None:
    frame = pl.DataFrame({"invoiced": [100.0, 50.0], name: [1.0, 60.0]})
    roles = {"invoiced": "outcome", name: "outcome"}
    proposed = propose_policy(frame, AccountSchema.infer(frame, roles=roles))
    assert label(frame, proposed)["worth"].to_list() == [99.0, -10.0]


def test_nobody_to_propose_a_policy_from() -> None:
    frame = pl.DataFrame(schema={"deal_stage": pl.String, "invoiced": pl.Float64})
    with pytest.raises(PolicyError, match="no column shows how"):
        propose_policy(frame, AccountSchema.infer(frame))


def test_nobody_flips_where_nobody_is() -> None:
    none = pl.DataFrame(schema={"paid": pl.Float64})
    cuts = policy(worth={"value": "paid"}, thresholds={"best_from": 10})
    moved = sensitivity(none, cuts, shifts=(0.5,))
    assert moved.select("threshold", "best", "flipped").rows() == [
        ("", 0, 0),
        ("best_from", 0, 0),
    ]
    assert moved["flips"].to_list() == [[], []]


def test_at_most_twenty_flips_are_named() -> None:
    many = pl.DataFrame({"paid": [12.0] * 30})
    cuts = policy(worth={"value": "paid"}, thresholds={"best_from": 10})
    moved = sensitivity(many, cuts, shifts=(1.0,))
    assert moved["flipped"][1] == 30
    assert len(moved["flips"][1]) == 20


def test_the_day_that_is_asked_for_counts_before_the_policys_own() -> None:
    frame = pl.DataFrame({"since": [date(2024, 1, 1)], "good": [True]})
    early = policy(rules=[GOOD], maturity={"start": "since"}, as_of="2024-06-01")
    assert label(frame, early)["outcome"].item() == "unknown"
    assert label(frame, early, as_of=TODAY)["outcome"].item() == "best"


def test_a_share_of_a_hundred_is_not_rounded_down_by_accident() -> None:
    cuts = policy(worth={"value": "paid"}, thresholds={"best_top": 0.29})
    labelled = label(pl.DataFrame({"paid": [float(n) for n in range(100)]}), cuts)
    assert (labelled["outcome"] == "best").sum() == 29


def test_worth_that_nothing_is_judged_by_says_nothing() -> None:
    frame = pl.DataFrame({"paid": [5.0], "good": [None]}, schema_overrides=BOOLEAN)
    shown = policy(worth={"value": "paid"}, rules=[GOOD])
    assert label(frame, shown).select("outcome", "worth").row(0) == ("unknown", 5.0)


def test_rules_read_the_worth_of_the_policy_not_a_column_of_that_name() -> None:
    frame = pl.DataFrame({"worth": ["much", "little"], "paid": [9.0, 1.0]})
    rule = {"outcome": "best", "when": "worth > 5", "reason": "worth {worth}"}
    labelled = label(frame, policy(worth={"value": "paid"}, rules=[rule]))
    assert labelled["outcome_reason"].to_list() == [
        "worth 9",
        "neither clearly best nor regrettable",
    ]


def test_months_move_to_other_months_only_and_never_below_none() -> None:
    frame = pl.DataFrame({"since": [date(2024, 7, 1)], "good": [True]})
    waiting = policy(rules=[GOOD], maturity={"start": "since", "months": 2})
    moved = sensitivity(frame, waiting, as_of=TODAY, shifts=(-2.0, -0.1, 0.1, 1.0))
    assert moved.select("threshold", "value").rows() == [
        ("", None),
        ("maturity_months", 0.0),
        ("maturity_months", 4.0),
    ]


def test_a_threshold_of_nothing_moves_by_the_usual_size_of_amounts() -> None:
    losses = pl.DataFrame({"paid": [-10.0, -20.0, -30.0]})
    cuts = policy(worth={"value": "paid"}, thresholds={"regrettable_below": 0})
    moved = sensitivity(losses, cuts, shifts=(-0.5,))
    assert moved["value"].to_list() == [None, -10.0]


def test_examples_are_the_clearest_and_those_without_worth_come_last() -> None:
    worths = [None, -1.0, -9.0, 5.0]
    outcomes = ["regrettable"] * 3 + ["best"]
    labelled = pl.DataFrame({"outcome": outcomes, "worth": worths})
    shown = preview(labelled.with_columns(outcome_reason=pl.lit("so"))).examples
    assert shown["worth"].to_list() == [5.0, -9.0, -1.0, None]


def test_a_label_column_called_worth_is_read() -> None:
    told = policy(label={"column": "worth", "values": {"high": "best"}})
    assert columns_read(told) == {"worth"}


def test_words_by_hand_say_something() -> None:
    assert not policy(overrides=[WORD]).says_nothing
