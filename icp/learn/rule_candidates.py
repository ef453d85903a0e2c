"""The rules that a search for disqualifiers tries, and the few that are kept."""

from __future__ import annotations

from itertools import combinations
from math import ceil, floor, isfinite, log10, nan
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import polars as pl
from scipy.stats import norm

from icp.conditions import Compare, Condition, Has, In, Missing, Not
from icp.learn.cells import number_edges
from icp.learn.permutations import signed_root

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from icp.learn.permutations import RuleStatistics
    from icp.profile import AttributeTable
    from icp.stats import Codes, Flags, Floats, Ints


class Space(NamedTuple):
    """Conditions with their masks (rows x conditions) and the column of each."""

    conditions: tuple[Condition, ...]
    masks: Flags
    columns: Ints


def candidates(
    frame: pl.DataFrame,
    tables: Sequence[AttributeTable],
    /,
    *,
    least: int,
    most_edges: int,
    sets: bool,
) -> Space:
    """Every condition over these tables that covers enough rows, and not nearly all.

    Levels are the profile's. Numbers are cut anew into even parts, at `most_edges`
    round values at most. Conditions that cover exactly the same rows are kept once.
    """
    pairs = [
        (place, condition)
        for place, table in enumerate(tables)
        if table.column in frame.columns
        for condition in _of_table(frame, table, most_edges=most_edges, sets=sets)
    ]
    masks = _masks(frame, [condition for _, condition in pairs])
    counts = masks.sum(axis=0)
    useful = (counts >= least) & (counts <= len(masks) - least)
    useful[useful] = _first_of_each(masks[:, useful])
    columns = np.flatnonzero(useful)
    names = {table.column: place for place, table in enumerate(tables)}
    return Space(
        conditions=tuple(pairs[j][1] for j in columns),
        masks=np.ascontiguousarray(masks[:, columns]),
        columns=np.array(
            [names[tables[pairs[j][0]].column] for j in columns], dtype=int
        ),
    )


def _of_table(
    frame: pl.DataFrame, table: AttributeTable, *, most_edges: int, sets: bool
) -> Iterator[Condition]:
    if table.kind.numeric:
        yield from _of_number(frame[table.column], table, most_edges)
    elif table.kind.has_levels:
        yield from _of_category(frame.schema[table.column], table, sets=sets)
    elif table.kind.per_value:
        has = Has(table.column, table.value or "")
        yield from (has, Not(has))
    else:
        yield Compare(table.column, "=", value=True)
        yield Compare(table.column, "=", value=False)
    if table.points[0]:
        yield Missing(table.column)


def _of_number(
    values: pl.Series, table: AttributeTable, most: int
) -> Iterator[Condition]:
    numbers = values.cast(pl.Float64).drop_nulls().to_numpy()
    ordered = np.sort(numbers[np.isfinite(numbers)])
    distinct = np.unique(ordered)
    for edge in number_edges(ordered, cells=most + 1):
        place = int(np.searchsorted(distinct, edge, side="left"))
        cut = round_between(float(distinct[place - 1]), float(distinct[place]))
        yield Compare(table.column, ">=", cut)
        yield Compare(table.column, "<", cut)


_FIRST_CELL: Final = 2
#: Two levels together are tried for attributes of at most this many levels.
_MOST_FOR_SETS: Final = 8


def _of_category(
    dtype: pl.DataType, table: AttributeTable, *, sets: bool
) -> Iterator[Condition]:
    by_cell: dict[int, list[str]] = {}
    for level, code in table.levels:
        by_cell.setdefault(code, []).append(level)
    alone = [
        levels[0]
        for code, levels in sorted(by_cell.items())
        if code >= _FIRST_CELL and len(levels) == 1
    ]
    if dtype == pl.Boolean:
        yield from (Compare(table.column, "=", level == "true") for level in alone)
    elif dtype.is_numeric():
        numbers = (number for level in alone if isfinite(number := _number(level)))
        yield from (Compare(table.column, "=", number) for number in numbers)
    else:
        yield from (Compare(table.column, "=", level) for level in alone)
        if sets and 2 < len(alone) <= _MOST_FOR_SETS:
            yield from (In(table.column, pair) for pair in combinations(alone, 2))


def _number(level: str) -> float:
    """A level as a number; NaN where the profile learnt it from a column of texts."""
    try:
        return float(level)
    except ValueError:
        return nan


def _masks(frame: pl.DataFrame, conditions: list[Condition]) -> Flags:
    masks = np.zeros((frame.height, len(conditions)), dtype=bool)
    schema = frame.schema
    for start in range(0, len(conditions), 256):
        part = conditions[start : start + 256]
        covered = frame.select(
            condition.covers(schema).alias(str(place))
            for place, condition in enumerate(part)
        )
        masks[:, start : start + len(part)] = covered.to_numpy()
    return masks


def _first_of_each(masks: Flags) -> Flags:
    """Which columns do not repeat an earlier one."""
    packed = np.packbits(masks, axis=0).T
    keys: set[bytes] = set()
    new = []
    for row in packed:
        key = row.tobytes()
        new.append(key not in keys)
        keys.add(key)
    return np.array(new, dtype=bool)


def combine(
    space: Space, /, *, least: int, deepest: int, most_rules: int
) -> Codes | None:
    """Rules of one to `deepest` conditions, padded with -1; None above `most_rules`.

    A rule covers at least `least` rows, and fewer than each rule within it.
    """
    rules = np.arange(len(space.conditions), dtype=np.int32)[:, None]
    levels = [_pad(rules, deepest)]
    for _ in range(1, deepest):
        # Half of all combinations usually cover too few rows.
        if len(rules) * len(space.conditions) > 8 * most_rules:
            return None
        rules = _extend(space.masks, rules, least)
        levels.append(_pad(rules, deepest))
    together = np.concatenate(levels)
    return together if len(together) <= most_rules else None


def _pad(rules: Codes, width: int) -> Codes:
    return np.pad(rules, ((0, 0), (0, width - rules.shape[1])), constant_values=-1)


def _extend(masks: Flags, rules: Codes, least: int) -> Codes:
    """Each rule with each later condition, where that narrows both."""
    floats = masks.astype(np.float32)
    alone = floats.sum(axis=0)
    extensions = []
    for start in range(0, len(rules), 4096):
        block = rules[start : start + 4096]
        inside = np.ones((len(block), len(masks)), dtype=np.float32)
        for place in range(block.shape[1]):
            inside *= floats.T[block[:, place]]
        both = inside @ floats
        whole = inside.sum(axis=1)[:, None]
        later = np.arange(masks.shape[1]) > block[:, -1:]
        narrower = (both >= least) & (both < whole) & (both < alone) & later
        which, condition = np.nonzero(narrower)
        extensions.append(np.column_stack([block[which], condition]).astype(np.int32))
    return (
        np.concatenate(extensions)
        if extensions
        else np.empty((0, rules.shape[1] + 1), int)
    )


#: Adjusted p-value up to which a rule is worth a person's look.
_CANDIDATE: Final = 0.20
#: Each rule kept is one more test when confirming, so that the list is kept short.
_MOST_RULES: Final = 12
_MOST_LOOKED_AT: Final = 4000
#: Chance at which a further condition earns its place, shared by all conditions.
_EARNED: Final = 0.05


def prune(
    space: Space,
    rules: Codes,
    searched: RuleStatistics,
    regretted: Flags,
    /,
    *,
    least: int,
    pays: float,
) -> list[tuple[tuple[int, ...], float]]:
    """Rules with adjusted p-values, each telling beyond those before it.

    The rule worth most is taken, without conditions that hardly sharpen it; the
    customers that it covers are taken out; and so on, as long as what is left of a
    rule covers `least` customers and would itself be rare by chance. Leaving pays
    where the share `pays` of a rule's customers is regrettable; a rule that costs more
    than it spares beside the others is left out again.
    """
    telling = np.flatnonzero(searched.p_value <= _CANDIDATE)
    order = np.argsort(-searched.statistic[telling], kind="stable")
    telling = telling[order[:_MOST_LOOKED_AT]]
    if not len(telling):
        return []
    places = [_places(rules[j]) for j in telling]
    inside = np.stack([_inside(space, rule) for rule in places], axis=1)
    place_of = {rule: k for k, rule in enumerate(places)}
    limit = float(norm.isf(_EARNED / max(1, len(space.conditions))))
    critical = float(np.quantile(searched.maxima, 1 - _CANDIDATE))
    doubtful = _gain(inside.sum(axis=0), inside[regretted].sum(axis=0), pays) <= 0
    open_rows = np.ones(len(regretted), dtype=bool)
    picks: list[int] = []
    while len(picks) < _MOST_RULES:
        covered, hits, statistic = _left(inside, regretted, open_rows)
        rare = (covered >= least) & (statistic > critical)
        best = _worth_most(rare, _gain(covered, hits, pays), statistic, doubtful)
        if best is None:
            break
        best = _simpler(places[best], place_of, covered, hits, limit)
        best = _tighter(space, places[best], place_of, covered, least)
        picks.append(best)
        open_rows &= ~inside[:, best]
    survivors = _needed(inside[:, picks], regretted, least=least, pays=pays)
    return [
        (places[k], float(searched.p_value[telling[k]]))
        for k in (picks[place] for place in survivors)
    ]


def _places(rule: Codes) -> tuple[int, ...]:
    return tuple(int(place) for place in rule if place >= 0)


def _inside(space: Space, rule: tuple[int, ...]) -> Flags:
    return np.asarray(space.masks[:, list(rule)].all(axis=1))


def _gain(covered: Ints, hits: Ints, pays: float) -> Floats:
    """What leaving brings: regrets spared beyond those that make it even."""
    return np.asarray(hits - pays * covered)


def _left(
    inside: Flags, regretted: Flags, open_rows: Flags
) -> tuple[Ints, Ints, Floats]:
    """Counts and statistic of every rule among the customers not yet taken out."""
    rest, bad = inside[open_rows], regretted[open_rows]
    covered, hits = rest.sum(axis=0), rest[bad].sum(axis=0)
    rows, positives = int(open_rows.sum()), int(bad.sum())
    if not 0 < positives < rows:
        return covered, hits, np.zeros(len(covered))
    return covered, hits, signed_root(covered, hits, rows, positives)


def _worth_most(
    rare: Flags, gain: Floats, statistic: Floats, doubtful: Flags
) -> int | None:
    """The rule whose remaining customers bring most; once none pays, the most telling.

    A rule that pays only thanks to customers taken out already is not taken: beside
    the rules before it, it would cost more than it spares.
    """
    for eligible, key in ((rare & (gain > 0), gain), (rare & doubtful, statistic)):
        if eligible.any():
            return int(np.argmax(np.where(eligible, key, -np.inf)))
    return None


def _simpler(
    rule: tuple[int, ...],
    place_of: dict[tuple[int, ...], int],
    covered: Ints,
    hits: Ints,
    limit: float,
) -> int:
    """The rule, or one within it where a condition does not earn its place.

    It does when, among the customers that the others cover, it separates regrettable
    from best beyond what the best of all conditions would by chance.
    """
    own = place_of[rule]
    for part in _parts(rule):
        simpler = place_of.get(part)
        if simpler is None:
            continue
        counts = np.array([covered[own], hits[own]])
        rows, positives = int(covered[simpler]), int(hits[simpler])
        if signed_root(counts[:1], counts[1:], rows, positives)[0] < limit:
            return _simpler(part, place_of, covered, hits, limit)
    return own


def _parts(rule: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    if len(rule) > 1:
        for place in range(len(rule)):
            yield rule[:place] + rule[place + 1 :]


def _tighter(
    space: Space,
    rule: tuple[int, ...],
    place_of: dict[tuple[int, ...], int],
    covered: Ints,
    least: int,
) -> int:
    """The rule, without a level of a pair that brings fewer than `least` customers."""
    own = place_of[rule]
    for part in _single_levels(space, rule):
        tighter = place_of.get(part)
        if tighter is not None and covered[own] - covered[tighter] < least:
            return _tighter(space, part, place_of, covered, least)
    return own


def _single_levels(space: Space, rule: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """The rule with one level in place of two, in each way."""
    for place in rule:
        pair = space.conditions[place]
        if isinstance(pair, In):
            rest = [other for other in rule if other != place]
            for value in pair.values:
                alone = Compare(pair.column, "=", value)
                if alone in space.conditions:
                    yield tuple(sorted((*rest, space.conditions.index(alone))))


def _needed(inside: Flags, regretted: Flags, *, least: int, pays: float) -> list[int]:
    """Rules that do not cost more than they spare beside the others, in their order.

    A broad rule taken first may hold the customers of purer ones taken after it. Where
    a rule never pays it is kept: it is shown as doubtful, and nobody loses by it.
    """
    rest = list(range(inside.shape[1]))
    for rule in tuple(rest):
        others = [other for other in rest if other != rule]
        alone = inside[:, rule] & ~inside[:, others].any(axis=1)
        whole = _gain(inside[:, rule].sum(), inside[regretted, rule].sum(), pays)
        left = _gain(alone.sum(), (alone & regretted).sum(), pays)
        if whole > 0 > left and alone.sum() >= least:
            rest = others
    return rest


def round_between(below: float, above: float, /) -> float:
    """The roundest number above `below` and not above `above`, near their middle.

    >>> round_between(4, 5), round_between(12, 31), round_between(0.1234, 0.1311)
    (5.0, 20.0, 0.13)
    """
    middle = below / 2 + above / 2
    size = floor(log10(max(abs(below), abs(above)))) if (below or above) else 0
    for power in range(size, size - 17, -1):
        unit = 10.0**power
        if not unit:
            break
        near = (floor(middle / unit), ceil(middle / unit))
        numbers = [float(f"{number}e{power}") for number in near]
        fitting = [number for number in numbers if below < number <= above]
        if fitting:
            return min(fitting, key=lambda number: abs(number - middle))
    return above
