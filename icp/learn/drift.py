"""Columns that changed over time, found among dated customers and named in words.

Earlier customers are compared with the newest third. Four things can have changed: the
values have left what was seen before; what they say about the outcome turned round; it
became another thing; or their shares moved. A column that left its range nearly wholly,
or whose effect turned round, teaches what is no longer so: it is refused until somebody
accepts it by name. The other two are warnings.

False alarms are kept to a few in a hundred profiles by tests that know how few
customers there are (`icp.learn.change`), corrected for the number of columns
(Bonferroni), and by asking for a change that matters beside one that is no chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from icp.learn.change import effect_change, effect_reversal, shift, shift_size
from icp.learn.dated import (
    Dated,
    by_outcome,
    counted_by,
    dated_customers,
    numbers_of,
    outside_before,
    shift_bands,
)
from icp.profile import MISSING, AttributeTable, ColumnFinding
from icp.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl
    from numpy.typing import NDArray

__all__ = ["WAITING", "Drift", "drift_findings"]

#: Label of a customer whose outcome is not known yet.
WAITING = 3
#: Chance of a false alarm per profile, for each of the three tests.
_FALSE_ALARM = 0.02
#: Least stability index of a shift, and least change of log-odds, worth a warning.
_SHIFT_MATTERS, _EFFECT_MATTERS = 0.1, 0.3
#: Share of the newest outside what was seen before: worth a warning, and refused.
_OUTSIDE, _GONE = 0.2, 0.75
_LEAST_OUTSIDE = 10
#: Change of the share of best customers that is worth a remark.
_RATE_MATTERS = 0.1
#: Values named before "others".
_NAMED = 3


class Drift(NamedTuple):
    """What changed over time: findings per column, and remarks on the whole."""

    findings: tuple[ColumnFinding, ...] = ()
    notes: tuple[str, ...] = ()


def drift_findings(
    customers: pl.DataFrame,
    tables: Sequence[AttributeTable],
    labels: NDArray[np.int8],
    dates: pl.Series,
    /,
    *,
    groups: NDArray[np.int64] | None = None,
) -> Drift:
    """What changed between earlier customers and the newest third.

    One label and date per customer; `labels` is 1 best, 0 regrettable, 2 neutral, 3 not
    known yet. Customers without a date say nothing, and neither do dates that are not
    of a date type. Rows of one of the `groups` count as one together.

    Give customers whose outcome is not known yet too: they are the newest ones, and
    without them one has to tell a change from waiting for outcomes.
    """
    dated = dated_customers(customers, tables, labels, dates, groups)
    if dated is None:
        return Drift()
    found = [_of_table(dated, j) for j in range(len(tables))]
    return Drift(tuple(_one_per_column(dated, found)), tuple(_notes(dated)))


# ------------------------------------------------------------------------- one table


class _Change(NamedTuple):
    """What was found about a table; the worst sorts first."""

    rank: int
    code: str
    text: str
    refused: bool = False


_NONE = _Change(9, "", "")


def _of_table(dated: Dated, j: int) -> _Change | None:
    """The worst that can be said of a table."""
    tests = (_left_its_range, _turned_round, _says_otherwise, _moved)
    found = (test(dated, j) for test in tests)
    return min((change for change in found if change), default=None)


def _one_per_column(
    dated: Dated, found: list[_Change | None]
) -> Iterator[ColumnFinding]:
    """The worst finding of each column; single values of a list are never refused."""
    worst: dict[str, tuple[_Change, AttributeTable]] = {}
    for table, change in zip(dated.tables, found, strict=True):
        if change and change < worst.get(table.column, (_NONE, table))[0]:
            worst[table.column] = (change, table)
    for column, (change, table) in worst.items():
        of_value = "" if table.value is None else f"{table.value!r}: "
        yield ColumnFinding(
            column=column,
            code=change.code,
            message=f"{column}: {of_value}{change.text}",
            excluded=change.refused and table.value is None,
        )


def _left_its_range(dated: Dated, j: int) -> _Change | None:
    """The newest customers have values that no earlier one had."""
    table = dated.tables[j]
    if table.kind not in {Kind.NUMBER, Kind.CATEGORY}:
        return None
    told, outside = outside_before(dated, j)
    last = dated.last[dated.newest == 1]
    share, of_last = _share(outside, told), _share(outside & last, told & last)
    if outside.sum() < _LEAST_OUTSIDE or share < _OUTSIDE:
        return None
    gone = max(share, of_last) >= _GONE
    number = table.kind is Kind.NUMBER
    what = "lie outside what was seen" if number else "have values that were not there"
    also = f", and {of_last:.0%} of the very last," if of_last > share else ""
    text = f"{share:.0%} of the customers since {dated.since}{also} {what} before"
    return _Change(0 if gone else 2, "drift_range", text, gone)


def _share(chosen: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    return float(chosen.sum() / max(among.sum(), 1))


def _turned_round(dated: Dated, j: int) -> _Change | None:
    """The newest follow the opposite of what was true before."""
    counts, bands = by_outcome(dated, j)
    if counts is None:
        return None
    there, against = effect_reversal(counts[:-1].sum(axis=0), counts[-1])
    if max(there, against) >= _doubt(dated):
        return None
    said = _contrasted(dated, j, counts, bands, len(counts) - 1)
    text = f"its effect turned round: {said}"
    return _Change(1, "drift_reversed", text, refused=True)


def _says_otherwise(dated: Dated, j: int) -> _Change | None:
    """What an attribute says about the outcome is not the same in all slices."""
    counts, bands = by_outcome(dated, j)
    if counts is None:
        return None
    chance, size = effect_change(counts)
    if chance >= _doubt(dated) or size < _EFFECT_MATTERS:
        return None
    splits = range(1, len(counts))
    split = max(splits, key=lambda at: effect_change(_halves(counts, at))[1])
    said = _contrasted(dated, j, counts, bands, split)
    text = f"what it says changed over time: {said}"
    return _Change(3, "drift_effect", text)


def _moved(dated: Dated, j: int) -> _Change | None:
    """The shares of the values are not what they were."""
    bands = shift_bands(dated, j)
    everyone = np.zeros(len(bands), dtype=np.int64)
    counts = _by_stratum(dated, bands, everyone)
    chance = shift(counts) if counts.shape[2] > 1 else 1.0
    if chance < _doubt(dated) and not (dated.labels == WAITING).any():
        # A changed mix of outcomes moves the values of customers alike in outcome, and
        # leaving out young customers those of all together: drift moves both.
        counts = _by_stratum(dated, bands, dated.labels)
        chance = shift(counts)
    size, before, since = shift_size(counts)
    if chance >= _doubt(dated) or size < _SHIFT_MATTERS:
        return None
    text = f"its values moved: {_moved_words(dated, j, bands, before, since)}"
    return _Change(4, "drift_shift", text)


def _by_stratum(
    dated: Dated, bands: NDArray[np.int64], strata: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Stratum x period x band."""
    return np.array(
        [
            counted_by(dated, dated.newest, bands, 2, strata == stratum)
            for stratum in np.unique(strata)
        ]
    )


def _doubt(dated: Dated) -> float:
    """Chance below which one table's change is not put down to chance."""
    return _FALSE_ALARM / max(len(dated.tables), 1)


def _halves(counts: NDArray[np.float64], split: int) -> NDArray[np.float64]:
    return np.array([counts[:split].sum(axis=0), counts[split:].sum(axis=0)])


# ------------------------------------------------------------------------------ words


def _contrasted(
    dated: Dated,
    j: int,
    counts: NDArray[np.float64],
    bands: NDArray[np.int64],
    split: int,
) -> str:
    """How often the band that changed most was best before a slice and from then on."""
    totals = _halves(counts, split)
    best, everyone = totals[:, 1], totals.sum(axis=1)
    rate = best / np.maximum(everyone, 1e-9)
    overall = best.sum(axis=1) / everyone.sum(axis=1)
    gap = np.diff(rate - overall[:, None], axis=0)[0]
    most = int(np.argmax(np.abs(gap) * np.sqrt(everyone.min(axis=0))))
    words = _band_words(dated.tables[j], np.flatnonzero(bands == most))
    (before, since), (all_before, all_since) = rate[:, most], overall
    return (
        f"of those with {words}, {before:.0%} were best before "
        f"{dated.starts[split - 1]} (of all, {all_before:.0%}) and {since:.0%} since "
        f"(of all, {all_since:.0%})"
    )


def _band_words(table: AttributeTable, codes: NDArray[np.int64]) -> str:
    """The cells of a band, in words."""
    names = [repr(table.cell_name(code)) for code in codes.tolist()]
    if len(names) == 1:
        return names[0]
    if table.kind is not Kind.NUMBER:
        return " or ".join(
            [", ".join(names[:_NAMED]), *(["others"] * (len(names) > _NAMED))]
        )
    low, high = int(codes[0]) - 3, int(codes[-1]) - 2
    above = f"{table.edges[low]:,.6g} or more" if low >= 0 else ""
    below = f"less than {table.edges[high]:,.6g}" if high < len(table.edges) else ""
    return " but ".join(part for part in (above, below) if part) or "any value"


def _moved_words(
    dated: Dated,
    j: int,
    bands: NDArray[np.int64],
    before: NDArray[np.float64],
    since: NDArray[np.float64],
) -> str:
    """The share that moved most, or where the middle of a number went."""
    table, codes = dated.tables[j], dated.codes[:, j]
    most = int(np.argmax(np.abs(since - before)))
    inside = np.unique(codes[bands == most])
    if table.kind is Kind.NUMBER and MISSING not in inside:
        new, old = (_middle(dated, j, part) for part in (1, 0))
        if f"{new:,.6g}" != f"{old:,.6g}":
            return (
                f"half of the customers since {dated.since} are above {new:,.6g}, "
                f"half of those before above {old:,.6g}"
            )
    words = _band_words(table, inside)
    return (
        f"{since[most]:.0%} of the customers since {dated.since} have {words}, "
        f"{before[most]:.0%} of those before"
    )


def _middle(dated: Dated, j: int, part: int) -> float:
    numbers = numbers_of(dated, j)[dated.newest == part]
    return float(np.median(numbers[np.isfinite(numbers)]))


def _notes(dated: Dated) -> Iterator[str]:
    """What was compared, and whether the share of best customers moved."""
    new = dated.newest == 1
    yield (
        f"{int(new.sum()):,} customers since {dated.since} were compared with "
        f"{int((~new).sum()):,} before, column by column, for drift."
    )
    counts = np.array(
        [
            np.bincount(dated.newest, dated.weights * (dated.labels == side), 2)
            for side in (0, 1)
        ]
    )
    if (
        min(counts.sum(axis=0)) < _LEAST_OUTSIDE
        or shift(counts.T[None]) >= _FALSE_ALARM
    ):
        return
    before, since = counts[1] / counts.sum(axis=0)
    if abs(since - before) >= _RATE_MATTERS:
        yield (
            f"{since:.0%} of the customers since {dated.since} are best rather than "
            f"regrettable, {before:.0%} of those before; a fit is about both together."
        )
