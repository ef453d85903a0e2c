from __future__ import annotations

import numpy as np
import pytest

from icp.learn.boosting import _CHANCE, _LEAST_WEIGHT, Grower, Growth


def grower(codes, positive, ordered=None, silent=None) -> Grower:
    tables = codes.shape[1]
    flags = np.zeros(tables, dtype=bool)
    return Grower(
        codes.astype(np.int32),
        np.array([int(codes[:, j].max()) + 1 for j in range(tables)]),
        flags if ordered is None else ordered,
        positive,
        silent=flags if silent is None else silent,
    )


def growth(rows: int, tables: int, *, models: int = 1, pairs=True, cautious=False):
    return Growth(
        rows=np.ones((models, rows), dtype=bool),
        start=np.zeros((models, rows)),
        partners=np.full((models, tables, tables), fill_value=pairs),
        cautious=np.full(models, fill_value=cautious),
    )


def crossed(rows: int = 800, seed: int = 0):
    draw = np.random.default_rng(seed)
    codes = 2 + draw.integers(0, 2, size=(rows, 2))
    positive = (codes[:, 0] == codes[:, 1]) ^ (draw.random(rows) < 0.1)
    return codes, positive


def grown(codes, positive, how: Growth, *, rounds: int = 40, ordered=None, silent=None):
    told = []
    found = grower(codes, positive, ordered, silent).grow(
        how,
        rounds=rounds,
        seed=0,
        watch=lambda number, logits: told.append(logits.copy()) is None,
    )
    return found, told[-1]


def test_two_attributes_that_only_count_together_are_found() -> None:
    codes, positive = crossed()
    _, logits = grown(codes, positive, growth(800, 2))
    assert ((logits[0] > 0) == positive).mean() > 0.85


def test_without_partners_no_tree_asks_twice() -> None:
    codes, positive = crossed()
    trees, logits = grown(codes, positive, growth(800, 2, pairs=False))
    assert all((tree.then == tree.root[:, None]).all() for tree in trees)
    assert ((logits[0] > 0) == positive).mean() < 0.6


def test_a_tree_gives_what_its_cells_say() -> None:
    codes, positive = crossed(60)
    how = growth(60, 2)
    found = grower(codes, positive)
    (tree,) = found.grow(how, rounds=1, seed=0, watch=lambda number, logits: True)
    by_hand = []
    for row in codes:
        side = tree.side[0, row[tree.root[0]]]
        then = tree.then[0, min(side, 1)]
        seen = tree.values[0, min(side, 1), row[then]]
        by_hand.append(tree.unseen[0] if side == 2 else seen)
    assert found.values(tree)[0] == pytest.approx(by_hand)


def best_split_by_hand(codes, positive, sizes, ridges):
    """Every way to part the cells of one attribute, by brute force."""
    slope, best = 0.5 - positive, 0.0
    for j, size in enumerate(sizes):
        for mask in range(1, 2 ** (size - 1)):
            left = np.array([mask >> c & 1 for c in range(size)], dtype=bool)[
                codes[:, j] - 2
            ]
            sums = [(slope[s].sum(), 0.25 * s.sum()) for s in (left, ~left)]
            if min(weight for _, weight in sums) < _LEAST_WEIGHT:
                continue
            total = (slope.sum(), 0.25 * len(slope))
            gain = sum(g * g / (w + ridges[j]) for g, w in sums)
            best = max(best, gain - total[0] ** 2 / (total[1] + ridges[j]))
    return best


@pytest.mark.parametrize("seed", range(5))
def test_the_first_split_gains_as_much_as_any(seed, monkeypatch) -> None:
    monkeypatch.setattr("icp.learn.boosting._ROW_SHARE", 2.0)
    monkeypatch.setattr("icp.learn.boosting._COLUMN_SHARE", 1.0)
    monkeypatch.setattr("icp.learn.boosting._LEVEL_RIDGE", 1e-12)
    draw = np.random.default_rng(seed)
    codes = np.column_stack([draw.integers(2, 2 + k, 200) for k in (3, 5, 4)])
    positive = draw.random(200) < np.where(codes[:, 1] > 4, 0.7, 0.4)
    found = grower(codes, positive)
    how = growth(200, 3, pairs=False)
    (tree,) = found.grow(how, rounds=1, seed=0, watch=lambda number, logits: True)
    side = tree.side[0, codes[:, tree.root[0]]]
    slope = 0.5 - positive
    sums = [(slope[side == s].sum(), 0.25 * (side == s).sum()) for s in (0, 1)]
    gain = sum(g * g / (w + 5.0) for g, w in sums) - slope.sum() ** 2 / (50 + 5.0)
    best = best_split_by_hand(codes, positive, (3, 5, 4), (5.0,) * 3)
    assert gain == pytest.approx(best, abs=1e-6)


def test_a_split_of_an_ordered_attribute_keeps_the_order() -> None:
    draw = np.random.default_rng(3)
    codes = draw.integers(2, 12, size=(400, 2))
    positive = draw.random(400) < np.where(codes[:, 0] % 3 == 0, 0.8, 0.3)
    trees, _ = grown(
        codes, positive, growth(400, 2, pairs=False), ordered=np.array([True, True])
    )
    for tree in trees:
        side = tree.side[0, 2:]
        known = side[side < 2]
        assert (np.diff(known.astype(int)) >= 0).all()


def test_exchanging_the_outcomes_negates_every_logit() -> None:
    codes, positive = crossed(300)
    one = grown(codes, positive, growth(300, 2, models=3))[1]
    two = grown(codes, ~positive, growth(300, 2, models=3))[1]
    assert (one == -two).all()


def test_models_learn_from_their_own_rows_only() -> None:
    codes, positive = crossed(300)
    first = growth(300, 2, models=2)
    first.rows[1, 150:] = False
    other = positive.copy()
    other[150:] = ~other[150:]
    one = grown(codes, positive, first)[1]
    two = grown(codes, other, first)[1]
    assert (one[1] == two[1]).all()
    assert not (one[0] == two[0]).all()


def test_missing_says_nothing_in_a_silent_table() -> None:
    draw = np.random.default_rng(1)
    codes = 2 + draw.integers(0, 3, size=(400, 2))
    positive = draw.random(400) < 0.5
    codes[positive & (draw.random(400) < 0.5), 0] = 0
    silent = np.array([True, False])
    trees, _ = grown(codes, positive, growth(400, 2), silent=silent)
    assert all((t.side[t.root == 0, 0] == 2).all() for t in trees)


def test_a_cautious_model_leaves_a_hundred_levels_of_noise_alone() -> None:
    draw = np.random.default_rng(0)
    codes = np.column_stack(
        [2 + draw.integers(0, 100, 1_000), 2 + draw.integers(0, 2, 1_000)]
    )
    positive = draw.random(1_000) < np.where(codes[:, 1] == 3, 0.6, 0.4)
    free = grown(codes, positive, growth(1_000, 2, pairs=False))[0]
    wary = grown(codes, positive, growth(1_000, 2, pairs=False, cautious=True))[0]
    times = [sum(int(t.root[0] == 0) for t in trees) for trees in (free, wary)]
    assert times[0] > 3 * times[1]
    assert pytest.approx(2 / np.pi) == _CHANCE


def test_watching_can_stop_the_growth() -> None:
    codes, positive = crossed(100)
    found = grower(codes, positive).grow(
        growth(100, 2), rounds=50, seed=0, watch=lambda number, logits: number < 7
    )
    assert len(found) == 7


def test_equal_gains_are_decided_alike_whichever_outcome_is_best() -> None:
    codes = np.repeat([[2, 2], [3, 3], [4, 4]], 12, axis=0)
    positive = np.array([True] * 12 + [True, False] * 6 + [False] * 12)
    one = grown(codes, positive, growth(36, 2, models=4))[1]
    two = grown(codes, ~positive, growth(36, 2, models=4))[1]
    assert (one == -two).all()
