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
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Final, Literal, TypeVar

import numpy as np
import polars as pl

from icp.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from icp.conditions import Condition
    from icp.qualify.reasons import Catalogue, Reason

    Flags = NDArray[np.bool_]


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


# ---- What is known about each reason in a list: yes, no or nothing, as columns

T = TypeVar("T")
_RANKS: Final = 4
_COLUMN: Final = 1
_NEVER: Final = -1
_EPOCH: Final = date(1970, 1, 1).toordinal()
_NOW: Final = (date.max.toordinal() + 1) * _RANKS


@dataclass(frozen=True, kw_only=True)
class KnownAbout:
    """What people know about accounts, by account id."""

    signals: Mapping[str, Sequence[Signal]]
    attempts: Mapping[str, Sequence[Attempt]]
    #: Rules and reasons that approved exceptions set aside.
    excepted: Mapping[str, frozenset[str]]

    @classmethod
    def nothing(cls) -> KnownAbout:
        """Nothing is known about any account."""
        return cls(signals={}, attempts={}, excepted={})


@dataclass(frozen=True, kw_only=True)
class Noted:
    """Accounts in rows, the catalogue's reasons in columns."""

    holds: Flags
    refuted: Flags
    #: Where a column says so, rather than a person or a lost deal.
    by_column: Flags


def noted(
    frame: pl.DataFrame,
    catalogue: Catalogue,
    known: KnownAbout,
    /,
    *,
    on: date | None,
    today: date | None,
) -> Noted:
    """The signal that counts per account and reason; as `standing` and `observed`."""
    aged = with_ages(frame, on)
    count = len(catalogue.reasons)
    holds = np.zeros((frame.height, count), dtype=np.bool_)
    since = np.full((frame.height, count), _NEVER, dtype=np.int64)
    lost, lost_on = _lost(aged, catalogue, on)
    for place, reason in enumerate(catalogue.reasons):
        oldest = _oldest(reason, today)
        here = (lost == place) & (lost_on // _RANKS >= oldest)
        _take(holds, since, place, here, here, lost_on)
        said, yes = _columns(aged, reason)
        key = np.full(frame.height, _key(on, rank=_COLUMN))
        _take(holds, since, place, said & (key // _RANKS >= oldest), yes, key)
    for row, signals in rows_of(frame, known.signals):
        for code, signal in standing(signals, catalogue, today=today).items():
            place = catalogue.codes.index(code)
            key_ = _signal_key(signal)
            if key_ >= since[row, place]:
                holds[row, place], since[row, place] = signal.holds, key_
    told = since != _NEVER
    return Noted(
        holds=holds,
        refuted=told & ~holds,
        by_column=told & (since % _RANKS == _COLUMN),
    )


def with_ages(frame: pl.DataFrame, on: date | None, /) -> pl.DataFrame:
    """The frame with the ages that follow from its dates; as `aged`."""
    if on is None:
        return frame
    types = frame.schema
    ages = []
    for name, (column, unit, sign) in AGES.items():
        if _is_day(types.get(column)):
            past = pl.lit(on) - pl.col(column).dt.date()
            days = (sign * past.dt.total_days()) // unit
            given = types.get(name, pl.Null())
            if given == pl.Null or given.is_numeric():
                ages.append(
                    days.alias(name)
                    if given == pl.Null
                    else pl.coalesce(name, days.cast(pl.Float64)).alias(name)
                )
    return frame.with_columns(ages)


def _take(
    holds: Flags,
    since: NDArray[np.int64],
    place: int,
    said: Flags,
    yes: Flags,
    key: NDArray[np.int64],
) -> None:
    newer = said & (key >= since[:, place])
    holds[:, place] = np.where(newer, yes, holds[:, place])
    since[:, place] = np.where(newer, key, since[:, place])


def _key(on: date | None, *, rank: int) -> int:
    return (_NOW if on is None else on.toordinal() * _RANKS) + rank


def _signal_key(signal: Signal) -> int:
    return _key(signal.on, rank=order(signal)[2])


def _oldest(reason: Reason, today: date | None) -> int:
    if today is None or not reason.fades:
        return 0
    return (today - timedelta(days=reason.fades)).toordinal()


def _columns(frame: pl.DataFrame, reason: Reason) -> tuple[Flags, Flags]:
    """Where a condition says anything about the reason, and where that it holds."""
    yes, no = _any(frame, reason.when), _any(frame, reason.unless)
    return yes | no, yes


def _any(frame: pl.DataFrame, conditions: Iterable[Condition]) -> Flags:
    read = [expr for c in conditions if (expr := _readable(c, frame)) is not None]
    if not read:
        return np.zeros(frame.height, dtype=np.bool_)
    flags = frame.with_columns(__any__=reduce(or_, read))["__any__"]
    return np.asarray(flags.to_numpy())


def _readable(condition: Condition, frame: pl.DataFrame) -> pl.Expr | None:
    """The condition, or None where a column is of another type."""
    try:
        return condition.covers(frame.schema)
    except SchemaError:
        return None


def _lost(
    frame: pl.DataFrame, catalogue: Catalogue, on: date | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The reason (its place, or -1) for which a deal was lost, and since when."""
    types = frame.schema
    if not isinstance(types.get(LOST_REASON), pl.String | pl.Categorical | pl.Enum):
        nothing = np.full(frame.height, _NEVER, dtype=np.int64)
        return nothing, nothing
    places = {code: place for place, code in enumerate(catalogue.codes)}
    reason = pl.col(LOST_REASON).cast(pl.String)
    texts = frame.select(reason).to_series().unique().drop_nulls().to_list()
    found = [places.get(matched(t, catalogue).reason or "", _NEVER) for t in texts]
    known = reason.replace_strict(texts, found, default=_NEVER, return_dtype=pl.Int64)
    days = [pl.col(c).dt.date() for c in LOST_ON if _is_day(types.get(c))]
    ordinal = pl.coalesce(*days, pl.lit(on, dtype=pl.Date)).cast(pl.Int64) + _EPOCH
    both = frame.select(
        place=known, since=(ordinal * _RANKS).fill_null(_NOW).cast(pl.Int64)
    )
    return both["place"].to_numpy(), both["since"].to_numpy()


def _is_day(dtype: pl.DataType | None) -> bool:
    return isinstance(dtype, pl.Date | pl.Datetime)


def rows_of(frame: pl.DataFrame, known: Mapping[str, T], /) -> list[tuple[int, T]]:
    """The rows about whose accounts somebody knows something."""
    if not known or "account_id" not in frame.columns:
        return []
    ids = frame.select(pl.col("account_id").cast(pl.String)).with_row_index("row")
    told = ids.filter(pl.col("account_id").is_in(list(known)))
    return [(row, known[account]) for row, account in told.iter_rows()]
