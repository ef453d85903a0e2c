"""How fast scoring is, beside merely copying the same file in the same run.

`python bench/scoring.py --rows 5000000` draws demo prospects as Parquet, learns a
profile from the demo customers, and scores Parquet to Parquet. Every measurement is a
fresh child process; this parent imports nothing heavy, as a child's peak memory would
otherwise count the parent's. Writes `bench/results/scoring.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from icp.profile import Profile

RESULTS = Path(__file__).with_name("results") / "scoring.md"
TASKS = {
    "copy": "copy all columns (scan, sink)",
    "floor": "read the profile's columns, write the id and one number",
    "narrow": "score, write the id and the 14 score columns",
    "score": "**score, write all columns and the 14 score columns**",
    "parts": "the same and the points of every attribute",
}
REPEATS = 3
CALLS = 5_000


def main() -> None:
    """Compare, or in a child process do one task and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--task", choices=[*TASKS, "draw", "one"], help="in a child")
    parser.add_argument("--folder", type=Path, help="keeps the drawn file")
    chosen = parser.parse_args()
    if chosen.task:
        print(json.dumps(_run(chosen.task, chosen.folder, chosen.rows)))
    elif chosen.folder:
        _compare(chosen.folder, chosen.rows)
    else:
        with tempfile.TemporaryDirectory() as folder:
            _compare(Path(folder), chosen.rows)


def _compare(folder: Path, rows: int) -> None:
    drawn = _child("draw", folder, rows)
    found = {task: _best(task, folder, rows) for task in TASKS}
    page = _report(found, rows, drawn | _child("one", folder, rows))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(page, "utf-8")
    print(page)


def _best(task: str, folder: Path, rows: int) -> dict[str, Any]:
    runs = [_child(task, folder, rows) for _ in range(REPEATS)]
    return min(runs, key=lambda run: run["seconds"])


def _child(task: str, folder: Path, rows: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--task", task, "--rows", str(rows)]
    done = subprocess.run(
        [*command, "--folder", str(folder)], check=True, stdout=subprocess.PIPE
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _report(found: dict[str, dict[str, Any]], rows: int, facts: dict[str, Any]) -> str:
    copy = found["copy"]
    lines = [
        "# Scoring: measured",
        "",
        f"{date.today()}, {rows:,} demo prospects, {facts['columns']} columns, "
        f"{facts['megabytes']:,.0f} MB Parquet; profile of {facts['tables']} tables, "
        f"{facts['segments']} segments and {facts['pairs']} pairs; "
        f"{os.cpu_count()} cores, Python {platform.python_version()}, "
        f"Polars {facts['polars']}; best of {REPEATS}, other work on the machine.",
        "",
        "| Parquet to Parquet | s | CPU s | million rows/s | x copy | CPU x copy "
        "| peak MB |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {TASKS[task]} | {run['seconds']:.2f} | {run['cpu']:.2f} "
        f"| {rows / run['seconds'] / 1e6:.2f} "
        f"| {run['seconds'] / copy['seconds']:.2f} | {run['cpu'] / copy['cpu']:.2f} "
        f"| {run['peak']:,.0f} |"
        for task, run in found.items()
    ]
    lines += [
        "",
        f"One account as a dict, score and exact contributions, plain Python: "
        f"**{facts['median']:.1f} microseconds** (median of {CALLS:,} calls), "
        f"99 in 100 below {facts['p99']:.1f}.",
        "",
        "`python bench/scoring.py` writes this page.",
    ]
    return "\n".join(lines) + "\n"


# ------------------------------------------------------------------------ in a child


def _run(task: str, folder: Path, rows: int) -> dict[str, Any]:
    if task == "draw":
        return _draw(folder, rows)
    if task == "one":
        return _one(folder)
    lazy = _planned(task, folder)
    start, before = time.perf_counter(), time.process_time()
    lazy.sink_parquet(folder / "scored.parquet")
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": time.perf_counter() - start,
        "cpu": time.process_time() - before,
        "peak": usage.ru_maxrss / 1024,
    }


def _planned(task: str, folder: Path) -> pl.LazyFrame:
    import polars as pl

    from icp.scoring import SCORE_COLUMNS, score

    prospects, profile = pl.scan_parquet(folder / "prospects.parquet"), _load(folder)
    if task == "copy":
        return prospects
    if task == "floor":
        touched = pl.sum_horizontal(pl.col(list(profile.columns)).is_null())
        return prospects.select("account_id", touched=touched)
    scored = score(prospects, profile, parts=task == "parts")
    return scored.select("account_id", *SCORE_COLUMNS) if task == "narrow" else scored


def _load(folder: Path) -> Profile:
    from icp.profile import Profile

    return Profile.from_json((folder / "profile.json").read_text("utf-8"))


def _draw(folder: Path, rows: int) -> dict[str, Any]:
    import polars as pl

    from icp.demo import write_prospects_parquet

    path = folder / "prospects.parquet"
    if not path.exists() or pl.scan_parquet(path).select(pl.len()).collect().item() != (
        rows
    ):
        write_prospects_parquet(path, rows=rows)
    profile = _learnt(pl.scan_parquet(path).collect_schema().names())
    (folder / "profile.json").write_text(profile.to_json(), "utf-8")
    return {
        "columns": len(pl.scan_parquet(path).collect_schema()),
        "megabytes": path.stat().st_size / 1e6,
        "tables": len(profile.tables),
        "segments": len(profile.segments),
        "pairs": len(profile.pairs),
        "polars": pl.__version__,
    }


def _learnt(columns: list[str]) -> Profile:
    from icp.demo import draw_demo
    from icp.learn import fit_profile

    customers = draw_demo()[0].customers
    held = [name for name in columns if name in customers.columns]
    plain = [name for name in held if name not in {"account_name", "archetype"}]
    labelled = customers.select(*plain, "outcome").drop("account_id")
    return fit_profile(labelled)


def _one(folder: Path) -> dict[str, Any]:
    import polars as pl

    from icp.scoring import score_one

    profile = _load(folder)
    head = pl.scan_parquet(folder / "prospects.parquet").head(CALLS).collect()
    taken = []
    for row in head.to_dicts():
        start = time.perf_counter_ns()
        score_one(row, profile)
        taken.append((time.perf_counter_ns() - start) / 1000)
    return {
        "median": median(taken),
        "p99": sorted(taken)[len(taken) * 99 // 100],
    }


if __name__ == "__main__":
    main()
