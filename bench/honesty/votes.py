"""P6, P7, P8: copied columns, columns of noise, and one customer more in a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.stats import kendalltau

from bench.honesty.rows import Row, at_least, at_most, row
from bench.honesty.world import customers
from icp.learn import FitOptions, fit_profile
from icp.learn.contrast import cross_fit, fit_contrast
from icp.learn.screen import closed_customers, renumber, screen
from icp.schema import AccountSchema
from icp.scoring import score
from icp.stats import auc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from icp.learn.contrast import CrossFit
    from icp.profile import Profile

QUICK = FitOptions(refits=0, max_segments=1)
TELLING = ("industry", "staff", "growth", "partner")
NEW = 1_000
FEWEST = 5


def copied_rows(runs: int, /, *, count: int = 300) -> list[Row]:
    """A copy of a column under another name: how far scores and ranks move."""
    exact, near = (
        np.array(
            [
                copied(TELLING[seed % 4], seed=seed, count=count, differs=differs)
                for seed in range(runs)
            ]
        ).T
        for differs in (0.0, NEARLY)
    )
    return [
        row(
            "P6",
            "a copied column does not double its vote: what the two give together",
            "changes by at most 5 % of the column's contribution",
            f"{_middle(exact[0])}; {runs} runs, {count} customers",
            at_most(float(np.median(exact[0])), 0.05),
        ),
        row(
            "P6",
            "and hardly changes anybody's rank",
            "Kendall's tau at least 0.98",
            f"{np.median(exact[1]):.3f} in the middle run",
            at_least(float(np.median(exact[1])), 0.98),
        ),
        row(
            "P6",
            f"a column that differs from another for {NEARLY:.0%} of customers",
            "as for a copy (not asked for)",
            f"{_middle(near[0])}; Kendall's tau {np.median(near[1]):.3f} in the middle "
            "run",
            at_most(float(np.median(near[0])), 0.05),
        ),
    ]


NEARLY = 0.05


def _middle(moved: NDArray[np.float64]) -> str:
    return (
        f"{np.median(moved):.1%} in the middle run, 9 in 10 runs below "
        f"{np.quantile(moved, 0.9):.1%}"
    )


def copied(
    column: str, /, *, seed: int, count: int, differs: float
) -> tuple[float, float]:
    """How much the column's contribution changes by a copy, and Kendall's tau.

    The change is the mean absolute difference between what the column gave alone and
    what both give together, per mean absolute contribution. The copy has another
    account's value for a share of accounts, `differs`.
    """
    frame, _ = customers(count, seed=seed)
    new, _ = customers(NEW, seed=70_000 + seed)
    draw = np.random.default_rng([seed, 33])
    doubled, doubled_new = (_doubled(f, column, differs, draw) for f in (frame, new))
    one = score(new, fit_profile(frame, options=QUICK), parts=True)
    two = score(doubled_new, fit_profile(doubled, options=QUICK), parts=True)
    before = points(one, {column})
    after = points(two, {column, "its_copy"})
    tau = kendalltau(one["margin"].to_numpy(), two["margin"].to_numpy()).statistic
    size = max(float(np.abs(before).mean()), 1.0)
    return float(np.abs(after - before).mean() / size), float(tau)


def _doubled(
    frame: pl.DataFrame, column: str, differs: float, draw: np.random.Generator
) -> pl.DataFrame:
    other = pl.Series(draw.permutation(frame.height))
    swapped = pl.Series(draw.random(frame.height) < differs)
    value = pl.when(swapped).then(pl.col(column).gather(other)).otherwise(column)
    return frame.with_columns(value.alias("its_copy"))


def points(scored: pl.DataFrame, columns: set[str], /) -> NDArray[np.float64]:
    """What the columns give each account, pairs that they are part of in halves."""
    total = np.zeros(scored.height)
    for name in scored.columns:
        parts = name.removeprefix("points__").split("*")
        if name.startswith("points__") and columns & set(parts):
            share = len(columns & set(parts)) / len(parts)
            total += share * scored[name].to_numpy()
    return total


# ------------------------------------------------------------------- columns of noise


def noise_rows(runs: int, /, *, count: int = 500) -> list[Row]:
    """1 to 20 columns of noise: the weight they get and what ranking loses."""
    found = [noisy(seed=seed, count=count) for seed in range(runs)]
    weight, loss = (np.array(part) for part in zip(*found, strict=True))
    return [
        row(
            "P7",
            "a column of noise gets hardly any weight",
            "mean share of the profile's information at most 0.05 a column",
            f"{weight.mean():.4f} a column on average, {weight.max():.4f} at most; "
            f"{runs} runs with 1 to 20 columns, {count} customers",
            at_most(float(weight.mean()), 0.05),
        ),
        row(
            "P7",
            "columns of noise hardly hurt",
            "AUC on new accounts falls by at most 0.01",
            f"{loss.mean():+.4f} on average, 9 in 10 runs below "
            f"{np.quantile(loss, 0.9):+.4f}",
            at_most(float(loss.mean()), 0.01),
        ),
    ]


def noisy(*, seed: int, count: int) -> tuple[float, float]:
    """Mean share of information of a column of noise, and the loss of AUC."""
    frame, _ = customers(count, seed=seed)
    new, _ = customers(4 * NEW, seed=80_000 + seed)
    draw = np.random.default_rng([seed, 31])
    extra = 1 + seed % 20
    clean = fit_profile(frame, options=QUICK)
    noisy = fit_profile(_with_noise(frame, extra, draw), options=QUICK)
    told = sum(t.information for t in noisy.tables) or 1
    noise = sum(t.information for t in noisy.tables if t.column.startswith("noise"))
    before = ranked(clean, new)
    after = ranked(noisy, _with_noise(new, extra, draw))
    return noise / told / extra, before - after


def _with_noise(
    frame: pl.DataFrame, columns: int, draw: np.random.Generator
) -> pl.DataFrame:
    levels = np.array(["a", "b", "c", "d", "e"])
    kinds = (
        lambda: draw.normal(size=frame.height),
        lambda: draw.choice(levels, frame.height),
        lambda: draw.random(frame.height) < 0.3,
    )
    return frame.with_columns(
        **{f"noise_{i:02}": pl.Series(kinds[i % 3]()) for i in range(columns)}
    )


def ranked(profile: Profile, new: pl.DataFrame, /) -> float:
    """AUC of the profile on accounts whose outcome is known."""
    margin = score(new, profile)["margin"].to_numpy().astype(float)
    return auc(margin, (new["outcome"] == "best").to_numpy())


# ---------------------------------------------------------------- one best one more


def monotone_rows(runs: int, /) -> list[Row]:
    """Best customers added to a cell: does what the cell gives ever fall?"""
    return [
        _monotone_row(
            "more best customers in a cell never lower what the cell gives",
            "one attribute, how much to shrink is chosen anew",
            np.array([fall(seed) for seed in range(runs)]),
        ),
        _monotone_row(
            "and with what cross-validation chose before they came",
            "one attribute, the choices kept",
            np.array([fall(seed, kept=True) for seed in range(runs)]),
        ),
    ]


def _monotone_row(claim: str, how: str, falls: NDArray[np.int64]) -> Row:
    worst = falls.max(initial=0)
    return row(
        "P8",
        claim,
        f"never, {len(falls):,} cases",
        f"fell in {(falls > 0).sum()} of {len(falls):,} cases, by {worst} millinats at "
        f"most (a grade is hundreds wide); {how}",
        "met" if worst <= 0 else f"missed in {(falls > 0).mean():.1%} of cases",
    )


def fall(seed: int, /, *, kept: bool = False) -> int:
    """By how many millinats a cell's points fall when best customers join it.

    Base and points together, since a profile's cells are told about an average. With
    `kept` the second fit takes over what the first one chose by cross-validation.
    """
    draw = np.random.default_rng([seed, 32])
    levels = np.array(["a", "b", "c", "d"])
    count = int(draw.integers(40, 200))
    kind = draw.integers(4, size=count)
    lift = draw.normal(0, 1.2, 4)
    best = draw.random(count) < 1 / (1 + np.exp(-lift[kind]))
    chosen = int(draw.integers(4))
    more = int(draw.integers(1, 12))
    if min(best.sum(), (~best).sum()) < FEWEST:
        return 0
    level = str(levels[chosen])
    before, choices = _cell_points(levels[kind], best, level)
    after, _ = _cell_points(
        np.append(levels[kind], np.repeat(levels[chosen], more)),
        np.append(best, np.ones(more, dtype=bool)),
        level,
        choices if kept else None,
    )
    return max(0, before - after)


def _cell_points(
    kinds: NDArray[np.str_],
    best: NDArray[np.bool_],
    level: str,
    choices: CrossFit | None = None,
) -> tuple[int, CrossFit]:
    frame = pl.DataFrame(
        {"outcome": np.where(best, "best", "regrettable"), "kind": kinds.astype(str)}
    )
    schema = AccountSchema.infer(frame, roles={"outcome": "ignored"})
    options = QUICK.model_copy(update={"accept": ("kind",), "min_level": 1})
    closed = closed_customers(frame, "outcome")
    screened = screen(closed, schema, "outcome", None, None, options, 0)
    learnt = (screened.cells, screened.rows, screened.positive)
    missing = screened.missing_counts
    chosen = choices or cross_fit(
        *learnt,
        renumber(screened.groups),
        missing_counts=missing,
        folds=options.folds,
        seed=0,
        progress=lambda share: None,
    )
    fitted = fit_contrast(*learnt, chosen, missing_counts=missing, seed=0)
    code = dict(screened.cells.tables[0].levels)[level]
    return round(1000 * (fitted.base + float(fitted.points[0][code]))), chosen
