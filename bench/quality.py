"""How well profiles rank and calibrate on open data, beside logistic regression.

    ICP_DATA=<folder with the open data sets> python bench/quality.py [SET ...]

Both see the same columns and the same folds. Accounts of one group, and accounts that
are identical in every attribute, are never split over folds. Prints one table, what
the leakage checks say when known leaks are let in, and what the tool says of each set;
writes the same to `bench/results/quality.md`.
"""

from __future__ import annotations

import os
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from recipe import RECIPES, Recipe, recipe_names, run_recipe
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from icp import stats
from icp.learn import FitOptions, fit_profile
from icp.learn.contrast import folds_of
from icp.schema import AccountSchema, Kind
from icp.scoring import score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from icp.profile import Profile

RESULTS = Path(__file__).with_name("results") / "quality.md"
FOLDS = 5
FEW = 1_000


@dataclass(frozen=True, kw_only=True)
class Task:
    """Best and regrettable customers of one set, ready to be split."""

    name: str
    frame: pl.DataFrame
    schema: AccountSchema
    best: NDArray[np.bool_]
    groups: NDArray[np.int64]
    profile: Profile


def prepared(recipe: Recipe, /) -> Task:
    """The judged customers of a recipe, and the profile learnt from all of them."""
    group = recipe.config.learning.group
    schema = recipe.customers.schema
    judged = recipe.labelled.filter(pl.col("outcome").is_in(["best", "regrettable"]))
    profile = fit_profile(
        recipe.labelled,
        schema=schema,
        group=group,
        options=FitOptions(accept=accepted(recipe)),
    )
    kept = {t.column for t in profile.tables}
    schema = AccountSchema(
        attributes=tuple(a for a in schema.learnable if a.name in kept)
    )
    rows = judged.select(schema.names)
    keys = judged[group] if group else rows.select(pl.struct(pl.all())).to_series()
    return Task(
        name=recipe.name,
        frame=rows.with_columns(judged["outcome"]),
        schema=schema,
        best=(judged["outcome"] == "best").to_numpy(),
        groups=keys.rank("dense").fill_null(0).to_numpy().astype(np.int64)
        if group
        else rows.hash_rows().rank("dense").to_numpy().astype(np.int64),
        profile=profile,
    )


def accepted(recipe: Recipe, /) -> tuple[str, ...]:
    """Columns for which the recipe answers."""
    return tuple(entry.column for entry in recipe.config.learning.accept)


def ours(train: pl.DataFrame, test: pl.DataFrame, task: Task) -> NDArray[np.float64]:
    """Probability of being best, calibrated, for the test rows."""
    group = np.unique(train["__group__"].to_numpy(), return_inverse=True)[1]
    profile = fit_profile(
        train.drop("__group__").with_columns(__group__=pl.Series(group.astype(str))),
        schema=task.schema,
        group="__group__",
        options=FitOptions(
            accept=task.schema.names, max_segments=1, refits=20, min_level=4
        ),
    )
    margin = score(test.select(task.schema.names), profile)["margin"].to_numpy()
    thresholds = np.array(profile.calibration.thresholds)
    if not len(thresholds):
        return np.asarray(stats.sigmoid(margin / 1000))
    return (np.searchsorted(thresholds, margin, side="right") + 0.5) / 1000


def logistic(
    train: pl.DataFrame, test: pl.DataFrame, task: Task
) -> NDArray[np.float64]:
    """Tuned ridge logistic regression on one-hot categories and scaled numbers."""
    numbers = [a.name for a in task.schema.attributes if a.kind is Kind.NUMBER]
    others = [a.name for a in task.schema.attributes if a.kind is not Kind.NUMBER]
    as_text = [pl.col(c).cast(pl.String).fill_null("missing") for c in others]
    x, y = train.with_columns(as_text), (train["outcome"] == "best").to_numpy()
    model = make_pipeline(
        make_column_transformer(
            (
                make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
                numbers,
            ),
            (OneHotEncoder(handle_unknown="ignore", min_frequency=4), others),
        ),
        LogisticRegressionCV(
            Cs=[0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0],
            l1_ratios=(0.0,),
            scoring="neg_log_loss",
            max_iter=2_000,
            use_legacy_attributes=False,
        ),
    )
    model.fit(x.select(task.schema.names).to_pandas(), y)
    asked = test.with_columns(as_text).select(task.schema.names).to_pandas()
    return np.asarray(model.predict_proba(asked)[:, 1])


METHODS = {"icp": ours, "logistic regression": logistic}


def held_out(task: Task, repeats: int) -> dict[str, tuple[NDArray[np.float64], float]]:
    """Out-of-fold probabilities and seconds per fit of every method."""
    _, groups = np.unique(task.groups, return_inverse=True)
    frame = task.frame.with_columns(__group__=pl.Series(groups))
    found = {}
    for name, method in METHODS.items():
        total, started = np.zeros(frame.height), time.perf_counter()
        for repeat in range(repeats):
            fold = folds_of(groups, task.best, folds=FOLDS, seed=100 + repeat)
            for number in range(FOLDS):
                test = pl.Series(fold == number)
                train = frame.filter(~test)
                total[fold == number] += method(train, frame.filter(test), task)
        seconds = (time.perf_counter() - started) / (repeats * FOLDS)
        found[name] = (total / repeats, seconds)
    return found


def table_rows(task: Task) -> list[str]:
    """One line of the table per method."""
    repeats = 3 if task.frame.height < FEW else 1
    _, groups = np.unique(task.groups, return_inverse=True)
    lines = []
    for name, (probability, seconds) in held_out(task, repeats).items():
        low, high = stats.auc_interval(probability, task.best, groups=groups)
        cells = (
            task.name if name == "icp" else "",
            f"{task.best.sum()} / {(~task.best).sum()}" if name == "icp" else "",
            name,
            f"{stats.auc(probability, task.best):.3f} ({low:.3f} to {high:.3f})",
            f"{stats.log_loss(probability, task.best):.4f}",
            f"{stats.brier(probability, task.best):.4f}",
            f"{stats.lift(probability, task.best):.2f}",
            f"{seconds:.1f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def leak_line(name: str) -> str:
    """Which of the known leaks the checks refuse when they are let in."""
    leaks = RECIPES / name / "leaks.toml"
    if not leaks.is_file():
        return f"| {name} | none named | | |"
    wanted = set(tomllib.loads(leaks.read_text(encoding="utf-8"))["roles"])
    recipe = run_recipe(name, leaks=True)
    profile = fit_profile(
        recipe.labelled,
        schema=recipe.customers.schema,
        group=recipe.config.learning.group,
        options=FitOptions(accept=accepted(recipe), refits=0, max_segments=1),
    )
    refused = {f.column: f.code for f in profile.provenance.findings if f.excluded}
    found = [
        f"{column} ({refused[column]})" for column in sorted(wanted & set(refused))
    ]
    missed = sorted(wanted - set(refused))
    others = [f"{c} ({refused[c]})" for c in sorted(set(refused) - wanted)]
    return (
        f"| {name} | {len(found)} of {len(wanted)}: {', '.join(found)} | "
        f"{', '.join(missed) or '-'} | {', '.join(others) or '-'} |"
    )


def said(task: Task) -> str:
    """What the profile itself says of the set."""
    provenance = task.profile.provenance
    strongest = sorted(provenance.attributes, key=lambda a: -a.information_value)[:3]
    alone = ", ".join(f"{a.name} {a.auc:.2f}" for a in strongest)
    lines = [f"**{task.name}**: evidence {provenance.evidence.level}; alone: {alone}."]
    lines += [f"- {note}" for note in provenance.notes]
    return "\n".join(lines)


def main() -> None:
    """Run the sets named on the command line, or all."""
    chosen = sys.argv[1:] or recipe_names()
    if "ICP_DATA" not in os.environ:
        raise SystemExit("set ICP_DATA to the folder that holds the open data sets")
    head = (
        "| set | best / regrettable | method | AUC (90 % interval) | log loss | Brier "
        "| lift at 10 % | seconds a fit |\n|---|---|---|---|---|---|---|---|"
    )
    print(head, flush=True)
    lines, words = [head], []
    for name in chosen:
        task = prepared(run_recipe(name))
        for line in table_rows(task):
            print(line, flush=True)
            lines.append(line)
        words.append(said(task))
    leaks = [
        "| set | leaks found by our checks | missed | also refused |\n|---|---|---|---|"
    ]
    for name in chosen:
        leaks.append(leak_line(name))
        print(leaks[-1], flush=True)
    print("\n\n".join(words))
    RESULTS.parent.mkdir(exist_ok=True)
    text = "\n".join(
        [
            "# Quality on open data",
            "",
            "Made by `python bench/quality.py`; same columns and folds for both.",
            "",
            *lines,
            "",
            "## Known leaks, let in on purpose",
            "",
            *leaks,
            "",
            "## What the tool says of each set",
            "",
            "\n\n".join(words),
            "",
        ]
    )
    RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
