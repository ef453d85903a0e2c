from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from icp.learn.boosting import (
    Contrast,
    Grower,
    Growth,
    Pair,
    cap_unknown,
    strongest_pairs,
    tabulate,
)

SIZES = np.array([5, 4, 6])


def forest(seed: int, *, rounds: int = 12, models: int = 2):
    draw = np.random.default_rng(seed)
    codes = np.column_stack([draw.integers(2, size, 300) for size in SIZES])
    codes = codes.astype(np.int32)
    positive = draw.random(300) < np.where(codes[:, 0] + codes[:, 1] > 5, 0.7, 0.4)
    nothing = np.zeros(3, dtype=bool)
    grower = Grower(codes, SIZES, nothing, positive, silent=nothing)
    growth = Growth(
        rows=np.ones((models, 300), dtype=bool),
        start=np.zeros((models, 300)),
        partners=np.ones((models, 3, 3), dtype=bool),
        cautious=np.zeros(models, dtype=bool),
    )
    trees = grower.grow(growth, rounds=rounds, seed=seed, watch=lambda n, logits: True)
    return grower, codes, trees


@pytest.mark.parametrize("seed", range(4))
def test_tables_give_what_the_trees_give(seed) -> None:
    grower, codes, trees = forest(seed)
    weights = np.linspace(1.0, 0.2, len(trees))
    found = tabulate(trees, weights, [0, 1], codes, SIZES, np.zeros(3, dtype=bool))
    each = [
        w * grower.values(t).mean(axis=0) for w, t in zip(weights, trees, strict=True)
    ]
    assert found.logits(codes) == pytest.approx(sum(each), abs=1e-12)


def test_an_average_customer_gets_nothing() -> None:
    _, codes, trees = forest(0)
    found = tabulate(trees, np.ones(12), [0], codes, SIZES, np.zeros(3, dtype=bool))
    for j, values in enumerate(found.points):
        assert values[codes[:, j]].mean() == pytest.approx(0, abs=1e-12)
    for pair in found.pairs:
        rows = np.bincount(codes[:, pair.first], minlength=SIZES[pair.first]) / 300
        assert rows @ pair.points == pytest.approx(0, abs=1e-12)


def test_what_is_not_known_gives_nothing_in_silent_tables() -> None:
    _, codes, trees = forest(1)
    found = tabulate(trees, np.ones(12), [0, 1], codes, SIZES, np.ones(3, dtype=bool))
    assert all((values[:2] == 0).all() for values in found.points)
    for pair in found.pairs:
        assert (pair.points[:2] == 0).all()
        assert (pair.points[:, :2] == 0).all()


def test_the_strongest_pairs_come_first() -> None:
    codes = np.array([[2, 2, 2], [3, 3, 3]], dtype=np.int32)
    size = np.array([4, 4, 4])
    weak, strong = np.full((4, 4), 0.1), np.full((4, 4), 0.3)
    blank = tuple(np.zeros(4) for _ in range(3))
    found = Contrast(base=0, points=blank, pairs=(Pair(0, 1, weak), Pair(1, 2, strong)))
    assert strongest_pairs(found, codes, size, most=1).tolist() == [
        [True, False, False],
        [False, True, True],
        [False, True, True],
    ]


values = st.floats(-3, 3, allow_nan=False)


CODES = (5, 4, 3)
PAIRS = ((0, 1), (0, 2), (1, 2))


def floats(*shape: int):
    return arrays(np.float64, shape, elements=values)


@given(
    st.tuples(*(floats(size) for size in CODES)),
    st.tuples(*(floats(CODES[one], CODES[two]) for one, two in PAIRS)),
)
def test_what_is_not_known_is_never_best_whatever_the_rest(alone, both) -> None:
    pairs = tuple(Pair(*at, points) for at, points in zip(PAIRS, both, strict=True))
    found = cap_unknown(Contrast(base=0, points=alone, pairs=pairs))
    codes = np.array(list(np.ndindex(CODES)), dtype=np.int32)
    together = found.logits(codes).reshape(CODES)
    for table, points in enumerate(found.points):
        by_code = np.moveaxis(together, table, 0)
        best = by_code[2 + points[2:].argmax()]
        assert (by_code[:2] <= best + 1e-9).all()
        assert points[2:].tolist() == alone[table][2:].tolist()


def test_what_the_best_cell_leads_by_may_be_gained_in_pairs() -> None:
    alone = (np.array([0.0, 0.0, 1.0, -1.0]), np.array([0.0, 0.0, 0.2]))
    both = np.zeros((4, 3))
    both[0, 2] = 0.7
    contrast = Contrast(base=0, points=alone, pairs=(Pair(0, 1, both),))
    assert cap_unknown(contrast).pairs[0].points.tolist() == both.tolist()
