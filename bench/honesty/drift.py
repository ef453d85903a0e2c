"""S11: drift over time is named where it is planted, and not where it is not."""

from __future__ import annotations

import os
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from bench.honesty.rows import Row, at_least, at_most, row
from bench.honesty.world import customers
from bench.sets.recipe import run_recipe
from icp.learn import FitOptions, fit_profile
from icp.learn.screen import screen
from icp.schema import AccountSchema
from icp.scoring import score
from icp.stats import auc

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Plant = Callable[[np.random.Generator, NDArray[np.bool_], NDArray[np.bool_]], list]

QUICK = FitOptions(refits=0, max_segments=1)
SIZES = (50, 200, 1_000)
COUNT = 300
#: Columns of bank-marketing that follow the calendar, not the customer.
CALENDAR = {"cons_conf_idx", "cons_price_idx", "emp_var_rate", "euribor3m"}
_FIRST = 0.7


def drift_rows(runs: int, /) -> list[Row]:
    """False alarms per profile, planted drift found, and a real drift trap."""
    alarms = [_alarm_row(count, runs) for count in SIZES]
    planted = [_planted_row(name, max(runs // 4, 2)) for name in PLANTED]
    real = [_real_row()] if "ICP_DATA" in os.environ else []
    return [*alarms, _rate_row(runs), *planted, *real]


def found_in(frame: pl.DataFrame, /) -> dict[str, str]:
    """What learning finds about drift, by column; one customer came a day.

    The rows are in the order in which they came.
    """
    days = [date(2022, 1, 1) + timedelta(days=i) for i in range(frame.height)]
    dated = frame.with_columns(came=pl.Series(days))
    roles = {"outcome": "ignored", "came": "ignored"}
    schema = AccountSchema.infer(dated, roles=roles)
    screened = screen(dated, schema, "outcome", None, None, FitOptions(), 0, "came")
    return {f.column: f.code for f in screened.findings if f.code.startswith("drift")}


def _alarm_row(count: int, runs: int) -> Row:
    alarms = [bool(found_in(customers(count, seed=s)[0])) for s in range(runs)]
    return row(
        "S11",
        f"no drift alarm on {count:,} undrifted customers",
        "at most 5 % of profiles",
        f"{np.mean(alarms):.1%} of {runs}",
        at_most(float(np.mean(alarms)), 0.05),
    )


def _rate_row(runs: int) -> Row:
    """Best customers become more frequent, their attributes stay as they were."""
    alarms = []
    for seed in range(runs):
        draw = np.random.default_rng([seed, 61])
        frame, _ = customers(2 * COUNT, seed=seed)
        kept = np.where(frame["outcome"] == "best", np.linspace(0.2, 1, 2 * COUNT), 0.6)
        thinned = frame.filter(pl.Series(draw.random(2 * COUNT) < kept))
        alarms.append(bool(found_in(thinned)))
    return row(
        "S11",
        "no drift alarm where only the share of best customers changes",
        "at most 5 % of profiles",
        f"{np.mean(alarms):.1%} of {runs}",
        at_most(float(np.mean(alarms)), 0.05),
    )


def _left(draw: np.random.Generator, best: NDArray, new: NDArray) -> list[float]:
    return (np.where(new, 5.0, 1.0) + draw.random(len(new))).tolist()


def _levels(draw: np.random.Generator, best: NDArray, new: NDArray) -> list[str]:
    return np.where(new, "new", draw.choice(["a", "b"], len(new))).tolist()


def _moved(draw: np.random.Generator, best: NDArray, new: NDArray) -> list[str]:
    chance = np.where(new, 0.7, 0.35)
    return np.where(draw.random(len(new)) < chance, "a", "b").tolist()


def _emptied(draw: np.random.Generator, best: NDArray, new: NDArray) -> list:
    kept = draw.random(len(new)) < np.where(new, 0.4, 0.9)
    return [str(b) if k else None for b, k in zip(best, kept, strict=True)]


def _turned(draw: np.random.Generator, best: NDArray, new: NDArray) -> list[str]:
    true = draw.random(len(new)) < 0.75
    return np.where(np.where(true, best ^ new, ~(best ^ new)), "a", "b").tolist()


#: What is planted in the newest third, and the code it must be found under.
PLANTED: dict[str, tuple[Plant, str]] = {
    "a number leaves its range": (_left, "drift_range"),
    "only new levels": (_levels, "drift_range"),
    "a share goes from 35 % to 70 %": (_moved, "drift_shift"),
    "filled in for 40 % instead of 90 %": (_emptied, "drift_shift"),
    "an effect of odds 9 turns round": (_turned, "drift_reversed"),
}


def _planted_row(name: str, runs: int) -> Row:
    plant, code = PLANTED[name]
    hits, others = 0, 0
    for seed in range(runs):
        frame, _ = customers(COUNT, seed=seed)
        draw = np.random.default_rng([seed, 62])
        best = (frame["outcome"] == "best").to_numpy()
        new = np.arange(COUNT) >= 2 * COUNT // 3
        found = found_in(frame.with_columns(it=pl.Series(plant(draw, best, new))))
        hits += found.pop("it", "") == code
        others += bool(found)
    return row(
        "S11",
        f"drift is named: {name}, {COUNT} customers",
        "at least 90 %",
        f"{hits / runs:.0%} of {runs}; another column accused in {others / runs:.0%}",
        at_least(hits / runs, 0.9),
    )


def _real_row() -> Row:
    """Bank marketing, first 70 % by date: the columns of the calendar are refused."""
    recipe = run_recipe("bank-marketing")
    number = pl.col("account_id").str.extract(r"(\d+)").cast(pl.Int64)
    ordered = recipe.labelled.sort(number)
    first = round(_FIRST * ordered.height)
    options = {"schema": recipe.customers.schema, "options": QUICK}
    rest = ordered[first:]
    best = (rest["outcome"] == "best").to_numpy()
    ranked = []
    for when in (None, recipe.config.learning.date):
        learnt = fit_profile(ordered[:first], date=when, **options)
        ranked.append(auc(score(rest, learnt)["margin"].to_numpy().astype(float), best))
    refused = {f.column for f in learnt.provenance.findings if f.excluded}
    return row(
        "S11",
        "bank-marketing, first 70 % by date: columns of the calendar are refused",
        f"{len(CALENDAR)} of {len(CALENDAR)}",
        f"{len(CALENDAR & refused)} of {len(CALENDAR)}; AUC on the rest "
        f"{ranked[0]:.3f} without a date, {ranked[1]:.3f} with it",
        at_least(len(CALENDAR & refused), len(CALENDAR)),
    )


if __name__ == "__main__":
    for one in drift_rows(40):
        print(one)
