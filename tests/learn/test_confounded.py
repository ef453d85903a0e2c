from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from icp.learn import FitOptions, fit_profile
from icp.learn.evidence import log_odds
from icp.learn.leakage import _confounding_words, _counts, _within_strata, strata_of
from icp.schema import AccountSchema, Role
from icp.stats import sigmoid

QUICK = FitOptions(refits=0, max_segments=1)


def sold(seed: int = 0, *, own_effect: float, sellers: int = 6, count: int = 400):
    """Sellers with luck, each selling mostly one kind; the kind matters or does not."""
    draw = np.random.default_rng(seed)
    seller = draw.integers(sellers, size=count)
    luck = np.linspace(-1.4, 1.4, sellers)[seller]
    kind = np.where(draw.random(count) < 0.7, seller // 2, draw.integers(3, size=count))
    logit = luck * (1 - own_effect) + own_effect * np.array([-1.4, 0, 1.4])[kind]
    best = draw.random(count) < sigmoid(logit)
    return seller, kind, best


def framed(seller, kind, best) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "outcome": np.where(best, "best", "regrettable"),
            "kind": kind.astype(str),
            "who": seller.astype(str),
            "closed": [f"{2015 + s}-03-01" for s in seller],
        }
    ).with_columns(pl.col("closed").str.to_date())


def warned(frame: pl.DataFrame, **options) -> dict[str, str]:
    schema = AccountSchema.infer(frame, roles={"outcome": "outcome", "who": "owner"})
    if options.pop("by_year", False):
        ignored = schema["who"].model_copy(update={"role": Role.IGNORED})
        schema = schema.replace([ignored])
        options["date"] = "closed"
    profile = fit_profile(frame, schema=schema, options=QUICK, **options)
    findings = profile.provenance.findings
    assert not any(f.excluded for f in findings)
    assert "kind" in profile.columns
    return {f.column: f.message for f in findings if f.code == "confounded"}


@pytest.mark.parametrize("seed", range(3))
def test_a_signal_that_is_only_who_sold_is_warned_of(seed: int) -> None:
    found = warned(framed(*sold(seed, own_effect=0)))
    assert found.keys() == {"kind"}
    assert "among customers alike in who its contrast" in found["kind"]


def test_a_signal_that_is_only_when_is_warned_of() -> None:
    found = warned(framed(*sold(own_effect=0)), by_year=True)
    assert "the year of closed" in found["kind"]


@pytest.mark.parametrize("seed", range(3))
def test_a_signal_of_its_own_is_not_blamed_on_who_sold(seed: int) -> None:
    assert warned(framed(*sold(seed, own_effect=1))) == {}


def test_noise_is_not_blamed_on_anybody() -> None:
    seller, kind, best = sold(own_effect=1)
    kind = np.random.default_rng(3).permutation(kind)
    assert warned(framed(seller, kind, best)) == {}


def test_what_only_one_seller_sells_cannot_be_told_apart() -> None:
    seller, _, best = sold(own_effect=0, sellers=3)
    (text,) = warned(framed(seller, seller, best)).values()
    assert "who and it go together so closely" in text


def test_a_contrast_that_turns_round_is_said_to() -> None:
    # A seller with luck sells kind 1, with which everybody does worse than with 0.
    counts = np.zeros((4, 2, 2))
    counts[2] = [[70, 30], [1, 9]]
    counts[3] = [[9, 1], [30, 70]]
    assert "reverses" in str(_confounding_words(counts, "who"))


def test_who_sold_is_taken_from_roles_names_and_dates() -> None:
    frame = framed(*sold(own_effect=0)).rename({"kind": "Sales Rep"})
    schema = AccountSchema.infer(frame, roles={"who": Role.OWNER})
    found = strata_of(frame, schema, date="closed")
    assert set(found) == {"who", "Sales Rep", "the year of closed"}
    assert all(values.min() >= 0 for values in found.values())


@pytest.mark.parametrize(
    "values", [["a"] * 8, list("abcdefgh"), [None] * 8, ["a"] * 7 + [None]]
)
def test_one_seller_or_one_for_everybody_says_nothing(values) -> None:
    frame = pl.DataFrame({"owner": pl.Series(values, dtype=pl.String)})
    assert strata_of(frame, AccountSchema.infer(frame), date=None) == {}


def test_unknown_sellers_and_values_are_left_out_of_the_counts() -> None:
    codes, best = np.array([0, 2, 2, 3]), np.array([True, True, False, True])
    counts = _counts(codes, np.array([0, 0, -1, 1]), best, 4)
    assert counts.sum() == 2
    assert counts[2, 0].tolist() == [0, 1]
    assert counts[3, 1].tolist() == [0, 1]


def slope(levels, strata, best) -> float:
    """Logistic regression on the levels with an intercept per stratum."""
    dummies = (strata[:, None] == np.unique(strata)).astype(float)

    def loss(w):
        logit = dummies @ w[1:] + w[0] * levels
        return np.logaddexp(0, np.where(best, -logit, logit)).sum()

    return minimize(loss, np.zeros(1 + dummies.shape[1])).x[0]


@pytest.mark.parametrize("own_effect", [0, 0.5, 1])
def test_shares_equal_a_general_optimiser(own_effect: float) -> None:
    seller, kind, best = sold(1, own_effect=own_effect, count=3_000)
    counts = _counts(kind + 2, seller, best, 5)
    rates = counts.sum(axis=1)
    levels = log_odds(rates[:, 1], rates[:, 0])[kind + 2]
    whole = slope(levels, np.zeros(len(kind)), best)
    wanted = slope(levels, seller, best) / whole
    within = _within_strata(counts)
    assert within is not None
    assert within.share == pytest.approx(wanted, abs=1e-3)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(-1, 3), st.booleans()), max_size=60
    ),
    st.randoms(use_true_random=False),
)
def test_order_of_customers_and_odd_tables_do_no_harm(rows, random) -> None:
    codes, strata, best = (np.array([r[i] for r in rows], dtype=int) for i in range(3))
    order = np.array(random.sample(range(len(rows)), len(rows)), dtype=int)
    first = _counts(codes, strata, best, 5)
    again = _counts(codes[order], strata[order], best[order], 5)
    assert np.array_equal(first, again)
    said = _confounding_words(first, "who")
    assert said is None or "who" in said


def test_strata_in_which_all_did_alike_say_nothing_by_themselves() -> None:
    counts = np.zeros((4, 2, 2))
    counts[2, 0], counts[3, 1] = [0, 40], [40, 0]
    within = _within_strata(counts)
    assert within is not None
    assert within.left == 0
