"""Bringing data in and out: import, source, plan, export."""

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
    add_group,
    ask,
    emit,
    mapping_rows,
    note,
    open_space,
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


Object = Literal["accounts", "prospects", "deals", "invoices", "tickets", "other"]
#: An answer to what an import asks: column as in the file, field of its rule, value.
Answer = tuple[str, str, Any]

_SourceName = Annotated[str, typer.Argument(help="Name of the source.")]
_File = Annotated[Path, typer.Argument(help="File to write: .csv or .parquet.")]

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
#: Fields that findings ask for, with the values to choose from.
_CHOICES: Final = {"date_order": "dmy (or mdy)", "decimal": ". (or ,)"}
_POPULATIONS: Final = ("customers", "prospects")
#: How many findings an import prints.
_FINDINGS: Final = 20


def add_to(app: typer.Typer, /) -> None:
    """Register the commands."""
    app.command("import")(import_)
    add_group(
        app,
        "export",
        "Write lists to files.",
        {
            "scores": export_scores,
            "customers": export_customers,
            "quarantine": export_quarantine,
            "unmatched": export_unmatched,
        },
    )
    add_group(
        app,
        "source",
        "List, show and remove sources.",
        {"list": list_, "show": show, "remove": remove},
    )
    app.command()(plan)


def import_(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Files to add first. Default: read all sources again."),
    ] = None,
    *,
    as_: Annotated[
        Object | None,
        typer.Option("--as", help="What each row is. Default: detected."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="Name of the source. Default: the file's name."),
    ] = None,
    sheet: Annotated[
        str | None, typer.Option("--sheet", help="Sheet of a workbook.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option("--encoding", help="Text encoding, such as cp1252.")
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option("--delimiter", help="Character between the columns.")
    ] = None,
    header_line: Annotated[
        int | None,
        typer.Option(
            "--header-line", min=1, help="Number of the line with the column names."
        ),
    ] = None,
    no_header: Annotated[
        bool, typer.Option("--no-header", help="The file has no column names.")
    ] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Change a column: COLUMN:FIELD=VALUE. Can be repeated."
        ),
    ] = None,
    yes: YesFlag = False,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Import exports as customers and prospects.

    Reads CSV and similar text files, Excel and Parquet. The proposed meaning of each
    column is shown for you to confirm; --yes confirms it without asking. Use --set to
    change a column, for instance to answer a question about it.

    Importing the same files again changes nothing. If an import fails, the workspace
    stays as it was.

    Example: icp import customers.csv --as accounts
    """
    from icp.ingest.readers import ReadOptions

    answers = parse_answers(set_ or ())
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
    with open_space(workspace) as space:
        with space.sources.all_or_nothing():
            for file in files or ():
                preview = _preview(
                    space, file, answers, name=name, as_=as_, options=options
                )
                _show_preview(preview)
                ask(f"Import {file.name} as {preview.object} like this?", yes=yes)
                space.sources.add(
                    file,
                    name=name,
                    object=preview.object,
                    options=options,
                    mapping=preview.mapping,
                    confirm=True,
                )
            if answers and not files:
                _change_mapping(space, answers, name)
            with progress(quiet=json) as report:
                summary = space.imports.run(progress=report)
        _show_import(space, summary, json=json)


def _refuse_aimless(
    files: list[Path], *, name: str | None, about_files: bool, answers: list[Answer]
) -> None:
    """Refuse options without effect, and files that replace each other."""
    from icp.workflow.sources import source_name

    if name and len(files) > 1:
        message = "--name is for one file; import several files without it"
        raise InputError(message)
    if not files and (about_files or (name and not answers)):
        message = "these options say how FILE is read; name the file too"
        raise InputError(message)
    names = [source_name(file) for file in files]
    if duplicates := {n for n in names if names.count(n) > 1}:
        message = (
            f"several files would be source {min(duplicates)!r}; import them one by "
            "one, each with --name"
        )
        raise InputError(message)


def _preview(
    space: Workspace,
    file: Path,
    answers: list[Answer],
    *,
    name: str | None,
    as_: Object | None,
    options: ReadOptions,
) -> SourcePreview:
    """A file as it would be read, with the answers applied."""
    with progress() as report:
        report(0.0, f"reading {file.name}")
        preview = space.sources.preview(file, name=name, object=as_, options=options)
    if not answers:
        return preview
    return space.sources.preview(
        file,
        name=name,
        object=preview.object,
        options=options,
        mapping=apply_answers(preview.mapping, answers),
    )


def _show_preview(preview: SourcePreview) -> None:
    note(f"{preview.path.name}: {some(preview.rows, 'row')}, read as {preview.object}")
    table(MAPPING, mapping_rows(preview.mapping), err=True)
    for finding in preview.findings:
        if finding.level != "note":
            note(f"{finding.level}: {finding}")


def _change_mapping(space: Workspace, answers: list[Answer], name: str | None) -> None:
    """Apply the answers to a source that the workspace has already."""
    names = [source.name for source in space.config.sources]
    if not names:
        message = "--set changes how a source is read, but there is none; name a FILE"
        raise InputError(message)
    if name is None and len(names) != 1:
        message = f"--set needs --name with one of the sources: {', '.join(names)}"
        raise InputError(message)
    mapping = space.sources.mapping(name or names[0])
    space.sources.save_mapping(apply_answers(mapping, answers))


def _show_import(space: Workspace, summary: ImportSummary, *, json: bool) -> None:
    if json:
        emit({**vars(summary), "findings": [str(f) for f in summary.findings]})
        return
    if not summary.changed:
        say(f"Nothing changed since import {summary.number}.")
    for line in import_lines(summary):
        say(line)
    _show_findings(summary)
    for left in space.deals.awake():
        say(f"Due for another look: {left.exit.account_id}, {left.woke_why}")
    say_next(space.status().next_steps)


def import_lines(summary: ImportSummary, /) -> list[str]:
    """What an import brought, in plain words."""
    lines = [
        f"{source.name}: {some(source.rows, 'row')} of {source.report.file} used, "
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
    _, _, subject = name.partition(": ")
    if " without " in subject:
        return f"{rows:,} {subject}"
    verb = "belongs" if rows == 1 else "belong"
    return (
        f"{some(rows, 'row')} of {subject} {verb} to no account: icp export unmatched"
    )


def _show_findings(summary: ImportSummary) -> None:
    urgent = [f for f in summary.findings if f.level != "note"][:_FINDINGS]
    owners = {f: s.name for s in summary.sources for f in s.report.findings}
    for finding in urgent:
        note(f"{finding.level}: {finding}")
        if command := answer_command(finding, owners.get(finding, "")):
            note(f"     {command}")
    rest = len(summary.findings) - len(urgent)
    if rest:
        note(f"{some(rest, 'more finding')}: icp import --json")


def parse_answers(texts: Iterable[str], /) -> list[Answer]:
    """Read `COLUMN:FIELD=VALUE`; the column may hold colons and equals signs itself.

    >>> parse_answers(["Close: Date:date_order=dmy", "Amount:decimal=,"])
    [('Close: Date', 'date_order', 'dmy'), ('Amount', 'decimal', ',')]
    >>> parse_answers(["Tags:keep=NA,None"])
    [('Tags', 'keep', ('NA', 'None'))]
    >>> parse_answers(["Amount=5"])
    Traceback (most recent call last):
    ...
    icp.errors.InputError: --set 'Amount=5' is not COLUMN:FIELD=VALUE; for instance \
--set "Close Date:date_order=dmy"
    """
    return [_parse_answer(text) for text in texts]


def _parse_answer(text: str) -> Answer:
    match = _ANSWER.fullmatch(text)
    if match is None:
        message = (
            f"--set {text!r} is not COLUMN:FIELD=VALUE; "
            'for instance --set "Close Date:date_order=dmy"'
        )
        raise InputError(message)
    column, field, value = match.groups()
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


def apply_answers(
    mapping: ColumnMapping, answers: Iterable[Answer], /
) -> ColumnMapping:
    """The mapping with a person's answers; raises InputError for an unknown column."""
    for column, field, value in answers:
        mapping = mapping.replace(_header(mapping, column), **{field: value})
    return mapping


def _header(mapping: ColumnMapping, column: str) -> str:
    """The header that is meant, without regard to case and surrounding blanks."""
    if column in mapping.sources:
        return column
    key = column.strip().casefold()
    alike = [s for s in mapping.sources if s.strip().casefold() == key]
    if len(alike) == 1:
        return alike[0]
    message = (
        f"{mapping.source} has no column {column!r}; {near(column, mapping.sources)}"
    )
    raise InputError(message)


def answer_command(finding: Finding, source: str, /) -> str:
    """The command that answers a question about a column; empty where none does."""
    for field, choices in _CHOICES.items():
        if finding.column and f"{field} " in f"{finding.action} ":
            value, _, rest = choices.partition(" ")
            answer = shlex.quote(f"{finding.column}:{field}={value}")
            return f"icp import --name {shlex.quote(source)} --set {answer} {rest}"
    return ""


def list_(*, workspace: WorkspaceFolder = Path(), json: JsonFlag = False) -> None:
    """List the sources of the workspace.

    Example: icp source list
    """
    with open_space(workspace) as space:
        sources, last = space.config.sources, space.imports.last()
    if json:
        emit(sources)
        return
    rows = {source.name: source.rows for source in last.sources} if last else {}
    table(
        ("source", "rows are", "rows", "from"),
        [(s.name, s.object, rows.get(s.name), s.path or "a query") for s in sources],
    )


def show(
    name: _SourceName, *, workspace: WorkspaceFolder = Path(), json: JsonFlag = False
) -> None:
    """Show what each column of a source means.

    Change it with icp import --name NAME --set COLUMN:FIELD=VALUE.

    Example: icp source show customers
    """
    with open_space(workspace) as space:
        mapping = space.sources.mapping(name)
    if json:
        emit(mapping)
        return
    table(MAPPING, mapping_rows(mapping))


def remove(
    name: _SourceName,
    *,
    yes: YesFlag = False,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Remove a source from the workspace.

    Its copy in sources/ is deleted. Its mapping is kept in case it comes back.

    Example: icp source remove deals
    """
    with open_space(workspace) as space:
        space.config.source(name)
        ask(f"Remove source {name} from the workspace?", yes=yes)
        space.sources.remove(name)
    if json:
        emit({"removed": name})
        return
    say(f"Removed {name}. Its accounts stay until you run icp import.")


def plan(
    *,
    write: Annotated[
        bool, typer.Option("--write", help="Write the plan into icp.toml.")
    ] = False,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Show how the sources become customers and prospects.

    Without [assembly] in icp.toml a plan is proposed at each import. With --write it is
    written there, so that you can change it.

    Example: icp plan --write
    """
    with open_space(workspace) as space:
        if write:
            space.accounts.keep_plans()
        plans = {name: space.accounts.plan(name) for name in _POPULATIONS}
    if not any(plans.values()):
        message = "there is no plan for customers or prospects yet; run icp import FILE"
        raise NotFoundError(message)
    if json:
        emit(plans)
        return
    for name, assembly in plans.items():
        for line in _plan_lines(assembly) if assembly else ("none",):
            say(f"{name}: {line}")
    if write:
        note("Written to icp.toml under [assembly]; run icp import after changing it.")


def _plan_lines(assembly: AssemblyPlan) -> list[str]:
    own = f"one per {assembly.key}" if assembly.key else "one per row"
    only = f", only where {assembly.where}" if assembly.where else ""
    columns = [f"{d.name} is {d.expression}" for d in assembly.derived]
    joins = [_join_line(join) for join in assembly.joins]
    return [f"{own} of {assembly.base}{only}", *joins, *columns]


def _join_line(join: Join) -> str:
    by = ", then ".join(key.by for key in join.on)
    if not join.aggregates:
        return f"with the columns of {join.source}, matched by {by}"
    sums = ", ".join(
        f"{a.name} ({a.take} of {a.of or 'rows'})" for a in join.aggregates
    )
    return f"with {join.source} summed up, matched by {by}: {sums}"


def export_scores(
    file: _File,
    *,
    run: Annotated[
        int | None, typer.Option("--run", help="Number of the run. Default: newest.")
    ] = None,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Write the scored prospects to a file.

    Example: icp export scores scores.csv
    """
    with open_space(workspace) as space:
        rows = space.scores.export(file, run=run)
    _say_file(file, rows, json=json)


def export_customers(
    file: _File, *, workspace: WorkspaceFolder = Path(), json: JsonFlag = False
) -> None:
    """Write the customers to a file, with their outcomes and reasons.

    Example: icp export customers customers.csv
    """
    with open_space(workspace) as space:
        rows = space.labels.export_customers(file)
    _say_file(file, rows, json=json)


def export_quarantine(
    file: _File,
    *,
    source: Annotated[
        str | None, typer.Option("--source", help="Only rows of this source.")
    ] = None,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Write the rows that the last import quarantined.

    Each row is written as it came, with its place in the file and the reason.

    Example: icp export quarantine quarantine.csv --source deals
    """
    with open_space(workspace) as space:
        rows = space.imports.export_quarantine(file, source=source)
    _say_file(file, rows, json=json)


def export_unmatched(
    file: _File, *, workspace: WorkspaceFolder = Path(), json: JsonFlag = False
) -> None:
    """Write the rows of the last import that belong to no account.

    Example: icp export unmatched unmatched.csv
    """
    with open_space(workspace) as space:
        rows = space.imports.export_unmatched(file)
    _say_file(file, rows, json=json)


def _say_file(file: Path, rows: int, *, json: bool) -> None:
    if json:
        emit({"file": file, "rows": rows})
    else:
        say(f"Wrote {some(rows, 'row')} to {file}.")
