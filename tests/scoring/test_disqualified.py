from datetime import date

import polars as pl
import pytest
from generators.strategies import profile_of, table_of

from icp.disqualifiers import Evidence, policy_rule, proposed_rule
from icp.errors import SchemaError
from icp.scoring import explain, score, score_one

DAY = date(2026, 1, 31)
PROFILE = profile_of(
    [table_of("industry", "category", [0, 0, 50, -50], cells=["Retail", "Arms"])]
)
FRAME = pl.DataFrame(
    {
        "industry": ["Arms", "Retail", None],
        "vendors": [6.0, 2.0, None],
    }
)
SEEN = Evidence(
    customers=40,
    all_regrettable=14,
    covered=12,
    regrettable=11,
    p_value=0.01,
    break_even=0.6,
)
POLICY = policy_rule("industry = 'Arms'", by="ada", reason="ethics", why="x", on=DAY)
PROPOSED = proposed_rule("vendors >= 5", SEEN, on=DAY)
ACTIVE = PROPOSED.move("active", by="ann", reason="agreed", on=DAY)
WANTED = [["industry = 'Arms'", "vendors >= 5"], [], []]


def test_rules_in_force_are_named_and_change_nothing_else():
    plain = score(FRAME, PROFILE)
    found = score(FRAME, PROFILE, disqualifiers=(ACTIVE, POLICY))
    assert found["disqualified_by"].to_list() == WANTED
    assert found.drop("disqualified_by").equals(plain.drop("disqualified_by"))
    assert found.schema == plain.schema
    assert plain["disqualified_by"].to_list() == [[], [], []]


def test_rules_that_wait_decide_nothing():
    found = score(FRAME, PROFILE, disqualifiers=(PROPOSED,))
    assert found["disqualified_by"].to_list() == [[], [], []]


def test_lazy_streaming_and_empty_frames_agree():
    rules = (ACTIVE, POLICY)
    lazy = score(FRAME.lazy(), PROFILE, disqualifiers=rules)
    assert lazy.collect(engine="streaming").equals(
        score(FRAME, PROFILE, disqualifiers=rules)
    )
    assert score(FRAME.clear(), PROFILE, disqualifiers=rules).height == 0


def test_one_account_is_told_the_same_as_a_list():
    for row, wanted in zip(FRAME.iter_rows(named=True), WANTED, strict=True):
        alone = score_one(row, PROFILE, disqualifiers=(ACTIVE, POLICY))
        assert list(alone.disqualified_by) == wanted
        told = explain(row, PROFILE, disqualifiers=(ACTIVE, POLICY))
        assert told.score == alone
        assert score_one(row, PROFILE).disqualified_by == ()


def test_a_column_that_is_not_there_covers_nobody():
    found = score(FRAME.drop("vendors"), PROFILE, disqualifiers=(ACTIVE,))
    assert found["disqualified_by"].to_list() == [[], [], []]


def test_a_column_of_another_type_is_named():
    frame = FRAME.with_columns(vendors=pl.lit("many"))
    with pytest.raises(SchemaError, match="a rule reads 'vendors'"):
        score(frame, PROFILE, disqualifiers=(ACTIVE,))
