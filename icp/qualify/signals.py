"""What a deal taught: for each reason whether it holds, who says so, since when.

A signal says that a reason holds, or that it does not; about a reason without a signal
nothing is known, and that never counts against an account.

| source      | where it comes from                                                 |
| ----------- | ------------------------------------------------------------------- |
| answer      | a person who asked                                                  |
| column      | a condition of the catalogue over the account's or deal's columns   |
| lost_reason | the reason a CRM gives for a lost deal, matched with the dictionary |
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from icp.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from icp.conditions import Condition
    from icp.qualify.reasons import Catalogue, Reason

__all__ = [
    "AGES",
    "LOST_ON",
    "LOST_REASON",
    "Attempt",
    "Match",
    "Signal",
    "SignalSource",
    "aged",
    "matched",
    "observed",
    "order",
    "signals_of",
    "standing",
]

SignalSource = Literal["answer", "column", "lost_reason"]

#: Column that holds why a deal was lost, and those that say when, the first one known.
LOST_REASON: Final = "loss_reason"
LOST_ON: Final = ("lost_date", "close_date")
#: Derived column -> (date column, unit in days, direction): how old or how far.
AGES: Final[Mapping[str, tuple[str, int, Literal[1, -1]]]] = {
    "days_since_reply": ("last_reply_date", 1, 1),
    "days_since_activity": ("last_activity_date", 1, 1),
    "days_in_stage": ("last_stage_change_date", 1, 1),
    "incumbent_contract_months": ("incumbent_contract_end", 30, -1),
}
#: Of two signals of one day the one further on counts.
_RANK: Final[Mapping[SignalSource, int]] = {"lost_reason": 0, "column": 1, "answer": 2}
_NOISE: Final = re.compile(r"[\W_]+")


@dataclass(frozen=True, kw_only=True)
class Signal:
    """One observation about one reason."""

    reason: str
    #: Whether the reason holds; False says that it is known not to.
    holds: bool
    source: SignalSource = "answer"
    #: The day it was observed; None is now.
    on: date | None = None
    #: What was seen or said.
    evidence: str = ""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """Something that was tried about a reason, and how it went."""

    reason: str
    play: str
    on: date | None = None
    worked: bool = False


@dataclass(frozen=True, kw_only=True)
class Match:
    """What a lost reason was taken for; `reason` is None where nothing is alike."""

    text: str
    reason: str | None
    #: The entry of the dictionary, and how alike they are, 0 to 100.
    entry: str
    alike: float


def standing(
    signals: Iterable[Signal], catalogue: Catalogue, /, *, today: date | None = None
) -> dict[str, Signal]:
    """The signal that counts for each reason, in the catalogue's order.

    The newest counts; of one day an answer before a column before a lost reason. With
    `today`, observations older than the reason's `fades` say nothing any more. A code
    that the catalogue does not have raises ConfigError.
    """
    newest: dict[str, Signal] = {}
    for signal in signals:
        if _faded(signal, catalogue[signal.reason], today):
            continue
        known = newest.get(signal.reason)
        if known is None or order(signal) >= order(known):
            newest[signal.reason] = signal
    return {code: newest[code] for code in catalogue.codes if code in newest}


def signals_of(given: Mapping[str, bool] | Iterable[Signal], /) -> tuple[Signal, ...]:
    """Signals as they are, or made of code -> whether it holds."""
    if isinstance(given, Mapping):
        return tuple(Signal(reason=code, holds=holds) for code, holds in given.items())
    return tuple(given)


def observed(
    row: Mapping[str, object], catalogue: Catalogue, /, *, on: date | None = None
) -> tuple[Signal, ...]:
    """What an account's columns say, as of the day `on` they were exported.

    A condition over a column that is not there, or of another type, says nothing.
    """
    known = aged(row, on) if on else row
    return (*_by_columns(known, catalogue, on), *_by_lost_reason(known, catalogue, on))


def aged(row: Mapping[str, object], today: date, /) -> dict[str, object]:
    """The row with the ages (`AGES`) that follow from its dates, where not given."""
    ages = {
        name: sign * (today - day).days // unit
        for name, (column, unit, sign) in AGES.items()
        if row.get(name) is None and (day := _day(row.get(column))) is not None
    }
    return {**row, **ages}


def _day(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else None


def matched(text: str, catalogue: Catalogue, /) -> Match:
    """The reason whose dictionary entry is most alike; none where none is enough.

    >>> from icp.qualify.reasons import default_catalogue
    >>> catalogue = default_catalogue()
    >>> matched("Price: too high!", catalogue).reason
    'price_only'
    >>> matched("the moon was full", catalogue).reason is None
    True
    """
    from rapidfuzz import fuzz, process

    entries = {
        entry: reason.code for reason in catalogue.reasons for entry in reason.lost
    }
    found = process.extractOne(
        text,
        list(entries),
        scorer=fuzz.token_sort_ratio,
        processor=_plain,
        score_cutoff=catalogue.matching.least_alike,
    )
    if found is None:
        return Match(text=text, reason=None, entry="", alike=0.0)
    entry, alike, _ = found
    return Match(text=text, reason=entries[entry], entry=entry, alike=float(alike))


def _plain(text: str) -> str:
    return _NOISE.sub(" ", text.casefold()).strip()


def order(signal: Signal, /) -> tuple[bool, date, int]:
    """By which of two signals about one reason the later one counts."""
    return (signal.on is None, signal.on or date.min, _RANK[signal.source])


def _faded(signal: Signal, reason: Reason, today: date | None) -> bool:
    if today is None or signal.on is None or not reason.fades:
        return False
    return signal.on < today - timedelta(days=reason.fades)


def _by_columns(
    row: Mapping[str, object], catalogue: Catalogue, on: date | None
) -> Iterator[Signal]:
    for reason in catalogue.reasons:
        found = _first(reason.when, row)
        other = None if found else _first(reason.unless, row)
        if condition := found or other:
            yield Signal(
                reason=reason.code,
                holds=found is not None,
                source="column",
                on=on,
                evidence=condition.words(),
            )


def _first(
    conditions: Iterable[Condition], row: Mapping[str, object]
) -> Condition | None:
    return next((c for c in conditions if _holds(c, row)), None)


def _holds(condition: Condition, row: Mapping[str, object]) -> bool:
    """Whether it surely holds; a column of another type is as good as unknown."""
    try:
        return condition.holds(row) is True
    except SchemaError:
        return False


def _by_lost_reason(
    row: Mapping[str, object], catalogue: Catalogue, on: date | None
) -> Iterator[Signal]:
    text = row.get(LOST_REASON)
    if not isinstance(text, str):
        return
    match = matched(text, catalogue)
    if match.reason is None:
        return
    days = (_day(row.get(column)) for column in LOST_ON)
    yield Signal(
        reason=match.reason,
        holds=True,
        source="lost_reason",
        on=next((day for day in days if day is not None), on),
        evidence=f"a deal was lost: {text}",
    )
