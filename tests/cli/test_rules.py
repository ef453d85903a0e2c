import json

import pytest

MONEY = "\n[economics]\nvalue_of_best = 1000\nloss_of_regrettable = 1000\n"


@pytest.fixture
def book(cli):
    config = cli.folder / "icp.toml"
    config.write_text(config.read_text() + MONEY)
    return cli


@pytest.fixture
def rule(book):
    return json.loads(book("rules", "search", "--json").stdout)["rules"][0]["id"]


def test_there_are_no_rules_at_first(book):
    done = book("rules", "list")
    assert done.stdout == ""
    assert "icp rules search searches" in done.stderr
    assert json.loads(book("rules", "list", "--json").stdout) == []


def test_find_says_what_was_tried_and_found(book):
    text = book("rules", "search").stdout
    assert "rules tried on 60 customers" in text
    assert "would have spared you" in text
    assert "(new)" in text
    assert "icp rules activate" in text
    assert "(same)" in book("rules", "search").stdout


def test_list_shows_rules_of_a_state(book, rule):
    assert rule in book("rules", "list").stdout
    assert rule in book("rules", "list", "--state", "proposed").stdout
    assert rule not in book("rules", "list", "--state", "active").stdout
    assert (
        "did you mean 'proposed'"
        in book("rules", "list", "--state", "propose", code=3).stderr
    )


def test_activate_watch_and_retire_move_a_rule(book, rule):
    assert "is now shadow" in book("rules", "watch", rule, "--reason", "few").stdout
    assert "is now active" in book("rules", "activate", rule, "--reason", "ok").stdout
    done = book("rules", "retire", rule, "--reason", "over", "--json")
    assert json.loads(done.stdout)["state"] == "retired"
    text = book("rules", "show", rule).stdout
    assert "ann" in text
    assert "over" in text
    said = book("rules", "activate", rule, "--reason", "x", code=3).stderr
    assert "it can become 'proposed'" in said


def test_reject_is_for_proposals_only(book, rule):
    assert "is now retired" in book("rules", "reject", rule, "--reason", "no").stdout
    assert (
        "not proposed" in book("rules", "reject", rule, "--reason", "x", code=3).stderr
    )
    assert "held back" in book("rules", "search").stdout


def test_show_as_json_has_the_condition_as_text(book, rule):
    document = json.loads(book("rules", "show", rule[:5], "--json").stdout)
    assert document["id"] == rule
    assert "industry" in document["condition"]
    assert document["words"]
    assert document["evidence"][0]["covered"] > 0


def test_try_says_what_a_rule_would_have_done(book):
    text = book("rules", "try", "industry = 'Mining'").stdout
    assert "would have spared you 26 of" in text
    assert "Strong" in text or "In doubt" in text
    seen = json.loads(book("rules", "try", "industry = 'Mining'", "--json").stdout)
    assert (seen["covered"], seen["regrettable"]) == (30, 26)
    assert "a value was expected" in book("rules", "try", "a =", code=3).stderr


def test_policy_and_exceptions(book):
    done = book(
        *("rules", "add-policy", "industry = 'Arms'", "--reason", "the board"),
        *("--review-on", "2027-01-31", "--title", "No arms", "--json"),
    )
    laid = json.loads(done.stdout)
    assert (laid["state"], laid["review_on"]) == ("policy", "2027-01-31")
    assert "No arms" in book("rules", "list").stdout
    words = ("rules", "allow-exception", laid["id"], "P1", "--reason", "a friend")
    assert "name somebody else" in book(*words, code=3).stderr
    assert "approved by bea" in book(*words, "--approver", "bea").stdout
    assert json.loads(book(*words, "--approver", "bea", "--json").stdout)["rule"]
    plain = book("rules", "add-policy", "industry = 'Law'", "--reason", "x").stdout
    assert plain.endswith("industry is Law\n")


def test_a_rule_that_is_not_there(book):
    assert "no rule is called" in book("rules", "show", "zz", code=4).stderr


def test_nothing_to_search_yet(fresh):
    assert "Error:" in fresh("rules", "search", code=4).stderr
