"""A source cut into rows and cells, before anyone knows what the rows are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from icp.errors import IcpError
from icp.ingest.result import LINE, Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = [
    "LAST",
    "Fates",
    "Grid",
    "Record",
    "as_records",
    "cell_columns",
    "frame_of",
    "frame_of_cells",
]

#: Last physical line of a row, beside `LINE`.
LAST = "__last_line__"

_KINDS = (
    "unknown",
    "used",
    "repaired",
    "quarantined",
    "blank",
    "preamble",
    "header",
    "footer",
    "totals",
    "other_tables",
)


@dataclass(frozen=True, kw_only=True)
class Record:
    """One row as cells; an empty cell is ""."""

    line: int
    last_line: int
    cells: tuple[str, ...]
    #: Why the row could not be split in one way only; "" where only its width is odd.
    problem: str = ""
    #: The row was mended while splitting; says how.
    mended: str = ""

    @property
    def filled(self) -> int:
        """How many cells hold something."""
        return sum(1 for cell in self.cells if cell.strip())


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Rows of equal width in a frame, the odd ones apart, and the blank lines."""

    width: int
    #: Columns "0", "1", ... (String, empty is null), `LINE` and `LAST` (Int64).
    rows: pl.DataFrame
    odd: tuple[Record, ...] = ()
    blank: tuple[int, ...] = ()
    #: How many physical lines (Excel: rows) the source has.
    lines: int
    #: The text of lines `first` to `last` as it came.
    raw: Callable[[int, int], str]
    #: What stood between the values; "" in a sheet, where widths mean nothing.
    delimiter: str = ""

    @property
    def sheet(self) -> bool:
        """Whether cells have borders of their own."""
        return not self.delimiter


class Fates:
    """What became of every physical line: each is decided once, none is forgotten."""

    def __init__(self, lines: int, /) -> None:
        self._codes = np.zeros(lines + 1, dtype=np.uint8)

    def decide(self, lines: Iterable[int] | np.ndarray, kind: str, /) -> None:
        """Give undecided lines their fate.

        Raises:
            IcpError: a line was decided before; a fault of this program.
        """
        index = np.asarray(
            lines if isinstance(lines, np.ndarray) else list(lines), dtype=np.int64
        )
        if len(index) and self._codes[index].any():
            raise IcpError("a line was counted twice; please report this file's shape")
        self._codes[index] = _KINDS.index(kind)

    def undecided(self) -> list[int]:
        """Lines without a fate, in order."""
        return [int(line) + 1 for line in np.flatnonzero(self._codes[1:] == 0)]

    def ledger(self) -> Ledger:
        """Count the lines by fate.

        Raises:
            IcpError: a line has no fate; a fault of this program.
        """
        counts = np.bincount(self._codes[1:], minlength=len(_KINDS))
        named = dict(zip(_KINDS[1:], map(int, counts[1:]), strict=True))
        ledger = Ledger(read=len(self._codes) - 1, **named)
        if not ledger.balanced:
            raise IcpError(
                f"{counts[0]} lines have no fate; please report this file's shape"
            )
        return ledger


def cell_columns(width: int, /) -> list[str]:
    """Names of a grid's cell columns.

    >>> cell_columns(2)
    ['0', '1']
    """
    return [str(index) for index in range(width)]


def frame_of_cells(
    rows: Sequence[Sequence[str]],
    lines: Sequence[int],
    last_lines: Sequence[int],
    /,
    *,
    width: int,
) -> pl.DataFrame:
    """Rows of exactly `width` cells as a grid frame; "" becomes null."""
    columns = zip(*rows, strict=True) if rows else [()] * width
    data = {
        name: pl.Series(name, list(column), dtype=pl.String)
        for name, column in zip(cell_columns(width), columns, strict=True)
    }
    frame = pl.DataFrame(data).with_columns(pl.all().replace("", None))
    return frame.with_columns(
        pl.Series(LINE, lines, dtype=pl.Int64),
        pl.Series(LAST, last_lines, dtype=pl.Int64),
    )


def frame_of(records: Sequence[Record], /, *, width: int) -> pl.DataFrame:
    """Records of exactly `width` cells as a grid frame."""
    return frame_of_cells(
        [record.cells for record in records],
        [record.line for record in records],
        [record.last_line for record in records],
        width=width,
    )


def as_records(frame: pl.DataFrame, /) -> list[Record]:
    """Rows of a grid frame as records."""
    names = [name for name in frame.columns if name not in {LINE, LAST}]
    cells = frame.select(names).fill_null("").rows()
    lines = zip(frame[LINE].to_list(), frame[LAST].to_list(), strict=True)
    return [
        Record(line=first, last_line=last, cells=row)
        for row, (first, last) in zip(cells, lines, strict=True)
    ]
