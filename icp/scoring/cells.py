"""From values to cell codes: the only place where scoring looks at values.

Each kind has a pair of twins side by side, a Polars expression and a plain function;
`tests/agreement` holds them equal. Neither cleans text: a level is known exactly as it
was written when the profile was learnt, or never seen.

| value                                  | code                                    |
| -------------------------------------- | --------------------------------------- |
| null, NaN, a column that is not there  | 0, missing                              |
| infinite number, unknown level         | 1, never seen                           |
| number                                 | 2 + how many edges are at or below it   |
| level                                  | as listed; 0 where it is a placeholder  |
| flag; multi column holds the value     | 2 for no, 3 for yes                     |
"""

from __future__ import annotations

import math
import sys
from bisect import bisect_right
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import inf, isfinite
from numbers import Integral
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from icp.errors import SchemaError
from icp.profile import MISSING, NEVER_SEEN
from icp.words import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from icp.profile import AttributeTable
    from icp.schema import Kind


def codes(schema: pl.Schema, tables: Sequence[AttributeTable], /) -> list[pl.Expr]:
    """One expression per table: its cell code per row, UInt32, never null.

    Elementwise, so that Polars' streaming engine runs them batch by batch. Columns
    that `schema` does not have give 0; a type that cannot be read raises SchemaError.

    >>> frame = pl.DataFrame({"staff": ["many"]})
    >>> from icp.profile import AttributeTable
    >>> row = {"points": (0,) * 3, "pooled": (0,) * 3, "best": (0,) * 3}
    >>> table = AttributeTable(
    ...     name="staff", column="staff", kind="number", cells=("any",), **row,
    ...     regrettable=(0,) * 3, information=0,
    ... )
    >>> codes(frame.schema, [table])
    Traceback (most recent call last):
    ...
    icp.errors.SchemaError: 1 column not of the type that the profile reads: \
'staff' (String, needs a number); import the file with icp.ingest, or cast it
    """
    return [coding.code for coding in codings(schema, tables)]


def code_matrix(
    frame: pl.DataFrame, tables: Sequence[AttributeTable], /
) -> NDArray[np.int32]:
    """The cell codes of a frame as rows x tables."""
    matrix = np.zeros((frame.height, len(tables)), dtype=np.int32, order="F")
    for place, code in enumerate(codes(frame.schema, tables)):
        matrix[:, place] = frame.select(code).to_series().to_numpy()
    return matrix


_CODE: Final = pl.UInt32


def codings(schema: pl.Schema, tables: Sequence[AttributeTable], /) -> list[Coding]:
    """How each table's cell code is found; as `codes`, step by step."""
    refuse_unreadable(schema, {table.column: table.kind for table in tables})
    return [
        _coding(table, schema[table.column])
        if table.column in schema
        else Coding(name=table.name, seat=pl.lit(MISSING, dtype=_CODE))
        for table in tables
    ]


def _coding(table: AttributeTable, dtype: pl.DataType) -> Coding:
    column = pl.col(table.column)
    if dtype == pl.Null:
        return Coding(name=table.name, seat=column.is_not_null().cast(_CODE))
    if table.kind.numeric:
        return _number_coding(column.cast(pl.Float64), table)
    if table.kind.has_levels:
        return _category_coding(levels_of(column, dtype), table)
    if table.kind.per_value:
        code = _multi_code(column, dtype, table.value or "")
        return Coding(name=table.name, seat=code)
    return Coding(name=table.name, seat=_flag_code(column, dtype))


def _number_coding(column: pl.Expr, table: AttributeTable) -> Coding:
    spread = grid(table.edges)
    if spread is None:
        return Coding(name=table.name, seat=_search(column, table.edges))
    number = column.fill_nan(None)
    return Coding(
        name=table.name,
        seat=spread.place(number),
        place=partial(spread.cell, number),
        codes=spread.codes,
    )


_FIRST: Final = NEVER_SEEN + 1


def _search(column: pl.Expr, edges: Sequence[float]) -> pl.Expr:
    cell = column.bin_intervals(edges, labels=False) if edges else pl.lit(0, _CODE)
    return (
        pl.when(column.is_finite())
        .then(cell + pl.lit(_FIRST, _CODE))
        .otherwise(column.is_infinite().fill_null(value=False).cast(_CODE))
    )


def _category_coding(column: pl.Expr, table: AttributeTable) -> Coding:
    levels = [level for level, _ in table.levels]
    codes = [code for _, code in table.levels]
    level = column.cast(pl.Enum(levels), strict=False).to_physical().cast(_CODE)
    beyond = column.is_null().cast(_CODE) + pl.lit(len(levels), _CODE)
    return Coding(
        name=table.name,
        seat=level.fill_null(beyond),
        codes=pl.Series([*codes, NEVER_SEEN, MISSING], dtype=_CODE),
    )


def _multi_code(column: pl.Expr, dtype: pl.DataType, value: str) -> pl.Expr:
    if isinstance(dtype, pl.List | pl.Array):
        has = column.cast(pl.List(pl.String)).list.contains(value)
    else:
        has = column.cast(pl.String) == value
    return _yes_no(has)


def _yes_no(flag: pl.Expr, otherwise: pl.Expr | int = MISSING) -> pl.Expr:
    return (flag.cast(_CODE) + pl.lit(_FIRST, _CODE)).fill_null(otherwise)


def _flag_code(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Boolean:
        return _yes_no(column)
    number = column.cast(pl.Float64)
    flag = pl.when((number == 0) | (number == 1)).then(number == 1)
    unknown = number.is_not_nan().cast(_CODE)
    return _yes_no(flag, otherwise=unknown.fill_null(MISSING))


@dataclass(frozen=True, kw_only=True)
class Coding:
    """A cell code in three steps, each quicker when it is a column of its own."""

    name: str
    seat: pl.Expr
    #: From the seat to the position in `codes`.
    place: Callable[[pl.Expr], pl.Expr] = lambda seat: seat
    #: The code at each position; None where the position is the code.
    codes: pl.Series | None = None

    def look_up(self, place: pl.Expr, /) -> pl.Expr:
        """The code from the position."""
        return place if self.codes is None else pl.lit(self.codes).gather(place)

    @property
    def code(self) -> pl.Expr:
        """All steps as one expression."""
        return self.look_up(self.place(self.seat)).alias(self.name)


def refuse_unreadable(schema: pl.Schema, columns: Mapping[str, Kind], /) -> None:
    """Raise SchemaError that names every column of an unusable type."""
    wrong = {
        f"{column!r} ({schema[column]}, needs {kind.noun})"
        for column, kind in columns.items()
        if column in schema and not _readable(schema[column], kind)
    }
    if wrong:
        message = (
            f"{plural(len(wrong), 'column')} not of the type that the profile reads: "
            f"{', '.join(sorted(wrong))}; import the file with icp.ingest, or cast it"
        )
        raise SchemaError(message)


def _readable(dtype: pl.DataType, kind: Kind) -> bool:
    if dtype == pl.Null:
        return True
    if kind.per_value:
        is_list = isinstance(dtype, pl.List | pl.Array)
        return _is_text(dtype.inner if is_list else dtype)  # type: ignore[attr-defined]  # isinstance above
    if kind.numeric or kind.yes_no:
        return dtype.is_numeric() or dtype == pl.Boolean
    return _is_text(dtype) or dtype.is_numeric() or dtype == pl.Boolean


def _is_text(dtype: object) -> bool:
    return isinstance(dtype, pl.String | pl.Categorical | pl.Enum | pl.Null)


#: Between these sizes Polars and Python write a float in the same way.
_LEAST_FLOAT_LEVEL: Final = 1e-4
_MOST_FLOAT_LEVEL: Final = 1e16
_UNWRITTEN: Final = "inf"


def levels_of(column: pl.Expr, dtype: pl.DataType, /) -> pl.Expr:
    """A category column as the texts by which its levels are known."""
    if not dtype.is_float() and not dtype.is_decimal():
        return column.cast(pl.String)
    number = column.cast(pl.Float64)
    plain = number.abs().is_between(_LEAST_FLOAT_LEVEL, _MOST_FLOAT_LEVEL, "left")
    other = pl.when(number.is_not_nan()).then(pl.lit(_UNWRITTEN))
    return pl.when(plain | (number == 0)).then(number.cast(pl.String)).otherwise(other)


def coder(table: AttributeTable, /) -> Callable[[object], int]:
    """The function from one value to its cell code; raises SchemaError like `codes`."""
    if table.kind.numeric:
        return _number_coder(table)
    if table.kind.has_levels:
        return _category_coder(table)
    return _multi_coder(table) if table.kind.per_value else _flag_coder(table)


def _number_coder(table: AttributeTable) -> Callable[[object], int]:
    edges = table.edges

    def code(value: object) -> int:
        if value is None:
            return MISSING
        number = value if value.__class__ is float else _number(value, table)
        if not isfinite(number):
            return MISSING if number != number else NEVER_SEEN
        return _FIRST + bisect_right(edges, number)

    return code


def _number(value: object, table: AttributeTable) -> float:
    if isinstance(value, str | bytes | bytearray):
        raise _unreadable(value, table)
    try:
        return float(value)  # type: ignore[arg-type]  # what is no number raises
    except OverflowError:
        return inf
    except (TypeError, ValueError) as error:
        raise _unreadable(value, table) from error


def _unreadable(value: object, table: AttributeTable) -> SchemaError:
    message = (
        f"{table.column!r} needs {table.kind.noun}, "
        f"not {type(value).__name__}; convert it before scoring"
    )
    return SchemaError(message)


def _category_coder(table: AttributeTable) -> Callable[[object], int]:
    codes: dict[object, int] = dict(table.levels)

    def code(value: object) -> int:
        level = value if value.__class__ is str else _level(value, table)
        return MISSING if level is None else codes.get(level, NEVER_SEEN)

    return code


def _level(value: object, table: AttributeTable) -> str | None:
    if value is None or isinstance(value, bool | np.bool_):
        return None if value is None else str(value).lower()
    if isinstance(value, str | Integral):
        return str(value)
    number = _number(value, table)
    if number != number:
        return None
    plain = _LEAST_FLOAT_LEVEL <= abs(number) < _MOST_FLOAT_LEVEL
    return repr(number) if plain or number == 0 else _UNWRITTEN


def _flag_coder(table: AttributeTable) -> Callable[[object], int]:
    def code(value: object) -> int:
        if value is None:
            return MISSING
        number = _number(value, table)
        if number in {0, 1}:
            return _FIRST + int(number)
        return MISSING if number != number else NEVER_SEEN

    return code


def _multi_coder(table: AttributeTable) -> Callable[[object], int]:
    own_value = table.value

    def code(value: object) -> int:
        if value is None:
            return MISSING
        if isinstance(value, str):
            return _FIRST + (value == own_value)
        if not isinstance(value, list | tuple | set | frozenset):
            raise _unreadable(value, table)
        return _FIRST + (own_value in value)

    return code


#: Below the border, at or above it, no number.
_ANSWERS: Final = pl.lit(3, _CODE)
_NO_NUMBER: Final = pl.lit(2, _CODE)


# A grid finds a number's cell among ascending edges by look-up instead of search:
#
#   edges          |      |   |         |            |        cells of unequal width
#   grid       . . . . . . . . . . . . . . . . . . . . . .    places of equal width
#
# A grid so fine that no place holds two edges leaves one comparison: with the edge in
# the number's own place. Subtraction, clipping, square root and multiplication never
# change the order of two numbers, so a number in a lower place than an edge is below
# it, whatever was rounded. Edges far denser at one end are spread by square roots
# first.


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Places 0 to `last`; the first and the last are the ends, without an edge."""

    least: float
    span: float
    #: How many square roots spread the edges.
    roots: int
    scale: float
    edges: tuple[float, ...]

    def place(self, number: pl.Expr, /) -> pl.Expr:
        """The place of a Float64 column without NaN, 0 for null: UInt32."""
        spread = (number.fill_null(self.least) - self.least).clip(0.0, self.span)
        for _ in range(self.roots):
            spread = spread.sqrt()
        return (spread * self.scale).cast(_CODE, wrap_numerical=True)

    def cell(self, number: pl.Expr, place: pl.Expr, /) -> pl.Expr:
        """The position in `codes`: the place, and whether its border is reached."""
        reached = (number >= pl.lit(self._borders()).gather(place)).cast(_CODE)
        return place * _ANSWERS + reached.fill_null(_NO_NUMBER)

    def places(self, numbers: Sequence[float], /) -> NDArray[np.int64]:
        """The places of finite numbers, by the same arithmetic."""
        spread = np.clip(np.array(numbers, np.float64) - self.least, 0.0, self.span)
        for _ in range(self.roots):
            spread = np.sqrt(spread)
        return (spread * self.scale).astype(np.int64)

    @property
    def last(self) -> int:
        """The place of all numbers far above the edges."""
        return int(self.places([self.least + self.span])[0])

    @property
    def exact(self) -> bool:
        """Whether no place holds two edges, and the first and last hold none."""
        places = [0, *self.places(self.edges).tolist(), self.last]
        return all(a < b for a, b in pairwise(places))

    def _borders(self) -> pl.Series:
        """The edge in each place; at the ends the bounds of finite numbers."""
        borders = np.full(self.last + 1, math.inf)
        borders[0] = -sys.float_info.max
        borders[self.places(self.edges)] = self.edges
        return pl.Series(borders)

    @property
    def codes(self) -> pl.Series:
        """The cell code below each place's border, from there on, and of no number."""
        borders = np.zeros(self.last + 1, dtype=np.int64)
        borders[self.places(self.edges)] = 1
        reached = _FIRST + np.cumsum(borders)
        codes = np.column_stack([reached - borders, reached, 0 * borders + MISSING])
        codes[0, 0] = codes[-1, 1] = NEVER_SEEN
        return pl.Series(codes.ravel(), dtype=_CODE)


_FEW_PLACES: Final = 4_096
_MOST_ROOTS: Final = 4


def grid(edges: Sequence[float], /) -> Grid | None:
    """The smallest grid for ascending edges; None where they are too unequal."""
    candidates = (_spread(edges, roots) for roots in range(_MOST_ROOTS))
    grids = [candidate for candidate in candidates if candidate]
    few = (candidate for candidate in grids if candidate.last <= _FEW_PLACES)
    return next(few, min(grids, key=lambda candidate: candidate.last, default=None))


_MOST_PLACES: Final = 65_536
#: A little finer than the closest edges, so that rounding cannot join them.
_FINER: Final = 1.01


def _spread(edges: Sequence[float], roots: int) -> Grid | None:
    if not edges:
        return None
    gaps = [b - a for a, b in pairwise(edges)] or [abs(edges[0]) + 1.0]
    # Even places need least room at the ends; a root takes most of it where it begins.
    before, behind = (gaps[0], gaps[-1]) if roots else (min(gaps), min(gaps))
    least = edges[0] - before
    span = edges[-1] + behind - least
    power = 0.5**roots
    marks = [0.0, *((edge - least) ** power for edge in edges), span**power]
    narrowest = min(b - a for a, b in pairwise(marks))
    if not (math.isfinite(span) and narrowest * _MOST_PLACES > marks[-1]):
        return None
    candidate = Grid(
        least=least,
        span=span,
        roots=roots,
        scale=_FINER / narrowest,
        edges=tuple(edges),
    )
    return candidate if math.isfinite(candidate.scale) and candidate.exact else None
