"""Which leaks the checks refuse when let in, and what the tool says of a set.

    ICP_DATA=<folder with the open data sets> python bench/said.py [SET ...]

Learns from whole sets with every default; writes `bench/results/quality-said.md`.
"""

from __future__ import annotations

import os
import sys
import tomllib
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from recipe import RECIPES, Recipe, recipe_names, run_recipe

from icp.learn import FitOptions, fit_profile

if TYPE_CHECKING:
    from icp.profile import Profile

RESULTS = Path(__file__).with_name("results") / "quality-said.md"
_LEAKS_HEAD = (
    "| set | leaks found by our checks | missed | also refused |\n|---|---|---|---|"
)


def accepted(recipe: Recipe, /) -> tuple[str, ...]:
    """Columns for which the recipe answers."""
    return tuple(entry.column for entry in recipe.config.learning.accept)


def leak_line(name: str, /) -> str:
    """Which of the known leaks the checks refuse when they are let in."""
    leaks = RECIPES / name / "leaks.toml"
    if not leaks.is_file():
        return f"| {name} | none named | | |"
    wanted = set(tomllib.loads(leaks.read_text(encoding="utf-8"))["roles"])
    profile = _learnt(
        run_recipe(name, leaks=True), FitOptions(refits=0, max_segments=1)
    )
    refused = {f.column: f.code for f in profile.provenance.findings if f.excluded}
    found = [f"{c} ({refused[c]})" for c in sorted(wanted & set(refused))]
    missed = sorted(wanted - set(refused))
    others = [f"{c} ({refused[c]})" for c in sorted(set(refused) - wanted)]
    return (
        f"| {name} | {len(found)} of {len(wanted)}: {', '.join(found)} | "
        f"{', '.join(missed) or '-'} | {', '.join(others) or '-'} |"
    )


def words(recipe: Recipe, /) -> str:
    """What the profile learnt from a whole set says of it."""
    provenance = _learnt(recipe, FitOptions()).provenance
    strongest = sorted(provenance.attributes, key=lambda a: -a.information_value)[:3]
    alone = ", ".join(f"{a.name} {a.auc:.2f}" for a in strongest)
    lines = [
        f"**{recipe.name}**: evidence {provenance.evidence.level}; alone: {alone}."
    ]
    warned = [f for f in provenance.findings if not f.excluded]
    lines += [f"- {note}" for note in provenance.notes]
    lines += [f"- {finding.column}: {finding.message}" for finding in warned]
    return "\n".join(lines)


def _learnt(recipe: Recipe, options: FitOptions) -> Profile:
    learning = recipe.config.learning
    return fit_profile(
        recipe.labelled,
        schema=recipe.customers.schema,
        group=learning.group,
        date=learning.date,
        options=options.model_copy(update={"accept": accepted(recipe)}),
    )


_PAGE = """\
# What the tool says of open data

Made by `python bench/said.py` on {today}, from whole sets with every default.

## Known leaks, let in on purpose

{leaks}

## What the tool says of each set

{told}
"""


def main() -> None:
    """Run the sets named on the command line, or all."""
    chosen = sys.argv[1:] or recipe_names()
    if "ICP_DATA" not in os.environ:
        raise SystemExit("set ICP_DATA to the folder that holds the open data sets")
    told, leaks = [], [_LEAKS_HEAD]
    for name in chosen:
        leaks.append(leak_line(name))
        told.append(words(run_recipe(name)))
        print(leaks[-1], told[-1], sep="\n", flush=True)
    page = _PAGE.format(
        today=date.today(), leaks="\n".join(leaks), told="\n\n".join(told)
    )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
