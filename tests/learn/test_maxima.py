from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from icp.learn.permutations import permute_labels, search, signed_root

RNG = np.random.default_rng(0)


def alone(count):
    return -1 - np.arange(count)


def none(count):
    return np.zeros(count, dtype=np.int64)


@given(
    st.integers(2, 60).flatmap(
        lambda rows: st.tuples(
            st.just(rows), st.integers(1, rows - 1), st.integers(1, rows - 1)
        )
    ),
    st.randoms(),
)
def test_the_statistic_is_the_root_of_the_likelihood_ratio(sizes, random):
    rows, positives, covered = sizes
    least, most = max(0, covered + positives - rows), min(covered, positives)
    hits = random.randint(least, most)
    table = np.array(
        [[hits, covered - hits], [positives - hits, rows - covered - positives + hits]]
    )
    found = signed_root(np.array([covered]), np.array([hits]), rows, positives)[0]
    if hits * rows <= covered * positives:
        assert found == 0
    else:
        ratio = chi2_contingency(table, correction=False, lambda_="log-likelihood")
        assert found == pytest.approx(np.sqrt(ratio.statistic), rel=1e-6)


@given(st.integers(3, 40), st.integers(1, 39))
def test_more_hits_among_as_many_never_tell_less(rows, covered):
    covered = min(covered, rows - 1)
    hits = np.arange(covered + 1)
    found = signed_root(np.full(len(hits), covered), hits, rows, rows // 2)
    possible = found[: min(covered, rows // 2) + 1]
    assert (np.diff(possible) >= -1e-9).all()


def test_permutations_keep_counts_and_begin_with_the_truth():
    labels = np.array([True, False, True, False, False])
    drawn = permute_labels(labels, alone(5), none(5), count=50, rng=RNG)
    assert drawn.shape == (51, 5)
    assert drawn[0].tolist() == [1, 0, 1, 0, 0]
    assert set(drawn.sum(axis=1)) == {2}
    assert len({tuple(row) for row in drawn.tolist()}) > 5


def test_labels_stay_within_their_stratum():
    labels = np.array([True, True, False, False, False, False])
    strata = np.array([0, 0, 0, 1, 1, 1])
    drawn = permute_labels(labels, alone(6), strata, count=40, rng=RNG)
    assert set(drawn[:, :3].sum(axis=1)) == {2}
    assert not drawn[:, 3:].any()


def test_a_group_moves_as_one_and_only_with_groups_of_its_size():
    labels = np.array([True, True, False, False, True, False])
    groups = np.array([7, 7, 3, 3, -1, -2])
    drawn = permute_labels(labels, groups, none(6), count=60, rng=RNG)
    assert (drawn[:, 0] == drawn[:, 1]).all()
    assert (drawn[:, 2] == drawn[:, 3]).all()
    assert (drawn[:, 0] != drawn[:, 2]).all()
    assert (drawn[:, 4] != drawn[:, 5]).all()
    assert len({tuple(row) for row in drawn.tolist()}) == 4


def naive(masks, rules, drawn):
    """Every rule under every permutation, one at a time."""
    found = []
    for labels in drawn.astype(bool):
        row = []
        for rule in rules:
            inside = masks[:, [c for c in rule if c >= 0]].all(axis=1)
            counts = np.array([inside.sum()]), np.array([(inside & labels).sum()])
            row.append(signed_root(*counts, len(labels), int(labels.sum()))[0])
        found.append(row)
    table = np.array(found)
    maxima = table[1:].max(axis=1)
    reached = (maxima[:, None] >= table[0] - 1e-9).sum(axis=0)
    return table[0], np.sort(maxima), (1 + reached) / (1 + len(maxima))


@pytest.mark.parametrize("block", [1, 12_000_000])
def test_the_search_equals_the_naive_one(block, monkeypatch):
    monkeypatch.setattr("icp.learn.permutations._BLOCK", block)
    rng = np.random.default_rng(5)
    masks = rng.random((40, 6)) < 0.4
    labels = rng.random(40) < 0.3
    rules = np.array([[j, -1] for j in range(6)] + [[0, 1], [2, 5]], dtype=np.int32)
    drawn = permute_labels(labels, alone(40), none(40), count=30, rng=rng)
    statistic, maxima, p_value = naive(masks, rules, drawn)
    found = search(masks, rules, drawn)
    assert found.statistic == pytest.approx(statistic)
    assert found.maxima == pytest.approx(maxima)
    assert found.p_value == pytest.approx(p_value)
    inside = masks[:, [2, 5]].all(axis=1)
    assert (found.covered[-1], found.hits[-1]) == (inside.sum(), labels[inside].sum())


def test_the_p_value_is_that_of_all_permutations():
    labels = np.array([True, True, False, False, False])
    masks = np.array([[1, 1, 0, 0, 0], [1, 0, 1, 0, 0]], dtype=bool).T
    every = set(permutations(labels.tolist()))
    drawn = np.array([labels.tolist(), *sorted(every)], dtype=np.float32)
    found = search(masks, np.array([[0], [1]], dtype=np.int32), drawn)
    # Two of ten labellings put both regrets into one of the two rules.
    assert found.p_value[0] == pytest.approx(3 / 11)
    # In all but one of them some regret is in one of the two.
    assert found.p_value[1] == pytest.approx(10 / 11)


def test_progress_ends_at_one():
    told = []
    masks = np.array([[True, False], [False, True], [True, True]])
    drawn = np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float32)
    search(masks, np.array([[0], [1]], dtype=np.int32), drawn, progress=told.append)
    assert told == [1.0]
