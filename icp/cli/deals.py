"""Deals: answers, attempts, exits, referrals, and the verdict in words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from icp.cli.screen import (
    JsonFlag,
    ReasonText,
    WorkspaceFolder,
    add_group,
    emit,
    note,
    open_space,
    plain,
    say,
    show_frame,
    table,
)
from icp.errors import InputError, some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from icp.qualify import Ground, Money, Verdict
    from icp.store.deals import KeptExit
    from icp.workflow import Workspace
    from icp.workflow.judging import Judgement


_Account = Annotated[str, typer.Argument(help="Name or id of a prospect or customer.")]
_Code = Annotated[str, typer.Argument(help="Code of a reason, such as no_budget.")]
_Note = Annotated[str, typer.Option("--note", help="Note to keep with it.")]
#: How many answers of a question are shown with the verdict they lead to.
_MOVES = 3


def add_to(app: typer.Typer, /) -> None:
    """Register the commands."""
    add_group(
        app,
        "deal",
        "Record what happens in a deal, and see which accounts to look at again.",
        {
            "answer": answer,
            "attempt": attempt,
            "allow-gate": allow_gate,
            "leave": leave,
            "reopen": reopen,
            "refer": refer,
            "exits": exits,
            "waiting": waiting,
            "lost-reasons": lost_reasons,
        },
    )


def answer(
    account: _Account,
    question: Annotated[
        str,
        typer.Argument(help="reason:CODE or attribute:COLUMN, as icp check shows it."),
    ],
    value: Annotated[
        str, typer.Argument(help="yes or no; for an attribute, its value or 'unknown'.")
    ],
    *,
    text: Annotated[
        str, typer.Option("--note", help="Who gave the answer, and how.")
    ] = "",
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Record the answer to a question, and print the new verdict.

    Example: icp deal answer P-20001 reason:no_budget no --note "CFO, by phone"
    """
    kind = question.partition(":")[0]
    words = {"yes": True, "no": False}
    reply: object = None if value.lower() == "unknown" else value
    if kind == "reason":
        if value.lower() not in words:
            raise InputError(f"a reason is answered yes or no, not {value!r}")
        reply = words[value.lower()]
    with open_space(workspace) as space:
        space.deals.answer(account, question, reply, evidence=text)
        _show_verdict(space, account, json=json)


def attempt(
    account: _Account,
    reason: _Code,
    play: Annotated[
        str, typer.Argument(help="Step that was tried, as icp check names it.")
    ],
    *,
    worked: Annotated[bool, typer.Option("--worked", help="The step worked.")] = False,
    text: _Note = "",
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Record that a step was tried; the verdict moves on to the next one.

    Example: icp deal attempt P-20001 no_value_seen quantify
    """
    with open_space(workspace) as space:
        space.deals.attempt(account, reason, play, worked=worked, note=text)
        _show_verdict(space, account, json=json)


def leave(
    account: _Account,
    *,
    promised: Annotated[
        str, typer.Option("--promised", help="What you promised.")
    ] = "",
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Leave an account as the verdict says, and set when to look again.

    Example: icp deal leave P-20001 --promised "call before their next budget"
    """
    with open_space(workspace) as space:
        left = space.deals.leave(account, promised=promised)
    if json:
        emit(left)
        return
    say(f"Left: {left.exit.play} because of {left.exit.reason}")
    say(f'Say: "{left.exit.words}"')
    say(f"Look again: {_look_again(left)}")


def reopen(
    account: _Account,
    *,
    reason: ReasonText,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Reopen an account that was left.

    Example: icp deal reopen P-20001 --reason "their budget is set"
    """
    with open_space(workspace) as space:
        space.deals.reopen(account, reason=reason)
    if json:
        emit({"account": account, "reopened": True})
        return
    say("Reopened.")


def allow_gate(
    account: _Account,
    reason: Annotated[str, typer.Argument(help="Code of the gate, such as ethics.")],
    *,
    approver: Annotated[
        str, typer.Option("--approver", help="Admin who approves it; not you.")
    ],
    why: ReasonText,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Pursue an account despite a gate.

    Example: icp deal allow-gate P-20001 ethics --approver eve --reason "reviewed"
    """
    with open_space(workspace) as space:
        space.deals.allow_gate(account, reason, approver=approver, why=why)
        _show_verdict(space, account, json=json)


def refer(
    account: _Account,
    *,
    came: Annotated[
        str | None, typer.Option("--led-to", help="Account that the referral led to.")
    ] = None,
    text: _Note = "",
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Record that you asked for a referral, or the account that it led to.

    Example: icp deal refer P-20001 --led-to P-20400
    """
    with open_space(workspace) as space:
        space.deals.refer(account, came=came, note=text)
        referrals = space.deals.referrals()
    if json:
        emit(referrals)
        return
    table(
        ("account", "on", "led to", "note"),
        [(r.account_id, f"{r.created_at:%Y-%m-%d}", r.came, r.note) for r in referrals],
    )


def exits(
    *,
    due: Annotated[
        bool, typer.Option("--due", help="Only accounts due for another look.")
    ] = False,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """List the accounts that were left; those due for another look come first.

    Every import checks each of them again.

    Example: icp deal exits --due
    """
    with open_space(workspace) as space:
        freed = space.deals.freed()
        lefts = [
            left for left in space.deals.exits() if left.woke_at is not None or not due
        ]
    lefts.sort(key=lambda left: left.woke_at is None)
    if json:
        emit({"exits": lefts, "freed": freed})
        return
    if not lefts:
        note("No accounts to list; icp deal leave records an exit.")
        return
    table(
        ("account", "verdict", "reason", "due because", "look again"),
        [
            (
                e.exit.account_id,
                e.exit.verdict,
                e.exit.reason,
                e.woke_why,
                _look_again(e),
            )
            for e in lefts
        ],
    )
    say(
        f"{some(freed.exits, 'exit')} freed {freed.hours:,.0f} hours and "
        f"{freed.money:,.0f} of cost to pursue: icp deal waiting"
    )


def waiting(
    *,
    count: Annotated[
        int, typer.Option("--count", min=1, help="Number of prospects.")
    ] = 10,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """List the most valuable prospects that nobody is working on yet.

    Example: icp deal waiting
    """
    with open_space(workspace) as space:
        prospects = space.deals.waiting(count)
    if json:
        emit(prospects)
    else:
        show_frame(prospects)


def lost_reasons(
    *, workspace: WorkspaceFolder = Path(), json: JsonFlag = False
) -> None:
    """List the lost reasons in the data and the reason that each stands for.

    To give a lost reason a meaning, add its text to `lost` in reasons.toml.

    Example: icp deal lost-reasons
    """
    with open_space(workspace) as space:
        reasons = space.deals.lost_reasons()
    if json:
        emit(reasons)
    elif reasons.is_empty():
        note("There are no lost reasons in the data; map their column to loss_reason.")
    else:
        show_frame(reasons)


def verdict_lines(
    verdict: Verdict, /, *, currency: str = "", left: KeptExit | None = None
) -> Iterator[str]:
    """The verdict in words: why, the money, the next question, the way out."""
    yield f"Verdict: {verdict.title}"
    for ground in verdict.grounds:
        yield f"  {_ground(ground)}"
    yield from _money(verdict.money, currency)
    yield f"Next question: {verdict.asked}"
    if verdict.question is not None:
        yield f"  Answer with: icp deal answer ACCOUNT {verdict.question.code} ..."
        moves = verdict.question.moves(verdict.verdict)[:_MOVES]
        yield from (f"  {line}" for line in moves)
    if verdict.step is not None:
        yield f"Way out: {verdict.step.play.replace('_', ' ')} ({verdict.reason})"
        yield f'  Say: "{verdict.step.say}"'
    if left is not None:
        state = (
            f"due for another look: {left.woke_why}"
            if left.woke_at
            else f"look again: {_look_again(left)}"
        )
        yield f"Left on {left.created_at:%Y-%m-%d} by {left.author}; {state}"
    if verdict.changes:
        yield "What would change it:"
        yield from (f"  {line}" for line in verdict.changes)


def judgement_document(judgement: Judgement, /) -> dict[str, object]:
    """A judgement as JSON: the explanation's keys, and what follows from them."""
    verdict = judgement.verdict
    return {
        **plain(judgement.explanation),
        "verdict": verdict.verdict,
        "grounds": plain(verdict.grounds),
        "money": plain(verdict.money) | {"break_even": verdict.money.break_even},
        "questions": plain(verdict.questions),
        "exit": plain(verdict.step.model_dump() if verdict.step else None),
        "exit_reason": verdict.reason,
        "changes": list(verdict.changes),
        "signals": plain(list(judgement.signals.values())),
        "attempts": plain(judgement.attempts),
        "left": plain(judgement.left),
        "notes": list(judgement.notes),
    }


def _show_verdict(space: Workspace, account: str, *, json: bool) -> None:
    judgement = space.verdicts.judge(account)
    if json:
        emit(judgement_document(judgement))
        return
    for line in verdict_lines(
        judgement.verdict, currency=currency_of(space), left=judgement.left
    ):
        say(line)


def currency_of(space: Workspace, /) -> str:
    """The currency of the workspace's money; empty where it names none."""
    outcome = space.config.outcome
    return outcome.currency if outcome else ""


def _ground(ground: Ground) -> str:
    exception = (
        f" (exception approved by {ground.excepted_by})" if ground.excepted_by else ""
    )
    since = f", {ground.on:%Y-%m-%d}" if ground.on else ""
    text = f": {ground.text}" if ground.text and ground.text != ground.title else ""
    return f"{ground.title}{text} [{ground.source}{since}]{exception}"


def _money(money: Money, currency: str) -> Iterator[str]:
    if money.pursue_cured is None or money.p_cured is None or money.p is None:
        return
    unit = f" {currency}" if currency else ""
    yield (
        f"Money: pursuing is worth {money.pursue_cured:,.0f}{unit}, walking away 0 "
        f"(probability of best {money.p_cured:.0%}, break-even {money.break_even:.0%}; "
        f"V {money.stakes.value:,.0f}, L {money.stakes.loss:,.0f}, "
        f"C {money.stakes.cost:,.0f})"
    )
    if money.p != money.p_cured and money.pursue is not None:
        yield (
            f"  As things stand: {money.pursue:,.0f}{unit} at {money.p:.0%}; the rest "
            "depends on resolving what can be resolved"
        )
    yield (
        "  The decision is the same with V and L 50% lower or higher"
        if money.steady
        else "  The decision changes with V or L 50% lower or higher: check them first"
    )
    if money.most_to_spend is not None:
        most = f"{money.most_to_spend:,.0f}{unit}"
        yield f"  Stop-loss: spend at most {most} from here on"
    if money.invested:
        yield f"  {money.invested:,.0f}{unit} already spent: it changes nothing"


def _look_again(left: KeptExit) -> str:
    """When an account that was left is due for another look."""
    terms = left.exit
    if terms.never:
        return f"never: {terms.never}"
    day = f"at the latest {terms.wake_on:%Y-%m-%d}" if terms.wake_on else ""
    return ", ".join(part for part in (terms.wake_text, day) if part)
