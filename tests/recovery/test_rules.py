import numpy as np
import polars as pl
import pytest
from strategies import profile_of

from icp.conditions import parse
from icp.demo import draw_demo
from icp.demo.population import DISQUALIFIERS, DRIFTING, NOISE
from icp.learn import RuleOptions, learn_disqualifiers, weighed
from icp.learn.cells import draft_tables
from icp.outcomes import Economics
from icp.schema import AccountSchema

pytestmark = pytest.mark.slow

EVEN = Economics(V=1_000, L=1_000)
DEMO = Economics(V=30_000, L=10_000)
RUNS = 20


def cells(frame):
    drafts = draft_tables(
        frame, AccountSchema.infer(frame), min_level=4, max_levels=100
    )
    return profile_of([draft.table for draft in drafts])


def accounts(rng, rows=200):
    return pl.DataFrame(
        {
            "size": 20 * np.exp(rng.standard_normal(rows)),
            "deals": rng.poisson(4, rows).astype(float),
            "industry": rng.choice(list("ABCDE"), rows),
            "region": rng.choice(list("XYZ"), rows),
            "key": rng.random(rows) < 0.5,
            "partner": rng.random(rows) < 0.5,
        }
    )


def searched(frame, bad, seed):
    outcome = pl.Series(np.where(bad, "regrettable", "best"))
    return learn_disqualifiers(
        frame.with_columns(outcome=outcome),
        cells(frame),
        economics=EVEN,
        options=RuleOptions(permutations=200),
        seed=seed,
    )


def test_outcomes_without_meaning_give_no_strong_rule():
    strong = 0
    for seed in range(RUNS):
        rng = np.random.default_rng(seed)
        frame = accounts(rng)
        strong += bool(searched(frame, rng.permutation(200) < 60, seed).strong)
    assert strong <= 1


def test_a_planted_rule_is_found_and_confirmed():
    hits = 0
    for seed in range(RUNS):
        rng = np.random.default_rng([1, seed])
        frame = accounts(rng)
        cut = frame.filter("key")["size"].quantile(0.76)
        inside = frame.select(pl.col("key") & (pl.col("size") >= cut)).to_series()
        chance = np.where(inside.to_numpy(), 0.95, 0.21)
        found = searched(frame, rng.random(200) < chance, seed)
        told = [r for r in found.rules if r.latest.found and r.latest.confirmed]
        hits += any(r.condition.columns == {"key", "size"} for r in told)
    assert hits >= 0.7 * RUNS


@pytest.fixture(scope="module")
def demo():
    return draw_demo(seed=7)[0].customers, draw_demo(seed=8)[0].customers


@pytest.fixture(scope="module")
def found(demo):
    customers, _ = demo
    traits = customers.columns[1 : customers.columns.index("account_id")]
    return learn_disqualifiers(
        customers,
        cells(customers.select(traits)),
        economics=DEMO,
        date="customer_since",
    )


@pytest.mark.parametrize("name", DISQUALIFIERS)
def test_every_planted_rule_would_be_strong_if_asked_for(demo, name):
    assert weighed(demo[0], parse(DISQUALIFIERS[name]), economics=DEMO).strong


@pytest.mark.parametrize("name", DISQUALIFIERS)
def test_strong_rules_cover_most_customers_of_every_planted_one(demo, found, name):
    fresh = demo[1].filter(parse(DISQUALIFIERS[name]).covers(demo[1].schema))
    covered = fresh.filter(
        pl.any_horizontal(r.condition.covers(fresh.schema) for r in found.strong)
    )
    # Broader rules stand for narrow ones, which are then not listed themselves.
    assert covered.height >= 0.6 * fresh.height


def test_no_strong_rule_is_an_accident(demo, found):
    fresh = demo[1].filter(pl.col("outcome").is_in(["best", "regrettable"]))
    for rule in found.strong:
        inside = fresh.filter(rule.condition.covers(fresh.schema))
        share = (inside["outcome"] == "regrettable").mean()
        assert share > 1 - DEMO.break_even
        assert not rule.condition.columns & {*NOISE, DRIFTING}
