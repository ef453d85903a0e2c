"""How methods do with 30 to 400 labelled customers: a table and a picture.

    ICP_DATA=<folder with the open data sets> python -m bench.quality.learning_curve

Every repeat draws customers at random with the set's own share of best ones (never
fewer than five of each), learns from them, and is judged by up to 2,500 others none of
which repeats one that was learnt from. Writes `bench/results/learning_curve.md` and
`docs/pictures/learning-curve.svg`. Results are kept on disk, see `kept.py`.
"""

from __future__ import annotations

import argparse
import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402  # after the number of threads

from bench.quality.cache import is_kept, judged  # noqa: E402
from bench.quality.measures import AUC, LOG_LOSS, measured  # noqa: E402
from bench.quality.peers import METHODS  # noqa: E402
from bench.sets.recipe import run_recipe  # noqa: E402
from bench.sets.task import Fold, Task, task_of  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    #: By set and method: repeats x sizes x (AUC, log loss); NaN where not measured.
    Curves = dict[tuple[str, str], NDArray[np.float64]]

RESULTS = Path(__file__).parents[1] / "results" / "learning_curve.md"
PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "learning-curve.svg"
SETS = ("telco-ibm", "x-education")
SIZES = (30, 50, 100, 200, 400)
JUDGED_AT = (50, 100)
REPEATS = 20
_TESTED = 2_500
_FEWEST = 5


def draw(task: Task, size: int, repeat: int, /) -> Fold:
    """Customers to learn from, and others to be judged by."""
    order = np.random.default_rng([size, repeat]).permutation(len(task.best))
    best = round(size * float(task.best.mean()))
    best = min(max(best, _FEWEST), size - _FEWEST)
    chosen = [
        order[task.best[order] == kind][:count]
        for kind, count in ((True, best), (False, size - best))
    ]
    train = np.sort(np.concatenate(chosen))
    free = order[~np.isin(task.groups[order], task.groups[train])]
    return Fold(name=f"n{size}r{repeat}", train=train, test=np.sort(free[:_TESTED]))


def curves(
    tasks: list[Task], methods: list[str], repeats: int, *, only_kept: bool
) -> Curves:
    """Measures everything that is not on disk yet, the first repeat of all first."""
    found = {
        (task.name, name): np.full((repeats, len(SIZES), 2), np.nan)
        for task in tasks
        for name in methods
    }
    for task, name, fold, at in _plan(tasks, methods, repeats):
        train, method = task.rows(fold.train), METHODS[name]
        if only_kept and name != "icp" and not is_kept(method, train, name=fold.name):
            continue
        test = task.rows(fold.test)
        result = judged(method, train, test, name=fold.name)
        values = measured(result.probability, test.best)
        found[task.name, name][at] = values[[AUC, LOG_LOSS]]
        print(
            f"{task.name} {name} {fold.name}: {values[AUC]:.3f} / "
            f"{values[LOG_LOSS]:.3f} in {result.seconds:.1f} s",
            flush=True,
        )
    return found


def _plan(
    tasks: list[Task], methods: list[str], repeats: int
) -> Iterator[tuple[Task, str, Fold, tuple[int, int]]]:
    for repeat in range(repeats):
        for task in tasks:
            for column, size in enumerate(SIZES):
                fold = draw(task, size, repeat)
                for name in methods:
                    yield task, name, fold, (repeat, column)


def table(task: Task, methods: list[str], found: Curves) -> list[str]:
    """One line per method: AUC / log loss at every size."""
    heads = [f"n = {size}" for size in SIZES]
    lines = [
        f"**{task.name}**: AUC / log loss, mean over the repeats",
        "",
        f"| method | repeats | {' | '.join(heads)} |",
        "|---" * (len(SIZES) + 2) + "|",
        f"| base rate | | {' | '.join(_base_rates(task))} |",
    ]
    for name in methods:
        values = found[task.name, name]
        repeats = int((~np.isnan(values[:, :, 0])).sum(axis=0).max())
        cells = [
            "-" if np.isnan(auc) else f"{auc:.3f} / {loss:.3f}"
            for auc, loss in _mean(values)
        ]
        lines.append(f"| {name} | {repeats} | {' | '.join(cells)} |")
    return lines


def _base_rates(task: Task) -> list[str]:
    rate = float(task.best.mean())
    entropy = -rate * np.log(rate) - (1 - rate) * np.log(1 - rate)
    return [f"0.500 / {entropy:.3f}"] * len(SIZES)


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    measured_ = ~np.isnan(values)
    counts = np.maximum(measured_.sum(axis=0), 1)
    mean = np.where(measured_, values, 0.0).sum(axis=0) / counts
    return np.where(measured_.any(axis=0), mean, np.nan)


def verdict(tasks: list[Task], methods: list[str], found: Curves) -> list[str]:
    """Log loss at 50 and 100 customers, ours less each peer's on the same draws."""
    lines = [
        "| at | peer | mean over sets, ours less theirs (standard error) | "
        "log loss below |",
        "|---|---|---|---|",
    ]
    for size in JUDGED_AT:
        at = SIZES.index(size)
        for name in methods:
            if name == "icp":
                continue
            gaps = [
                found[t.name, "icp"][:, at, 1] - found[t.name, name][:, at, 1]
                for t in tasks
            ]
            lines.append(f"| {size} | {name} | {_judged(gaps)} |")
    return lines


def _judged(gaps: list[NDArray[np.float64]]) -> str:
    known = [gap[~np.isnan(gap)] for gap in gaps]
    if not all(len(gap) > 1 for gap in known):
        return "- | not measured"
    mean = float(np.mean([gap.mean() for gap in known]))
    errors = [gap.var(ddof=1) / len(gap) for gap in known]
    error = float(np.sqrt(sum(errors)) / len(known))
    said = "met" if mean < 0 else f"missed by {mean:.4f}"
    return f"{mean:+.4f} ({error:.4f}) | {said}"


def picture(tasks: list[Task], methods: list[str], found: Curves, place: Path) -> None:
    """Log loss and AUC against the number of labelled customers, one column a set."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    plt.rcParams.update({"svg.hashsalt": "icp", "font.size": 9, "svg.fonttype": "path"})
    figure, axes = plt.subplots(
        2, len(tasks), figsize=(5.2 * len(tasks), 7), sharex=True, squeeze=False
    )
    for column, task in enumerate(tasks):
        for row, (label, part) in enumerate((("log loss", 1), ("AUC", 0))):
            axis = axes[row][column]
            for name in methods:
                mean = _mean(found[task.name, name])[:, part]
                _line(axis, name, mean)
            axis.set(xscale="log", ylabel=label, title=task.name if not row else "")
            axis.set_xticks(SIZES, [str(size) for size in SIZES])
            axis.minorticks_off()
            _crop(axis, task, methods, found, part)
            axis.grid(color="#e5e7eb")
    for axis in axes[-1]:
        axis.set_xlabel("labelled customers")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=5, frameon=False)
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    place.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(place, metadata={"Date": None, "Creator": None})
    plt.close(figure)


def _line(axis, name: str, mean: NDArray[np.float64]) -> None:
    ours = name == "icp"
    colours = dict(zip(METHODS, _COLOURS, strict=True))
    axis.plot(
        SIZES,
        mean,
        label=name,
        color=colours[name],
        linewidth=2.6 if ours else 1.2,
        marker="o" if ours else ".",
        zorder=3 if ours else 2,
    )


_COLOURS = (
    "#111827",
    "#2563eb",
    "#7c3aed",
    "#db2777",
    "#16a34a",
    "#ea580c",
    "#0891b2",
    "#9ca3af",
    "#a16207",
)


def _crop(axis, task: Task, methods: list[str], found: Curves, part: int) -> None:
    """What is far worse than knowing nothing would squeeze all the rest together."""
    if part == 0:
        axis.set_ylim(0.5, None)
        return
    rate = float(task.best.mean())
    blank = -rate * np.log(rate) - (1 - rate) * np.log(1 - rate)
    values = [_mean(found[task.name, name])[:, part] for name in methods]
    axis.axhline(blank, color="#6b7280", linewidth=0.8, linestyle=":")
    axis.set_ylim(float(np.nanmin(values)) - 0.01, blank + 0.12)


def _text(tasks: list[Task], methods: list[str], found: Curves) -> str:
    lines = [
        "# Learning curve",
        "",
        f"Made by `python -m bench.quality.learning_curve` on {date.today()}, "
        "2 shared cores, one thread. Draws keep the set's share of best customers; up "
        "to 2,500 other "
        "customers judge each. A method with fewer repeats than ours is compared on "
        "its own draws. The beliefs that decide where customers are few were set on "
        "these two sets (decision 015).",
        "",
        "![Log loss and AUC against labelled customers]"
        "(../../docs/pictures/learning-curve.svg)",
        "",
    ]
    for task in tasks:
        lines += [*table(task, methods, found), ""]
    lines += ["## Target: at 50 and 100 customers log loss below every peer's", ""]
    return "\n".join([*lines, *verdict(tasks, methods, found), ""])


def main() -> None:
    """Measure what is missing, then write the table and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument(
        "--kept", action="store_true", help="only ours is measured anew"
    )
    parser.add_argument("--dry", action="store_true", help="write nothing")
    chosen = parser.parse_args()
    if "ICP_DATA" not in os.environ:
        raise SystemExit("set ICP_DATA to the folder that holds the open data sets")
    tasks = [task_of(run_recipe(name)) for name in chosen.sets]
    found = curves(tasks, chosen.methods, chosen.repeats, only_kept=chosen.kept)
    text = _text(tasks, chosen.methods, found)
    print(text)
    if not chosen.dry:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(text, encoding="utf-8")
        picture(tasks, chosen.methods, found, PICTURE)


if __name__ == "__main__":
    main()
