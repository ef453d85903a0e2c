from datetime import date

import polars as pl
import pytest

from icp.errors import NotFoundError, PermissionDeniedError, PolicyError, RuleError
from icp.workflow import open_workspace

MONEY = "\n[economics]\nvalue_of_best = 1000\nloss_of_regrettable = 1000\n"


@pytest.fixture
def space(scored, clock):
    config = scored.path / "icp.toml"
    config.write_text(config.read_text() + MONEY)
    with open_workspace(scored.path, actor="ann", clock=clock) as workspace:
        yield workspace


@pytest.fixture
def rule(space):
    found = space.find_disqualifiers().rules
    assert found
    return found[0]


def kinds(space):
    return space.events()["kind"].to_list()


def test_a_search_proposes_and_puts_nothing_in_force(space):
    found = space.find_disqualifiers()
    assert "industry" in {c for rule in found.rules for c in rule.condition.columns}
    assert set(found.became.values()) == {"new"}
    assert {rule.state for rule in space.disqualifiers()} == {"proposed"}
    assert "rules tried on 60 customers" in found.sentences[0]
    assert kinds(space)[0] == "rule_proposed"
    assert set(space.find_disqualifiers().became.values()) == {"same"}


def test_a_search_needs_to_know_what_customers_are_worth(scored):
    with pytest.raises(PolicyError, match="value_of_best"):
        scored.find_disqualifiers()


def test_a_person_decides_and_the_log_knows_who(space, rule):
    moved = space.move_disqualifier(rule.id[:4], "active", reason="agreed")
    assert (moved.state, moved.moves[-1].by) == ("active", "ann")
    assert moved.moves[-1].on == date(2026, 3, 1)
    assert space.disqualifier(rule.id) == moved
    assert space.disqualifiers("active") == (moved,)
    event = space.events().row(0, named=True)
    assert (event["kind"], event["actor"]) == ("rule_moved", "ann")
    with pytest.raises(RuleError, match="nobody says why"):
        space.move_disqualifier(rule.id, "retired", reason=" ")


def test_rules_are_called_by_the_start_of_their_id(space, rule):
    with pytest.raises(NotFoundError, match="no rule is called 'zz'"):
        space.disqualifier("zz")
    with pytest.raises(NotFoundError, match="no rule is called ''"):
        space.disqualifier("")
    space.add_policy_rule("industry = 'Arms'", why="the board")
    both = {r.id[0] for r in space.disqualifiers()}
    if len(both) < len(space.disqualifiers()):
        with pytest.raises(NotFoundError, match="2 rules start with"):
            space.disqualifier(both.pop())


def test_policy_is_written_into_the_settings_and_comes_first(space, rule):
    laid = space.add_policy_rule(
        "industry = 'Arms'",
        why=" the board ",
        title="No arms",
        review_on=date(2027, 1, 1),
    )
    assert (laid.state, laid.moves[0].by) == ("policy", "ann")
    assert space.disqualifiers()[0] == laid
    text = (space.path / "icp.toml").read_text()
    assert "[[policy]]" in text
    assert "since = 2026-03-01" in text
    with open_workspace(space.path, actor="bob") as again:
        assert again.disqualifiers("policy") == (laid,)
    assert kinds(space)[0] == "policy_rule"


def test_a_policy_that_is_retired_leaves_the_settings(space):
    laid = space.add_policy_rule("industry = 'Arms'", why="the board")
    over = space.move_disqualifier(laid.id, "retired", reason="the board again")
    assert over.state == "retired"
    assert space.disqualifiers() == ()
    assert "Arms'\"" not in (space.path / "icp.toml").read_text().split("[roles]")[-1]
    assert kinds(space)[0] == "policy_rule"


@pytest.mark.parametrize(
    ("when", "why", "said"),
    [
        ("industri = 'Arms'", "x", "did you mean 'industry'"),
        ("industry =", "x", "a value was expected"),
        ("industry = 'Arms'", " ", "nobody says why"),
    ],
)
def test_a_policy_that_says_nothing_is_refused(space, when, why, said):
    before = (space.path / "icp.toml").read_text()
    with pytest.raises(RuleError, match=said):
        space.add_policy_rule(when, why=why)
    assert (space.path / "icp.toml").read_text() == before


def test_a_rule_of_ones_own_can_be_tried(space):
    seen = space.try_rule("industry = 'Mining'")
    assert (seen.covered, seen.regrettable, seen.customers) == (30, 26, 90)
    assert seen.on == date(2026, 3, 1)
    with pytest.raises(RuleError, match="no account has the column 'x'"):
        space.try_rule("x = 1")


def test_an_exception_needs_a_reason_and_for_policy_somebody_else(space, rule):
    laid = space.add_policy_rule("industry = 'Arms'", why="the board")
    made = space.allow_exception(rule.id, "P1", reason="a friend")
    assert (made.asked_by, made.approver) == ("ann", None)
    with pytest.raises(RuleError, match="name somebody else"):
        space.allow_exception(laid.id, "P1", reason="x", approver="ann")
    allowed = space.allow_exception(laid.id, "P1", reason="x", approver="bea")
    assert space.exceptions("P1") == [made, allowed]
    assert space.exceptions("P2") == []
    with pytest.raises(RuleError, match="nobody says why"):
        space.allow_exception(rule.id, "P1", reason="")


def test_an_exception_is_for_an_account_that_there_is(space, rule):
    with pytest.raises(NotFoundError, match="no prospect or customer 'P99'"):
        space.allow_exception(rule.id, "P99", reason="a friend")
    assert space.exceptions() == []
    (name,) = (
        space.accounts("prospects")
        .filter(account_id="P2")
        .collect()["account_name"]
        .to_list()
    )
    made = space.allow_exception(rule.id, name, reason="a friend")
    assert made.account_id == "P2"


def test_who_approves_must_be_allowed_to_judge(space, rule):
    config = space.path / "icp.toml"
    config.write_text(config.read_text() + '\n[roles]\nann = "rep"\nbob = "rep"\n')
    with open_workspace(space.path, actor="ann") as limited:
        with pytest.raises(PermissionDeniedError, match="'bob' is rep here"):
            limited.allow_exception(rule.id, "P1", reason="x", approver="bob")
        assert limited.allow_exception(rule.id, "P1", reason="x").approver is None


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("viewer", {"look"}),
        ("rep", {"look", "except"}),
        ("analyst", {"look", "except", "move", "find", "policy", "try"}),
    ],
)
def test_who_may_do_what(space, rule, role, may):
    acts = {
        "look": lambda w: (w.disqualifiers(), w.disqualifier(rule.id), w.exceptions()),
        "except": lambda w: w.allow_exception(rule.id, "P1", reason="x"),
        "move": lambda w: w.move_disqualifier(rule.id, "shadow", reason="x"),
        "find": lambda w: w.find_disqualifiers(),
        "policy": lambda w: w.add_policy_rule("industry = 'Arms'", why="x"),
        "try": lambda w: w.try_rule("industry = 'Arms'"),
    }
    with open_workspace(space.path, actor="bob", role=role) as limited:
        for name, act in acts.items():
            if name in may:
                act(limited)
            else:
                with pytest.raises(PermissionDeniedError):
                    act(limited)


def test_progress_is_told(space):
    told = []
    space.find_disqualifiers(progress=lambda share, phrase: told.append(share))
    assert told[-1] == 1.0


def test_scores_and_checks_name_the_rules_in_force(space, tmp_path):
    laid = space.add_policy_rule("industry = 'Mining'", why="the board")
    space.score()
    scored = space.scored().collect()
    mining = scored["industry"] == "Mining"
    named = scored["disqualified_by"].list.len() > 0
    assert named.to_list() == mining.fill_null(value=False).to_list()
    assert space.check("P2").score.disqualified_by == (str(laid.condition),)
    assert space.check("P1").score.disqualified_by == ()
    target = tmp_path / "out.parquet"
    space.score_file(space.path / "sources" / "prospects.csv", target)
    written = pl.read_parquet(target)
    assert written["disqualified_by"].to_list() == scored["disqualified_by"].to_list()
