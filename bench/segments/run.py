"""Segments of many customers: how fast and how right, beside peers in the same run.

`python -m bench.segments.run` draws 12 mixed columns (6 numbers, 6 categories of 20,
40, 7, 8, 10 and 4 levels; 5 to 40 % missing) from five latent segments, and looks for
five. Every measurement is a child process, so that one method's memory does not count
for the next. Ours starts from the columns as they are; the peers from numbers that were
filled in, scaled and coded before the clock started. Writes `results/segments.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
import warnings
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from sklearn.metrics import adjusted_rand_score

from icp.learn.cells import draft_tables
from icp.learn.mixture import cell_rows, fit_mixture
from icp.schema import AccountSchema, Kind
from icp.scoring.cells import code_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Labels = NDArray[np.int64]

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parents[1] / "results" / "segments.md"
SEGMENTS = 5
LEVELS = (20, 40, 7, 8, 10, 4)
NUMBERS = [f"n{j}" for j in range(6)]
CATEGORIES = [f"c{j}" for j in range(6)]
PEERS = ("stepmix", "fasterkmodes", "kmodes")
TITLES = {
    "ours": "**icp, 24 starts, cutting into cells included**",
    "stepmix": "StepMix, one start, at most 50 steps",
    "fasterkmodes": "FasterKModes K-Prototypes, one start",
    "kmodes": "kmodes K-Prototypes, one start",
}
#: Takes minutes, so the first draw has to do.
ONCE = frozenset({"stepmix", "kmodes"})
#: At 100,000 rows kmodes would take an hour on a busy machine.
MOST_OF_KMODES = 10_000
#: StepMix goes on for a thousand by default.
STEPS_OF_STEPMIX = 50
TARGETS = {"stepmix": 20, "fasterkmodes": 5}


# ------------------------------------------------------------------------------- draws


def drawn(rows: int, seed: int) -> tuple[pl.DataFrame, Labels]:
    """The customers and the segment of each."""
    draw = np.random.default_rng(seed)
    member = draw.choice(SEGMENTS, rows, p=[0.3, 0.25, 0.2, 0.15, 0.1])
    missing = np.linspace(0.05, 0.4, 12)
    columns = [_number(j, member, draw) for j in range(6)]
    columns += [_category(j, member, draw) for j in range(6)]
    kept = [pl.Series(draw.random(rows) >= share) for share in missing]
    frame = pl.DataFrame(columns)
    return frame.select(
        pl.when(keep).then(pl.col(name)).alias(name)
        for name, keep in zip(_mixed_up(), kept, strict=True)
    ), member


def _mixed_up() -> list[str]:
    """Numbers and categories in turns, so that both have few and many gaps."""
    return [name for pair in zip(NUMBERS, CATEGORIES, strict=True) for name in pair]


def _number(j: int, member: Labels, draw: np.random.Generator) -> pl.Series:
    centre, spread = draw.normal(size=SEGMENTS), draw.uniform(0.6, 1.2, SEGMENTS)
    values = draw.normal(size=len(member)) * spread[member] + centre[member]
    return pl.Series(f"n{j}", np.exp(values + 3) if j % 2 else values)


def _category(j: int, member: Labels, draw: np.random.Generator) -> pl.Series:
    upto = draw.dirichlet(np.full(LEVELS[j], 0.5), SEGMENTS).cumsum(axis=1)
    level = (draw.random((len(member), 1)) > upto[member]).sum(axis=1)
    names = np.array([f"L{code}" for code in range(LEVELS[j])])
    return pl.Series(f"c{j}", names[level.clip(max=LEVELS[j] - 1)])


# ---------------------------------------------------------------------------- the tasks


def _ours(frame: pl.DataFrame, seed: int) -> tuple[float, Labels]:
    start = time.perf_counter()
    schema = AccountSchema.infer(frame)
    drafts = draft_tables(frame, schema, min_level=4, max_levels=100)
    tables = [draft.table for draft in drafts]
    numbers = np.array([table.kind is Kind.NUMBER for table in tables])
    data = cell_rows(code_matrix(frame, tables), numbers, prior=4.0)
    fit = fit_mixture(data, SEGMENTS, draw=np.random.default_rng(seed))
    labels = fit.nearest(data)
    return time.perf_counter() - start, labels


def _stepmix(frame: pl.DataFrame, seed: int) -> tuple[float, Labels]:
    import pandas as pd
    from stepmix import StepMix

    values = pd.DataFrame(np.hstack([_scaled(frame), _coded(frame)]))
    measurement = {
        "numbers": {"model": "gaussian_diag_nan", "n_columns": 6},
        "categories": {"model": "categorical_nan", "n_columns": 6},
    }
    start = time.perf_counter()
    model = StepMix(
        SEGMENTS,
        measurement=measurement,
        rel_tol=1e-7,
        max_iter=STEPS_OF_STEPMIX,
        random_state=seed,
        progress_bar=0,
    )
    labels = model.fit(values).predict(values)
    return time.perf_counter() - start, labels


def _fasterkmodes(frame: pl.DataFrame, seed: int) -> tuple[float, Labels]:
    from FasterKModes import FasterKPrototypes

    values = _filled(frame)
    model = FasterKPrototypes(SEGMENTS, n_init=1, random_state=seed, print_log=False)
    model.fit(values[:1_000], categorical=list(range(6, 12)))
    start = time.perf_counter()
    model.fit(values, categorical=list(range(6, 12)))
    labels = model.predict(values)
    return time.perf_counter() - start, labels


def _kmodes(frame: pl.DataFrame, seed: int) -> tuple[float, Labels]:
    from kmodes.kprototypes import KPrototypes

    values = _filled(frame)
    start = time.perf_counter()
    model = KPrototypes(SEGMENTS, n_init=1, random_state=seed)
    labels = model.fit_predict(values, categorical=list(range(6, 12)))
    return time.perf_counter() - start, labels


def _scaled(frame: pl.DataFrame) -> NDArray[np.float64]:
    """Logarithms where skewed, then mean 0 and variance 1; NaN where missing."""
    values = frame.select(NUMBERS).to_numpy().astype(np.float64)
    values[:, 1::2] = np.log1p(values[:, 1::2])
    scaled: NDArray[np.float64] = values - np.nanmean(values, axis=0)
    return scaled / np.nanstd(values, axis=0)


def _coded(frame: pl.DataFrame) -> NDArray[np.float64]:
    """Levels as whole numbers; NaN where missing."""
    places = frame.select(pl.col(CATEGORIES).rank("dense") - 1)
    return places.to_numpy().astype(np.float64)


def _filled(frame: pl.DataFrame) -> NDArray[np.float64]:
    """Medians for missing numbers, a level of its own for missing levels."""
    numbers, levels = _scaled(frame), _coded(frame)
    numbers = np.where(np.isnan(numbers), np.nanmedian(numbers, axis=0), numbers)
    levels = np.where(np.isnan(levels), np.nanmax(levels, axis=0) + 1, levels)
    return np.ascontiguousarray(np.hstack([numbers, levels]))


TASKS = {
    "ours": _ours,
    "stepmix": _stepmix,
    "fasterkmodes": _fasterkmodes,
    "kmodes": _kmodes,
}


def _run(task: str, rows: int, seed: int) -> dict[str, Any]:
    """Measure in this process."""
    warnings.simplefilter("ignore")
    frame, member = drawn(rows, seed)
    TASKS[task](frame[: min(rows, 1_000)], seed)
    before, idle = time.process_time(), _peak()
    seconds, labels = TASKS[task](frame, seed)
    return {
        "seconds": seconds,
        "cpu": time.process_time() - before,
        "ari": float(adjusted_rand_score(member, labels)),
        "extra": _peak() - idle,
        "peak": _peak(),
    }


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# -------------------------------------------------------------------------- the compare


def main() -> None:
    """Compare, or in a child process do one task and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="of the comparison")
    parser.add_argument("--most", type=int, default=1_000_000, help="rows, ours alone")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--task", choices=list(TASKS), help="in a child")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    if chosen.task:
        print(json.dumps(_run(chosen.task, chosen.rows, chosen.seed)))
        return
    against = _against(chosen.rows, chosen.repeats)
    growth = {rows: _child("ours", rows, 0) for rows in _growing(chosen.most)}
    page = _report(chosen.rows, chosen.repeats, against, growth)
    if chosen.rows >= 100_000:
        RESULTS.write_text(page, "utf-8")
    print(page)


def _growing(most: int) -> list[int]:
    return [most // 100, most // 10, most]


def _against(rows: int, repeats: int) -> dict[str, list[dict[str, Any]]]:
    """Every method on the same draws, in turns."""
    found: dict[str, list[dict[str, Any]]] = {task: [] for task in TASKS}
    for seed in range(repeats):
        for task, runs in found.items():
            if seed and task in ONCE:
                continue
            size = min(rows, MOST_OF_KMODES) if task == "kmodes" else rows
            runs.append(_child(task, size, seed))
            print(task, size, runs[-1], flush=True)
    return found


def _child(task: str, rows: int, seed: int) -> dict[str, Any]:
    options = ("--task", task, "--rows", str(rows), "--seed", str(seed))
    process = subprocess.run(
        [sys.executable, "-m", "bench.segments.run", *options],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
    )
    measurement: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return measurement


def _report(
    rows: int,
    repeats: int,
    against: dict[str, list[dict[str, Any]]],
    growth: dict[int, dict[str, Any]],
) -> str:
    ours = against["ours"]
    lines = [
        "# Segments: measured",
        "",
        f"{date.today()}, {rows:,} customers with 12 mixed columns, five latent "
        f"segments, {repeats} draws (StepMix and kmodes: the first), medians, "
        f"ratios on the same draw. {os.cpu_count()} shared cores "
        f"with other work on them, Python {platform.python_version()}, NumPy "
        f"{np.__version__}, "
        + ", ".join(f"{name} {version(name)}" for name in PEERS)
        + ".",
        "",
        "| | rows | s | CPU s | x ours | CPU x ours | agreement (ARI) "
        "| least | extra MB |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for task, runs in against.items():
        base = growth[MOST_OF_KMODES] if _smaller(task, rows) else None
        lines.append(_line(task, rows, runs, [base] if base else ours))
    lines += ["", *_growth_lines(growth), "", *_verdicts(against)]
    return "\n".join(
        [*lines, "", "`python -m bench.segments.run` writes this page.", ""]
    )


def _smaller(task: str, rows: int) -> bool:
    return task == "kmodes" and rows > MOST_OF_KMODES


def _line(
    task: str, rows: int, runs: list[dict[str, Any]], ours: list[dict[str, Any]]
) -> str:
    size = MOST_OF_KMODES if _smaller(task, rows) else rows
    ari = [run["ari"] for run in runs]
    return (
        f"| {TITLES[task]} | {size:,} | {_median(runs, 'seconds'):.2f} "
        f"| {_median(runs, 'cpu'):.2f} | {_ratio(runs, ours, 'seconds'):.1f} "
        f"| {_ratio(runs, ours, 'cpu'):.1f} | {np.median(ari):.3f} | {min(ari):.3f} "
        f"| {_median(runs, 'extra'):,.0f} |"
    )


def _median(runs: list[dict[str, Any]], key: str) -> float:
    return float(np.median([run[key] for run in runs]))


def _ratio(runs: list[dict[str, Any]], ours: list[dict[str, Any]], key: str) -> float:
    """Median over draws of their time divided by ours on the same draw."""
    pairs = zip(runs, ours[: len(runs)], strict=True)
    return float(np.median([run[key] / own[key] for run, own in pairs]))


def _growth_lines(growth: dict[int, dict[str, Any]]) -> list[str]:
    head = [
        "| ours, rows | s | CPU s | microseconds of CPU a row | agreement | peak MB |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    return head + [
        f"| {rows:,} | {run['seconds']:.2f} | {run['cpu']:.2f} "
        f"| {run['cpu'] / rows * 1e6:.1f} | {run['ari']:.3f} | {run['peak']:,.0f} |"
        for rows, run in growth.items()
    ]


def _verdicts(against: dict[str, list[dict[str, Any]]]) -> list[str]:
    ours = against["ours"]
    return [
        f"- {TITLES[task]}: {_ratio(against[task], ours, 'seconds'):.1f}x our time, "
        f"{_ratio(against[task], ours, 'cpu'):.1f}x our CPU time "
        f"(target {target}x); agreement {_median(against[task], 'ari'):.3f} against "
        f"{_median(ours[: len(against[task])], 'ari'):.3f} on the same draws."
        for task, target in TARGETS.items()
    ]


if __name__ == "__main__":
    main()
