"""Bringing data in and out: import, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from icp.cli.answers import Answer, answered, how_to_answer, parsed
from icp.cli.options import JsonFlag, WorkspaceFolder, YesFlag, opened
from icp.cli.screen import ask, emit, note, progress, say, table
from icp.cli.setup import say_next
from icp.cli.words import mapping_rows
from icp.errors import InputError, some

if TYPE_CHECKING:
    from icp.ingest.readers import ReadOptions
    from icp.workflow import ImportSummary, SourcePreview, Workspace

__all__ = ["add_to", "import_lines"]

Object = Literal["accounts", "prospects", "deals", "invoices", "tickets", "other"]


def add_to(app: typer.Typer, /) -> None:
    """Register the commands."""
    app.command("import")(import_)
    export = typer.Typer(
        help="Write lists to files.", no_args_is_help=True, rich_markup_mode=None
    )
    export.command("scores")(export_scores)
    export.command("customers")(export_customers)
    export.command("quarantine")(export_quarantine)
    export.command("unmatched")(export_unmatched)
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
    encoding: Annotated[
        str | None, typer.Option("--encoding", help="Encoding, for instance cp1252.")
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option("--delimiter", help="Sign between the columns.")
    ] = None,
    header_line: Annotated[
        int | None,
        typer.Option("--header-line", min=1, help="Line with the column names."),
    ] = None,
    no_header: Annotated[
        bool, typer.Option("--no-header", help="The file has no column names.")
    ] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Answer: COLUMN:FIELD=VALUE; may be repeated."),
    ] = None,
    yes: YesFlag = False,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Read exports and make accounts of them.

    CSV and its relatives, Excel and Parquet are read. The proposed meaning of each
    column is shown first; agree to it, or use --yes. With --set you change it, for
    instance to answer a question about a column.

    Importing the same files again changes nothing. If something goes wrong, everything
    is as it was before.

    Example: icp import customers.csv --as accounts
    """
    from icp.ingest.readers import ReadOptions

    answers = parsed(set_ or ())
    options = ReadOptions(
        sheet=sheet,
        encoding=encoding,
        delimiter=delimiter,
        header_line=header_line,
        no_header=no_header,
    )
    _refuse_aimless(
        files or [],
        name=name,
        about_files=as_ is not None or options != ReadOptions(),
        answers=answers,
    )
    with opened(workspace) as open_one:
        with open_one.all_or_nothing():
            for file in files or ():
                seen = _seen(
                    open_one, file, answers, name=name, as_=as_, options=options
                )
                _show_mapping(seen)
                ask(f"Read {file.name} as {seen.object} in this way?", yes=yes)
                open_one.add_source(
                    file,
                    name=name,
                    object=seen.object,
                    options=options,
                    mapping=seen.mapping,
                    confirm=True,
                )
            if answers and not files:
                _answer(open_one, answers, name)
            with progress(quiet=json) as report:
                summary = open_one.import_sources(progress=report)
        _told(open_one, summary, json=json)


def _refuse_aimless(
    files: list[Path], *, name: str | None, about_files: bool, answers: list[Answer]
) -> None:
    """Refuse options that nothing would come of, and files that replace each other."""
    from icp.workflow.sources import source_name

    if name and len(files) > 1:
        message = "--name is for one file; add several files without it"
        raise InputError(message)
    if not files and (about_files or (name and not answers)):
        message = "these options say how FILE is read; name the file too"
        raise InputError(message)
    names = [source_name(file) for file in files]
    if twice := {n for n in names if names.count(n) > 1}:
        message = (
            f"several files would be source {min(twice)!r}; import them one by one, "
            "each with --name"
        )
        raise InputError(message)


def _seen(
    workspace: Workspace,
    file: Path,
    answers: list[Answer],
    *,
    name: str | None,
    as_: Object | None,
    options: ReadOptions,
) -> SourcePreview:
    """A file as it would be read, answers taken into account."""
    with progress() as report:
        report(0.0, f"reading {file.name}")
        seen = workspace.read_preview(file, name=name, object=as_, options=options)
    if not answers:
        return seen
    return workspace.read_preview(
        file,
        name=name,
        object=seen.object,
        options=options,
        mapping=answered(seen.mapping, answers),
    )


def _answer(workspace: Workspace, answers: list[Answer], name: str | None) -> None:
    """Change the mapping of a source that is there already."""
    names = [source.name for source in workspace.config.sources]
    if not names:
        message = "--set changes how a source is read and there is none; name a FILE"
        raise InputError(message)
    if name is None and len(names) != 1:
        message = f"say with --name which source --set is about: {', '.join(names)}"
        raise InputError(message)
    workspace.save_mapping(answered(workspace.mapping(name or names[0]), answers))


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


def export_customers(
    file: Annotated[Path, typer.Argument(help="File to write: .csv or .parquet.")],
    *,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Write the customers, with outcome and reason once they are labelled.

    Example: icp export customers customers.csv
    """
    with opened(workspace) as open_one:
        rows = open_one.export_customers(file)
    _wrote(file, rows, json=json)


def export_unmatched(
    file: Annotated[Path, typer.Argument(help="File to write: .csv or .parquet.")],
    *,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Write the rows of the last import that belong to no account.

    Example: icp export unmatched lost-invoices.csv
    """
    with opened(workspace) as open_one:
        rows = open_one.export_unmatched(file)
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
        f"{some(summary.customers, 'customer')}, {some(summary.prospects, 'prospect')}",
        *(_unmatched(name, rows) for name, rows in summary.unmatched.items()),
    ]


def _unmatched(name: str, rows: int) -> str:
    """In words, what the assembly calls "base without source" or just "source"."""
    _, _, what = name.partition(": ")
    if " without " in what:
        return f"{rows:,} {what}"
    verb = "belongs" if rows == 1 else "belong"
    return f"{some(rows, 'row')} of {what} {verb} to no account: icp export unmatched"


def _told(workspace: Workspace, summary: ImportSummary, *, json: bool) -> None:
    if json:
        emit({**vars(summary), "findings": [str(f) for f in summary.findings]})
        return
    if not summary.changed:
        say(f"Nothing changed since import {summary.number}.")
    for line in import_lines(summary):
        say(line)
    _show_findings(summary)
    for kept in workspace.awake():
        say(f"Woke up: {kept.exit.account_id}, {kept.woke_why}")
    say_next(workspace.status().next_steps)


def _show_findings(summary: ImportSummary) -> None:
    urgent = [f for f in summary.findings if f.level != "note"]
    owners = {f: s.name for s in summary.sources for f in s.report.findings}
    for finding in urgent[:20]:
        note(f"{finding.level}: {finding}")
        command = how_to_answer(finding, owners.get(finding, ""))
        if command:
            note(f"     {command}")
    rest = len(summary.findings) - len(urgent[:20])
    if rest:
        note(f"{rest} more findings; icp import --json lists all")


def _show_mapping(seen: SourcePreview) -> None:
    note(f"{seen.path.name}: {seen.rows:,} rows, read as {seen.object}")
    table(
        ("column", "becomes", "known", "kind", "why"),
        mapping_rows(seen.mapping),
        err=True,
    )
    for finding in seen.findings:
        if finding.level != "note":
            note(f"{finding.level}: {finding}")


def _wrote(file: Path, rows: int, *, json: bool) -> None:
    if json:
        emit({"file": file, "rows": rows})
    else:
        say(f"Wrote {rows:,} rows to {file}.")
