"""What people note about accounts, how they leave them, and what wakes up again."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from icp.disqualifiers import RuleException
from icp.errors import (
    NotFoundError,
    PermissionDeniedError,
    PolicyError,
    SchemaError,
    near,
)
from icp.qualify import Attempt, Freed, Signal, exit_of, observed
from icp.qualify.verdict import arms, facts_of, woken
from icp.schema import Kind
from icp.workflow import imports, learning, scoring
from icp.workflow.access import granted
from icp.workflow.judging import (
    catalogue,
    exported_on,
    judge,
    today_of,
    told,
    with_verdicts,
)

if TYPE_CHECKING:
    from icp.store.deals import KeptExit
    from icp.workflow.context import Context


def resolved(context: Context, asked: str, /) -> str:
    """The id of the one account with that id or name."""
    return str(scoring.account(context, asked)["account_id"])


def resolved_if_known(context: Context, asked: str, /) -> str:
    """The same; what is asked for itself where no one account is called that."""
    try:
        return resolved(context, asked)
    except NotFoundError:
        return asked


def note_answer(
    context: Context, asked: str, question: str, value: object, /, evidence: str
) -> None:
    """Keep an answer: `reason:<code>` yes or no, `attribute:<column>` its value."""
    account = resolved(context, asked)
    kind, _, name = question.partition(":")
    if kind == "reason":
        _note_signal(context, account, name, value, evidence)
    elif kind == "attribute":
        column, kept = _readable(context, name, value)
        context.store.deals.note_answer(
            account, column, kept, evidence=evidence, actor=context.actor
        )
    else:
        message = f"no question {question!r}; use reason:<code> or attribute:<column>"
        raise PolicyError(message)


def note_attempt(
    context: Context, asked: str, reason: str, play: str, /, *, worked: bool, note: str
) -> None:
    """Keep what was tried about a reason."""
    account, listed = resolved(context, asked), catalogue(context)
    plays = [step.play for step in listed[reason].steps]
    if play not in plays:
        message = f"{reason!r} has no step {play!r}; {near(play, plays)}"
        raise PolicyError(message)
    attempt = Attempt(reason=reason, play=play, worked=worked)
    deals, actor = context.store.deals, context.actor
    deals.note_attempt(account, attempt, note=note, actor=actor)


def leave(context: Context, asked: str, /, *, promised: str) -> KeptExit:
    """Log the exit that the verdict asks for; a referral that is asked for, too."""
    found, listed = judge(context, asked, None), catalogue(context)
    account = found.account_id or ""
    today = today_of(context)
    facts = facts_of(found.facts, found.signals.values(), listed, today=today)
    left = exit_of(
        found.verdict,
        account,
        listed,
        today=today,
        facts={**facts, "fit": found.explanation.score.fit},
        promised=promised,
        hours=listed.capacity.hours,
    )
    if left is None:
        message = f"the verdict is {found.verdict.verdict!r}; there is nothing to leave"
        raise PolicyError(message)
    kept = context.store.deals.note_exit(left, actor=context.actor)
    if left.play == "referral":
        context.store.deals.note_referral(
            account, came=None, note="asked on the way out", actor=context.actor
        )
    return kept


def allow_gate(
    context: Context, asked: str, reason: str, approver: str, why: str, /
) -> None:
    """Keep that a named person lets an account pass a gate."""
    account, gate = resolved(context, asked), catalogue(context)[reason]
    approver = approver.strip()
    if gate.severity != "gate":
        message = f"{reason!r} is no gate; answer it or try its next step"
        raise PolicyError(message)
    if not why.strip() or approver in {"", context.actor}:
        message = f"{reason!r} is a gate; name somebody else who approves, and say why"
        raise PermissionDeniedError(message)
    role = granted(approver, context.config.roles, None)
    if role != "admin":
        message = f"{approver!r} is {role} here; name an admin"
        raise PermissionDeniedError(message)
    context.store.rules.allow(
        RuleException(
            rule=reason,
            account_id=account,
            asked_by=context.actor,
            approver=approver,
            reason=why.strip(),
            on=today_of(context),
        )
    )


# ------------------------------------------------------------------------ waking


def wake_up(context: Context, /) -> list[KeptExit]:
    """Look at every account that sleeps; those that woke, with why."""
    deals, listed = context.store.deals, catalogue(context)
    sleeping = [e for e in deals.exits(only_open=True) if e.woke_at is None]
    if not sleeping:
        return []
    rows, today = (
        _rows(context, {e.exit.account_id for e in sleeping}),
        today_of(context),
    )
    said = told(context, listed)
    why, armed = {}, []
    for kept in sleeping:
        account = kept.exit.account_id
        row = rows.get(account, {})
        signals = (
            *said.get(account, []),
            *observed(row, listed, on=exported_on(context)),
        )
        facts = facts_of(row, signals, listed, today=today)
        if words := woken(kept.exit, facts, today):
            why[kept.number] = words
        elif arms(kept.exit, facts):
            armed.append(kept.number)
    if armed:
        deals.arm(armed, actor=context.actor)
    if why:
        deals.wake(why, actor=context.actor)
    return [e for e in deals.exits(only_open=True) if e.number in why]


def freed(context: Context, /) -> Freed:
    """What open exits set free: accounts that we no longer pursue."""
    left = [e.exit for e in context.store.deals.exits(only_open=True)]
    gone = [e for e in left if e.verdict in {"walk_away", "not_now"}]
    return Freed(
        exits=len(gone),
        hours=sum(e.hours for e in gone),
        money=sum(e.money for e in gone),
    )


def waiting(context: Context, count: int, /) -> pl.DataFrame:
    """The prospects worth most on which nobody works: nothing noted, nothing left.

    `account_id`, `account_name`, `fit`, `verdict`, `expected_value`.
    """
    deals = context.store.deals
    touched = {*deals.signals(), *deals.attempts(), *deals.answers()}
    touched |= {kept.exit.account_id for kept in deals.exits()}
    run = scoring.newest(context)
    scored = scoring.scored(context, run.number)
    names = scored.collect_schema().names()
    if "verdict" not in names:
        scored = with_verdicts(context, scored, run.profile)
    shown = [n for n in ("account_id", "account_name") if n in names]
    return (
        scored.filter(
            pl.col("verdict").is_in(["pursue", "ask"]),
            ~pl.col("account_id").is_in(sorted(touched)),
        )
        .select(*shown, "fit", "verdict", "expected_value")
        .sort("expected_value", "account_id", descending=[True, False])
        .head(count)
        .collect()
    )


def _rows(context: Context, accounts: set[str]) -> dict[str, dict[str, Any]]:
    """The newest import's rows of these accounts, with their fit where it is known."""
    found: dict[str, dict[str, Any]] = {}
    for population in ("customers", "prospects"):
        frame = imports.present(context, population)
        if frame is None:
            continue
        wanted = frame.filter(pl.col("account_id").is_in(sorted(accounts)))
        for row in _fitted(context, wanted.collect()).iter_rows(named=True):
            found[row["account_id"]] = row
    answers = context.store.deals.answers()
    return {name: {**row, **answers.get(name, {})} for name, row in found.items()}


def _fitted(context: Context, frame: pl.DataFrame) -> pl.DataFrame:
    from icp.scoring import score

    if learning.active(context) is None:
        return frame
    try:
        return score(frame, learning.profile(context, None))
    except SchemaError:  # columns changed their kind: a new profile is needed first
        return frame


def _note_signal(
    context: Context, account: str, code: str, value: object, evidence: str
) -> None:
    listed = catalogue(context)
    if not isinstance(value, bool):
        message = f"whether {listed[code].title.lower()!r} holds is answered yes or no"
        raise PolicyError(message)
    signal = Signal(reason=listed[code].code, holds=value, evidence=evidence)
    context.store.deals.note_signal(
        account, signal, on=today_of(context), actor=context.actor
    )


def _readable(context: Context, name: str, value: object) -> tuple[str, object]:
    """The column that an attribute is about, and the value in its kind."""
    document = learning.profile(context, None)
    columns = {table.name: table.column for table in document.tables}
    column = columns.get(name, name)
    if column not in document.columns:
        message = f"no attribute {name!r}; {near(name, document.columns)}"
        raise SchemaError(message)
    kind = document.columns[column]
    if value is None:
        return column, None
    try:
        return column, _AS[kind](value)
    except (TypeError, ValueError) as error:
        message = f"{column!r} needs {_NEEDED[kind]}; give one"
        raise SchemaError(message) from error


def _number(value: Any) -> float:
    number = float(value)
    if not isfinite(number):
        raise ValueError(value)
    return number


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    words = {"yes": True, "true": True, "no": False, "false": False}
    if str(value).strip().lower() not in words:
        raise ValueError(value)
    return words[str(value).strip().lower()]


def _several(value: object) -> list[str]:
    if isinstance(value, list | tuple):
        return [str(one) for one in value]
    return [one.strip() for one in str(value).split(";") if one.strip()]


_AS: Final[dict[Kind, Any]] = {
    Kind.NUMBER: _number,
    Kind.CATEGORY: str,
    Kind.FLAG: _flag,
    Kind.MULTI: _several,
}
_NEEDED: Final = {
    Kind.NUMBER: "a number",
    Kind.CATEGORY: "a text",
    Kind.FLAG: "yes or no",
    Kind.MULTI: "values with ; between them",
}
