"""The way out: what was said and promised, and what wakes the account again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Final

from icp.conditions import parse
from icp.errors import SchemaError
from icp.qualify.reasons import VerdictName  # noqa: TC001  # the store validates it
from icp.qualify.signals import aged, standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from icp.qualify.reasons import Catalogue, Wake
    from icp.qualify.signals import Signal
    from icp.qualify.verdict import Verdict

__all__ = [
    "PLAY_NAMES",
    "Exit",
    "Freed",
    "after_months",
    "arms",
    "exit_of",
    "facts_of",
    "woken",
]

#: What each play is called on screen.
PLAY_NAMES: Final[Mapping[str, str]] = {
    "quantify": "put a number on the gain",
    "ask_again": "ask once more",
    "last_message": "one last message",
    "next_event": "agree on the next event and its date",
    "other_stakeholder": "find somebody else in the company",
    "second_option": "stay the second option",
    "park": "put it aside until it wakes",
    "referral": "walk away and ask for a referral",
}
_MONTHS: Final = 12
_LEAST_DAYS: Final = 28


@dataclass(frozen=True, kw_only=True)
class Exit:
    """One exit: what it was for, what was said, and what wakes the account again."""

    account_id: str
    verdict: VerdictName
    #: Code of the reason or id of the rule that decided.
    reason: str
    play: str
    words: str
    #: What we promised to do; empty where nothing.
    promised: str = ""
    #: Money and hours that going on would have taken.
    money: float = 0.0
    hours: float = 0.0
    wake_text: str = ""
    wake_when: str = ""
    wake_on: date | None = None
    #: Why nothing wakes it; empty where something does.
    never: str = ""
    #: Whether the condition was not met yet when it was last looked at.
    armed: bool = True


@dataclass(frozen=True, kw_only=True)
class Freed:
    """What exits set free."""

    exits: int
    hours: float
    money: float


def exit_of(
    verdict: Verdict,
    account_id: str,
    catalogue: Catalogue,
    /,
    *,
    today: date,
    facts: Mapping[str, object],
    promised: str = "",
    hours: float = 0.0,
) -> Exit | None:
    """The exit that a verdict asks for; None where it asks for none."""
    if verdict.step is None or verdict.reason is None:
        return None
    wake = catalogue[verdict.reason].wake
    found = Exit(
        account_id=account_id,
        verdict=verdict.verdict,
        reason=verdict.reason,
        play=verdict.step.play,
        words=verdict.step.say,
        promised=promised,
        money=verdict.money.stakes.cost,
        hours=hours,
        wake_text=wake.text,
        wake_when="" if wake.when is None else str(wake.when),
        wake_on=_due(wake, today),
        never=wake.never,
    )
    return found if not _met(found, facts) else _disarmed(found)


def facts_of(
    row: Mapping[str, object],
    signals: Iterable[Signal],
    catalogue: Catalogue,
    /,
    *,
    today: date,
) -> dict[str, object]:
    """What wake-up conditions read: columns, ages, and `signal_<code>` yes or no."""
    known = standing(signals, catalogue, today=today)
    said = {f"signal_{code}": signal.holds for code, signal in known.items()}
    return {**aged(row, today), **said}


def woken(sleeping: Exit, facts: Mapping[str, object], today: date, /) -> str:
    """Why the account woke, in words; empty while it sleeps.

    A condition that was met when the account was left must fail once before it counts.

    >>> left = Exit(account_id="a", verdict="not_now", reason="no_budget", play="park",
    ...             words="", wake_text="three are left", wake_when="vendors <= 3")
    >>> woken(left, {"vendors": 5}, date(2026, 1, 31))
    ''
    >>> woken(left, {"vendors": 3}, date(2026, 1, 31))
    'three are left (vendors <= 3)'
    """
    if sleeping.armed and _met(sleeping, facts):
        return f"{sleeping.wake_text} ({parse(sleeping.wake_when).words()})"
    if sleeping.wake_on is not None and sleeping.wake_on <= today:
        return f"it is time: {sleeping.wake_text}"
    return ""


def arms(sleeping: Exit, facts: Mapping[str, object], /) -> bool:
    """Whether its condition is known to fail now, so that it counts from here on."""
    return not sleeping.armed and _holds(sleeping, facts) is False


def after_months(day: date, months: int, /) -> date:
    """The day so many months later; the month's last day where it is shorter.

    >>> after_months(date(2026, 1, 31), 1), after_months(date(2026, 5, 2), 8)
    (datetime.date(2026, 2, 28), datetime.date(2027, 1, 2))
    """
    years, month = divmod(day.month - 1 + months, _MONTHS)
    for last in range(day.day, _LEAST_DAYS - 1, -1):
        try:
            return date(day.year + years, month + 1, last)
        except ValueError:
            continue
    return date(day.year + years, month + 1, day.day)


def _due(wake: Wake, today: date) -> date | None:
    return after_months(today, wake.months) if wake.months else None


def _met(sleeping: Exit, facts: Mapping[str, object]) -> bool:
    return _holds(sleeping, facts) is True


def _holds(sleeping: Exit, facts: Mapping[str, object]) -> bool | None:
    """Whether its condition holds; None where that is not known, or it has none."""
    if not sleeping.wake_when:
        return None
    try:
        return parse(sleeping.wake_when).holds(facts)
    except SchemaError:
        return None


def _disarmed(found: Exit) -> Exit:
    return replace(found, armed=False)
