"""What a deal has shown: for each reason whether it holds, who says so, since when.

A signal says that a reason holds, or that it does not. About a reason without a signal
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
    Whole = NDArray[np.int64]


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
#: Of two signals of one day the one from the later source counts.
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
    #: The observation in words.
    evidence: str = ""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A play that was tried about a reason, and whether it worked."""

    reason: str
    play: str
    on: date | None = None
    worked: bool = False


@dataclass(frozen=True, kw_only=True)
class Match:
    """The reason that a lost deal's text stands for; None where no entry is alike."""

    text: str
    reason: str | None
    #: The entry of the dictionary, and how alike the two are, 0 to 100.
    entry: str
    alike: float


def standing(
    signals: Iterable[Signal], catalogue: Catalogue, /, *, today: date | None = None
) -> dict[str, Signal]:
    """The signal that counts for each reason, in the catalogue's order.

    The newest counts; on the same day an answer before a column before a lost reason.
    With `today`, observations older than the reason's `fades` no longer count. A code
    that the catalogue does not have raises ConfigError.
    """
    newest: dict[str, Signal] = {}
    for signal in signals:
        age = _key(signal.on, signal.source)
        if age < _oldest(catalogue[signal.reason], today):
            continue
        rival = newest.get(signal.reason)
        if rival is None or age >= _key(rival.on, rival.source):
            newest[signal.reason] = signal
    return {code: newest[code] for code in catalogue.codes if code in newest}


def signals_of(signals: Mapping[str, bool] | Iterable[Signal], /) -> tuple[Signal, ...]:
    """Signals as they are; from code -> whether it holds, answers of today."""
    if isinstance(signals, Mapping):
        items = signals.items()
        return tuple(Signal(reason=code, holds=holds) for code, holds in items)
    return tuple(signals)


def failures(attempts: Iterable[Attempt], /) -> dict[str, frozenset[str]]:
    """The plays that were tried without success, by reason."""
    plays: dict[str, frozenset[str]] = {}
    for attempt in attempts:
        if not attempt.worked:
            before = plays.get(attempt.reason, frozenset())
            plays[attempt.reason] = before | {attempt.play}
    return plays


def observed(
    row: Mapping[str, object], catalogue: Catalogue, /, *, on: date | None = None
) -> tuple[Signal, ...]:
    """Signals from an account's columns, as of the day `on` they were exported.

    A condition over a column that is missing, or of another type, gives none.
    """
    facts = aged(row, on) if on else row
    return (*_by_columns(facts, catalogue, on), *_by_lost_reason(facts, catalogue, on))


def aged(row: Mapping[str, object], today: date, /) -> dict[str, object]:
    """The row with the ages (`AGES`) that follow from its dates, where it has none."""
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
    nearest = process.extractOne(
        text,
        list(entries),
        scorer=fuzz.token_sort_ratio,
        processor=_plain,
        score_cutoff=catalogue.matching.least_alike,
    )
    if nearest is None:
        return Match(text=text, reason=None, entry="", alike=0.0)
    entry, alike, _ = nearest
    return Match(text=text, reason=entries[entry], entry=entry, alike=float(alike))


def _plain(text: str) -> str:
    return _NOISE.sub(" ", text.casefold()).strip()


def _by_columns(
    row: Mapping[str, object], catalogue: Catalogue, on: date | None
) -> Iterator[Signal]:
    for reason in catalogue.reasons:
        yes = _first(reason.when, row)
        no = None if yes else _first(reason.unless, row)
        if condition := yes or no:
            yield Signal(
                reason=reason.code,
                holds=yes is not None,
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


# ---- The signal that counts per account and reason, as columns

T = TypeVar("T")
_RANKS: Final = 4
_NEVER: Final = -1
_EPOCH: Final = date(1970, 1, 1).toordinal()
_NOW: Final = (date.max.toordinal() + 1) * _RANKS


@dataclass(frozen=True, kw_only=True)
class KnownAbout:
    """What people know about accounts, by account id."""

    signals: Mapping[str, Sequence[Signal]]
    attempts: Mapping[str, Sequence[Attempt]]
    #: Rules and reasons from which approved exceptions free the account.
    excepted: Mapping[str, frozenset[str]]

    @classmethod
    def nothing(cls) -> KnownAbout:
        """Nothing is known about any account."""
        return cls(signals={}, attempts={}, excepted={})


@dataclass(frozen=True, kw_only=True)
class SignalColumns:
    """Accounts in rows, the catalogue's reasons in columns."""

    holds: Flags
    refuted: Flags
    #: Where a column says so, rather than a person or a lost deal.
    by_column: Flags

    @classmethod
    def of(
        cls, accounts: Sequence[Mapping[str, Signal]], catalogue: Catalogue, /
    ) -> SignalColumns:
        """From the signals that count for each account; as `standing` gives them."""
        shape = (len(accounts), len(catalogue.reasons))
        holds, refuted, by_column = (np.zeros(shape, dtype=np.bool_) for _ in range(3))
        for row, signals in enumerate(accounts):
            for place, code in enumerate(catalogue.codes):
                if signal := signals.get(code):
                    holds[row, place] = signal.holds
                    refuted[row, place] = not signal.holds
                    by_column[row, place] = signal.source == "column"
        return cls(holds=holds, refuted=refuted, by_column=by_column)

    @classmethod
    def of_frame(
        cls,
        frame: pl.DataFrame,
        catalogue: Catalogue,
        known: KnownAbout,
        /,
        *,
        on: date | None,
        today: date | None,
    ) -> SignalColumns:
        """From columns, lost reasons and people; as `standing` and `observed`."""
        facts = with_ages(frame, on)
        shape = (frame.height, len(catalogue.reasons))
        holds = np.zeros(shape, dtype=np.bool_)
        since = np.full(shape, _NEVER, dtype=np.int64)
        lost, lost_since = _lost(facts, catalogue, on)
        exported = np.full(frame.height, _key(on, "column"))
        for place, reason in enumerate(catalogue.reasons):
            columns, oldest = (holds[:, place], since[:, place]), _oldest(reason, today)
            match = (lost == place) & (lost_since >= oldest)
            _take(*columns, match, match, lost_since)
            yes, no = _any(facts, reason.when), _any(facts, reason.unless)
            _take(*columns, (yes | no) & (exported >= oldest), yes, exported)
        for row, signals in rows_of(frame, known.signals):
            for code, signal in standing(signals, catalogue, today=today).items():
                place, age = catalogue.codes.index(code), _key(signal.on, signal.source)
                if age >= since[row, place]:
                    holds[row, place], since[row, place] = signal.holds, age
        return cls(
            holds=holds,
            refuted=(since != _NEVER) & ~holds,
            by_column=(since != _NEVER) & (since % _RANKS == _RANK["column"]),
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
            own = types.get(name, pl.Null())
            if own == pl.Null:
                ages.append(days.alias(name))
            elif own.is_numeric():
                ages.append(pl.coalesce(name, days.cast(pl.Float64)).alias(name))
    return frame.with_columns(ages)


def _take(holds: Flags, since: Whole, where: Flags, yes: Flags, age: Whole, /) -> None:
    """Take over the signals that are no older than those of before, in place."""
    newer = where & (age >= since)
    holds[:] = np.where(newer, yes, holds)
    since[:] = np.where(newer, age, since)


def _key(on: date | None, source: SignalSource) -> int:
    """The later the day, and on one day the source, the greater."""
    return (_NOW if on is None else on.toordinal() * _RANKS) + _RANK[source]


def _oldest(reason: Reason, today: date | None) -> int:
    """The least key of a signal that still counts."""
    if today is None or not reason.fades:
        return 0
    return (today - timedelta(days=reason.fades)).toordinal() * _RANKS


def _any(frame: pl.DataFrame, conditions: Iterable[Condition]) -> Flags:
    """Where one of the conditions surely holds."""
    exprs = [expr for c in conditions if (expr := _readable(c, frame)) is not None]
    if not exprs:
        return np.zeros(frame.height, dtype=np.bool_)
    flags = frame.with_columns(__any__=reduce(or_, exprs))["__any__"]
    return np.asarray(flags.to_numpy())


def _readable(condition: Condition, frame: pl.DataFrame) -> pl.Expr | None:
    """The condition, or None where a column is of another type."""
    try:
        return condition.covers(frame.schema)
    except SchemaError:
        return None


def _lost(
    frame: pl.DataFrame, catalogue: Catalogue, on: date | None
) -> tuple[Whole, Whole]:
    """The reason (its place, or -1) for which a deal was lost, and the signal's key."""
    types = frame.schema
    if not isinstance(types.get(LOST_REASON), pl.String | pl.Categorical | pl.Enum):
        nothing = np.full(frame.height, _NEVER, dtype=np.int64)
        return nothing, nothing
    places = {code: place for place, code in enumerate(catalogue.codes)}
    reason = pl.col(LOST_REASON).cast(pl.String)
    texts = frame.select(reason).to_series().unique().drop_nulls().to_list()
    codes = [places.get(matched(t, catalogue).reason or "", _NEVER) for t in texts]
    place = reason.replace_strict(texts, codes, default=_NEVER, return_dtype=pl.Int64)
    days = [pl.col(c).dt.date() for c in LOST_ON if _is_day(types.get(c))]
    ordinal = pl.coalesce(*days, pl.lit(on, dtype=pl.Date)).cast(pl.Int64) + _EPOCH
    both = frame.select(
        place=place, since=(ordinal * _RANKS).fill_null(_NOW).cast(pl.Int64)
    )
    return both["place"].to_numpy(), both["since"].to_numpy()


def _is_day(dtype: pl.DataType | None) -> bool:
    return isinstance(dtype, pl.Date | pl.Datetime)


def rows_of(frame: pl.DataFrame, known: Mapping[str, T], /) -> list[tuple[int, T]]:
    """Row and value of the accounts that `known` has something about."""
    if not known or "account_id" not in frame.columns:
        return []
    ids = frame.select(pl.col("account_id").cast(pl.String)).with_row_index("row")
    rows = ids.filter(pl.col("account_id").is_in(list(known)))
    return [(row, known[account]) for row, account in rows.iter_rows()]
