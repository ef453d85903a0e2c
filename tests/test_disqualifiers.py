import json
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp.conditions import parse
from icp.disqualifiers import (
    STATES,
    Disqualifier,
    Evidence,
    Override,
    deciding,
    disqualified_by,
    disqualified_by_one,
    held_back,
    policy_rule,
    proposed_rule,
)
from icp.errors import RuleError

DAY = date(2026, 1, 31)
STRONG = Evidence(
    customers=40,
    all_regrettable=14,
    covered=12,
    regrettable=11,
    best_lost=("ACME",),
    p_value=0.01,
    later_covered=9,
    later_regrettable=9,
    later_p_value=0.001,
    low=0.81,
    high=1.0,
    break_even=0.6,
)


def learned(**moves):
    rule = proposed_rule("vendors >= 5", STRONG, on=DAY)
    for state, by in moves.items():
        rule = rule.move(state, by=by, reason="because", on=DAY)
    return rule


def policy():
    return policy_rule(
        "industry = 'Arms'", by="ada", reason="ethics", why="the board", on=DAY
    )


def test_a_proposed_rule_waits_for_a_person():
    rule = learned()
    assert (rule.state, rule.kind, rule.decides) == ("proposed", "learned", False)
    assert rule.latest == STRONG
    assert rule.moves[0].by is None
    assert rule.open_moves == ("shadow", "active", "retired")
    assert rule.id == proposed_rule("vendors>=5.0", STRONG, on=DAY).id


def test_a_move_gives_a_new_rule_and_leaves_the_old_one():
    before = learned()
    after = before.move("active", by="ann", reason=" agreed ", on=DAY)
    assert before.state == "proposed"
    assert (after.state, after.decides) == ("active", True)
    assert (after.moves[-1].by, after.moves[-1].reason) == ("ann", "agreed")
    assert after.evidence == before.evidence


def test_a_move_may_bring_newer_evidence():
    newer = STRONG.model_copy(update={"covered": 13})
    rule = learned().move("shadow", by="ann", reason="few", on=DAY, evidence=newer)
    assert rule.evidence == (STRONG, newer)
    assert rule.seen(STRONG).evidence == (STRONG, newer, STRONG)


OPEN = {
    ("proposed", "shadow"),
    ("proposed", "active"),
    ("proposed", "retired"),
    ("shadow", "active"),
    ("shadow", "retired"),
    ("active", "probation"),
    ("active", "retired"),
    ("probation", "active"),
    ("probation", "retired"),
    ("retired", "proposed"),
}
MACHINE = {("active", "probation"), ("probation", "retired"), ("retired", "proposed")}
PATHS = {
    "proposed": {},
    "shadow": {"shadow": "ann"},
    "active": {"active": "ann"},
    "probation": {"active": "ann", "probation": None},
    "retired": {"retired": "ann"},
}


@pytest.mark.parametrize("start", PATHS)
@pytest.mark.parametrize("end", STATES)
def test_only_these_ways_are_open(start, end):
    rule = learned(**PATHS[start])
    if (start, end) in OPEN:
        assert rule.move(end, by="ann", reason="so", on=DAY).state == end
    else:
        with pytest.raises(RuleError, match=f"is '{start}'; it can become"):
            rule.move(end, by="ann", reason="so", on=DAY)


@pytest.mark.parametrize(("start", "end"), sorted(OPEN))
def test_the_machine_may_move_three_ways_only(start, end):
    rule = learned(**PATHS[start])
    if (start, end) in MACHINE:
        assert rule.move(end, by=None, reason="old", on=DAY).moves[-1].by is None
    else:
        with pytest.raises(RuleError, match="only a person may move"):
            rule.move(end, by=None, reason="old", on=DAY)


@given(st.lists(st.tuples(st.sampled_from(STATES), st.booleans()), max_size=12))
def test_whatever_is_tried_only_a_person_puts_a_rule_in_force(tries):
    rule = learned()
    for state, person in tries:
        try:
            rule = rule.move(state, by="ann" if person else None, reason="so", on=DAY)
        except RuleError:
            continue
    assert all(move.by for move in rule.moves if move.state == "active")
    assert rule.state == rule.moves[-1].state
    assert Disqualifier.from_json(rule.to_json()) == rule


@pytest.mark.parametrize("reason", ["", "  "])
def test_every_move_needs_a_reason(reason):
    with pytest.raises(RuleError, match="a reason is required"):
        learned().move("active", by="ann", reason=reason, on=DAY)


def test_policy_is_in_force_at_once_and_ends_by_a_person_only():
    rule = policy()
    assert (rule.state, rule.decides, rule.latest) == ("policy", True, None)
    with pytest.raises(RuleError, match="only a person"):
        rule.move("retired", by=None, reason="old", on=DAY)
    over = rule.move("retired", by="ada", reason="old", on=DAY)
    assert over.open_moves == ()
    with pytest.raises(RuleError, match="it can become nothing else"):
        over.move("proposed", by="ada", reason="again", on=DAY)


@pytest.mark.parametrize(("by", "why"), [("", "x"), (" ", "x"), ("ada", " ")])
def test_policy_needs_a_person_and_words(by, why):
    with pytest.raises(RuleError, match="needs a person and a reason"):
        policy_rule("a = 1", by=by, reason="ethics", why=why, on=DAY)


def test_names_and_words():
    named = policy_rule(
        "a = 1", by="ada", reason="law", why="x", on=DAY, title="No arms"
    )
    assert (named.name, named.words()) == ("No arms", "No arms")
    assert learned().name == "vendors >= 5"
    assert learned().words({"vendors": "Vendors"}) == "Vendors >= 5"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"state": "active"}, "its last move"),
        ({"kind": "policy"}, "exactly policy rules"),
        ({"condition": "a <"}, "a value was expected"),
        ({"colour": "red"}, "Extra inputs"),
        ({"format": 2}, "format"),
        ({"moves": []}, "at least 1"),
    ],
)
def test_a_document_that_does_not_hold_together_is_refused(change, said):
    document = {**learned().model_dump(mode="json"), **change}
    with pytest.raises(RuleError, match=f"not a valid disqualifier: .*{said}"):
        Disqualifier.from_json(json.dumps(document))


@pytest.mark.parametrize(
    "change",
    [
        {"regrettable": 13},
        {"covered": 41},
        {"later_covered": 13},
        {"later_regrettable": 10},
        {"low": 0.9, "high": 0.8},
        {"p_value": 1.5},
    ],
)
def test_evidence_that_counts_more_than_there_is_is_refused(change):
    with pytest.raises(ValueError):
        STRONG.model_copy(update=change)


def test_evidence_in_figures():
    assert STRONG.best == 1
    assert STRONG.precision == pytest.approx(11 / 12)
    assert STRONG.weighted_accuracy == pytest.approx((11 - 12 * 14 / 40) / 40)
    assert STRONG.strong
    assert STRONG.doubts == ()
    empty = Evidence(
        customers=0,
        all_regrettable=0,
        covered=0,
        regrettable=0,
        p_value=1,
        break_even=1,
    )
    assert empty.precision != empty.precision
    assert empty.weighted_accuracy == 0


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        ({"p_value": 0.06}, "by chance in 6% of searches"),
        ({"later_p_value": 0.06}, r"do not confirm it \(9 of 9 regrettable\)"),
        ({"break_even": 0.81}, "at least 81% regrettable is sure, leaving pays from"),
        ({"low_beside": 0.4}, "adds to stronger rules at least 40% regrettable is"),
    ],
)
def test_one_doubt_is_enough_not_to_be_strong(change, doubt):
    seen = STRONG.model_copy(update=change)
    assert not seen.strong
    assert len(seen.doubts) == 1
    assert pl.Series(seen.doubts).str.contains(doubt).all()


@pytest.mark.parametrize(
    ("change", "end"),
    [
        ({}, "11 of 14 regrets, would have cost you 1 best (ACME)"),
        ({"best_lost": ()}, "11 of 14 regrets, would have cost you 1 best"),
        ({"covered": 11, "best_lost": ()}, "would have cost you no best"),
        (
            {"covered": 16, "best_lost": tuple("ABCDE")},
            "would have cost you 5 best (A, B, C, ...)",
        ),
        (
            {"all_regrettable": 1, "covered": 1, "regrettable": 1, "later_covered": 0}
            | {"later_regrettable": 0, "best_lost": ()},
            "1 of 1 regret, would have cost you no best",
        ),
    ],
)
def test_what_it_would_have_done(change, end):
    assert STRONG.model_copy(update=change).sentence().endswith(end)


def test_evidence_is_the_same_whenever_it_was_looked_at():
    assert STRONG.same_as(STRONG.model_copy(update={"on": DAY}))
    assert not STRONG.same_as(STRONG.model_copy(update={"covered": 13}))


@pytest.mark.parametrize(
    ("days", "covered", "held"),
    [(0, 12, True), (364, 12, True), (364, 24, False), (365, 12, False)],
)
def test_a_retired_rule_is_held_back_for_a_year(days, covered, held):
    rule = learned(retired="ann")
    seen = STRONG.model_copy(update={"covered": covered})
    later = date.fromordinal(DAY.toordinal() + days)
    assert held_back(rule, seen, on=later) is held
    assert not held_back(learned(), seen, on=later)


@pytest.mark.parametrize(
    ("rule", "approver", "fine"),
    [
        (learned(active="ann"), None, True),
        (policy(), "bea", True),
        (policy(), None, False),
        (policy(), "", False),
        (policy(), "rep", False),
    ],
)
def test_policy_needs_an_approver_who_is_somebody_else(rule, approver, fine):
    asked = Override(
        rule=rule.id,
        account_id="C-1",
        asked_by="rep",
        approver=approver,
        reason="a friend",
        on=DAY,
    )
    if fine:
        assert asked.of(rule) is asked
    else:
        with pytest.raises(RuleError, match="name somebody else"):
            asked.of(rule)


def test_an_exception_is_for_one_rule():
    asked = Override(rule="other", account_id="C-1", asked_by="rep", reason="x", on=DAY)
    with pytest.raises(RuleError, match="is for rule other"):
        asked.of(policy())


FRAME = pl.DataFrame(
    {"vendors": [6, 2, None, 7], "industry": ["Arms", "Arms", None, "Law"]}
)


def test_only_rules_in_force_disqualify_policy_first():
    rules = (learned(active="ann"), policy(), learned(shadow="ann"))
    assert [rule.kind for rule in deciding(rules)] == ["policy", "learned"]
    arms, many = "industry = 'Arms'", "vendors >= 5"
    wanted = [[arms, many], [arms], [], [many]]
    found = FRAME.select(x=disqualified_by(rules, FRAME.schema))
    assert found["x"].to_list() == wanted
    assert found["x"].dtype == pl.List(pl.String)
    rows = FRAME.iter_rows(named=True)
    assert [list(disqualified_by_one(rules, row)) for row in rows] == wanted


@pytest.mark.parametrize("rules", [(), (learned(),)])
def test_without_rules_in_force_nobody_is_disqualified(rules):
    found = FRAME.lazy().with_columns(x=disqualified_by(rules, FRAME.schema)).collect()
    assert found["x"].to_list() == [[], [], [], []]
    assert found["x"].dtype == pl.List(pl.String)
    assert disqualified_by_one(rules, {"vendors": 9}) == ()


def test_the_condition_may_be_given_as_a_tree():
    assert proposed_rule(parse("a = 1"), STRONG, on=DAY).condition == parse("a = 1")
