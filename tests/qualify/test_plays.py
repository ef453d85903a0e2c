from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import product

import pytest
from generators.qualify_cases import CATALOGUE, MONEY, TODAY, score_of, signal
from generators.strategies import LAWS
from hypothesis import given
from hypothesis import strategies as st

from icp.qualify import decide, exit_of, read_catalogue
from icp.qualify.verdict import Exit, after_months, arms, facts_of, woken


def left_because_of(code, *, facts=None, catalogue=CATALOGUE, **rest):
    verdict = decide(
        score_of(90.0), economics=MONEY, signals={code: True}, catalogue=catalogue
    )
    return exit_of(
        verdict, "P1", catalogue, today=TODAY, facts=facts or {}, hours=20, **rest
    )


def test_an_exit_keeps_play_words_promise_and_what_it_frees():
    left = left_because_of("no_budget", promised="call in June")
    step = CATALOGUE["no_budget"].steps[0]
    assert (left.play, left.words) == (step.play, step.say)
    assert (left.verdict, left.reason) == ("not_now", "no_budget")
    assert (left.promised, left.money, left.hours) == ("call in June", 1_500, 20)
    assert left.wake_when == "signal_no_budget = false"
    assert left.wake_on == date(2027, 1, 31)


def test_nothing_is_left_where_nothing_asks_for_it():
    verdict = decide(score_of(90.0), economics=MONEY)
    assert exit_of(verdict, "P1", CATALOGUE, today=TODAY, facts={}) is None


@pytest.mark.parametrize("code", CATALOGUE.codes)
def test_every_exit_has_a_way_back_or_a_reason_why_not(code):
    left = left_because_of(code)
    assert bool(left.wake_text) != bool(left.never)
    assert bool(left.wake_when or left.wake_on) != bool(left.never)


@pytest.mark.parametrize(
    ("code", "facts", "why"),
    [
        ("too_many_vendors", {"vendors_in_play": 5}, ""),
        ("too_many_vendors", {}, ""),
        (
            "too_many_vendors",
            {"vendors_in_play": 3},
            "three vendors or fewer remain (vendors in play <= 3)",
        ),
        (
            "glass_wall",
            {"incumbent_contract_months": 4},
            "the incumbent's contract is about to end (incumbent contract months <= 6)",
        ),
        ("glass_wall", {"incumbent_contract_months": "soon"}, ""),
        ("outside_profile", {"fit": 49.9}, ""),
        (
            "outside_profile",
            {"fit": 50.0},
            "new facts about them make them fit (fit >= 50)",
        ),
        ("ethics", {"signal_ethics": False}, ""),
    ],
)
def test_a_condition_wakes_an_account(code, facts, why):
    assert woken(left_because_of(code), facts, TODAY) == why


def test_a_day_wakes_an_account_too():
    left = left_because_of("no_urgency")
    assert woken(left, {}, left.wake_on - timedelta(days=1)) == ""
    assert woken(left, {}, left.wake_on).startswith("due for another look: the date")


def test_a_condition_that_was_met_on_leaving_must_fail_first():
    facts = {"vendors_in_play": 2}
    left = left_because_of("too_many_vendors", facts=facts)
    assert not left.armed
    assert woken(left, facts, TODAY) == ""
    assert not arms(left, facts)
    assert arms(left, {"vendors_in_play": 6})


@pytest.mark.parametrize("unknown", [{}, {"vendors_in_play": None}, {"other": 1}])
def test_what_is_not_known_has_not_failed(unknown):
    left = left_because_of("too_many_vendors", facts={"vendors_in_play": 2})
    assert not arms(left, unknown)
    assert woken(left, unknown, TODAY) == ""


@pytest.mark.parametrize("code", CATALOGUE.codes)
def test_nothing_known_wakes_nobody_before_the_day(code):
    left = left_because_of(code)
    before = (left.wake_on or date.max) - timedelta(days=1)
    assert woken(left, {}, before) == ""
    assert bool(left.wake_on and woken(left, {}, left.wake_on)) == bool(left.wake_on)


@pytest.mark.parametrize("code", CATALOGUE.codes)
def test_what_was_so_on_leaving_wakes_only_after_it_failed_once(code):
    left = left_because_of(code)
    if left.wake_when:
        sleeping = replace(left, armed=False, wake_on=None)
        for vendors, said in product((0, 9), (True, False)):
            facts = {"vendors_in_play": vendors, f"signal_{code}": said}
            assert woken(sleeping, facts, date.max) == ""
            if arms(sleeping, facts):
                assert woken(replace(sleeping, armed=True), facts, date.max) == ""


def test_what_people_say_can_wake_an_account():
    said = [signal("no_budget", on=TODAY), signal("no_budget", holds=False)]
    facts = facts_of({"a": 1}, said, CATALOGUE, today=TODAY)
    assert facts == {"a": 1, "signal_no_budget": False}
    assert woken(left_because_of("no_budget"), facts, TODAY)


def test_dates_become_ages_that_conditions_can_read():
    row = {"last_reply_date": TODAY - timedelta(days=3)}
    facts = facts_of(row, [], CATALOGUE, today=TODAY)
    assert woken(left_because_of("unresponsive"), facts, TODAY)
    later = left_because_of("unresponsive")
    assert facts["days_since_reply"] == 3
    assert later.wake_when == "days_since_reply <= 14"


def test_a_workspaces_own_wake_condition_counts():
    own = read_catalogue(
        '[reasons.requirements_unmet.wake]\ntext = "we ship it"\nwhen = "release >= 4"'
    )
    left = left_because_of("requirements_unmet", catalogue=own)
    assert woken(left, {"release": 4}, TODAY) == "we ship it (release >= 4)"
    assert left.wake_on is None


@LAWS
@given(st.dates(date(1999, 1, 1), date(2100, 1, 1)), st.integers(1, 120))
def test_months_later_is_that_many_months_later(day, months):
    later = after_months(day, months)
    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day == day.day or (later + timedelta(days=1)).day == 1


def test_an_exit_without_any_way_back_sleeps_for_ever():
    left = Exit(
        account_id="a",
        verdict="walk_away",
        reason="ethics",
        play="referral",
        words="",
        never="x",
    )
    assert woken(left, {"signal_ethics": False}, date(2999, 1, 1)) == ""
