import json

import pytest


@pytest.fixture
def rich(cli):
    """The workspace with money, so that verdicts differ."""
    config = cli.folder / "icp.toml"
    money = "\n[economics]\nvalue_of_best = 9000\nloss_of_regrettable = 4000\n"
    roles = '\n[roles]\nann = "admin"\neve = "admin"\n'
    config.write_text(config.read_text() + money + roles)
    return cli


def test_check_says_what_to_do_and_why(rich):
    said = rich("check", "alpha", "--invested", "500").stdout
    assert "Verdict: Pursue" in said
    assert "  Expected to be worth it: distance " in said
    assert "Money: pursuing is worth " in said
    assert "break-even 31%; V 9,000, L 4,000, C 0)" in said
    assert "  500 already spent: it changes nothing" in said
    assert "Next question: " in said
    assert "What would change it:" in said


def test_an_answer_changes_the_verdict_at_once(rich):
    said = rich(
        "deal", "answer", "P1", "reason:no_budget", "yes", "--note", "CFO"
    ).stdout
    assert said.startswith("Verdict: Not now\n  No budget: CFO [answer, ")
    assert "Way out: park (no_budget)\n  Say: " in said
    said = rich("deal", "answer", "P1", "reason:no_budget", "no").stdout
    assert said.startswith("Verdict: Pursue\n")


def test_an_attribute_is_answered_and_taken_back(rich):
    rich("deal", "answer", "P3", "attribute:industry", "Retail")
    assert json.loads(rich("check", "P3", "--json").stdout)["score"]["fit"]
    rich("deal", "answer", "P3", "attribute:industry", "unknown")
    assert json.loads(rich("check", "P3", "--json").stdout)["score"]["fit"] is None


def test_a_reason_is_answered_yes_or_no(rich):
    done = rich("deal", "answer", "P1", "reason:no_need", "perhaps", code=3)
    assert done.stderr == "Error: a reason is answered yes or no, not 'perhaps'\n"


def test_steps_exits_and_taking_up_again(rich):
    rich("deal", "answer", "P1", "reason:no_authority", "yes")
    said = rich("deal", "attempt", "P1", "no_authority", "other_stakeholder").stdout
    assert said.startswith("Verdict: Walk away")
    said = rich("deal", "leave", "P1", "--promised", "a card").stdout
    assert said.startswith("Left: referral because of no_authority\n")
    assert "Look again: a decision maker joins, at the latest " in said
    assert "Left on " in rich("check", "P1").stdout
    said = rich("deal", "exits").stdout
    assert "P1" in said
    assert "1 exit freed 20 hours" in said
    rich("deal", "reopen", "P1", "--reason", "they called")
    assert "No accounts to list" in rich("deal", "exits").stderr


def test_nothing_is_left_without_a_reason(rich):
    done = rich("deal", "leave", "P1", code=3)
    assert "the verdict is 'pursue'; there is nothing to leave" in done.stderr


def test_who_woke_is_said_after_an_import(rich):
    rich("deal", "answer", "P1", "reason:no_budget", "yes")
    rich("deal", "leave", "P1")
    assert "Due for another look" not in rich("import").stdout
    rich("deal", "answer", "P1", "reason:no_budget", "no")
    assert "Due for another look: P1, the next budget is set" in rich("import").stdout
    found = json.loads(rich("deal", "exits", "--due", "--json").stdout)
    assert [e["exit"]["account_id"] for e in found["exits"]] == ["P1"]
    assert found["freed"]["exits"] == 1


def test_a_gate_needs_a_named_person(rich):
    rich("deal", "answer", "P1", "reason:ethics", "yes")
    words = ("deal", "allow-gate", "P1", "ethics", "--reason", "reviewed", "--approver")
    assert "name somebody else" in rich(*words, "ann", code=3).stderr
    said = rich(*words, "eve").stdout
    assert said.startswith("Verdict: Pursue")
    assert "(exception approved by eve)" in said


def test_referrals_are_listed_with_who_came(rich):
    said = rich("deal", "refer", "P1", "--led-to", "P2", "--note", "by mail").stdout
    assert "led to" in said
    assert "by mail" in said
    (found,) = json.loads(rich("deal", "refer", "P2", "--json").stdout)[1:]
    assert (found["account_id"], found["came"]) == ("P1", "P2")


def test_who_waits_is_listed_best_first(rich):
    said = rich("deal", "waiting", "--count", "1").stdout
    assert "expected value" in said
    found = json.loads(rich("deal", "waiting", "--json").stdout)
    worth = [row["expected_value"] for row in found]
    assert worth == sorted(worth, reverse=True)


def test_scores_carry_verdicts_where_asked(rich, tmp_path):
    rich("score", "--verdicts")
    target = tmp_path / "out.csv"
    rich("export", "scores", str(target))
    header = target.read_text(encoding="utf-8-sig").splitlines()[0]
    assert header.endswith("verdict,verdict_reasons,next_question,expected_value")


def test_json_says_the_same_as_the_screen(rich):
    found = json.loads(rich("check", "P1", "--json").stdout)
    assert found["verdict"] == "pursue"
    assert found["grounds"][-1]["code"] == "worth_it"
    assert found["money"]["break_even"] == pytest.approx(4 / 13)
    assert found["exit"] is None


def test_lost_reasons_are_asked_for_where_none_are_named(rich):
    assert "map their column to loss_reason" in rich("deal", "lost-reasons").stderr
    assert json.loads(rich("deal", "lost-reasons", "--json").stdout) == []
