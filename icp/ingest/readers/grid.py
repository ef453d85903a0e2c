"""A source cut into rows and cells, before anyone knows what the rows are."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

import numpy as np
import polars as pl

from icp.errors import IcpError, SourceError
from icp.ingest.result import (
    LINE,
    ExcludedLine,
    Finding,
    Ledger,
    Original,
    QuarantinedRow,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from icp.ingest.readers.options import ReadOptions
    from icp.ingest.result import ExclusionKind, Level

#: Last physical line of a row, beside `LINE`.
LAST = "__last_line__"
_KINDS = (
    *("unknown", "used", "repaired", "quarantined", "blank", "preamble"),
    *("header", "footer", "totals", "other_tables"),
)
_MOST_EXAMPLES = 10
_MOST_EXCLUDED = 2_000
_SAMPLE = 400


@dataclass(frozen=True, kw_only=True)
class Record:
    """One row as cells; an empty cell is ""."""

    line: int
    last_line: int
    cells: tuple[str, ...]
    #: Why the row could not be split in exactly one way; "" if only its width is odd.
    problem: str = ""
    #: How the row was repaired while splitting; "" if it was not.
    repair: str = ""

    @property
    def lines(self) -> range:
        """Its physical lines."""
        return range(self.line, self.last_line + 1)

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


class Draft:
    """A table in the making: rows are taken out until only its own are left."""

    def __init__(self, grid: Grid, notes: Notes, options: ReadOptions, /) -> None:
        self.grid = grid
        self.notes = notes
        self.options = options
        self.rows = grid.rows
        self.odd = list(grid.odd)
        self.excluded: list[ExcludedLine] = []
        self.quarantined: list[QuarantinedRow] = []
        self._fates = Fates(grid.lines)
        self._fates.decide(grid.blank, "blank")
        self._placed: list[Record] = []
        self._repaired: set[int] = set()
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

    def exclude(
        self,
        records: Iterable[Record],
        kind: ExclusionKind,
        message: str = "",
        /,
        *,
        action: str = "",
    ) -> None:
        """Take records that are no rows out of the table; `{lines}` in the message."""
        lines: list[int] = []
        for record in records:
            lines += record.lines
            self._fates.decide(
                record.lines, "other_tables" if kind == "other_table" else kind
            )
            self._list_excluded(record.line, record.last_line, kind)
        if lines and message:
            message = message.format(lines=line_list(lines))
            self.notes.note(kind, message, lines=lines, action=action)
        self._forget(set(lines))

    def exclude_lines(self, lines: Iterable[int], kind: ExclusionKind, /) -> None:
        """Take lines that are no records (such as `sep=;`) out of the table."""
        for line in lines:
            self._fates.decide([line], kind)
            self._list_excluded(line, line, kind)

    def _list_excluded(self, first: int, last: int, kind: ExclusionKind) -> None:
        if len(self.excluded) < _MOST_EXCLUDED:
            raw = self.grid.raw(first, last)
            self.excluded.append(ExcludedLine(line=first, kind=kind, raw=raw))

    def quarantine(self, record: Record, reason: str, /) -> None:
        """Keep a row out of the table exactly as it came."""
        self._fates.decide(record.lines, "quarantined")
        self.quarantined.append(
            QuarantinedRow(
                line=record.line,
                last_line=record.last_line,
                raw=self.grid.raw(record.line, record.last_line),
                reason=reason,
            )
        )

    def repair(self, record: Record, cells: tuple[str, ...], /) -> None:
        """Use an odd row with the cells of its one possible reading."""
        self._repaired.add(record.line)
        self._place(record, cells, "repaired")

    def accept(self, record: Record, cells: tuple[str, ...], /) -> None:
        """Use an odd row that only lacks empty cells at its end, or has too many."""
        self._place(record, cells, "used")

    def _place(self, record: Record, cells: tuple[str, ...], fate: str) -> None:
        self._fates.decide(record.lines, fate)
        self._placed.append(replace(record, cells=cells, problem="", repair=""))

    def finish(self) -> tuple[pl.DataFrame, Ledger, Original]:
        """All rows in the source's order, the balanced ledger, and the rows' text."""
        self._fates.decide(self.rows[LINE].to_numpy(), "used")
        spanning = self.rows.filter(pl.col(LAST) > pl.col(LINE)).select(LINE, LAST)
        for line, end in spanning.iter_rows():
            self._fates.decide(range(line + 1, end + 1), "used")
        placed = frame_of(self._placed, width=self.width)
        rows = pl.concat([self.rows, placed]).sort(LINE)
        self.excluded.sort(key=lambda item: item.line)
        self.quarantined.sort(key=lambda item: item.line)
        ends = dict(rows.filter(pl.col(LAST) > pl.col(LINE)).select(LINE, LAST).rows())
        original = Original(
            text=self.grid.raw, ends=ends, repaired=frozenset(self._repaired)
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
            self._fates.decide(record.lines, "blank")
            self.blank.update(record.lines)
        self._forget(set(blank[LINE].to_list()))

    def _forget(self, lines: set[int]) -> None:
        self.rows = self.rows.filter(~pl.col(LINE).is_in(list(lines)))
        self.odd = [record for record in self.odd if record.line not in lines]


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
        counts_by_kind = dict(zip(_KINDS[1:], map(int, counts[1:]), strict=True))
        ledger = Ledger(read=len(self._codes) - 1, **counts_by_kind)
        if not ledger.balanced:
            raise IcpError(
                f"{counts[0]} lines have no fate; please report this file's shape"
            )
        return ledger


class About(TypedDict, total=False):
    """What a finding is about: the first line and the count come from `lines`."""

    lines: Sequence[int]
    column: str | None
    count: int | None
    action: str


class Notes:
    """The findings about one source, in the order in which they were made."""

    def __init__(self, file: str, /, *, sheet: str | None = None) -> None:
        self.file = file
        self.sheet = sheet
        self._findings: list[Finding] = []

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings so far."""
        return tuple(self._findings)

    def note(self, code: str, message: str, /, **about: Unpack[About]) -> None:
        """Inform a person; nothing needs deciding."""
        self._add("note", code, message, **about)

    def ask(self, code: str, message: str, /, **about: Unpack[About]) -> None:
        """Put a question to a person; the table may be wrong until it is answered."""
        self._add("ask", code, message, **about)

    def stop(
        self, code: str, message: str, /, *, line: int | None = None, action: str = ""
    ) -> SourceError:
        """Make the error that refuses the source; the caller raises it."""
        self._add("stop", code, message, lines=[line] if line else (), action=action)
        return SourceError(str(self._findings[-1]))

    def refuse_any(self) -> None:
        """Raise where there is any finding.

        Raises:
            SourceError: there are findings; names the first ones.
        """
        if not self._findings:
            return
        findings = "\n".join(
            str(finding) for finding in self._findings[:_MOST_EXAMPLES]
        )
        count = plural(len(self._findings), "finding")
        raise SourceError(
            f"{self.file}: {count}, and strict reading allows none; "
            f"repair the export or read it without strict:\n{findings}"
        )

    def _add(
        self,
        level: Level,
        code: str,
        message: str,
        /,
        *,
        lines: Sequence[int] = (),
        column: str | None = None,
        count: int | None = None,
        action: str = "",
    ) -> None:
        self._findings.append(
            Finding(
                level=level,
                code=code,
                message=message,
                file=self.file,
                sheet=self.sheet,
                line=min(lines) if lines else None,
                column=column,
                count=count if count is not None else max(1, len(lines)),
                action=action,
            )
        )


def plural(count: int, noun: str, /) -> str:
    """Say how many there are.

    >>> plural(1, "row"), plural(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def line_list(lines: Iterable[int], /) -> str:
    """List line numbers in order, the first ten in full.

    >>> line_list([7, 3])
    'lines 3 and 7'
    >>> line_list([4])
    'line 4'
    """
    ordered = sorted(set(lines))
    shown = [f"{line:,}" for line in ordered[:_MOST_EXAMPLES]]
    if len(ordered) > _MOST_EXAMPLES:
        return f"lines {', '.join(shown)} and {len(ordered) - _MOST_EXAMPLES:,} more"
    if len(shown) == 1:
        return f"line {shown[0]}"
    return f"lines {', '.join(shown[:-1])} and {shown[-1]}"


def letter(index: int, /) -> str:
    """Name a column as a spreadsheet does, from its 0-based position.

    >>> letter(0), letter(25), letter(26)
    ('A', 'Z', 'AA')
    """
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(65 + rest) + name
    return name


ValueKind = Literal["empty", "number", "date", "email", "url", "code", "text"]
_SURE = 0.95
#: From this many values on, one of another kind is an exception, not the rule.
_SMALL = 8
_FEW_LEVELS = 30
_REPEATS = 4
_CURRENCY = r"(?:[$€£¥₹]|USD|EUR|GBP|CHF|CAD|AUD|US\$)?"
_NUMBER = re.compile(
    rf"\(?[-+]?\s?{_CURRENCY}\s?[-+]?\d[\d.,' \u00a0]*(?:[eE][-+]?\d+)?\s?"
    rf"(?:%|[kKmMbB]|bn|mio\.?|mn)?\s?{_CURRENCY}\)?"
)
_DATE = re.compile(
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T].*)?"
    r"|\d{1,2}[ -][A-Za-z]{3,9},?[ -]\d{2,4}.*|[A-Za-z]{3,9} \d{1,2}, ?\d{4}.*"
)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_CODE = re.compile(r"(?=.*\d)(?=.*[A-Za-z-])[A-Za-z0-9][A-Za-z0-9_.:/-]{3,}")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What the values of one column have in common."""

    #: The kind of nearly all values; None where they are mixed or there are none.
    kind: ValueKind | None
    kinds: frozenset[ValueKind]
    levels: frozenset[str]
    #: Values come from a short list and repeat.
    closed: bool
    may_be_empty: bool
    rows: int

    def fits(self, cell: str, /) -> bool:
        """Whether a value could stand in this column."""
        kind = value_kind(cell)
        if kind == "empty":
            return self.may_be_empty
        if self.closed:
            return cell.strip() in self.levels
        if self.kind in {"number", "date", "email", "url"}:
            return kind == self.kind
        return kind in self.kinds or not self.kinds


def shapes_of(rows: Sequence[Sequence[str]], /, *, width: int) -> list[Shape]:
    """The shape of each of `width` columns."""
    return [
        _shape([row[index].strip() for row in rows if index < len(row)])
        for index in range(width)
    ]


def _shape(values: list[str]) -> Shape:
    counts = Counter(value_kind(value) for value in values)
    empty = counts.pop("empty", 0)
    filled = sum(counts.values())
    top, top_count = counts.most_common(1)[0] if counts else (None, 0)
    levels = frozenset(value for value in values if value)
    closed = len(levels) <= _FEW_LEVELS and filled >= _REPEATS * max(1, len(levels))
    enough = min(_SURE * filled, filled - 1 if filled >= _SMALL else filled)
    return Shape(
        kind=top if filled and top_count >= enough else None,
        kinds=frozenset(counts),
        levels=levels,
        closed=closed and top not in {"number", "date"},
        may_be_empty=bool(empty),
        rows=len(values),
    )


@lru_cache(maxsize=20_000)
def value_kind(cell: str, /) -> ValueKind:
    """Say roughly what a cell holds.

    >>> value_kind("$1,200.00"), value_kind("2026-01-31"), value_kind("Retail")
    ('number', 'date', 'text')
    """
    text = cell.strip()
    if not text:
        return "empty"
    if len(text) > 100:
        return "text"
    patterns: tuple[tuple[ValueKind, re.Pattern[str]], ...] = (
        ("date", _DATE),
        ("number", _NUMBER),
        ("email", _EMAIL),
        ("url", _URL),
        ("code", _CODE),
    )
    for kind, pattern in patterns:
        if pattern.fullmatch(text):
            return kind
    return "text"


def amount(cell: str, /) -> float | None:
    """A cell as a number, good enough to check a sum; None where it is none.

    >>> amount("$1,054.00"), amount("1.054,50"), amount("(20)"), amount("Retail")
    (1054.0, 1054.5, -20.0, None)
    """
    if value_kind(cell) != "number":
        return None
    digits = re.sub(r"[^\d.,]", "", cell)
    negative = "-" in cell or cell.strip().startswith("(")
    try:
        value = float(_point(digits))
    except ValueError:
        return None
    return -value if negative else value


def _point(digits: str) -> str:
    """Make the decimal mark a point and drop the others."""
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return digits
    both = "." in digits and "," in digits
    grouped = digits.count(digits[last]) > 1 or (
        not both and digits[last] == "," and len(digits) - last == 4
    )
    head, tail = digits[:last], digits[last + 1 :]
    head = re.sub(r"[.,]", "", head)
    return head + tail if grouped else f"{head}.{tail}"


def cell_columns(width: int, /) -> list[str]:
    """Names of a grid's cell columns.

    >>> cell_columns(2)
    ['0', '1']
    """
    return [str(index) for index in range(width)]


def frame_of(records: Sequence[Record], /, *, width: int) -> pl.DataFrame:
    """Records of exactly `width` cells as a grid frame."""
    return frame_of_cells(
        [record.cells for record in records],
        [record.line for record in records],
        [record.last_line for record in records],
        width=width,
    )


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


def as_records(frame: pl.DataFrame, /) -> list[Record]:
    """Rows of a grid frame as records."""
    names = [name for name in frame.columns if name not in {LINE, LAST}]
    cells = frame.select(names).fill_null("").rows()
    lines = zip(frame[LINE].to_list(), frame[LAST].to_list(), strict=True)
    return [
        Record(line=first, last_line=last, cells=row)
        for row, (first, last) in zip(cells, lines, strict=True)
    ]
