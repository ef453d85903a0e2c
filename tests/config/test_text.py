from __future__ import annotations

import re
from datetime import date

import pytest

from icp.conditions import parse
from icp.config import (
    Accepted,
    PolicyConfig,
    SourceConfig,
    accept_column,
    add_policy,
    add_source,
    default_config_text,
    parse_config,
    remove_policy,
    remove_source,
    set_assembly,
    set_outcome,
)
from icp.errors import ConfigError
from icp.ingest.plan import AssemblyPlan
from icp.outcomes import OutcomePolicy

START = """# our workspace
[workspace]
name = "x" # the name

[[sources]] # first
name = "crm" # kept
path = "old.csv"

[outcome]
# in money
currency = "EUR" # what we bill in
[outcome.worth]
value = "paid"

[roles]
ann = "admin" # she knows
"""
COMMENTS = ("# our workspace", "# the name", "# first", "# kept", "# she knows")

POLICY = OutcomePolicy.model_validate(
    {
        "currency": "EUR",
        "worth": {"value": "a", "costs": [{"name": "s", "amount": "b"}]},
        "label": {"column": "stage", "values": {"Closed Won": "best"}},
        "rules": [
            {
                "outcome": "regrettable",
                "when": "x = 'a\"b'",
                "reason": "so",
                "early": True,
            }
        ],
        "thresholds": {"best_top": 0.25},
        "maturity": {"start": "since"},
        "overrides": [
            {
                "account_id": "1",
                "outcome": "best",
                "reason": "r",
                "author": "ann",
                "at": "2024-01-01",
            }
        ],
    }
)
PLAN = AssemblyPlan.model_validate(
    {
        "base": "crm",
        "joins": [
            {
                "source": "crm",
                "on": ["id", {"by": "domain", "left": "site"}],
                "aggregates": [{"name": "n", "take": "count", "role": "outcome"}],
            }
        ],
        "derived": [{"name": "d", "expression": "n + 1"}],
        "roles": {"n": "owner"},
    }
)


def test_the_default_text_is_valid_and_says_nothing_yet():
    config = parse_config(default_config_text(name='A "good" name'))
    assert config.workspace.name == 'A "good" name'
    assert config == parse_config("[workspace]\nname = 'A \"good\" name'")


def test_every_example_of_the_default_text_is_valid():
    lines = default_config_text().splitlines()
    code = re.compile(r"^# ?((\[|[a-z_]+ = |  \{|\]).*)$")
    examples = [found[1] for line in lines if (found := code.match(line))]
    config = parse_config("[workspace]\n" + "\n".join(examples) + _INVOICES)
    assert config.outcome.worth.costs[0].amount == "60 * support_hours"
    assert config.outcome.rules[0].reason == "left: {churn_reason}"
    assert config.assembly.customers.joins[0].aggregates[1].take == "count"
    assert config.learning.accept[0].column == "plan"
    assert config.roles == {"ann": "admin", "bob": "rep"}


_INVOICES = '\n[[sources]]\nname = "invoices"\npath = "x.csv"\n'


def test_add_source_appends_and_keeps_everything_else():
    erp = SourceConfig(name="erp", object="invoices", path="erp.xlsx", sheet="A")
    text = add_source(START, erp)
    config = parse_config(text)
    assert [s.name for s in config.sources] == ["crm", "erp"]
    assert config.source("erp") == erp
    assert all(comment in text for comment in COMMENTS)


def test_add_source_exchanges_the_one_of_its_name():
    text = add_source(START, SourceConfig(name="crm", path="new.csv"))
    assert parse_config(text).source("crm").path == "new.csv"
    assert len(parse_config(text).sources) == 1
    assert all(comment in text for comment in COMMENTS)


def test_add_source_to_an_empty_and_to_the_default_text():
    source = SourceConfig(name="a", path="x")
    for text in ("", default_config_text()):
        assert parse_config(add_source(text, source)).sources == (source,)


def test_remove_source():
    assert parse_config(remove_source(START, "crm")).sources == ()
    assert remove_source(START, "nope") == START
    assert remove_source("", "nope") == ""


def test_set_outcome_keeps_comments_and_what_stays_the_same():
    text = set_outcome(START, POLICY)
    assert parse_config(text).outcome == POLICY
    assert all(comment in text for comment in COMMENTS)
    assert "# what we bill in" in text
    assert set_outcome(text, POLICY) == text


def test_set_outcome_removes_what_is_no_longer_said():
    text = set_outcome(set_outcome(START, POLICY), OutcomePolicy(currency="USD"))
    assert parse_config(text).outcome == OutcomePolicy(currency="USD")


def test_set_assembly():
    text = set_assembly(START, "customers", PLAN)
    assert parse_config(text).assembly.customers == PLAN
    both = set_assembly(text, "prospects", AssemblyPlan(base="crm"))
    config = parse_config(both)
    assert config.assembly.customers == PLAN
    assert config.assembly.prospects == AssemblyPlan(base="crm")
    assert all(comment in both for comment in COMMENTS)
    shorter = set_assembly(both, "customers", AssemblyPlan(base="crm"))
    assert parse_config(shorter).assembly.customers == AssemblyPlan(base="crm")


@pytest.mark.parametrize("text", ["", START, default_config_text()])
def test_accept_column_adds_answers_and_exchanges_them(text):
    first = Accepted(column="plan", who="ann", why="chosen early")
    second = Accepted(column="tags", who="bob", why="ours")
    later = Accepted(column="plan", who="bob", why="asked on the phone")
    for answer in (first, second):
        text = accept_column(text, answer)
    assert parse_config(text).learning.accept == (first, second)
    changed = accept_column(text, later)
    assert parse_config(changed).learning.accept == (later, second)
    assert accept_column(changed, later) == changed


def test_accept_column_keeps_the_rest_of_learning():
    text = '# mine\n[learning]\ngroup = "parent"  # holding\n'
    answer = Accepted(column="plan", who="ann", why="chosen early")
    changed = accept_column(text, answer)
    assert changed.startswith(text)
    learning = parse_config(changed).learning
    assert (learning.group, learning.accept) == ("parent", (answer,))


def test_edits_on_the_default_text_hold_together():
    text = add_source(default_config_text(), SourceConfig(name="crm", path="x"))
    text = set_outcome(set_assembly(text, "customers", PLAN), POLICY)
    text = add_source(text, SourceConfig(name="more", path="y"))
    config = parse_config(text)
    assert (config.outcome, config.assembly.customers) == (POLICY, PLAN)
    assert [s.name for s in config.sources] == ["crm", "more"]


POLICY_RULE = PolicyConfig(
    when="industry = 'Arms'", why="the board", who="ann", since=date(2026, 1, 31)
)


@pytest.mark.parametrize("text", ["", START, default_config_text()])
def test_policies_are_added_exchanged_and_removed(text):
    other = POLICY_RULE.model_copy(
        update={"when": parse("industry = 'Law'"), "reason": "legal"}
    )
    both = add_policy(add_policy(text, POLICY_RULE), other)
    assert parse_config(both).policy == (POLICY_RULE, other)
    said = POLICY_RULE.model_copy(update={"why": "the new board", "title": "No arms"})
    changed = add_policy(both, said)
    assert parse_config(changed).policy == (said, other)
    assert add_policy(changed, said) == changed
    removed = remove_policy(changed, said.when)
    assert parse_config(removed).policy == (other,)
    assert remove_policy(text, said.when) == text
    assert parse_config(remove_policy(removed, other.when)) == parse_config(text)


def test_a_policy_stands_for_a_rule():
    rule = POLICY_RULE.rule
    assert (rule.kind, rule.state, rule.reason) == ("policy", "policy", "ethics")
    assert (rule.moves[0].by, rule.moves[0].reason) == ("ann", "the board")


def test_a_policy_is_said_once():
    text = add_policy("", POLICY_RULE) * 2
    with pytest.raises(ConfigError, match="says more than once: industry = 'Arms'"):
        parse_config(text)


def test_a_policy_that_cannot_be_read_is_named():
    text = add_policy("", POLICY_RULE).replace("= 'Arms'", "=")
    with pytest.raises(ConfigError, match=r"policy.*a value was expected"):
        parse_config(text)
