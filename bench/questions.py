"""Does asking what is worth most decide more accounts right than asking in one order?

    ICP_DATA=<folder with the open data sets> python bench/questions.py [--sets ...]

Half of a set's judged customers are learnt from. Of the other half each value is hidden
with a chance of 70 %, and then one attribute at a time is shown: by expected value
(EVSI, and where no single answer can turn the decision by how far the answers would
move the chance), by how much the profile says the attribute tells (one order for all),
or at random. "Turned by one" are the questions asked as long as a single answer could
turn the decision; the product stops there. "Right" is: pursued and best, or left and
regrettable, where pursuing pays above the set's own share of best customers, so that
every attribute can matter. Writes `bench/results/questions.md`.
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
from recipe import run_recipe  # noqa: E402
from task import Task, task_of  # noqa: E402

from icp.learn import fit_profile  # noqa: E402
from icp.qualify.asking import (  # noqa: E402
    Places,
    ask_attribute,
    probabilities,
    profile_chances,
)
from icp.scoring.cells import code_matrix  # noqa: E402

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from icp.profile import Profile

RESULTS: Final = Path(__file__).with_name("results") / "questions.md"
SETS: Final = (
    "adventureworks-resellers",
    "b2b-salvirt",
    "bank-marketing",
    "online-retail",
    "telco-ibm",
    "x-education",
)
ORDERS: Final = ("EVSI", "importance", "random")
STEPS: Final = (1, 2, 3, 5)
_MOST_ROWS: Final = 2_000
_NOT_WORTH: Final = 1e-9
_HIDDEN: Final = 0.7
_HEAD: Final = (
    "| set | asked of | at the start | order | "
    + " | ".join(f"after {k}" for k in STEPS)
    + " | all known | turned by one | right then |\n"
    + "|---" * (6 + len(STEPS) + 1)
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
        """Share of the accounts decided right."""
        return float((pursued == self.best).mean())


def world_of(task: Task, /, *, seed: int, rows: int) -> World:
    """Learn from one half, hide the other."""
    order = np.random.default_rng(seed).permutation(task.frame.height)
    half = len(order) // 2
    train, test = order[:half], order[half:][:rows]
    labelled = task.frame.with_columns(
        outcome=pl.Series(np.where(task.best, "best", "regrettable"))
    )
    profile = fit_profile(labelled[train], schema=task.schema, seed=seed)
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


def gains(
    world: World, known: NDArray[np.bool_], /
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """EVSI per account and column, in units of V + L, and how far p would move."""
    codes, margins = world.shown(known), world.margins(known)
    chance = profile_chances(world.profile, margins)
    places = Places(
        profile_chance=chance,
        chance=chance,
        value=np.full(len(codes), 1 - world.stake),
        loss=world.stake,
        cost=0.0,
    )
    found, moved = np.zeros(known.shape), np.zeros(known.shape)
    now = probabilities(chance)[:, None]
    for place, table in enumerate(world.profile.tables):
        if len(table.cells) > 1:
            column = world.tables[place]
            asked = ask_attribute(world.profile, place, codes, margins, places)
            found[:, column] = np.maximum(found[:, column], asked.value)
            far = (asked.shares * (asked.after - now) ** 2).sum(axis=1)
            moved[:, column] = np.maximum(moved[:, column], far)
    return np.where(known, -1.0, found), moved


def importance(world: World, /) -> NDArray[np.float64]:
    """How much the profile says each column tells."""
    told = np.zeros(len(world.columns))
    for place, table in enumerate(world.profile.tables):
        told[world.tables[place]] += table.information
    return told


def asked(
    world: World, order: str, /, *, seed: int
) -> tuple[list[float], float, float]:
    """Share right after each number of questions; questions asked, and right, at stop.

    Only EVSI stops by itself; the others are compared at the same number.
    """
    rows, columns = len(world.codes), len(world.columns)
    known = world.given(seed=seed)
    stopped, counts = np.zeros(rows, dtype=np.bool_), np.zeros(rows)
    final = world.decided(known)
    told = np.tile(importance(world), (rows, 1))
    chance = np.random.default_rng(seed).random((rows, columns))
    curve = []
    for _ in range(columns):
        first = {"importance": told, "random": chance}.get(order)
        if first is None:
            worth, moved = gains(world, known)
            stopped |= worth.max(axis=1) <= _NOT_WORTH
            first = np.where(worth > _NOT_WORTH, 1 + worth, moved)
        pick = np.where(known, -np.inf, first).argmax(axis=1)
        known[np.arange(rows), pick] = True
        pursued = world.decided(known)
        counts += ~stopped
        final = np.where(stopped, final, pursued)
        curve.append(world.right(pursued))
    return curve, float(counts.mean()), world.right(final)


def between(curve: list[float], start: float, count: float, /) -> float:
    """The share right after a mean number of questions, linear between whole ones."""
    points = [start, *curve]
    return float(np.interp(count, range(len(points)), points))


def lines_of(name: str, /, *, repeats: int, rows: int, most: int) -> list[str]:
    """The table's rows of one set."""
    task = task_of(run_recipe(name), most=most)
    found: dict[str, list[tuple[list[float], float, float]]] = {o: [] for o in ORDERS}
    starts, accounts = [], 0
    for seed in range(repeats):
        world = world_of(task, seed=seed, rows=rows)
        if not world.profile.calibration.thresholds:
            return [f"| {name} | - | nothing separates |" + " - |" * (len(STEPS) + 5)]
        starts.append(world.right(world.decided(world.given(seed=seed))))
        accounts = len(world.codes)
        for order in ORDERS:
            found[order].append(asked(world, order, seed=seed))
    return [_line(name, accounts, repeats, starts, order, found) for order in ORDERS]


def _line(
    name: str,
    accounts: int,
    repeats: int,
    starts: list[float],
    order: str,
    found: dict[str, list[tuple[list[float], float, float]]],
) -> str:
    runs = found[order]
    curves = [curve for curve, _, _ in runs]
    at = [np.mean([curve[min(k, len(curve)) - 1] for curve in curves]) for k in STEPS]
    counts = [count for _, count, _ in found["EVSI"]]
    if order == "EVSI":
        end = np.mean([right for _, _, right in runs])
    else:
        end = np.mean(
            [
                between(curve, start, count)
                for curve, start, count in zip(curves, starts, counts, strict=True)
            ]
        )
    cells = [
        name,
        f"{accounts:,} x {repeats}",
        f"{np.mean(starts):.1%}",
        order,
        *(f"{share:.1%}" for share in at),
        f"{np.mean([curve[-1] for curve in curves]):.1%}",
        f"{np.mean(counts):.1f} of {len(curves[0])}",
        f"{end:.1%}",
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
        '`bench/questions.py`, whose head says what was done. "Asked until decided" '
        "is when EVSI says that no single answer can change the decision; the other "
        "orders are read at the same number of questions.\n\n"
    )
    options.out.write_text(head + "\n".join([_HEAD, *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
