"""Columns that changed over time, found among dated customers and named in words.

Earlier customers are compared with the newest third. Four things can have changed: the
values left their range; their effect on the outcome reversed; the effect became another
one; or their shares moved. A column nearly all of whose new values are out of range, or
whose effect reversed, is refused until a person accepts it by name. The other two are
warnings.

Usual limits for drift (a population stability index of 0.1 or 0.25) are noise at our
sizes: with 50 accounts in each of two identical periods and ten cells, 63% of columns
exceed 0.25 (methods 0.5). So every test here asks for the chance, corrected for the
number of columns (Bonferroni), and for a change that matters as well. False alarms stay
at a few in a hundred profiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
from scipy.special import chdtrc, ndtr

from icp.profile import MISSING, AttributeTable, ColumnFinding
from icp.scoring.cells import code_matrix
from icp.words import percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from icp.profile import AttributeTable
    from icp.stats import Codes, Flags, Floats, Ints


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
    groups: Ints | None = None,
) -> Drift:
    """What changed between earlier customers and the newest third.

    One label and date per customer; `labels` is 1 best, 0 regrettable, 2 neutral, 3 not
    known yet. Customers without a date say nothing, and neither do dates that are not
    of a date type. Rows of one of the `groups` count as one together.

    Give customers whose outcome is not known yet too: they are the newest ones, and
    without them one has to tell a change from waiting for outcomes.
    """
    history = history_of(customers, tables, labels, dates, groups)
    if history is None:
        return Drift()
    changes = [_worst_change(history, j) for j in range(len(tables))]
    return Drift(tuple(_one_per_column(history, changes)), tuple(_notes(history)))


class _Change(NamedTuple):
    """What was found about a table; the worst sorts first."""

    rank: int
    code: str
    text: str
    refused: bool = False


def _worst_change(history: History, j: int) -> _Change | None:
    """The worst that can be said of a table."""
    tests = (_range_change, _reversal, _effect_change, _shift)
    changes = (test(history, j) for test in tests)
    return min((change for change in changes if change), default=None)


#: Share of the newest outside what was seen before: worth a warning, and refused.
_OUTSIDE, _UNUSABLE = 0.2, 0.75
_LEAST_OUTSIDE = 10


def _range_change(history: History, j: int) -> _Change | None:
    """The newest customers have values that no earlier one had."""
    table = history.tables[j]
    if table.kind.yes_no:
        return None
    present, outside = outside_before(history, j)
    last = history.last[history.newest == 1]
    share, of_last = _share(outside, present), _share(outside & last, present & last)
    if outside.sum() < _LEAST_OUTSIDE or share < _OUTSIDE:
        return None
    unusable = max(share, of_last) >= _UNUSABLE
    number = table.kind.numeric
    words = "lie outside the range seen" if number else "have values never seen"
    also = f", and {percent(of_last)} of the latest," if of_last > share else ""
    customers = f"{percent(share)} of the customers since {history.since}"
    text = f"{customers}{also} {words} before"
    return _Change(0 if unusable else 2, "drift_range", text, unusable)


def _share(part: Flags, whole: Flags) -> float:
    return float(part.sum() / max(whole.sum(), 1))


def _reversal(history: History, j: int) -> _Change | None:
    """The newest follow the opposite of what was true before."""
    counts, bands = by_outcome(history, j)
    if counts is None:
        return None
    effect, against = effect_reversal(counts[:-1].sum(axis=0), counts[-1])
    if max(effect, against) >= _doubt(history):
        return None
    words = _contrast_words(history, j, counts, bands, len(counts) - 1)
    text = f"its effect reversed: {words}"
    return _Change(1, "drift_reversed", text, refused=True)


#: Chance of a false alarm per profile, for each of the three tests.
_FALSE_ALARM = 0.02


def _doubt(history: History) -> float:
    """Chance below which one table's change is not put down to chance."""
    return _FALSE_ALARM / max(len(history.tables), 1)


def _contrast_words(
    history: History, j: int, counts: Floats, bands: Ints, split: int
) -> str:
    """How often the band that changed most was best before a slice and from then on."""
    totals = _halves(counts, split)
    best, everyone = totals[:, 1], totals.sum(axis=1)
    rate = best / np.maximum(everyone, 1e-9)
    overall = best.sum(axis=1) / everyone.sum(axis=1)
    gap = np.diff(rate - overall[:, None], axis=0)[0]
    most = int(np.argmax(np.abs(gap) * np.sqrt(everyone.min(axis=0))))
    words = _band_words(history.tables[j], np.flatnonzero(bands == most))
    (before, since), (all_before, all_since) = rate[:, most], overall
    return (
        f"of those with {words}, {percent(before)} were best before "
        f"{history.starts[split - 1]} (of all, {percent(all_before)}) and "
        f"{percent(since)} since (of all, {percent(all_since)})"
    )


def _halves(counts: Floats, split: int) -> Floats:
    return np.array([counts[:split].sum(axis=0), counts[split:].sum(axis=0)])


#: Values named before "others".
_MOST_NAMES = 3


def _band_words(table: AttributeTable, codes: Ints) -> str:
    """The cells of a band, in words."""
    names = [repr(table.cell_name(code)) for code in codes.tolist()]
    if len(names) == 1:
        return names[0]
    if not table.kind.numeric:
        return " or ".join(
            [", ".join(names[:_MOST_NAMES]), *(["others"] * (len(names) > _MOST_NAMES))]
        )
    low, high = int(codes[0]) - 3, int(codes[-1]) - 2
    above = f"{table.edges[low]:,.6g} or more" if low >= 0 else ""
    below = f"less than {table.edges[high]:,.6g}" if high < len(table.edges) else ""
    return " but ".join(part for part in (above, below) if part) or "any value"


#: Least stability index of a shift, and least change of log-odds, worth a warning.
_SHIFT_MATTERS, _EFFECT_MATTERS = 0.1, 0.3


def _effect_change(history: History, j: int) -> _Change | None:
    """What an attribute says about the outcome is not the same in all slices."""
    counts, bands = by_outcome(history, j)
    if counts is None:
        return None
    chance, size = effect_change(counts)
    if chance >= _doubt(history) or size < _EFFECT_MATTERS:
        return None
    splits = range(1, len(counts))
    split = max(splits, key=lambda at: effect_change(_halves(counts, at))[1])
    words = _contrast_words(history, j, counts, bands, split)
    text = f"its effect changed over time: {words}"
    return _Change(3, "drift_effect", text)


#: Label of a customer whose outcome is not known yet.
WAITING = 3


def _shift(history: History, j: int) -> _Change | None:
    """The shares of the values are not what they were."""
    bands = shift_bands(history, j)
    everyone = np.zeros(len(bands), dtype=np.int64)
    counts = _by_stratum(history, bands, everyone)
    chance = shift_chance(counts) if counts.shape[2] > 1 else 1.0
    if chance < _doubt(history) and not (history.labels == WAITING).any():
        # A changed mix of outcomes moves the values of customers alike in outcome, and
        # leaving out young customers those of all together: drift moves both.
        counts = _by_stratum(history, bands, history.labels)
        chance = shift_chance(counts)
    size, before, since = shift_size(counts)
    if chance >= _doubt(history) or size < _SHIFT_MATTERS:
        return None
    text = f"its values shifted: {_shift_words(history, j, bands, before, since)}"
    return _Change(4, "drift_shift", text)


def _by_stratum(history: History, bands: Ints, strata: NDArray[np.integer]) -> Floats:
    """Stratum x period x band."""
    return np.array(
        [
            band_totals(history, history.newest, bands, 2, strata == stratum)
            for stratum in np.unique(strata)
        ]
    )


def _shift_words(
    history: History, j: int, bands: Ints, before: Floats, since: Floats
) -> str:
    """The share that moved most, or where the middle of a number went."""
    table, codes = history.tables[j], history.codes[:, j]
    most = int(np.argmax(np.abs(since - before)))
    inside = np.unique(codes[bands == most])
    if table.kind.numeric and MISSING not in inside:
        new, old = (_middle(history, j, part) for part in (1, 0))
        if f"{new:,.6g}" != f"{old:,.6g}":
            return (
                f"half of the customers since {history.since} are above {new:,.6g}, "
                f"half of those before above {old:,.6g}"
            )
    words = _band_words(table, inside)
    return (
        f"{percent(since[most])} of the customers since {history.since} have {words}, "
        f"{percent(before[most])} of those before"
    )


def _middle(history: History, j: int, part: int) -> float:
    numbers = numbers_of(history, j)[history.newest == part]
    return float(np.median(numbers[np.isfinite(numbers)]))


def _one_per_column(
    history: History, changes: list[_Change | None]
) -> Iterator[ColumnFinding]:
    """The worst finding of each column; single values of a list are never refused."""
    worst: dict[str, tuple[_Change, AttributeTable]] = {}
    for table, change in zip(history.tables, changes, strict=True):
        column = table.column
        if change and (column not in worst or change < worst[column][0]):
            worst[column] = (change, table)
    for column, (change, table) in worst.items():
        of_value = "" if table.value is None else f"{table.value!r}: "
        yield ColumnFinding(
            column=column,
            code=change.code,
            message=f"{column}: {of_value}{change.text}",
            excluded=change.refused and table.value is None,
        )


#: Change of the share of best customers that is worth a remark.
_RATE_MATTERS = 0.1


def _notes(history: History) -> Iterator[str]:
    """What was compared, and whether the share of best customers moved."""
    new = history.newest == 1
    yield (
        f"{int(new.sum()):,} customers since {history.since} were compared with "
        f"{int((~new).sum()):,} before, column by column, for drift."
    )
    counts = np.array(
        [
            np.bincount(history.newest, history.weights * (history.labels == side), 2)
            for side in (0, 1)
        ]
    )
    if (
        min(counts.sum(axis=0)) < _LEAST_OUTSIDE
        or shift_chance(counts.T[None]) >= _FALSE_ALARM
    ):
        return
    before, since = counts[1] / counts.sum(axis=0)
    if abs(since - before) >= _RATE_MATTERS:
        yield (
            f"{percent(since)} of the customers since {history.since} are best rather "
            f"than regrettable, {percent(before)} of those before; a fit is about both "
            "together."
        )


@dataclass(frozen=True, kw_only=True)
class History:
    """The dated customers, and which of them are new."""

    values: pl.DataFrame
    tables: tuple[AttributeTable, ...]
    #: Cell code per customer and table.
    codes: Codes
    #: 1 best, 0 regrettable, 2 neutral, 3 not known yet.
    labels: NDArray[np.int8]
    weights: Floats
    #: 1 for the newest third, 0 for the others.
    newest: Ints
    #: Whether each belongs to the newest third of these.
    last: Flags
    #: Slice in time; slices hold the rarer of best and regrettable in equal parts.
    period: Ints
    #: First day of the newest third.
    since: str
    #: First day of each slice but the first.
    starts: tuple[str, ...]


#: Dated customers below which nothing can be said.
_LEAST_DATED = 30
_PARTS = 3


def history_of(
    customers: pl.DataFrame,
    tables: Sequence[AttributeTable],
    labels: NDArray[np.int8],
    dates: pl.Series,
    groups: Ints | None,
    /,
) -> History | None:
    """The customers with a date; None where they are too few to compare periods."""
    if not isinstance(dates.dtype, pl.Date | pl.Datetime):
        return None
    days = dates.dt.date()
    rows = np.flatnonzero(days.is_not_null().to_numpy())
    if len(rows) < _LEAST_DATED or days[rows].n_unique() < _PARTS:
        return None
    weights = np.ones(len(rows)) if groups is None else _weights(groups[rows])
    return _cut(customers[rows], tuple(tables), labels[rows], days[rows], weights)


def _weights(groups: Ints) -> Floats:
    """Rows of one group share the weight of one."""
    _, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    return np.asarray(1 / sizes[place.reshape(-1)])


def _cut(
    values: pl.DataFrame,
    tables: tuple[AttributeTable, ...],
    labels: NDArray[np.int8],
    days: pl.Series,
    weights: Floats,
) -> History:
    number = days.to_physical().to_numpy()
    since = _cuts(number, _PARTS)[-1]
    rarer = _rarer(number, labels)
    cuts = _cuts(rarer, _PARTS) if len(rarer) >= _PARTS else [since]
    return History(
        values=values,
        tables=tables,
        codes=code_matrix(values, tables),
        labels=labels,
        weights=weights,
        newest=(number >= since).astype(np.int64),
        last=number >= _cuts(number, _PARTS**2)[-1],
        period=np.searchsorted(cuts, number, side="right"),
        since=_day(since),
        starts=tuple(_day(cut) for cut in cuts),
    )


def _cuts(days: Codes, parts: int) -> list[int]:
    """First days of all parts but the first; a day is never split."""
    ordered = np.sort(days)
    places = [len(ordered) * part // parts for part in range(1, parts)]
    return sorted({int(ordered[place]) for place in places} - {int(ordered[0])}) or [
        int(ordered[-1])
    ]


def _rarer(days: Codes, labels: NDArray[np.int8]) -> Codes:
    """The days of the rarer outcome; of both where neither is."""
    best, bad = days[labels == 1], days[labels == 0]
    if len(best) == len(bad):
        return np.concatenate([best, bad])
    return min(best, bad, key=len)


def _day(number: int) -> str:
    return str(np.datetime64(number, "D"))


def outside_before(history: History, j: int) -> tuple[Flags, Flags]:
    """Which of the newest have a value, and which of these one not seen before.

    A number outside the earlier range, or a level that no earlier customer had. Rare
    levels are one level here, since some new ones are to be expected among them.
    """
    table, codes = history.tables[j], history.codes[:, j]
    new = history.newest == 1
    present = codes[new] > MISSING
    if table.kind.has_levels:
        return present, present & ~np.isin(codes[new], codes[~new])
    numbers = numbers_of(history, j)
    before = numbers[~new & np.isfinite(numbers)]
    if not len(before):
        return present, present
    return present, present & (
        (numbers[new] < before.min()) | (numbers[new] > before.max())
    )


#: Expected customers per band and period, below which a test is not trusted.
_EXPECTED = 5.0
_SHIFT_BANDS, _EFFECT_BANDS = 12, 6


def by_outcome(history: History, j: int) -> tuple[Floats | None, Ints]:
    """Slice x outcome x band of best and regrettable ones, and each cell's band."""
    codes, table = history.codes[:, j], history.tables[j]
    rows = (history.labels < 2) & (codes > 1)
    slices = history.period * 2 + np.minimum(history.labels, 1)
    sides = 2 * (int(history.period.max()) + 1)
    rarest = np.bincount(slices[rows], history.weights[rows], minlength=sides).min()
    cells = _per_cell(codes[rows], history.weights[rows], table.size)
    if rarest < _EXPECTED:
        return None, np.empty(0, dtype=np.int64)
    bands = bands_of(
        cells,
        ordered=table.kind.ordered,
        least=_EXPECTED * cells.sum() / rarest,
        most=_EFFECT_BANDS,
    )
    counts = band_totals(history, slices, bands[codes], sides, rows)
    if counts.shape[1] < 2:
        return None, bands
    return counts.reshape(sides // 2, 2, -1), bands


def _per_cell(codes: Codes, weights: Floats, size: int) -> Floats:
    return np.bincount(codes, weights, minlength=size).astype(np.float64)


def shift_bands(history: History, j: int) -> Ints:
    """The band of each customer; not known is one of its own, or of none if rare."""
    codes, table = history.codes[:, j], history.tables[j]
    cells = _per_cell(codes, history.weights, table.size)
    smaller = min(history.newest.mean(), 1 - history.newest.mean())
    unknown, cells[:2] = cells[MISSING], 0.0
    least = _EXPECTED / max(smaller, 1e-9)
    ordered = table.kind.ordered
    bands = bands_of(cells, ordered=ordered, least=least, most=_SHIFT_BANDS)
    bands[MISSING] = bands.max() + 1 if unknown >= least else -1
    return np.asarray(bands[codes])


def band_totals(
    history: History, parts: Ints, bands: Ints, count: int, mask: Flags
) -> Floats:
    """Weighted customers per part and band, of the chosen ones that have a band."""
    places = mask & (bands >= 0)
    shape = (count, int(bands.max()) + 1)
    return tally(parts[places], bands[places], history.weights[places], shape)


def numbers_of(history: History, j: int) -> Floats:
    """A number column's values, NaN where not known."""
    column = history.values[history.tables[j].column]
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()


def bands_of(counts: Floats, /, *, ordered: bool, least: float, most: int) -> Ints:
    """The band of each cell, so that every band holds at least `least`; -1 where empty.

    Neighbours join where cells are `ordered`, else the rare ones join each other. No
    more than about `most` bands.

    >>> bands_of(np.array([4.0, 1, 2, 9]), ordered=True, least=3, most=9).tolist()
    [0, 1, 1, 2]
    >>> bands_of(np.array([4.0, 1, 2, 9]), ordered=False, least=3, most=9).tolist()
    [1, 2, 2, 0]
    """
    enough = max(least, counts.sum() / most)
    order = np.arange(len(counts)) if ordered else np.argsort(-counts, kind="stable")
    band = np.full(len(counts), -1, dtype=np.int64)
    number, mass = 0, 0.0
    for cell in order[counts[order] > 0]:
        if mass >= enough:
            number, mass = number + 1, 0.0
        band[cell] = number
        mass += counts[cell]
    if mass < enough and number:
        band[band == number] = number - 1
    return band


def tally(
    parts: Ints, bands: Ints, weights: Floats, shape: tuple[int, int], /
) -> Floats:
    """Summed weights per part and band."""
    places = parts * shape[1] + bands
    summed = np.bincount(places, weights, minlength=shape[0] * shape[1])
    return summed.reshape(shape).astype(np.float64)


def shift_chance(counts: Floats, /) -> float:
    """Chance of so large a change of shares if nothing changed.

    `counts` is strata x period (before, since) x band. Generalised Cochran-Mantel-
    Haenszel test (Mantel 1963): within a stratum periods are exchangeable, so that a
    changed mix of strata is no change.

    >>> shift_chance(np.array([[[20.0, 20], [10, 10]]]))
    1.0
    >>> shift_chance(np.array([[[20.0, 0], [0, 10]]])) < 1e-6
    True
    """
    gap = np.zeros(counts.shape[2])
    spread = np.zeros((counts.shape[2],) * 2)
    for before, since in counts:
        both, new, old = before + since, since.sum(), before.sum()
        total = new + old
        if min(new, old) <= 0 or total <= 1:
            continue
        gap += since - both * new / total
        pooled = np.diag(both) * total - np.outer(both, both)
        spread += pooled * new * old / (total**2 * (total - 1))
    distance = gap @ np.linalg.pinv(spread, hermitian=True) @ gap
    return float(chdtrc(max(len(gap) - 1, 1), distance))


_HALF = 0.005


def shift_size(counts: Floats, /) -> tuple[float, Floats, Floats]:
    """How large a change is, and the shares before and since that it comes from.

    The size is the population stability index less its mean under no change (methods
    1g). The shares before are weighted to the mix of strata that there is since.
    """
    strata = counts[(counts.sum(axis=2) > 0).all(axis=1)]
    mix = strata[:, 1].sum(axis=1)
    before = _shares(strata[:, 0] / strata[:, 0].sum(axis=1)[:, None] * mix[:, None])
    since = _shares(strata[:, 1])
    raw = ((since - before) * np.log((since + _HALF) / (before + _HALF))).sum()
    chance = (1 / strata[:, 0].sum() + 1 / strata[:, 1].sum()) if len(strata) else 0.0
    return float(raw - (counts.shape[2] - 1) * chance), before, since


_TINY = 1e-9


def _shares(counts: Floats) -> Floats:
    summed = counts.sum(axis=0)
    return np.asarray(summed / max(summed.sum(), _TINY))


def effect_change(counts: Floats, /) -> tuple[float, float]:
    """Chance of effects so different over periods if they were one, and how different.

    `counts` is period x outcome (regrettable, best) x band. Pearson's test of the model
    with a base rate per period and one effect per band; the second figure is the
    standard deviation of the periods' log-odds around it, chance taken off.

    >>> one = np.array([[30.0, 10], [10, 30]])
    >>> [round(figure, 3) for figure in effect_change(np.array([one, one]))]
    [1.0, 0.0]
    >>> p, size = effect_change(np.array([one, one[::-1]]))
    >>> p < 1e-6, size > 0.5
    (True, True)
    """
    total, best = counts.sum(axis=1), counts[:, 1]
    chance = _one_effect(total, best)
    spread = total * chance * (1 - chance)
    distance = ((best - total * chance) ** 2 / np.maximum(spread, _TINY)).sum()
    free = (counts.shape[0] - 1) * (counts.shape[2] - 1)
    if free < 1:
        return 1.0, 0.0
    size = np.sqrt(max(0.0, distance - free) / max(spread.sum(), _TINY))
    return float(chdtrc(free, distance)), float(size)


_NEWTON_STEPS = 30


def _one_effect(total: Floats, best: Floats) -> Floats:
    """Fitted chance of best per period and band: base rates plus one effect a band."""
    periods, bands = total.shape
    design = np.hstack(
        [
            np.repeat(np.eye(periods), bands, axis=0),
            np.tile(np.eye(bands)[:, 1:], (periods, 1)),
        ]
    )
    weights = np.zeros(design.shape[1])
    n, y = total.ravel(), best.ravel()
    for _ in range(_NEWTON_STEPS):
        p = 0.5 + 0.5 * np.tanh(0.5 * np.clip(design @ weights, -30, 30))
        slope = design.T @ (y - n * p) - 1e-6 * weights
        curve = (design.T * (n * p * (1 - p))) @ design
        weights += np.linalg.solve(curve + 1e-6 * np.eye(len(weights)), slope)
    p = 0.5 + 0.5 * np.tanh(0.5 * np.clip(design @ weights, -30, 30))
    return np.asarray(p.reshape(total.shape))


def effect_reversal(before: Floats, since: Floats, /) -> tuple[float, float]:
    """Chance that `before` has no effect, and that `since` does not run against it.

    Both are outcome (regrettable, best) x band. An effect is reversed when both are
    small: there was one, and the newer customers follow its opposite. The first is
    Pearson's test, the second a one-sided score test on the log-odds of `before`.

    >>> one = np.array([[30.0, 10], [10, 30]])
    >>> [round(p, 4) for p in effect_reversal(one, one)]
    [0.0, 1.0]
    >>> [round(p, 4) for p in effect_reversal(one, one[::-1])]
    [0.0, 0.0]
    """
    effect = shift_chance(before[None])
    score = np.log(before[1] + 0.5) - np.log(before[0] + 0.5)
    total, base = since.sum(axis=0), since[1].sum() / max(since.sum(), _TINY)
    centred = score - (total @ score) / max(total.sum(), _TINY)
    spread = base * (1 - base) * (total @ centred**2)
    z = centred @ (since[1] - base * total) / np.sqrt(max(spread, _TINY))
    return effect, float(ndtr(z))
