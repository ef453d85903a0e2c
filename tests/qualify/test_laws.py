"""What every verdict obeys, whatever the numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from generators.qualify_cases import (
    CATALOGUE,
    CODES,
    MONEY,
    SOFT,
    UNGATED,
    a_rule,
    cases,
    economies,
    fits,
    score_of,
)
from generators.strategies import LAWS
from hypothesis import assume, given
from hypothesis import strategies as st

from icp.disqualifiers import Override
from icp.errors import RuleError
from icp.outcomes import Economics
from icp.qualify import RANK, Attempt, decide

Case = dict[str, Any]


def rank(fit: float | None, case: Case, **rest: Any) -> int:
    return RANK[decide(score_of(fit), **{**case, **rest}).verdict]


def with_signal(case: Case, code: str, holds: bool | None) -> Case:
    signals = {k: v for k, v in case["signals"].items() if k != code}
    if holds is not None:
        signals[code] = holds
    return {**case, "signals": signals}


@LAWS
@given(fits, economies, st.sampled_from(SOFT))
def test_one_soft_signal_never_walks_away(fit, economics, code):
    case = {"economics": economics, "signals": {}}
    assume(rank(fit, case) != RANK["walk_away"])
    assert rank(fit, case, signals={code: True}) > RANK["walk_away"]


@LAWS
@given(fits, cases(), st.floats(0, 1e9))
def test_what_was_invested_is_shown_and_changes_nothing(fit, case, invested):
    plain = decide(score_of(fit), **case)
    spent = decide(score_of(fit), **case, invested=invested)
    assert spent.money.invested == invested
    assert replace(spent, money=plain.money) == plain
    assert replace(spent.money, invested=0.0) == plain.money


@LAWS
@given(cases(), st.integers(0, 999), st.integers(0, 999))
def test_a_better_fit_never_worsens_the_verdict(case, a, b):
    low, high = sorted((a / 10, b / 10))
    assert rank(low, case) <= rank(high, case)


@LAWS
@given(cases(), st.integers(0, 999), st.integers(0, 999))
def test_the_stop_loss_is_never_negative_and_grows_with_the_fit(case, a, b):
    low, high = sorted((a / 10, b / 10))
    less, more = (decide(score_of(fit), **case).money for fit in (low, high))
    assert 0 <= less.most_to_spend <= more.most_to_spend + 1e-6
    for money in (less, more):
        worth = money.pursue + money.stakes.cost
        assert money.most_to_spend == pytest.approx(max(0.0, worth))


@LAWS
@given(fits, cases(), st.permutations(CODES))
def test_the_order_in_which_things_were_learnt_changes_nothing(fit, case, order):
    said = {code: case["signals"][code] for code in order if code in case["signals"]}
    assert decide(score_of(fit), **{**case, "signals": said}) == decide(
        score_of(fit), **case
    )


@LAWS
@given(fits, cases(), st.sampled_from(UNGATED))
def test_unknown_is_never_worse_than_bad_nor_better_than_good(fit, case, code):
    bad = rank(fit, with_signal(case, code, holds=True))
    unknown = rank(fit, with_signal(case, code, holds=None))
    good = rank(fit, with_signal(case, code, holds=False))
    assert bad <= unknown <= good


@LAWS
@given(fits, cases(), st.data())
def test_a_try_that_failed_never_makes_it_better(fit, case, data):
    code = data.draw(st.sampled_from(UNGATED))
    play = data.draw(st.sampled_from([s.play for s in CATALOGUE[code].steps]))
    more = [*case["attempts"], Attempt(reason=code, play=play)]
    step = CATALOGUE[code].step
    tried = {a.play for a in case["attempts"] if a.reason == code and not a.worked}
    before, after = step(frozenset(tried)), step(frozenset({*tried, play}))
    assert RANK[after.verdict] <= RANK[before.verdict]
    assert rank(fit, case, attempts=more) <= rank(fit, case)


@pytest.mark.parametrize("code", UNGATED)
def test_the_steps_of_a_reason_lead_out_in_order_and_the_last_one_stays(code):
    plays = [step.play for step in CATALOGUE[code].steps]
    asked = [CATALOGUE[code].step(frozenset(plays[:n])) for n in range(len(plays) + 1)]
    assert [step.play for step in asked] == [*plays, plays[-1]]
    ranks = [RANK[step.verdict] for step in asked]
    assert ranks == sorted(ranks, reverse=True)


@pytest.mark.parametrize("code", UNGATED)
def test_a_step_tried_out_of_order_skips_none_before_it(code):
    first, *later = (step.play for step in CATALOGUE[code].steps)
    assert CATALOGUE[code].step(frozenset(later)).play == first


@LAWS
@given(fits, cases())
def test_a_try_that_worked_changes_nothing(fit, case):
    worked = [Attempt(reason=code, play="quantify", worked=True) for code in UNGATED]
    attempts = [*case["attempts"], *worked]
    assert rank(fit, case, attempts=attempts) == rank(fit, case)


@LAWS
@given(fits, cases(), st.floats(1, 1e9))
def test_no_worth_buys_back_a_gate(fit, case, value):
    rich = {**with_signal(case, "ethics", holds=True)}
    rich["economics"] = Economics(V=value, L=0.0, C=0.0)
    assert decide(score_of(fit), **rich).verdict == "walk_away"


@LAWS
@given(fits, cases(), st.sampled_from(["active", "policy"]))
def test_a_rule_in_force_walks_away_whatever_else(fit, case, state):
    found = decide(
        score_of(fit), **case, disqualifiers=[a_rule(state)], facts={"vendors": 5}
    )
    assert found.verdict == "walk_away"
    assert found.codes[0] == a_rule(state).id


@LAWS
@given(fits, cases(), st.sampled_from(["proposed", "shadow", "probation", "retired"]))
def test_a_rule_that_is_only_watched_changes_nothing(fit, case, state):
    found = decide(
        score_of(fit), **case, disqualifiers=[a_rule(state)], facts={"vendors": 5}
    )
    assert found == decide(score_of(fit), **case)


@LAWS
@given(fits, cases(), st.sampled_from([None, 4, 4.99]))
def test_a_rule_that_does_not_surely_cover_changes_nothing(fit, case, vendors):
    facts = {"vendors": vendors}
    found = decide(score_of(fit), **case, disqualifiers=[a_rule()], facts=facts)
    assert found == decide(score_of(fit), **case)


@pytest.mark.parametrize("approver", [None, "", "bob"])
def test_a_gate_needs_somebody_else_who_approves(approver):
    asked = override("ethics", approver)
    with pytest.raises(RuleError, match="name somebody else"):
        decide(
            score_of(90.0),
            economics=MONEY,
            signals={"ethics": True},
            exceptions=[asked],
        )


@pytest.mark.parametrize("approver", [None, "", "bob"])
def test_a_policy_rule_needs_somebody_else_who_approves(approver):
    asked = override(a_rule("policy").id, approver)
    with pytest.raises(RuleError, match="is policy; name somebody else"):
        decide(
            score_of(90.0),
            economics=MONEY,
            disqualifiers=[a_rule("policy")],
            facts={"vendors": 5},
            exceptions=[asked],
        )


@LAWS
@given(fits, cases(), st.sampled_from(["ethics", "policy", "active"]))
def test_an_approved_exception_is_as_if_nothing_had_been(fit, case, what):
    gate = {"ethics": True} if what == "ethics" else {}
    rules = [] if what == "ethics" else [a_rule(what)]
    code = what if what == "ethics" else rules[0].id
    found = decide(
        score_of(fit),
        **{**case, "signals": {**case["signals"], **gate}},
        disqualifiers=rules,
        facts={"vendors": 5},
        exceptions=[override(code, "eve")],
    )
    without = decide(score_of(fit), **case)
    if what != "ethics":
        assert found.verdict == without.verdict
    assert RANK[found.verdict] >= RANK[without.verdict] or what != "ethics"
    kept = [ground for ground in found.grounds if ground.code == code]
    assert [ground.excepted_by for ground in kept] == ["eve"]
    assert code not in found.codes


@LAWS
@given(fits, cases())
def test_every_ground_can_be_traced(fit, case):
    found = decide(
        score_of(fit), **case, disqualifiers=[a_rule()], facts={"vendors": 7}
    )
    for ground in found.grounds:
        assert ground.text
        if ground.source == "rule":
            assert ground.code == a_rule().id
        elif ground.source == "profile":
            assert ground.kind == "distances"
        else:
            assert case["signals"][ground.code]
    assert set(found.codes) - set(CODES) <= {
        a_rule().id,
        "worth_it",
        "below_break_even",
        "not_enough_known",
    }


@LAWS
@given(fits, cases())
def test_every_way_out_has_words_and_a_way_back(fit, case):
    found = decide(score_of(fit), **case)
    if found.verdict in {"walk_away", "not_now", "second_option", "redirect"}:
        assert found.step is not None
        assert found.step.say
        wake = CATALOGUE[found.reason].wake
        assert wake.never or wake.text


def override(rule: str, approver: str | None) -> Override:
    from generators.qualify_cases import TODAY

    return Override(
        rule=rule,
        account_id="P1",
        asked_by="bob",
        approver=approver,
        reason="known for years",
        on=TODAY,
    )
