import json
from datetime import date

import pytest

from icp.disqualifiers import RuleEvidence, RuleException, proposed_rule
from icp.errors import NotFoundError, RuleError, StoreError

DAY = date(2026, 3, 1)
SEEN = RuleEvidence(
    customers=40,
    all_regrettable=14,
    covered=12,
    regrettable=11,
    p_value=0.01,
    break_even=0.6,
)
RULE = proposed_rule("vendors >= 5", SEEN, on=DAY)


def events(store, kind=None):
    rows = store.events(99).sort("seq").to_dicts()
    return [row for row in rows if kind in {None, row["kind"]}]


def activated(rule):
    return rule.move("active", by="ann", reason="agreed", on=DAY)


def retired(rule):
    return rule.move("retired", by="ann", reason="a coincidence", on=DAY)


def test_a_proposal_is_kept_with_its_evidence_in_the_log(store):
    assert store.rules.propose([RULE], actor="ann") == {RULE.id: "new"}
    assert store.rules.all() == [RULE]
    (event,) = events(store)
    assert (event["kind"], event["subject"]) == ("rule_proposed", RULE.id)
    payload = json.loads(event["payload"])
    assert payload["condition"] == "vendors >= 5"
    assert payload["evidence"]["covered"] == 12
    assert payload["person"] is None


def test_the_same_again_changes_nothing(store, clock):
    store.rules.propose([RULE], actor="ann")
    clock.pass_time(days=9)
    later = proposed_rule("vendors >= 5", SEEN, on=date(2026, 3, 10))
    assert store.rules.propose([later], actor="ann") == {RULE.id: "same"}
    assert len(events(store)) == 1


def test_newer_evidence_is_added_whatever_the_state(store):
    store.rules.propose([RULE], actor="ann")
    store.rules.change(RULE.id, activated, actor="ann")
    more = SEEN.model_copy(update={"covered": 13})
    again = proposed_rule("vendors >= 5", more, on=DAY)
    assert store.rules.propose([again], actor="ann") == {RULE.id: "again"}
    (rule,) = store.rules.all()
    assert (rule.state, rule.evidence) == ("active", (SEEN, more))
    assert [event["kind"] for event in events(store)] == [
        "rule_proposed",
        "rule_moved",
        "rule_evidence",
    ]


def test_a_rejected_rule_is_held_back_for_a_year(store, clock):
    store.rules.propose([RULE], actor="ann")
    store.rules.change(RULE.id, retired, actor="ann")
    assert store.rules.propose([RULE], actor="ann") == {RULE.id: "held back"}
    clock.pass_time(days=366)
    assert store.rules.propose([RULE], actor="ann") == {RULE.id: "again"}
    (rule,) = store.rules.all()
    assert rule.state == "proposed"
    assert [move.state for move in rule.moves] == ["proposed", "retired", "proposed"]


def test_a_move_is_kept_with_person_reason_and_state_before(store):
    store.rules.propose([RULE], actor="ann")
    moved = store.rules.change(RULE.id, activated, actor="ann")
    assert store.rules.all() == [moved]
    payload = json.loads(events(store, "rule_moved")[0]["payload"])
    assert payload["before"] == "proposed"
    assert payload["state"] == "active"
    assert payload["person"] == "ann"
    assert payload["reason"] == "agreed"
    assert payload["evidence"]["regrettable"] == 11


def test_a_move_that_is_not_open_leaves_no_trace(store):
    store.rules.propose([RULE], actor="ann")
    store.rules.change(RULE.id, retired, actor="ann")
    with pytest.raises(RuleError, match="it can become 'proposed'"):
        store.rules.change(RULE.id, activated, actor="ann")
    assert store.rules.all()[0].state == "retired"
    assert len(events(store)) == 2


def test_a_step_that_changes_nothing_is_no_event(store):
    store.rules.propose([RULE], actor="ann")
    assert store.rules.change(RULE.id, lambda rule: rule, actor="ann") == RULE
    assert len(events(store)) == 1


def test_a_rule_that_is_not_there(store):
    with pytest.raises(NotFoundError, match="no rule 'x'"):
        store.rules.change("x", activated, actor="ann")


def test_exceptions_are_kept_and_found_by_account(store):
    asked = [
        RuleException(
            rule=RULE.id,
            account_id=account,
            asked_by="rep",
            approver="ann",
            reason="a friend",
            on=DAY,
        )
        for account in ("C-1", "C-2")
    ]
    for one in asked:
        store.rules.allow(one)
    assert store.rules.exceptions() == asked
    assert store.rules.exceptions("C-2") == asked[1:]
    event = events(store, "rule_exception")[0]
    assert (event["actor"], event["subject"]) == ("rep", RULE.id)
    assert json.loads(event["payload"])["approver"] == "ann"


def test_the_chain_holds_over_rules(store):
    store.rules.propose([RULE], actor="ann")
    store.rules.change(RULE.id, activated, actor="ann")
    assert store.verify_events() == 2


def test_a_damaged_document_is_an_error_and_not_a_wrong_rule(store):
    store.rules.propose([RULE], actor="ann")
    with store.database.write("ann") as tx:
        tx.connection.exec_driver_sql("UPDATE disqualifiers SET document = '{}'")
    with pytest.raises(RuleError, match="not a valid disqualifier"):
        store.rules.all()


def test_policy_never_enters_the_store(store):
    with (
        pytest.raises(StoreError),
        store.database.write("ann") as tx,
    ):
        tx.connection.exec_driver_sql(
            "INSERT INTO disqualifiers VALUES ('x', 'policy', '{}', "
            "'2026-01-01', '2026-01-01', 'ann')"
        )
