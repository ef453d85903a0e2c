"""CSV and its relatives."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from icp.ingest.readers.decode import decode
from icp.ingest.readers.dialect import find_dialect
from icp.ingest.readers.notes import line_list
from icp.ingest.readers.split import physical_lines, split
from icp.ingest.readers.table import Origin, build_table

if TYPE_CHECKING:
    from icp.ingest.readers.dialect import Dialect
    from icp.ingest.readers.notes import Notes
    from icp.ingest.readers.options import ReadOptions
    from icp.ingest.result import RawTable

__all__ = ["read_text"]


def read_text(data: bytes, notes: Notes, options: ReadOptions, /) -> RawTable:
    """Read a text file into a table.

    Raises:
        SourceError: no table can be found in it.
    """
    decoded = decode(data, notes, encoding=options.encoding)
    lines = physical_lines(decoded.text)
    _report_line_ends(decoded.text, lines, notes)
    dialect, declared = find_dialect(lines, notes, delimiter=options.delimiter)
    _report_quotes(dialect, notes)
    grid = split(lines, dialect, notes, skip=declared)
    origin = Origin(
        data=data,
        kind="csv",
        encoding=decoded.encoding,
        delimiter=dialect.delimiter,
        quote=dialect.quote,
        declared=declared,
    )
    return build_table(grid, origin, notes, options)


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
