"""Sources with types of their own, every value as text: Parquet and databases."""

from __future__ import annotations

import hashlib
import io
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl
import sqlalchemy as sa

from icp.database_url import database_url
from icp.errors import SourceError
from icp.ingest.readers.grid import LAST, Notes, plural
from icp.ingest.readers.header import name_columns
from icp.ingest.result import LINE, Ledger, RawTable, SourceReport

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from polars.datatypes import DataTypeClass

    from icp.ingest.readers.options import ReadOptions

_SEPARATOR = ";"
_SELECT = re.compile(
    r"\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*(?:select|with)\b", re.I | re.S
)
#: What makes a connection refuse to write; a roll-back alone does not: SQLite's driver
#: commits `WITH ... DELETE` by itself.
_READ_ONLY: Final = {
    "sqlite": "PRAGMA query_only = ON",
    "postgresql": "SET TRANSACTION READ ONLY",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
}
#: Where a driver takes values by such marks, a plain % is written twice.
_PERCENT: Final = frozenset({"format", "pyformat"})


def read_parquet(data: bytes, notes: Notes, options: ReadOptions, /) -> RawTable:
    """Read a Parquet file; numbers, dates and lists become text.

    Raises:
        SourceError: damaged, or without rows.
    """
    try:
        frame = pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, OSError):
        raise notes.stop(
            "format-error",
            "is a damaged or cut-off Parquet file",
            action="write it again",
        ) from None
    return text_table(
        frame,
        notes,
        options,
        labels=frame.columns,
        kind="parquet",
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
    )


def read_query(url: str, options: ReadOptions, /) -> RawTable:
    """Read the rows of one SELECT statement, every value as text; nothing is written.

    Raises:
        SourceError: no query, not a SELECT, or the database refuses it. A password in
            the URL is never shown.
    """
    address = _address(url)
    notes = Notes(address.render_as_string(hide_password=True))
    query = _checked(options.query, notes)
    _check_file(address, notes)
    try:
        names, rows = _fetch(address, query)
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        cause = getattr(error, "orig", None) or error
        reason = str(cause).splitlines()[0][:200]
        raise notes.stop(
            "source-error",
            f"the query failed: {reason}",
            action="check the address, the driver, your rights and the query",
        ) from None
    frame = _frame(rows, width=len(names))
    digest = hashlib.sha256(repr(rows).encode()).hexdigest()
    size = sum(len(value) for row in rows for value in row if value is not None)
    return text_table(
        frame, notes, options, labels=names, kind="database", sha256=digest, size=size
    )


def _address(text: str) -> sa.URL:
    try:
        return database_url(text)
    except ValueError as error:
        raise SourceError(str(error)) from None


def _checked(query: str | None, notes: Notes) -> str:
    text = (query or "").strip().rstrip(";")
    if not text:
        raise notes.stop(
            "source-error",
            "needs a query",
            action="give a SELECT statement (query=...)",
        )
    if not _SELECT.match(text):
        raise notes.stop(
            "source-error",
            "only one SELECT statement is read",
            action="start the query with SELECT or WITH",
        )
    return text


def _check_file(address: sa.URL, notes: Notes) -> None:
    """SQLite would make an empty file where there is none."""
    file = address.database or ":memory:"
    is_file = address.get_backend_name() == "sqlite" and not file.startswith(
        (":memory:", "file:")
    )
    if is_file and not Path(file).exists():
        raise notes.stop(
            "source-error", "there is no such database file", action="check the path"
        )


def _fetch(
    address: sa.URL, query: str
) -> tuple[list[str], list[tuple[str | None, ...]]]:
    """Column names and rows as text; the transaction is rolled back."""
    engine = sa.create_engine(address)
    try:
        with engine.connect() as connection:
            if statement := _READ_ONLY.get(engine.dialect.name):
                connection.exec_driver_sql(statement)
            if engine.dialect.paramstyle in _PERCENT:
                query = query.replace("%", "%%")
            result = connection.exec_driver_sql(query)
            names = list(map(str, result.keys()))
            rows = [tuple(map(_cell_text, row)) for row in result]
            connection.rollback()
    finally:
        engine.dispose()
    return names, rows


def _cell_text(value: object) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case bytes() | memoryview():
            return bytes(value).hex()
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case Decimal():
            return format(value, "f")
        case _:
            return str(value)


def _frame(rows: list[tuple[str | None, ...]], *, width: int) -> pl.DataFrame:
    """Columns named by position: a query may name two of them alike."""
    columns = zip(*rows, strict=True) if rows else [()] * width
    return pl.DataFrame(
        [
            pl.Series(str(index), list(column), dtype=pl.String)
            for index, column in enumerate(columns)
        ]
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
    lines = pl.int_range(1, frame.height + 1, dtype=pl.Int64)
    numbered = cells.with_columns(lines.alias(LINE), lines.alias(LAST))
    table = name_columns(numbered, labels, notes, lettered=False)
    report = SourceReport(
        file=notes.file,
        sheet=notes.sheet,
        kind=kind,
        sha256=sha256,
        size=size,
        ledger=Ledger(read=frame.height, used=frame.height),
        columns=tuple(name for name in table.frame.columns if name != LINE),
        findings=notes.findings,
        excluded=table.beside,
    )
    if options.strict:
        notes.refuse_any()
    return RawTable(frame=table.frame, report=report)


def as_text(frame: pl.DataFrame, notes: Notes, /) -> pl.DataFrame:
    """Cast every column to String without losing anything.

    Dates become ISO text, booleans "true" and "false", lists are joined with ";".
    An empty string becomes null. Binary columns become hexadecimal text.

    >>> from icp.ingest.readers.grid import Notes
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
                "be split",
                column=name,
                count=holds,
                action="rename these values in the source",
            )
