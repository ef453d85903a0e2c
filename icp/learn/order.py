"""An order of rows and levels that depends on neither names nor the export.

Colour refinement (Weisfeiler & Lehman 1968): a row's colour is made of its levels'
colours, a level's colour of its rows'. Sums of random draws, folds and floating-point
additions follow this order, so that renaming a category, or exporting in another
order, gives the same profile to the last digit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from icp.schema import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from icp.learn.cells import Cells
    from icp.profile import AttributeTable

__all__ = ["in_canonical_order"]

_ROUNDS = 3
_MOST_TIES = 50
#: The first code whose cell has a name that may change; earlier ones mean the same.
_NAMED_FROM = {Kind.CATEGORY: 2, Kind.MULTI: 3}


def in_canonical_order(
    cells: Cells,
    labels: NDArray[np.int8],
    /,
    *,
    groups: NDArray[np.int64] | None = None,
) -> Cells:
    """The same cells with tables, levels and rows in an order of their own.

    Levels come by how many customers have them, pooled rare ones last; so do the
    values of a multi column. Exchanging the labels 0 and 1 changes nothing. Rows that
    are alike come by their group.
    """
    refined = (_refined(cells, side) for side in _sides(labels))
    row_colours, level_colours = min(
        refined, key=lambda found: np.sort(found[0]).tolist()
    )
    tables, codes = [], cells.codes.copy()
    for j, table in enumerate(cells.tables):
        if table.kind is not Kind.CATEGORY:
            tables.append(table)
            continue
        moved = _new_codes(table, cells.codes[:, j], level_colours[j])
        tables.append(_renumbered(table, moved))
        codes[:, j] = moved[cells.codes[:, j]]
    named = _first_tie(cells, level_colours) is not None
    order = _row_order(row_colours, groups, codes if named else codes[:, :0])
    ordered = replace(
        cells,
        tables=tuple(tables),
        codes=np.ascontiguousarray(codes[order]),
        rows=cells.rows[order],
    )
    return ordered.select(_table_order(ordered, level_colours))


def _sides(labels: NDArray[np.int8]) -> list[NDArray[np.int8]]:
    """The labels with 0 in the majority; both ways round where neither is."""
    swapped = np.where(labels < 2, 1 - labels, labels)
    zeros, ones = (labels == 0).sum(), (labels == 1).sum()
    if zeros == ones:
        return [labels, swapped]
    return [labels if zeros > ones else swapped]


def _row_order(
    colours: NDArray[np.uint64],
    groups: NDArray[np.int64] | None,
    codes: NDArray[np.int32],
) -> NDArray[np.int64]:
    """By colour; among rows of one colour by their codes, then by their group."""
    if groups is None:
        return np.lexsort((*codes.T, colours))
    _, numbers = np.unique(groups, return_inverse=True)
    sums = np.zeros(int(numbers.max(initial=0)) + 1, dtype=np.uint64)
    np.add.at(sums, numbers, _mixed(colours, 1))
    return np.lexsort((numbers, sums[numbers], *codes.T, colours))


def _table_order(cells: Cells, levels: list[NDArray[np.uint64]]) -> list[int]:
    def place(j: int) -> tuple[str, int, int, str]:
        table = cells.tables[j]
        holders = int((cells.codes[:, j] == 3).sum())
        return table.column, -holders, int(levels[j][-1]), table.name

    return sorted(range(len(cells.tables)), key=place)


def _refined(
    cells: Cells, labels: NDArray[np.int8]
) -> tuple[NDArray[np.uint64], list[NDArray[np.uint64]]]:
    """Colours of rows and levels that do not depend on names or row order.

    Levels that are still alike play the same part in the data, so that it does not
    matter which of them comes first: one is singled out and the rest follows.
    """
    start = _mixed(labels.astype(np.uint64), 1)
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


def _row_colours(
    cells: Cells, start: NDArray[np.uint64], levels: list[NDArray[np.uint64]]
) -> NDArray[np.uint64]:
    columns = sorted({table.column for table in cells.tables})
    rows = start.copy()
    for j, (table, colours) in enumerate(zip(cells.tables, levels, strict=True)):
        salt = 2 + columns.index(table.column)
        rows += _mixed(colours, salt)[cells.codes[:, j]]
    return _mixed(rows, 0)


def _refine(
    cells: Cells, start: NDArray[np.uint64], levels: list[NDArray[np.uint64]]
) -> None:
    """Bring the colours of levels up to date in place."""
    for _ in range(_ROUNDS):
        rows = _row_colours(cells, start, levels)
        for j, table in enumerate(cells.tables):
            if table.kind in _NAMED_FROM:
                sums = np.zeros(table.size, dtype=np.uint64)
                np.add.at(sums, cells.codes[:, j], rows)
                fixed = _NAMED_FROM[table.kind]
                sums[:fixed] = np.arange(fixed)
                levels[j] = sums


def _first_tie(
    cells: Cells, levels: list[NDArray[np.uint64]]
) -> tuple[int, int] | None:
    """Table and code of the first by name among levels of one colour, if any."""
    families: dict[str, dict[int, list[tuple[str, int, int]]]] = {}
    for j, table in enumerate(cells.tables):
        for code in range(_NAMED_FROM.get(table.kind, table.size), table.size):
            alike = families.setdefault(table.column, {})
            name = table.value or table.cells[code - 2]
            alike.setdefault(int(levels[j][code]), []).append((name, j, code))
    for _, alike in sorted(families.items()):
        for _, tied in sorted(alike.items()):
            if len(tied) > 1:
                _, table_place, code = min(tied)
                return table_place, code
    return None


def _first_colours(table: AttributeTable) -> NDArray[np.uint64]:
    colours = np.arange(table.size, dtype=np.uint64)
    named = _NAMED_FROM.get(table.kind, table.size)
    colours[named:] = named
    return colours


def _mixed(values: NDArray[np.uint64], salt: int) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea & Flood 2014), modulo 2**64."""
    shift = np.uint64((0x9E3779B97F4A7C15 * (salt + 1)) % 2**64)
    x = values + shift
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))


def _new_codes(
    table: AttributeTable, codes: NDArray[np.int32], colours: NDArray[np.uint64]
) -> NDArray[np.int32]:
    counts = np.bincount(codes, minlength=table.size)
    pooled = np.bincount([code for _, code in table.levels], minlength=table.size) > 1

    def place(code: int) -> tuple[bool, int, int, str]:
        name = table.cells[code - 2]
        return bool(pooled[code]), -int(counts[code]), int(colours[code]), name

    ranked = sorted(range(2, table.size), key=place)
    moved = np.arange(table.size, dtype=np.int32)
    moved[ranked] = np.arange(2, table.size)
    return moved


def _renumbered(table: AttributeTable, moved: NDArray[np.int32]) -> AttributeTable:
    cells = dict(zip(moved[2:].tolist(), table.cells, strict=True))
    return table.model_copy(
        update={
            "levels": tuple((level, int(moved[code])) for level, code in table.levels),
            "cells": tuple(cells[code] for code in sorted(cells)),
        }
    )
