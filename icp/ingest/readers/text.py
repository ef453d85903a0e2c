"""CSV and its relatives."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from icp.ingest.readers.decode import decode
from icp.ingest.readers.dialect import DELIMITERS, Dialect, find_dialect
from icp.ingest.readers.notes import line_list, plural
from icp.ingest.readers.split import as_it_came, physical_lines, split
from icp.ingest.readers.table import Origin, build_table

if TYPE_CHECKING:
    from icp.ingest.readers.notes import Notes
    from icp.ingest.readers.options import ReadOptions
    from icp.ingest.result import RawTable

__all__ = ["read_text"]

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


def _unwrapped(lines: list[str], notes: Notes) -> list[str]:
    """Lines that were quoted as a whole, without these quotes.

    So a row of several values looks like one. It is several where the header, too, has
    several names, and nearly every such line as many values.
    """
    inner = {n: found for n, line in enumerate(lines) if (found := _inside(line))}
    first = next((n for n, line in enumerate(lines) if line.strip()), 0)
    if len(inner) < _MOST * (len(lines) - first - 1):
        return lines
    header = inner.get(first) or lines[first]
    widths = {mark: _width(header, mark) for mark in DELIMITERS}
    mark = max(widths, key=lambda mark: widths[mark])
    alike = sum(1 for line in inner.values() if _width(line, mark) == widths[mark])
    if widths[mark] < 2 or alike < _MOST * len(inner):
        return lines
    notes.ask(
        "quotes",
        f"{plural(len(inner), 'line')} were quoted as a whole; the quotes were taken "
        "off to get at the values",
        lines=[n + 1 for n in inner],
        action="check the columns; export it again if they are wrong",
    )
    return [inner.get(n, line) for n, line in enumerate(lines)]


def _inside(line: str) -> str | None:
    found = _WRAPPED.fullmatch(line)
    return found[1].replace('""', '"') + found[2] if found else None


def _width(line: str, mark: str) -> int:
    return len(next(Dialect(mark).split([line])))


def _report_line_ends(text: str, lines: list[str], notes: Notes) -> None:
    if "\r" not in text:
        pass
    elif re.search(r"\r(?!\n)", text):
        _report_returns(text, lines, notes)
    elif text.count("\r\n") != text.count("\n"):
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
        notes.note("quotes", "double quotes are plain characters here, not quotation")
    if dialect.escape:
        notes.note("quotes", "quotes inside values are written with a backslash")
    if dialect.blank_after:
        notes.note("separator", "a blank follows the separator; it was left out")
