from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import chi2_contingency, ks_1samp, uniform

from icp.learn.drift import (
    bands_of,
    effect_change,
    effect_reversal,
    shift_chance,
    shift_size,
    tally,
)

cells = hnp.arrays(np.float64, st.integers(1, 20), elements=st.integers(0, 30))


@settings(deadline=None)
@given(cells, st.booleans(), st.integers(1, 25), st.integers(1, 12))
def test_every_band_holds_enough(counts, ordered, least, most) -> None:
    bands = bands_of(counts, ordered=ordered, least=least, most=most)
    used = bands[counts > 0]
    assert (bands[counts == 0] == -1).all()
    assert set(used.tolist()) == set(range(used.max(initial=-1) + 1))
    held = np.bincount(used, counts[counts > 0])
    assert len(held) < 2 or held.min() >= max(least, counts.sum() / most)


@settings(deadline=None)
@given(cells, st.integers(1, 25))
def test_bands_of_ordered_cells_are_stretches(counts, least) -> None:
    bands = bands_of(counts, ordered=True, least=least, most=9)
    assert (np.diff(bands[bands >= 0]) >= 0).all()


def test_rare_levels_share_a_band() -> None:
    bands = bands_of(np.array([3.0, 40, 2, 0, 4]), ordered=False, least=6, most=9)
    assert bands.tolist() == [1, 0, 1, -1, 1]


def test_weights_are_summed_per_part_and_band() -> None:
    parts, bands = np.array([0, 1, 1, 0]), np.array([1, 0, 0, 1])
    weights = np.array([1.0, 0.5, 0.25, 2.0])
    assert tally(parts, bands, weights, (2, 2)).tolist() == [[0, 3], [0.75, 0]]


# ------------------------------------------------------------------------------ shift


@pytest.mark.parametrize("seed", range(5))
def test_one_stratum_is_pearson_less_one_customer(seed: int) -> None:
    counts = np.random.default_rng(seed).integers(1, 30, (2, 4)).astype(float)
    pearson = chi2_contingency(counts, correction=False)
    factor = (counts.sum() - 1) / counts.sum()
    same = chi2_contingency(counts * factor, correction=False)
    assert shift_chance(counts[None]) == pytest.approx(same.pvalue, abs=1e-12)
    assert shift_chance(counts[None]) > pearson.pvalue


def mantel_haenszel(counts: np.ndarray) -> float:
    """Squared statistic of two bands, as in Mantel & Haenszel (1959)."""
    gap = spread = 0.0
    for (a, b), (c, d) in counts:
        n, new, first = a + b + c + d, c + d, a + c
        gap += c - first * new / n
        spread += first * (n - first) * new * (n - new) / n**2 / (n - 1)
    return gap**2 / spread


@pytest.mark.parametrize("seed", range(5))
def test_two_bands_are_the_classic_test(seed: int) -> None:
    counts = np.random.default_rng(seed).integers(1, 20, (3, 2, 2)).astype(float)
    from scipy.stats import chi2

    assert shift_chance(counts) == pytest.approx(chi2.sf(mantel_haenszel(counts), 1))


def test_a_changed_mix_of_strata_is_no_change() -> None:
    many_best = np.array([[[90.0, 10], [9, 1]], [[1.0, 9], [10, 90]]])
    assert shift_chance(many_best) == pytest.approx(1.0)
    assert shift_chance(many_best.sum(axis=0)[None]) < 1e-6


def test_a_stratum_of_one_period_says_nothing() -> None:
    counts = np.array([[[5.0, 9], [7, 8]], [[3.0, 4], [0, 0]], [[0.0, 0], [0, 1]]])
    assert shift_chance(counts) == shift_chance(counts[:1])


@pytest.mark.parametrize("customers", [30, 60, 300])
def test_chances_are_even_where_nothing_changed(customers: int) -> None:
    draw = np.random.default_rng(customers)
    values = draw.integers(3, size=(400, customers))
    new = np.arange(customers) < customers // 3
    chances = [
        shift_chance(tally(new.astype(int), row, np.ones(customers), (2, 3))[None])
        for row in values
    ]
    assert ks_1samp(chances, uniform.cdf).pvalue > 1e-3
    assert np.mean(np.array(chances) < 0.01) < 0.03


def test_the_size_is_the_stability_index_less_chance() -> None:
    counts = np.array([[[500.0, 500], [250, 750]]])
    size, before, since = shift_size(counts)
    raw = (0.25 - 0.5) * np.log(0.255 / 0.505) + (0.75 - 0.5) * np.log(0.755 / 0.505)
    assert size == pytest.approx(raw - (1 / 1000 + 1 / 1000))
    assert before.tolist() == [0.5, 0.5]
    assert since.tolist() == [0.25, 0.75]


def test_shares_before_have_the_mix_of_since() -> None:
    counts = np.array([[[10.0, 0], [80, 0]], [[0.0, 10], [0, 20]]])
    size, before, since = shift_size(counts)
    assert before.tolist() == since.tolist() == [0.8, 0.2]
    assert size < 0


def test_no_stratum_in_both_periods_has_no_size() -> None:
    size, before, since = shift_size(np.array([[[3.0, 4], [0, 0]]]))
    assert (size, before.tolist(), since.tolist()) == (0.0, [0, 0], [0, 0])


# ----------------------------------------------------------------------------- effects


def drawn(draw: np.random.Generator, periods, effect, base) -> np.ndarray:
    """Period x outcome x band of 60 customers per band."""
    logit = np.array(base)[:, None] + np.array(effect)[None, :]
    best = draw.binomial(60, 1 / (1 + np.exp(-logit)))
    return np.stack([60 - best, best], axis=1).astype(float)[:periods]


def test_one_effect_with_changing_base_rates_is_no_change() -> None:
    draw = np.random.default_rng(0)
    effect, base = [-1.0, 0, 1.0], [-1.5, 0.0, 1.5]
    chances = [effect_change(drawn(draw, 3, effect, base))[0] for _ in range(400)]
    assert ks_1samp(chances, uniform.cdf).pvalue > 1e-3
    assert np.mean(np.array(chances) < 0.01) < 0.03


def test_the_fitted_chances_give_every_total() -> None:
    counts = drawn(np.random.default_rng(1), 3, [-1.0, 0, 1.0], [-1.0, 0.0, 1.0])
    from icp.learn.drift import _one_effect

    total, best = counts.sum(axis=1), counts[:, 1]
    fitted = total * _one_effect(total, best)
    assert fitted.sum(axis=0) == pytest.approx(best.sum(axis=0), rel=1e-4)
    assert fitted.sum(axis=1) == pytest.approx(best.sum(axis=1), rel=1e-4)


def test_an_effect_that_fades_is_a_change_but_no_reversal() -> None:
    strong = np.array([[90.0, 10], [10, 90]])
    weak = np.array([[60.0, 40], [40, 60]])
    chance, size = effect_change(np.array([strong, weak]))
    assert chance < 1e-6
    assert 0.5 < size < 2
    assert effect_reversal(strong, weak)[1] > 0.99


def test_noise_before_is_never_turned_round() -> None:
    flat = np.array([[50.0, 50], [48, 52]])
    strong = np.array([[90.0, 10], [10, 90]])
    there, against = effect_reversal(flat, strong[::-1])
    assert there > 0.5
    assert against < 1e-6


def test_few_customers_of_one_outcome_break_nothing() -> None:
    lonely = np.array([[5.0, 5], [0, 0]])
    assert effect_change(np.array([lonely, lonely]))[0] > 0.9
    assert effect_reversal(lonely, lonely)[1] == pytest.approx(0.5)


@settings(deadline=None, max_examples=60)
@given(hnp.arrays(np.float64, (3, 2, 4), elements=st.integers(0, 60)))
def test_any_table_gives_a_chance(counts) -> None:
    with np.errstate(all="raise", under="ignore"):
        chance, size = effect_change(counts)
        pair = effect_reversal(counts[0], counts[1])
    assert 0 <= chance <= 1
    assert size >= 0
    assert all(0 <= one <= 1 for one in pair)


def test_one_band_has_no_effect() -> None:
    assert effect_change(np.ones((3, 2, 1))) == (1.0, 0.0)


@pytest.mark.parametrize("seed", range(3))
def test_reversals_are_rare_by_chance(seed: int) -> None:
    draw = np.random.default_rng(seed)
    pairs = [drawn(draw, 2, [0, 0, 0], [0, 0]) for _ in range(500)]
    found = [max(effect_reversal(before, since)) < 0.05 for before, since in pairs]
    assert np.mean(found) < 0.02
