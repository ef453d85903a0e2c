"""Disqualifiers: search for rules, decide on them, add policies and exceptions."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  # typer reads it
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from icp.cli.screen import (
    JsonFlag,
    WorkspaceFolder,
    add_group,
    emit,
    note,
    open_space,
    progress,
    say,
    table,
)
from icp.errors import InputError, near

if TYPE_CHECKING:
    from icp.disqualifiers import Disqualifier, Evidence, State


_Ref = Annotated[str, typer.Argument(help="Rule: its id or the start of it.")]
_Why = Annotated[str, typer.Option("--reason", help="Reason, kept with the rule.")]
_When = Annotated[
    str, typer.Argument(help='Condition, such as "vendors >= 5 and not key_account".')
]
_HEADERS: Final = ("rule", "state", "when", "regrettable", "best", "at least")


def add_to(app: typer.Typer, /) -> None:
    """Register the commands."""
    add_group(
        app,
        "rules",
        "Search for rules that say when to walk away, decide on them, add policies.",
        {
            "list": list_,
            "try": try_,
            "search": search,
            "show": show,
            "activate": activate,
            "watch": watch,
            "reject": reject,
            "retire": retire,
            "add-policy": add_policy,
            "allow-exception": allow_exception,
        },
    )


def list_(
    *,
    state: Annotated[
        str | None, typer.Option("--state", help="Only rules in this state.")
    ] = None,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """List all rules; those in force come first.

    Example: icp rules list --state proposed
    """
    # Imported late: it loads a data library, which --help must not wait for.
    from icp.disqualifiers import STATES

    if state is not None and state not in STATES:
        raise InputError(f"no state {state!r}; {near(state, STATES)}")
    with open_space(workspace) as space:
        rules = space.rules.list(state)
    if json:
        emit([_document(rule) for rule in rules])
    elif not rules:
        note("No rules; icp rules search searches for some.")
    else:
        table(_HEADERS, [_row(rule) for rule in rules])


def search(
    *,
    seed: Annotated[int, typer.Option("--seed", help="Random seed.")] = 0,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Search the customers for rules and propose them.

    Every rule of one or two conditions is tried on the older customers. Those that are
    not due to chance are confirmed on the newer ones. Nothing is put in force.

    Example: icp rules search
    """
    with open_space(workspace) as space, progress(quiet=json) as report:
        result = space.rules.search(seed=seed, progress=report)
    if json:
        emit(
            {
                "rules": [_document(rule) for rule in result.rules],
                "status": dict(result.became),
                "sentences": result.sentences,
            }
        )
        return
    say(result.sentences[0] + ".")
    for exclusion in result.sentences[1:]:
        note(f"Excluded: {exclusion}")
    for rule in result.rules:
        say()
        _describe(rule, result.became[rule.id])
    if result.rules:
        say("\nTo put one in force: icp rules activate RULE --reason ...")


def show(
    rule: _Ref, *, workspace: WorkspaceFolder = Path(), json: JsonFlag = False
) -> None:
    """Show a rule: its evidence, what is in doubt, and who changed it when and why.

    Example: icp rules show 3f2a91c0
    """
    with open_space(workspace) as space:
        match = space.rules.get(rule)
    if json:
        emit(_document(match))
        return
    _describe(match, match.state)
    say()
    rows = [(m.on, m.state, m.by or "the search", m.reason) for m in match.moves]
    table(("on", "state", "by", "why"), rows)


def try_(
    when: _When, *, workspace: WorkspaceFolder = Path(), json: JsonFlag = False
) -> None:
    """Test a rule of your own on your customers so far.

    Example: icp rules try "vendors >= 5"
    """
    with open_space(workspace) as space:
        evidence = space.rules.try_rule(when)
    if json:
        emit(evidence)
        return
    for line in _evidence_lines(evidence):
        say(line)


def activate(
    rule: _Ref,
    *,
    reason: _Why,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Put a rule in force: walk away from the accounts that it covers.

    Example: icp rules activate 3f2a91c0 --reason "agreed with sales"
    """
    _move(rule, "active", reason, workspace, json=json)


def watch(
    rule: _Ref,
    *,
    reason: _Why,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Only watch a rule: it gathers evidence and decides nothing.

    Example: icp rules watch 3f2a91c0 --reason "few cases so far"
    """
    _move(rule, "shadow", reason, workspace, json=json)


def reject(
    rule: _Ref,
    *,
    reason: _Why,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Reject a proposed rule; it is not proposed again for a year.

    Example: icp rules reject 3f2a91c0 --reason "a coincidence"
    """
    with open_space(workspace) as space:
        state = space.rules.get(rule).state
    if state != "proposed":
        message = f"rule {rule} is {state}, not proposed; use icp rules retire"
        raise InputError(message)
    _move(rule, "retired", reason, workspace, json=json)


def retire(
    rule: _Ref,
    *,
    reason: _Why,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Retire a rule; a policy is also removed from icp.toml.

    Example: icp rules retire 3f2a91c0 --reason "we sell to agencies now"
    """
    _move(rule, "retired", reason, workspace, json=json)


def add_policy(
    when: _When,
    *,
    reason: _Why,
    code: Annotated[
        str, typer.Option("--code", help="Code of the reason to walk away.")
    ] = "ethics",
    title: Annotated[str, typer.Option("--title", help="Name shown to people.")] = "",
    review_on: Annotated[
        datetime | None,
        typer.Option("--review-on", formats=["%Y-%m-%d"], help="Day to review it."),
    ] = None,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Add a policy, a rule that no score outweighs, to icp.toml.

    Example: icp rules add-policy "industry = 'Arms'" --reason "board decision"
    """
    with open_space(workspace) as space:
        policy = space.rules.add_policy(
            when,
            why=reason,
            reason=code,
            title=title,
            review_on=review_on.date() if review_on else None,
        )
    if json:
        emit(_document(policy))
    else:
        say(f"Policy {policy.id}: {policy.words()}")


def allow_exception(
    rule: _Ref,
    account: Annotated[str, typer.Argument(help="Id of the account to pursue.")],
    *,
    reason: _Why,
    approver: Annotated[
        str | None,
        typer.Option("--approver", help="Who approves it; for a policy, not you."),
    ] = None,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Pursue one account despite a rule.

    Example: icp rules allow-exception 3f2a91c0 P-20001 --reason "new owner"
    """
    with open_space(workspace) as space:
        exception = space.rules.allow_exception(
            rule, account, reason=reason, approver=approver
        )
    if json:
        emit(exception)
    else:
        by = f", approved by {exception.approver}" if exception.approver else ""
        say(f"{exception.account_id} is pursued despite rule {exception.rule}{by}.")


def _move(
    rule: str, state: State, reason: str, workspace: Path, /, *, json: bool
) -> None:
    with open_space(workspace) as space:
        after = space.rules.move(rule, state, reason=reason)
    if json:
        emit(_document(after))
    else:
        say(f"Rule {after.id} is now {after.state}: {after.words()}")


def _row(rule: Disqualifier) -> tuple[object, ...]:
    evidence = rule.latest
    if evidence is None:
        return rule.id, rule.state, rule.words(), None, None, None
    regrettable = f"{evidence.regrettable:,} of {evidence.all_regrettable:,}"
    return (
        rule.id,
        rule.state,
        rule.words(),
        regrettable,
        evidence.best,
        f"{evidence.low:.0%}",
    )


def _describe(rule: Disqualifier, state: str) -> None:
    say(f"{rule.id} ({state}): {rule.words()}")
    if rule.latest:
        for line in _evidence_lines(rule.latest):
            say(f"  {line}")


def _evidence_lines(evidence: Evidence) -> list[str]:
    doubts = [f"In doubt: {doubt}" for doubt in evidence.doubts]
    return [
        evidence.sentence(),
        f"{evidence.low:.0%} to {evidence.high:.0%} of its accounts are regrettable "
        f"({evidence.later_regrettable:,} of {evidence.later_covered:,} not searched); "
        f"walking away pays from {evidence.break_even:.0%}",
        f"Money: {evidence.spared:,.0f} spared, {evidence.cost:,.0f} lost with best "
        "customers",
        *(doubts or ["Strong: not due to chance, confirmed, and walking away pays"]),
    ]


def _document(rule: Disqualifier) -> dict[str, Any]:
    return {**rule.model_dump(mode="json"), "words": rule.words()}
