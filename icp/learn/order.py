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


def in_canonical_order(cells: Cells, labels: NDArray[np.int8], /) -> Cells:
    """The same cells with levels renumbered and rows sorted canonically.

    Levels come by how many customers have them, pooled rare ones last.
    """
    row_colours, level_colours = _refined(cells, labels)
    tables, codes = [], cells.codes.copy()
    for j, table in enumerate(cells.tables):
        if table.kind is not Kind.CATEGORY:
            tables.append(table)
            continue
        moved = _new_codes(table, cells.codes[:, j], level_colours[j])
        tables.append(_renumbered(table, moved))
        codes[:, j] = moved[cells.codes[:, j]]
    order = np.argsort(row_colours, kind="stable")
    return replace(
        cells,
        tables=tuple(tables),
        codes=np.ascontiguousarray(codes[order]),
        rows=cells.rows[order],
        colours=row_colours[order],
    )


def _refined(
    cells: Cells, labels: NDArray[np.int8]
) -> tuple[NDArray[np.uint64], list[NDArray[np.uint64]]]:
    """Colours of rows and levels that do not depend on names or row order.

    Levels that are still alike play the same part in the data, so that it does not
    matter which of them comes first: one is singled out and the rest follows.
    """
    start = _mixed(labels.astype(np.uint64), 1)
    levels = [_first_colours(table) for table in cells.tables]
    rows = _refine(cells, start, levels)
    for number in range(_MOST_TIES):
        tie = _first_tie(cells, levels)
        if tie is None:
            break
        table, code = tie
        levels[table][code] ^= np.uint64(number + 1)
        rows = _refine(cells, start, levels)
    return rows, levels


def _refine(
    cells: Cells, start: NDArray[np.uint64], levels: list[NDArray[np.uint64]]
) -> NDArray[np.uint64]:
    """Colours of rows; the colours of levels are brought up to date in place."""
    rows = start
    for _ in range(_ROUNDS):
        rows = start.copy()
        for j, colours in enumerate(levels):
            rows += _mixed(colours[cells.codes[:, j]], 2 + j)
        rows = _mixed(rows, 0)
        for j, table in enumerate(cells.tables):
            if table.kind is Kind.CATEGORY:
                sums = np.zeros(table.size, dtype=np.uint64)
                np.add.at(sums, cells.codes[:, j], rows)
                sums[:2] = (0, 1)
                levels[j] = sums
    return rows


def _first_tie(
    cells: Cells, levels: list[NDArray[np.uint64]]
) -> tuple[int, int] | None:
    """Table and code of the first by name among levels of one colour, if any."""
    for j, table in enumerate(cells.tables):
        if table.kind is Kind.CATEGORY:
            colours = levels[j][2:]
            values, counts = np.unique(colours, return_counts=True)
            if (counts > 1).any():
                tied = np.flatnonzero(colours == values[counts > 1][0])
                code = min(tied.tolist(), key=lambda place: table.cells[place])
                return j, 2 + code
    return None


def _first_colours(table: AttributeTable) -> NDArray[np.uint64]:
    colours = np.arange(table.size, dtype=np.uint64)
    if table.kind is Kind.CATEGORY:
        colours[2:] = 2
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
