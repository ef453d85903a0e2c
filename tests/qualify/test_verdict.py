from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from generators.qualify_cases import (
    CATALOGUE,
    MONEY,
    TODAY,
    a_rule,
    economies,
    score_of,
    signal,
)
from generators.strategies import LAWS, profile_of, table_of
from hypothesis import given
from hypothesis import strategies as st

from icp.outcomes import Economics
from icp.qualify import Attempt, Terms, decide, observed, read_catalogue
from icp.qualify.money import (
    CHANCES,
    LIMIT,
    LOG_ODDS,
    Stakes,
    TermColumns,
    evidence_of,
    incumbent_returns,
    probability,
)
from icp.qualify.reasons import Seen
from icp.scoring import score_one

FEAR = {"economics": MONEY}


def verdict(fit=90.0, **rest):
    return decide(score_of(fit), **{"economics": MONEY, **rest})


@pytest.mark.parametrize(
    ("signals", "attempts", "found", "play"),
    [
        ({}, [], "pursue", None),
        ({"no_need": True}, [], "walk_away", "referral"),
        ({"requirements_unmet": True}, [], "not_now", "park"),
        ({"no_budget": True}, [], "not_now", "park"),
        ({"no_authority": True}, [], "redirect", "other_stakeholder"),
        ({"no_authority": True}, ["other_stakeholder"], "walk_away", "referral"),
        ({"no_value_seen": True}, [], "ask", "quantify"),
        ({"no_value_seen": True}, ["quantify"], "redirect", "other_stakeholder"),
        (
            {"no_value_seen": True},
            ["quantify", "other_stakeholder"],
            "walk_away",
            "referral",
        ),
        ({"no_value_seen": True}, ["other_stakeholder"], "ask", "quantify"),
        ({"budget_undisclosed": True}, [], "ask", "ask_again"),
        ({"budget_undisclosed": True}, ["ask_again"], "not_now", "park"),
        ({"unresponsive": True}, [], "ask", "last_message"),
        ({"unresponsive": True}, ["last_message"], "not_now", "park"),
        ({"price_only": True}, [], "second_option", "second_option"),
        ({"ethics": True}, [], "walk_away", "referral"),
        ({"no_need": False, "ethics": False}, [], "pursue", None),
    ],
)
def test_each_reason_asks_for_its_next_step(signals, attempts, found, play):
    tried = [Attempt(reason=code, play=p) for code in signals for p in attempts]
    decided = verdict(signals=signals, attempts=tried)
    assert decided.verdict == found
    assert (decided.step.play if decided.step else None) == play


@pytest.mark.parametrize(
    ("fit", "found", "code"),
    [
        (90.0, "pursue", "worth_it"),
        (45.0, "ask", "worth_it"),
        (38.0, "ask", "below_break_even"),
        (5.0, "walk_away", "below_break_even"),
        (None, "not_evaluable", "not_enough_known"),
    ],
)
def test_without_a_reason_money_decides(fit, found, code):
    decided = verdict(fit)
    assert (decided.verdict, decided.codes) == (found, (code,))


def test_nearer_to_a_regrettable_segment_has_a_name_of_its_own():
    far = score_of(5.0, distance_regrettable=900)
    decided = decide(far, economics=MONEY)
    assert decided.codes == ("outside_profile",)
    assert decided.grounds[0].text == (
        "distance 2.0 to Retail (best), 0.9 to Tenders (regrettable)"
    )
    assert decided.reason == "outside_profile"


def test_grounds_come_in_order():
    decided = verdict(
        signals={"stalled": True, "no_budget": True, "no_need": True, "ethics": True},
        disqualifiers=[a_rule("active"), a_rule("policy", "vendors >= 6")],
        facts={"vendors": 7},
    )
    kinds = [ground.kind for ground in decided.grounds]
    assert kinds == [
        "policy",
        "disqualifier",
        "gate",
        "strong",
        "strong",
        "soft",
        "distances",
    ]
    assert decided.codes[2:6] == ("ethics", "no_need", "no_budget", "stalled")


def test_a_rule_is_known_by_its_condition_where_no_facts_are_given():
    rule = a_rule()
    named = score_of(90.0, disqualified_by=("vendors >= 5",))
    assert decide(named, economics=MONEY, disqualifiers=[rule]).verdict == "walk_away"
    other = score_of(90.0)
    assert decide(other, economics=MONEY, disqualifiers=[rule]).verdict == "pursue"


def test_a_rules_exit_is_its_own_or_its_reasons_last_step():
    rule = a_rule().model_copy(update={"exit": "second_option"})
    plays = [
        verdict(disqualifiers=[one], facts={"vendors": 9}).step.play
        for one in (a_rule(), rule)
    ]
    assert plays == ["referral", "second_option"]


def test_a_curable_reason_keeps_its_chance_and_says_what_cures_it():
    decided = verdict(80.0, signals={"no_authority": True, "stalled": True})
    assert decided.verdict == "redirect"
    money = decided.money
    assert money.pursue < 0 < money.pursue_cured
    assert money.p < money.break_even < money.p_cured == money.p_profile
    assert decided.changes[:2] == (
        "cannot decide: a decision maker joins",
        "stalled: a next step with a date is agreed",
    )


def test_two_soft_reasons_that_nothing_cures_can_make_it_not_worth_it():
    both = verdict(60.0, signals={"price_only": True, "too_many_vendors": True})
    one = verdict(60.0, signals={"price_only": True})
    assert (one.verdict, both.verdict) == ("second_option", "walk_away")


def test_a_faded_signal_says_nothing():
    old = signal("no_urgency", on=TODAY.replace(year=2024))
    assert verdict(signals=[old], today=TODAY).verdict == "pursue"
    assert verdict(signals=[old]).verdict == "not_now"


def test_what_would_change_it_names_exception_chance_and_answers():
    decided = verdict(
        45.0, disqualifiers=[a_rule()], facts={"vendors": 5}, signals={"ethics": True}
    )
    assert decided.changes[0] == "an approved exception from: vendors >= 5"
    assert decided.changes[1].startswith("against our principles: nothing we know of")
    assert verdict(45.0).changes[0] == "a chance of best below 41% (now 45%)"
    assert "walk away" in verdict(45.0).changes[1]


# ------------------------------------------------------------------------- money


def test_money_is_the_formula():
    money = verdict(80.0).money
    assert math.isclose(money.p, 0.8005, abs_tol=1e-3)
    assert money.break_even == 9_500 / 23_000
    assert money.pursue == money.p * 15_000 - (1 - money.p) * 8_000 - 1_500
    assert money.most_to_spend == money.pursue + 1_500


@LAWS
@given(economies, st.floats(0, 1))
def test_pursuing_pays_exactly_above_break_even(economics, p):
    stakes = Stakes(value=economics.V, loss=economics.L, cost=economics.C)
    assert stakes.break_even == economics.break_even
    if abs(p - stakes.break_even) > 1e-9:
        assert (stakes.pursue(p) > 0) == (p > stakes.break_even)


def test_sensitivity_turns_v_and_l_by_half():
    money = verdict(45.0).money
    assert len(money.sensitivity) == 9
    assert not money.steady
    assert verdict(95.0).money.steady
    middle = money.sensitivity[4]
    assert (middle.value_factor, middle.loss_factor) == (1.0, 1.0)
    assert middle.pursue == money.pursue


def test_without_a_chance_there_is_no_money():
    money = verdict(None).money
    assert (money.p, money.pursue, money.most_to_spend) == (None, None, None)
    assert money.sensitivity == ()


def test_log_odds_are_symmetric_ascending_and_exact():
    assert list(LOG_ODDS) == [-x for x in reversed(LOG_ODDS)]
    assert all(a < b for a, b in pairwise(LOG_ODDS))
    assert len(CHANCES) == 2 * LIMIT + 1
    assert probability(10**9) == CHANCES[-1]
    for step in (0, 17, 500, 999):
        assert math.isclose(
            probability(LOG_ODDS[step]), (step + 0.5) / 1000, rel_tol=1e-3
        )


@LAWS
@given(st.floats(0, 1), st.floats(0, 1))
def test_a_reason_that_holds_never_helps_and_its_absence_never_hurts(a, b):
    low, high = sorted((a, b))
    seen = Seen(best=low, regrettable=high)
    assert evidence_of(seen, holds=True) <= 0 <= evidence_of(seen, holds=False)


def test_evidence_is_bayes_rule():
    seen = CATALOGUE["no_budget"].seen
    p = probability(LOG_ODDS[600] + evidence_of(seen, holds=True))
    prior = 0.6005
    bayes = prior * seen.best / (prior * seen.best + (1 - prior) * seen.regrettable)
    assert math.isclose(p, bayes, rel_tol=1e-3)


# ------------------------------------------------------------------------- terms


@pytest.mark.parametrize(
    ("terms", "found"),
    [
        (None, "second_option"),
        (Terms(discount=0.05), "second_option"),
        (Terms(discount=0.05, usual_discount=0.08), "pursue"),
        (Terms(discount=0.2, usual_discount=0.08), "second_option"),
        (Terms(discount=0.9, usual_discount=0.08), "walk_away"),
    ],
)
def test_price_is_no_reason_where_the_margin_is_the_usual_one(terms, found):
    assert verdict(signals={"price_only": True}, terms=terms).verdict == found


@pytest.mark.parametrize(
    ("terms", "found"),
    [
        (Terms(), "walk_away"),
        (Terms(cost_to_keep=400, usual_cost_to_keep=500), "pursue"),
        (Terms(cost_to_keep=900, usual_cost_to_keep=500), "walk_away"),
    ],
)
def test_care_is_no_reason_where_it_is_the_usual_one(terms, found):
    assert verdict(signals={"cost_to_keep_happy": True}, terms=terms).verdict == found


def test_a_discount_beyond_the_usual_and_extra_care_lower_the_value():
    terms = Terms(
        discount=0.28, usual_discount=0.1, cost_to_keep=900, usual_cost_to_keep=400
    )
    less = Terms(discount=0.05, usual_discount=0.1)
    values = TermColumns.of([terms, less, Terms()]).stakes(MONEY).value
    assert values.tolist() == [pytest.approx(15_000 * 0.8 - 500), 15_000, 15_000]
    assert verdict(terms=terms).money.stakes.value == values[0]


def test_a_glass_wall_is_attacked_only_where_that_returns_more():
    behind = {"glass_wall": True}
    assert verdict(signals=behind).verdict == "second_option"
    rich = Economics(V=200_000, L=8_000, C=1_500)
    assert verdict(signals=behind, economics=rich).verdict == "pursue"
    near = Terms(incumbent_months=3)
    assert verdict(signals=behind, terms=near).verdict == "pursue"
    assert verdict(signals=behind, terms=Terms(incumbent_months=20)).verdict == (
        "second_option"
    )
    text = verdict(signals=behind, terms=near).grounds[0].text
    assert "going head-to-head returns more" in text


def test_the_return_of_attack_and_presence_is_the_formula():
    stakes = Stakes(value=np.array([100.0, 100.0]), loss=50, cost=10)
    chance, near = np.array([0.6, 0.6]), np.array([False, True])
    attack, present = incumbent_returns(stakes, chance, CATALOGUE.head_to_head, near)
    won = 0.6 * 100 - 0.4 * 50
    assert attack.tolist() == [0.2 * won - 20, 0.4 * won - 20]
    assert present.tolist() == [0.1 * won - 2.5] * 2


def test_a_workspaces_catalogue_decides():
    gentle = read_catalogue('[reasons.no_need]\nsteps = [{play = "park", say = "x"}]')
    found = verdict(signals={"no_need": True}, catalogue=gentle, **FEAR)
    assert found.verdict == "not_now"


def test_what_the_profile_reads_already_is_not_counted_twice():
    table = table_of("vendors_in_play", "number", (0, 0, 300, -300), edges=(3.5,))
    profile = profile_of([table])
    row = {"vendors_in_play": 2.0}
    score = score_one(row, profile)
    signals = observed(row, CATALOGUE)
    assert [s.reason for s in signals] == ["too_many_vendors"]
    found = decide(score, economics=MONEY, signals=signals, profile=profile, facts=row)
    assert found.money.p == found.money.p_profile
    said = [signal("too_many_vendors", holds=False)]
    told = decide(score, economics=MONEY, signals=said, profile=profile, facts=row)
    assert told.money.p > told.money.p_profile
