"""Bringing data in and out: import, label, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from icp.cli.options import JsonFlag, Reason, WorkspaceFolder, YesFlag, opened
from icp.cli.screen import ask, emit, note, progress, say, table
from icp.cli.setup import say_next
from icp.errors import InputError

if TYPE_CHECKING:
    from icp.outcomes import LabelPreview
    from icp.workflow import ImportSummary, SourcePreview, Workspace

__all__ = ["add_to", "import_lines"]

Object = Literal["accounts", "prospects", "deals", "invoices", "tickets", "other"]


def add_to(app: typer.Typer, /) -> None:
    """Register the commands."""
    app.command("import")(import_)
    app.command()(label)
    export = typer.Typer(
        help="Write lists to files.", no_args_is_help=True, rich_markup_mode=None
    )
    export.command("scores")(export_scores)
    export.command("quarantine")(export_quarantine)
    app.add_typer(export, name="export")


def import_(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Exports to add first; none reads all sources again."),
    ] = None,
    *,
    as_: Annotated[
        Object | None,
        typer.Option("--as", help="What the rows are; guessed if left out."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="Name of the source; the file's if left out."),
    ] = None,
    sheet: Annotated[
        str | None, typer.Option("--sheet", help="Sheet of a workbook.")
    ] = None,
    yes: YesFlag = False,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Read exports and make accounts of them.

    CSV and its relatives, Excel and Parquet are read. The proposed meaning of each
    column is shown first; agree to it, or use --yes.

    Importing the same files again changes nothing.

    Example: icp import customers.csv --as accounts
    """
    if name and len(files or ()) > 1:
        message = "--name is for one file; add several files without it"
        raise InputError(message)
    with opened(workspace) as open_one:
        for file in files or ():
            seen = open_one.read_preview(file, name=name, object=as_, sheet=sheet)
            _show_mapping(seen)
            ask(f"Read {file.name} as {seen.object} in this way?", yes=yes)
            open_one.add_source(
                file,
                name=name,
                object=seen.object,
                sheet=sheet,
                mapping=seen.mapping,
                confirm=True,
            )
        with progress(quiet=json) as report:
            summary = open_one.import_sources(progress=report)
        _told(open_one, summary, json=json)


def label(
    *,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what would come out; keep nothing.")
    ] = False,
    account: Annotated[
        str | None,
        typer.Option("--account", help="Set the outcome of this account id by hand."),
    ] = None,
    outcome: Annotated[
        Literal["best", "regrettable", "neutral", "unknown"] | None,
        typer.Option("--outcome", help="Outcome to set; needs --account, --reason."),
    ] = None,
    reason: Reason = "",
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Say which customers were best, which regrettable.

    The rules are in icp.toml. Without rules there they are proposed from the columns,
    and written into icp.toml.

    Example: icp label --preview
    """
    if (account is None) != (outcome is None):
        message = "--account and --outcome belong together; give both, and --reason"
        raise InputError(message)
    with opened(workspace) as open_one:
        if account is not None and outcome is not None:
            open_one.override_label(account, outcome, reason=reason)
        seen = open_one.label_preview() if preview else open_one.label()
        policy = open_one.config.outcome
        steps = open_one.status().next_steps
    if json:
        emit({**_label_document(seen), "policy": policy, "kept": not preview})
        return
    for line in (*seen.sentences(), ""):
        say(line)
    table(("outcome", "account", "worth", "why"), _examples(seen))
    if preview:
        note("This was a preview; icp label keeps it.")
    else:
        say_next(steps)


def export_scores(
    file: Annotated[Path, typer.Argument(help="File to write: .csv or .parquet.")],
    *,
    run: Annotated[
        int | None, typer.Option("--run", help="Scored list; the newest if left out.")
    ] = None,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Write the scored prospects to a file.

    Example: icp export scores scores.csv
    """
    with opened(workspace) as open_one:
        rows = open_one.export_scores(file, run=run)
    _wrote(file, rows, json=json)


def export_quarantine(
    file: Annotated[Path, typer.Argument(help="File to write: .csv or .parquet.")],
    *,
    source: Annotated[
        str | None, typer.Option("--source", help="Only rows of this source.")
    ] = None,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Write the rows that the last import kept out.

    They are written as they came, each with its place and reason.

    Example: icp export quarantine kept-out.csv --source deals
    """
    with opened(workspace) as open_one:
        rows = open_one.export_quarantine(file, source=source)
    _wrote(file, rows, json=json)


def import_lines(summary: ImportSummary, /) -> list[str]:
    """What an import found, in plain words."""
    lines = [
        f"{source.name}: {source.rows:,} rows of {source.report.file} used, "
        f"{source.quarantined:,} kept out"
        for source in summary.sources
    ]
    return [
        *lines,
        *summary.how,
        f"{summary.customers:,} customers, {summary.prospects:,} prospects",
        *(_unmatched(name, rows) for name, rows in summary.unmatched.items()),
    ]


def _unmatched(name: str, rows: int) -> str:
    """In words, what the assembly calls "base without source" or just "source"."""
    _, _, what = name.partition(": ")
    if " without " in what:
        return f"{rows:,} {what}"
    return f"{rows:,} rows of {what} belong to no account"


def _told(workspace: Workspace, summary: ImportSummary, *, json: bool) -> None:
    if json:
        emit({**vars(summary), "findings": [str(f) for f in summary.findings]})
        return
    if not summary.changed:
        say(f"Nothing changed since import {summary.number}.")
    for line in import_lines(summary):
        say(line)
    _show_findings(summary)
    say_next(workspace.status().next_steps)


def _show_findings(summary: ImportSummary) -> None:
    urgent = [f for f in summary.findings if f.level != "note"]
    for finding in urgent[:20]:
        note(f"{finding.level}: {finding}")
    rest = len(summary.findings) - len(urgent[:20])
    if rest:
        note(f"{rest} more findings; icp import --json lists all")


def _show_mapping(seen: SourcePreview) -> None:
    note(f"{seen.path.name}: {seen.rows:,} rows, read as {seen.object}")
    rules = seen.mapping.columns
    table(
        ("column", "becomes", "role", "kind", "why"),
        [(r.source, r.name, r.role.value, r.kind.value, r.reason) for r in rules],
        err=True,
    )
    for finding in seen.findings:
        if finding.level != "note":
            note(f"{finding.level}: {finding}")


def _label_document(seen: LabelPreview) -> dict[str, object]:
    return {
        "counts": seen.counts,
        "money": seen.money,
        "examples": seen.examples,
        "reasons": seen.reasons,
    }


def _examples(seen: LabelPreview) -> list[tuple[object, ...]]:
    return [
        (r["outcome"], r["account_name"] or r["account_id"], r["worth"], r["reason"])
        for r in seen.examples.iter_rows(named=True)
        if r["outcome"] in {"best", "regrettable"}
    ]


def _wrote(file: Path, rows: int, *, json: bool) -> None:
    if json:
        emit({"file": file, "rows": rows})
    else:
        say(f"Wrote {rows:,} rows to {file}.")
