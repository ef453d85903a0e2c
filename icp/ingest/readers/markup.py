"""HTML tables that call themselves .xls, as some CRM exports do."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from icp.ingest.readers.decode import decode
from icp.ingest.readers.excel import grid_of_rows
from icp.ingest.readers.notes import plural
from icp.ingest.readers.table import Origin, build_table

if TYPE_CHECKING:
    from icp.ingest.readers.notes import Notes
    from icp.ingest.readers.options import ReadOptions
    from icp.ingest.result import RawTable

__all__ = ["read_markup"]

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)
_MAX_SPAN = 1_000


def read_markup(data: bytes, notes: Notes, options: ReadOptions, /) -> RawTable:
    """Read the largest table of an HTML file; `LINE` counts that table's rows.

    Raises:
        SourceError: there is no table in it.
    """
    decoded = decode(data, notes, encoding=options.encoding or _declared(data))
    parser = _Tables()
    parser.feed(decoded.text)
    parser.close()
    tables = [table for table in parser.tables if any(map(any, table))]
    if not tables:
        raise notes.stop(
            "format-error",
            "is a web page without a table",
            action="export it again as CSV (UTF-8) or as an Excel workbook (.xlsx)",
        )
    largest = max(tables, key=len)
    notes.note("format", "is a web page (HTML) and was read as one; its table was used")
    if len(tables) > 1:
        notes.ask(
            "other-table",
            f"{plural(len(tables), 'table')} in the page; the largest was read",
            count=len(tables),
        )
    origin = Origin(data=data, kind="html", encoding=decoded.encoding)
    return build_table(grid_of_rows(largest), origin, notes, options)


def _declared(data: bytes) -> str | None:
    """The charset a page names, where its bytes bear it out."""
    found = _CHARSET.search(data[:4096])
    if found is None or data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return None
    name = found[1].decode("ascii", errors="replace")
    try:
        data.decode(name)
    except (LookupError, UnicodeDecodeError):
        return None
    return name


class _Tables(HTMLParser):
    """Collects every table as rows of cell texts."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self._open: list[list[list[str]]] = []
        self._cell: list[str] | None = None
        self._span = 1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._open.append([])
            self.tables.append(self._open[-1])
        elif tag == "tr" and self._open:
            self._close_cell()
            self._open[-1].append([])
        elif tag in {"td", "th"} and self._open:
            self._close_cell()
            self._cell = []
            self._span = _span(dict(attrs).get("colspan"))
        elif tag == "br" and self._cell is not None:
            self._cell.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th", "tr", "table"}:
            self._close_cell()
        if tag == "table" and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def _close_cell(self) -> None:
        if self._cell is None or not self._open:
            return
        if not self._open[-1]:
            self._open[-1].append([])
        text = re.sub(r"[ \t\r\n]+", " ", "".join(self._cell)).strip()
        self._open[-1][-1] += [text, *[""] * (self._span - 1)]
        self._cell = None


def _span(text: str | None) -> int:
    return min(int(text), _MAX_SPAN) if text and text.isdecimal() else 1
