"""S6 and S7: do intervals hold the truth, and are novelty p-values what they say?"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bench.honesty.rows import Row, row, spread_over
from bench.honesty.world import customers
from icp.learn import FitOptions, fit_profile
from icp.scoring import score

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from icp.profile import Profile

QUICK = FitOptions(max_segments=1)
SIZES = {15: 1.0, 50: 1.0, 200: 0.4, 1_000: 0.1}
SHARES = (0.5, 0.7)
STRENGTHS = (1.0, 1.0, 1.7, 1.7)
NEW = 1_000


class Held(NamedTuple):
    """Of one profile: which accounts' truth its intervals held, and how wide they are.

    `fit` is the probability told for each account.
    """

    inside: NDArray[np.bool_]
    width: NDArray[np.float64]
    fit: NDArray[np.float64]


def interval_rows(runs: int, /) -> Iterator[Row]:
    """Coverage of the 90 % intervals, one row per size of the smaller class."""
    for smaller, share in SIZES.items():
        yield _size_row(smaller, max(4, round(runs * share)))


def _size_row(smaller: int, runs: int) -> Row:
    found = [
        held(smaller, seed=seed, share=SHARES[seed % len(SHARES)])
        for seed in range(runs)
    ]
    kept = [one for one in found if one is not None]
    claim = f"90 % intervals hold the true chance, {smaller:,} in the smaller class"
    if not kept:
        return row("S6", claim, "85 to 95 %", "no interval given in any run", "missed")
    inside = np.concatenate([one.inside for one in kept])
    fit = np.concatenate([one.fit for one in kept])
    low, high = np.quantile(fit, [0.1, 0.9])
    ends = f"{inside[fit <= low].mean():.0%} and {inside[fit >= high].mean():.0%}"
    width = np.concatenate([one.width for one in kept]).mean()
    figure = (
        f"{inside.mean():.1%} of {len(inside):,} accounts in {len(kept)} of {runs} "
        f"runs with grades; lowest and highest tenth {ends}; mean width {width:.2f}"
    )
    return row(
        "S6", claim, "85 to 95 %", figure, spread_over(inside.mean(), 0.85, 0.95)
    )


def held(smaller: int, /, *, seed: int, share: float) -> Held | None:
    """What the intervals of one profile hold among new accounts; None without any."""
    count = round(smaller / min(share, 1 - share))
    world = {"share": share, "strength": STRENGTHS[seed % len(STRENGTHS)]}
    frame, _ = customers(count, seed=seed, **world)
    if min(frame["outcome"].value_counts()["count"]) < smaller / 2:
        return None
    profile = fit_profile(frame, options=QUICK)
    if not profile.calibration.thresholds:
        return None
    new, truth = customers(NEW, seed=50_000 + seed, **world)
    return _held(profile, score(new, profile)["margin"].to_numpy(), truth)


def _held(
    profile: Profile, margins: NDArray[np.int32], truth: NDArray[np.float64]
) -> Held:
    told = profile.calibration
    steps = np.searchsorted(np.array(told.thresholds), margins, side="right")
    low, high = np.array(told.low)[steps] / 1000, np.array(told.high)[steps] / 1000
    return Held((low <= truth) & (truth <= high), high - low, steps / 1000)


# --------------------------------------------------------------------------- novelty

LEVELS = (0.05, 0.1, 0.2)


def novelty_row(draws: int, /) -> Row:
    """How often an ordinary account gets a small novelty p-value."""
    found = {size: _p_values(size, draws) for size in (30, 100, 400, 1_500)}
    excess = {
        (size, level): float((values <= level).mean()) - level
        for size, values in found.items()
        for level in LEVELS
    }
    size, level = max(excess, key=lambda key: excess[key])
    worst = excess[size, level]
    shares = "; ".join(
        f"{size:,} customers " + ", ".join(f"{(p <= a).mean():.3f}" for a in LEVELS)
        for size, p in found.items()
    )
    return row(
        "S7",
        "ordinary accounts are called unusual no oftener than the p-value says",
        "P(p <= a) <= a + 0.01 at a = 0.05, 0.1, 0.2",
        f"{shares}; worst excess {worst:+.3f} (a = {level}), {draws:,} draws each",
        spread_over(worst, -1.0, 0.01),
    )


def _p_values(size: int, draws: int) -> NDArray[np.float64]:
    """Novelty p-values of accounts like the customers, 100 per profile."""
    found = []
    for seed in range(max(2, draws // 100)):
        frame, _ = customers(size, seed=seed)
        profile = fit_profile(frame, options=FitOptions(max_segments=1, refits=0))
        new, _ = customers(100, seed=90_000 + seed)
        found.append(score(new, profile)["novelty_p"].to_numpy())
    return np.concatenate(found)
