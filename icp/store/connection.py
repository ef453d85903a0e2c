"""One open database: read and write transactions, events included."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import exc

from icp.database_url import database_url
from icp.errors import ConflictError, StoreError
from icp.store import events
from icp.store.engine import READ, make_engine
from icp.store.migrate import upgrade
from icp.store.tables import HEAD, bulk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection, Engine

    from icp.store.bulk import BulkFile

__all__ = ["Clock", "Database", "Transaction", "utc_now"]

Clock = Callable[[], datetime]
_INSTALL = "for PostgreSQL install icp[postgres]"
#: PostgreSQL's code for a lock that was waited for too long.
_LOCK_TIMEOUT = "55P03"


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Transaction:
    """A write transaction: state and its event are kept together or not at all."""

    connection: Connection
    actor: str
    now: datetime

    def insert(self, table: sa.Table, /, **values: Any) -> int:
        """Insert a row that carries its time and author; returns its number."""
        made = {"created_at": self.now, "author": self.actor}
        result = self.connection.execute(table.insert().values(**values, **made))
        number: int = result.inserted_primary_key[0]  # type: ignore[index]  # one row
        return number

    def log(self, kind: str, subject: object, /, **payload: Any) -> None:
        """Append an event."""
        events.append(
            self.connection,
            at=self.now,
            actor=self.actor,
            kind=kind,
            subject=str(subject),
            payload=payload,
        )

    def keep(self, file: BulkFile, kind: str, /) -> str:
        """Record a stored table, once; returns its hash."""
        known = sa.select(bulk.c.hash).where(bulk.c.hash == file.hash)
        if self.connection.execute(known).scalar() is None:
            row = {"hash": file.hash, "rows": file.rows, "bytes": file.bytes}
            made = {"kind": kind, "created_at": self.now}
            self.connection.execute(bulk.insert().values(**row, **made))
        return file.hash


_KINDS = {"sqlite", "postgresql"}


def _address(place: str | Path) -> sa.URL:
    if isinstance(place, Path):  # its signs are its own: no ? or % of an address
        return sa.URL.create("sqlite", database=str(place))
    try:
        url = database_url(place)
        url.get_dialect().import_dbapi()
    except ValueError as error:
        raise StoreError(str(error)) from None
    except (exc.ArgumentError, ImportError) as error:
        reason = str(error).splitlines()[0]
        message = f"the store's database has no driver ({reason}); {_INSTALL}"
        raise StoreError(message) from None
    if url.get_backend_name() not in _KINDS:
        message = f"a store lives in SQLite or PostgreSQL, not {url.get_backend_name()}"
        raise StoreError(message)
    return url


class Database:
    """An engine on an up-to-date schema, and the two ways to use it."""

    def __init__(self, place: str | Path, /, *, clock: Clock = utc_now) -> None:
        self.url = _address(place)
        self.clock = clock
        self._engine: Engine = make_engine(self.url)
        try:
            with _told():
                upgrade(self._engine, self.url)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def describe(self) -> str:
        """Which database it is, and its schema's version."""
        name = self._engine.dialect.name
        with self.read() as connection:
            number = ".".join(map(str, connection.dialect.server_version_info or ()))
        return f"{name} {number}, schema {HEAD}"

    def problem(self) -> str:
        """What the database itself finds wrong, in words; empty where nothing is."""
        if self._engine.dialect.name != "sqlite":
            return ""
        with self.read() as connection:
            found = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if found != "ok":
            return f"the file is damaged: {found}"
        return f"{len(broken)} references lead nowhere" if broken else ""

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one moment and cannot write."""
        reading = self._engine.execution_options(**{READ: True})
        with _told(), reading.begin() as connection:
            yield connection

    @contextmanager
    def write(self, actor: str, /) -> Iterator[Transaction]:
        """A transaction that waits for other writers first, then keeps all or none."""
        with _told(), self._engine.begin() as connection:
            yield Transaction(connection, actor, self.clock())


@contextmanager
def _told() -> Iterator[None]:
    """Say what a person can do about a database's error."""
    try:
        yield
    except exc.IntegrityError as error:
        message = "somebody else changed the same thing meanwhile; look and try again"
        raise ConflictError(message) from error
    except exc.DatabaseError as error:
        raise StoreError(_described(error)) from error


def _described(error: exc.DatabaseError) -> str:
    text, state = str(error.orig), getattr(error.orig, "sqlstate", None)
    if "locked" in text or state == _LOCK_TIMEOUT:
        return "another program holds the store; try again in a minute"
    if isinstance(error, exc.OperationalError):
        return f"the store cannot be used ({text}); run icp doctor"
    if state:  # a server's own words may hold values
        return f"the store's database refused, code {state}; run icp doctor"
    return "the store's file is damaged; restore it from a backup"
