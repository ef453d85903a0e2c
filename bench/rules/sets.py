"""Rules on open sets and on the demo, judged on customers nobody learnt from."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from bench.rules.world import cells_only, covered, overlap
from bench.sets.recipe import run_recipe
from icp.conditions import parse
from icp.demo import draw_demo
from icp.demo.population import DISQUALIFIERS, DRIFTING, NOISE
from icp.errors import PolicyError
from icp.learn.rule_search import FoundRules, learn_disqualifiers, split_customers
from icp.outcomes import Economics
from icp.schema import AccountSchema, Kind
from icp.stats import wilson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from icp.profile import Profile

PEERS = Path(__file__).with_name("peers.py")
MOST_ROWS = 1_500
_PLAIN = Economics(V=1_000, L=1_000)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What a method's rules cover of the customers kept apart, and how right it was."""

    name: str
    method: str
    rules: int
    covered: int
    regretted: int
    of: int
    base: float
    said: str = ""

    def line(self) -> str:
        """A row of the table."""
        if not self.covered:
            share = "-"
        else:
            low, high = wilson(self.regretted, self.covered)
            share = f"{self.regretted / self.covered:.1%} ({low:.0%} to {high:.0%})"
        part = f"{self.covered / self.of:.1%}" if self.of else "-"
        return (
            f"| {self.name} | {self.method} | {self.rules} | {part} | {share} | "
            f"{self.base:.1%} | {self.said} |"
        )


@dataclass(frozen=True, kw_only=True)
class Split:
    """Customers to learn from, customers to be judged on, and what they are worth."""

    name: str
    older: pl.DataFrame
    newer: pl.DataFrame
    profile: Profile
    schema: AccountSchema
    economics: Economics
    date: str | None
    group: str | None

    @property
    def truth(self) -> NDArray[np.bool_]:
        """Who was regretted among the newer ones."""
        return (self.newer["outcome"] == "regrettable").to_numpy()


def split_of(name: str, /) -> Split:
    """An open set: the newest third, or a third at random, kept for judging."""
    recipe = run_recipe(name)
    learning, schema = recipe.config.learning, recipe.customers.schema
    judged = recipe.labelled.filter(pl.col("outcome").is_in(["best", "regrettable"]))
    if judged.height > MOST_ROWS:
        judged = judged.sample(MOST_ROWS, seed=0)
    names = [attribute.name for attribute in schema.learnable]
    profile = cells_only(judged.select(names), schema=schema)
    date = learning.date or _start(recipe)
    part = split_customers(
        judged,
        profile.tables,
        outcome="outcome",
        date=date,
        group=learning.group,
        seed=0,
    )
    return Split(
        name=name,
        older=part.older,
        newer=part.newer,
        profile=cells_only(part.older.select(names), schema=schema),
        schema=schema,
        economics=_economics(part.older),
        date=date,
        group=learning.group,
    )


def _start(recipe: object) -> str | None:
    policy = recipe.config.outcome
    start = policy.maturity.start if policy and policy.maturity else None
    return start if start in recipe.labelled.columns else None


def _economics(older: pl.DataFrame) -> Economics:
    try:
        return Economics.from_labelled(older)
    except (PolicyError, pl.exceptions.PolarsError):
        return _PLAIN


def compared(split: Split, /, *, python: str | None) -> Iterator[Judged]:
    """Ours, and each peer's rules cut off where they cover as many as ours."""
    found = _found(split)
    # Whether leaving pays is a matter of money, which no peer knows of.
    strong = [
        rule.condition
        for rule in found.rules
        if rule.evidence[-1].found and rule.evidence[-1].confirmed
    ]
    inside = [covered(rule, split.newer) for rule in strong]
    union = np.any(inside, axis=0) if inside else np.zeros(split.newer.height, bool)
    ours_older = [covered(rule, split.older) for rule in strong]
    wanted = int(np.any(ours_older, axis=0).sum()) if strong else 0
    said = (
        "; ".join(rule.words() for rule in strong) or "no rule was found and confirmed"
    )
    yield _judged(split, "icp", len(strong), union, said)
    if python is None:
        return
    for method, rules in _by_peers(split, python).items():
        if isinstance(rules, str):
            yield _judged(split, method, 0, np.zeros_like(union), f"failed: {rules}")
            continue
        count, mask = _cut_off(rules, wanted, split)
        yield _judged(split, method, count, mask, f"of {len(rules)} rules")


def _found(split: Split) -> FoundRules:
    return learn_disqualifiers(
        split.older,
        split.profile,
        economics=split.economics,
        schema=split.schema,
        date=split.date,
        group=split.group,
    )


def _judged(
    split: Split, method: str, rules: int, mask: NDArray[np.bool_], said: str
) -> Judged:
    return Judged(
        name=split.name,
        method=method,
        rules=rules,
        covered=int(mask.sum()),
        regretted=int(split.truth[mask].sum()),
        of=split.newer.height,
        base=float(split.truth.mean()),
        said=said,
    )


def _cut_off(rules: list, wanted: int, split: Split) -> tuple[int, NDArray[np.bool_]]:
    """Rules in their order until they cover as many as ours; at least the first."""
    older = np.zeros(split.older.height, dtype=bool)
    newer = np.zeros(split.newer.height, dtype=bool)
    count = 0
    for learnt, judged in rules:
        further = older.copy()
        further[learnt] = True
        if count and abs(further.sum() - wanted) > abs(older.sum() - wanted):
            break
        older = further
        newer[judged] = True
        count += 1
        if older.sum() >= wanted:
            break
    return count, newer


def _by_peers(split: Split, python: str) -> dict:
    names = [a.name for a in split.schema.learnable if a.kind is not Kind.MULTI]
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, frame in (("older", split.older), ("newer", split.newer)):
            path = Path(folder) / f"{name}.ndjson"
            regretted = (pl.col("outcome") == "regrettable").alias("regretted")
            frame.select(*names, regretted).write_ndjson(path)
            paths.append(str(path))
        done = subprocess.run(
            [python, str(PEERS), *paths],
            capture_output=True,
            text=True,
            check=False,
            timeout=1_800,
        )
    if done.returncode:
        return {"peers": done.stderr.strip().splitlines()[-1]}
    return json.loads(done.stdout.strip().splitlines()[-1])


# ------------------------------------------------------------------------------ demo


def planted_in_demo(customers: int = 1_200, /) -> Iterator[str]:
    """Which planted rules are found, and whether the others hold on a new draw."""
    frame, fresh = (_demo(customers, seed) for seed in (7, 8))
    before = frame.columns.index("account_id")
    names = [c for c in frame.columns[:before] if c != "archetype"]
    found = learn_disqualifiers(
        frame,
        cells_only(frame.select(names)),
        economics=_demo_economics(),
        date="customer_since",
    )
    yield f"Demo, {found.sentences()[0]}."
    for name, text in DISQUALIFIERS.items():
        yield _planted_line(name, text, found, fresh)
    for rule in found.strong:
        yield _strong_line(rule.condition, fresh)
    told = {column for rule in found.strong for column in rule.condition.columns}
    idle = sorted(told & {*NOISE, DRIFTING})
    yield f"Strong rules over columns that are noise: {', '.join(idle) or 'none'}."


def _demo(customers: int, seed: int) -> pl.DataFrame:
    return draw_demo(customers=customers, prospects=5, seed=seed)[0].customers


def _demo_economics() -> Economics:
    return Economics(V=30_000, L=10_000)


def _planted_line(name: str, text: str, found: FoundRules, fresh: pl.DataFrame) -> str:
    rule = parse(text)
    inside = covered(rule, fresh)
    nearest = max(
        ((overlap(inside, covered(r.condition, fresh)), r) for r in found.strong),
        key=lambda pair: pair[0],
        default=(0.0, None),
    )
    strong = [covered(r.condition, fresh) for r in found.strong]
    union = np.any(strong, axis=0) if strong else np.zeros(fresh.height, bool)
    share = (inside & union).sum() / max(1, inside.sum())
    return (
        f"Planted: {name}. Nearest strong rule overlaps {nearest[0]:.0%}"
        f"{f' ({nearest[1].condition})' if nearest[1] else ''}; strong rules together "
        f"cover {share:.0%} of its customers in a new draw."
    )


def _strong_line(rule: object, fresh: pl.DataFrame) -> str:
    judged = fresh.filter(pl.col("outcome").is_in(["best", "regrettable"]))
    inside = judged.filter(covered(rule, judged))
    bad = int((inside["outcome"] == "regrettable").sum())
    low, high = wilson(bad, inside.height)
    return (
        f"Strong: {rule}. In a new draw {bad} of {inside.height} are regrettable "
        f"(90 %: {low:.0%} to {high:.0%}); leaving pays from "
        f"{1 - _demo_economics().break_even:.0%}."
    )
