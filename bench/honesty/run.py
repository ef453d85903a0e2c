"""What the tool promises about honesty, measured on data whose truth is known.

    ICP_DATA=<folder with the open data sets> python -m bench.honesty.run [--runs small]

One line per promise: what is claimed, the target, what was found, and whether it is
met or by how much it is missed. `--only S6,P7` measures a few lines anew and keeps the
others. Without the data the real null sets are left out. Writes
`bench/results/honesty.md` and the figures in `docs/honesty.md`; the small form writes
nothing.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable, Iterable
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from bench.honesty.determinism import determinism_row
from bench.honesty.drift import drift_rows
from bench.honesty.intervals import interval_rows, novelty_row
from bench.honesty.laws import LAWS, Law, law_row
from bench.honesty.leaks import leak_rows, seller_rows
from bench.honesty.nulls import few_rows, null_rows
from bench.honesty.rows import Row, line, read_table, table
from bench.honesty.votes import copied_rows, monotone_rows, noise_rows

try:
    from bench.honesty import segments as honesty_segments
except ImportError:
    honesty_segments = None

RESULTS = Path(__file__).parents[1] / "results" / "honesty.md"
GUIDE = Path(__file__).parents[2] / "docs" / "honesty.md"
START, END = "<!-- figures -->\n", "<!-- end of figures -->"
Part = tuple[str, Callable[[], Iterable[Row]]]


def parts(share: float, /) -> list[Part]:
    """Every part of the table with the ids it is asked for by, at a share of all runs.

    A share of 1 is the full run.
    """

    def runs(full: int, least: int = 2) -> int:
        return max(least, round(share * full))

    segments = honesty_segments and partial(honesty_segments.rows, runs=runs(200, 4))
    return [
        ("S1,S2,S13,S14", segments or list),
        ("S6", partial(interval_rows, runs(200, 8))),
        ("S7", lambda: [novelty_row(runs(20_000, 400))]),
        ("S10", partial(leak_rows, runs(20))),
        ("S11", partial(drift_rows, runs(200, 4))),
        ("S12", partial(seller_rows, runs(100, 4))),
        ("P6", partial(copied_rows, runs(60, 4))),
        ("P7", partial(noise_rows, runs(60, 4))),
        ("P8", partial(monotone_rows, runs(2_000, 20))),
        ("D1", lambda: [determinism_row(runs(100, 4))]),
        ("null", partial(null_rows, runs(50, 3))),
        ("min", partial(few_rows, runs(50, 4))),
        *((law.id, _of_law(law, share)) for law in LAWS),
    ]


def _of_law(law: Law, share: float) -> Callable[[], Iterable[Row]]:
    return lambda: [law_row(law, share)]


def main() -> None:
    """Run all, or what `--only` names, and print each line as it is known."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--runs", choices=["small", "middle", "full"], default="full")
    asked.add_argument("--only", default="", help="ids, for instance S6,P7")
    chosen = asked.parse_args()
    share = {"small": 0.01, "middle": 0.2, "full": 1.0}[chosen.runs]
    only = set(filter(None, chosen.only.split(",")))
    started = time.monotonic()
    for ids, measure in parts(share):
        if not only or only & set(ids.split(",")):
            rows = []
            for cells in measure():
                rows.append(cells)
                print(line(cells), f"{time.monotonic() - started:.0f} s", flush=True)
            if chosen.runs != "small":
                _keep(rows)


def _keep(rows: list[Row]) -> None:
    """Put the new lines into the results and the guide."""
    kept = read_table(RESULTS.read_text("utf-8")) if RESULTS.exists() else []
    told = exchanged(kept, rows)
    RESULTS.write_text(page(told), "utf-8")
    GUIDE.write_text(with_figures(GUIDE.read_text("utf-8"), told), "utf-8")


def with_figures(guide: str, rows: list[Row], /) -> str:
    """The guide with the table between its marks."""
    before, rest = guide.split(START)
    after = rest.split(END)[1]
    return "\n".join([f"{before}{START}", *table(rows), "", f"{END}{after}"])


def exchanged(kept: list[Row], new: list[Row], /) -> list[Row]:
    """The kept lines with new ones where the first of the same id was."""
    anew = {cells["id"] for cells in new}
    rows: list[Row] = []
    for cells in kept:
        if cells["id"] not in anew:
            rows.append(cells)
        elif cells["id"] not in {done["id"] for done in rows}:
            rows += [one for one in new if one["id"] == cells["id"]]
    there = {cells["id"] for cells in rows}
    rows += [cells for cells in new if cells["id"] not in there]
    order = [id for ids, _ in parts(1) for id in ids.split(",")]
    return sorted(rows, key=lambda cells: order.index(cells["id"]))


def page(rows: list[Row], /) -> str:
    """The committed table with what it was made with."""
    met = sum(cells["met"] == "met" for cells in rows)
    return "\n".join(
        [
            "# Honesty: measured",
            "",
            f"Made by `python -m bench.honesty.run`, last on {date.today()}; "
            f"Python {platform.python_version()}, NumPy {np.__version__}, Polars "
            f"{pl.__version__}, {os.cpu_count()} shared cores, one thread. "
            f"{met} of {len(rows)} lines met. What each line means: "
            "[docs/honesty.md](../../docs/honesty.md).",
            "",
            *table(rows),
            "",
        ]
    )


if __name__ == "__main__":
    main()
