"""When to walk away: search for rules, judge them, add policies."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  # typer reads it
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from icp.cli.screen import (
    JsonFlag,
    WorkspaceFolder,
    emit,
    note,
    opened,
    progress,
    say,
    table,
)
from icp.errors import InputError, near

if TYPE_CHECKING:
    from icp.disqualifiers import Disqualifier, Evidence, State


_Ref = Annotated[str, typer.Argument(help="Rule: its id or the start of it.")]
_Why = Annotated[str, typer.Option("--reason", help="Why; it is kept with the rule.")]
_When = Annotated[
    str, typer.Argument(help='Condition, as in "vendors >= 5 and not key_account".')
]
_HEADERS: Final = ("rule", "state", "when", "regrets", "best lost", "sure to be")


def add_to(app: typer.Typer, /) -> None:
    """Register the commands."""
    rules = typer.Typer(
        help="Search for rules to walk away by, judge them, add policies.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    rules.command("list")(list_)
    rules.command("try")(try_)
    for command in (search, show, activate, watch, reject, retire):
        rules.command()(command)
    rules.command()(add_policy)
    rules.command()(allow_exception)
    app.add_typer(rules, name="rules")


def list_(
    *,
    state: Annotated[
        str | None, typer.Option("--state", help="Only rules of this state.")
    ] = None,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """List all rules, what decides first.

    Example: icp rules list --state proposed
    """
    # Asked for late: it loads a data library, which --help must not wait for.
    from icp.disqualifiers import STATES

    if state is not None and state not in STATES:
        raise InputError(f"no state {state!r}; {near(state, STATES)}")
    with opened(workspace) as open_one:
        found = open_one.rules.list(state)
    if json:
        emit([_document(rule) for rule in found])
    elif not found:
        note("No rules yet; icp rules search searches for some.")
    else:
        table(_HEADERS, [_row(rule) for rule in found])


def search(
    *,
    seed: Annotated[int, typer.Option("--seed", help="Start of all chance.")] = 0,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Search the customers for rules, and propose them.

    Every rule of one and two conditions is tried on the older customers; those that
    chance would not give are checked on the newer ones. Nothing is put in force.

    Example: icp rules search
    """
    with opened(workspace) as open_one, progress(quiet=json) as report:
        found = open_one.rules.search(seed=seed, progress=report)
    if json:
        emit(
            {
                "rules": [_document(rule) for rule in found.rules],
                "became": dict(found.became),
                "sentences": found.sentences,
            }
        )
        return
    say(found.sentences[0] + ".")
    for left_out in found.sentences[1:]:
        note(f"Left out: {left_out}")
    for rule in found.rules:
        say()
        _describe(rule, found.became[rule.id])
    if found.rules:
        say("\nPut one in force: icp rules activate RULE --reason ...")


def show(
    rule: _Ref, *, workspace: WorkspaceFolder = Path(), json: JsonFlag = False
) -> None:
    """Show a rule: its evidence, what speaks against it, who moved it and why.

    Example: icp rules show 3f2a91c0
    """
    with opened(workspace) as open_one:
        found = open_one.rules.get(rule)
    if json:
        emit(_document(found))
        return
    _describe(found, found.state)
    say()
    rows = [(m.on, m.state, m.by or "the search", m.reason) for m in found.moves]
    table(("on", "state", "by", "why"), rows)


def try_(
    when: _When, *, workspace: WorkspaceFolder = Path(), json: JsonFlag = False
) -> None:
    """Say what a rule of your own would have done to your customers so far.

    Example: icp rules try "vendors >= 5"
    """
    with opened(workspace) as open_one:
        evidence = open_one.rules.try_rule(when)
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
    """Put a rule in force: accounts that it covers are walked away from.

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
    """Watch a rule: it decides nothing, and evidence gathers.

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
    """Reject a rule that was proposed; it is not proposed again for a year.

    Example: icp rules reject 3f2a91c0 --reason "a coincidence"
    """
    with opened(workspace) as open_one:
        state = open_one.rules.get(rule).state
    if state != "proposed":
        message = f"rule {rule} is {state!r}, not proposed; icp rules retire ends it"
        raise InputError(message)
    _move(rule, "retired", reason, workspace, json=json)


def retire(
    rule: _Ref,
    *,
    reason: _Why,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Take a rule out of force; a policy leaves icp.toml as well.

    Example: icp rules retire 3f2a91c0 --reason "we sell to agencies now"
    """
    _move(rule, "retired", reason, workspace, json=json)


def add_policy(
    when: _When,
    *,
    why: Annotated[str, typer.Option("--why", help="Why, in words.")],
    reason: Annotated[
        str, typer.Option("--code", help="Code of the reason to walk away.")
    ] = "ethics",
    title: Annotated[str, typer.Option("--title", help="What people call it.")] = "",
    review_on: Annotated[
        datetime | None,
        typer.Option("--review-on", formats=["%Y-%m-%d"], help="Day to look again."),
    ] = None,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Add a rule that no score outweighs; it is written into icp.toml.

    Example: icp rules add-policy "industry = 'Arms'" --why "the board decided so"
    """
    with opened(workspace) as open_one:
        laid = open_one.rules.add_policy(
            when,
            why=why,
            reason=reason,
            title=title,
            review_on=review_on.date() if review_on else None,
        )
    if json:
        emit(_document(laid))
    else:
        say(f"Policy {laid.id}: {laid.words()}")


def allow_exception(
    rule: _Ref,
    account: Annotated[str, typer.Argument(help="Id of the account to pursue.")],
    *,
    reason: _Why,
    approver: Annotated[
        str | None,
        typer.Option("--approver", help="Who allows it; policy needs somebody else."),
    ] = None,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Pursue one account although a rule covers it.

    Example: icp rules allow-exception 3f2a91c0 P-20001 --reason "a friend of the house"
    """
    with opened(workspace) as open_one:
        made = open_one.rules.allow_exception(
            rule, account, reason=reason, approver=approver
        )
    if json:
        emit(made)
    else:
        allowed = f", allowed by {made.approver}" if made.approver else ""
        say(f"{made.account_id} is pursued in spite of rule {made.rule}{allowed}.")


def _move(
    rule: str, state: State, reason: str, workspace: Path, /, *, json: bool
) -> None:
    with opened(workspace) as open_one:
        moved = open_one.rules.move(rule, state, reason=reason)
    if json:
        emit(_document(moved))
    else:
        say(f"Rule {moved.id} is {moved.state} now: {moved.words()}")


def _row(rule: Disqualifier) -> tuple[object, ...]:
    seen = rule.latest
    if seen is None:
        return rule.id, rule.state, rule.words(), None, None, None
    regrets = f"{seen.regrettable:,} of {seen.all_regrettable:,}"
    return rule.id, rule.state, rule.words(), regrets, seen.best, f"{seen.low:.0%}"


def _describe(rule: Disqualifier, became: str) -> None:
    say(f"{rule.id} ({became}): {rule.words()}")
    if rule.latest:
        for line in _evidence_lines(rule.latest):
            say(f"  {line}")


def _evidence_lines(seen: Evidence) -> list[str]:
    doubts = [f"In doubt: {doubt}" for doubt in seen.doubts]
    return [
        seen.sentence(),
        f"{seen.low:.0%} to {seen.high:.0%} of those it covers are regrettable "
        f"({seen.later_regrettable:,} of {seen.later_covered:,} that were not searched)"
        f"; leaving pays from {seen.break_even:.0%}",
        f"money: {seen.spared:,.0f} spared, {seen.cost:,.0f} lost with the best",
        *(doubts or ["Strong: beyond chance, confirmed, and leaving pays"]),
    ]


def _document(rule: Disqualifier) -> dict[str, Any]:
    return {**rule.model_dump(mode="json"), "words": rule.words()}
