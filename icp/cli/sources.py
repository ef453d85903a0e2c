"""What a workspace reads: source, plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from icp.cli.options import JsonFlag, WorkspaceFolder, YesFlag, opened
from icp.cli.screen import ask, emit, note, say, table
from icp.cli.words import MAPPING, mapping_rows
from icp.errors import NotFoundError

if TYPE_CHECKING:
    from icp.ingest.plan import AssemblyPlan, Join

__all__ = ["add_to"]

_Name = Annotated[str, typer.Argument(help="Name of the source.")]
_POPULATIONS: Final = ("customers", "prospects")


def add_to(app: typer.Typer, /) -> None:
    """Register the commands."""
    source = typer.Typer(
        help="List, look at and remove sources.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    source.command("list")(list_)
    source.command()(show)
    source.command()(remove)
    app.add_typer(source, name="source")
    app.command()(plan)


def list_(*, workspace: WorkspaceFolder = Path(), json: JsonFlag = False) -> None:
    """List what the workspace reads.

    Example: icp source list
    """
    with opened(workspace) as open_one:
        sources, last = open_one.config.sources, open_one.last_import()
    if json:
        emit(sources)
        return
    rows = {source.name: source.rows for source in last.sources} if last else {}
    table(
        ("source", "holds", "rows", "from"),
        [(s.name, s.object, rows.get(s.name), s.path or "a query") for s in sources],
    )


def show(
    name: _Name, *, workspace: WorkspaceFolder = Path(), json: JsonFlag = False
) -> None:
    """Show what each column of a source is taken for.

    Change it with icp import --name NAME --set COLUMN:FIELD=VALUE.

    Example: icp source show customers
    """
    with opened(workspace) as open_one:
        mapping = open_one.mapping(name)
    if json:
        emit(mapping)
        return
    table(MAPPING, mapping_rows(mapping))


def remove(
    name: _Name,
    *,
    yes: YesFlag = False,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Take a source out again: undo an import.

    Its copy in sources/ is deleted, its mapping is kept for when it comes back.

    Example: icp source remove deals
    """
    with opened(workspace) as open_one:
        open_one.config.source(name)
        ask(f"Take source {name} out of the workspace?", yes=yes)
        open_one.remove_source(name)
    if json:
        emit({"removed": name})
        return
    say(f"Took out {name}. What was imported stays until you run icp import.")


def plan(
    *,
    write: Annotated[
        bool, typer.Option("--write", help="Write the proposal into icp.toml.")
    ] = False,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Show how the sources become customers and prospects.

    Without [assembly] in icp.toml that is proposed at each import. With --write the
    proposal is written there, to be changed.

    Example: icp plan --write
    """
    with opened(workspace) as open_one:
        if write:
            open_one.keep_plans()
        plans = {name: open_one.plan(name) for name in _POPULATIONS}
    if not any(plans.values()):
        message = "nothing says yet how accounts are made; run icp import FILE first"
        raise NotFoundError(message)
    if json:
        emit(plans)
        return
    for name, found in plans.items():
        for line in _lines(found) if found else ("none",):
            say(f"{name}: {line}")
    if write:
        note("It is in icp.toml now, under [assembly]; run icp import after changes.")


def _lines(found: AssemblyPlan) -> list[str]:
    own = f"one per {found.key}" if found.key else "one per row"
    only = f", only where {found.where}" if found.where else ""
    made = [f"{d.name} is {d.expression}" for d in found.derived]
    return [f"{own} of {found.base}{only}", *map(_joined, found.joins), *made]


def _joined(join: Join) -> str:
    by = ", then ".join(key.by for key in join.on)
    if not join.aggregates:
        return f"with the columns of {join.source}, matched by {by}"
    sums = ", ".join(
        f"{a.name} ({a.take} of {a.of or 'rows'})" for a in join.aggregates
    )
    return f"with {join.source} summed up, matched by {by}: {sums}"
