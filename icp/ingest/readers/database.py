"""A query on a database, through SQLAlchemy; nothing is ever written there."""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl
import sqlalchemy as sa

from icp.database_url import database_url
from icp.errors import SourceError
from icp.ingest.readers.notes import Notes
from icp.ingest.readers.typed import text_table

if TYPE_CHECKING:
    from icp.ingest.readers.options import ReadOptions
    from icp.ingest.result import RawTable

__all__ = ["read_query"]

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


def read_query(url: str, options: ReadOptions, /) -> RawTable:
    """Read the rows of one SELECT statement, every value as text.

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


def _check_file(address: sa.URL, notes: Notes) -> None:
    """SQLite would make an empty file where there is none."""
    file = address.database or ":memory:"
    named = address.get_backend_name() == "sqlite" and not file.startswith(
        (":memory:", "file:")
    )
    if named and not Path(file).exists():
        raise notes.stop(
            "source-error", "there is no such database file", action="check the path"
        )


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
            rows = [tuple(map(_text, row)) for row in result]
            connection.rollback()
    finally:
        engine.dispose()
    return names, rows


def _text(value: object) -> str | None:
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
