"""Files for people: tables that a spreadsheet opens without executing anything."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import polars as pl
from polars import selectors as cs

from icp.errors import SourceError, counted
from icp.store.bulk import replaced

if TYPE_CHECKING:
    from pathlib import Path


#: A spreadsheet takes a cell that starts like this for a formula.
_FORMULA: Final = r"^[=+\-@\t\r\n\x00]"
_PLAIN_NUMBER: Final = r"^[+\-]?[0-9]+([.,][0-9]+)*$"
#: Columns that fit into a spreadsheet's cells.
_CELLS: Final = (
    cs.numeric()
    | cs.boolean()
    | cs.date()
    | cs.datetime()
    | cs.time()
    | cs.string()
    | cs.categorical()
    | cs.enum()
    | cs.by_dtype(pl.Null)
    | cs.list(cs.numeric() | cs.boolean() | cs.string() | cs.categorical() | cs.enum())
)
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
            _refuse_nested(frame.lazy())
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
    _refuse_place(target)


def write_text(text: str, target: Path, /) -> None:
    """Write a text; the target appears when it is whole."""
    _refuse_place(target)
    with replaced(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _refuse_place(target: Path) -> None:
    if target.is_dir():
        message = f"{target.name!r} is a folder; name a file in it"
        raise SourceError(message)
    if not target.absolute().parent.is_dir():
        message = f"no folder for {target.name!r}; make the folder first"
        raise SourceError(message)


def _refuse_nested(frame: pl.LazyFrame) -> None:
    columns = frame.select(~_CELLS).collect_schema().names()
    if columns:
        message = (
            f"a .csv file cannot hold {counted(columns, 'column')}; write .parquet"
        )
        raise SourceError(message)


def scan(file: Path, /) -> pl.LazyFrame:
    """Read back what `write` wrote."""
    if file.suffix.lower() == ".parquet":
        return pl.scan_parquet(file, glob=False)
    return pl.scan_csv(file, glob=False, infer_schema=False)


def for_people(frame: pl.LazyFrame, /) -> pl.LazyFrame:
    """Lists as text, and no text or name that a spreadsheet would execute.

    >>> frame = pl.LazyFrame({"name": ["=1+1", "-5"], "tags": [["a", "b"], None]})
    >>> for_people(frame).collect().rows()
    [("'=1+1", 'a; b'), ('-5', None)]
    """
    text = (cs.string() | cs.categorical() | cs.enum()).cast(pl.String)
    joined = cs.list().cast(pl.List(pl.String)).list.join("; ")
    return (
        frame.with_columns(joined)
        .with_columns(
            pl.when(text.str.contains(_PLAIN_NUMBER))
            .then(text)
            .otherwise(text.str.replace(_FORMULA, "'$0"))
        )
        .rename(lambda name: re.sub(_FORMULA, r"'\g<0>", name))
    )
