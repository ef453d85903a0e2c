"""What a deal taught, what was tried, how it was left, and what wakes it again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from icp.cli.screen import (
    JsonFlag,
    WorkspaceFolder,
    emit,
    note,
    opened,
    plain,
    say,
    table,
)
from icp.errors import InputError, some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from icp.qualify import Ground, Money, Question, Verdict
    from icp.store.deals import KeptExit
    from icp.workflow import Workspace
    from icp.workflow.judging import Judgement


_Account = Annotated[str, typer.Argument(help="Name or id of a prospect or customer.")]
_Code = Annotated[str, typer.Argument(help="Code of a reason, as in no_budget.")]
_Note = Annotated[str, typer.Option("--note", help="In a few words, for the record.")]
_QUESTIONS = 3


def add_to(app: typer.Typer, /) -> None:
    """Register the commands."""
    deal = typer.Typer(
        help="Note what a deal taught, leave it well, and see what woke up.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    noting = (answer, attempt, allow_gate, leave, reopen, refer)
    for command in (*noting, exits, waiting, lost_reasons):
        deal.command()(command)
    app.add_typer(deal, name="deal")


# ------------------------------------------------------------------------- noting


def answer(
    account: _Account,
    question: Annotated[
        str, typer.Argument(help="reason:CODE or attribute:COLUMN, as check lists it.")
    ],
    value: Annotated[
        str, typer.Argument(help="yes or no; for an attribute its value, or 'unknown'.")
    ],
    *,
    text: Annotated[
        str, typer.Option("--note", help="Who said so, in a few words.")
    ] = "",
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Note the answer to a question; the verdict takes it in at once.

    Example: icp deal answer P-20001 reason:no_budget no --note "CFO, by phone"
    """
    kind = question.partition(":")[0]
    words = {"yes": True, "no": False}
    meant: object = None if value.lower() == "unknown" else value
    if kind == "reason":
        if value.lower() not in words:
            raise InputError(f"a reason is answered yes or no, not {value!r}")
        meant = words[value.lower()]
    with opened(workspace) as open_one:
        open_one.deals.answer(account, question, meant, evidence=text)
        _tell_verdict(open_one, account, json=json)


def attempt(
    account: _Account,
    reason: _Code,
    play: Annotated[str, typer.Argument(help="What was tried, as check names it.")],
    *,
    worked: Annotated[bool, typer.Option("--worked", help="It helped.")] = False,
    text: _Note = "",
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Note that a step was tried; the next one comes into play.

    Example: icp deal attempt P-20001 no_value_seen quantify
    """
    with opened(workspace) as open_one:
        open_one.deals.attempt(account, reason, play, worked=worked, note=text)
        _tell_verdict(open_one, account, json=json)


def leave(
    account: _Account,
    *,
    promised: Annotated[
        str, typer.Option("--promised", help="What you promised to do.")
    ] = "",
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Log the exit that the verdict asks for, and when to look again.

    Example: icp deal leave P-20001 --promised "call before their next budget"
    """
    with opened(workspace) as open_one:
        kept = open_one.deals.leave(account, promised=promised)
    if json:
        emit(kept)
        return
    say(f"Left: {kept.exit.play} because of {kept.exit.reason}")
    say(f'Say: "{kept.exit.words}"')
    say(f"Wakes: {_wakes(kept)}")


def reopen(
    account: _Account,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")],
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Reopen an account that was left.

    Example: icp deal reopen P-20001 --reason "their budget is set"
    """
    with opened(workspace) as open_one:
        open_one.deals.reopen(account, reason=reason)
    if json:
        emit({"account": account, "reopened": True})
        return
    say("Reopened.")


def allow_gate(
    account: _Account,
    reason: Annotated[str, typer.Argument(help="The gate, as in ethics.")],
    *,
    approver: Annotated[
        str, typer.Option("--approver", help="Admin who allows it; not you.")
    ],
    why: Annotated[str, typer.Option("--reason", help="Why, for the record.")],
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Pursue an account although a gate stands against it.

    Example: icp deal allow-gate P-20001 ethics --approver eve --reason "reviewed"
    """
    with opened(workspace) as open_one:
        open_one.deals.allow_gate(account, reason, approver=approver, why=why)
        _tell_verdict(open_one, account, json=json)


def refer(
    account: _Account,
    *,
    came: Annotated[
        str | None, typer.Option("--came", help="Account that came of it.")
    ] = None,
    text: _Note = "",
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """Note that somebody was asked for a referral, or who came of it.

    Example: icp deal refer P-20001 --came P-20400
    """
    with opened(workspace) as open_one:
        open_one.deals.refer(account, came=came, note=text)
        found = open_one.deals.referrals()
    if json:
        emit(found)
        return
    rows = [(r.account_id, f"{r.created_at:%Y-%m-%d}", r.came, r.note) for r in found]
    table(("asked", "on", "came of it", "note"), rows)


# ------------------------------------------------------------------------ looking


def exits(
    *,
    awake: Annotated[
        bool, typer.Option("--awake", help="Only those that woke.")
    ] = False,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """List the accounts that were left, those that woke first.

    Every import looks at each of them again.

    Example: icp deal exits --awake
    """
    with opened(workspace) as open_one:
        found, freed = open_one.deals.exits(), open_one.deals.freed()
    found = sorted(found, key=lambda kept: kept.woke_at is None)
    if awake:
        found = [kept for kept in found if kept.woke_at is not None]
    if json:
        emit({"exits": found, "freed": freed})
        return
    if not found:
        note("No account is left to show; icp deal leave logs an exit.")
        return
    rows = [
        (k.exit.account_id, k.exit.verdict, k.exit.reason, k.woke_why or "", _wakes(k))
        for k in found
    ]
    table(("account", "verdict", "reason", "woke", "wakes"), rows)
    say(
        f"{some(freed.exits, 'exit')} set free {freed.hours:,.0f} hours and "
        f"{freed.money:,.0f} of cost to pursue; icp deal waiting shows who waits for it"
    )


def waiting(
    *,
    count: Annotated[int, typer.Option("--count", min=1, help="How many.")] = 10,
    workspace: WorkspaceFolder = Path(),
    json: JsonFlag = False,
) -> None:
    """List the prospects worth most on which nobody works yet.

    Example: icp deal waiting
    """
    with opened(workspace) as open_one:
        found = open_one.deals.waiting(count)
    if json:
        emit(found)
        return
    headers = [name.replace("_", " ") for name in found.columns]
    table(headers, found.rows())


def lost_reasons(
    *, workspace: WorkspaceFolder = Path(), json: JsonFlag = False
) -> None:
    """List the lost reasons in the data and what each is taken for.

    What is taken for nothing stays unknown; add its text to `lost` in reasons.toml.

    Example: icp deal lost-reasons
    """
    with opened(workspace) as open_one:
        found = open_one.deals.lost_reasons()
    if json:
        emit(found)
    elif found.is_empty():
        note("The data name no lost reason; map the column to loss_reason.")
    else:
        headers = [name.replace("_", " ") for name in found.columns]
        table(headers, found.rows())


# ------------------------------------------------------------------------- saying


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
        yield from (f"  {line}" for line in _moves(verdict.question, verdict))
    if verdict.step is not None:
        yield f"Way out: {verdict.step.play.replace('_', ' ')} ({verdict.reason})"
        yield f'  Say: "{verdict.step.say}"'
    if left is not None:
        state = f"woke: {left.woke_why}" if left.woke_at else f"wakes: {_wakes(left)}"
        yield f"Left on {left.created_at:%Y-%m-%d} by {left.author}; {state}"
    if verdict.changes:
        yield "What would change it:"
        yield from (f"  {line}" for line in verdict.changes)


def judgement_document(found: Judgement, /) -> dict[str, object]:
    """A judgement as JSON: the explanation's keys, and what follows from them."""
    verdict = found.verdict
    return {
        **plain(found.explanation),
        "verdict": verdict.verdict,
        "grounds": plain(verdict.grounds),
        "money": plain(verdict.money) | {"break_even": verdict.money.break_even},
        "questions": plain(verdict.questions),
        "exit": plain(verdict.step.model_dump() if verdict.step else None),
        "exit_reason": verdict.reason,
        "changes": list(verdict.changes),
        "signals": plain(list(found.signals.values())),
        "attempts": plain(found.attempts),
        "left": plain(found.left),
        "notes": list(found.notes),
    }


def _tell_verdict(workspace: Workspace, account: str, *, json: bool) -> None:
    found = workspace.verdicts.judge(account)
    if json:
        emit(judgement_document(found))
        return
    for line in verdict_lines(
        found.verdict, currency=currency_of(workspace), left=found.left
    ):
        say(line)


def currency_of(workspace: Workspace, /) -> str:
    """The currency of the workspace's money, where it says so."""
    outcome = workspace.config.outcome
    return outcome.currency if outcome else ""


def _ground(ground: Ground) -> str:
    allowed = (
        f" (set aside, {ground.excepted_by} approved)" if ground.excepted_by else ""
    )
    since = f", {ground.on:%Y-%m-%d}" if ground.on else ""
    text = f": {ground.text}" if ground.text and ground.text != ground.title else ""
    return f"{ground.title}{text} [{ground.source}{since}]{allowed}"


def _money(money: Money, currency: str) -> Iterator[str]:
    if money.pursue_cured is None or money.p_cured is None or money.p is None:
        return
    unit = f" {currency}" if currency else ""
    yield (
        f"Money: pursuing is worth {money.pursue_cured:,.0f}{unit}, walking away 0 "
        f"(chance of best {money.p_cured:.0%}, pays above {money.break_even:.0%}; "
        f"V {money.stakes.value:,.0f}, L {money.stakes.loss:,.0f}, "
        f"C {money.stakes.cost:,.0f})"
    )
    if money.p != money.p_cured and money.pursue is not None:
        yield (
            f"  As things are: {money.pursue:,.0f}{unit} at {money.p:.0%}; the rest "
            "depends on curing what can be cured"
        )
    yield (
        "  The same with V and L 50% lower or higher"
        if money.steady
        else "  Another decision with V or L 50% lower or higher: look at them first"
    )
    if money.most_to_spend is not None:
        most = f"{money.most_to_spend:,.0f}{unit}"
        yield f"  Stop-loss: from here on spend at most {most}"
    if money.invested:
        yield f"  {money.invested:,.0f}{unit} is spent already; it changes nothing"


def _moves(question: Question, verdict: Verdict) -> tuple[str, ...]:
    return question.moves(verdict.verdict)[:_QUESTIONS]


def _wakes(kept: KeptExit) -> str:
    left = kept.exit
    if left.never:
        return f"never: {left.never}"
    day = f"{left.wake_on:%Y-%m-%d}" if left.wake_on else ""
    parts = [left.wake_text, f"at the latest {day}" if day else ""]
    return ", ".join(part for part in parts if part)
