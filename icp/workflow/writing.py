"""Files for people: tables that a spreadsheet opens without executing anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl
from polars import selectors as cs

from icp.errors import SourceError
from icp.store.bulk import replaced

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["for_people", "refuse_suffix", "scan", "write"]

#: A spreadsheet takes a cell that starts like this for a formula.
_FORMULA: Final = r"^[=+\-@\t\r\x00]"
_PLAIN_NUMBER: Final = r"^[+\-]?[0-9]+([.,][0-9]+)*$"
_SUFFIXES: Final = (".csv", ".parquet")


def write(frame: pl.DataFrame | pl.LazyFrame, target: Path, /) -> int:
    """Write a table batch by batch, as `.csv` or `.parquet`; returns its rows.

    The target appears when it is whole. A CSV file gets a byte order mark (spreadsheets
    then read UTF-8), lists become text, and text that looks like a formula gets a
    leading apostrophe.
    """
    refuse_suffix(target)
    with replaced(target) as temporary:
        if target.suffix.lower() == ".parquet":
            frame.lazy().sink_parquet(temporary)
        else:
            frame.lazy().pipe(for_people).sink_csv(temporary, include_bom=True)
    rows: int = scan(target).select(pl.len()).collect(engine="streaming").item()
    return rows


def refuse_suffix(target: Path, /) -> None:
    """Raise SourceError unless a table can be written to such a file."""
    if target.suffix.lower() not in _SUFFIXES:
        message = (
            f"cannot write {target.suffix or 'a file without ending'!r}; "
            f"end the name with {' or '.join(_SUFFIXES)}"
        )
        raise SourceError(message)
    if not target.absolute().parent.is_dir():
        message = f"no folder for {target.name!r}; make the folder first"
        raise SourceError(message)


def scan(file: Path, /) -> pl.LazyFrame:
    """Read back what `write` wrote."""
    if file.suffix.lower() == ".parquet":
        return pl.scan_parquet(file, glob=False)
    return pl.scan_csv(file, glob=False, infer_schema=False)


def for_people(frame: pl.LazyFrame, /) -> pl.LazyFrame:
    """Lists as text, and no text that a spreadsheet would execute.

    >>> frame = pl.LazyFrame({"name": ["=1+1", "-5"], "tags": [["a", "b"], None]})
    >>> for_people(frame).collect().rows()
    [("'=1+1", 'a; b'), ('-5', None)]
    """
    text = (cs.string() | cs.categorical() | cs.enum()).cast(pl.String)
    return frame.with_columns(cs.list().list.join("; ")).with_columns(
        pl.when(text.str.contains(_PLAIN_NUMBER))
        .then(text)
        .otherwise(text.str.replace(_FORMULA, "'$0"))
    )
