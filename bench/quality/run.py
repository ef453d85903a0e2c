"""How well profiles rank and calibrate on open data, beside eight other methods.

    ICP_DATA=<folder with the open data sets> python -m bench.quality.run [--sets ...]

All see the same columns and the same folds (`task.py`, `peers.py`). Accounts of one
group, and accounts that are identical in every attribute, are never split over folds;
a set with dates is also split once by date. Prints the table as it goes, then the
means and the targets; writes the same to `bench/results/quality.md`. Results of every
method and fold are kept on disk (`kept.py`): a change of ours measures ours only.
"""

from __future__ import annotations

import argparse
import os
import platform
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402  # after the number of threads

from bench.quality.cache import is_kept, judged  # noqa: E402
from bench.quality.measures import AUC, LOG_LOSS, MEASURES, half_width, measured  # noqa: E402
from bench.quality.peers import METHODS  # noqa: E402
from bench.quality.targets import OURS, TESTED, gaps, mean_of, targets  # noqa: E402
from bench.sets.recipe import Recipe, recipe_names, run_recipe  # noqa: E402
from bench.sets.task import MOST_ROWS, Task, by_date, folds, task_of  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.quality.targets import Found

RESULTS = Path(__file__).parents[1] / "results" / "quality.md"
FEW = 1_000
_QUICK_ROWS = 600
_LIBRARIES = ("scikit-learn", "optbinning", "interpret-core", "lightgbm", "catboost")
_HEAD = (
    "| set | best / regrettable | method | AUC | ours less theirs (90 %) | "
    f"{' | '.join(MEASURES[1:])} | folds | s a fit |\n" + "|---" * 12 + "|"
)


def tasks_of(recipe: Recipe, /, *, most: int = MOST_ROWS) -> Iterator[Task]:
    """A set in folds, and again by date where it has dates."""
    task = task_of(recipe, most=most)
    yield task
    if task.dates is not None:
        yield by_date(task)


def repeats_for(task: Task, asked: int | None, /) -> int:
    """Three for few rows, or what was asked for."""
    return asked or (3 if task.frame.height < FEW else 1)


class Table:
    """What was measured so far, and the seconds that each method took for a fit."""

    def __init__(self, methods: Sequence[str], *, only_kept: bool) -> None:
        """Nothing is measured yet; with `only_kept` of peers nothing will be."""
        self.methods, self.only_kept = methods, only_kept
        self.found: Found = {}
        self.seconds: dict[tuple[str, str], list[float]] = {}

    def measure(self, task: Task, repeats: int, /) -> list[str]:
        """One line per method, printed as it comes."""
        lines = []
        parts = [
            (fold.name, task.rows(fold.train), task.rows(fold.test))
            for fold in folds(task, repeats)
        ]
        for name in self.methods:
            for fold, train, test in parts:
                kept = is_kept(METHODS[name], train, name=fold)
                if kept or name == OURS or not self.only_kept:
                    self._judge(name, train, test, fold)
            if (task.name, name) in self.found:
                lines.append(self._line(task, name))
                print(lines[-1], flush=True)
        return lines

    def _judge(self, name: str, train: Task, test: Task, fold: str) -> None:
        result = judged(METHODS[name], train, test, name=fold)
        key = (train.name, name)
        values = measured(result.probability, test.best)
        self.found.setdefault(key, {})[fold] = values
        self.seconds.setdefault(key, []).append(result.seconds)

    def _line(self, task: Task, name: str) -> str:
        mean = mean_of(self.found, task.name, name)
        first = name == self.methods[0]
        counts = f"{task.best.sum():,} / {(~task.best).sum():,}"
        cells = (
            f"{task.name} ({task.use})" if first else "",
            counts if first else "",
            name,
            f"{mean[AUC]:.3f}",
            self._gap(task, name),
            *(f"{value:.3f}" for value in mean[1:]),
            str(len(self.found[task.name, name])),
            f"{np.mean(self.seconds[task.name, name]):.1f}",
        )
        return f"| {' | '.join(cells)} |"

    def _gap(self, task: Task, name: str) -> str:
        differences = gaps(self.found, task.name, name, AUC)
        if name == OURS or not len(differences):
            return ""
        if len(differences) == 1:
            return f"{differences[0]:+.3f}"
        width = half_width(differences, tested=TESTED)
        return f"{differences.mean():+.3f} ± {width:.3f}"


def mean_table(table: Table, tasks: Sequence[Task], /) -> list[str]:
    """Means over sets, of methods that were measured on all of them."""
    lines = []
    grouped = [t for t in tasks if not t.dated]
    signal = [t for t in grouped if t.use != "null"]
    for label, chosen in (("all sets", grouped), ("sets with signal", signal)):
        lines += [
            f"Mean over {label} ({len(chosen)}), folds by group:",
            "",
            f"| method | {' | '.join(MEASURES)} | s a fit |",
            "|---" * 8 + "|",
        ]
        for name in table.methods:
            if all((t.name, name) in table.found for t in chosen):
                lines.append(_mean_line(table, chosen, name))
        lines.append("")
    return lines


def _mean_line(table: Table, tasks: Sequence[Task], name: str) -> str:
    mean = np.nanmean([mean_of(table.found, t.name, name) for t in tasks], axis=0)
    seconds = np.mean([np.mean(table.seconds[t.name, name]) for t in tasks])
    cells = " | ".join(f"{value:.4f}" for value in mean)
    return f"| {name} | {cells} | {seconds:.1f} |"


def stability(table: Table, tasks: Sequence[Task], /) -> str:
    """Whether the first repeat alone would have ranked the methods alike."""
    names = [t.name for t in tasks if not t.dated and t.use != "null"]
    methods = [m for m in table.methods if all((n, m) in table.found for n in names)]
    first = {
        key: {fold: values for fold, values in found.items() if fold.startswith("r0")}
        for key, found in table.found.items()
    }
    said = []
    for label, part, sign in (("AUC", AUC, -1), ("log loss", LOG_LOSS, 1)):
        order = _ranked(table.found, names, methods, part, sign)
        same = order == _ranked(first, names, methods, part, sign)
        alike = " (the same after the first repeat)" if same else ""
        said.append(f"{label}: {', '.join(order)}{alike}")
    return f"Order by mean over sets with signal, best first. {'; '.join(said)}."


def _ranked(
    found: Found, names: Sequence[str], methods: Sequence[str], part: int, sign: int
) -> list[str]:
    means = {m: np.mean([mean_of(found, n, m)[part] for n in names]) for m in methods}
    return sorted(methods, key=lambda m: sign * means[m])


_INTRO = """\
# Quality on open data

Made by `python -m bench.quality.run` on {today}; Python {python}, {libraries}; 2 shared
cores, one thread, processor seconds.

Same columns and folds for all; rows of one group, and rows that are the same in every
attribute, stay together; at most {most:,} rows of a set, drawn at random. "by date"
learns from the first 70 % and judges the rest; it is not part of the means. Sets marked
*confirmation* were never looked at while the learner was tuned; in those marked *null*
nothing separates. Probabilities are cut at 0.0001 and 0.9999. ± is half of the 90 %
interval of the mean difference over the folds that both were measured on (Nadeau &
Bengio 2003). A method that was run on fewer folds has the figures of one that was run
on all, and its difference from that one on those it was run on. Ours is timed without
looking for segments and with 20 refits behind its intervals; neither moves a score. How
each method is run: the head of `bench/quality/peers.py`.
"""


def report(lines: list[str], table: Table, tasks: Sequence[Task]) -> str:
    """The whole page."""
    intro = _INTRO.format(
        today=date.today(),
        python=platform.python_version(),
        libraries=", ".join(f"{name} {version(name)}" for name in _LIBRARIES),
        most=MOST_ROWS,
    )
    parts = {
        "": lines,
        "## Means over sets": [
            *mean_table(table, tasks),
            stability(table, tasks),
        ],
        "## Targets": targets(table.found, tasks, table.methods),
    }
    blocks = [
        "\n\n".join(filter(None, (title, "\n".join(block))))
        for title, block in parts.items()
    ]
    return "\n\n".join([intro.strip(), *blocks]) + "\n"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=recipe_names())
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--repeats", type=int, help="left out: 3 for few rows, else 1")
    parser.add_argument(
        "--kept", action="store_true", help="only ours is measured anew"
    )
    parser.add_argument(
        "--quick", action="store_true", help="few rows, one repeat, table only"
    )
    return parser.parse_args()


def main() -> None:
    """Run the sets named on the command line, or all."""
    chosen = _options()
    if "ICP_DATA" not in os.environ:
        raise SystemExit("set ICP_DATA to the folder that holds the open data sets")
    table = Table(chosen.methods, only_kept=chosen.kept)
    print(_HEAD, flush=True)
    lines, tasks = [_HEAD], []
    for recipe in map(run_recipe, chosen.sets):
        for task in tasks_of(recipe, most=_QUICK_ROWS if chosen.quick else MOST_ROWS):
            repeats = 1 if chosen.quick else repeats_for(task, chosen.repeats)
            lines += table.measure(task, repeats)
            tasks.append(task)
    if chosen.quick:
        print("\n".join(mean_table(table, tasks)))
        return
    text = report(lines, table, tasks)
    print(text[text.index("## Means") :])
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
