from __future__ import annotations

import json

import polars as pl
import pytest

from icp.errors import (
    ConfigError,
    NotFoundError,
    PermissionDeniedError,
    PolicyError,
    RuleError,
    SchemaError,
)
from icp.qualify import VERDICT_COLUMNS
from icp.workflow import open_workspace

MONEY = "\n[economics]\nvalue_of_best = 9000\nloss_of_regrettable = 4000\n"
ROLES = '\n[roles]\nann = "admin"\nbob = "rep"\neve = "admin"\n'


HARVEST = """
[reasons.harvest]
title = "Harvest"
meaning = "They have no time."
question = "When is it over?"
severity = "strong"
cure = ["time"]
seen = { best = 0.1, regrettable = 0.2 }
steps = [{ play = "park", say = "Let us speak in November." }]
wake = { text = "the harvest is over", months = 3 }
"""


@pytest.fixture
def space(scored):
    config = scored.path / "icp.toml"
    config.write_text(config.read_text() + MONEY + ROLES)
    scored._session.reload()
    return scored


def verdict(space, account="P1"):
    return space.verdicts.judge(account).verdict


def kinds(space):
    return space.events(limit=100)["kind"].to_list()


def test_an_account_is_judged_with_what_the_workspace_knows(space):
    found = space.verdicts.judge("P1")
    assert found.account_id == "P1"
    assert found.verdict.verdict == "pursue"
    assert found.verdict.money.stakes.value == 9_000
    assert found.explanation.score == space.scores.check("P1").score
    assert (found.attempts, found.left, found.notes) == ((), None, ())


def test_values_of_a_form_are_judged_and_nothing_is_kept(space):
    before = kinds(space)
    found = space.verdicts.judge({"industry": "Mining", "employees": 40})
    assert found.account_id is None
    assert found.verdict.verdict == verdict(space, "P2").verdict
    assert kinds(space) == before


def test_without_money_both_outcomes_weigh_the_same(scored):
    found = scored.verdicts.judge("P1")
    assert found.verdict.money.break_even == 0.5
    assert found.notes[0].startswith("no money is given")


def test_an_answer_about_a_reason_changes_the_verdict(space):
    space.deals.answer("P1", "reason:no_need", value=True, evidence="by phone")
    found = space.verdicts.judge("P1")
    assert found.verdict.verdict == "walk_away"
    assert found.signals["no_need"].evidence == "by phone"
    space.deals.answer("P1", "reason:no_need", value=False)
    assert verdict(space).verdict == "pursue"
    assert kinds(space)[:2] == ["signal", "signal"]


def test_accounts_are_called_by_name_too(space):
    space.deals.answer("beta", "reason:no_need", value=True)
    assert space.verdicts.judge("BETA").signals["no_need"].holds


def test_an_answer_about_an_attribute_changes_the_score(space):
    assert space.verdicts.judge("P3").verdict.verdict == "not_evaluable"
    asked = verdict(space, "P3").question
    assert asked.code == "attribute:industry"
    space.deals.answer("P3", asked.code, "Retail")
    found = space.verdicts.judge("P3")
    assert found.facts["industry"] == "Retail"
    assert found.explanation.score.fit is not None
    space.deals.answer("P3", "attribute:industry", None)
    assert space.verdicts.judge("P3").explanation.score.fit is None


@pytest.mark.parametrize(
    ("question", "value", "error", "words"),
    [
        ("reason:no_ned", True, ConfigError, "did you mean 'no_need'"),
        ("reason:no_need", "maybe", PolicyError, "is answered yes or no"),
        ("attribute:industri", "x", SchemaError, "did you mean 'industry'"),
        ("attribute:employees", "many", SchemaError, "'employees' needs a number"),
        ("no_need", True, PolicyError, "use reason:<code> or attribute:<column>"),
    ],
)
def test_answers_that_mean_nothing_are_refused(space, question, value, error, words):
    if question == "attribute:employees":
        columns = space.profiles.get().columns
        question = question if "employees" in columns else "attribute:industri"
        words = words if "employees" in columns else "did you mean 'industry'"
    with pytest.raises(error, match=words):
        space.deals.answer("P1", question, value)


def test_the_ladder_is_remembered(space):
    space.deals.answer("P1", "reason:no_value_seen", value=True)
    plays = []
    for _ in range(3):
        found = verdict(space)
        plays.append((found.verdict, found.step.play))
        space.deals.attempt("P1", "no_value_seen", found.step.play)
    assert plays == [
        ("ask", "quantify"),
        ("redirect", "other_stakeholder"),
        ("walk_away", "referral"),
    ]
    assert len(space.verdicts.judge("P1").attempts) == 3


def test_a_step_that_a_reason_does_not_have_is_refused(space):
    with pytest.raises(PolicyError, match="did you mean 'quantify'"):
        space.deals.attempt("P1", "no_value_seen", "quantity")


def test_leaving_keeps_words_and_asks_for_a_referral(space):
    space.deals.answer("P1", "reason:no_need", value=True)
    kept = space.deals.leave("P1", promised="a card at Christmas")
    assert kept.exit.play == "referral"
    assert kept.exit.promised == "a card at Christmas"
    assert space.verdicts.judge("P1").left == kept
    assert [r.account_id for r in space.deals.referrals()] == ["P1"]
    space.deals.refer("P1", came="P2")
    assert space.deals.referrals()[0].came == "P2"
    freed = space.deals.freed()
    assert (freed.exits, freed.hours, freed.money) == (1, 20.0, 0.0)


def test_there_is_nothing_to_leave_where_one_should_go_on(space):
    with pytest.raises(PolicyError, match="the verdict is 'pursue'"):
        space.deals.leave("P1")


def test_an_account_is_taken_up_again(space):
    space.deals.answer("P1", "reason:no_budget", value=True)
    space.deals.leave("P1")
    space.deals.reopen("P1", reason="they called")
    assert space.deals.exits() == []
    with pytest.raises(NotFoundError, match="was not left"):
        space.deals.reopen("P1", reason="again")


def test_who_is_left_again_frees_time_once(space):
    space.deals.answer("P1", "reason:no_budget", value=True)
    first, second = space.deals.leave("P1"), space.deals.leave("P1", promised="a call")
    assert [kept.number for kept in space.deals.exits()] == [second.number]
    assert [kept.number for kept in space.deals.exits(only_open=False)] == [
        second.number,
        first.number,
    ]
    assert space.deals.freed().exits == 1
    space.deals.reopen("P1", reason="they called")
    assert (space.deals.freed().exits, space.deals.freed().hours) == (0, 0.0)


def test_staying_the_second_option_frees_nothing(space):
    space.deals.answer("P1", "reason:price_only", value=True)
    assert space.deals.leave("P1").exit.verdict == "second_option"
    assert space.deals.freed().exits == 0
    assert len(space.deals.exits()) == 1


ACTIONS = {
    "signal": lambda s: s.deals.answer("P1", "reason:no_budget", value=False),
    "answer": lambda s: s.deals.answer("P1", "attribute:employees", 9, evidence="CFO"),
    "attempt": lambda s: s.deals.attempt("P1", "no_budget", "park"),
    "exit": lambda s: s.deals.leave("P1", promised="a call"),
    "reopened": lambda s: s.deals.reopen("P1", reason="they called"),
    "referral": lambda s: s.deals.refer("P1", came="P2"),
    "rule_exception": lambda s: s.deals.allow_gate(
        "P1", "ethics", approver="eve", why="reviewed"
    ),
}


@pytest.mark.parametrize("kind", ACTIONS)
def test_all_that_is_done_lands_in_the_log_with_who_did_it(space, kind):
    space.deals.answer("P1", "reason:no_budget", value=True)
    if kind == "reopened":
        space.deals.leave("P1")
    before = space.events().height
    ACTIONS[kind](space)
    event = space.events(limit=1).row(0, named=True)
    assert (event["kind"], event["actor"]) == (kind, "ann")
    assert space.events().height == before + 1


def test_the_log_keeps_from_whom_an_answer_is(space):
    space.deals.answer("P1", "attribute:employees", 9, evidence="their CFO")
    told = json.loads(space.events(limit=1)["payload"][0])
    assert told["evidence"] == "their CFO"
    assert told["value"] == 9.0


def test_an_answer_is_taken_back(space):
    before = space.verdicts.judge("P1")
    space.deals.answer("P1", "attribute:employees", 4)
    assert space.verdicts.judge("P1").answers == {"employees": 4.0}
    space.deals.answer("P1", "attribute:employees", None)
    after = space.verdicts.judge("P1")
    assert after.answers == {}
    assert after.verdict == before.verdict


def test_a_condition_met_on_leaving_does_not_wake_who_left_the_export(space):
    config = space.path / "reasons.toml"
    config.write_text(
        '[reasons.no_budget.wake]\ntext = "small"\nwhen = "employees < 1000000"\n'
    )
    space.deals.answer("P1", "reason:no_budget", value=True)
    assert not space.deals.leave("P1").exit.armed
    file = space.path / "sources" / "prospects.csv"
    text = file.read_text()
    file.write_text(text.replace("P1,", "X1,"))
    space.imports.run()
    assert not space.deals.exits()[0].exit.armed
    file.write_text(text)
    space.imports.run()
    assert space.deals.awake() == []


def test_an_import_wakes_who_sleeps(space, clock):
    space.deals.answer("P1", "reason:no_budget", value=True)
    space.deals.leave("P1")
    space.imports.run()
    assert space.deals.awake() == []
    clock.pass_time(days=1)
    space.deals.answer("P1", "reason:no_budget", value=False)
    space.imports.run()
    (woke,) = space.deals.awake()
    assert woke.exit.account_id == "P1"
    assert "they name a budget owner" in woke.woke_why
    assert kinds(space)[0] == "woke"
    assert "Look again at 1 account: icp deal exits --due" in (
        space.status().next_steps
    )
    assert space.deals.wake_up() == []


def test_time_wakes_who_sleeps(space, clock):
    space.deals.answer("P1", "reason:no_urgency", value=True)
    space.deals.leave("P1")
    clock.pass_time(days=200)
    (woke,) = space.deals.wake_up()
    assert woke.woke_why.startswith("due for another look")


def test_an_account_that_left_the_export_still_sleeps(space):
    space.deals.answer("P1", "reason:no_budget", value=True)
    space.deals.leave("P1")
    (space.path / "sources" / "prospects.csv").write_text(
        "Account ID,Account Name,Industry,Employees,Website\nP9,Nu,Retail,3,n.example\n"
    )
    space.imports.run()
    assert space.deals.awake() == []
    assert len(space.deals.exits()) == 1


# ----------------------------------------------------------------------- exceptions


def test_a_gate_is_passed_with_a_named_admin_only(space):
    space.deals.answer("P1", "reason:ethics", value=True)
    assert verdict(space).verdict == "walk_away"
    for approver in ("bob", "nobody", "ann", ""):
        with pytest.raises(PermissionDeniedError):
            space.deals.allow_gate("P1", "ethics", approver=approver, why="reviewed")
    with pytest.raises(PermissionDeniedError, match="say why"):
        space.deals.allow_gate("P1", "ethics", approver="eve", why=" ")
    with pytest.raises(PolicyError, match="is no gate"):
        space.deals.allow_gate("P1", "no_need", approver="eve", why="reviewed")
    space.deals.allow_gate("P1", "ethics", approver="eve", why="reviewed")
    found = verdict(space)
    assert found.verdict == "pursue"
    assert found.grounds[0].excepted_by == "eve"
    assert verdict(space, "P2").codes[0] != "ethics"


def test_a_policy_rule_counts_and_so_does_its_exception(space):
    rule = space.rules.add_policy("industry = 'Retail'", why="we never did")
    found = verdict(space)
    assert (found.verdict, found.codes[0]) == ("walk_away", rule.id)
    with pytest.raises(RuleError, match="name somebody else"):
        space.rules.allow_exception(rule.id, "P1", reason="a pilot")
    space.rules.allow_exception(rule.id, "P1", reason="a pilot", approver="eve")
    assert verdict(space).verdict == "pursue"


# ------------------------------------------------------------------------- catalogue


def test_a_workspace_has_reasons_of_its_own(space):
    (space.path / "reasons.toml").write_text('reasons.no_need.title = "Kein Bedarf"')
    assert space.rules.reasons()["no_need"].title == "Kein Bedarf"
    space.deals.answer("P1", "reason:no_need", value=True)
    assert verdict(space).grounds[0].title == "Kein Bedarf"


def test_a_reason_that_is_no_longer_listed_is_left_out(space):
    own = space.path / "reasons.toml"
    own.write_text(HARVEST)
    space.deals.answer("P1", "reason:harvest", value=True)
    assert verdict(space).verdict == "not_now"
    space.deals.leave("P1")
    own.unlink()
    assert verdict(space).verdict == "pursue"
    assert space.scores.run(verdicts=True).rows == 4
    assert space.deals.wake_up() == []


@pytest.mark.parametrize("text", [b"[reasons", b"\xff\xfe", b"asknig.x = 1"])
def test_mistakes_in_it_are_named(space, text):
    (space.path / "reasons.toml").write_bytes(text)
    with pytest.raises(ConfigError, match=r"^reasons\.toml: "):
        space.verdicts.judge("P1")


# ----------------------------------------------------------------------------- lists


def test_a_scored_list_says_the_same_as_each_account_alone(space):
    space.deals.answer("P1", "reason:no_budget", value=True)
    space.deals.answer("P4", "reason:stalled", value=True)
    space.scores.run(verdicts=True)
    frame = space.scores.scored().collect()
    assert frame.columns[-len(VERDICT_COLUMNS) :] == list(VERDICT_COLUMNS)
    for row in frame.iter_rows(named=True):
        alone = verdict(space, row["account_id"])
        assert row["verdict"] == alone.verdict
        assert tuple(row["verdict_reasons"]) == alone.codes
        asked = alone.question.text if alone.question else None
        assert row["next_question"] == asked
    assert space.verdicts.judge_list(frame.lazy()).collect().equals(frame)


def test_a_list_is_judged_by_what_was_noted_since(space):
    space.scores.run()
    space.deals.answer("P1", "reason:no_budget", value=True)
    judged = space.verdicts.judge_list(space.scores.scored()).collect()
    assert judged.columns[-len(VERDICT_COLUMNS) :] == list(VERDICT_COLUMNS)
    said = dict(judged.select("account_id", "verdict").iter_rows())
    assert said == {account: verdict(space, account).verdict for account in said}


def test_a_file_gets_verdict_columns_too(space, tmp_path):
    source, target = tmp_path / "list.csv", tmp_path / "out.csv"
    header = "Account ID,Account Name,Industry,Employees,Website"
    source.write_text(f"{header}\nX1,Nu,Retail,25,n.example\n")
    space.scores.score_file(source, target, verdicts=True)
    (row,) = pl.read_csv(target).to_dicts()
    assert row["verdict"] == "pursue"
    assert row["verdict_reasons"] == "worth_it"
    space.scores.score_file(source, target)
    assert "verdict" not in pl.read_csv(target).columns


def test_who_waits_is_worth_most_and_untouched(space):
    waiting = space.deals.waiting()
    assert waiting.columns == [
        "account_id",
        "account_name",
        "fit",
        "verdict",
        "expected_value",
    ]
    assert "P1" in waiting["account_id"].to_list()
    assert waiting["expected_value"].is_sorted(descending=True)
    space.deals.answer("P1", "reason:no_need", value=False)
    assert "P1" not in space.deals.waiting()["account_id"].to_list()
    assert space.deals.waiting(0).is_empty()


def test_what_people_note_stays_when_the_workspace_is_opened_again(space):
    space.deals.answer("P1", "reason:no_budget", value=True, evidence="CFO")
    with open_workspace(space.path, actor="bob") as again:
        found = again.verdicts.judge("P1")
    assert found.signals["no_budget"].evidence == "CFO"
    events = space.events(limit=1).row(0, named=True)
    assert json.loads(events["payload"])["evidence"] == "CFO"


def test_lost_reasons_are_listed_with_what_they_are_taken_for(space, tmp_path):
    assert space.deals.lost_reasons().is_empty()
    file = tmp_path / "prospects.csv"
    file.write_text(
        "Account ID,Account Name,Industry,Employees,Website,Lost Reason\n"
        "P1,Nu,Retail,3,n.example,Too expensive\nP2,Xi,Retail,3,x.example,moon\n"
        "P3,Pi,Retail,3,p.example,Too expensive\n"
    )
    space.sources.add(file, object="prospects", confirm=True)
    space.imports.run()
    assert space.deals.lost_reasons().rows() == [
        ("Too expensive", 2, "price_only", "too expensive", 100.0),
        ("moon", 1, None, "", 0.0),
    ]
    assert "price_only" in space.verdicts.judge("P1").signals
