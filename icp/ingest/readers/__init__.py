"""Reads a file, by its content, or a database query into a table of text.

Nothing is guessed from a file's name, nothing is dropped silently: every physical
line is accounted for in the report's ledger, and anything unusual is a finding.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from icp.errors import SourceError
from icp.ingest.readers.content import content_of
from icp.ingest.readers.grid import Notes
from icp.ingest.readers.options import ReadOptions

if TYPE_CHECKING:
    from icp.ingest.result import RawTable, SheetInfo

__all__ = ["ReadOptions", "list_sheets", "read_table"]

_URL = re.compile(r"[a-z][a-z0-9]+(?:\+[a-z0-9_]+)?://", re.IGNORECASE)
_DEFAULT = ReadOptions()


def read_table(source: str | Path, /, *, options: ReadOptions = _DEFAULT) -> RawTable:
    """Read a source into a table in which every value is text.

    Args:
        source: path of a file (CSV and relatives, Excel, Parquet, an HTML table called
            .xls), or a database URL, which needs `options.query`.
        options: choices for this source; anything left out is found from the content.

    Returns:
        The table: an empty cell is null, `LINE` is the row's first physical line
        (Excel: row), and the report says what every line was.

    Raises:
        SourceError: the source cannot be read, holds no table, or has findings and
            `options.strict` is set. The message names file, sheet, line and what to do.

    >>> read_table("no-such-file.csv")
    Traceback (most recent call last):
        ...
    icp.errors.SourceError: no-such-file.csv: does not exist; check the path
    """
    if _URL.match(str(source)):
        from icp.ingest.readers.typed import read_query

        return read_query(str(source), options)
    path = Path(source)
    notes = Notes(path.name, sheet=options.sheet)
    data = _bytes_of(path, notes, options)
    match content_of(data, notes):
        case "xlsx" | "xls" as kind:
            from icp.ingest.readers.excel import read_workbook

            return read_workbook(data, kind, notes, options)
        case "parquet":
            from icp.ingest.readers.typed import read_parquet

            return read_parquet(data, notes, options)
        case "html":
            from icp.ingest.readers.html import read_markup

            return read_markup(data, notes, options)
        case "text":
            from icp.ingest.readers.csv_text import read_text

            return read_text(data, notes, options)


def list_sheets(path: str | Path, /) -> tuple[SheetInfo, ...]:
    """Sheets of a workbook with their sizes; nothing for other files.

    Raises:
        SourceError: the file cannot be read.
    """
    notes = Notes(Path(path).name)
    data = _bytes_of(Path(path), notes, _DEFAULT)
    kind = content_of(data, notes)
    if kind not in {"xlsx", "xls"}:
        return ()
    from icp.ingest.readers.excel import sheets_of

    return sheets_of(data, kind, notes)


def _bytes_of(path: Path, notes: Notes, options: ReadOptions) -> bytes:
    try:
        size = path.stat().st_size
        if size > options.max_bytes:
            raise notes.stop(
                "source-error",
                f"has {size:,} bytes (limit {options.max_bytes:,})",
                action="export fewer columns, split it, or save it as Parquet",
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise SourceError(f"{path.name}: does not exist; check the path") from None
    except IsADirectoryError:
        raise SourceError(f"{path.name}: is a folder; name a file in it") from None
    except OSError as error:
        reason = error.strerror or "cannot be opened"
        raise SourceError(f"{path.name}: {reason}; check the file's rights") from None
