"""A source as read: its table, the ledger of its lines, and what was noticed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import polars as pl


#: Hidden column that carries a row's first physical line (Excel: row), 1-based.
LINE = "__line__"

Level = Literal["stop", "ask", "note"]
ExclusionKind = Literal[
    "preamble", "header", "footer", "totals", "other_table", "blank", "beside"
]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing a person should know about a source, and what to do about it."""

    level: Level
    #: Frictionless' names where one fits, for instance "missing-cell", "type-error".
    code: str
    message: str
    file: str
    sheet: str | None = None
    #: First physical line or Excel row it is about, 1-based.
    line: int | None = None
    column: str | None = None
    #: How many values or lines it is about.
    count: int = 1
    #: The next action, in the imperative; empty where nothing needs doing.
    action: str = ""

    def __str__(self) -> str:
        """`file, sheet 'S', line 4, column 'C': message; action`."""
        parts = [self.file]
        parts += [f"sheet {self.sheet!r}"] if self.sheet else []
        parts += [f"line {self.line}"] if self.line else []
        parts += [f"column {self.column!r}"] if self.column else []
        ending = f"; {self.action}" if self.action else ""
        return f"{', '.join(parts)}: {self.message}{ending}"


class Place(TypedDict, total=False):
    """Where in a source a finding belongs, and what follows, as in `Finding`."""

    line: int | None
    column: str | None
    count: int
    action: str


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Where every physical line (Excel: row) of a source went."""

    read: int
    used: int = 0
    #: Lines of rows that were repaired because only one reading existed.
    repaired: int = 0
    quarantined: int = 0
    blank: int = 0
    preamble: int = 0
    header: int = 0
    footer: int = 0
    totals: int = 0
    other_tables: int = 0

    @property
    def excluded(self) -> int:
        """Lines that are not rows of the table."""
        return (
            self.blank
            + self.preamble
            + self.header
            + self.footer
            + self.totals
            + self.other_tables
        )

    @property
    def balanced(self) -> bool:
        """Whether used + repaired + quarantined + excluded = read."""
        rows = self.used + self.repaired + self.quarantined
        return self.read == rows + self.excluded

    def move_to_quarantine(self, *, used: int, repaired: int = 0) -> Ledger:
        """The ledger after a later step quarantined that many lines of rows."""
        return replace(
            self,
            used=self.used - used,
            repaired=self.repaired - repaired,
            quarantined=self.quarantined + used + repaired,
        )


@dataclass(frozen=True, kw_only=True)
class QuarantinedRow:
    """A row that cannot be read in exactly one way, as it came."""

    line: int
    last_line: int
    raw: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ExcludedLine:
    """A line that is not a row of the table, exactly as it came."""

    line: int
    kind: ExclusionKind
    raw: str


@dataclass(frozen=True, kw_only=True)
class SheetInfo:
    """A sheet of a workbook, or a further table of a text file."""

    name: str
    rows: int
    columns: int
    hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class SourceReport:
    """How a source was read; every line is accounted for."""

    file: str
    sheet: str | None
    kind: Literal["csv", "excel", "parquet", "database", "html"]
    sha256: str
    size: int
    ledger: Ledger
    columns: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    header_line: int | None = None
    sheets: tuple[SheetInfo, ...] = ()
    excluded: tuple[ExcludedLine, ...] = ()

    def with_findings(self, findings: Iterable[Finding], /) -> SourceReport:
        """The same report with more findings at the end."""
        return replace(self, findings=(*self.findings, *findings))

    def finding(
        self, level: Level, code: str, message: str, /, **place: Unpack[Place]
    ) -> Finding:
        """A finding about this source, to be added to a report."""
        return Finding(
            level=level,
            code=code,
            message=message,
            file=self.file,
            sheet=self.sheet,
            **place,
        )


@dataclass(frozen=True, kw_only=True)
class Original:
    """Where a table's rows stand in their source, to quote them as they came."""

    #: The text of lines `first` to `last`; a sheet's cells are separated by tabs.
    text: Callable[[int, int], str]
    #: Last line of each row that spans several, by its first line.
    ends: Mapping[int, int]
    #: First lines of the rows that were repaired.
    repaired: frozenset[int]

    def row(self, line: int, /, *, reason: str) -> QuarantinedRow:
        """The row that starts at a line, as it came."""
        last = self.ends.get(line, line)
        raw = self.text(line, last)
        return QuarantinedRow(line=line, last_line=last, raw=raw, reason=reason)


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """A table as text: every column String, plus `LINE` (Int64) as the last column.

    An empty cell is null. Column names are the source's own headers, stripped and made
    distinct. Values are as they came, except for a spreadsheet's `="..."` around them.
    """

    frame: pl.DataFrame
    report: SourceReport
    quarantined: tuple[QuarantinedRow, ...] = ()
    #: None where the source has no lines: Parquet, a database.
    original: Original | None = None
