from __future__ import annotations

import math

import numpy as np
import pytest
from generators.qualify_cases import (
    CATALOGUE,
    MONEY,
    TODAY,
    a_rule,
    economies,
    known,
    score_of,
)
from generators.strategies import (
    LAWS,
    accounts,
    profile_of,
    profiles,
    steady_calibration,
    table_of,
)
from hypothesis import assume, example, given
from hypothesis import strategies as st
from oracles.naive_judge import naive_shares

from icp.conditions import Compare, Has
from icp.disqualifiers import Evidence, Override
from icp.outcomes import Economics
from icp.qualify import decide
from icp.qualify.asking import (
    Outlook,
    ask_attribute,
    attribute_words,
    centred,
    coherent,
    evsi,
    perfect_information,
)
from icp.qualify.money import Stakes
from icp.qualify.verdict import chance_of
from icp.scoring import score_one
from icp.scoring.single import scorer_of

probabilities = st.floats(0.001, 0.999)
answers = st.lists(
    st.tuples(probabilities, st.floats(0.01, 1.0)), min_size=1, max_size=6
)


def naive_evsi(stakes, p, after, shares):
    """The definition: decisions after the answer less the decision now."""
    held = sum(
        w * max(0.0, stakes.pursue(q)) for w, q in zip(shares, after, strict=True)
    )
    return held - max(0.0, stakes.pursue(p))


def one_row(*rows):
    return [np.array([row]) for row in rows]


def shares_of(p, after, likely):
    return coherent(np.array([p]), *one_row(after, likely))[0].tolist()


@LAWS
@given(probabilities, answers)
def test_shares_are_shares_and_their_mean_is_the_chance_now(p, cases):
    after, likely = [q for q, _ in cases], [w for _, w in cases]
    shares = shares_of(p, after, likely)
    assert all(share >= 0 for share in shares)
    assert math.isclose(sum(shares), 1.0)
    assert np.allclose(shares, naive_shares(p, after, likely))
    if any(q < p for q in after) and any(q > p for q in after):
        mean = sum(w * q for w, q in zip(shares, after, strict=True))
        assert math.isclose(mean, p, rel_tol=1e-9)


def test_answers_on_one_side_keep_their_proportions():
    shares = shares_of(0.5, [0.6, 0.9, 0.1], [0.2, 0.4, 0.4])
    assert math.isclose(shares[1] / shares[0], 2.0)


def test_answers_all_on_one_side_teach_nothing():
    assert shares_of(0.5, [0.6, 0.9], [0.5, 0.5]) == [1.0, 0.0]
    assert shares_of(0.5, [0.5, 0.9, 0.5], [0.1, 0.8, 0.1]) == [0.5, 0.0, 0.5]


@LAWS
@given(economies, probabilities, answers)
def test_asking_is_worth_what_decisions_gain_by_it(economics, p, cases):
    stakes = Stakes(value=economics.V, loss=economics.L, cost=economics.C)
    after = [q for q, _ in cases]
    assume(any(q < p for q in after) and any(q > p for q in after))
    shares = shares_of(p, after, [w for _, w in cases])
    gains, now = [stakes.pursue(q) for q in after], stakes.pursue(p)
    (value,), (turns,) = evsi(*one_row(gains), np.array([now]), *one_row(shares))
    slack = 1e-9 * (stakes.value + stakes.loss + stakes.cost)
    assert value >= 0
    naive = naive_evsi(stakes, p, after, shares)
    assert math.isclose(value, naive, rel_tol=1e-9, abs_tol=slack)
    most = perfect_information(*map(np.array, (p, stakes.pursue(1.0), now)))
    assert value <= most + slack
    if all((gain > 0) == (now > 0) for gain in gains):
        assert value == turns == 0


def test_rows_do_not_depend_on_each_other():
    draw = np.random.default_rng(0)
    p, after, likely = draw.random(50), draw.random((50, 7)), draw.random((50, 7))
    whole = coherent(p, after, likely)
    for row in range(50):
        here = slice(row, row + 1)
        assert (coherent(p[here], after[here], likely[here]) == whole[here]).all()


@LAWS
@given(profiles(), st.data(), economies, known())
def test_evsi_of_any_account_is_between_nothing_and_knowing_all(
    profile, data, economics, signals
):
    rows = data.draw(accounts(profile, min_size=1, max_size=1))
    score = score_one(rows[0], profile)
    found = decide(
        score, economics=economics, signals=signals, facts=rows[0], profile=profile
    )
    money = found.money
    if money.p_cured is None:
        return
    scale = money.stakes.value + money.stakes.loss + money.stakes.cost
    now, best = money.pursue_cured, money.stakes.pursue(1.0)
    most = perfect_information(*map(np.array, (money.p_cured, best, now)))
    for question in found.questions:
        assert 0 <= question.value <= most + 1e-9 * scale
        assert math.isclose(sum(a.share for a in question.answers), 1.0)
        mean = sum(a.share * a.p for a in question.answers)
        assert math.isclose(mean, money.p_cured, rel_tol=1e-6)
        if question.turns == 0:
            assert question.value == 0


@st.composite
def rules_over(draw, profile):
    """Rules in force over columns of a profile, or over others."""
    made = [Compare("deals", ">", 2)]
    for table in profile.tables:
        name = table.column
        if table.kind == "number":
            cuts = [*table.edges, 0.5]
            made += [Compare(name, sign, cut) for cut in cuts for sign in (">=", "<")]
        elif table.kind == "category":
            made += [Compare(name, "=", level) for level, _ in table.levels if level]
        elif table.kind == "flag":
            made += [Compare(name, "=", value) for value in (True, False)]
        else:
            made += [Has(name, table.value)]
    chosen = draw(st.lists(st.sampled_from(made), min_size=1, max_size=3, unique=True))
    return [a_rule(draw(st.sampled_from(["active", "policy"])), c) for c in chosen]


@LAWS
@given(profiles(), st.data(), economies, known())
def test_evsi_with_rules_in_force_is_between_nothing_and_knowing_all(
    profile, data, economics, signals
):
    rows = data.draw(accounts(profile, min_size=1, max_size=1))
    money, questions = with_rules(
        profile, rows[0], economics, data.draw(rules_over(profile)), signals=signals
    )
    if money.p_cured is None:
        return
    scale = money.stakes.value + money.stakes.loss + money.stakes.cost
    now, best = money.pursue_cured, money.stakes.pursue(1.0)
    most = perfect_information(*map(np.array, (money.p_cured, best, now)))
    for question in questions:
        assert 0 <= question.value <= most + 1e-9 * scale
        mean = sum(a.share * a.p for a in question.answers)
        assert math.isclose(mean, money.p_cured, rel_tol=1e-6)


def with_rules(profile, row, economics, rules, **rest):
    found = decide(
        score_one(row, profile),
        economics=economics,
        facts=row,
        profile=profile,
        disqualifiers=rules,
        **rest,
    )
    return found.money, found.questions


@LAWS
@given(profiles(), st.data())
def test_what_is_known_is_not_asked(profile, data):
    rows = data.draw(accounts(profile, min_size=1, max_size=1))
    free = CATALOGUE.model_copy(
        update={"asking": CATALOGUE.asking.model_copy(update={"cost_share": 0.0})}
    )
    questions = decide(
        score_one(rows[0], profile),
        economics=Economics(V=1.0, L=1.0),
        facts=rows[0],
        profile=profile,
        catalogue=free,
    ).questions
    columns = {
        table.column
        for table in profile.tables
        if f"attribute:{table.name}" in {q.code for q in questions}
    }
    assert all(
        rows[0].get(c) is None
        or rows[0][c] != rows[0][c]
        or _coded_missing(profile, c, rows[0][c])
        for c in columns
    )


def _coded_missing(profile, column, value):
    return any(
        table.column == column and (value, 0) in table.levels
        for table in profile.tables
    )


@LAWS
@given(st.lists(st.integers(-900, 900), min_size=2, max_size=6), st.data())
def test_answers_never_all_go_one_way(moves, data):
    weight = st.floats(0.01, 1)
    likely = data.draw(st.lists(weight, min_size=len(moves), max_size=len(moves)))
    (moved,) = centred(*one_row(moves), np.array(likely)).tolist()
    assert min(moved) <= 0 <= max(moved)
    assert len({a - b for a, b in zip(moved, moves, strict=True)}) == 1
    if min(moves) <= 0 <= max(moves):
        assert moved == moves


# --------------------------------------------------------------------- one attribute


def by_size(points=(0, 0, -800, 800), **rest):
    table = table_of(
        "employees",
        "number",
        points,
        edges=(100.0,),
        best=(0, 0, 10, 30),
        regrettable=(0, 0, 30, 10),
        unit="people",
        **rest,
    )
    return profile_of([table], calibration=steady_calibration(scale=2))


def only_attributes(economics=MONEY, profile=None):
    profile = profile or by_size()
    unasked = [r.model_copy(update={"asked": False}) for r in CATALOGUE.reasons]
    return decide(
        score_one({}, profile),
        economics=economics,
        facts={},
        profile=profile,
        catalogue=CATALOGUE.model_copy(update={"reasons": tuple(unasked)}),
    )


def test_an_attribute_that_decides_is_asked_first_and_says_how():
    found = only_attributes()
    assert found.verdict == "ask"
    assert found.question.code == "attribute:employees"
    assert found.question.text == "Employees (in people): what is it?"
    assert [a.verdict for a in found.question.answers] == ["walk_away", "pursue"]
    assert found.question.moves("ask") == (
        "if cell 2 people: walk away",
        "if cell 3 people: pursue",
    )


def test_an_attribute_that_cannot_turn_the_decision_is_not_asked():
    found = only_attributes(Economics(V=100_000, L=1, C=0))
    assert found.verdict == "pursue"
    assert found.questions == ()
    assert found.asked == "No question would change this; decide now."
    assert only_attributes(Economics(V=1, L=100_000, C=0)).verdict == "walk_away"


def seen_rule(text, covered, bad):
    evidence = Evidence(
        customers=100,
        all_regrettable=50,
        covered=covered,
        regrettable=bad,
        p_value=0.001,
        later_covered=covered,
        later_regrettable=bad,
        break_even=0.5,
    )
    return a_rule("active", text).model_copy(update={"evidence": (evidence,)})


def about_size(rules, *, points=(0, 0, -300, 300), economics=None):
    unasked = [r.model_copy(update={"asked": False}) for r in CATALOGUE.reasons]
    profile = by_size(points)
    return decide(
        score_one({}, profile),
        economics=economics or Economics(V=90_000, L=8_000, C=0),
        facts={},
        profile=profile,
        catalogue=CATALOGUE.model_copy(update={"reasons": tuple(unasked)}),
        disqualifiers=rules,
    )


def test_an_answer_that_falls_under_a_rule_is_worth_the_loss_it_avoids():
    assert about_size([]).questions == ()
    found = about_size([seen_rule("employees < 100", 19, 19)])
    (question,) = found.questions
    assert [a.verdict for a in question.answers] == ["walk_away", "pursue"]
    share, p = question.answers[0].share, question.answers[0].p
    assert p == pytest.approx(0.5 / 20)
    avoided = -found.money.stakes.pursue(p)
    assert question.value == pytest.approx(share * avoided)
    assert question.turns == pytest.approx(share)


def test_policy_counts_as_surely_regretted():
    (question,) = about_size([a_rule("policy", "employees < 100")]).questions
    assert question.answers[0].p == 0


def test_a_rule_that_covers_part_of_an_answer_does_not_count():
    assert about_size([seen_rule("employees < 90", 19, 19)]).questions == ()


def test_a_rule_that_needs_something_else_unknown_does_not_count():
    rule = seen_rule("employees < 100 and deals > 3", 19, 19)
    assert about_size([rule]).questions == ()


def test_an_exception_takes_a_rule_out_of_the_questions():
    rule = seen_rule("employees < 100", 19, 19)
    profile = by_size((0, 0, -300, 300))
    freed = Override(
        rule=rule.id, account_id="a", asked_by="ann", reason="known", on=TODAY
    )
    found = decide(
        score_one({}, profile),
        economics=Economics(V=90_000, L=8_000, C=0),
        facts={},
        profile=profile,
        disqualifiers=[rule],
        exceptions=[freed],
    )
    assert "attribute:employees" not in {q.code for q in found.questions}


def test_where_the_good_answer_falls_under_a_rule_the_other_one_is_better():
    found = about_size([seen_rule("employees >= 100", 19, 19)])
    (question,) = found.questions
    other, ruled = question.answers
    assert (ruled.verdict, other.verdict) == ("walk_away", "pursue")
    assert other.p > found.money.p_cured > ruled.p


def test_where_every_answer_falls_under_a_rule_asking_brings_nothing():
    rules = [a_rule("policy", "employees < 100"), a_rule("active", "employees >= 100")]
    assert about_size(rules).questions == ()


def test_a_question_that_costs_more_than_it_brings_is_not_asked():
    dear = Economics(V=15_000, L=8_000, C=5_000)
    (question,) = only_attributes(dear).questions
    asking = CATALOGUE.asking.model_copy(
        update={"cost_share": (question.value + 1) / dear.C}
    )
    catalogue = CATALOGUE.model_copy(update={"asking": asking})
    profile = by_size()
    found = decide(
        score_one({}, profile),
        economics=dear,
        facts={},
        profile=profile,
        catalogue=catalogue,
    )
    assert "attribute:employees" not in {q.code for q in found.questions}


def test_a_pair_moves_its_answers():
    from icp.profile import PairTable

    size = table_of("employees", "number", (0, 0, 0, 0), edges=(100.0,))
    team = table_of("team", "flag", (0, 0, 0, 0))
    points = [0] * 16
    points[2 * 4 + 3] = 700
    profile = profile_of(
        [size, team],
        pairs=[PairTable(first="employees", second="team", points=tuple(points))],
    )
    row = {"team": True}
    given_ = [score_one({**row, "employees": n}, profile) for n in (5, 500)]
    chances = answered(row, profile)
    assert chances == [chance_of(score, profile) for score in given_]
    assert chances[0] > chances[1]


def answered(row, profile):
    """Log-odds after each answer to the first table's question."""
    score = score_one(row, profile)
    now = np.array([chance_of(score, profile)])
    stakes = Stakes(value=np.array([1.0]), loss=1.0, cost=0.0)
    outlook = Outlook(profile_chance=now, chance=now, stakes=stakes)
    codes = np.array([scorer_of(profile).codes(row)])
    margins = np.array([score.margin])
    return ask_attribute(profile, 0, codes, margins, outlook).chances[0].tolist()


def test_answers_are_exactly_what_scoring_says_once_they_are_given():
    profile = by_size()
    given_ = [score_one({"employees": n}, profile) for n in (10.0, 500.0)]
    assert answered({}, profile) == [chance_of(score, profile) for score in given_]


def test_an_account_that_cannot_be_judged_is_asked_what_tells_most():
    small = table_of("sites", "number", (0, 0, 0, 0), edges=(3.0,), information=10)
    large = table_of("employees", "number", (0, 0, 0, 0), edges=(9.0,), information=90)
    from icp.profile import Abstention

    profile = profile_of([small, large], abstention=Abstention(known=400, novelty=0))
    found = decide(score_one({}, profile), economics=MONEY, facts={}, profile=profile)
    assert found.verdict == "not_evaluable"
    assert [q.code for q in found.questions] == [
        "attribute:employees",
        "attribute:sites",
    ]
    assert found.grounds[-1].code == "not_enough_known"


@pytest.mark.parametrize(
    ("kind", "rest", "words"),
    [
        ("flag", {}, "Tools: yes or no?"),
        ("multi", {"value": "SAP"}, "Does their tools include SAP?"),
        ("category", {}, "Tools: what is it?"),
    ],
)
def test_each_kind_is_asked_in_its_own_words(kind, rest, words):
    name = "tools=SAP" if kind == "multi" else "tools"
    table = table_of(
        name, kind, (0, 0, 0, 0), title="" if kind != "multi" else "x", **rest
    )
    assert attribute_words(table, CATALOGUE) == words
    own = CATALOGUE.model_copy(update={"questions": {"tools": "Which tools?"}})
    assert attribute_words(table, own) == "Which tools?"


def test_a_rule_in_force_leaves_nothing_to_ask():
    ruled = {"disqualifiers": [a_rule()], "facts": {"vendors": 5}}
    assert decide(score_of(50.0), economics=MONEY, **ruled).questions == ()
    assert decide(score_of(50.0), economics=MONEY).questions
    assert decide(score_of(None), economics=MONEY).questions == ()


@example(50.0)
@LAWS
@given(st.integers(0, 999).map(lambda s: s / 10))
def test_questions_come_by_what_they_are_worth(fit):
    nets = [q.net for q in decide(score_of(fit), economics=MONEY).questions]
    assert nets == sorted(nets, reverse=True)
    assert all(net > 0 for net in nets)
