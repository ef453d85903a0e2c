"""Outcomes and profiles: label, learn, profile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from icp.cli.screen import (
    JsonFlag,
    ProfileRef,
    ReasonText,
    WorkspaceFolder,
    YesFlag,
    add_group,
    ask,
    emit,
    note,
    open_space,
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
_RefOrActive = Annotated[
    str | None, typer.Argument(help="Profile. Default: the one in force.")
]
#: Limits that are shares, shown in per cent.
_SHARES: Final = {"best_top", "regrettable_bottom"}
#: From here on a limit is shown without decimals.
_LARGE: Final = 100


def add_to(app: typer.Typer, /) -> None:
    """Register the commands."""
    app.command()(label)
    app.command()(learn)
    add_group(
        app,
        "profile",
        "List, show, compare and activate profiles.",
        {
            "list": list_,
            "show": show,
            "card": card,
            "diff": diff,
            "activate": activate,
            "rollback": rollback,
            "export": export,
        },
    )


def label(
    *,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show the outcomes without saving them.")
    ] = False,
    propose: Annotated[
        bool, typer.Option("--propose", help="Propose new rules from the columns.")
    ] = False,
    account: Annotated[
        str | None,
        typer.Option("--account", help="Customer whose outcome to set by hand."),
    ] = None,
    outcome: Annotated[
        Literal["best", "regrettable", "neutral", "unknown"] | None,
        typer.Option("--outcome", help="Outcome to set, with --account and --reason."),
    ] = None,
    undo: Annotated[
        bool,
        typer.Option("--undo", help="Remove what was set by hand for --account."),
    ] = False,
    reason: ReasonText = "",
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Label each customer as best, regrettable, neutral or unknown.

    The rules are in icp.toml. If it has none, they are proposed from the columns and
    written there. The preview also shows what changes when a limit moves.

    Example: icp label --preview
    """
    _refuse_halves(account, outcome, undo=undo, preview=preview)
    if reason and account is None:
        message = "--reason is for an outcome set by hand; use --account too"
        raise InputError(message)
    with open_space(workspace) as space:
        if account is not None and undo:
            space.labels.withdraw(account, reason=reason)
        elif account is not None and outcome is not None:
            space.labels.override(account, outcome, reason=reason)
        policy = space.labels.propose_policy() if propose else None
        if preview:
            _preview(space, policy, json=json)
        else:
            _label(space, policy, json=json)


def _refuse_halves(
    account: str | None, outcome: str | None, *, undo: bool, preview: bool
) -> None:
    if (account is None) != (outcome is None and not undo):
        message = "--account needs --outcome and --reason, or --undo; use them together"
        raise InputError(message)
    if undo and outcome is not None:
        message = "--outcome sets an outcome, --undo removes it; use one of them"
        raise InputError(message)
    if preview and account is not None:
        message = "a preview saves nothing; leave out --preview to set --account"
        raise InputError(message)


def _preview(space: Workspace, policy: OutcomePolicy | None, *, json: bool) -> None:
    labels = space.labels.preview(policy)
    sensitivity = space.labels.sensitivity(policy)
    if json:
        document = _label_document(labels, policy or space.config.outcome, saved=False)
        emit({**document, "sensitivity": sensitivity})
        return
    _show_labels(labels)
    _show_sensitivity(sensitivity)
    note("This was a preview; icp label saves the outcomes.")


def _label(space: Workspace, policy: OutcomePolicy | None, *, json: bool) -> None:
    labels = space.labels.label(policy)
    policy = space.config.outcome
    if json:
        emit(_label_document(labels, policy, saved=True))
        return
    for line in policy.describe() if policy else ():
        note(line)
    _show_labels(labels)
    say_next(space.status().next_steps)


def _show_labels(labels: LabelPreview) -> None:
    for line in (*labels.sentences(), ""):
        say(line)
    table(
        ("outcome", "account", "worth", "why"),
        [
            (
                r["outcome"],
                r["account_name"] or r["account_id"],
                r["worth"],
                r["reason"],
            )
            for r in labels.examples.iter_rows(named=True)
            if r["outcome"] in {"best", "regrettable"}
        ],
    )


def _show_sensitivity(sensitivity: DataFrame) -> None:
    """One line per limit and step that changes an outcome."""
    import polars as pl

    rows = sensitivity.slice(1).filter(pl.col("flipped") > 0)
    rows = rows.sort("threshold", "value", maintain_order=True)
    say()
    if rows.is_empty():
        say("Moving one limit changes no outcome.")
        return
    say("If one limit moves and the others stay:")
    names = ("threshold", "value", "best", "regrettable", "neutral", "unknown")
    table(
        ("limit", "moved to", *names[2:], "customers that change"),
        [
            (limit.replace("_", " "), _limit_text(limit, value), *counts)
            for limit, value, *counts in rows.select(*names, "flipped").rows()
        ],
    )


def _limit_text(limit: str, value: float) -> str:
    """A limit's value: a share in per cent, anything large without decimals."""
    if limit in _SHARES:
        return f"{value:.1%}"
    return f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:,.4g}"


def _label_document(
    labels: LabelPreview, policy: OutcomePolicy | None, *, saved: bool
) -> dict[str, object]:
    return {
        "counts": labels.counts,
        "money": labels.money,
        "examples": labels.examples,
        "reasons": labels.reasons,
        "policy": policy,
        "saved": saved,
    }


def learn(
    *,
    seed: Annotated[int, typer.Option("--seed", help="Random seed.")] = 0,
    accept: Annotated[
        list[str] | None,
        typer.Option("--accept", help="Column to learn from although it was excluded."),
    ] = None,
    reason: Annotated[
        str,
        typer.Option("--reason", help="Why --accept is right: when it is known."),
    ] = "",
    activate: Annotated[
        bool, typer.Option("--activate", help="Put the profile in force at once.")
    ] = False,
    yes: YesFlag = False,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Learn a profile from the labelled customers.

    Asks whether to put it in force; --activate or --yes does so without asking. A
    column that looks like a leak is excluded. If you know that it is known before the
    sale, use --accept and --reason; both are kept in icp.toml.

    Example: icp learn --activate
    """
    if reason and not accept:
        message = "--reason explains --accept; use both"
        raise InputError(message)
    with open_space(workspace) as space:
        if accept:
            space.profiles.accept_column(*accept, why=reason)
        with progress(quiet=json) as report:
            record = space.profiles.learn(seed=seed, progress=report)
        document = space.profiles.get(record.version)
        if not json:
            _show_profile(record, document)
        record = _offer(space, record, agreed=activate or yes, silent=json)
        steps = space.status().next_steps
    if json:
        emit(_profile_document(record, document))
    else:
        say_next(steps)


def list_(*, workspace: WorkspaceFolder = Path(), json: JsonFlag = False) -> None:
    """List all profiles, newest first.

    Example: icp profile list
    """
    with open_space(workspace) as space:
        records = space.profiles.list()
    if json:
        emit(records)
        return
    headers = (
        "profile",
        "in force",
        "learned",
        "by",
        "best",
        "regrettable",
        "evidence",
    )
    table(headers, [_row(record) for record in records])


def show(
    ref: _RefOrActive = None,
    *,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Show a profile.

    Its evidence, its segments, its most important attributes, and what was excluded.

    Example: icp profile show v3
    """
    with open_space(workspace) as space:
        record = space.profiles.record(ref)
        document = space.profiles.get(record.version)
    if json:
        emit(_profile_document(record, document))
    else:
        _show_profile(record, document)


def card(
    ref: _RefOrActive = None,
    *,
    html: Annotated[
        bool, typer.Option("--html", help="Write a web page instead of Markdown.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File to write. Default: print it."),
    ] = None,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Write a profile's model card.

    One page: what the profile is for, what it was learned from, what was excluded and
    why, its evidence and its limits. A file that ends in .html becomes a web page.

    Example: icp profile card v3 -o card.html
    """
    from icp.output import write_text
    from icp.report import as_html, as_markdown

    with open_space(workspace) as space:
        document = space.profiles.card(ref)
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
    """Show where the points of two profiles differ.

    Example: icp profile diff v1 v2
    """
    with open_space(workspace) as space:
        changes = space.profiles.diff(before, after)
    if json:
        emit(changes)
    elif changes.is_empty():
        say("No difference.")
    else:
        table(("attribute", "cell", "before", "after", "change"), changes.rows())


def activate(
    ref: _Ref,
    *,
    reason: ReasonText = "",
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Put a profile in force.

    Example: icp profile activate v3 --reason "agreed in the sales meeting"
    """
    with open_space(workspace) as space:
        record = space.profiles.activate(ref, reason=reason)
    _show_in_force(record, json=json)


def rollback(
    *,
    reason: ReasonText = "",
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Put the previous profile back in force.

    Example: icp profile rollback --reason "too strict"
    """
    with open_space(workspace) as space:
        record = space.profiles.rollback(reason=reason)
    _show_in_force(record, json=json)


def export(
    file: Annotated[Path, typer.Argument(help="File to write, or - to print it.")],
    *,
    ref: ProfileRef = None,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Write a profile as JSON.

    The SHA-256 of the file is the profile's identity.

    Example: icp profile export profile.json --profile v3
    """
    from icp.output import write_text

    with open_space(workspace) as space:
        record = space.profiles.record(ref)
        text = space.profiles.get(record.version).to_json()
    if str(file) == "-":
        typer.echo(text)
        return
    write_text(text, file)
    if json:
        emit({"file": file, "profile": record.version, "id": record.id})
    else:
        say(f"Wrote profile {record.version} ({record.short_id}) to {file}.")


def _offer(
    space: Workspace, record: ProfileRecord, *, agreed: bool, silent: bool
) -> ProfileRecord:
    """Activate the profile if a person agrees; with --json nothing is asked."""
    if record.active or (silent and not agreed):
        return record
    try:
        ask(f"Put profile {record.version} in force?", yes=agreed)
    except CancelledError:
        note(f"Not in force; to activate it: icp profile activate {record.version}")
        return record
    return space.profiles.activate(record.version, reason="after learning")


def _show_in_force(record: ProfileRecord, *, json: bool) -> None:
    if json:
        emit(record)
    else:
        say(f"Profile {record.version} ({record.short_id}) is in force.")


def _profile_document(record: ProfileRecord, document: Profile) -> dict[str, Any]:
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


def _show_profile(record: ProfileRecord, document: Profile) -> None:
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
