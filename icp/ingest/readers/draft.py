"""A table in the making: rows are taken out of a grid until only its own are left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from icp.ingest.readers.grid import LAST, Fates, Grid, Record, as_records, frame_of
from icp.ingest.readers.shapes import Shape, shapes_of
from icp.ingest.result import LINE, AsideLine, Original, QuarantinedRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from icp.ingest.readers.notes import Notes
    from icp.ingest.readers.options import ReadOptions
    from icp.ingest.result import AsideKind, Ledger

__all__ = ["Draft"]

_SAMPLE = 400
_LISTED = 2_000


class Draft:
    """The rows still to be placed, and where all others went."""

    def __init__(self, grid: Grid, notes: Notes, options: ReadOptions, /) -> None:
        self.grid = grid
        self.notes = notes
        self.options = options
        self.rows = grid.rows
        self.odd = list(grid.odd)
        self.aside: list[AsideLine] = []
        self.quarantined: list[QuarantinedRow] = []
        self._fates = Fates(grid.lines)
        self._fates.decide(grid.blank, "blank")
        self._placed: list[Record] = []
        self._mended: set[int] = set()
        self.blank = set(grid.blank)
        self._drop_blank_rows()

    @property
    def width(self) -> int:
        """How many cells a row of the table has."""
        return self.grid.width

    def shapes(self) -> list[Shape]:
        """What the columns look like, from rows spread over the table."""
        step = max(1, self.rows.height // _SAMPLE)
        sample = as_records(self.rows.gather_every(step).head(2 * _SAMPLE))
        return shapes_of([record.cells for record in sample], width=self.width)

    def records(self, *, first: int = 1, count: int = 60) -> list[Record]:
        """The next `count` undecided rows from line `first`, regular and odd."""
        rows = as_records(self.rows.filter(pl.col(LINE) >= first).head(count))
        odd = [record for record in self.odd if record.line >= first][:count]
        return sorted([*rows, *odd], key=lambda record: record.line)[:count]

    def above(self, line: int, /) -> list[Record]:
        """All undecided records above a line."""
        rows = as_records(self.rows.filter(pl.col(LINE) < line))
        odd = [record for record in self.odd if record.line < line]
        return sorted([*rows, *odd], key=lambda record: record.line)

    def set_aside(self, records: Iterable[Record], kind: AsideKind, /) -> None:
        """Take records out of the table and say what they are."""
        taken = list(records)
        for record in taken:
            lines = range(record.line, record.last_line + 1)
            self._fates.decide(lines, "other_tables" if kind == "other_table" else kind)
            if len(self.aside) < _LISTED:
                raw = self.grid.raw(record.line, record.last_line)
                self.aside.append(AsideLine(line=record.line, kind=kind, raw=raw))
        self._forget({record.line for record in taken})

    def set_lines_aside(self, lines: Iterable[int], kind: AsideKind, /) -> None:
        """Take lines that are no records (such as `sep=;`) out of the table."""
        for line in lines:
            self._fates.decide([line], kind)
            raw = self.grid.raw(line, line)
            self.aside.append(AsideLine(line=line, kind=kind, raw=raw))

    def quarantine(self, record: Record, reason: str, /) -> None:
        """Keep a row out of the table exactly as it came."""
        lines = range(record.line, record.last_line + 1)
        self._fates.decide(lines, "quarantined")
        self.quarantined.append(
            QuarantinedRow(
                line=record.line,
                last_line=record.last_line,
                raw=self.grid.raw(record.line, record.last_line),
                reason=reason,
            )
        )

    def mend(self, record: Record, cells: tuple[str, ...], /) -> None:
        """Use an odd row with the cells of its one possible reading."""
        lines = range(record.line, record.last_line + 1)
        self._fates.decide(lines, "repaired")
        self._mended.add(record.line)
        self._placed.append(
            Record(line=record.line, last_line=record.last_line, cells=cells)
        )

    def accept(self, record: Record, cells: tuple[str, ...], /) -> None:
        """Use an odd row that only lacks or repeats empty cells at its end."""
        self._fates.decide(range(record.line, record.last_line + 1), "used")
        self._placed.append(
            Record(line=record.line, last_line=record.last_line, cells=cells)
        )

    def finish(self) -> tuple[pl.DataFrame, Ledger, Original]:
        """All rows in the source's order, the balanced ledger, and the rows' text."""
        self._fates.decide(self.rows[LINE].to_numpy(), "used")
        spanning = self.rows.filter(pl.col(LAST) > pl.col(LINE)).select(LINE, LAST)
        for line, end in spanning.iter_rows():
            self._fates.decide(range(line + 1, end + 1), "used")
        placed = frame_of(self._placed, width=self.width)
        rows = pl.concat([self.rows, placed]).sort(LINE)
        self.aside.sort(key=lambda item: item.line)
        self.quarantined.sort(key=lambda item: item.line)
        ends = dict(rows.filter(pl.col(LAST) > pl.col(LINE)).select(LINE, LAST).rows())
        original = Original(
            text=self.grid.raw, ends=ends, repaired=frozenset(self._mended)
        )
        return rows, self._fates.ledger(), original

    def _drop_blank_rows(self) -> None:
        cells = pl.all().exclude(LINE, LAST)
        blank = self.rows.filter(
            pl.all_horizontal(cells.is_null() | (cells.str.strip_chars() == ""))
        )
        if not blank.height:
            return
        for record in as_records(blank):
            lines = range(record.line, record.last_line + 1)
            self._fates.decide(lines, "blank")
            self.blank.update(lines)
        self._forget(set(blank[LINE].to_list()))

    def _forget(self, lines: set[int]) -> None:
        self.rows = self.rows.filter(~pl.col(LINE).is_in(list(lines)))
        self.odd = [record for record in self.odd if record.line not in lines]
