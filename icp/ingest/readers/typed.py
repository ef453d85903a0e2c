"""Sources with types of their own (Parquet, a database): every value as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from icp.ingest.readers.naming import name_columns
from icp.ingest.readers.notes import plural
from icp.ingest.result import LINE, Ledger, RawTable, SourceReport

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from polars.datatypes import DataTypeClass

    from icp.ingest.readers.notes import Notes
    from icp.ingest.readers.options import ReadOptions

__all__ = ["as_text", "text_table"]

_SEPARATOR = ";"


def as_text(frame: pl.DataFrame, notes: Notes, /) -> pl.DataFrame:
    """Cast every column to String without losing anything.

    Dates become ISO text, booleans "true" and "false", lists are joined with ";".
    An empty string becomes null. Binary columns become hexadecimal text.

    >>> from icp.ingest.readers.notes import Notes
    >>> as_text(pl.DataFrame({"a": [1.5, None], "b": [True, False]}), Notes("x")).rows()
    [('1.5', 'true'), (None, 'false')]
    """
    _report_lists(frame, notes)
    columns = [_text(pl.col(name), dtype) for name, dtype in frame.schema.items()]
    return frame.select(columns).with_columns(pl.all().replace("", None))


def _text(column: pl.Expr, dtype: pl.DataType | DataTypeClass) -> pl.Expr:
    match dtype:
        case pl.Datetime():
            return column.dt.to_string("iso").str.replace(r"\.0+($|[+-])", "${1}")
        case pl.Date() | pl.Time() | pl.Duration():
            return column.dt.to_string("iso")
        case pl.List() | pl.Array():
            return _items(column, dtype).list.drop_nulls().list.join(_SEPARATOR)
        case pl.Struct():
            return column.struct.json_encode()
        case pl.Binary():
            return column.bin.encode("hex")
        case _:
            return column.cast(pl.String)


def _items(column: pl.Expr, dtype: pl.List | pl.Array) -> pl.Expr:
    """The items of a list, each as text."""
    items = column.arr.to_list() if isinstance(dtype, pl.Array) else column
    return items.list.eval(_text(pl.element(), dtype.inner))


def _report_lists(frame: pl.DataFrame, notes: Notes) -> None:
    for name, dtype in frame.schema.items():
        if not isinstance(dtype, pl.List | pl.Array):
            continue
        values = frame.select(_items(pl.col(name), dtype).list.explode()).to_series()
        holds = int(values.str.contains(_SEPARATOR, literal=True).sum() or 0)
        notes.note("list-values", f"lists were joined with {_SEPARATOR!r}", column=name)
        if holds:
            notes.ask(
                "list-values",
                f"{plural(holds, 'value')} contain {_SEPARATOR!r} themselves and will "
                "be taken apart",
                column=name,
                count=holds,
                action="rename these values in the source",
            )


def text_table(
    frame: pl.DataFrame,
    notes: Notes,
    options: ReadOptions,
    /,
    *,
    labels: Sequence[str],
    kind: Literal["parquet", "database"],
    sha256: str,
    size: int,
) -> RawTable:
    """A table of text whose every row is used; `LINE` counts its rows from 1.

    `labels` are the columns' names in the source, which may be alike.

    Raises:
        SourceError: no rows, or `options.strict` and there is a finding.
    """
    if not frame.height:
        names = ", ".join(map(repr, labels[:8]))
        raise notes.stop(
            "row-count",
            f"has columns ({names}) but no rows",
            action="check the export or the query",
        )
    text = as_text(frame, notes)
    cells = text.rename({name: str(i) for i, name in enumerate(text.columns)})
    numbered = cells.with_columns(
        pl.Series(LINE, range(1, frame.height + 1), dtype=pl.Int64),
        pl.Series("__last_line__", range(1, frame.height + 1), dtype=pl.Int64),
    )
    named = name_columns(numbered, labels, notes, lettered=False)
    report = SourceReport(
        file=notes.file,
        sheet=notes.sheet,
        kind=kind,
        sha256=sha256,
        size=size,
        ledger=Ledger(read=frame.height, used=frame.height),
        columns=tuple(name for name in named.frame.columns if name != LINE),
        findings=notes.findings,
        aside=named.beside,
    )
    if options.strict:
        notes.refuse_any()
    return RawTable(frame=named.frame, report=report)
