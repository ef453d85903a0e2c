"""Older customers to search among, newer ones to confirm with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from icp.profile import AttributeTable

__all__ = ["Part", "parted"]

_LATER: Final = 1 / 3


class Part(NamedTuple):
    """Customers to search among and to confirm with, never both.

    `regretted`, `groups` and `strata` have one entry per row of `older`.
    """

    older: pl.DataFrame
    newer: pl.DataFrame
    regretted: NDArray[np.bool_]
    groups: NDArray[np.int64]
    strata: NDArray[np.int64]
    #: How the two were told apart, in words.
    words: str


def parted(
    judged: pl.DataFrame,
    tables: Sequence[AttributeTable],
    /,
    *,
    outcome: str,
    date: str | None,
    group: str | None,
    seed: int,
) -> Part:
    """Set the newer third aside, or a third drawn at random where dates are missing.

    Groups stay whole and count as new as their newest customer. The order of rows
    does not matter.
    """
    named = [name for name in (outcome, date, group) if name]
    frame = _in_one_order(judged, tables, named)
    groups = _numbered(frame, group)
    days = _days(frame, date)
    newest = None if days is None else _newest(groups, days)
    if days is None or newest is None:
        regretted = (frame[outcome] == "regrettable").to_numpy()
        later = _drawn(groups, regretted, np.random.default_rng([seed, 0]))
        strata = np.zeros(frame.height, dtype=np.int64)
        words = "a third set aside" if later.any() else "none set aside: one group"
    else:
        later, first = newest
        strata = _years(days)
        words = f"closed before {np.datetime64(first, 'D')}"
    older = frame.filter(~later)
    return Part(
        older=older,
        newer=frame.filter(later),
        regretted=(older[outcome] == "regrettable").to_numpy(),
        groups=groups[~later],
        strata=strata[~later],
        words=words,
    )


def _in_one_order(
    frame: pl.DataFrame, tables: Sequence[AttributeTable], named: Sequence[str]
) -> pl.DataFrame:
    """Rows sorted by all that a search sees, so that the file's order is no matter."""
    columns = dict.fromkeys([*named, *(table.column for table in tables)])
    return frame.sort(
        [
            _sortable(name, frame.schema[name])
            for name in columns
            if frame.schema[name] != pl.Object
        ],
        nulls_last=True,
        maintain_order=True,
    )


def _sortable(name: str, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.List | pl.Array):
        return pl.col(name).cast(pl.List(pl.String)).list.join("\n", ignore_nulls=True)
    if isinstance(dtype, pl.Categorical | pl.Enum):
        return pl.col(name).cast(pl.String)
    return pl.col(name)


def _numbered(frame: pl.DataFrame, group: str | None) -> NDArray[np.int64]:
    """A number per group; an account whose group is not known is one of its own."""
    alone = -1 - np.arange(frame.height)
    if group is None:
        return alone
    ranks = frame[group].cast(pl.String).rank("dense").fill_null(0).to_numpy()
    return np.where(ranks > 0, ranks.astype(np.int64), alone)


def _days(frame: pl.DataFrame, date: str | None) -> NDArray[np.int64] | None:
    """Days since 1970, the oldest where not known; None where no two days differ."""
    if date is None or not isinstance(frame[date].dtype, pl.Date | pl.Datetime):
        return None
    days = frame[date].dt.date().to_physical().cast(pl.Int64)
    if days.drop_nulls().n_unique() < 2:
        return None
    return days.fill_null(strategy="min").to_numpy()


def _newest(
    groups: NDArray[np.int64], days: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], int] | None:
    """The newer third by each group's newest day, and the first day of it.

    One day is never split; None where that day is the same for all groups.
    """
    _, inverse = np.unique(groups, return_inverse=True)
    newest = np.full(inverse.max() + 1, days.min())
    np.maximum.at(newest, inverse, days)
    seen = newest[inverse]
    ordered = np.sort(seen)
    if ordered[0] == ordered[-1]:
        return None
    cut = int(ordered[len(ordered) - max(1, round(_LATER * len(ordered)))])
    if cut == ordered[0]:
        cut = int(ordered[np.searchsorted(ordered, cut, side="right")])
    return seen >= cut, cut


def _years(days: NDArray[np.int64]) -> NDArray[np.int64]:
    return days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)


def _drawn(
    groups: NDArray[np.int64], regretted: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """A third of the groups with a regrettable customer, and a third of the others."""
    names, inverse = np.unique(groups, return_inverse=True)
    bad = np.zeros(len(names), dtype=bool)
    np.logical_or.at(bad, inverse, regretted)
    later = np.zeros(len(names), dtype=bool)
    for kind in (bad, ~bad):
        members = np.flatnonzero(kind)
        later[rng.permutation(members)[: round(_LATER * len(members))]] = True
    return np.asarray(later[inverse])
