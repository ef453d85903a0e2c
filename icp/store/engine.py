"""How a database is opened: one place for everything a connection must be told."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection, Engine

__all__ = ["READ", "make_engine", "migration_engine", "wal_is_safe"]

#: Execution option of a connection that may not write.
READ = "icp_read"

_BUSY_MS = 10_000
#: Any number will do, as long as every version of icp takes the same one.
_WRITER = 7_241_905


def wal_is_safe(version: tuple[int, int, int], /) -> bool:
    """Whether this SQLite keeps a write-ahead log without a known corruption bug.

    The WAL-reset bug was mended in 3.51.3, 3.50.7 and 3.44.6.

    >>> wal_is_safe((3, 51, 3)), wal_is_safe((3, 51, 2)), wal_is_safe((3, 50, 8))
    (True, False, True)
    """
    major, minor, patch = version
    mended = {(3, 50): 7, (3, 44): 6}.get((major, minor))
    return version >= (3, 51, 3) or (mended is not None and patch >= mended)


def make_engine(url: str | URL, /) -> Engine:
    """An engine whose write transactions queue up and whose reads cannot write.

    `engine.begin()` writes; `engine.execution_options(icp_read=True).begin()` reads.
    """
    if sa.make_url(url).get_backend_name() != "sqlite":
        return _server_engine(url)
    engine = sa.create_engine(url, poolclass=NullPool, hide_parameters=True)
    _on_connect(engine, foreign_keys=True)
    event.listen(engine, "begin", _begin)
    return engine


def migration_engine(url: str | URL, /) -> Engine:
    """An engine for migrations: the same, but without foreign keys on SQLite.

    With them, SQLite's way to alter a table (copy, drop, rename) would delete the rows
    of dependent tables without a word.
    """
    if sa.make_url(url).get_backend_name() != "sqlite":
        return _server_engine(url)
    engine = sa.create_engine(url, poolclass=NullPool, hide_parameters=True)
    _on_connect(engine, foreign_keys=False)
    event.listen(engine, "begin", _begin)
    return engine


def _server_engine(url: str | URL, /) -> Engine:
    engine = sa.create_engine(url, pool_pre_ping=True, hide_parameters=True)
    event.listen(engine, "begin", _begin_on_server)
    return engine


def _begin_on_server(connection: Connection) -> None:
    if connection.get_execution_options().get(READ):
        connection.exec_driver_sql(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        )
    else:
        # Writers queue up before they look, as with BEGIN IMMEDIATE on SQLite: what one
        # reads and decides by would otherwise be another's to change before it writes.
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_BUSY_MS}")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER})")


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get(READ):
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.exec_driver_sql("BEGIN")
    else:
        # A plain BEGIN that writes later fails at once when another writer is ahead.
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _on_connect(engine: Engine, *, foreign_keys: bool) -> None:
    major, minor, patch = sqlite3.sqlite_version_info[:3]
    journal = "WAL" if wal_is_safe((major, minor, patch)) else "DELETE"
    pragmas = (
        f"busy_timeout = {_BUSY_MS}",
        f"journal_mode = {journal}",
        "synchronous = FULL",
        f"foreign_keys = {'ON' if foreign_keys else 'OFF'}",
    )

    def connect(connection: Any, _record: object) -> None:
        # None: we send BEGIN ourselves, the driver must not send its own.
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", connect)
