from __future__ import annotations

import numpy as np
import pytest

from icp.learn.boosting import Boosting, cross_boost, fit_boosting, pseudo_weights
from icp.learn.cells import Cells
from icp.learn.contrast import folds_of
from icp.profile import AttributeTable
from icp.schema import Kind
from icp.stats import auc


def table(name: str, levels: int) -> AttributeTable:
    blank = (0,) * (2 + levels)
    return AttributeTable(
        name=name,
        column=name,
        kind=Kind.CATEGORY,
        cells=tuple(f"l{i}" for i in range(levels)),
        points=blank,
        pooled=blank,
        best=blank,
        regrettable=blank,
        information=0,
    )


def customers(rows: int, levels: int = 3, seed: int = 0, *, crossing: bool = True):
    draw = np.random.default_rng(seed)
    codes = (2 + draw.integers(0, levels, size=(rows, 4))).astype(np.int32)
    same = (codes[:, 0] == codes[:, 1]) if crossing else codes[:, 0] == 2
    positive = draw.random(rows) < np.where(same, 0.85, 0.3)
    tables = tuple(table(name, levels) for name in "abcd")
    nowhere = tuple(np.full(2 + levels, np.nan) for _ in tables)
    cells = Cells(tables=tables, codes=codes, positions=nowhere, rows=np.arange(rows))
    return cells, positive


def crossed(cells: Cells, positive, *, repeats: int = 1):
    rows = np.arange(len(positive))
    folds = [folds_of(rows, positive, folds=5, seed=seed) for seed in range(repeats)]
    return cross_boost(
        cells,
        rows,
        positive,
        np.array(folds),
        lambda learnt: float(np.log(positive[learnt].mean() / 0.5)),
        silent=np.ones(4, dtype=bool),
        seed=0,
        progress=lambda share: None,
    )


def test_a_crossing_is_found_on_customers_held_out() -> None:
    cells, positive = customers(500)
    chosen, logits = crossed(cells, positive)
    assert chosen.tails[0] > 0.9
    assert auc(logits, positive) > 0.7
    rows = np.arange(500)
    silent = np.ones(4, dtype=bool)
    found = fit_boosting(cells, rows, positive, chosen, 0.0, silent=silent, seed=0)
    strong = max(found.pairs, key=lambda pair: float(np.abs(pair.points).max()))
    assert strong[:2] == (0, 1)


@pytest.mark.parametrize(("count", "most"), [(12, 1), (40, 4)])
def test_few_customers_get_few_pairs(count, most) -> None:
    cells, positive = customers(count)
    chosen = Boosting(tails=(1.0,) * 50, cautious=False)
    rows = np.arange(count)
    silent = np.ones(4, dtype=bool)
    found = fit_boosting(cells, rows, positive, chosen, 0.0, silent=silent, seed=0)
    assert len(found.pairs) <= most


def test_few_customers_are_boosted_about_as_long_as_believed() -> None:
    cells, positive = customers(40, crossing=False)
    chosen, _ = crossed(cells, positive, repeats=4)
    assert 30 <= sum(chosen.tails) <= 150


def test_noise_is_boosted_shortly_or_not_at_all() -> None:
    cells, _ = customers(400)
    positive = np.random.default_rng(9).random(400) < 0.5
    chosen, _ = crossed(cells, positive)
    assert len(chosen.tails) <= 60


def test_many_levels_of_noise_call_for_caution() -> None:
    cells, positive = customers(600, levels=40, crossing=False)
    noise = cells.codes.copy()
    noise[:, 0] = np.where(positive ^ (noise[:, 1] % 5 == 0), 2, 3)
    chosen, _ = crossed(
        Cells(
            tables=cells.tables,
            codes=noise,
            positions=cells.positions,
            rows=cells.rows,
        ),
        positive,
    )
    assert chosen.cautious


def test_no_rounds_give_nothing() -> None:
    cells, positive = customers(50)
    found = fit_boosting(
        cells,
        np.arange(50),
        positive,
        Boosting(tails=(), cautious=False),
        0.3,
        silent=np.ones(4, dtype=bool),
        seed=0,
    )
    assert found.base == 0
    assert not any(values.any() for values in found.points)


@pytest.mark.parametrize(
    ("losses", "weights"),
    [
        ([5.0], [1.0]),
        ([5.0, 5.0], [0.5, 0.5]),
        ([5.0, 5.0 + np.log(3)], [0.75, 0.25]),
    ],
)
def test_models_weigh_as_likely_as_they_made_the_data(losses, weights) -> None:
    assert pseudo_weights(np.array(losses)) == pytest.approx(weights)
