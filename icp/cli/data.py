"""Bringing data in and out: import, export."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from icp.cli.screen import (
    MAPPING,
    JsonFlag,
    WorkspaceFolder,
    YesFlag,
    ask,
    emit,
    mapping_rows,
    note,
    opened,
    progress,
    say,
    say_next,
    table,
)
from icp.errors import InputError, NotFoundError, near, some

if TYPE_CHECKING:
    from collections.abc import Iterable

    from icp.ingest.mapping_rules import ColumnMapping
    from icp.ingest.plan import AssemblyPlan, Join
    from icp.ingest.readers import ReadOptions
    from icp.ingest.result import Finding
    from icp.workflow import ImportSummary, SourcePreview, Workspace


# ---- Answers to what an import asks: `--set "Close Date:date_order=dmy"`

#: Column as in the file, field of its rule, new value.
Answer = tuple[str, str, Any]

_ANSWER: Final = re.compile(
    r"(?P<column>.+):(?P<field>[a-z_]+)=(?P<value>.*)", re.DOTALL
)
_FIELDS: Final = (
    "date_order",
    "decimal",
    "keep",
    "kind",
    "name",
    "role",
    "separator",
    "unit",
)
#: Roles as they are shown on screen.
_ROLES: Final = {
    "first_contact": "known_at_first_contact",
    "at_first_contact": "known_at_first_contact",
    "qualification": "known_at_qualification",
    "at_qualification": "known_at_qualification",
    "after_the_sale": "after_sale",
}
#: A field that findings ask for, and what may be answered.
_ASKED: Final = {"date_order": "dmy (or mdy)", "decimal": ". (or ,)"}


def parsed(texts: Iterable[str], /) -> list[Answer]:
    """Read `COLUMN:FIELD=VALUE`; the column may hold colons and equals signs itself.

    >>> parsed(["Close: Date:date_order=dmy", "Amount:decimal=,", "Tags:keep=NA,None"])
    [('Close: Date', 'date_order', 'dmy'), ('Amount', 'decimal', ','), \
('Tags', 'keep', ('NA', 'None'))]
    >>> parsed(["Amount=5"])
    Traceback (most recent call last):
    ...
    icp.errors.InputError: --set 'Amount=5' is not COLUMN:FIELD=VALUE; for instance \
--set "Close Date:date_order=dmy"
    """
    return [_parsed(text) for text in texts]


def answered(mapping: ColumnMapping, answers: Iterable[Answer], /) -> ColumnMapping:
    """The mapping with a person's answers; raises InputError for an unknown column."""
    for column, field, value in answers:
        mapping = mapping.replace(_header(mapping, column), **{field: value})
    return mapping


def how_to_answer(finding: Finding, source: str, /) -> str:
    """The command that answers a question about a column; empty where none does."""
    for field, values in _ASKED.items():
        if finding.column and f"{field} " in f"{finding.action} ":
            value, _, rest = values.partition(" ")
            answer = shlex.quote(f"{finding.column}:{field}={value}")
            return f"icp import --name {shlex.quote(source)} --set {answer} {rest}"
    return ""


def _parsed(text: str) -> Answer:
    found = _ANSWER.fullmatch(text)
    if found is None:
        message = (
            f"--set {text!r} is not COLUMN:FIELD=VALUE; "
            'for instance --set "Close Date:date_order=dmy"'
        )
        raise InputError(message)
    column, field, value = found.groups()
    if field not in _FIELDS:
        message = f"--set {text!r}: no field {field!r}; use {', '.join(_FIELDS)}"
        raise InputError(message)
    return column, field, _value(field, value)


def _value(field: str, value: str) -> object:
    if field == "keep":
        return tuple(word.strip() for word in value.split(",") if word.strip())
    if field == "role":
        plain = value.strip().lower().replace(" ", "_")
        return _ROLES.get(plain, plain)
    return value if field in {"separator", "unit"} else value.strip()


def _header(mapping: ColumnMapping, column: str) -> str:
    """The header that is meant, without regard to case and blanks around."""
    if column in mapping.sources:
        return column
    meant = column.strip().casefold()
    alike = [s for s in mapping.sources if s.strip().casefold() == meant]
    if len(alike) == 1:
        return alike[0]
    message = (
        f"{mapping.source} has no column {column!r}; {near(column, mapping.sources)}"
    )
    raise InputError(message)


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
        with open_one.sources.all_or_nothing():
            for file in files or ():
                seen = _seen(
                    open_one, file, answers, name=name, as_=as_, options=options
                )
                _show_mapping(seen)
                ask(f"Read {file.name} as {seen.object} in this way?", yes=yes)
                open_one.sources.add(
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
                summary = open_one.imports.run(progress=report)
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
        seen = workspace.sources.preview(file, name=name, object=as_, options=options)
    if not answers:
        return seen
    return workspace.sources.preview(
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
    workspace.sources.save_mapping(
        answered(workspace.sources.mapping(name or names[0]), answers)
    )


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
        rows = open_one.scores.export(file, run=run)
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
    """Write the rows that the last import quarantined.

    They are written as they came, each with its place and reason.

    Example: icp export quarantine kept-out.csv --source deals
    """
    with opened(workspace) as open_one:
        rows = open_one.imports.export_quarantine(file, source=source)
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
        rows = open_one.labels.export_customers(file)
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
        rows = open_one.imports.export_unmatched(file)
    _wrote(file, rows, json=json)


def import_lines(summary: ImportSummary, /) -> list[str]:
    """What an import found, in plain words."""
    lines = [
        f"{source.name}: {source.rows:,} rows of {source.report.file} used, "
        f"{source.quarantined:,} quarantined"
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
    for kept in workspace.deals.awake():
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


# ---- What a workspace reads: source, plan

_Name = Annotated[str, typer.Argument(help="Name of the source.")]
_POPULATIONS: Final = ("customers", "prospects")


def list_(*, workspace: WorkspaceFolder = Path(), json: JsonFlag = False) -> None:
    """List what the workspace reads.

    Example: icp source list
    """
    with opened(workspace) as open_one:
        sources, last = open_one.config.sources, open_one.imports.last()
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
        mapping = open_one.sources.mapping(name)
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
        open_one.sources.remove(name)
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
            open_one.accounts.keep_plans()
        plans = {name: open_one.accounts.plan(name) for name in _POPULATIONS}
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
