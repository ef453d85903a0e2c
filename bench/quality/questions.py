"""Does asking what is worth most decide more accounts right than asking in one order?

    ICP_DATA=<folder of open data sets> python -m bench.quality.questions [--sets ...]

Half of a set's judged customers are learnt from. Of the other half each value is hidden
with a chance of 70 %, and then attributes are shown one at a time: by expected value
(EVSI; an account is decided as soon as no single answer can turn its decision, and then
costs no further question), by importance (how much the profile says an attribute tells:
one order for all), or at random. All are compared at the same mean number of questions
per account. "Right" is: pursued and best, or left and regrettable, both kinds counting
alike; pursuing pays above the set's own share of best customers, so that this is the
money, too. Writes `bench/results/questions.md`.
"""

from __future__ import annotations

import argparse
import os
import platform
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402  # after the number of threads
import polars as pl  # noqa: E402

from bench.sets.recipe import run_recipe  # noqa: E402
from bench.sets.task import Task, task_of  # noqa: E402
from icp.learn import FitOptions, fit_profile  # noqa: E402
from icp.qualify.asking import (  # noqa: E402
    Outlook,
    ask_attribute,
    probabilities,
    profile_chances,
)
from icp.qualify.money import Stakes  # noqa: E402
from icp.scoring.cells import code_matrix  # noqa: E402

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from icp.profile import Profile

RESULTS: Final = Path(__file__).parents[1] / "results" / "questions.md"
SETS: Final = (
    "adventureworks-resellers",
    "b2b-salvirt",
    "bank-marketing",
    "online-retail",
    "telco-ibm",
    "x-education",
)
ORDERS: Final = ("EVSI", "importance", "random")
#: Mean numbers of questions per account at which the orders are compared.
STEPS: Final = (0.25, 0.5, 1.0)
_MOST_ROWS: Final = 2_000
_NOT_WORTH: Final = 1e-9
_HIDDEN: Final = 0.7
_HEAD: Final = (
    "| set | asked of | order | before | "
    + " | ".join(f"after {k:g}" for k in STEPS)
    + " | until none could turn it | all known |\n"
    + "|---" * (4 + len(STEPS) + 2)
    + "|"
)


@dataclass(frozen=True, kw_only=True)
class World:
    """A learnt profile, and accounts whose attributes can be shown one by one."""

    profile: Profile
    codes: NDArray[np.int64]
    best: NDArray[np.bool_]
    #: Which column each table reads.
    columns: tuple[str, ...]
    tables: tuple[int, ...]
    stake: float

    def given(self, *, seed: int) -> NDArray[np.bool_]:
        """Which columns are known of whom at the start."""
        shape = (len(self.codes), len(self.columns))
        return np.random.default_rng([seed, 7]).random(shape) >= _HIDDEN

    def decided(self, known: NDArray[np.bool_], /) -> NDArray[np.bool_]:
        """Who would be pursued, given which columns are known of whom."""
        p = probabilities(profile_chances(self.profile, self.margins(known)))
        return p > self.stake

    def shown(self, known: NDArray[np.bool_], /) -> NDArray[np.int64]:
        """The cell codes as far as they are known."""
        return np.where(known[:, self.tables], self.codes, 0)

    def margins(self, known: NDArray[np.bool_], /) -> NDArray[np.int64]:
        """Margins of the accounts with what is known of them."""
        codes, profile = self.shown(known), self.profile
        total = np.full(len(codes), profile.base, dtype=np.int64)
        for place, table in enumerate(profile.tables):
            total += np.array(table.points, dtype=np.int64)[codes[:, place]]
        names = {table.name: place for place, table in enumerate(profile.tables)}
        for pair in profile.pairs:
            first, second = names[pair.first], names[pair.second]
            size = profile.tables[second].size
            both = codes[:, first] * size + codes[:, second]
            total += np.array(pair.points, dtype=np.int64)[both]
        return total

    def right(self, pursued: NDArray[np.bool_], /) -> float:
        """Share decided right, best and regrettable accounts counting alike."""
        good = pursued[self.best].mean()
        bad = (~pursued[~self.best]).mean()
        return float((good + bad) / 2)


def world_of(task: Task, /, *, seed: int, rows: int) -> World:
    """Learn from one half, hide the other."""
    order = np.random.default_rng(seed).permutation(task.frame.height)
    half = len(order) // 2
    train, test = order[:half], order[half:][:rows]
    labelled = task.frame.with_columns(
        outcome=pl.Series(np.where(task.best, "best", "regrettable"))
    )
    # Nobody is there to answer for suspicious columns; the recipes took the leaks out.
    options = FitOptions(accept=task.schema.names)
    profile = fit_profile(
        labelled[train], schema=task.schema, options=options, seed=seed
    )
    columns = tuple(profile.columns)
    places = {column: place for place, column in enumerate(columns)}
    return World(
        profile=profile,
        codes=code_matrix(task.frame[test], profile.tables).astype(np.int64),
        best=task.best[test],
        columns=columns,
        tables=tuple(places[table.column] for table in profile.tables),
        stake=float(task.best[train].mean()),
    )


def gains(world: World, known: NDArray[np.bool_], /) -> NDArray[np.float64]:
    """EVSI per account and column, in units of V + L; -1 where it is known."""
    codes, margins = world.shown(known), world.margins(known)
    chance = profile_chances(world.profile, margins)
    stakes = Stakes(
        value=np.full(len(codes), 1 - world.stake), loss=world.stake, cost=0.0
    )
    outlook = Outlook(profile_chance=chance, chance=chance, stakes=stakes)
    found = np.zeros(known.shape)
    for place, table in enumerate(world.profile.tables):
        if len(table.cells) > 1:
            column = world.tables[place]
            asked = ask_attribute(world.profile, place, codes, margins, outlook)
            found[:, column] = np.maximum(found[:, column], asked.value)
    return np.where(known, -1.0, found)


def importance(world: World, /) -> NDArray[np.float64]:
    """How much the profile says each column tells."""
    told = np.zeros(len(world.columns))
    for place, table in enumerate(world.profile.tables):
        told[world.tables[place]] += table.information
    return told


def asked(world: World, order: str, /, *, seed: int) -> list[tuple[float, float]]:
    """Mean questions per account, and the share right then, round by round."""
    rows, columns = len(world.codes), len(world.columns)
    known = world.given(seed=seed)
    told = np.tile(importance(world), (rows, 1))
    chance = np.random.default_rng(seed).random((rows, columns))
    first = {"importance": told, "random": chance}.get(order)
    count = 0
    points = [(0.0, world.right(world.decided(known)))]
    for _ in range(columns):
        worth = gains(world, known) if first is None else np.where(known, -1.0, first)
        waiting = worth.max(axis=1) > (_NOT_WORTH if first is None else -1.0)
        if not waiting.any():
            break
        known[np.flatnonzero(waiting), worth.argmax(axis=1)[waiting]] = True
        count += int(waiting.sum())
        points.append((count / rows, world.right(world.decided(known))))
    return points


def read(points: list[tuple[float, float]], count: float, /) -> float:
    """The share right after a mean number of questions, linear between rounds."""
    numbers, right = zip(*points, strict=True)
    return float(np.interp(count, numbers, right))


def lines_of(name: str, /, *, repeats: int, rows: int, most: int) -> list[str]:
    """The table's rows of one set."""
    task = task_of(run_recipe(name), most=most)
    runs: list[dict[str, list[tuple[float, float]]]] = []
    ends = []
    for seed in range(repeats):
        world = world_of(task, seed=seed, rows=rows)
        if not world.profile.calibration.thresholds:
            return [f"| {name} | nothing separates |" + " - |" * (len(STEPS) + 4)]
        runs.append({order: asked(world, order, seed=seed) for order in ORDERS})
        ends.append(world.right(world.decided(np.ones_like(world.given(seed=seed)))))
    asked_of = f"{len(world.codes):,} x {repeats}"
    return [_line(name, asked_of, order, runs, ends) for order in ORDERS]


def _line(
    name: str,
    asked_of: str,
    order: str,
    runs: list[dict[str, list[tuple[float, float]]]],
    ends: list[float],
) -> str:
    stops = [run["EVSI"][-1][0] for run in runs]
    before = np.mean([run[order][0][1] for run in runs])
    at = [np.mean([read(run[order], k) for run in runs]) for k in STEPS]
    then = np.mean([read(r[order], s) for r, s in zip(runs, stops, strict=True)])
    cells = [
        name,
        asked_of,
        order,
        f"{before:.1%}",
        *(
            f"{share:.1%}" if k <= min(stops) else "-"
            for k, share in zip(STEPS, at, strict=True)
        ),
        f"{then:.1%} ({np.mean(stops):.2f} questions)",
        f"{np.mean(ends):.1%}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Measure, print as it goes, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rows", type=int, default=_MOST_ROWS)
    parser.add_argument("--learn", type=int, default=6_000, help="rows of a set used")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    print(_HEAD)
    lines = []
    for name in options.sets:
        for line in lines_of(
            name, repeats=options.repeats, rows=options.rows, most=options.learn
        ):
            print(line, flush=True)
            lines.append(line)
    versions = ", ".join(f"{lib} {version(lib)}" for lib in ("icp", "polars", "numpy"))
    head = (
        f"# Which question first\n\n{date.today():%Y-%m-%d}, Python "
        f"{platform.python_version()}, {versions}; one thread. Written by "
        '`bench/quality/questions.py`, whose head says what was done. "Asked until '
        'decided" '
        "is when EVSI says that no single answer can change the decision; the other "
        "orders are read at the same number of questions.\n\n"
    )
    options.out.write_text(head + "\n".join([_HEAD, *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
