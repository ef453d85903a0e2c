"""How fast scoring and learning are, beside peers and beside merely copying the file.

    python -m bench.speed.run                       # 1e7 accounts, memory also at 3e7
    python -m bench.speed.run --rows 20000 --most 40000 --rounds 1 --quick

Every measurement is a fresh child process (`speed_tasks.py`); this parent imports
nothing heavy, as a child's peak memory would otherwise count the parent's. Tasks take
turns, round after round, and a ratio is the median over rounds of two neighbours in
time. With `ICP_DATA=folder of open data` learning is timed on telco, else on the
demo's customers. Prints as it goes, and writes `bench/results/speed.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parents[1] / "results" / "speed.md"
TASKS = {
    "copy": "copy the file (scan, sink)",
    "floor": "read the twelve columns, write the id and one number",
    "three": "score, write the id, `fit`, `state` and `margin`",
    "score": "**score, write the id and all 14 score columns**",
    "pairs": "the same with 12 made-up pairs of the tables of most cells",
    "rewrite": "copy the file that this wrote: what writing 14 such columns takes",
    "parts": "score, write the id, all 14 score columns and every attribute's points",
    "read": "read the twelve columns, write nothing",
    "unwritten": "score, all 14 score columns, write nothing",
    "all": "score, write the twelve columns and all 14 score columns",
    "copy lz4": "copy the file, lz4 instead of zstd",
    "score lz4": "score, write the id and all 14 score columns, lz4 instead of zstd",
}
#: Measured in the first round only.
ONCE = ("rewrite", "parts", "read", "unwritten", "all", "copy lz4", "score lz4")
PEERS = {
    "logistic": "logistic regression pipeline (scikit-learn)",
    "CatBoost": "CatBoost, 300 trees",
    "EBM": "EBM, 8 outer bags",
}
#: Words, the figure and its limit: at least where the limit is negative, else at most.
TARGETS = (
    ("rows a second beside the fastest peer's, 14 columns", "peer", -7),
    ("seconds beside copying the file, 14 columns", "copy", 1.3),
    ("seconds beside copying the file, three columns", "copy three", 1.0),
    ("seconds beside reading and writing one column, 14 columns", "floor", 2),
    ("peak memory, MB", "peak", 1024),
    ("peak memory of the longest file beside the usual one", "growth", 1.5),
    ("`explain`, microseconds, median of the quietest round", "explain", 50),
    ("loading a profile, ms, median", "load", 20),
    ("seconds of learning beside EBM's", "fit", 1),
)
Runs = dict[str, list[dict[str, Any]]]
Figures = dict[str, float]


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--most", type=int, default=30_000_000, help="for memory")
    parser.add_argument("--peers", type=int, default=1_000_000, help="rows for peers")
    parser.add_argument("--fit", type=int, default=12_000, help="most rows learnt from")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="no EBM; prints only")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        page = "\n\n".join(_measured(Path(folder), chosen)) + "\n"
    if not chosen.quick:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(page, "utf-8")


def _measured(folder: Path, chosen: argparse.Namespace) -> list[str]:
    facts = _child("draw", folder, chosen.rows)
    parts = [_head(chosen.rows, facts)]
    print(parts[0])
    found: Figures = {}
    for part in (_files, _against_peers, _memory, _single, _learning):
        parts.append(part(folder, chosen, found))
        print(f"\n{parts[-1]}", flush=True)
    parts.insert(1, _verdict(found))
    print(f"\n{parts[1]}", flush=True)
    return parts


def _verdict(found: Figures) -> str:
    lines = [
        "## Against the targets",
        "",
        "| | measured | target | |",
        "| --- | ---: | ---: | --- |",
    ]
    for words, name, limit in TARGETS:
        if name in found:
            met = found[name] <= limit if limit > 0 else found[name] >= -limit
            sign = "at most" if limit > 0 else "at least"
            lines.append(
                f"| {words} | {found[name]:,.3g} | {sign} {abs(limit):,} "
                f"| {'met' if met else 'missed'} |"
            )
    return "\n".join(lines)


def _child(task: str, folder: Path, rows: int, **settings: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.speed.tasks"]
    done = subprocess.run(
        [*command, task, str(folder), str(rows)],
        check=True,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, **settings},
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _rounds(tasks: list[str], folder: Path, rows: int, rounds: int) -> Runs:
    runs: Runs = {task: [] for task in tasks}
    for turn in range(rounds):
        for task in tasks if not turn else [t for t in tasks if t not in ONCE]:
            runs[task].append(_child(task, folder, rows))
            print(f"  {task}: {runs[task][-1]}", file=sys.stderr, flush=True)
    return runs


def _middle(runs: Runs, task: str, what: str) -> float:
    return median(run[what] for run in runs[task])


def _ratio(runs: Runs, task: str, other: str, what: str) -> float:
    both = zip(runs[task], runs[other], strict=False)  # some take part once
    return median(one[what] / beside[what] for one, beside in both)


# ------------------------------------------------------------------------------- parts


def _head(rows: int, facts: dict[str, Any]) -> str:
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        "# Speed and memory: measured\n\n"
        f"{date.today()}, {os.cpu_count()} shared cores, Python "
        f"{platform.python_version()}, Polars {version('polars')}; load averages at "
        f"the start {load}. {rows:,} accounts of an id, 6 numbers and 6 texts, "
        f"5 to 40 % missing, {facts['megabytes']:,.0f} MB Parquet; profile of "
        f"{facts['tables']} tables, {facts['segments']} segments and "
        f"{facts['pairs']} pairs ({facts['kilobytes']:,.0f} kB). Ratios are medians "
        "over rounds in which the tasks took turns; on shared cores the ratio of "
        "processor seconds is the steadier one."
    )


def _files(folder: Path, chosen: argparse.Namespace, found: Figures) -> str:
    runs = _rounds([*TASKS], folder, chosen.rows, chosen.rounds)
    found["rate"] = chosen.rows / _middle(runs, "score", "seconds")
    found["copy"] = _ratio(runs, "score", "copy", "seconds")
    found["copy three"] = _ratio(runs, "three", "copy", "seconds")
    found["floor"] = _ratio(runs, "score", "floor", "seconds")
    found["peak"] = max(run["peak"] for run in runs["score"])
    lines = [
        "## Whole files, Parquet to Parquet",
        "",
        "| task | s | CPU s | million rows/s | x copy | CPU x copy | CPU x floor "
        "| peak MB |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for task, words in TASKS.items():
        seconds = _middle(runs, task, "seconds")
        lines.append(
            f"| {words} | {seconds:.2f} | {_middle(runs, task, 'cpu'):.2f} "
            f"| {chosen.rows / seconds / 1e6:.2f} "
            f"| {_ratio(runs, task, 'copy', 'seconds'):.2f} "
            f"| {_ratio(runs, task, 'copy', 'cpu'):.2f} "
            f"| {_ratio(runs, task, 'floor', 'cpu'):.1f} "
            f"| {max(run['peak'] for run in runs[task]):,.0f} |"
        )
    return "\n".join([*lines, "", _spent(runs)])


def _spent(runs: Runs) -> str:
    """Of the first round alone, as what is measured once stands beside it."""
    cpu = {task: taken[0]["cpu"] for task, taken in runs.items()}
    reading, unwritten, whole = cpu["read"], cpu["unwritten"], cpu["score"]
    return (
        f"Of the processor seconds of all 14 score columns {reading / whole:.0%} are "
        f"reading, {(unwritten - reading) / whole:.0%} scoring and "
        f"{(whole - unwritten) / whole:.0%} writing. Reading and writing alone, as in "
        f"copying what was written, take {cpu['rewrite'] / cpu['floor']:.1f} times the "
        f"floor."
    )


def _against_peers(folder: Path, chosen: argparse.Namespace, found: Figures) -> str:
    names = [name for name in PEERS if not (chosen.quick and name == "EBM")]
    rows = chosen.peers if not chosen.quick else min(chosen.peers, chosen.rows)
    _child("draw", folder, rows)
    tasks = ["score", "three", *(f"peer {name}" for name in names)]
    runs = _rounds(tasks, folder, rows, min(2, chosen.rounds))
    quickest = min(_middle(runs, f"peer {name}", "seconds") for name in names)
    found["peer"] = found["rate"] * quickest / rows
    lines = [
        f"## Beside peers, {rows:,} accounts, file to file",
        "",
        "Peers write the id and one probability. About 0.1 s of ours is planning, "
        "whatever the number of rows: the target's figure divides our rows a second "
        "with the long file above by a peer's here.",
        "",
        "| method | s | CPU s | rows/s | ours is faster by | by CPU |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    own = {"score": "**icp, all 14 score columns**", "three": "icp, three of them"}
    for task in tasks:
        words = {**own, **PEERS}[task.removeprefix("peer ")]
        seconds = _middle(runs, task, "seconds")
        lines.append(
            f"| {words} | {seconds:.2f} | {_middle(runs, task, 'cpu'):.2f} "
            f"| {rows / seconds:,.0f} | {_ratio(runs, task, 'score', 'seconds'):.1f}x "
            f"| {_ratio(runs, task, 'score', 'cpu'):.1f}x |"
        )
    return "\n".join(lines)


def _memory(folder: Path, chosen: argparse.Namespace, found: Figures) -> str:
    lines = [
        "## Peak memory, MB",
        "",
        "| accounts | score, id and 14 columns | copy |",
        "| ---: | ---: | ---: |",
    ]
    for rows in sorted({chosen.rows // 5, chosen.rows, chosen.most}):
        _child("draw", folder, rows)
        peaks = [_child(task, folder, rows)["peak"] for task in ("score", "copy")]
        lines.append(f"| {rows:,} | " + " | ".join(f"{p:,.0f}" for p in peaks) + " |")
    found["growth"] = peaks[0] / found["peak"]
    found["peak"] = max(found["peak"], peaks[0])
    return "\n".join(lines)


def _single(folder: Path, chosen: argparse.Namespace, found: Figures) -> str:
    one = _child("one", folder, chosen.rows)
    found |= {"explain": one["score explain"], "load": one["score load"]}
    lines = [
        "## One account at a time, plain Python",
        "",
        "The median over 5,000 different accounts in the quietest of five rounds, and "
        "over all rounds: a shared core runs whole rounds at half its pace.",
        "",
        "| profile | load, ms | `score_one`, microseconds (all rounds) "
        "| `explain`, microseconds (all rounds) |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, words in (("score", "as learnt"), ("pairs", "with 12 made-up pairs")):
        calls = (
            f"{one[f'{name} {call}']:.1f} ({one[f'{name} {call} all']:.1f})"
            for call in ("score_one", "explain")
        )
        cells = " | ".join([f"{one[f'{name} load']:.1f}", *calls])
        lines.append(f"| {words} | {cells} |")
    return "\n".join(lines)


def _learning(folder: Path, chosen: argparse.Namespace, found: Figures) -> str:
    alone = {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
    ours = _child("fit ours", folder, chosen.fit, **alone)
    lines = [
        f"## Learning from {ours['rows']:,} customers, {ours['of']} columns "
        f"({ours['name']}), one thread",
        "",
        "| method | s | CPU s | peak MB |",
        "| --- | ---: | ---: | ---: |",
        _learnt("`fit_profile`: segments, calibration and intervals", ours),
    ]
    if not chosen.quick:
        ebm = _child("fit EBM", folder, chosen.fit, **alone)
        found["fit"] = ours["seconds"] / ebm["seconds"]
        lines.append(_learnt("EBM, defaults (no intervals, no calibration)", ebm))
    return "\n".join(lines)


def _learnt(words: str, run: dict[str, Any]) -> str:
    return f"| {words} | {run['seconds']:.1f} | {run['cpu']:.1f} | {run['peak']:,.0f} |"


if __name__ == "__main__":
    main()
