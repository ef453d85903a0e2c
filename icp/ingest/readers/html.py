"""HTML tables that call themselves .xls, as some CRM exports do."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from icp.ingest.readers.content import decode
from icp.ingest.readers.excel import grid_of_rows, report_repeated
from icp.ingest.readers.grid import plural
from icp.ingest.readers.table import Origin, build_table

if TYPE_CHECKING:
    from icp.ingest.readers.grid import Notes
    from icp.ingest.readers.options import ReadOptions
    from icp.ingest.result import RawTable


_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)
_MAX_SPAN = 1_000
_MUTE = frozenset({"script", "style"})


def read_markup(data: bytes, notes: Notes, options: ReadOptions, /) -> RawTable:
    """Read the largest table of an HTML file; `LINE` counts that table's rows.

    Raises:
        SourceError: there is no table in it.
    """
    decoded = decode(data, notes, encoding=options.encoding or _declared(data))
    parser = _Tables()
    parser.feed(decoded.text)
    parser.close()
    tables = [table for table in parser.tables if any(map(any, table.rows))]
    if not tables:
        raise notes.stop(
            "format-error",
            "is a web page without a table",
            action="export it again as CSV (UTF-8) or as an Excel workbook (.xlsx)",
        )
    largest = max(tables, key=lambda table: len(table.rows))
    notes.note("format", "is a web page (HTML) and was read as one; its table was used")
    if len(tables) > 1:
        notes.ask(
            "other-table",
            f"{plural(len(tables), 'table')} in the page; the largest was read",
            count=len(tables),
        )
    report_repeated(largest.repeated, notes)
    origin = Origin(data=data, kind="html", encoding=decoded.encoding)
    return build_table(grid_of_rows(largest.rows), origin, notes, options)


def _declared(data: bytes) -> str | None:
    """The charset a page names, where its bytes bear it out.

    A page whose bytes spell "charset" has one byte per letter, whatever it claims.
    """
    match = _CHARSET.search(data[:4096])
    name = match[1].decode("ascii") if match else ""
    try:
        plain = "<".encode(name) == b"<"
        data.decode(name)
    except (LookupError, UnicodeError):
        return None
    return name if plain else None


class _Table:
    """One table while it is read: a cell over several rows stands in each of them."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        #: Row (from 1) and text of each value that was written further up.
        self.repeated: list[tuple[int, str]] = []
        self.cell: list[str] | None = None
        self._across, self._down = 1, 1
        #: By column: the value from above and for how many rows it still holds.
        self._above: dict[int, tuple[str, int]] = {}

    def open_row(self) -> None:
        self.close_row()
        self.rows.append([])

    def open_cell(self, across: int, down: int) -> None:
        self.close_cell()
        self.cell, self._across, self._down = [], across, down

    def close_cell(self) -> None:
        if self.cell is None:
            return
        if not self.rows:
            self.rows.append([])
        row = self._filled(self.rows[-1])
        text = re.sub(r"[ \t\r\n]+", " ", "".join(self.cell)).strip()
        for value in (text, *[""] * (self._across - 1)):
            if self._down > 1:
                self._above[len(row)] = (value, self._down)
            row.append(value)
        self.cell = None

    def close_row(self) -> None:
        self.close_cell()
        if not self.rows:
            return
        row = self._filled(self.rows[-1])
        while self._above and len(row) <= max(self._above):
            row.append("")
            self._filled(row)
        self._above = {
            column: (value, rows - 1)
            for column, (value, rows) in self._above.items()
            if rows > 1
        }

    def _filled(self, row: list[str]) -> list[str]:
        """The row with the values from above that come next."""
        while len(row) in self._above:
            value, _ = self._above[len(row)]
            row.append(value)
            self.repeated += [(len(self.rows), value)] if value else []
        return row


class _Tables(HTMLParser):
    """Collects every table as rows of cell texts; one may stand inside another."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[_Table] = []
        self._open: list[_Table] = []
        self._muted = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._muted = tag in _MUTE
        if tag == "table":
            self._open.append(_Table())
            self.tables.append(self._open[-1])
        elif not self._open:
            return
        elif tag == "tr":
            self._open[-1].open_row()
        elif tag in {"td", "th"}:
            spans = dict(attrs)
            self._open[-1].open_cell(
                _span(spans.get("colspan")), _span(spans.get("rowspan"))
            )
        elif tag == "br":
            self.handle_data("\n")

    def handle_endtag(self, tag: str) -> None:
        self._muted = False
        if not self._open:
            return
        if tag in {"td", "th"}:
            self._open[-1].close_cell()
        elif tag == "table":
            self._open.pop().close_row()

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1].cell is not None and not self._muted:
            self._open[-1].cell.append(data)

    def close(self) -> None:
        """End the page, and the tables that it left open."""
        super().close()
        while self._open:
            self._open.pop().close_row()


def _span(text: str | None) -> int:
    return min(max(1, int(text)), _MAX_SPAN) if text and text.isdecimal() else 1
