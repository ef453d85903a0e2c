"""Rules by pysubgroup, RuleFit and RIPPER: run by a Python that has these installed.

They need an older NumPy than we do, so they live in an environment of their own:

    python -m venv peers
    peers/bin/pip install pysubgroup imodels wittgenstein six

Reads two NDJSON files (to learn from, to be judged on) with the column `regretted`,
and prints per method its rules in its own order: which customers of each file they
cover, as JSON.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

Masks = "Iterator[tuple[np.ndarray, np.ndarray]]"
_MOST = 30


def pysubgroup(train: pd.DataFrame, test: pd.DataFrame) -> Masks:
    """The best 30 subgroups of up to two conditions by weighted relative accuracy."""
    import pysubgroup as ps

    task = ps.SubgroupDiscoveryTask(
        train,
        ps.BinaryTarget("regretted", target_value=True),
        ps.create_selectors(train, ignore=["regretted"], nbins=8),
        result_set_size=_MOST,
        depth=2,
        qf=ps.WRAccQF(),
    )
    found = ps.SimpleDFS().execute(task)
    for _, subgroup, _ in found.results:
        yield subgroup.covers(train), subgroup.covers(test)


def rulefit(train: pd.DataFrame, test: pd.DataFrame) -> Masks:
    """Rules of a fitted RuleFit that speak for regret, the most important first.

    A positive coefficient may stand beside a larger negative one of the same rows, so
    a rule must also hold more regrets than there are on average.
    """
    from imodels import RuleFitClassifier

    both = pd.concat([train, test])
    numbers = pd.get_dummies(both.drop(columns="regretted"), dtype=float)
    numbers = numbers.fillna(numbers.median()).fillna(0.0)
    numbers.columns = [f"x{place}" for place in range(numbers.shape[1])]
    learn, judge = numbers.iloc[: len(train)], numbers.iloc[len(train) :]
    model = RuleFitClassifier(max_rules=100, random_state=0)
    model.fit(learn, train["regretted"].to_numpy(), feature_names=list(learn.columns))
    rules = model._get_rules(exclude_zero_coef=True)
    rules = rules[(rules["type"] == "rule") & (rules["coef"] > 0)]
    bad = train["regretted"].to_numpy()
    told = 0
    for rule in rules.sort_values("importance", ascending=False)["rule"]:
        inside = learn.eval(rule).to_numpy()
        if told < _MOST and inside.any() and bad[inside].mean() > bad.mean():
            told += 1
            yield inside, judge.eval(rule).to_numpy()


def ripper(train: pd.DataFrame, test: pd.DataFrame) -> Masks:
    """RIPPER's rules, in their order."""
    import wittgenstein

    model = wittgenstein.RIPPER(k=2, random_state=0)
    model.fit(train, class_feat="regretted", pos_class=True)
    for rule in model.ruleset_.rules[:_MOST]:
        yield tuple(_inside(rule, frame, model) for frame in (train, test))


def _inside(rule: object, frame: pd.DataFrame, model: object) -> np.ndarray:
    from wittgenstein.base import Ruleset

    alone = type(model)(k=0)
    alone.__dict__.update(model.__dict__)
    alone.ruleset_ = Ruleset([rule])
    return np.asarray(alone.predict(frame.drop(columns="regretted")), dtype=bool)


METHODS: dict[str, Callable] = {
    "pysubgroup": pysubgroup,
    "RuleFit": rulefit,
    "RIPPER": ripper,
}


def main(train_path: str, test_path: str) -> None:
    """Print every method's rules; a method that fails says so."""
    warnings.simplefilter("ignore")
    train, test = (pd.read_json(p, lines=True) for p in (train_path, test_path))
    told = {}
    for name, method in METHODS.items():
        try:
            found = [
                [np.flatnonzero(a).tolist(), np.flatnonzero(b).tolist()]
                for a, b in method(train, test)
            ]
        except Exception as error:  # a peer's failure is a result
            found = f"{type(error).__name__}: {error}"
        told[name] = found
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
