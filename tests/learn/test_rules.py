from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from generators.strategies import profile_of

from icp.conditions import parse
from icp.errors import SchemaError, TooFewCustomersError
from icp.learn import RuleOptions, learn_disqualifiers, weigh_rule
from icp.learn.cells import draft_tables
from icp.outcomes import Economics
from icp.schema import AccountSchema

EVEN = Economics(V=1_000, L=1_000)
QUICK = RuleOptions(permutations=200)
DAY = date(2026, 1, 31)


def profile(frame, *, leave=()):
    given = frame.select(pl.exclude("outcome", "account_id", "account_name", *leave))
    schema = AccountSchema.infer(given)
    drafts = draft_tables(given, schema, min_level=4, max_levels=50)
    return profile_of([draft.table for draft in drafts])


def customers(rows=300, *, seed=0, rule="vendors >= 5 and not key", share=0.97):
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {
            "account_id": [f"C-{n:03}" for n in range(rows)],
            "account_name": [f"Firm {n:03}" if n % 2 else None for n in range(rows)],
            "vendors": rng.integers(1, 9, rows).astype(float),
            "key": rng.random(rows) < 0.5,
            "industry": rng.choice(["Retail", "Law", "Arms"], rows),
            "size": np.exp(rng.standard_normal(rows)).round(3),
        }
    )
    inside = frame.select(parse(rule).covers(frame.schema)).to_series().to_numpy()
    bad = np.where(inside, rng.random(rows) < share, rng.random(rows) < 0.12)
    return frame.with_columns(outcome=pl.Series(np.where(bad, "regrettable", "best")))


def found(frame, **options):
    given = {"economics": EVEN, "options": QUICK, "on": DAY, **options}
    return learn_disqualifiers(frame, profile(frame), **given)


def texts(rules):
    return [str(rule.condition) for rule in rules]


def test_the_planted_rule_is_the_only_strong_one():
    frame = customers()
    result = found(frame)
    assert texts(result.strong) == ["key = false and vendors >= 5"]
    rule = result.strong[0]
    assert (rule.state, rule.kind) == ("proposed", "learned")
    assert rule.moves[0].on == DAY
    seen = rule.latest
    inside = frame.filter(rule.condition.covers(frame.schema))
    bad = inside.filter(pl.col("outcome") == "regrettable")
    assert (seen.covered, seen.regrettable) == (inside.height, bad.height)
    assert seen.customers == 300
    assert seen.all_regrettable == (frame["outcome"] == "regrettable").sum()
    assert 0 < seen.later_covered < seen.covered
    assert seen.low < seen.later_regrettable / seen.later_covered <= seen.high
    assert seen.break_even == 0.5
    assert seen.spared == 1_000 * seen.regrettable
    assert seen.cost == 1_000 * seen.best
    assert seen.searched == result.searched
    assert len(seen.profile) == 64


def test_the_best_that_it_would_have_cost_are_named():
    frame = customers(share=0.85)
    seen = found(frame).rules[0].latest
    lost = frame.filter(parse("vendors >= 5 and not key").covers(frame.schema)).filter(
        pl.col("outcome") == "best"
    )
    names = lost.select(pl.coalesce("account_name", "account_id")).to_series()
    assert seen.best_lost == tuple(names.sort())
    bare = frame.drop("account_id", "account_name")
    assert found(bare).rules[0].latest.best_lost == ()


def test_the_order_of_rows_and_columns_does_not_matter():
    frame = customers(200)
    mixed = frame.sample(fraction=1, shuffle=True, seed=9).select(
        reversed(frame.columns)
    )
    assert found(frame) == found(mixed)
    lazy = learn_disqualifiers(
        frame.lazy(), profile(frame), economics=EVEN, options=QUICK, on=DAY
    )
    assert lazy == found(frame)


def test_the_seed_decides_all_chance():
    frame = customers(200)
    assert found(frame, seed=1) == found(frame, seed=1)
    assert found(frame, seed=1).rules != found(frame, seed=2).rules


def test_with_dates_the_newer_third_confirms():
    frame = customers().with_columns(
        day=pl.Series([date(2020, 1, 1) + timedelta(days=5 * n) for n in range(300)])
    )
    result = learn_disqualifiers(
        frame,
        profile(frame, leave=("day",)),
        economics=EVEN,
        options=QUICK,
        date="day",
        on=DAY,
    )
    assert (result.customers, result.later) == (200, 100)
    assert result.split == "closed before 2022-09-27"
    newer = frame.tail(100)
    rule = result.strong[0]
    assert rule.latest.later_covered == (
        newer.select(rule.condition.covers(newer.schema).sum()).item()
    )


def test_a_rule_that_no_longer_holds_is_not_confirmed():
    frame = customers(400).with_columns(
        day=pl.Series([date(2020, 1, 1) + timedelta(days=n) for n in range(400)])
    )
    late = pl.col("day") >= date(2020, 9, 23)
    rng = np.random.default_rng(3)
    noise = pl.Series(np.where(rng.random(400) < 0.3, "regrettable", "best"))
    frame = frame.with_columns(outcome=pl.when(late).then(noise).otherwise("outcome"))
    result = learn_disqualifiers(
        frame, profile(frame, leave=("day",)), economics=EVEN, date="day", on=DAY
    )
    assert result.rules
    assert result.strong == ()
    assert "do not confirm it" in result.rules[0].latest.doubts[0]


@pytest.mark.parametrize("seed", range(3))
def test_meaningless_outcomes_give_no_strong_rule(seed):
    frame = customers(seed=seed)
    frame = frame.with_columns(outcome=frame["outcome"].shuffle(seed))
    assert found(frame).strong == ()


def test_money_decides_whether_a_rule_is_strong():
    frame = customers(share=0.85)
    dear = Economics(V=20_000, L=500)
    assert found(frame).strong
    result = found(frame, economics=dear)
    assert result.strong == ()
    assert "leaving pays from 98%" in result.rules[0].latest.doubts[-1]


def test_neutral_customers_are_counted_and_not_judged():
    frame = customers()
    neutral = frame.head(60).with_columns(outcome=pl.lit("neutral"))
    young = frame.head(9).with_columns(outcome=pl.lit("unknown"))
    more = pl.concat([frame, neutral, young])
    one, other = (result.strong[0].latest for result in (found(frame), found(more)))
    inside = neutral.filter(parse("vendors >= 5 and not key").covers(frame.schema))
    assert other == one.model_copy(
        update={"neutral": inside.height, "profile": other.profile}
    )


@pytest.mark.parametrize("role", ["protected", "owner", "after_sale", "outcome"])
def test_columns_whose_role_forbids_it_are_never_used(role):
    frame = customers()
    schema = AccountSchema.infer(frame.drop("outcome"), roles={"vendors": role})
    result = found(frame, schema=schema)
    assert all("vendors" not in rule.condition.columns for rule in result.rules)
    assert "vendors: its role does not allow it" in result.left_out


def test_a_column_that_is_gone_is_left_out():
    frame = customers()
    result = learn_disqualifiers(
        frame.drop("vendors"), profile(frame), economics=EVEN, options=QUICK
    )
    assert "vendors: the column is missing" in result.left_out
    assert all(rule.moves[0].on == date.today() for rule in result.rules)


def test_groups_are_kept_on_one_side():
    frame = customers(240)
    thrice = pl.concat([frame.with_columns(copy=pl.lit(n)) for n in range(3)])
    result = learn_disqualifiers(
        thrice,
        profile(frame),
        economics=EVEN,
        options=QUICK,
        group="account_id",
        on=DAY,
    )
    assert (result.customers, result.later) == (480, 240)
    assert texts(result.strong) == ["key = false and vendors >= 5"]


def test_three_conditions_only_where_there_are_customers_enough():
    rule = "vendors >= 4 and not key and industry = 'Arms'"
    options = RuleOptions(conditions=3, permutations=100)
    few = found(customers(300, rule=rule), options=options)
    assert "rules of three conditions, below 400 customers" in few.left_out
    many = found(customers(1_200, rule=rule), options=options)
    assert many.left_out == ()
    assert texts(many.strong) == ["industry = 'Arms' and key = false and vendors >= 4"]


def test_too_many_rules_are_cut_coarser_and_said():
    frame = customers()
    result = found(frame, options=RuleOptions(permutations=100, most_rules=300))
    assert result.searched <= 300
    assert any("numbers were cut at" in text for text in result.left_out)
    result = found(frame, options=RuleOptions(permutations=100, most_rules=100))
    assert any("more than one condition" in text for text in result.left_out)


def test_nothing_to_search_is_said():
    frame = customers(12, rule="vendors >= 1", share=0.5)
    result = found(frame)
    assert (result.rules, result.searched) == ((), 0)
    assert "no condition covers 8 customers" in result.left_out[-1]


def test_fewer_permutations_for_time_are_said(monkeypatch):
    monkeypatch.setattr("icp.learn.rule_search._WORK", 1.0)
    result = found(customers(), options=RuleOptions(permutations=300))
    assert result.permutations == 200
    assert "200 of 300 permutations, to save time" in result.left_out


def test_errors_are_those_of_learning_a_profile():
    frame = customers(60)
    with pytest.raises(SchemaError, match="1 missing column: 'day'"):
        found(frame, date="day")
    with pytest.raises(TooFewCustomersError):
        found(frame.with_columns(outcome=pl.lit("best")))


def test_progress_goes_from_nothing_to_all():
    told = []
    found(customers(60), progress=lambda share, phrase: told.append(share))
    assert told[0] == 0.0
    assert told[-1] == 1.0
    assert told == sorted(told)


def test_sentences_say_what_was_tried():
    result = found(customers())
    assert result.sentences()[0].startswith(f"{result.searched:,} rules tried on 200")
    assert result.sentences()[0].endswith("confirmed on 100: 1 strong, 0 in doubt")


def test_a_rule_of_ones_own_is_weighed_on_all_customers():
    frame = customers()
    seen = weigh_rule(frame, parse("vendors >= 5 and not key"), economics=EVEN, on=DAY)
    assert (seen.later_covered, seen.later_regrettable) == (
        seen.covered,
        seen.regrettable,
    )
    assert seen.strong
    nobody = weigh_rule(frame, parse("vendors > 99"), economics=EVEN)
    assert (nobody.covered, nobody.low, nobody.high) == (0, 0.0, 1.0)
    assert not nobody.strong
    with pytest.raises(SchemaError, match="a rule reads 'industry'"):
        weigh_rule(frame, parse("industry > 1"), economics=EVEN)
