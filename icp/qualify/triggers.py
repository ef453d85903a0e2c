"""Which answers to a question would put an account under a rule in force.

An answer is a cell of the profile's table. It counts as falling under a rule where the
rule covers every value of the cell, with all else that is known of the account; what a
cell leaves open counts as not covered. Conditions change their truth only at the values
that they name, so that a few values stand for all of a cell.
"""

from __future__ import annotations

from itertools import pairwise
from math import nextafter
from sys import float_info
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from icp.conditions import And, Compare, Has, In, Not, Or
from icp.profile import NEVER_SEEN
from icp.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from icp.conditions import Condition
    from icp.disqualifiers import Disqualifier
    from icp.profile import AttributeTable

    Flags = NDArray[np.bool_]
    Floats = NDArray[np.float64]

__all__ = [
    "answers_of",
    "bounds_of",
    "bounds_of_frame",
    "chance_under",
    "covered_by_answer",
    "covered_by_answers",
    "covered_in",
    "reading",
]

_FIRST: Final = NEVER_SEEN + 1
#: A value that no rule names.
_NEITHER: Final = "\0"
_TYPES: Final = {
    Kind.NUMBER: pl.Float64(),
    Kind.FLAG: pl.Boolean(),
    Kind.MULTI: pl.List(pl.String),
}


def reading(
    rules: Sequence[Disqualifier], table: AttributeTable, /
) -> tuple[Disqualifier, ...]:
    """The rules that read the table's column."""
    return tuple(rule for rule in rules if table.column in rule.condition.columns)


def chance_under(rule: Disqualifier, /) -> float:
    """Chance of best where a rule covers: 0 under policy, else as was seen of it.

    Only customers count that took no part in finding the rule.
    """
    if rule.kind == "policy":
        return 0.0
    seen = rule.latest
    covered, bad = (seen.later_covered, seen.later_regrettable) if seen else (0, 0)
    return (covered - bad + 0.5) / (covered + 1)


def bounds_of(rules: Sequence[Disqualifier], covers: Flags, /) -> Floats:
    """Per answer the most that the chance of best can be; 1 where no rule covers it.

    `covers` has the rules as its last dimension.
    """
    chances = np.array([chance_under(rule) for rule in rules])
    return np.asarray(np.where(covers, chances, 1.0).min(axis=-1, initial=1.0))


def covered_by_answer(
    rules: Sequence[Disqualifier], table: AttributeTable, row: Mapping[str, object], /
) -> Flags:
    """Answers x rules: whether the rule covers the account after the answer."""
    values = answers_of(table, [rule.condition for rule in rules])
    return np.array(
        [
            [
                bool(same)
                and all(
                    rule.condition.holds({**row, table.column: value}) is True
                    for value in same
                )
                for rule in rules
            ]
            for same in values
        ],
        dtype=np.bool_,
    ).reshape(len(values), len(rules))


def covered_by_answers(
    rules: Sequence[Disqualifier], table: AttributeTable, frame: pl.DataFrame, /
) -> Flags:
    """The same for every row of a frame: rows x answers x rules."""
    values = answers_of(table, [rule.condition for rule in rules])
    covers = np.zeros((frame.height, len(values), len(rules)), dtype=np.bool_)
    for answer, same in enumerate(values):
        for place, rule in enumerate(rules):
            told = (_told(table, value, frame) for value in same)
            flags = [_covers(rule.condition, answered) for answered in told]
            covers[:, answer, place] = bool(flags) and np.logical_and.reduce(flags)
    return covers


def bounds_of_frame(
    rules: Sequence[Disqualifier],
    table: AttributeTable,
    frame: pl.DataFrame,
    set_aside: Flags,
    /,
) -> Floats | None:
    """`bounds_of` per row, but for rules `set_aside` (rows x rules); None: no rule."""
    asked = reading(rules, table)
    if not asked:
        return None
    free = ~set_aside[:, None, [rules.index(rule) for rule in asked]]
    return bounds_of(asked, covered_by_answers(asked, table, frame) & free)


def covered_in(rules: Sequence[Disqualifier], frame: pl.DataFrame, /) -> Flags:
    """Rows x rules: whether the rule covers the account as it is known."""
    covers = np.zeros((frame.height, len(rules)), dtype=np.bool_)
    for place, rule in enumerate(rules):
        covers[:, place] = _covers(rule.condition, frame)
    return covers


def _told(table: AttributeTable, value: object, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with one answer given by everybody."""
    given = pl.lit(value, dtype=_TYPES.get(table.kind)).alias(table.column)
    return frame.with_columns(given)


def _covers(condition: Condition, frame: pl.DataFrame) -> Flags:
    flags = frame.with_columns(__covers__=condition.covers(frame.schema))
    return flags["__covers__"].to_numpy()


# --------------------------------------------------------------------- values of a cell


def answers_of(
    table: AttributeTable, conditions: Iterable[Condition], /
) -> tuple[tuple[object, ...], ...]:
    """Per answer the values that stand for all of its cell; none where unknown."""
    named = {v for c in conditions for v in _named(c, table.column)}
    if table.kind is Kind.FLAG:
        return ((False,), (True,))
    if table.kind is Kind.MULTI:
        others = sorted({str(value) for value in named} - {table.value})
        held = [table.value]
        return ([_NEITHER], [_NEITHER, *others]), (held, held + others)
    if table.kind is Kind.NUMBER:
        numbers = [float(v) for v in named if isinstance(v, int | float)]
        ends = (-float_info.max, *table.edges, float_info.max)
        return tuple(_of_interval(low, high, numbers) for low, high in pairwise(ends))
    kinds = {type(value) for value in named}
    return tuple(
        tuple(_as(level, kinds) for level, code in table.levels if code == cell)
        for cell in range(_FIRST, table.size)
    )


def _of_interval(low: float, high: float, named: Sequence[float]) -> tuple[object, ...]:
    """Both ends, and what lies at and beside each value named between them."""
    last = high if high == float_info.max else nextafter(high, low)
    beside = (
        v for cut in named for v in (nextafter(cut, low), cut, nextafter(cut, high))
    )
    return tuple(sorted({low, last, *(v for v in beside if low <= v <= last)}))


def _as(level: str, kinds: set[type]) -> object:
    """A level as the rules name it: text, number or yes and no."""
    if kinds == {bool}:
        return level == "true"
    return float(level) if kinds and kinds <= {int, float} else level


def _named(condition: Condition, column: str) -> tuple[object, ...]:
    """The values of a column that a condition names."""
    match condition:
        case Compare(name, _, value) | Has(name, value):
            return (value,) if name == column else ()
        case In(name, values):
            return tuple(values) if name == column else ()
        case And(parts) | Or(parts):
            return tuple(v for part in parts for v in _named(part, column))
        case Not(part):
            return _named(part, column)
    return ()
