"""Data in which nothing separates best from regrettable, and how few are enough."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from bench.honesty.rows import Row, row
from bench.sets.recipe import RECIPES, run_recipe
from icp.demo import draw_demo
from icp.errors import TooFewCustomersError
from icp.learn import FitOptions, fit_profile
from icp.schema import AccountSchema
from icp.scoring import score

if TYPE_CHECKING:
    from collections.abc import Iterator

    from icp.profile import Profile

NULL_SETS = ("maven-crm", "zoho-crm-sample")
PERMUTED_SET = "telco-ibm"
QUICK = FitOptions(refits=20, max_segments=1)


class Told(NamedTuple):
    """What a profile says of how much its data separate."""

    level: str
    auc: float
    low: float
    high: float
    graded: int
    segments: int

    @property
    def nothing(self) -> bool:
        """Whether it says that nothing separates, and grades nobody."""
        return self.level == "none" and not self.graded


def told(profile: Profile, accounts: pl.DataFrame, /) -> Told:
    """The evidence, how many of the accounts get a grade, how many segments there are.

    Segments are those beyond one of each kind.
    """
    evidence = profile.provenance.evidence
    graded = score(accounts.select(*profile.columns), profile)["grade"].count()
    return Told(
        evidence.level,
        evidence.auc,
        evidence.auc_low,
        evidence.auc_high,
        graded,
        max(0, len(profile.segments) - 2),
    )


def null_rows(runs: int, /) -> Iterator[Row]:
    """Real sets without a signal, and sets whose outcomes were dealt out anew."""
    for name in NULL_SETS:
        yield _null_set_row(name)
    demo = _demo()
    # The quickest to learn from, hence the one that can tell 5 % from 10 %.
    yield _permuted_row("demo", demo, AccountSchema.infer(demo), 4 * runs)
    if _has_data(PERMUTED_SET):
        recipe = run_recipe(PERMUTED_SET)
        schema = recipe.customers.schema
        kept = recipe.labelled.select(*(a.name for a in schema.learnable), "outcome")
        yield _permuted_row(PERMUTED_SET, kept, schema, runs)


def _demo() -> pl.DataFrame:
    """The demo's customers with what is known of prospects too, and the outcome."""
    history, prospects = draw_demo()
    held = [c for c in history.customers.columns if c in prospects.columns]
    names = {"account_id", "account_name", "archetype", "domain"}
    return history.customers.select(*(c for c in held if c not in names), "outcome")


def _has_data(name: str) -> bool:
    folder = Path(os.environ.get("ICP_DATA", "no data")) / name
    return folder.is_dir() and (RECIPES / name / "icp.toml").is_file()


def _null_set_row(name: str) -> Row:
    claim = f"{name}: no signal is found where there is none"
    target = "no grade, AUC interval holds 0.5, no split into segments"
    if not _has_data(name):
        return row("null", claim, target, "the data are not here", "not run")
    recipe = run_recipe(name)
    profile = fit_profile(
        recipe.labelled,
        schema=recipe.customers.schema,
        group=recipe.config.learning.group,
        date=recipe.config.learning.date,
        options=FitOptions(
            accept=tuple(a.column for a in recipe.config.learning.accept)
        ),
    )
    found = told(profile, recipe.labelled)
    figure = (
        f'evidence "{found.level}", AUC {found.auc:.3f} ({found.low:.3f} to '
        f"{found.high:.3f}), {found.graded} graded, {found.segments} segments beyond "
        "one of each kind"
    )
    return row("null", claim, target, figure, _nothing_said(found))


def _nothing_said(found: Told) -> str:
    wrong = []
    if not found.nothing:
        wrong.append("grades")
    if not found.low <= 0.5 <= found.high:
        wrong.append(f"0.5 outside by {max(found.low - 0.5, 0.5 - found.high):.3f}")
    if found.segments:
        wrong.append(f"{found.segments} segments")
    return f"missed: {', '.join(wrong)}" if wrong else "met"


def _permuted_row(
    name: str, frame: pl.DataFrame, schema: AccountSchema, runs: int
) -> Row:
    found = [told(_permuted(frame, schema, seed), frame) for seed in range(runs)]
    false = sum(not one.nothing for one in found)
    held = np.mean([one.low <= 0.5 <= one.high for one in found])
    centre = np.mean([one.auc for one in found])
    figure = (
        f"evidence in {false} of {runs} permutations; AUC {centre:.3f} on average, its "
        f"90 % interval holds 0.5 in {held:.0%}"
    )
    allowed = max(1, round(0.05 * runs))
    return row(
        "null",
        f"{name}, outcomes dealt out anew: no grade where nothing separates",
        'nothing better than "no evidence" (5 % may err), intervals around 0.5',
        figure,
        "met" if false <= allowed else f"missed: {allowed} may err",
    )


def _permuted(frame: pl.DataFrame, schema: AccountSchema, seed: int) -> Profile:
    dealt = frame.with_columns(pl.col("outcome").shuffle(seed))
    accept = tuple(schema.names)
    options = QUICK.model_copy(update={"accept": accept, "refits": 8})
    return fit_profile(dealt, schema=schema, options=options)


# ------------------------------------------------------------------------- how few


def few_rows(runs: int, /) -> list[Row]:
    """15 best and 10 regrettable get something useful; below 5 and 5 a refusal."""
    demo = _demo()
    graded = [_few(demo, seed) for seed in range(runs)]
    described = sum(one is not None for one in graded)
    with_grades = sum(bool(one) for one in graded)
    refusal = _refusal(demo, 4, 9)
    return [
        row(
            "min",
            "15 best and 10 regrettable customers of the demo give something useful",
            "a description always; grades with intervals in most draws",
            f"described in {described} of {runs}, graded with intervals in "
            f"{with_grades} of {runs} (in the others it says that nothing separates)",
            "met" if described == runs and with_grades > runs / 2 else "missed",
        ),
        row(
            "min",
            "fewer than 5 best or 5 regrettable customers are refused",
            "a refusal that says what is missing",
            refusal,
            "met" if "at least 5 of each" in refusal else "missed",
        ),
    ]


def _few(demo: pl.DataFrame, seed: int) -> bool | None:
    """Whether grades with intervals come out; None without even a description."""
    profile = fit_profile(_sampled(demo, 15, 10, seed=seed))
    if not all(segment.name and segment.shares for segment in profile.segments):
        return None
    graded = score(demo.select(*profile.columns), profile)["grade"].count()
    return bool(graded and profile.calibration.low)


def _sampled(
    demo: pl.DataFrame, best: int, regrettable: int, *, seed: int
) -> pl.DataFrame:
    parts = (("best", best), ("regrettable", regrettable))
    return pl.concat(
        demo.filter(pl.col("outcome") == kind).sample(count, seed=seed)
        for kind, count in parts
    )


def _refusal(demo: pl.DataFrame, best: int, regrettable: int) -> str:
    try:
        fit_profile(_sampled(demo, best, regrettable, seed=0))
    except TooFewCustomersError as error:
        return str(error)
    return "learnt all the same"
