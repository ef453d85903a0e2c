"""Columns that are written after the sale, let in on purpose: are they found?

    ICP_DATA=<folder with the open data sets> python -m bench.quality.leaks [SET ...]

Every recipe names the leaks of its set (`leaks.toml`). Prints a line as it goes, and
writes `bench/results/leaks.md` when all sets were asked.
"""

from __future__ import annotations

import os
import sys
import tomllib
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from bench.sets.recipe import RECIPES, recipe_names, run_recipe
from icp.learn import FitOptions, fit_profile

if TYPE_CHECKING:
    from icp.profile import AttributeTable

RESULTS = Path(__file__).parents[1] / "results" / "leaks.md"
_HEAD = """\
# Known leaks of open data, let in on purpose

Made by `python -m bench.quality.leaks` on {today}: {found} of {all} are refused, each
until somebody accepts it by name; {blind} of them also where no name is read, by their
values alone. Words for names were collected with these sets in sight, so that other
exports may have leaks that no word here catches.

| set | leaks refused, and why | missed | refused by values alone |
|---|---|---|---|
"""


def refused(name: str, /, *, names: bool = True) -> dict[str, str]:
    """Columns of a set that are refused when its leaks are let in, with the reason.

    Without `names` what a column is called tells nothing.
    """
    recipe = run_recipe(name, leaks=True)
    learning = recipe.config.learning
    accepted = tuple(entry.column for entry in learning.accept)
    with nullcontext() if names else patch("icp.learn.leakage._by_name", _nothing):
        profile = fit_profile(
            recipe.labelled,
            schema=recipe.customers.schema,
            group=learning.group,
            date=learning.date,
            options=FitOptions(refits=0, max_segments=1, accept=accepted),
        )
    return {f.column: f.code for f in profile.provenance.findings if f.excluded}


def _nothing(_table: AttributeTable) -> None:
    return None


def leaks_of(name: str, /) -> set[str]:
    """The columns that a recipe names as leaks."""
    leaks = RECIPES / name / "leaks.toml"
    if not leaks.is_file():
        return set()
    return set(tomllib.loads(leaks.read_text(encoding="utf-8"))["roles"])


def line(
    name: str, wanted: set[str], found: dict[str, str], blind: dict[str, str], /
) -> str:
    """One set as a row of the table.

    >>> line("a", {"nps", "tier"}, {"nps": "name", "city": "constant"}, {})
    '| a | 1 of 2: nps (name) | tier | - |'
    """
    caught = [f"{c} ({found[c]})" for c in sorted(wanted & set(found))]
    alone = [f"{c} ({blind[c]})" for c in sorted(wanted & set(blind))]
    missed = sorted(wanted - set(found))
    return (
        f"| {name} | {len(caught)} of {len(wanted)}: {', '.join(caught)} | "
        f"{', '.join(missed) or '-'} | {', '.join(alone) or '-'} |"
    )


def main() -> None:
    """Run the sets named on the command line, or all that have known leaks."""
    if "ICP_DATA" not in os.environ:
        raise SystemExit("set ICP_DATA to the folder that holds the open data sets")
    lines = []
    counts = dict.fromkeys(("found", "blind", "all"), 0)
    for name in sys.argv[1:] or recipe_names():
        if wanted := leaks_of(name):
            found, blind = refused(name), refused(name, names=False)
            for key, columns in (("found", found), ("blind", blind), ("all", wanted)):
                counts[key] += len(wanted & set(columns))
            lines.append(line(name, wanted, found, blind))
            print(lines[-1], flush=True)
    if not sys.argv[1:]:
        head = _HEAD.format(today=date.today(), **counts)
        RESULTS.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
