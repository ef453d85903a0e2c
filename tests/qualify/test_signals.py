from __future__ import annotations

from datetime import date, timedelta

import pytest
from generators.qualify_cases import CATALOGUE, CODES, TODAY, signal
from generators.strategies import LAWS
from hypothesis import given
from hypothesis import strategies as st

from icp.demo.history import _LOST
from icp.errors import ConfigError
from icp.qualify import matched, observed, read_catalogue
from icp.qualify.signals import aged, signals_of, standing

OLD = TODAY - timedelta(days=400)
YESTERDAY = TODAY - timedelta(days=1)


def test_the_newest_signal_counts():
    found = standing(
        [signal("no_budget", on=YESTERDAY), signal("no_budget", holds=False, on=TODAY)],
        CATALOGUE,
    )
    assert found == {"no_budget": signal("no_budget", holds=False, on=TODAY)}


def test_a_signal_without_a_day_is_from_now():
    now = signal("no_budget", holds=False)
    assert standing([now, signal("no_budget", on=TODAY)], CATALOGUE)["no_budget"] == now


@pytest.mark.parametrize("turned", [False, True])
def test_of_one_day_an_answer_counts_before_a_column(turned):
    answer = signal("no_need", holds=False, on=TODAY)
    column = signal("no_need", source="column", on=TODAY)
    given_ = [answer, column][:: -1 if turned else 1]
    assert standing(given_, CATALOGUE)["no_need"] == answer


def test_old_observations_fade_where_time_cures():
    old = [signal("no_budget", on=OLD), signal("no_need", on=OLD)]
    assert set(standing(old, CATALOGUE, today=TODAY)) == {"no_need"}
    assert set(standing(old, CATALOGUE)) == {"no_budget", "no_need"}


@LAWS
@given(st.lists(st.sampled_from(CODES)))
def test_signals_come_in_the_catalogues_order(codes):
    found = list(standing([signal(code) for code in codes], CATALOGUE))
    assert found == [code for code in CODES if code in codes]


def test_an_unknown_reason_is_refused():
    with pytest.raises(ConfigError, match="no reason 'no_monny'"):
        standing([signal("no_monny")], CATALOGUE)


def test_a_mapping_is_a_short_way_to_write_answers():
    assert signals_of({"no_need": False}) == (signal("no_need", holds=False),)
    assert signals_of([signal("no_need")]) == (signal("no_need"),)


# ----------------------------------------------------------------------- columns


def codes_of(row, **rest):
    return {s.reason: s.holds for s in observed(row, CATALOGUE, **rest)}


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({}, {}),
        ({"vendors_in_play": 5}, {"too_many_vendors": True}),
        ({"vendors_in_play": 3.0}, {"too_many_vendors": False}),
        ({"vendors_in_play": None}, {}),
        ({"vendors_in_play": "five"}, {}),
        (
            {"budget": "Yes", "authority": "yes"},
            {"no_budget": False, "no_authority": False},
        ),
        ({"budget": "No"}, {}),
        ({"days_since_reply": 31}, {"unresponsive": True}),
        ({"days_since_reply": 20}, {}),
        (
            {"days_in_stage": 61, "days_since_reply": 3},
            {"stalled": True, "unresponsive": False},
        ),
        ({"incumbent_contract_months": 24}, {"glass_wall": True}),
    ],
)
def test_columns_say_what_the_catalogue_reads_in_them(row, found):
    assert codes_of(row) == found


def test_ages_follow_from_dates():
    row = {
        "last_reply_date": TODAY - timedelta(days=40),
        "incumbent_contract_end": TODAY + timedelta(days=700),
        "last_stage_change_date": None,
    }
    found = aged(row, TODAY)
    assert found["days_since_reply"] == 40
    assert found["incumbent_contract_months"] == 23
    assert "days_in_stage" not in found
    assert codes_of(row, on=TODAY) == {"unresponsive": True, "glass_wall": True}
    assert codes_of(row) == {}


def test_an_age_that_is_given_stays():
    row = {"days_since_reply": 2, "last_reply_date": OLD}
    assert aged(row, TODAY)["days_since_reply"] == 2


def test_evidence_and_day_are_kept():
    (found,) = observed({"vendors_in_play": 5}, CATALOGUE, on=TODAY)
    assert (found.source, found.on, found.evidence) == (
        "column",
        TODAY,
        "vendors in play > 3",
    )


# ------------------------------------------------------------------ lost reasons


def test_a_lost_reason_counts_from_the_day_of_the_loss():
    row = {"loss_reason": "Went silent", "close_date": YESTERDAY}
    (found,) = observed(row, CATALOGUE, on=TODAY)
    assert found == signal(
        "unresponsive",
        source="lost_reason",
        on=YESTERDAY,
        evidence="a deal was lost: Went silent",
    )


@pytest.mark.parametrize("text", [None, "", "  ", "other", "unknown", "n/a", "-", "?!"])
def test_an_unknown_lost_reason_stays_unknown(text):
    assert observed({"loss_reason": text}, CATALOGUE) == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("NO BUDGET", "no_budget"),
        ("no-budget!", "no_budget"),
        ("Budget (none)", "no_budget"),
        ("Price", "price_only"),
        ("too expensiv", "price_only"),
        ("Lost to Competitor", "glass_wall"),
        ("competitor", "glass_wall"),
        ("no respons", "unresponsive"),
        ("Timing", "no_urgency"),
        ("kein Bedarf", "no_need"),
        ("they moved to the moon", None),
    ],
)
def test_lost_reasons_are_matched_as_people_write_them(text, code):
    found = matched(text, CATALOGUE)
    assert found.reason == code
    assert (found.alike >= CATALOGUE.matching.least_alike) == (code is not None)


def test_every_lost_reason_of_the_demo_is_known():
    assert {text: matched(text, CATALOGUE).reason for text in _LOST} == {
        "No budget": "no_budget",
        "No decision": "stalled",
        "Lost to competitor": "glass_wall",
        "Price too high": "price_only",
        "No real need": "no_need",
        "Missing feature": "requirements_unmet",
        "Went silent": "unresponsive",
    }


def test_every_entry_of_the_dictionary_means_its_own_reason():
    for reason in CATALOGUE.reasons:
        for entry in reason.lost:
            assert matched(entry, CATALOGUE).reason == reason.code


def test_a_workspace_says_how_alike_is_enough():
    strict = read_catalogue("[matching]\nleast_alike = 100")
    assert matched("too expensiv", strict).reason is None


@LAWS
@given(st.text(max_size=30))
def test_any_text_is_matched_or_not(text):
    found = matched(text, CATALOGUE)
    assert found.reason is None or found.reason in CODES
    assert date.min < TODAY
