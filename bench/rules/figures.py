"""S3, S4, S5 and the width of a search, on customers whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter, process_time
from typing import TYPE_CHECKING

import numpy as np

from bench.rules.world import (
    World,
    cells_only,
    covered,
    drawn_accounts,
    labelled,
    overlap,
    planted,
)
from icp.learn.rule_search import FoundRules, learn_disqualifiers
from icp.outcomes import Economics
from icp.stats import jeffreys, wilson

if TYPE_CHECKING:
    import polars as pl

    from icp.disqualifiers import Disqualifier, Evidence

#: Leaving pays from one regret in two.
EVEN = Economics(V=1_000, L=1_000)
_FRESH = 20_000
_EVERY = 20


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table."""

    name: str
    target: str
    found: str
    met: bool


def invented(runs: int, /, *, rows: int = 200, base: float = 0.3) -> list[Figure]:
    """S3: how often labels without meaning give a strong rule."""
    strong = candidates = 0
    for run in range(runs):
        rng = np.random.default_rng([3, run])
        frame = drawn_accounts(rng, rows)
        bad = np.zeros(rows)
        bad[rng.permutation(rows)[: round(base * rows)]] = 1.0
        found = _search(labelled(frame, bad, rng), run)
        strong += bool(found.strong)
        candidates += any(_seen(rule).found for rule in found.rules)
        _say("S3", run, runs, f"{strong} strong, {candidates} before confirming")
    return [
        _share("S3 a strong rule where labels mean nothing", strong, runs, most=0.05),
        _share("S3 a rule below 5 % before confirming", candidates, runs, most=0.07),
    ]


def recovered(runs: int, /, *, rows: int = 200, base: float = 0.3) -> list[Figure]:
    """S4: how often a planted rule is found and confirmed, and worth leaving for."""
    counts = {1: [0, 0, 0], 2: [0, 0, 0]}
    for run in range(runs):
        rng = np.random.default_rng([4, run])
        frame = drawn_accounts(rng, rows)
        conditions = 1 + run % 2
        rule = planted(frame, 0, conditions=conditions)
        inside = covered(rule, frame).mean()
        world = World(
            rules=((rule, 0.95),), elsewhere=(base - 0.95 * inside) / (1 - inside)
        )
        found = _search(labelled(frame, world.chance(frame), rng), run)
        fresh = drawn_accounts(np.random.default_rng([44, run]), _FRESH)
        same = [
            _seen(other)
            for other in found.rules
            if overlap(covered(other.condition, fresh), covered(rule, fresh)) >= 0.5
        ]
        told = counts[conditions]
        told[0] += any(seen.found and seen.confirmed for seen in same)
        told[1] += any(seen.strong for seen in same)
        told[2] += 1
        _say("S4", run, runs, str(counts))
    confirmed, strong, total = (
        sum(part) for part in zip(*counts.values(), strict=True)
    )
    one, two = counts[1], counts[2]
    return [
        _share("S4 planted rule found and confirmed", confirmed, total, least=0.8),
        _share("S4 ... of one condition", one[0], one[2], least=0.8),
        _share("S4 ... of two conditions", two[0], two[2], least=0.8),
        _share("S4 ... and leaving pays at the lower bound too", strong, total),
    ]


def covering(rules: int, /) -> list[Figure]:
    """S5: how often the stated bounds hold on new customers, after selection.

    Each run plants three rules whose shares of regrets are drawn anew, so that weak
    and strong ones, exact and approximate finds are all among those judged.
    """
    low = high = judged = run = 0
    naive = 0
    while judged < rules:
        rng = np.random.default_rng([5, run])
        rows = int(rng.choice([300, 600, 1_200]))
        frame = drawn_accounts(rng, rows)
        world = World(
            rules=tuple(
                (
                    planted(frame, place, conditions=1 + (run + place) % 2),
                    float(rng.uniform(0.45, 0.9)),
                )
                for place in range(2)
            ),
            elsewhere=float(rng.uniform(0.15, 0.35)),
        )
        found = _search(labelled(frame, world.chance(frame), rng), run)
        fresh = drawn_accounts(np.random.default_rng([55, run]), 4 * _FRESH)
        chance = world.chance(fresh)
        for rule in found.rules:
            seen = _seen(rule)
            true = chance[covered(rule.condition, fresh)].mean()
            low += seen.low <= true
            high += true <= seen.high
            naive += _naive(seen) <= true
            judged += 1
        run += 1
        _say("S5", run, run, f"{judged} rules: low {low}, high {high}, naive {naive}")
    return [
        _within("S5 lower bounds that hold on new customers", low, judged),
        _within("S5 upper bounds that hold on new customers", high, judged),
        _share("S5 lower bounds from all customers would hold", naive, judged),
    ]


def _naive(seen: Evidence) -> float:
    return jeffreys(seen.regrettable, seen.covered)[0]


def wide(columns: int, /, *, rows: int = 1_000) -> list[Figure]:
    """How long a search over many columns takes, and what it leaves out."""
    rng = np.random.default_rng(6)
    frame = drawn_accounts(rng, rows, times=-(-columns // 12))
    rule = planted(frame, 0, conditions=2)
    world = World(rules=((rule, 0.9),), elsewhere=0.25)
    customers = labelled(frame, world.chance(frame), rng)
    profile = cells_only(frame)
    clock, processor = perf_counter(), process_time()
    found = learn_disqualifiers(customers, profile, economics=EVEN, seed=0)
    clock, seconds = perf_counter() - clock, process_time() - processor
    words = (
        f"{seconds:.0f} s of one processor ({clock:.0f} s on the clock of a shared "
        f"machine); {found.searched:,} rules; left out: "
    )
    return [
        Figure(
            name=f"{frame.width} columns, {rows:,} customers",
            target="60 s or less",
            found=words + ("; ".join(found.left_out) or "nothing"),
            met=clock <= 60,
        )
    ]


def _search(customers: pl.DataFrame, run: int) -> FoundRules:
    profile = cells_only(customers.drop("outcome"))
    return learn_disqualifiers(customers, profile, economics=EVEN, seed=run)


def _seen(rule: Disqualifier) -> Evidence:
    return rule.evidence[-1]


def _say(name: str, run: int, runs: int, words: str) -> None:
    if run % _EVERY == _EVERY - 1:
        print(f"  {name} {run + 1} of {runs}: {words}", flush=True)


def _share(
    name: str,
    count: int,
    of: int,
    /,
    *,
    most: float = 1.0,
    least: float = 0.0,
) -> Figure:
    share = count / max(1, of)
    low, high = wilson(count, of)
    target = f"at most {most:.0%}" if most < 1 else f"at least {least:.0%}"
    return Figure(
        name=name,
        target=target if most < 1 or least else "-",
        found=f"{share:.1%} of {of:,} (90 %: {low:.1%} to {high:.1%})",
        met=least <= share <= most,
    )


def _within(name: str, count: int, of: int) -> Figure:
    share = count / max(1, of)
    low, high = wilson(count, of)
    return Figure(
        name=name,
        target="93 to 97 %",
        found=f"{share:.1%} of {of:,} (90 %: {low:.1%} to {high:.1%})",
        met=0.93 <= share <= 0.97,
    )


__all__ = ["Figure", "covering", "invented", "recovered", "wide"]
