import numpy as np
import pytest

from icp.learn.maxima import permuted_labels, search
from icp.learn.prune import pruned
from icp.learn.rulespace import Space, combined

ROWS = 400


def kept(masks, labels, *, deepest=2, least=8):
    space = Space((None,) * masks.shape[1], masks, np.arange(masks.shape[1]))
    rules = combined(space, least=least, deepest=deepest, most_rules=100_000)
    drawn = permuted_labels(
        labels,
        -1 - np.arange(len(labels)),
        np.zeros(len(labels), dtype=np.int64),
        count=100,
        rng=np.random.default_rng(1),
    )
    found = search(masks, rules, drawn)
    return pruned(space, rules, found, labels, least=least)


def world(seed=0, *, columns=8, base=0.2):
    rng = np.random.default_rng(seed)
    masks = rng.random((ROWS, columns)) < 0.4
    return rng, masks, rng.random(ROWS) < base


def test_one_condition_is_not_made_two():
    rng, masks, labels = world()
    labels |= masks[:, 0] & (rng.random(ROWS) < 0.9)
    assert [rule for rule, _ in kept(masks, labels)] == [(0,)]


def test_two_conditions_that_belong_together_stay_together():
    rng, masks, labels = world(1)
    labels |= masks[:, 0] & masks[:, 1] & (rng.random(ROWS) < 0.95)
    assert [rule for rule, _ in kept(masks, labels)] == [(0, 1)]


def test_two_rules_for_different_customers_are_both_kept():
    rng, masks, labels = world(2)
    masks[:, 1] &= ~masks[:, 0]
    labels |= (masks[:, 0] | masks[:, 1]) & (rng.random(ROWS) < 0.9)
    assert sorted(rule for rule, _ in kept(masks, labels)) == [(0,), (1,)]


def test_a_near_copy_is_kept_once():
    rng, masks, labels = world(3)
    masks[:, 1] = masks[:, 0] ^ (rng.random(ROWS) < 0.02)
    labels |= masks[:, 0] & (rng.random(ROWS) < 0.9)
    assert len(kept(masks, labels)) == 1


def test_a_narrower_copy_says_nothing_more():
    rng, masks, labels = world(4)
    masks[:, 1] = masks[:, 0] & (rng.random(ROWS) < 0.5)
    labels |= masks[:, 0] & (rng.random(ROWS) < 0.9)
    assert [rule for rule, _ in kept(masks, labels)] == [(0,)]


@pytest.mark.parametrize("seed", range(5))
def test_noise_gives_nothing_or_doubtful_rules(seed):
    _, masks, labels = world(seed)
    assert all(p_value > 0.01 for _, p_value in kept(masks, labels))


def test_all_regretted_says_nothing():
    _, masks, _ = world()
    assert kept(masks, np.ones(ROWS, dtype=bool)) == []


def test_p_values_come_with_the_rules():
    rng, masks, labels = world()
    labels |= masks[:, 0] & (rng.random(ROWS) < 0.9)
    assert [p_value for _, p_value in kept(masks, labels)] == [pytest.approx(1 / 101)]


def test_at_most_twelve_rules_are_kept():
    rng = np.random.default_rng(0)
    part = np.arange(ROWS) // 20
    masks = part[:, None] == np.arange(20)
    labels = (part < 16) & (rng.random(ROWS) < 0.97)
    found = kept(masks, np.where(part < 10, labels, False), deepest=1)
    assert len(found) <= 12
