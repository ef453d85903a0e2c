"""Disqualifiers: are they invented, are they found, and do their bounds hold?

    ICP_DATA=<folder with the open data sets> python -m bench.rules.run [--small]

Prints as it goes and writes `bench/results/rules.md`. Truth known: S3 (labels without
meaning), S4 (a planted rule), S5 (stated bounds on new customers), P17 (a rule means
the same everywhere), and a search over 200 columns. Then the demo's planted rules, and
the open sets beside pysubgroup, RuleFit and RIPPER, each judged on customers that no
method learnt from. The peers need a Python of their own (`rules_peers.py`): `--peers`.
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

from bench.rules.agreement import agreement  # noqa: E402  # after the number of threads
from bench.rules.figures import Figure, covering, invented, recovered, wide  # noqa: E402
from bench.rules.sets import compared, planted_in_demo, split_of  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

RESULTS = Path(__file__).parents[1] / "results" / "rules.md"
SETS = (
    "adventureworks-resellers",
    "b2b-salvirt",
    "wholesale-uci",
    "zoho-crm-sample",
    "telco-ibm",
    "online-retail",
    "x-education",
    "bank-marketing",
    "maven-crm",
)
_FULL = {"s3": 500, "s4": 200, "s5": 2_000, "p17": 10_000, "columns": 204}
_SMALL = {"s3": 4, "s4": 4, "s5": 4, "p17": 200, "columns": 24}
_FIGURES = "| figure | target | found | |\n|---|---|---|---|"
_JUDGED = (
    "| set | method | rules | of new customers covered | regrettable among them (90 %) "
    "| among all | |\n|---|---|---|---|---|---|---|"
)


def main() -> None:
    """Measure what was asked for."""
    asked = _asked()
    sizes = _SMALL if asked.small else _FULL
    lines = [_head(sizes), "## Where the truth is known", "", _FIGURES]
    for figure in _figures(sizes, asked.only):
        lines.append(_said(figure))
        print(lines[-1], flush=True)
    if "demo" in asked.only:
        lines += ["", "## The demo's planted rules", ""]
        for sentence in planted_in_demo(300 if asked.small else 1_200):
            lines.append(f"- {sentence}")
            print(lines[-1], flush=True)
    if "sets" in asked.only and "ICP_DATA" in os.environ:
        lines += ["", "## Open sets, on the customers kept apart", "", _NOTE, _JUDGED]
        for name in asked.sets:
            for judged in compared(split_of(name), python=asked.peers):
                lines.append(judged.line())
                print(lines[-1], flush=True)
    if not asked.small:
        RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


_NOTE = (
    "The newer third by date where there is one, else a third at random, is kept apart "
    "before any method learns; ours sets a third of the rest aside once more to "
    "confirm, and counts where it was found and confirmed. A peer's rules count in its "
    "own order until they cover as many of the customers learnt from as ours; where we "
    "have no rule, its first one. At most 1,500 customers of a set are used.\n"
)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="seconds, writes nothing")
    parser.add_argument("--peers", help="a Python that has the peers")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parts = ("s3", "s4", "s5", "p17", "columns", "demo", "sets")
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    return parser.parse_args()


def _figures(sizes: dict[str, int], only: list[str]) -> Iterator[Figure]:
    parts = {
        "s3": lambda: invented(sizes["s3"]),
        "s4": lambda: recovered(sizes["s4"]),
        "s5": lambda: covering(sizes["s5"]),
        "p17": lambda: [_agreed(sizes["p17"])],
        "columns": lambda: wide(sizes["columns"]),
    }
    for name, part in parts.items():
        if name in only:
            yield from part()


def _agreed(cases: int) -> Figure:
    wrong, compared_, names = agreement(cases)
    engines = ", ".join(names)
    return Figure(
        name=f"P17 {cases:,} generated rules: text and back; Polars = {engines}",
        target="no disagreement",
        found=f"{wrong} of {compared_:,} answers",
        met=not wrong,
    )


def _said(figure: Figure) -> str:
    mark = "" if figure.target == "-" else ("met" if figure.met else "**missed**")
    return f"| {figure.name} | {figure.target} | {figure.found} | {mark} |"


def _head(sizes: dict[str, int]) -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in ("polars", "numpy"))
    return (
        f"# Disqualifiers\n\nMade by `python -m bench.rules.run` on {date.today()}, "
        f"Python {platform.python_version()}, {libraries}, one thread of 2 shared "
        "cores. "
        f"Runs: {', '.join(f'{k} {v:,}' for k, v in sizes.items())}.\n"
    )


if __name__ == "__main__":
    main()
