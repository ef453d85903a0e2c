"""What a verdict's grounds say, and where each word and each number comes from."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from generators.qualify_cases import CATALOGUE, MONEY, TODAY, a_rule, score_of, signal
from generators.strategies import profile_of, steady_calibration, table_of

from icp.disqualifiers import Evidence, Override
from icp.outcomes import Economics
from icp.profile import Abstention
from icp.qualify import KnownAbout, Stakes, Terms, decide, read_catalogue, verdicts
from icp.qualify.money import TermColumns, incumbent_returns
from icp.qualify.verdict import facts_of
from icp.scoring import score, score_one


def verdict(fit=90.0, **rest):
    return decide(score_of(fit), **{"economics": MONEY, **rest})


# -------------------------------------------------------------------------------- rules


def retired_and_back():
    """A rule that was moved twice, without evidence."""
    rule, later = a_rule(), TODAY + timedelta(days=9)
    again = rule.move("probation", by="eve", reason="watch it", on=TODAY)
    return again.move("active", by="bob", reason="it held", on=later), later


def test_a_rule_says_its_latest_word_and_since_when():
    rule, later = retired_and_back()
    (ground, _) = verdict(disqualifiers=[rule], facts={"vendors": 7}).grounds
    assert (ground.on, ground.text) == (later, "vendors >= 5: it held")
    assert (ground.kind, ground.source) == ("disqualifier", "rule")


def test_evidence_counts_more_than_words():
    evidence = Evidence(
        customers=100,
        all_regrettable=50,
        covered=20,
        regrettable=18,
        p_value=0.001,
        later_covered=10,
        later_regrettable=9,
        break_even=0.5,
    )
    rule = a_rule().seen(evidence)
    (ground, _) = verdict(disqualifiers=[rule], facts={"vendors": 7}).grounds
    assert ground.text == f"vendors >= 5: {evidence.sentence()}"


def test_who_asked_is_named_where_nobody_had_to_approve():
    asked = Override(
        rule="no_need", account_id="a", asked_by="bob", reason="known", on=TODAY
    )
    said = [signal("no_need", evidence="they said so", on=TODAY)]
    found = verdict(signals=said, exceptions=[asked])
    (ground, _) = found.grounds
    assert (ground.excepted_by, ground.text, ground.on) == (
        "bob",
        "they said so",
        TODAY,
    )
    assert (found.verdict, found.codes) == ("pursue", ("worth_it",))


@pytest.mark.parametrize("evidence", ["they said so", ""])
def test_a_reason_says_what_was_seen_or_what_it_means(evidence):
    found = verdict(signals=[signal("no_budget", evidence=evidence)])
    assert found.grounds[0].text == (evidence or CATALOGUE["no_budget"].meaning)


# ---------------------------------------------------------------------------- distances


@pytest.mark.parametrize(
    ("fit", "distance", "codes"),
    [
        (5.0, 1_999, ("outside_profile",)),
        (5.0, 2_000, ("below_break_even",)),
        # A question comes first, so that nothing is settled yet.
        (38.0, 900, ("below_break_even",)),
        (90.0, 900, ("worth_it",)),
    ],
)
def test_outside_the_profile_is_said_only_of_who_is_left(fit, distance, codes):
    found = decide(score_of(fit, distance_regrettable=distance), economics=MONEY)
    assert found.codes == codes


@pytest.mark.parametrize("name", ["nearest_best", "nearest_regrettable"])
def test_without_segments_of_both_kinds_nobody_is_outside(name):
    lone = score_of(5.0, distance_regrettable=900, **{name: None})
    assert decide(lone, economics=MONEY).codes == ("below_break_even",)


def test_a_question_that_comes_first_is_what_the_distances_ask_for():
    assert verdict(38.0).grounds[-1].verdict == "ask"
    assert verdict(90.0).grounds[-1].verdict == "pursue"
    assert verdict(None).grounds[-1].text == "only 10% is known"


def test_at_most_three_questions_are_said_to_change_it():
    found = verdict(45.0)
    assert len(found.questions) > 3
    moving = [said for said in found.changes if "?" in said]
    assert moving == [
        f"{q.text} {'; '.join(q.moves(found.verdict)[:3])}" for q in found.questions[:3]
    ]


# -------------------------------------------------------------------------------- steps


@pytest.mark.parametrize(
    ("code", "terms"),
    [
        ("price_only", Terms(discount=0.05, usual_discount=0.08)),
        ("cost_to_keep_happy", Terms(cost_to_keep=1.0, usual_cost_to_keep=2.0)),
        ("price_only", Terms(discount=0.08, usual_discount=0.08)),
        ("cost_to_keep_happy", Terms(cost_to_keep=2.0, usual_cost_to_keep=2.0)),
    ],
)
def test_a_reason_that_the_terms_waive_asks_for_no_step(code, terms):
    found = verdict(signals={code: True}, terms=terms)
    assert (found.verdict, found.step, found.reason) == ("pursue", None, None)
    assert "no more than usual in their segment" in found.grounds[0].text


def attacking(fit, *, months=None, economics=MONEY, catalogue=CATALOGUE):
    """The verdict behind a glass wall: alone, and in a list, which must agree."""
    table = table_of("size", "number", (0, 0, -900, 900), edges=(10.0,))
    profile = profile_of([table], calibration=steady_calibration(scale=2))
    row = {"account_id": "a", "size": fit, "incumbent_contract_months": months}
    frame = pl.DataFrame([row], schema_overrides={"incumbent_contract_months": float})
    said = [signal("glass_wall")]
    known = KnownAbout(signals={"a": said}, attempts={}, excepted={})
    shared = {"economics": economics, "catalogue": catalogue}
    listed = verdicts(score(frame, profile), profile, known=known, **shared)
    alone = decide(
        score_one(row, profile),
        profile=profile,
        facts=row,
        signals=said,
        terms=Terms(incumbent_months=months),
        **shared,
    )
    assert listed["verdict"].item() == alone.verdict
    return alone.verdict


@pytest.mark.parametrize(
    ("months", "found"),
    [(6, "pursue"), (6.01, "second_option"), (0, "pursue"), (None, "second_option")],
)
def test_near_the_end_of_a_contract_includes_its_last_day(months, found):
    assert attacking(50.0, months=months) == found


def test_an_attack_that_loses_money_is_not_made_because_staying_loses_more():
    dear = read_catalogue("[head_to_head]\npresence = 90\ncalled_later = 0.0")
    assert attacking(50.0, catalogue=dear) == "second_option"
    rich = Economics(V=200_000, L=8_000, C=1_500)
    assert attacking(50.0, catalogue=dear, economics=rich) == "pursue"


def test_nobody_displaces_a_competitor_more_than_surely():
    plan = CATALOGUE.head_to_head.model_copy(update={"displace": 0.9})
    stakes = Stakes(value=np.array([100.0]), loss=0, cost=10)
    attack, _ = incumbent_returns(stakes, np.array([1.0]), plan, np.array([True]))
    assert attack.tolist() == [1.0 * 100 - 20]


@pytest.mark.parametrize(
    ("discount", "usual", "share"),
    [(1.5, 0.1, 0.0), (1.0, 1.0, 0.0), (-0.2, 0.0, 1.0), (0.55, 0.1, 0.5)],
)
def test_the_share_of_the_price_that_is_left_is_a_share(discount, usual, share):
    terms = Terms(discount=discount, usual_discount=usual)
    assert TermColumns.of([terms]).price_share.tolist() == [pytest.approx(share)]


# ---------------------------------------------------------------------------- knowledge


def test_what_people_say_counts_before_a_column_of_that_name():
    row = {"signal_no_budget": True, "size": 5}
    told = facts_of(row, [signal("no_budget", holds=False)], CATALOGUE, today=TODAY)
    assert told == {"signal_no_budget": False, "size": 5}


@pytest.mark.parametrize(
    ("column", "codes"),
    [
        ("budget", {"no_budget"}),
        ("vendors_in_play", {"too_many_vendors"}),
        ("days_in_stage", {"stalled"}),
        ("size", set()),
    ],
)
def test_a_reason_is_known_to_a_profile_by_either_kind_of_condition(column, codes):
    assert CATALOGUE.codes_over([column]) == codes


def test_who_gets_no_score_gets_no_money_whatever_the_tables_say():
    table = table_of("size", "number", (0, 0, -900, 900), edges=(10.0,))
    profile = profile_of([table], abstention=Abstention(known=400, novelty=0))
    found = decide(score_one({}, profile), economics=MONEY, profile=profile, facts={})
    money = found.money
    assert found.verdict == "not_evaluable"
    assert (money.p_profile, money.p, money.pursue, money.sensitivity) == (
        None,
        None,
        None,
        (),
    )


def test_an_answer_costs_its_share_of_pursuing():
    free = read_catalogue("[asking]\ncost_share = 0.0")
    paid, unpaid = verdict(45.0).questions, verdict(45.0, catalogue=free).questions
    assert {q.cost for q in paid} == {0.02 * 1_500}
    assert {q.cost for q in unpaid} == {0.0}
    by_code = {q.code: q for q in unpaid}
    assert all(by_code[q.code].value == q.value == q.net + q.cost for q in paid)


def test_a_question_comes_first_only_where_it_turns_enough():
    question = verdict(45.0).question
    assert question.first(question.turns)
    assert not question.first(question.turns + 1e-9)
    assert not replace(question, cost=question.value).first(0.0)


def test_care_beyond_all_value_leaves_nothing_and_no_less():
    terms = Terms(cost_to_keep=90_000.0, usual_cost_to_keep=500.0)
    assert verdict(terms=terms).money.stakes.value == 0


def test_at_most_three_answers_of_a_question_are_said():
    table = table_of(
        "size", "number", (0, 0, -900, -700, -500, 900), edges=(1.0, 2.0, 3.0)
    )
    profile = profile_of([table], calibration=steady_calibration(scale=2))
    found = decide(score_one({}, profile), economics=MONEY, profile=profile, facts={})
    (said,) = [text for text in found.changes if text.startswith("Size")]
    assert said.count("if ") == 3
