import numpy as np
import polars as pl
import pytest

from icp.demo import draw_demo
from icp.demo.history import LEAKS
from icp.demo.population import ARCHETYPES, DISQUALIFIERS, NOISE
from icp.learn import FitOptions, fit_profile
from icp.schema import AccountSchema
from icp.scoring import score

pytestmark = pytest.mark.slow

NOT_ATTRIBUTES = {
    "account_id": "identifier",
    "customer_since": "date",
    **dict.fromkeys(["archetype", "outcome", "covered"], "ignored"),
}


def prepared(frame, *columns):
    traits = [
        name
        for name in frame.columns
        if name in ATTRIBUTES and frame[name].null_count() < frame.height
    ]
    return frame.select("account_id", *columns, *traits)


ATTRIBUTES = (
    "industry",
    "employees",
    "annual_revenue",
    "billing_country",
    "year_founded",
    "tech_stack",
    "crm_used",
    "funding",
    "lead_source",
    "sites",
    "headcount_growth",
    "buying_process",
    "vendors_in_play",
    "operations_team",
    "hosting",
    *NOISE,
    *LEAKS,
)


@pytest.fixture(scope="module")
def drawn():
    return draw_demo()


@pytest.fixture(scope="module")
def customers(drawn):
    covered = pl.any_horizontal(map(pl.sql_expr, DISQUALIFIERS.values()))
    return drawn[0].customers.with_columns(covered=covered.fill_null(value=False))


@pytest.fixture(scope="module")
def profile(customers):
    frame = prepared(customers, "outcome", "archetype", "customer_since", "covered")
    schema = AccountSchema.infer(frame, roles=NOT_ATTRIBUTES)
    return fit_profile(
        frame, schema=schema, date="customer_since", options=FitOptions(refits=20)
    )


@pytest.fixture(scope="module")
def fresh():
    # Prospects nobody has learnt from, complete, with the kind of company known.
    return draw_demo(seed=70, customers=10, prospects=3000)[1].filter(~pl.col("odd"))


def shares_of(profile, outcome):
    return [s for s in profile.segments if s.kind == outcome]


def information(profile):
    totals = {}
    for table in profile.tables:
        totals[table.column] = totals.get(table.column, 0) + table.information
    return totals


def test_best_and_regrettable_can_be_told_apart(profile):
    assert profile.provenance.evidence.level in {"moderate", "strong"}
    assert profile.provenance.evidence.auc_low > 0.85


@pytest.mark.parametrize("column", LEAKS)
def test_planted_leak_is_refused(profile, column):
    refused = {f.column for f in profile.provenance.findings if f.excluded}
    assert column in refused
    assert column not in profile.columns


def test_only_leaks_are_refused(profile):
    refused = {f.column for f in profile.provenance.findings if f.excluded}
    assert refused == set(LEAKS)


def test_noise_gets_little_weight(profile):
    held = information(profile)
    share = {name: held.get(name, 0) / sum(held.values()) for name in NOISE}
    assert max(share.values()) < 0.05
    assert max(held.get(name, 0) for name in NOISE) < held["industry"] / 3


@pytest.mark.parametrize("archetype", [a for a in ARCHETYPES if a.outcome != "mixed"])
def test_planted_segment_is_found(profile, fresh, archetype):
    position = ARCHETYPES.index(archetype)
    members = fresh.filter(pl.col("archetype") == position)
    nearest = score(prepared(members), profile)[f"nearest_{archetype.outcome}"]
    counts = nearest.value_counts(sort=True)
    assert counts["count"][0] / members.height > 0.75


@pytest.mark.parametrize("outcome", ["best", "regrettable"])
def test_planted_segments_are_not_mixed_up(profile, fresh, outcome):
    scored = score(prepared(fresh, "archetype"), profile)
    places = [i for i, a in enumerate(ARCHETYPES) if a.outcome == outcome]
    usual = [
        scored.filter(pl.col("archetype") == place)[f"nearest_{outcome}"].mode()[0]
        for place in places
    ]
    assert len(set(usual)) == len(places)


def test_not_many_more_segments_than_planted(profile):
    assert 3 <= len(shares_of(profile, "best")) <= 5
    assert 2 <= len(shares_of(profile, "regrettable")) <= 4


@pytest.mark.parametrize(
    ("outcome", "trait"),
    [
        ("best", "industry: Software"),
        ("best", "industry: Logistics"),
        ("best", "industry: Manufacturing"),
        ("regrettable", "Price comparison"),
        ("regrettable", "Tender portal"),
    ],
)
def test_planted_traits_are_named(profile, outcome, trait):
    named = [t for s in shares_of(profile, outcome) for t in s.traits]
    assert any(trait in text for text in named)


def margins(frame, profile):
    return score(prepared(frame), profile)["margin"].to_numpy()


def test_good_companies_score_above_regrettable_ones(profile, fresh):
    kinds = fresh["archetype"].to_numpy()
    found = margins(fresh, profile)
    best = found[np.isin(kinds, [0, 1, 2])]
    regrettable = found[np.isin(kinds, [3, 4])]
    ahead = (best[:, None] > regrettable[None, :]).mean()
    assert ahead > 0.93
    assert np.median(best) > 0 > np.median(regrettable)


@pytest.mark.parametrize("condition", DISQUALIFIERS.values(), ids=list(DISQUALIFIERS))
def test_disqualified_companies_score_below_the_others(profile, fresh, condition):
    covered = fresh.filter(pl.sql_expr(condition))
    free = fresh.filter(~pl.sql_expr(condition).fill_null(value=False))
    assert covered.height >= 50
    assert np.median(margins(covered, profile)) < np.median(margins(free, profile))


def test_companies_unlike_any_customer_are_not_scored(profile, drawn):
    odd = drawn[1].filter("odd")
    scored = score(prepared(odd), profile)
    assert (scored["state"] == "not_evaluable").mean() > 0.5
    usual = score(prepared(drawn[1].filter(~pl.col("odd"))), profile)
    assert (usual["state"] == "scored").mean() > 0.6
    assert scored["novelty_p"].median() < usual["novelty_p"].quantile(0.05)
