from datetime import date

import polars as pl
import pytest

from icp.disqualifiers import Evidence, proposed_rule
from icp.errors import NotFoundError, PermissionDeniedError, PolicyError, RuleError
from icp.store.disqualifiers import RuleBook
from icp.workflow import open_workspace

DAY = date(2026, 1, 31)
STRONG = Evidence(
    customers=9,
    all_regrettable=5,
    covered=4,
    regrettable=4,
    p_value=0.01,
    later_p_value=0.01,
    low=0.9,
    break_even=0.6,
)
MONEY = "\n[economics]\nvalue_of_best = 1000\nloss_of_regrettable = 1000\n"


@pytest.fixture
def space(scored, clock):
    config = scored.path / "icp.toml"
    config.write_text(config.read_text() + MONEY)
    with open_workspace(scored.path, actor="ann", clock=clock) as workspace:
        yield workspace


@pytest.fixture
def rule(space):
    found = space.rules.search().rules
    assert found
    return found[0]


def kinds(space):
    return space.events()["kind"].to_list()


def test_a_search_proposes_and_puts_nothing_in_force(space):
    found = space.rules.search()
    assert "industry" in {c for rule in found.rules for c in rule.condition.columns}
    assert set(found.became.values()) == {"new"}
    assert {rule.state for rule in space.rules.list()} == {"proposed"}
    assert "rules tried on 60 customers" in found.sentences[0]
    assert kinds(space)[0] == "rule_proposed"
    assert set(space.rules.search().became.values()) == {"same"}


def test_a_search_needs_to_know_what_customers_are_worth(scored):
    with pytest.raises(PolicyError, match="value_of_best"):
        scored.rules.search()


def test_a_person_decides_and_the_log_knows_who(space, rule):
    moved = space.rules.move(rule.id[:4], "active", reason="agreed")
    assert (moved.state, moved.moves[-1].by) == ("active", "ann")
    assert moved.moves[-1].on == date(2026, 3, 1)
    assert space.rules.get(rule.id) == moved
    assert space.rules.list("active") == (moved,)
    event = space.events().row(0, named=True)
    assert (event["kind"], event["actor"]) == ("rule_moved", "ann")
    with pytest.raises(RuleError, match="a reason is required"):
        space.rules.move(rule.id, "retired", reason=" ")


def test_rules_are_called_by_the_start_of_their_id(space, rule):
    with pytest.raises(NotFoundError, match="no rule is called 'zz'"):
        space.rules.get("zz")
    with pytest.raises(NotFoundError, match="no rule is called ''"):
        space.rules.get("")
    space.rules.add_policy("industry = 'Arms'", why="the board")
    both = {r.id[0] for r in space.rules.list()}
    if len(both) < len(space.rules.list()):
        with pytest.raises(NotFoundError, match="2 rules start with"):
            space.rules.get(both.pop())


def test_policy_is_written_into_the_settings_and_comes_first(space, rule):
    laid = space.rules.add_policy(
        "industry = 'Arms'",
        why=" the board ",
        title="No arms",
        review_on=date(2027, 1, 1),
    )
    assert (laid.state, laid.moves[0].by) == ("policy", "ann")
    assert space.rules.list()[0] == laid
    text = (space.path / "icp.toml").read_text()
    assert "[[policy]]" in text
    assert "since = 2026-03-01" in text
    with open_workspace(space.path, actor="bob") as again:
        assert again.rules.list("policy") == (laid,)
    assert kinds(space)[0] == "policy_rule"


def test_a_policy_that_is_retired_leaves_the_settings(space):
    laid = space.rules.add_policy("industry = 'Arms'", why="the board")
    over = space.rules.move(laid.id, "retired", reason="the board again")
    assert over.state == "retired"
    assert space.rules.list() == ()
    assert "Arms'\"" not in (space.path / "icp.toml").read_text().split("[roles]")[-1]
    assert kinds(space)[0] == "policy_rule"


@pytest.mark.parametrize(
    ("when", "why", "said"),
    [
        ("industri = 'Arms'", "x", "did you mean 'industry'"),
        ("industry =", "x", "a value was expected"),
        ("industry = 'Arms'", " ", "a reason is required"),
    ],
)
def test_a_policy_that_says_nothing_is_refused(space, when, why, said):
    before = (space.path / "icp.toml").read_text()
    with pytest.raises(RuleError, match=said):
        space.rules.add_policy(when, why=why)
    assert (space.path / "icp.toml").read_text() == before


def test_a_rule_of_ones_own_can_be_tried(space):
    seen = space.rules.try_rule("industry = 'Mining'")
    assert (seen.covered, seen.regrettable, seen.customers) == (30, 26, 90)
    assert seen.on == date(2026, 3, 1)
    with pytest.raises(RuleError, match="no account has the column 'x'"):
        space.rules.try_rule("x = 1")


def test_an_exception_needs_a_reason_and_for_policy_somebody_else(space, rule):
    laid = space.rules.add_policy("industry = 'Arms'", why="the board")
    made = space.rules.allow_exception(rule.id, "P1", reason="a friend")
    assert (made.asked_by, made.approver) == ("ann", None)
    with pytest.raises(RuleError, match="name somebody else"):
        space.rules.allow_exception(laid.id, "P1", reason="x", approver="ann")
    allowed = space.rules.allow_exception(laid.id, "P1", reason="x", approver="bea")
    assert space.rules.exceptions("P1") == [made, allowed]
    assert space.rules.exceptions("P2") == []
    with pytest.raises(RuleError, match="a reason is required"):
        space.rules.allow_exception(rule.id, "P1", reason="")


def test_an_exception_is_for_an_account_that_there_is(space, rule):
    with pytest.raises(NotFoundError, match="no prospect or customer 'P99'"):
        space.rules.allow_exception(rule.id, "P99", reason="a friend")
    assert space.rules.exceptions() == []
    (name,) = (
        space.accounts.table("prospects")
        .filter(account_id="P2")
        .collect()["account_name"]
        .to_list()
    )
    made = space.rules.allow_exception(rule.id, name, reason="a friend")
    assert made.account_id == "P2"


def test_who_approves_must_be_allowed_to_judge(space, rule):
    config = space.path / "icp.toml"
    config.write_text(config.read_text() + '\n[roles]\nann = "rep"\nbob = "rep"\n')
    with open_workspace(space.path, actor="ann") as limited:
        with pytest.raises(PermissionDeniedError, match="'bob' is rep here"):
            limited.rules.allow_exception(rule.id, "P1", reason="x", approver="bob")
        assert limited.rules.allow_exception(rule.id, "P1", reason="x").approver is None


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
        "look": lambda w: (w.rules.list(), w.rules.get(rule.id), w.rules.exceptions()),
        "except": lambda w: w.rules.allow_exception(rule.id, "P1", reason="x"),
        "move": lambda w: w.rules.move(rule.id, "shadow", reason="x"),
        "find": lambda w: w.rules.search(),
        "policy": lambda w: w.rules.add_policy("industry = 'Arms'", why="x"),
        "try": lambda w: w.rules.try_rule("industry = 'Arms'"),
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
    space.rules.search(progress=lambda share, phrase: told.append(share))
    assert told[-1] == 1.0


def test_scores_and_checks_name_the_rules_in_force(space, tmp_path):
    laid = space.rules.add_policy("industry = 'Mining'", why="the board")
    space.scores.run()
    scored = space.scores.scored().collect()
    mining = scored["industry"] == "Mining"
    named = scored["disqualified_by"].list.len() > 0
    assert named.to_list() == mining.fill_null(value=False).to_list()
    assert space.scores.check("P2").score.disqualified_by == (str(laid.condition),)
    assert space.scores.check("P1").score.disqualified_by == ()
    target = tmp_path / "out.parquet"
    space.scores.score_file(space.path / "sources" / "prospects.csv", target)
    written = pl.read_parquet(target)
    assert written["disqualified_by"].to_list() == scored["disqualified_by"].to_list()


def test_of_the_rules_that_wait_strong_ones_are_first(space, monkeypatch):
    doubtful = STRONG.model_copy(update={"low_beside": 0.2})
    rules = [("a = 1", doubtful), ("b = 1", STRONG), ("c = 1", doubtful)]
    waiting = [proposed_rule(text, evidence, on=DAY) for text, evidence in rules]
    monkeypatch.setattr(RuleBook, "all", lambda _book: waiting)
    assert space.rules.list() == (waiting[1], waiting[0], waiting[2])
