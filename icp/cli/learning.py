"""Learning and keeping profiles: learn, profile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from icp.cli.screen import (
    JsonFlag,
    Reason,
    WorkspaceFolder,
    YesFlag,
    ask,
    emit,
    note,
    opened,
    profile_lines,
    progress,
    say,
    say_next,
    table,
)
from icp.errors import CancelledError, InputError

if TYPE_CHECKING:
    from polars import DataFrame

    from icp.outcomes import LabelPreview, OutcomePolicy
    from icp.profile import Profile
    from icp.store.records import ProfileRecord
    from icp.workflow import Workspace


_Ref = Annotated[str, typer.Argument(help="Profile: 3, v3 or the start of its id.")]


def add_to(app: typer.Typer, /) -> None:
    """Register the commands."""
    app.command()(label)
    app.command()(learn)
    profile = typer.Typer(
        help="List, look at, compare and activate profiles.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    profile.command("list")(list_)
    for command in (show, card, diff, activate, rollback, export):
        profile.command()(command)
    app.add_typer(profile, name="profile")


def learn(
    *,
    seed: Annotated[int, typer.Option("--seed", help="Start of all chance.")] = 0,
    accept: Annotated[
        list[str] | None,
        typer.Option("--accept", help="Column to learn from although it was refused."),
    ] = None,
    why: Annotated[
        str, typer.Option("--why", help="Why --accept is right: when it is known.")
    ] = "",
    activate: Annotated[
        bool, typer.Option("--activate", help="Put the profile in force at once.")
    ] = False,
    yes: YesFlag = False,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Learn a profile from the labelled customers.

    Then it asks whether to put it in force; with --activate or --yes it does so
    without asking. A column that tells too well is left out; with --accept and --why
    you answer for it, and icp.toml keeps your word.

    Example: icp learn --activate
    """
    if why and not accept:
        message = "--why says why --accept is right; give both"
        raise InputError(message)
    with opened(workspace) as open_one:
        if accept:
            open_one.profiles.accept_column(*accept, why=why)
        with progress(quiet=json) as report:
            record = open_one.profiles.learn(seed=seed, progress=report)
        document = open_one.profiles.get(record.version)
        if not json:
            _show(record, document)
        record = _in_force(open_one, record, agreed=activate or yes, silent=json)
        steps = open_one.status().next_steps
    if json:
        emit(_described(record, document))
    else:
        say_next(steps)


def list_(*, workspace: WorkspaceFolder = Path(), json: JsonFlag = False) -> None:
    """List all profiles, newest first.

    Example: icp profile list
    """
    with opened(workspace) as open_one:
        records = open_one.profiles.list()
    if json:
        emit(records)
        return
    headers = ("profile", "in force", "learnt", "by", "best", "regrettable", "evidence")
    table(headers, [_row(record) for record in records])


def show(
    ref: Annotated[
        str | None, typer.Argument(help="Profile; the one in force if left out.")
    ] = None,
    *,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Show what a profile says.

    How sure it is, its segments, what tells most, and what was left out and why.

    Example: icp profile show v3
    """
    with opened(workspace) as open_one:
        record = open_one.profiles.record(ref)
        document = open_one.profiles.get(record.version)
    if json:
        emit(_described(record, document))
    else:
        _show(record, document)


def card(
    ref: Annotated[
        str | None, typer.Argument(help="Profile; the one in force if left out.")
    ] = None,
    *,
    html: Annotated[
        bool, typer.Option("--html", help="As a page for a browser, not as Markdown.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File to write; left out: the screen."),
    ] = None,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Write a profile's model card.

    One page: what it is for, what it was learnt from, what was left out and why, how
    sure it is, its limits. A file that ends in .html becomes a page for a browser.

    Example: icp profile card v3 -o card.html
    """
    from icp.output import write_text
    from icp.report import as_html, as_markdown

    with opened(workspace) as open_one:
        document = open_one.profiles.card(ref)
    if json:
        emit(document)
        return
    page = html or (output is not None and output.suffix.lower() in {".html", ".htm"})
    text = as_html(document) if page else as_markdown(document)
    if output is None:
        typer.echo(text, nl=False)
        return
    write_text(text, output)
    say(f"Wrote the model card to {output}.")


def diff(
    before: _Ref,
    after: _Ref,
    *,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Show what counts differently in two profiles.

    Example: icp profile diff v1 v2
    """
    with opened(workspace) as open_one:
        changes = open_one.profiles.diff(before, after)
    if json:
        emit(changes)
    elif changes.is_empty():
        say("No difference.")
    else:
        table(("attribute", "cell", "before", "after", "change"), changes.rows())


def activate(
    ref: _Ref,
    *,
    reason: Reason = "",
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Put a profile in force.

    Example: icp profile activate v3 --reason "agreed in the sales meeting"
    """
    with opened(workspace) as open_one:
        record = open_one.profiles.activate(ref, reason=reason)
    _switched(record, json=json)


def rollback(
    *,
    reason: Reason = "",
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Go back to the profile that was in force before.

    Example: icp profile rollback --reason "too strict"
    """
    with opened(workspace) as open_one:
        record = open_one.profiles.rollback(reason=reason)
    _switched(record, json=json)


def export(
    file: Annotated[Path, typer.Argument(help="File to write, or - for the screen.")],
    *,
    ref: Annotated[
        str | None,
        typer.Option("--profile", help="Profile; the one in force if left out."),
    ] = None,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Write a profile as JSON.

    The SHA-256 of the file is the profile's identity.

    Example: icp profile export profile.json --profile v3
    """
    from icp.output import write_text

    with opened(workspace) as open_one:
        record = open_one.profiles.record(ref)
        text = open_one.profiles.get(record.version).to_json()
    if str(file) == "-":
        typer.echo(text)
        return
    write_text(text, file)
    if json:
        emit({"file": file, "profile": record.version, "id": record.id})
    else:
        say(f"Wrote profile {record.version} ({record.short_id}) to {file}.")


def _in_force(
    workspace: Workspace, record: ProfileRecord, *, agreed: bool, silent: bool
) -> ProfileRecord:
    """Activate the profile if a person agrees; without one nothing is asked."""
    if record.active or (silent and not agreed):
        return record
    try:
        ask(f"Put profile {record.version} in force?", yes=agreed)
    except CancelledError:
        note(f"Not in force; icp profile activate {record.version} does it later.")
        return record
    return workspace.profiles.activate(record.version, reason="after learning")


def _switched(record: ProfileRecord, *, json: bool) -> None:
    if json:
        emit(record)
    else:
        say(f"Profile {record.version} ({record.short_id}) is in force.")


def _described(record: ProfileRecord, document: Profile) -> dict[str, Any]:
    return {
        "record": record,
        "evidence": document.provenance.evidence,
        "segments": [
            {"name": s.name, "kind": s.kind, "size": s.size, "traits": s.traits}
            for s in document.segments
        ],
        "attributes": [
            {"name": t.name, "information": t.information} for t in document.tables
        ],
        "findings": document.provenance.findings,
        "notes": document.provenance.notes,
    }


def _show(record: ProfileRecord, document: Profile) -> None:
    for line in profile_lines(record, document):
        say(line)


def _row(record: ProfileRecord) -> tuple[object, ...]:
    return (
        f"{record.version} ({record.short_id})",
        "yes" if record.active else "",
        f"{record.created_at:%Y-%m-%d %H:%M}",
        record.author,
        record.best,
        record.regrettable,
        record.evidence,
    )


# ---- Outcomes: label, by rule and by hand

_SHARES: Final = {"best_top", "regrettable_bottom"}
_LARGE: Final = 100


def label(
    *,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what would come out; keep nothing.")
    ] = False,
    propose: Annotated[
        bool, typer.Option("--propose", help="Propose rules anew from the columns.")
    ] = False,
    account: Annotated[
        str | None,
        typer.Option("--account", help="Set this customer's outcome by hand."),
    ] = None,
    outcome: Annotated[
        Literal["best", "regrettable", "neutral", "unknown"] | None,
        typer.Option("--outcome", help="Outcome to set; needs --account, --reason."),
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Let the rules decide on --account again.")
    ] = False,
    reason: Reason = "",
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Say which customers were best, which regrettable.

    The rules are in icp.toml. Without rules there they are proposed from the columns,
    and written into icp.toml. The preview also shows what changes when a limit moves.

    Example: icp label --preview
    """
    _refuse_halves(account, outcome, undo=undo, preview=preview)
    if reason and account is None:
        message = "--reason is kept with an outcome set by hand; give --account too"
        raise InputError(message)
    with opened(workspace) as open_one:
        if account is not None and undo:
            open_one.labels.withdraw(account, reason=reason)
        elif account is not None and outcome is not None:
            open_one.labels.override(account, outcome, reason=reason)
        chosen = open_one.labels.propose_policy() if propose else None
        if preview:
            _previewed(open_one, chosen, json=json)
        else:
            _kept(open_one, chosen, json=json)


def _refuse_halves(
    account: str | None, outcome: str | None, *, undo: bool, preview: bool
) -> None:
    if (account is None) != (outcome is None and not undo):
        message = (
            "--account goes with --outcome and --reason, or with --undo; give both"
        )
        raise InputError(message)
    if undo and outcome is not None:
        message = "--outcome sets and --undo takes back; give one of them"
        raise InputError(message)
    if preview and account is not None:
        message = "a preview keeps nothing; leave out --preview to set --account"
        raise InputError(message)


def _previewed(
    workspace: Workspace, chosen: OutcomePolicy | None, *, json: bool
) -> None:
    seen = workspace.labels.preview(chosen)
    moved = workspace.labels.sensitivity(chosen)
    policy = chosen or workspace.config.outcome
    if json:
        emit({**_document(seen, policy, kept=False), "sensitivity": moved})
        return
    _show_labels(seen)
    _show_moved(moved)
    note("This was a preview; icp label keeps it.")


def _kept(workspace: Workspace, chosen: OutcomePolicy | None, *, json: bool) -> None:
    seen = workspace.labels.label(chosen)
    if json:
        emit(_document(seen, workspace.config.outcome, kept=True))
        return
    policy = workspace.config.outcome
    for line in policy.describe() if policy else ():
        note(line)
    _show_labels(seen)
    say_next(workspace.status().next_steps)


def _show_labels(seen: LabelPreview) -> None:
    for line in (*seen.sentences(), ""):
        say(line)
    table(("outcome", "account", "worth", "why"), _examples(seen))


def _show_moved(moved: DataFrame) -> None:
    """One line per limit and step that changes anything."""
    import polars as pl

    rows = moved.slice(1).filter(pl.col("flipped") > 0)
    rows = rows.sort("threshold", "value", maintain_order=True)
    say()
    if rows.is_empty():
        say("No limit decides here, so moving one changes nothing.")
        return
    say("If one limit moves, and all else stays:")
    names = ("threshold", "value", "best", "regrettable", "neutral", "unknown")
    table(
        ("limit", "moved to", *names[2:], "customers that change"),
        [
            (limit.replace("_", " "), _shown(limit, value), *counts)
            for limit, value, *counts in rows.select(*names, "flipped").rows()
        ],
    )


def _shown(limit: str, value: float) -> str:
    """A limit's value: a share in per cent, anything large without decimals."""
    if limit in _SHARES:
        return f"{value:.1%}"
    return f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:,.4g}"


def _document(
    seen: LabelPreview, policy: OutcomePolicy | None, *, kept: bool
) -> dict[str, object]:
    return {
        "counts": seen.counts,
        "money": seen.money,
        "examples": seen.examples,
        "reasons": seen.reasons,
        "policy": policy,
        "kept": kept,
    }


def _examples(seen: LabelPreview) -> list[tuple[object, ...]]:
    return [
        (r["outcome"], r["account_name"] or r["account_id"], r["worth"], r["reason"])
        for r in seen.examples.iter_rows(named=True)
        if r["outcome"] in {"best", "regrettable"}
    ]
