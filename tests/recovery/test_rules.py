import numpy as np
import polars as pl
import pytest
from generators.strategies import profile_of

from icp.conditions import parse
from icp.demo import draw_demo
from icp.demo.population import DISQUALIFIERS, DRIFTING, NOISE
from icp.learn import RuleOptions, learn_disqualifiers, weigh_rule
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
def fresh():
    # Customers that no search sees, enough of them to tell two rules apart.
    return draw_demo(seed=99, customers=10_000, prospects=5)[0].customers


@pytest.fixture(scope="module", params=[7, 8, 9, 10, 11, 12])
def demo(request):
    return draw_demo(seed=request.param, prospects=5)[0].customers


@pytest.fixture(scope="module")
def strong(demo):
    traits = demo.columns[1 : demo.columns.index("account_id")]
    found = learn_disqualifiers(
        demo,
        cells(demo.select(traits)),
        economics=DEMO,
        date="customer_since",
    )
    return [rule.condition for rule in found.strong]


def covered(rule, frame):
    return frame.select(rule.covers(frame.schema)).to_series().to_numpy()


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


@pytest.mark.parametrize("name", DISQUALIFIERS)
def test_every_planted_rule_would_be_strong_if_asked_for(demo, name):
    assert weigh_rule(demo, parse(DISQUALIFIERS[name]), economics=DEMO).strong


@pytest.mark.parametrize("name", DISQUALIFIERS)
def test_every_planted_rule_is_found_as_itself(strong, fresh, name):
    planted = covered(parse(DISQUALIFIERS[name]), fresh)
    assert max(overlap(planted, covered(rule, fresh)) for rule in strong) >= 0.85


def test_no_other_rule_is_strong(strong):
    assert len(strong) == len(DISQUALIFIERS)


@pytest.mark.parametrize("column", [*NOISE, DRIFTING])
def test_noise_is_in_no_strong_rule(strong, column):
    assert not any(column in rule.columns for rule in strong)
