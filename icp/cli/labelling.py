"""Outcomes: label, by rule and by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from icp.cli.options import JsonFlag, Reason, WorkspaceFolder, opened
from icp.cli.screen import emit, note, say, table
from icp.cli.setup import say_next
from icp.errors import InputError

if TYPE_CHECKING:
    from polars import DataFrame

    from icp.outcomes import LabelPreview, OutcomePolicy
    from icp.workflow import Workspace

__all__ = ["add_to"]

_SHARES: Final = {"best_top", "regrettable_bottom"}
_LARGE: Final = 100


def add_to(app: typer.Typer, /) -> None:
    """Register the command."""
    app.command()(label)


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
            open_one.withdraw_override(account, reason=reason)
        elif account is not None and outcome is not None:
            open_one.override_label(account, outcome, reason=reason)
        chosen = open_one.propose_policy() if propose else None
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
    seen = workspace.label_preview(chosen)
    moved = workspace.label_sensitivity(chosen)
    policy = chosen or workspace.config.outcome
    if json:
        emit({**_document(seen, policy, kept=False), "sensitivity": moved})
        return
    _show(seen)
    _show_moved(moved)
    note("This was a preview; icp label keeps it.")


def _kept(workspace: Workspace, chosen: OutcomePolicy | None, *, json: bool) -> None:
    seen = workspace.label(chosen)
    if json:
        emit(_document(seen, workspace.config.outcome, kept=True))
        return
    policy = workspace.config.outcome
    for line in policy.describe() if policy else ():
        note(line)
    _show(seen)
    say_next(workspace.status().next_steps)


def _show(seen: LabelPreview) -> None:
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
