from __future__ import annotations

from math import ceil, exp, log

import pytest
from generators.planted import closed_customers
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from icp.learn import FitOptions, fit_profile
from icp.learn.evidence import capacity, per_effect
from icp.profile import Evidence, Profile

QUICK = FitOptions(refits=0, max_segments=1)


def evidence(*, gain: float = 0.2, auc: float = 0.8, level: str = "moderate"):
    return Evidence(
        level=level,
        auc=auc,
        auc_low=auc - 0.05,
        auc_high=auc + 0.05,
        log_loss=0.69 - gain,
        base_log_loss=0.69,
        brier=0.2,
        method="",
    )


def largest_r_squared(share: float) -> float:
    return 1 - (share**share * (1 - share) ** (1 - share)) ** 2


def test_the_example_of_pmsampsize() -> None:
    """R's pmsampsize(type = "b", cstatistic -> 0.288, parameters 24, prevalence 0.174).

    Its criteria give 623, 662 and 221 customers.
    """
    most = largest_r_squared(0.174)
    assert ceil(24 / (-0.1 * log(1 - 0.288 / 0.9))) == 623
    assert ceil(24 * per_effect(0.288, most)) == 662
    found = capacity(174, 826, 24, evidence())
    assert found.needed_for_share == 221


@pytest.mark.parametrize("reached", [0.05, 0.15, 0.3, 0.6])
def test_as_many_customers_as_make_shrinkage_what_is_wished(reached: float) -> None:
    """Solves S = 1 + p / (n ln(1 - R2 / S)) by bisection instead."""
    most = largest_r_squared(0.5)

    def too_few(customers: float) -> bool:
        wished = max(0.9, reached / (reached + 0.05 * most))
        return wished - 1 - 1 / (customers * log(1 - reached / wished))

    assert per_effect(reached, most) == pytest.approx(brentq(too_few, 1e-3, 1e6))


def test_nothing_found_takes_a_usual_strength() -> None:
    found = capacity(44, 46, 21, evidence(level="none"))
    assert found.assumed
    assert found.r_squared == pytest.approx(0.15 * largest_r_squared(44 / 90), abs=1e-6)
    assert "if they separated as well as is usual" in found.in_words().lower()


def test_a_loss_in_held_out_likelihood_counts_as_nothing_found() -> None:
    assert capacity(50, 50, 3, evidence(gain=-0.01)).assumed


def test_what_was_found_is_the_cross_validated_r_squared() -> None:
    found = capacity(300, 300, 3, evidence(gain=0.15))
    assert not found.assumed
    assert found.r_squared == pytest.approx(1 - exp(-0.3), abs=1e-6)


@pytest.mark.parametrize(("auc", "times"), [(0.84, 1.0), (0.85, 1.5), (0.93, 2.0)])
def test_ranking_well_takes_more_customers(auc: float, times: float) -> None:
    plain = capacity(300, 300, 5, evidence(auc=0.8))
    assert capacity(300, 300, 5, evidence(auc=auc)).per_effect == pytest.approx(
        times * plain.per_effect, abs=2e-3
    )


@given(
    st.integers(5, 10_000),
    st.integers(5, 10_000),
    st.floats(-0.1, 0.69),
    st.floats(0.5, 1),
)
def test_any_evidence_gives_a_figure(best, bad, gain, auc) -> None:
    found = capacity(best, bad, 4, evidence(gain=gain, auc=auc))
    twice = capacity(2 * best, 2 * bad, 4, evidence(gain=gain, auc=auc))
    assert found.per_effect > 0
    assert twice.effects >= found.effects
    assert twice.share_within <= found.share_within
    assert capacity(bad, best, 4, evidence(gain=gain, auc=auc)) == found


def test_a_profile_says_how_much_its_customers_carry() -> None:
    profile = fit_profile(closed_customers(200), options=QUICK)
    found = profile.provenance.capacity
    assert found is not None
    assert found.offered == len(profile.tables)
    assert 1 <= found.effects <= 60
    assert Profile.from_json(profile.to_json()) == profile


def test_an_older_profile_says_nothing_of_it() -> None:
    profile = fit_profile(closed_customers(60), options=QUICK)
    older = profile.model_dump(mode="json")
    del older["provenance"]["capacity"]
    import json

    assert Profile.from_json(json.dumps(older)).provenance.capacity is None
