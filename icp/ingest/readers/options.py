"""How a source is to be read."""

from __future__ import annotations

from dataclasses import dataclass

MAX_BYTES = 200_000_000


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """Choices for one source; anything left out is found from its content."""

    #: Sheet of a workbook, by name; the first visible sheet where None.
    sheet: str | None = None
    #: Python's name of a text encoding, for instance "cp1252".
    encoding: str | None = None
    #: One character that separates the values of a text file.
    delimiter: str | None = None
    #: Physical line (Excel: row) of the column names, 1-based.
    header_line: int | None = None
    #: The first row is data; columns are named by letter.
    no_header: bool = False
    #: SELECT statement, for a database.
    query: str | None = None
    #: Larger sources are refused.
    max_bytes: int = MAX_BYTES
    #: Repair rows that have only one possible reading; quarantine them where False.
    repair: bool = True
    #: Refuse a source that has any finding at all.
    strict: bool = False
