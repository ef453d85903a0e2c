import numpy as np
import pytest

from icp.conditions import Compare, In
from icp.learn.permutations import permute_labels, search
from icp.learn.rule_candidates import Space, combine, prune

ROWS = 400


def kept(masks, labels, *, deepest=2, least=8, pays=0.5, conditions=None):
    nameless = (None,) * masks.shape[1]
    space = Space(conditions or nameless, masks, np.arange(masks.shape[1]))
    rules = combine(space, least=least, deepest=deepest, most_rules=100_000)
    drawn = permute_labels(
        labels,
        -1 - np.arange(len(labels)),
        np.zeros(len(labels), dtype=np.int64),
        count=100,
        rng=np.random.default_rng(1),
    )
    found = search(masks, rules, drawn)
    return prune(space, rules, found, labels, least=least, pays=pays)


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


def test_a_pure_rule_is_kept_instead_of_a_broad_one_that_holds_it():
    _, masks, labels = world(5, base=0.0)
    row = np.arange(ROWS)
    masks[:, 0] = row < 60
    masks[:, 1] = row < 120
    labels |= (row < 60) | ((row < 120) & (row % 2 == 0))
    assert [rule for rule, _ in kept(masks, labels, pays=0.7)] == [(0,)]
    # Where a third is enough, the broad one brings more.
    assert [rule for rule, _ in kept(masks, labels, pays=0.3)] == [(1,)]


def test_a_broad_rule_taken_first_gives_way_to_the_purer_ones_within_it():
    row = np.arange(ROWS)
    masks = np.stack([row < 100, row < 40, (row >= 40) & (row < 80)], axis=1)
    labels = row < 80
    assert sorted(rule for rule, _ in kept(masks, labels, pays=0.4)) == [(0,)]
    assert sorted(rule for rule, _ in kept(masks, labels, pays=0.7)) == [(1,), (2,)]


def test_rules_that_never_pay_are_shown_all_the_same():
    rng, masks, labels = world()
    labels |= masks[:, 0] & (rng.random(ROWS) < 0.7)
    assert kept(masks, labels, pays=0.95)[0][0] == (0,)


def test_a_level_of_a_pair_needs_customers_of_its_own():
    row = np.arange(ROWS)
    level = np.select([row < 60, row < 66, row < 120], ["A", "B", "C"], "D")
    conditions = (
        Compare("level", "=", "A"),
        Compare("level", "=", "C"),
        In("level", ("A", "B")),
        In("level", ("A", "C")),
    )
    masks = np.stack([level == "A", level == "C", level < "C", row < 0], axis=1)
    masks[:, 3] = masks[:, 0] | masks[:, 1]
    assert [rule for rule, _ in kept(masks, row < 66, conditions=conditions)] == [(0,)]
    both = (level == "A") | (level == "C")
    assert [rule for rule, _ in kept(masks, both, conditions=conditions)] == [(3,)]


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
