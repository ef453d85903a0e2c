"""The conditions that a search for disqualifiers tries, made from a profile's cells."""

from __future__ import annotations

from itertools import combinations
from math import ceil, floor, isfinite, log10, nan
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import polars as pl

from icp.conditions import Compare, Condition, Has, In, Missing, Not
from icp.learn.cells import number_edges
from icp.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from icp.profile import AttributeTable

__all__ = ["Space", "candidates", "combined", "round_between"]

_FIRST_CELL: Final = 2
#: Two levels together are tried for attributes of at most this many levels.
_MOST_FOR_SETS: Final = 8


class Space(NamedTuple):
    """Conditions with their masks (rows x conditions) and the column of each."""

    conditions: tuple[Condition, ...]
    masks: NDArray[np.bool_]
    columns: NDArray[np.int64]


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
    made = [
        (place, condition)
        for place, table in enumerate(tables)
        if table.column in frame.columns
        for condition in _of_table(frame, table, most_edges=most_edges, sets=sets)
    ]
    masks = _masks(frame, [condition for _, condition in made])
    counts = masks.sum(axis=0)
    useful = (counts >= least) & (counts <= len(masks) - least)
    useful[useful] = _first_of_each(masks[:, useful])
    kept = np.flatnonzero(useful)
    names = {table.column: place for place, table in enumerate(tables)}
    return Space(
        conditions=tuple(made[j][1] for j in kept),
        masks=np.ascontiguousarray(masks[:, kept]),
        columns=np.array([names[tables[made[j][0]].column] for j in kept], dtype=int),
    )


def combined(
    space: Space, /, *, least: int, deepest: int, most_rules: int
) -> NDArray[np.int32] | None:
    """Rules of one to `deepest` conditions, padded with -1; None above `most_rules`.

    A rule covers at least `least` rows, and fewer than each rule within it.
    """
    grown = np.arange(len(space.conditions), dtype=np.int32)[:, None]
    rules = [_padded(grown, deepest)]
    for _ in range(1, deepest):
        # Half of all combinations usually cover too few rows.
        if len(grown) * len(space.conditions) > 8 * most_rules:
            return None
        grown = _grown(space.masks, grown, least)
        rules.append(_padded(grown, deepest))
    found = np.concatenate(rules)
    return found if len(found) <= most_rules else None


def _padded(rules: NDArray[np.int32], width: int) -> NDArray[np.int32]:
    return np.pad(rules, ((0, 0), (0, width - rules.shape[1])), constant_values=-1)


def _grown(
    masks: NDArray[np.bool_], rules: NDArray[np.int32], least: int
) -> NDArray[np.int32]:
    """Each rule with each later condition, where that narrows both."""
    floats = masks.astype(np.float32)
    alone = floats.sum(axis=0)
    found = []
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
        found.append(np.column_stack([block[which], condition]).astype(np.int32))
    return np.concatenate(found) if found else np.empty((0, rules.shape[1] + 1), int)


def _masks(frame: pl.DataFrame, conditions: list[Condition]) -> NDArray[np.bool_]:
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


def _first_of_each(masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which columns do not repeat an earlier one."""
    packed = np.packbits(masks, axis=0).T
    seen: set[bytes] = set()
    new = []
    for row in packed:
        key = row.tobytes()
        new.append(key not in seen)
        seen.add(key)
    return np.array(new, dtype=bool)


# ---------------------------------------------------------------- conditions of a table


def _of_table(
    frame: pl.DataFrame,
    table: AttributeTable,
    *,
    most_edges: int,
    sets: bool,
) -> Iterator[Condition]:
    if table.kind is Kind.NUMBER:
        yield from _of_number(frame[table.column], table, most_edges)
    elif table.kind is Kind.CATEGORY:
        yield from _of_category(frame.schema[table.column], table, sets=sets)
    elif table.kind is Kind.FLAG:
        yield Compare(table.column, "=", value=True)
        yield Compare(table.column, "=", value=False)
    else:
        held = Has(table.column, table.value or "")
        yield from (held, Not(held))
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
        written = [float(f"{number}e{power}") for number in near]
        fitting = [number for number in written if below < number <= above]
        if fitting:
            return min(fitting, key=lambda number: abs(number - middle))
    return above


def _of_category(
    dtype: pl.DataType,
    table: AttributeTable,
    *,
    sets: bool,
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
