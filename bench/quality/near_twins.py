"""Do customers that are alike in all attributes but one have to share a fold?

    ICP_DATA=<folder of open data sets> python -m bench.quality.near_twins [SET ...]

Random folds flatter a learner that memorises where the same account is in two of them.
Identical customers are kept together always. This asks whether those that differ in one
attribute have to be, too: the held-out area under the curve with every customer alone,
with identical ones together, with nearly identical ones together, and with groups of
those sizes drawn at random; for our contrast, and for LightGBM, which can memorise.
Prints a table; docs/decisions/010-near-duplicates.md keeps it.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from bench.sets.recipe import run_recipe
from icp.learn import FitOptions
from icp.learn.contrast import cross_fit, folds_of
from icp.learn.screen import closed_customers, renumber, screen
from icp.stats import auc

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from icp.learn.screen import Screened

    Groups = NDArray[np.int64]
    Learner = Callable[[Screened, Groups, int], float]

SETS = ("b2b-salvirt", "telco-ibm", "x-education")
FOLDS = 5
COLUMNS = ("alone", "identical", "near", "random")


def near_identical(codes: NDArray[np.int32], /) -> Groups:
    """A number per row of cell codes: the same for a leader and those nearly like it.

    Leaders are the commonest patterns first; a leader takes every pattern not taken
    yet that differs from it in at most one column, so that groups do not chain.
    """
    patterns, row_of, counts = np.unique(
        codes, axis=0, return_inverse=True, return_counts=True
    )
    shared = [_shared(patterns, column) for column in range(patterns.shape[1])]
    group = np.full(len(patterns), -1, dtype=np.int64)
    number = 0
    for leader in np.argsort(-counts, kind="stable").tolist():
        if group[leader] >= 0:
            continue
        group[leader] = number
        for keys, members in shared:
            for member in members.get(int(keys[leader]), ()):
                if group[member] < 0:
                    group[member] = number
        number += 1
    return group[row_of.reshape(-1)]


def _shared(
    patterns: NDArray[np.int32], column: int
) -> tuple[Groups, dict[int, list[int]]]:
    """The number of each pattern without a column, and who shares it."""
    rest = np.delete(patterns, column, axis=1)
    _, number = np.unique(rest, axis=0, return_inverse=True)
    number = number.reshape(-1)
    members: dict[int, list[int]] = defaultdict(list)
    for pattern in np.flatnonzero(np.bincount(number)[number] > 1).tolist():
        members[int(number[pattern])].append(pattern)
    return number, members


def ours(screened: Screened, groups: Groups, seed: int, /) -> float:
    """Held-out AUC of the contrast as `fit_profile` chooses it."""
    cross = cross_fit(
        screened.cells,
        screened.rows,
        screened.positive,
        groups,
        missing_counts=screened.missing_counts,
        folds=FOLDS,
        seed=seed,
        progress=lambda share: None,
    )
    kept = screened.positive[np.searchsorted(screened.rows, cross.rows)]
    return auc(cross.logits, kept)


def lightgbm(screened: Screened, groups: Groups, seed: int, /) -> float:
    """Held-out AUC of boosted trees on the same cells, with settings that memorise."""
    options = {"n_estimators": 300, "min_child_samples": 3}
    return _boosted(screened, groups, seed, options)


def pairs(screened: Screened, groups: Groups, seed: int, /) -> float:
    """The same with trees of depth two, which fold into tables of two attributes."""
    options = {"n_estimators": 400, "max_depth": 2, "learning_rate": 0.1}
    return _boosted(screened, groups, seed, options)


def _boosted(
    screened: Screened, groups: Groups, seed: int, options: dict[str, float]
) -> float:
    from lightgbm import LGBMClassifier

    codes = screened.cells.codes[screened.rows]
    positive = screened.positive
    fold = folds_of(groups, positive, folds=FOLDS, seed=seed)
    scores = np.empty(len(codes))
    for number in range(FOLDS):
        train, test = fold != number, fold == number
        trees = LGBMClassifier(**options, n_jobs=1, verbose=-1)
        trees.fit(codes[train], positive[train])
        scores[test] = trees.predict_proba(codes[test])[:, 1]
    return auc(scores, positive)


def measured(name: str, repeats: int) -> list[str]:
    """One line per learner."""
    recipe = run_recipe(name)
    closed = closed_customers(recipe.labelled, "outcome")
    schema = recipe.customers.schema
    screened = screen(closed, schema, "outcome", None, None, FitOptions(), 0)
    codes = screened.cells.codes[screened.rows]
    alone = np.arange(len(codes))
    same = renumber(screened.groups[screened.rows])
    near = renumber(near_identical(codes))
    learners: dict[str, Learner] = {
        "ours": ours,
        "trees of depth two": pairs,
        "LightGBM that memorises": lightgbm,
    }
    lines = []
    for learner, hold_out in learners.items():
        figures = [
            [hold_out(screened, groups, 7 * seed) for groups in (alone, same, near)]
            + [hold_out(screened, renumber(_shuffled(near, seed)), 7 * seed)]
            for seed in range(repeats)
        ]
        means = " | ".join(f"{mean:.3f}" for mean in np.mean(figures, axis=0))
        inside = f"{(np.bincount(near)[near] > 1).mean():.0%}"
        lines.append(f"| {name} | {len(codes):,} | {inside} | {learner} | {means} |")
        print(lines[-1], flush=True)
    return lines


def _shuffled(groups: Groups, seed: int) -> Groups:
    return np.random.default_rng(seed).permutation(groups)


def main() -> None:
    """Print the table."""
    heads = ("set", "customers", "in near groups", "learner", *COLUMNS)
    print(f"| {' | '.join(heads)} |")
    print("|---|---:|---:|---|---:|---:|---:|---:|")
    for name in sys.argv[1:] or SETS:
        measured(name, 8 if name == "b2b-salvirt" else 2)


if __name__ == "__main__":
    main()
