"""Text to rows: every physical line becomes a regular row, an odd one, or blank.

A line is *regular* when a strict pattern proves that it is a whole row of the expected
width whose quotes stand only round whole values. Regular lines are handed to Polars in
bulk; on those it agrees with the standard `csv` module cell by cell (a test says so).
All other lines go through `csv` one record at a time, where a stray quote can do no
harm to its neighbours.
"""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from icp.ingest.readers.grid import (
    LAST,
    Grid,
    Record,
    cell_columns,
    frame_of,
    frame_of_cells,
)
from icp.ingest.result import LINE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from icp.ingest.readers.dialect import Dialect
    from icp.ingest.readers.notes import Notes

__all__ = ["as_it_came", "physical_lines", "split"]

_MAX_SPAN = 50
_MAX_VALUE = 64_000
_MAX_LINE = 10_000_000
_MAX_CELL = 1_000_000
_MAX_COLUMNS = 5_000
_MASK = "\ue000"
_MAX_QUOTES = 40


def physical_lines(text: str, /) -> list[str]:
    r"""Cut at CR, LF and CRLF only; every line keeps its end.

    >>> physical_lines("a\r\nb\rc\u2028d")
    ['a\r\n', 'b\r', 'c\u2028d']
    """
    return list(io.StringIO(text, newline=""))


def split(
    lines: Sequence[str], dialect: Dialect, notes: Notes, /, *, skip: int
) -> Grid:
    """Cut lines into a grid; the first `skip` lines are not rows.

    Raises:
        SourceError: a line or the number of columns is beyond any table's size.
    """
    _check_sizes(lines, dialect, notes)
    bare = [line.rstrip("\r\n") for line in lines]
    regular, rest = _sort_out(bare, dialect, skip)
    blank, odd, whole = _Irregular(lines, bare, dialect, set(regular)).read(rest)
    swallowed = {
        line - 1
        for record in (*odd, *whole)
        for line in range(record.line, record.last_line + 1)
    }
    kept = [index for index in regular if index not in swallowed]
    rows = pl.concat(
        [_bulk(bare, kept, dialect), frame_of(whole, width=dialect.width)]
    ).sort(LINE)
    return Grid(
        width=dialect.width,
        rows=rows,
        odd=tuple(odd),
        blank=tuple(index + 1 for index in blank),
        lines=len(lines),
        raw=as_it_came(lines),
        delimiter=dialect.delimiter,
    )


def as_it_came(lines: Sequence[str], /) -> Callable[[int, int], str]:
    """Gives the text of lines `first` to `last`, from 1, without the last line end."""
    return lambda first, last: "".join(lines[first - 1 : last]).rstrip("\r\n")


def _check_sizes(lines: Sequence[str], dialect: Dialect, notes: Notes) -> None:
    if dialect.width > _MAX_COLUMNS:
        raise notes.stop(
            "format-error",
            f"has {dialect.width:,} columns (limit {_MAX_COLUMNS:,})",
            action="export only the columns that describe an account",
        )
    longest = max(map(len, lines))
    if longest > _MAX_LINE:
        line = next(n for n, text in enumerate(lines, 1) if len(text) == longest)
        raise notes.stop(
            "format-error",
            f"has a line of {longest:,} characters (limit {_MAX_LINE:,})",
            line=line,
            action="check that the file is a table",
        )
    if longest > _MAX_CELL:
        _check_cells(lines, dialect, notes)


def _check_cells(lines: Sequence[str], dialect: Dialect, notes: Notes) -> None:
    for number, line in enumerate(lines, 1):
        parts = line.split(dialect.delimiter) if len(line) > _MAX_CELL else ()
        if any(len(part) > _MAX_CELL for part in parts):
            raise notes.stop(
                "format-error",
                f"has a value of over {_MAX_CELL:,} characters",
                line=number,
                action="remove or shorten this value",
            )


def _sort_out(
    bare: list[str], dialect: Dialect, skip: int
) -> tuple[list[int], list[int]]:
    """Indexes of the regular lines, and of all others."""
    mark, quote, more = dialect.delimiter, dialect.quote, dialect.width - 1
    escape = dialect.escape or "\0"
    match = dialect.regular.fullmatch
    regular: list[int] = []
    rest: list[int] = []
    blanks = mark + " \t\u00a0"
    for index in range(skip, len(bare)):
        line = bare[index]
        plain = (quote is None or quote not in line) and escape not in line
        fits = line.count(mark) == more if plain else match(line) is not None
        # A line of nothing but delimiters is blank, whatever its width.
        if fits and (line[:1] not in blanks or line.strip(blanks)):
            regular.append(index)
        else:
            rest.append(index)
    return regular, rest


def _bulk(bare: list[str], indexes: list[int], dialect: Dialect) -> pl.DataFrame:
    """Regular lines as a grid frame."""
    simple = dialect.escape is None and not dialect.blank_after
    if not indexes or dialect.width == 1 or not simple:
        return _with_csv(bare, indexes, dialect)
    return _with_polars(bare, indexes, dialect)


def _with_csv(bare: list[str], indexes: list[int], dialect: Dialect) -> pl.DataFrame:
    rows = list(dialect.split([bare[index] for index in indexes]))
    numbers = [index + 1 for index in indexes]
    return frame_of_cells(rows, numbers, numbers, width=dialect.width)


def _with_polars(bare: list[str], indexes: list[int], dialect: Dialect) -> pl.DataFrame:
    text = "\n".join(bare[index] for index in indexes)
    frame = pl.read_csv(
        io.BytesIO(text.encode()),
        has_header=False,
        new_columns=cell_columns(dialect.width),
        separator=dialect.delimiter,
        quote_char=dialect.quote,
        infer_schema=False,
    )
    numbers = pl.Series(LINE, indexes, dtype=pl.Int64) + 1
    return frame.with_columns(pl.all().replace("", None)).with_columns(
        numbers, numbers.alias(LAST)
    )


class _Irregular:
    """Reads the lines that are not regular by themselves, in order."""

    def __init__(
        self,
        lines: Sequence[str],
        bare: list[str],
        dialect: Dialect,
        regular: set[int],
    ) -> None:
        self._lines = lines
        self._bare = bare
        self._dialect = dialect
        self._regular = regular

    def read(self, rest: list[int]) -> tuple[list[int], list[Record], list[Record]]:
        """Blank lines (0-based), odd records, and whole records of several lines."""
        blank: list[int] = []
        odd: list[Record] = []
        whole: list[Record] = []
        done = -1
        blanks = self._dialect.delimiter + " \t\u00a0"
        for index in rest:
            if index <= done:
                continue
            if not self._bare[index].strip(blanks):
                blank.append(index)
                continue
            record = self._record(index)
            done = record.last_line - 1
            right = len(record.cells) == self._dialect.width
            plain = right and not record.problem and not record.mended
            (whole if plain else odd).append(record)
        return blank, odd, whole

    def _record(self, index: int) -> Record:
        line = self._bare[index]
        if self._dialect.strict.fullmatch(line):
            return self._at(index, index, line)
        if self._dialect.open.fullmatch(line):
            spanning = self._spanning(index)
            if spanning:
                return spanning
        return self._stray(index)

    def _at(self, first: int, last: int, text: str) -> Record:
        """A record whose text is proven to be one whole row."""
        cells = next(self._dialect.split(list(io.StringIO(text, newline=""))))
        return Record(line=first + 1, last_line=last + 1, cells=tuple(cells))

    def _spanning(self, index: int) -> Record | None:
        """The record that starts here and goes on over several lines, if it closes."""
        text = self._lines[index]
        end = min(len(self._lines), index + _MAX_SPAN)
        for last in range(index + 1, end):
            text += self._lines[last]
            bare = text.rstrip("\r\n")
            if self._dialect.strict.fullmatch(bare):
                return self._closed(index, last, bare)
            if len(text) > _MAX_VALUE or not self._dialect.open.fullmatch(text):
                return None
        return self._cut_off(index) if end == len(self._lines) else None

    def _closed(self, index: int, last: int, text: str) -> Record | None:
        record = self._at(index, last, text)
        if len(record.cells) == self._dialect.width and not self._swallows(index, last):
            return record
        if self._literal(index) is None:
            return record
        if len(record.cells) != self._dialect.width:
            return None
        return replace(
            record,
            problem="a quoted value holds lines that look like whole rows",
        )

    def _swallows(self, index: int, last: int) -> bool:
        """Whether lines inside the record are rows of the table by themselves."""
        inner = range(index + 1, last)
        return self._dialect.width > 2 and any(i in self._regular for i in inner)

    def _cut_off(self, index: int) -> Record | None:
        """A value still open at the end of the file, with no rows behind it."""
        behind = range(index + 1, len(self._lines))
        if any(i in self._regular for i in behind):
            return None
        return Record(
            line=index + 1,
            last_line=len(self._lines),
            cells=(),
            problem="the file ends inside a quoted value",
        )

    def _stray(self, index: int) -> Record:
        """A line with a quote where none belongs; the damage stays in this line."""
        at_end = index == len(self._bare) - 1
        if at_end and self._dialect.open.fullmatch(self._bare[index]):
            cut = self._cut_off(index)
            if cut:
                return cut
        cells = self._literal(index)
        number = index + 1
        if cells is not None:
            return Record(
                line=number, last_line=number, cells=cells, mended="stray quote"
            )
        loose = tuple(self._bare[index].split(self._dialect.delimiter))
        return Record(
            line=number,
            last_line=number,
            cells=loose,
            problem="has a quote in a place that no reading explains",
        )

    def _literal(self, index: int) -> tuple[str, ...] | None:
        """The one reading in which stray quotes are plain characters, if one exists."""
        line = self._bare[index]
        for masked in self._maskings(line):
            readings = {
                tuple(cell.replace(_MASK, self._dialect.quote or "") for cell in cells)
                for text in masked
                if (cells := self._fitting(text))
            }
            if len(readings) == 1:
                return readings.pop()
            if readings:
                return None
        return None

    def _fitting(self, text: str) -> list[str] | None:
        if not self._dialect.regular.fullmatch(text):
            return None
        return next(self._dialect.split([text]))

    def _maskings(self, line: str) -> list[list[str]]:
        """Ways to take quotes literally, the gentlest first."""
        quote = self._dialect.quote
        places = [i for i, ch in enumerate(line) if ch == quote]
        if quote is None or len(places) > _MAX_QUOTES:
            return []
        inner = [i for i in places if not self._at_border(line, i)]
        singles = [_masked(line, [i]) for i in places]
        broken = _masked(line, self._in_broken_values(line))
        return [[_masked(line, inner)], singles, [broken], [_masked(line, places)]]

    def _in_broken_values(self, line: str) -> list[int]:
        """Places of quotes in values that are not properly quoted by themselves."""
        places: list[int] = []
        start = 0
        for value in line.split(self._dialect.delimiter):
            if not self._dialect.strict.fullmatch(value):
                places += [
                    start + i for i, ch in enumerate(value) if ch == self._dialect.quote
                ]
            start += len(value) + 1
        return places

    def _at_border(self, line: str, place: int) -> bool:
        mark = self._dialect.delimiter
        before = line[place - 1] if place else mark
        after = line[place + 1] if place + 1 < len(line) else mark
        return before == mark or after == mark


def _masked(line: str, places: list[int]) -> str:
    characters = list(line)
    for place in places:
        characters[place] = _MASK
    return "".join(characters)
