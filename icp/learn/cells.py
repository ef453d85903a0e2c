"""Cutting attributes into cells, and customers into cell codes in a canonical order.

Edges and level pools are chosen on all closed customers without looking at outcomes,
so that they leak nothing into cross-validation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from icp.profile import AttributeTable
from icp.scoring.cells import code_matrix, levels_of, refuse_unreadable
from icp.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from icp.schema import AccountSchema, Attribute
    from icp.stats import Codes, Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Cells:
    """The closed customers as cell codes.

    `codes` is rows x tables; `positions` maps each table's cell to its place on the
    transformed number line (NaN where it has none); `rows` says which row of the
    frame each row of `codes` was.
    """

    tables: tuple[AttributeTable, ...]
    codes: Codes
    positions: tuple[Floats, ...]
    rows: Ints

    def select(self, keep: list[int], /) -> Cells:
        """The same rows with only some tables."""
        return replace(
            self,
            tables=tuple(self.tables[j] for j in keep),
            codes=np.ascontiguousarray(self.codes[:, keep]),
            positions=tuple(self.positions[j] for j in keep),
        )


class Draft(NamedTuple):
    """A table without points, and where its cells lie on the number line."""

    table: AttributeTable
    positions: Floats


def draft_tables(
    frame: pl.DataFrame, schema: AccountSchema, /, *, min_level: int, max_levels: int
) -> list[Draft]:
    """Cut every learnable attribute of the closed customers; sorted by name.

    Raises SchemaError where a column's type cannot be read as its kind.
    """
    learnable = schema.learnable
    refuse_unreadable(frame.schema, {a.name: a.kind for a in learnable})
    drafts = [
        draft
        for attribute in learnable
        for draft in _drafts(frame, attribute, min_level, max_levels)
    ]
    drafts.sort(key=lambda draft: (draft.table.name, draft.table.column))
    return list(_of_one_name_each(drafts))


def _drafts(
    frame: pl.DataFrame, attribute: Attribute, min_level: int, max_levels: int
) -> Iterator[Draft]:
    values = frame[attribute.name].alias("level")
    if attribute.kind.numeric:
        yield _number_draft(attribute, values)
    elif attribute.kind.per_value:
        yield from _multi_drafts(attribute, values)
    elif attribute.kind.yes_no:
        yield _draft(attribute, attribute.name, ("no", "yes"))
    else:
        yield _category_draft(attribute, values, min_level, max_levels)


def _number_draft(attribute: Attribute, values: pl.Series) -> Draft:
    numbers = values.cast(pl.Float64).drop_nulls().to_numpy()
    ordered = np.sort(numbers[np.isfinite(numbers)])
    edges = number_edges(ordered, cells=cells_for(len(ordered)))
    starts = np.searchsorted(ordered, edges, side="left")
    names = _number_names(ordered, starts)
    positions = _positions(ordered, starts)
    return _draft(
        attribute,
        attribute.name,
        names,
        edges=tuple(edges.tolist()),
        positions=positions,
    )


def _number_names(ordered: Floats, starts: Ints) -> tuple[str, ...]:
    if not len(starts):
        return ("any",)
    text = _year_text if _are_years(ordered) else _number_text
    bounds = [0, *starts.tolist(), len(ordered)]
    spans = [(ordered[a], ordered[b - 1]) for a, b in pairwise(bounds)]
    texts = [(text(a), text(b)) for a, b in spans]
    middle = [a if a == b else f"{a} to {b}" for a, b in texts[1:-1]]
    return (f"up to {texts[0][1]}", *middle, f"{texts[-1][0]} or more")


def _year_text(value: float) -> str:
    return str(int(value))


_YEARS = (1700, 2100)


def _are_years(ordered: Floats) -> bool:
    low, high = _YEARS
    return bool(ordered[0] >= low and ordered[-1] <= high and not (ordered % 1).any())


_SPELT_OUT = 1e15


def _number_text(value: float) -> str:
    if abs(value) < _SPELT_OUT and (value == int(value) or abs(value) >= 100):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _positions(ordered: Floats, starts: Ints) -> Floats:
    """Mean transformed value of each cell, standardised; NaN for codes 0 and 1.

    Skewed non-negative numbers are taken as ln(1 + x / median of the positive ones),
    which is free of units; others as they are, clipped to their 1st and 99th
    percentile so that one outlier does not flatten the rest.
    """
    positions = np.full(3 + len(starts), np.nan)
    if not len(starts):
        return positions
    # A power of two takes the unit out exactly, and keeps sums from overflowing.
    size = np.frexp(np.abs(ordered).max())[1]
    shape = _transform(np.ldexp(ordered, -size))
    bounds = np.concatenate([[0], starts])
    sizes = np.diff([*bounds, len(ordered)])
    means = np.add.reduceat(shape, bounds) / sizes
    centre = (means * sizes).sum() / len(ordered)
    spread = np.sqrt(((means - centre) ** 2 * sizes).sum() / len(ordered))
    positions[2:] = (means - centre) / (spread or 1.0)
    return positions


_LEAST_MEDIAN = 1e-300


def _transform(ordered: Floats) -> Floats:
    positive = ordered[ordered > 0]
    skewed = len(positive) > 0 and ordered.mean() > 1.2 * np.median(ordered)
    if ordered[0] >= 0 and skewed:
        median = max(float(positive[len(positive) // 2]), _LEAST_MEDIAN)
        return np.asarray(np.log1p(ordered / median))
    low, high = ordered[len(ordered) // 100], ordered[-1 - len(ordered) // 100]
    return np.clip(ordered, low, high) if low < high else ordered


def _draft(
    attribute: Attribute,
    name: str,
    cells: tuple[str, ...],
    *,
    value: str | None = None,
    levels: tuple[tuple[str, int], ...] = (),
    edges: tuple[float, ...] = (),
    positions: Floats | None = None,
) -> Draft:
    blank = (0,) * (2 + len(cells))
    table = AttributeTable(
        name=name,
        column=attribute.name,
        kind=attribute.kind,
        value=value,
        title=attribute.title if value is None else f"{attribute.title}: {value}",
        unit=attribute.unit,
        levels=levels,
        edges=edges,
        cells=cells,
        points=blank,
        pooled=blank,
        best=blank,
        regrettable=blank,
        information=0,
    )
    nowhere = np.full(2 + len(cells), np.nan)
    return Draft(table, nowhere if positions is None else positions)


_MULTI_SHARE = 0.03
_MAX_MULTI_VALUES = 40


def _multi_drafts(attribute: Attribute, values: pl.Series) -> Iterator[Draft]:
    lists = _lists(values).drop_nulls()
    counts = _level_counts(lists.list.unique().explode())
    least = max(3, math.ceil(_MULTI_SHARE * len(lists)))
    for value in sorted(_common(counts, least, _MAX_MULTI_VALUES)):
        name = f"{attribute.name}={value}"
        yield _draft(attribute, name, ("no", "yes"), value=value)


def _lists(values: pl.Series) -> pl.Series:
    """Lists of texts; a single text is a list of one."""
    if isinstance(values.dtype, pl.List | pl.Array):
        return values.cast(pl.List(pl.String))
    alone = pl.concat_list(pl.col("level").cast(pl.String))
    lists = pl.when(pl.col("level").is_not_null()).then(alone)
    return values.to_frame().select(level=lists).to_series()


def _level_counts(levels: pl.Series) -> list[tuple[str, int]]:
    """The levels that say something with their counts, commonest first."""
    counts = levels.drop_nulls().value_counts(name="customers")
    ordered = counts.sort("customers", levels.name, descending=[True, False])
    return [(level, n) for level, n in ordered.iter_rows() if not is_placeholder(level)]


def _common(counts: list[tuple[str, int]], least: int, most: int) -> list[str]:
    """The commonest levels; levels of equal count are kept or left out together."""
    common = [count for _, count in counts if count >= least]
    if len(common) > most:
        least = common[most] + 1
    return [level for level, count in counts if count >= least]


def _category_draft(
    attribute: Attribute, values: pl.Series, min_level: int, max_levels: int
) -> Draft:
    frame = values.to_frame().select(levels_of(pl.col("level"), values.dtype))
    texts = frame.to_series()
    counts = _level_counts(texts)
    common = _common(counts, min_level, max_levels)
    code_of = {level: 2 + place for place, level in enumerate(common)}
    rest = [level for level, _ in counts[len(common) :]]
    cells = (*common, _other_name(rest, common)) if rest else tuple(common)
    code_of |= dict.fromkeys(rest, 2 + len(common))
    distinct = texts.unique().drop_nulls()
    code_of |= {level: 0 for level in distinct if is_placeholder(level)}
    levels = tuple(sorted(code_of.items()))
    return _draft(attribute, attribute.name, cells, levels=levels)


_OTHER = "other"


def _other_name(rest: list[str], names: list[str]) -> str:
    if len(rest) == 1:
        return rest[0]
    name = f"{_OTHER} ({plural(len(rest), 'rare one')})"
    return name if name not in names else f"{name} together"


def _of_one_name_each(drafts: list[Draft]) -> Iterator[Draft]:
    """A column "tools=SAP" beside the value SAP of "tools" gets a name of its own.

    So does one that is called as "size" and "tools=SAP" are together: "size*tools=SAP".
    """
    unique = {"base"}
    names = {draft.table.name for draft in drafts}
    for table, positions in drafts:
        name = table.name
        while name in unique or _is_of_two(name, names):
            name += "'"
        unique.add(name)
        same = name == table.name
        yield Draft(
            table if same else table.model_copy(update={"name": name}), positions
        )


def _is_of_two(name: str, names: set[str]) -> bool:
    """Whether two of the names might be a pair of this name."""
    places = [place for place, letter in enumerate(name) if letter == "*"]
    return any(name[:at] in names and name[at + 1 :] in names for at in places)


def build_cells(
    frame: pl.DataFrame,
    drafts: list[Draft],
    labels: NDArray[np.int8],
    /,
    *,
    groups: Ints | None = None,
) -> Cells:
    """Look up every customer's cell codes and put rows and levels in order.

    `labels` is a small integer per row (its outcome); 0 and 1 may change places.
    `groups` numbers rows that belong together. Both take part in ordering rows, never
    in choosing cells.
    """
    tables = tuple(draft.table for draft in drafts)
    cells = Cells(
        tables=tables,
        codes=code_matrix(frame, tables),
        positions=tuple(draft.positions for draft in drafts),
        rows=np.arange(frame.height),
    )
    return canonical_order(cells, labels, groups=groups)


#: Texts that say "not answered"; compared stripped and without case.
PLACEHOLDERS = frozenset(
    {
        *("", "-", "--", "---", ".", "?", "#n/a", "n/a", "n.a.", "na", "nan", "null"),
        *("none", "nil", "missing", "select", "please select", "(blank)", "unknown"),
        *("not known", "not specified", "not available", "tbd", "tbc", "undefined"),
    }
)


def is_placeholder(level: str, /) -> bool:
    """Whether a text says that nobody answered.

    >>> is_placeholder(" Select "), is_placeholder("Selected")
    (True, False)
    """
    return level.strip().casefold() in PLACEHOLDERS


def cells_for(count: int, /) -> int:
    """How many cells a number of known values carries.

    >>> [cells_for(n) for n in (30, 400, 4_000, 40_000)]
    [8, 12, 24, 48]
    """
    limits = ((40, 8), (1_000, 12), (3_000, 16), (10_000, 24), (30_000, 32))
    return next((cells for limit, cells in limits if count < limit), 48)


def number_edges(ordered: Floats, /, *, cells: int) -> Floats:
    """Edges between distinct values, nearest to equal counts per cell.

    `ordered` ascends and is finite. Each edge is the midpoint of two neighbouring
    values, so that scaling by a power of two scales it exactly. Fewer edges come back
    where there are fewer distinct values; none where there are no two.

    >>> number_edges(np.array([1.0, 1.0, 2.0, 8.0]), cells=3).tolist()
    [1.5, 5.0]
    """
    distinct, counts = np.unique(ordered, return_counts=True)
    if len(distinct) < 2:
        return np.empty(0)
    upto = np.cumsum(counts)[:-1]
    if len(distinct) <= cells:
        places = np.arange(len(upto))
    else:
        targets = len(ordered) * np.arange(1, cells) / cells
        after = np.searchsorted(upto, targets)
        before = np.maximum(after - 1, 0)
        after = np.minimum(after, len(upto) - 1)
        nearer = targets - upto[before] <= upto[after] - targets
        places = np.unique(np.where(nearer, before, after))
    low, high = distinct[places], distinct[places + 1]
    middle = low / 2 + high / 2
    return np.where(middle > low, middle, high)


# Colour refinement (Weisfeiler & Lehman 1968): a row's colour is made of its levels'
# colours, a level's colour of its rows'. Sums of random draws, folds and floating-point
# additions follow this order, so that renaming a category, or exporting in another
# order, gives the same profile to the last digit.


def canonical_order(
    cells: Cells, labels: NDArray[np.int8], /, *, groups: Ints | None = None
) -> Cells:
    """The same cells with tables, levels and rows in an order of their own.

    Levels come by how many customers have them, pooled rare ones last; so do the
    values of a multi column. Exchanging the labels 0 and 1 changes nothing. Rows that
    are alike come by their group.
    """
    refined = (_refine_colours(cells, side) for side in _sides(labels))
    row_colours, level_colours = min(
        refined, key=lambda colours: np.sort(colours[0]).tolist()
    )
    tables, codes = [], cells.codes.copy()
    for j, table in enumerate(cells.tables):
        if not table.kind.has_levels:
            tables.append(table)
            continue
        code_map = _new_codes(table, cells.codes[:, j], level_colours[j])
        tables.append(_renumber(table, code_map))
        codes[:, j] = code_map[cells.codes[:, j]]
    by_name = _first_tie(cells, level_colours) is not None
    order = _row_order(row_colours, groups, codes if by_name else codes[:, :0])
    ordered = replace(
        cells,
        tables=tuple(tables),
        codes=np.ascontiguousarray(codes[order]),
        rows=cells.rows[order],
    )
    return ordered.select(_table_order(ordered, level_colours))


_MOST_TIES = 50


def _refine_colours(
    cells: Cells, labels: NDArray[np.int8]
) -> tuple[NDArray[np.uint64], list[NDArray[np.uint64]]]:
    """Colours of rows and levels that do not depend on names or row order.

    Levels that are still alike play the same part in the data, so that it does not
    matter which of them comes first: one is singled out and the rest follows.
    """
    start = _mix(labels.astype(np.uint64), 1)
    levels = [_first_colours(table) for table in cells.tables]
    _refine(cells, start, levels)
    for number in range(_MOST_TIES):
        tie = _first_tie(cells, levels)
        if tie is None:
            break
        table, code = tie
        levels[table][code] ^= np.uint64(number + 1)
        _refine(cells, start, levels)
    return _row_colours(cells, start, levels), levels


def _mix(values: NDArray[np.uint64], salt: int) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea & Flood 2014), modulo 2**64."""
    shift = np.uint64((0x9E3779B97F4A7C15 * (salt + 1)) % 2**64)
    x = values + shift
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))


def _first_name(table: AttributeTable) -> int:
    """The first code whose cell's name may change; earlier ones mean the same."""
    if table.kind.has_levels:
        return 2
    return 3 if table.kind.per_value else table.size


def _first_colours(table: AttributeTable) -> NDArray[np.uint64]:
    colours = np.arange(table.size, dtype=np.uint64)
    first = _first_name(table)
    colours[first:] = first
    return colours


_ROUNDS = 3


def _refine(
    cells: Cells, start: NDArray[np.uint64], levels: list[NDArray[np.uint64]]
) -> None:
    """Bring the colours of levels up to date in place."""
    for _ in range(_ROUNDS):
        rows = _row_colours(cells, start, levels)
        for j, table in enumerate(cells.tables):
            fixed = _first_name(table)
            if fixed < table.size:
                sums = np.zeros(table.size, dtype=np.uint64)
                np.add.at(sums, cells.codes[:, j], rows)
                sums[:fixed] = np.arange(fixed)
                levels[j] = sums


def _row_colours(
    cells: Cells, start: NDArray[np.uint64], levels: list[NDArray[np.uint64]]
) -> NDArray[np.uint64]:
    columns = sorted({table.column for table in cells.tables})
    rows = start.copy()
    for j, (table, colours) in enumerate(zip(cells.tables, levels, strict=True)):
        salt = 2 + columns.index(table.column)
        rows += _mix(colours, salt)[cells.codes[:, j]]
    return _mix(rows, 0)


def _first_tie(
    cells: Cells, levels: list[NDArray[np.uint64]]
) -> tuple[int, int] | None:
    """Table and code of the first by name among levels of one colour, if any."""
    families: dict[str, dict[int, list[tuple[str, int, int]]]] = {}
    for j, table in enumerate(cells.tables):
        for code in range(_first_name(table), table.size):
            alike = families.setdefault(table.column, {})
            name = table.value or table.cells[code - 2]
            alike.setdefault(int(levels[j][code]), []).append((name, j, code))
    for _, alike in sorted(families.items()):
        for _, tied in sorted(alike.items()):
            if len(tied) > 1:
                _, table_place, code = min(tied)
                return table_place, code
    return None


def _sides(labels: NDArray[np.int8]) -> list[NDArray[np.int8]]:
    """The labels with 0 in the majority; both ways round where neither is."""
    swapped = np.where(labels < 2, 1 - labels, labels)
    zeros, ones = (labels == 0).sum(), (labels == 1).sum()
    if zeros == ones:
        return [labels, swapped]
    return [labels if zeros > ones else swapped]


def _new_codes(
    table: AttributeTable, codes: Codes, colours: NDArray[np.uint64]
) -> Codes:
    counts = np.bincount(codes, minlength=table.size)
    pooled = np.bincount([code for _, code in table.levels], minlength=table.size) > 1

    def place(code: int) -> tuple[bool, int, int, str]:
        name = table.cells[code - 2]
        return bool(pooled[code]), -int(counts[code]), int(colours[code]), name

    ranked = sorted(range(2, table.size), key=place)
    moved = np.arange(table.size, dtype=np.int32)
    moved[ranked] = np.arange(2, table.size)
    return moved


def _renumber(table: AttributeTable, moved: Codes) -> AttributeTable:
    cells = dict(zip(moved[2:].tolist(), table.cells, strict=True))
    return table.model_copy(
        update={
            "levels": tuple((level, int(moved[code])) for level, code in table.levels),
            "cells": tuple(cells[code] for code in sorted(cells)),
        }
    )


def _row_order(colours: NDArray[np.uint64], groups: Ints | None, codes: Codes) -> Ints:
    """By colour; among rows of one colour by their codes, then by their group."""
    if groups is None:
        return np.lexsort((*codes.T, colours))
    _, numbers = np.unique(groups, return_inverse=True)
    sums = np.zeros(int(numbers.max(initial=0)) + 1, dtype=np.uint64)
    np.add.at(sums, numbers, _mix(colours, 1))
    return np.lexsort((numbers, sums[numbers], *codes.T, colours))


def _table_order(cells: Cells, levels: list[NDArray[np.uint64]]) -> list[int]:
    def place(j: int) -> tuple[str, int, int, str]:
        table = cells.tables[j]
        holders = int((cells.codes[:, j] == 3).sum())
        return table.column, -holders, int(levels[j][-1]), table.name

    return sorted(range(len(cells.tables)), key=place)
