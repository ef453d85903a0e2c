"""Run a committed recipe: exports -> typed tables -> one row per account -> labels.

    ICP_DATA=<folder with the open data sets> python -m bench.sets.recipe telco-ibm

`leaks.toml` beside a recipe names columns that are known too late; with `leaks` they
are made learnable, as somebody in a hurry would, so that the checks have to find them.
"""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from icp.config import WorkspaceConfig, load_config
from icp.ingest import IngestResult, ingest
from icp.ingest.assemble import AssembleResult, assemble
from icp.ingest.plan import AssemblyPlan
from icp.outcomes import label, preview

if TYPE_CHECKING:
    import polars as pl

RECIPES = Path(__file__).with_name("recipes")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What came of a recipe."""

    name: str
    config: WorkspaceConfig
    tables: dict[str, IngestResult]
    customers: AssembleResult
    labelled: pl.DataFrame


def recipe_names() -> list[str]:
    """All committed recipes."""
    return sorted(path.parent.name for path in RECIPES.glob("*/icp.toml"))


def run_recipe(name: str, /, *, leaks: bool = False) -> Recipe:
    """Run one recipe on the data that `ICP_DATA` points to."""
    folder = RECIPES / name
    config = load_config(folder)
    plan = config.assembly.customers
    if plan is None or config.outcome is None:
        raise SystemExit(f"{name}: a recipe says how to assemble and label customers")
    tables = {
        source.name: ingest(
            config.location(source, folder),
            mapping=config.mapping_file(source, folder),
            options=source.options,
        )
        for source in config.sources
    }
    customers = assemble(tables, _leaking(plan, folder) if leaks else plan)
    labelled = label(customers.accounts.collect(), config.outcome)
    return Recipe(
        name=name,
        config=config,
        tables=tables,
        customers=customers,
        labelled=labelled,
    )


def _leaking(plan: AssemblyPlan, folder: Path) -> AssemblyPlan:
    document = tomllib.loads((folder / "leaks.toml").read_text(encoding="utf-8"))
    roles = {**plan.model_dump()["roles"], **document["roles"]}
    return AssemblyPlan.model_validate({**plan.model_dump(), "roles": roles})


def _show(recipe: Recipe) -> None:
    print(f"# {recipe.name}")
    for finding in recipe.customers.findings:
        print(f"  {finding}")
    for sentence in preview(recipe.labelled).sentences():
        print(f"  {sentence}")


if __name__ == "__main__":
    for chosen in sys.argv[1:] or recipe_names():
        _show(run_recipe(chosen))
