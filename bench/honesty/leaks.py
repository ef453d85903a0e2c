"""S10 and S12: planted leaks, clean columns, and signals that are the seller's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from bench.honesty.rows import Row, at_least, at_most, row
from bench.honesty.world import customers
from icp.learn import FitOptions, fit_profile
from icp.schema import AccountSchema, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from icp.profile import Profile

    Leak = Callable[[np.random.Generator, NDArray[np.bool_]], pl.Series]

QUICK = FitOptions(refits=0, max_segments=1)
COUNT = 400


def leak_rows(runs: int, /) -> Iterator[Row]:
    """Planted leaks found, one at a time, and clean columns left alone."""
    caught = {name: _caught(name, runs) for name in LEAKS}
    listed = ", ".join(f"{name} {count}" for name, count in caught.items())
    always = sum(count == runs for count in caught.values())
    yield row(
        "S10",
        f"{len(LEAKS)} planted leaks are flagged, {COUNT} customers",
        f"{len(LEAKS)} of {len(LEAKS)}",
        f"{always} of {len(LEAKS)} in every one of {runs} draws ({listed})",
        at_least(always, len(LEAKS)),
    )
    clean = [false_flags(seed) for seed in range(runs)]
    yield row(
        "S10",
        "clean columns are not accused",
        "at most 1 in 50",
        f"{np.mean(clean):.2f} of 50 on average, at most {max(clean)} in {runs}",
        at_most(float(np.mean(clean)), 1.0),
    )


def _caught(name: str, runs: int) -> int:
    return sum(is_caught(name, seed) for seed in range(runs))


def is_caught(name: str, seed: int, /) -> bool:
    """Whether the planted column is named in the findings, or not learnt from."""
    frame, _ = customers(COUNT, seed=seed)
    best = (frame["outcome"] == "best").to_numpy()
    draw = np.random.default_rng([seed, 21])
    planted = LEAKS[name](draw, best)
    frame = frame.with_columns(planted)
    prospects = None
    if name == "customers only":
        prospects = frame.drop("outcome").with_columns(
            pl.when(pl.int_range(pl.len()) % 20 == 0).then(planted.name)
        )
    profile = fit_profile(frame, prospects=prospects, options=QUICK)
    named = {finding.column for finding in profile.provenance.findings}
    return planted.name in named or planted.name not in profile.columns


def _text(name: str, values: NDArray[np.generic]) -> pl.Series:
    return pl.Series(name, values.astype(str))


def _after_sale_name(draw: np.random.Generator, best: NDArray[np.bool_]) -> pl.Series:
    return pl.Series("months_since_last_order", draw.exponential(6 + 3.0 * ~best))


def _identifier(draw: np.random.Generator, best: NDArray[np.bool_]) -> pl.Series:
    number = draw.permutation(len(best)) + 1000 * best
    return _text("contract_no", number).alias("contract_no") + "-x"


def _customers_only(draw: np.random.Generator, best: NDArray[np.bool_]) -> pl.Series:
    return pl.Series("onboarding_days", draw.normal(20 + 3.0 * ~best, 8))


def _missing_tells(draw: np.random.Generator, best: NDArray[np.bool_]) -> pl.Series:
    filled = draw.random(len(best)) < np.where(best, 0.75, 0.2)
    values = draw.choice(np.array(["a", "b", "c"]), len(best))
    return pl.Series("review_note", np.where(filled, values, "n/a"))


def _noisy_copy(draw: np.random.Generator, best: NDArray[np.bool_]) -> pl.Series:
    copied = best ^ (draw.random(len(best)) < 0.05)
    return _text("account_colour", np.where(copied, "green", "amber"))


def _noisy_flag(draw: np.random.Generator, best: NDArray[np.bool_]) -> pl.Series:
    return pl.Series("in_programme", best ^ (draw.random(len(best)) < 0.05))


def _number_after(draw: np.random.Generator, best: NDArray[np.bool_]) -> pl.Series:
    return pl.Series("usage_index", draw.normal(3.0 * best))


def _pure_level(draw: np.random.Generator, best: NDArray[np.bool_]) -> pl.Series:
    ended = ~best & (draw.random(len(best)) < 0.3)
    usual = draw.choice(np.array(["standard", "plus", "pro"]), len(best))
    return _text("plan", np.where(ended, "settlement", usual))


def _amount_after(draw: np.random.Generator, best: NDArray[np.bool_]) -> pl.Series:
    paid = ~best & (draw.random(len(best)) < 0.6)
    return pl.Series(
        "credit_notes", np.where(paid, draw.exponential(900, len(best)), 0)
    )


def _reason_codes(draw: np.random.Generator, best: NDArray[np.bool_]) -> pl.Series:
    return _text("code", draw.integers(6, size=len(best)) + 10 * best)


def _date_after(draw: np.random.Generator, best: NDArray[np.bool_]) -> pl.Series:
    days = draw.integers(30, 300, len(best)) + np.where(best, 400, 0)
    return pl.Series("handover", np.datetime64("2024-01-01") + days)


def _seller(draw: np.random.Generator, best: NDArray[np.bool_]) -> pl.Series:
    good = draw.random(len(best)) < np.where(best, 0.7, 0.3)
    return _text("account_owner", np.where(good, "Ann", "Bob"))


#: Each draws one leaking column; only three have names that give them away.
LEAKS: dict[str, Leak] = {
    "post-sale name": _after_sale_name,
    "id": _identifier,
    "customers only": _customers_only,
    "missing tells": _missing_tells,
    "copy, 5 % noise": _noisy_copy,
    "flag, 5 % noise": _noisy_flag,
    "number written later": _number_after,
    "level of one outcome": _pure_level,
    "amount for one outcome": _amount_after,
    "reason codes": _reason_codes,
    "date after the sale": _date_after,
    "seller": _seller,
}


def false_flags(seed: int, /) -> int:
    """How many of 50 clean columns are named: noise, and true signals up to AUC 0.8."""
    frame, _ = customers(COUNT, seed=1_000 + seed)
    best = (frame["outcome"] == "best").to_numpy()
    draw = np.random.default_rng([seed, 22])
    clean = {f"clean_{i:02}": _clean(draw, best, i) for i in range(50)}
    profile = fit_profile(frame.with_columns(**clean), options=QUICK)
    named = {finding.column for finding in profile.provenance.findings}
    return len(named & set(clean))


def _clean(
    draw: np.random.Generator, best: NDArray[np.bool_], number: int
) -> pl.Series:
    strength = 0.0 if number < 30 else draw.uniform(0.2, 1.2)
    values = draw.normal(strength * best)
    seen = draw.random(len(best)) > draw.choice([0.0, 0.1, 0.4])
    if number % 3 == 0:
        return pl.Series(values).set(pl.Series(~seen), None)
    if number % 3 == 1:
        levels = np.clip(np.floor(values * 1.5 + 3), 0, 5).astype(int)
        return pl.Series(levels.astype(str)).set(pl.Series(~seen), None)
    return pl.Series(values > 0.8)


# --------------------------------------------------------------------- who sold it


def seller_rows(runs: int, /) -> Iterator[Row]:
    """Signals that are the seller's, or the year's, against signals of their own."""
    fake = [warned(seed, "seller", fake=True) for seed in range(runs)]
    years = [warned(seed, "year", fake=True) for seed in range(runs)]
    found = np.mean([*fake, *years])
    figure = (
        f"{np.mean(fake):.0%} of {runs} by seller, {np.mean(years):.0%} of {runs} by "
        f"year; {COUNT} customers, 6 sellers or years"
    )
    yield row(
        "S12",
        "a signal that is only who sold, or when, is warned of",
        "at least 90 %",
        figure,
        at_least(float(found), 0.9),
    )
    real = [warned(seed, kind, fake=False) for seed in range(runs) for kind in KINDS]
    yield row(
        "S12",
        "a real signal is not blamed on who sold, or when",
        "no target set; 5 % aimed at",
        f"{np.mean(real):.1%} of {len(real)} runs warned of a real attribute",
        at_most(float(np.mean(real)), 0.05),
    )


KINDS = ("seller", "year")


def warned(seed: int, kind: str, /, *, fake: bool) -> bool:
    """Whether a signal is called confounded.

    Fake: each seller (year) has good or bad luck and mostly one kind of customer, which
    itself means nothing. Real: sellers have luck and mostly one industry, and industry
    matters as well, whoever sells.
    """
    frame, _ = customers(COUNT, seed=seed)
    draw = np.random.default_rng([seed, 23])
    stratum = draw.integers(6, size=COUNT)
    luck = np.array([-1.4, -1.0, -0.4, 0.4, 1.0, 1.4])[stratum]
    best = (frame["outcome"] == "best").to_numpy()
    if fake:
        best = draw.random(COUNT) < 1 / (1 + np.exp(-luck))
        own = draw.random(COUNT) < 0.7
        kinds = np.where(own, stratum // 2, draw.integers(3, size=COUNT))
        frame = frame.with_columns(tier=pl.Series(kinds.astype(str)))
    elif seed % 2:
        stratum = np.where(
            draw.random(COUNT) < 0.6,
            frame["industry"].cast(pl.Categorical).to_physical().fill_null(0).to_numpy()
            % 6,
            stratum,
        )
    frame = frame.with_columns(outcome=pl.Series(np.where(best, "best", "regrettable")))
    return _warns(frame, stratum, kind, {"tier"} if fake else REAL)


REAL = {"industry", "staff", "growth", "partner"}


def _warns(
    frame: pl.DataFrame, stratum: NDArray[np.int64], kind: str, columns: set[str]
) -> bool:
    if kind == "seller":
        frame = frame.with_columns(sold_by=pl.Series(stratum.astype(str)))
        schema = AccountSchema.infer(
            frame, roles={"outcome": Role.OUTCOME, "sold_by": Role.OWNER}
        )
        profile = fit_profile(frame, schema=schema, options=QUICK)
    else:
        days = pl.Series([f"{2018 + s}-06-01" for s in stratum]).str.to_date()
        frame = frame.with_columns(closed_on=days)
        profile = fit_profile(frame, date="closed_on", options=QUICK)
    return bool(columns & confounded_columns(profile))


def confounded_columns(profile: Profile, /) -> set[str]:
    """The columns that the profile says may be the seller's or the year's."""
    found = profile.provenance.findings
    return {finding.column for finding in found if finding.code == "confounded"}
