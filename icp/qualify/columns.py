"""What is known about each reason in a list: yes, no or nothing, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
import polars as pl

from icp.errors import SchemaError
from icp.qualify.signals import AGES, LOST_ON, LOST_REASON, matched, order, standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from icp.conditions import Condition
    from icp.qualify.reasons import Catalogue, Reason
    from icp.qualify.signals import Attempt, Signal

    Flags = NDArray[np.bool_]

__all__ = ["KnownAbout", "Noted", "noted", "rows_of", "with_ages"]

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
