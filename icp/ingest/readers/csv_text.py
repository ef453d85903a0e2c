"""CSV and its relatives: text to rows, whatever separates and quotes the values."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from icp.ingest.readers.content import decode
from icp.ingest.readers.grid import (
    LAST,
    Grid,
    Record,
    cell_columns,
    frame_of,
    frame_of_cells,
    line_list,
    plural,
)
from icp.ingest.readers.table import Origin, build_table
from icp.ingest.result import LINE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from icp.ingest.readers.grid import Notes
    from icp.ingest.readers.options import ReadOptions
    from icp.ingest.result import RawTable

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 200
_LONG = 100_000
_SEP = re.compile(r'^"?sep=(.)"?$', re.IGNORECASE)
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_MAX_SPAN = 50
_MAX_VALUE = 64_000
_MAX_LINE = 10_000_000
_MAX_CELL = 1_000_000
_MAX_COLUMNS = 5_000
_MASK = "\ue000"
_MAX_QUOTES = 40
_WRAPPED = re.compile(r'"((?:[^"]|"")*+)"([\r\n]*)')
_MOST = 0.9


def read_text(data: bytes, notes: Notes, options: ReadOptions, /) -> RawTable:
    """Read a text file into a table.

    Raises:
        SourceError: no table can be found in it.
    """
    decoded = decode(data, notes, encoding=options.encoding)
    lines = physical_lines(decoded.text)
    _report_line_ends(decoded.text, lines, notes)
    bare = _unwrapped(lines, notes)
    dialect, declared = find_dialect(bare, notes, delimiter=options.delimiter)
    _report_quotes(dialect, notes)
    grid = replace(split(bare, dialect, notes, skip=declared), raw=as_it_came(lines))
    origin = Origin(
        data=data,
        kind="csv",
        encoding=decoded.encoding,
        delimiter=dialect.delimiter,
        quote=dialect.quote,
        declared=declared,
    )
    return build_table(grid, origin, notes, options)


def physical_lines(text: str, /) -> list[str]:
    r"""Cut at CR, LF and CRLF only; every line keeps its end.

    >>> physical_lines("a\r\nb\rc\u2028d")
    ['a\r\n', 'b\r', 'c\u2028d']
    """
    return list(io.StringIO(text, newline=""))


def _unwrapped(lines: list[str], notes: Notes) -> list[str]:
    """Lines that were quoted as a whole, without these quotes.

    So a row of several values looks like one. It is several where the header, too, has
    several names, and nearly every such line as many values.
    """
    inner = {n: text for n, line in enumerate(lines) if (text := _inside(line))}
    first = next((n for n, line in enumerate(lines) if line.strip()), 0)
    if len(inner) < _MOST * (len(lines) - first - 1):
        return lines
    header = inner.get(first) or lines[first]
    widths = {mark: _width(header, Dialect(mark)) for mark in DELIMITERS}
    mark = max(widths, key=lambda mark: widths[mark])
    own = [_width(line, Dialect(mark)) for line in inner.values()]
    alike = own.count(widths[mark])
    if widths[mark] < 2 or alike < _MOST * len(inner):
        return lines
    notes.ask(
        "quotes",
        f"{plural(len(inner), 'line')} were quoted as a whole; the quotes were removed "
        "to get the values",
        lines=[n + 1 for n in inner],
        action="check the columns; export it again if they are wrong",
    )
    return [inner.get(n, line) for n, line in enumerate(lines)]


def _inside(line: str) -> str | None:
    match = _WRAPPED.fullmatch(line)
    return match[1].replace('""', '"') + match[2] if match else None


@dataclass(frozen=True)
class Dialect:
    """How values are separated and quoted, and how many of them a row has."""

    delimiter: str
    width: int = 1
    quote: str | None = '"'
    escape: str | None = None
    blank_after: bool = False

    @property
    def name(self) -> str:
        """The delimiter in words."""
        return _NAMES.get(self.delimiter, repr(self.delimiter))

    @cached_property
    def strict(self) -> re.Pattern[str]:
        """Matches a whole record whose quotes stand only around whole values."""
        return re.compile(rf"{self._value}(?:{self._mark}{self._value})*+")

    @cached_property
    def regular(self) -> re.Pattern[str]:
        """As `strict`, with exactly `width` values."""
        more = f"{{{self.width - 1}}}"
        return re.compile(rf"{self._value}(?:{self._mark}{self._value}){more}")

    @cached_property
    def open(self) -> re.Pattern[str]:
        """Matches a record that ends inside a quoted value."""
        closed = rf"(?:{self._value}{self._mark})*+"
        return re.compile(rf"{closed}{self._opening}{self._inside}")

    def split(self, lines: Sequence[str], /) -> Iterator[list[str]]:
        """Split lines with the standard library's `csv`."""
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            escapechar=self.escape,
            doublequote=self.escape is None,
            skipinitialspace=self.blank_after,
        )

    @property
    def _mark(self) -> str:
        return re.escape(self.delimiter)

    @property
    def _opening(self) -> str:
        return (" *+" if self.blank_after else "") + re.escape(self.quote or "\0")

    @property
    def _inside(self) -> str:
        quote = re.escape(self.quote or "\0")
        if self.escape:
            back = re.escape(self.escape)
            return rf"(?:[^{quote}{back}]|{back}[\s\S])*+"
        return rf"[^{quote}]*+(?:{quote}{quote}[^{quote}]*+)*+"

    @property
    def _value(self) -> str:
        quote = re.escape(self.quote or "\0")
        quoted = rf"{self._opening}{self._inside}{quote}"
        plain = rf"[^{quote}{self._mark}\r\n]*+"
        return rf"(?:{quoted}(?={self._mark}|\Z)|{plain})"


def find_dialect(
    lines: Sequence[str], notes: Notes, /, *, delimiter: str | None = None
) -> tuple[Dialect, int]:
    """Find the dialect by the agreement of row widths; also how many lines declare it.

    A first line `sep=;` counts as one such line.

    Raises:
        SourceError: `delimiter` is not one character that can separate values.
    """
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise notes.stop(
            "separator",
            f"{delimiter!r} cannot separate values",
            action="name one character, for instance ';' (delimiter=...)",
        )
    declaration = _SEP.match(lines[0].strip("\r\n ")) if lines else None
    start = 1 if declaration else 0
    sample = [
        line.rstrip("\r\n")[:_LONG] for line in lines[start : start + 5 * _SAMPLE]
    ]
    sample = [line for line in sample if line.strip()][:_SAMPLE]
    if declaration:
        name = _NAMES.get(declaration[1], repr(declaration[1]))
        notes.note("separator", f"line 1 declares the separator: {name}", lines=[1])
    mark = delimiter or (declaration[1] if declaration else None)
    marks = (mark,) if mark else DELIMITERS
    ranked = sorted(
        (_rank(sample, mark) for mark in marks), key=lambda r: r[0], reverse=True
    )
    _report_rivals(ranked, notes)
    best = ranked[0][1]
    return _with_quotes(sample, best), start


_Rank = tuple[tuple[float, ...], Dialect]


def _rank(sample: list[str], mark: str) -> _Rank:
    """Agreement of widths; a delimiter that also fits the first rows wins."""
    dialect = Dialect(mark)
    by_line = [_width(line, dialect) for line in sample]
    by_record = [len(record) for record in dialect.split([f"{x}\n" for x in sample])]
    agreement, width = max(_agreement(by_line), _agreement(by_record))
    score = agreement**2 * (1 - 1 / width)
    whole = agreement > 0.999 and width > 1
    return (float(whole), score), Dialect(mark, width=width)


def _width(line: str, dialect: Dialect) -> int:
    return len(next(dialect.split([line])))


def _agreement(widths: list[int]) -> tuple[float, int]:
    """Share of rows with the commonest width of two or more, and that width."""
    counts = Counter(width for width in widths if width > 1)
    if not counts:
        return 0.0, 1
    width, count = max(counts.items(), key=lambda item: (item[1], item[0]))
    return count / len(widths), width


def _report_rivals(ranked: list[_Rank], notes: Notes) -> None:
    best = ranked[0]
    if best[1].width == 1:
        notes.ask(
            "separator",
            "only one column was found",
            action="if there should be more, name the separator (delimiter=...)",
        )
        return
    rivals = [d for rank, d in ranked[1:] if rank == best[0] and d.width > 1]
    if rivals:
        names = " and ".join([best[1].name, *(d.name for d in rivals)])
        notes.ask(
            "separator",
            f"{names} split every line equally well; {best[1].name} was taken",
            action="name the separator (delimiter=...) if the columns look wrong",
        )


def _with_quotes(sample: list[str], plain: Dialect) -> Dialect:
    """Choose quoting: double quotes unless another way fits clearly better."""
    mark, width = plain.delimiter, plain.width
    usual = Dialect(mark, width)
    if mark != " " and any(f'{mark} "' in line for line in sample):
        spaced = _measured(sample, Dialect(mark, width, blank_after=True))
        if _fitting(sample, spaced) > _fitting(sample, usual):
            usual = spaced
    others = []
    if any('\\"' in line for line in sample):
        others.append(Dialect(mark, width, escape="\\"))
    if any('"' in line for line in sample):
        others.append(Dialect(mark, width, quote=None))
    elif _in_apostrophes(sample, Dialect(mark, width, quote="'")):
        return _measured(sample, Dialect(mark, width, quote="'"))
    enough = _fitting(sample, usual)
    for other in others:
        if _fitting(sample, other) > enough + 0.3 * len(sample):
            return _measured(sample, other)
    return usual


def _in_apostrophes(sample: list[str], dialect: Dialect) -> bool:
    """Whether most lines hold values wrapped in apostrophes, and all can be split."""
    mark = re.escape(dialect.delimiter)
    wrapped = re.compile(rf"(?:^|{mark})'[^']*'(?={mark}|$)")
    count = sum(1 for line in sample if wrapped.search(line))
    strict = sum(1 for line in sample if dialect.strict.fullmatch(line))
    return count > 0.5 * len(sample) and strict == len(sample)


def _fitting(sample: list[str], dialect: Dialect) -> float:
    """How many lines are whole records of the expected width."""
    return sum(1 for line in sample if dialect.regular.fullmatch(line))


def _measured(sample: list[str], dialect: Dialect) -> Dialect:
    _, width = _agreement([_width(line, dialect) for line in sample])
    return replace(dialect, width=width)


def split(
    lines: Sequence[str], dialect: Dialect, notes: Notes, /, *, skip: int
) -> Grid:
    """Cut lines into a grid; the first `skip` lines are not rows.

    A line is *regular* when a strict pattern proves that it is a whole row of the
    expected width whose quotes stand only around whole values. Regular lines go to
    Polars in bulk; on those it agrees with the standard `csv` module cell by cell (a
    test says so). All other lines go through `csv` one record at a time, where a stray
    quote can do no harm to its neighbours.

    Raises:
        SourceError: a line or the number of columns is beyond any table's size.
    """
    _check_sizes(lines, dialect, notes)
    bare = [line.rstrip("\r\n") for line in lines]
    regular, rest = _sort_out(bare, dialect, skip)
    blank, odd, whole = _Irregular(lines, bare, dialect, set(regular)).read(rest)
    inside = {
        line - 1
        for record in (*odd, *whole)
        for line in range(record.line, record.last_line + 1)
    }
    lines_left = [index for index in regular if index not in inside]
    rows = pl.concat(
        [_bulk(bare, lines_left, dialect), frame_of(whole, width=dialect.width)]
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
        last_read = -1
        blanks = self._dialect.delimiter + " \t\u00a0"
        for index in rest:
            if index <= last_read:
                continue
            if not self._bare[index].strip(blanks):
                blank.append(index)
                continue
            record = self._record(index)
            last_read = record.last_line - 1
            right = len(record.cells) == self._dialect.width
            plain = right and not record.problem and not record.repair
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
                line=number, last_line=number, cells=cells, repair="stray quote"
            )
        loose = tuple(self._bare[index].split(self._dialect.delimiter))
        return Record(
            line=number,
            last_line=number,
            cells=loose,
            problem="has a quote that no reading explains",
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


def _report_line_ends(text: str, lines: list[str], notes: Notes) -> None:
    if re.search(r"\r(?!\n)", text):
        _report_returns(text, lines, notes)
    elif text.count("\r\n") not in {0, text.count("\n")}:
        _report_mixed(lines, notes)
    if len(lines) > 1 and not lines[-1].endswith(("\n", "\r")):
        notes.note(
            "truncated-value",
            f"no line end after the last line, {len(lines):,}",
            lines=[len(lines)],
            action="check that the file was not cut off",
        )


def _report_returns(text: str, lines: list[str], notes: Notes) -> None:
    if "\n" not in text:
        notes.note("line-ends", "lines end with CR alone (an old Mac file)")
        return
    odd = [n for n, line in enumerate(lines, 1) if line.endswith("\r")]
    notes.note(
        "line-ends",
        f"mixed line ends: CR alone on {line_list(odd)}; each was taken as a line end "
        "unless it stood inside quotes",
        lines=odd,
    )


def _report_mixed(lines: list[str], notes: Notes) -> None:
    short = [n for n, line in enumerate(lines, 1) if not line.endswith("\r\n")]
    if len(short) > len(lines) / 2:
        short = [n for n, line in enumerate(lines, 1) if line.endswith("\r\n")]
    notes.note(
        "line-ends",
        f"mixed line ends: {line_list(short)} differ from the others",
        lines=short,
    )


def _report_quotes(dialect: Dialect, notes: Notes) -> None:
    if dialect.quote == "'":
        notes.note("quotes", "values are quoted with apostrophes")
    elif dialect.quote is None:
        notes.note("quotes", "double quotes are plain characters, not quotation marks")
    if dialect.escape:
        notes.note("quotes", "quotes inside values are written with a backslash")
    if dialect.blank_after:
        notes.note("separator", "a blank follows the separator; it was removed")
