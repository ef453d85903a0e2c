from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from icp import stats

scored = st.lists(
    st.tuples(st.floats(-5, 5, width=16), st.booleans()), min_size=1, max_size=40
).map(
    lambda rows: (np.array([r[0] for r in rows], float), np.array([r[1] for r in rows]))
)


def naive_auc(scores, positive):
    pairs = [
        1.0 if a > b else 0.5 if a == b else 0.0
        for a in scores[positive]
        for b in scores[~positive]
    ]
    return sum(pairs) / len(pairs) if pairs else 0.5


def naive_average_precision(scores, positive):
    total, area, before = positive.sum(), 0.0, 0
    for border in sorted(set(scores), reverse=True):
        chosen = scores >= border
        hits = positive[chosen].sum()
        area += (hits - before) / total * hits / chosen.sum()
        before = hits
    return area


@given(scored)
def test_auc_equals_counting_pairs(rows) -> None:
    assert stats.auc(*rows) == pytest.approx(naive_auc(*rows))


@given(scored)
def test_auc_of_reversed_scores_is_the_complement(rows) -> None:
    scores, positive = rows
    assert stats.auc(-scores, positive) == pytest.approx(
        1 - stats.auc(scores, positive)
    )


@given(scored)
def test_average_precision_equals_walking_down_the_list(rows) -> None:
    scores, positive = rows
    if positive.any():
        assert stats.average_precision(scores, positive) == pytest.approx(
            naive_average_precision(scores, positive)
        )


@pytest.mark.parametrize(
    "of", [stats.average_precision, stats.lift], ids=lambda of: of.__name__
)
def test_ranking_without_a_positive_is_nan(of) -> None:
    assert np.isnan(of(np.array([1.0, 2.0]), np.array([False, False])))


@given(scored, st.randoms())
def test_lift_does_not_depend_on_row_order(rows, random) -> None:
    scores, positive = rows
    if not positive.any():
        return
    order = list(range(len(scores)))
    random.shuffle(order)
    assert stats.lift(scores[order], positive[order], share=0.3) == pytest.approx(
        stats.lift(scores, positive, share=0.3)
    )


def test_lift_of_equal_scores_is_one() -> None:
    assert stats.lift(np.zeros(10), np.arange(10) < 3) == pytest.approx(1.0)


def test_auc_interval_covers_the_truth_as_often_as_it_says() -> None:
    draw = np.random.default_rng(0)
    truth, covered = 0.7602, 0
    for _ in range(400):
        positive = draw.random(120) < 0.5
        low, high = stats.auc_interval(draw.normal(positive * 1.0), positive)
        covered += low <= truth <= high
    assert 0.85 <= covered / 400 <= 0.95


def test_auc_interval_is_wider_when_rows_come_in_groups() -> None:
    draw = np.random.default_rng(1)
    positive = np.repeat(draw.random(50) < 0.5, 4)
    scores = np.repeat(draw.normal(positive[::4] * 1.0), 4)
    alone = stats.auc_interval(scores, positive)
    grouped = stats.auc_interval(scores, positive, groups=np.arange(200) // 4)
    assert grouped[1] - grouped[0] > 1.5 * (alone[1] - alone[0])


def test_auc_interval_says_nothing_about_one_positive() -> None:
    scores, positive = np.array([0.0, 1.0, 2.0]), np.array([True, False, False])
    assert stats.auc_interval(scores, positive) == (0.0, 1.0)


def test_log_loss_and_brier_of_certain_and_wrong() -> None:
    wrong = np.array([0.0]), np.array([True])
    assert stats.log_loss(*wrong) == pytest.approx(-np.log(1e-12))
    assert stats.brier(*wrong) == 1.0


@given(st.integers(0, 50), st.integers(0, 50))
def test_wilson_bounds_hold_the_share(successes, failures) -> None:
    trials = successes + failures
    low, high = stats.wilson(successes, trials)
    assert 0 <= low <= high <= 1
    if trials:
        assert low <= successes / trials + 1e-12
        assert high >= successes / trials - 1e-12


def test_information_value_is_near_zero_on_average_without_a_difference() -> None:
    draw = np.random.default_rng(2)
    values = [
        stats.information_value(
            np.bincount(draw.integers(5, size=30), minlength=5).astype(float),
            np.bincount(draw.integers(5, size=30), minlength=5).astype(float),
        )
        for _ in range(500)
    ]
    assert abs(np.mean(values)) < 0.05


def test_information_value_of_one_cell_is_zero() -> None:
    assert stats.information_value(np.array([5.0, 0.0]), np.array([7.0, 0.0])) == 0.0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_adjusted_p_values_keep_order_and_never_shrink(p_values) -> None:
    raw = np.array(p_values)
    adjusted = stats.adjusted_p_values(raw)
    assert np.all(adjusted >= raw - 1e-12)
    assert np.all(adjusted <= 1)
    assert np.all(np.diff(adjusted[np.argsort(raw, kind="stable")]) >= -1e-12)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=20))
def test_midranks_sum_to_the_ranks(values) -> None:
    ranks = stats.midranks(np.array(values, float))
    assert ranks.sum() == pytest.approx(len(values) * (len(values) + 1) / 2)


def test_sigmoid_is_symmetric() -> None:
    logits = np.linspace(-40, 40, 81)
    assert stats.sigmoid(logits) + stats.sigmoid(-logits) == pytest.approx(np.ones(81))


def naive_information_value(best, bad):
    used = [(b, r) for b, r in zip(best, bad, strict=True) if b + r]
    if len(used) < 2 or not sum(best) or not sum(bad):
        return 0.0
    total = 0.0
    for b, r in used:
        one = (b + 0.5) / (sum(best) + 0.5 * len(used))
        other = (r + 0.5) / (sum(bad) + 0.5 * len(used))
        total += (one - other) * np.log(one / other)
    return total - (len(used) - 1) * (1 / sum(best) + 1 / sum(bad))


counts = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1)


@given(counts)
def test_information_value_equals_its_formula(cells) -> None:
    best, bad = (np.array(side, float) for side in zip(*cells, strict=True))
    found = stats.information_value(best, bad)
    assert found == pytest.approx(naive_information_value(best, bad))
    assert found == pytest.approx(stats.information_value(bad, best))


@given(counts, st.randoms(use_true_random=False))
def test_information_value_knows_no_order_of_cells(cells, random) -> None:
    shuffled = list(cells)
    random.shuffle(shuffled)
    one, other = (
        stats.information_value(
            np.array([c[0] for c in chosen], float),
            np.array([c[1] for c in chosen], float),
        )
        for chosen in (cells, shuffled)
    )
    assert one == pytest.approx(other)


def naive_lift(scores, positive, share):
    """Mean over all ways to break ties, by giving tied rows their share."""
    wanted = share * len(scores)
    taken, hits = 0.0, 0.0
    for border in sorted(set(scores), reverse=True):
        tied = scores == border
        part = min(1.0, max(0.0, (wanted - taken) / tied.sum()))
        hits += part * positive[tied].sum()
        taken += part * tied.sum()
    return hits / wanted / positive.mean()


@given(scored, st.sampled_from([0.1, 0.25, 0.5, 1.0]))
def test_lift_equals_walking_down_the_list(rows, share) -> None:
    scores, positive = rows
    if positive.any():
        assert stats.lift(scores, positive, share=share) == pytest.approx(
            naive_lift(scores, positive, share)
        )


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_adjusted_p_values_equal_their_definition(p_values) -> None:
    ordered = sorted(p_values)
    count = len(ordered)
    found = stats.adjusted_p_values(np.array(p_values))
    for p_value, adjusted in zip(p_values, found, strict=True):
        place = ordered.index(p_value)
        wanted = min(ordered[i] * count / (i + 1) for i in range(place, count))
        assert adjusted == pytest.approx(min(1.0, wanted))


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=20))
def test_midranks_count_those_below_and_half_of_the_equal(values) -> None:
    found = stats.midranks(np.array(values, float))
    for value, rank in zip(values, found, strict=True):
        below = sum(other < value for other in values)
        equal = sum(other == value for other in values)
        assert rank == below + (equal + 1) / 2


@pytest.mark.parametrize(
    ("successes", "trials", "bounds"),
    [(9, 10, (0.596, 0.982)), (18, 20, (0.699, 0.972)), (45, 50, (0.786, 0.957))],
)
def test_wilson_equals_published_intervals(successes, trials, bounds) -> None:
    found = stats.wilson(successes, trials, z=1.96)
    assert found == pytest.approx(bounds, abs=5e-4)


def naive_auc_variance(scores, positive):
    """DeLong by its definition: variances of placements over pairs."""
    ones, zeros = scores[positive], scores[~positive]
    wins = (ones[:, None] > zeros) + 0.5 * (ones[:, None] == zeros)
    value = wins.mean()
    by_one, by_zero = wins.mean(axis=1) - value, wins.mean(axis=0) - value
    return (by_one**2).sum() / len(ones) ** 2 + (by_zero**2).sum() / len(zeros) ** 2


@given(scored, st.floats(0.5, 3))
def test_auc_interval_is_delongs(rows, z) -> None:
    scores, positive = rows
    if min(positive.sum(), (~positive).sum()) < 2:
        return
    value = stats.auc(scores, positive)
    spread = z * np.sqrt(naive_auc_variance(scores, positive))
    low, high = stats.auc_interval(scores, positive, z=z)
    assert low == pytest.approx(max(0.0, value - spread), abs=1e-9)
    assert high == pytest.approx(min(1.0, value + spread), abs=1e-9)


def test_every_row_its_own_group_is_no_groups() -> None:
    draw = np.random.default_rng(3)
    scores, positive = draw.normal(size=30), np.arange(30) % 3 == 0
    alone = stats.auc_interval(scores, positive)
    assert stats.auc_interval(
        scores, positive, groups=draw.permutation(30)
    ) == pytest.approx(alone)


def test_sigmoid_keeps_very_small_chances_ordered() -> None:
    logits = np.array([-30.0, -20.0, -10.0])
    assert np.all(np.diff(stats.sigmoid(logits)) > 0)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_the_step_down_of_bonferroni(p_values):
    adjusted = stats.holm(p_values)
    order = np.argsort(p_values, kind="stable")
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        assert adjusted[place] == pytest.approx(largest)
    assert stats.holm([]) == []


@given(st.integers(0, 60), st.integers(0, 60))
def test_jeffreys_bounds_are_beta_quantiles(successes, failures):
    low, high = stats.jeffreys(successes, successes + failures)
    assert 0 <= low <= high <= 1
    part = beta(successes + 0.5, failures + 0.5)
    assert low == pytest.approx(part.ppf(0.05) if successes else 0.0)
    assert high == pytest.approx(part.ppf(0.95) if failures else 1.0)


@pytest.mark.parametrize(
    ("trials", "share"), [(14, 0.8), (21, 0.86), (29, 0.9), (8, 0.7)]
)
def test_how_many_cases_a_bound_needs(trials, share):
    assert stats.jeffreys(trials, trials)[0] > share
