"""Which of two rules is kept, at the borders, counted by hand."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest
from scipy.stats import norm

from icp.conditions import Compare, In
from icp.learn.permutations import RuleStatistics, signed_root
from icp.learn.rule_candidates import (
    Space,
    _needed,
    _simpler,
    _tighter,
    _worth_most,
    prune,
)

ROWS = 400


def mask(*ranges: tuple[int, int]) -> np.ndarray:
    inside = np.zeros(ROWS, dtype=bool)
    for start, end in ranges:
        inside[start:end] = True
    return inside


def space_of(*masks: np.ndarray) -> Space:
    columns = np.arange(len(masks))
    return Space((None,) * len(masks), np.column_stack(masks), columns)  # type: ignore[arg-type]  # conditions are not looked at


def searched_of(
    space: Space, rules: list[list[int]], regretted: np.ndarray
) -> RuleStatistics:
    """All rules telling, none of the permutations' largest near them."""
    inside = [space.masks[:, [c for c in r if c >= 0]].all(axis=1) for r in rules]
    covered = np.array([one.sum() for one in inside])
    hits = np.array([(one & regretted).sum() for one in inside])
    statistic = signed_root(covered, hits, ROWS, int(regretted.sum()))
    return RuleStatistics(
        covered, hits, statistic, np.full(len(rules), 0.01), np.zeros(100)
    )


def naive_root(covered: int, hits: int, rows: int, positives: int) -> float:
    """Signed root of twice the log-likelihood ratio of the 2 x 2 table."""
    if hits * rows <= covered * positives:
        return 0.0
    table = [
        (hits, covered * positives),
        (covered - hits, covered * (rows - positives)),
        (positives - hits, (rows - covered) * positives),
        (rows - covered - positives + hits, (rows - covered) * (rows - positives)),
    ]
    return sqrt(2 * sum(n * log(n * rows / due) for n, due in table if n))


@pytest.mark.parametrize("rows", [12, 40])
def test_the_statistic_is_that_of_every_table_of_two_by_two(rows: int) -> None:
    for positives in range(1, rows, 3):
        for covered in range(1, rows, 2):
            for hits in range(max(0, covered + positives - rows), covered + 1):
                if hits <= positives:
                    found = signed_root(
                        np.array([covered]), np.array([hits]), rows, positives
                    )
                    wanted = naive_root(covered, hits, rows, positives)
                    assert found[0] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(("noise", "kept"), [(0, (0, 1)), (8, (0,))])
def test_a_condition_has_to_beat_the_best_of_all_conditions_by_chance(
    noise: int, kept: tuple[int, ...]
) -> None:
    regretted = mask((0, 29), (40, 71), (200, 220))
    space = space_of(mask((0, 100)), mask((0, 40)), *[mask((300, 310))] * noise)
    sharper = naive_root(40, 29, 100, 60)
    assert norm.isf(0.05 / 2) < sharper < norm.isf(0.05 / 10)
    rules = [[0, -1], [0, 1]]
    found = searched_of(space, rules, regretted)
    (first, *_) = prune(space, np.array(rules), found, regretted, least=8, pays=0.65)
    assert first[0] == kept


@pytest.mark.parametrize(
    ("limit", "kept"), [(1.0, 1), (2.0, 1), (2.1, 1), (2.3, 0), (3.0, 0)]
)
def test_a_condition_earns_its_place_from_its_limit_on(limit: float, kept: int) -> None:
    assert 2.1 < naive_root(40, 29, 100, 60) < 2.3
    place_of = {(0,): 0, (0, 1): 1}
    covered, hits = np.array([100, 40]), np.array([60, 29])
    assert _simpler((0, 1), place_of, covered, hits, limit) == kept


def test_a_rule_of_three_loses_one_condition_after_the_other() -> None:
    place_of = {(0,): 0, (0, 2): 1, (0, 1, 2): 2}
    covered, hits = np.array([100, 90, 80]), np.array([60, 54, 48])
    assert _simpler((0, 1, 2), place_of, covered, hits, 1.0) == 0
    assert _simpler((0, 1, 2), {(0, 1, 2): 2}, covered, hits, 1.0) == 2


@pytest.mark.parametrize(("covered", "kept"), [(27, 1), (28, 0), (35, 0)])
def test_a_level_of_a_pair_brings_enough_customers_or_goes(
    covered: int, kept: int
) -> None:
    pair, alone = In("kind", ("a", "b")), Compare("kind", "=", "a")
    space = Space((pair, alone), np.zeros((1, 2), dtype=bool), np.zeros(2, dtype=int))
    places: dict[tuple[int, ...], int] = {(0,): 0, (1,): 1}
    counts = np.array([covered, 20])
    assert _tighter(space, (0,), places, counts, 8) == kept
    assert _tighter(space, (0,), {(0,): 0}, counts, 8) == 0


@pytest.mark.parametrize(
    ("rare", "gain", "statistic", "doubtful", "chosen"),
    [
        ([1, 1, 1], [1, 5, 3], [9, 1, 1], [0, 0, 0], 1),
        ([1, 0, 1], [1, 5, 3], [9, 1, 1], [0, 0, 0], 2),
        ([1, 1, 1], [0, -1, -2], [1, 2, 9], [1, 1, 0], 1),
        ([0, 0, 0], [5, 5, 5], [9, 9, 9], [1, 1, 1], None),
        ([1, 1, 1], [0, 0, 0], [9, 9, 9], [0, 0, 0], None),
        ([1, 1, 1], [0.5, -1, -1], [1, 9, 9], [0, 1, 1], 0),
        ([1, 1, 0], [-1, 0, 0], [3, 3, 9], [1, 1, 1], 0),
    ],
)
def test_what_pays_most_is_taken_and_then_what_tells_most(
    rare: list[int],
    gain: list[float],
    statistic: list[float],
    doubtful: list[int],
    chosen: int | None,
) -> None:
    flags = np.array(rare, dtype=bool), np.array(doubtful, dtype=bool)
    amounts = np.array(gain, dtype=float), np.array(statistic, dtype=float)
    assert _worth_most(flags[0], *amounts, flags[1]) == chosen


@pytest.mark.parametrize(
    ("regrets_beside", "least", "needed"),
    [
        # Of the broad rule's 40 others so many are regretted; even at 20.
        (19, 8, [1]),
        (20, 8, [0, 1]),
        (21, 8, [0, 1]),
        # Too few others to say that it costs.
        (19, 41, [0, 1]),
    ],
)
def test_a_broad_rule_has_to_pay_beside_the_pure_one_in_it(
    regrets_beside: int, least: int, needed: list[int]
) -> None:
    broad, pure = mask((0, 80)), mask((0, 40))
    regretted = mask((0, 40), (40, 40 + regrets_beside), (390, 400))
    inside = np.column_stack([broad, pure])
    assert _needed(inside, regretted, least=least, pays=0.5) == needed
