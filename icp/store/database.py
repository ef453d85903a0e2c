"""One open database: transactions, the chained event log, and the schema's upgrade.

Opening brings the schema up to date, under a lock and after a backup, or not at all.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.pool import NullPool

from icp.database_url import database_url
from icp.errors import ConflictError, StoreError
from icp.store.tables import HEAD, bulk, events, meta

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from alembic.config import Config
    from sqlalchemy.engine import URL, Connection, Engine, RowMapping

    from icp.store.bulk import BulkFile


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


#: Execution option of a connection that may not write.
READ = "icp_read"
Clock = Callable[[], datetime]


class Database:
    """An engine on an up-to-date schema, and the two ways to use it."""

    def __init__(self, place: str | Path, /, *, clock: Clock = utc_now) -> None:
        self.url = _address(place)
        self.clock = clock
        self._engine: Engine = make_engine(self.url)
        try:
            with _plain_errors():
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
            integrity = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if integrity != "ok":
            return f"the file is damaged: {integrity}"
        return f"{len(broken)} references lead nowhere" if broken else ""

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one moment and cannot write."""
        reading = self._engine.execution_options(**{READ: True})
        with _plain_errors(), reading.begin() as connection:
            yield connection

    @contextmanager
    def write(self, actor: str, /) -> Iterator[Transaction]:
        """A transaction that waits for other writers first, then keeps all or none."""
        with _plain_errors(), self._engine.begin() as connection:
            yield Transaction(connection, actor, self.clock())


_INSTALL = "for PostgreSQL install ideal-customer-profile[postgres]"
_KINDS = {"sqlite", "postgresql"}


def _address(place: str | Path) -> sa.URL:
    if isinstance(place, Path):  # its characters are its own, not an address's ? or %
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


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Say what a person can do about a database's error."""
    try:
        yield
    except exc.IntegrityError as error:
        message = "someone else changed this at the same time; reload and try again"
        raise ConflictError(message) from error
    except exc.DatabaseError as error:
        raise StoreError(_error_words(error)) from error


#: PostgreSQL's code for a lock that was waited for too long.
_LOCK_TIMEOUT = "55P03"


def _error_words(error: exc.DatabaseError) -> str:
    text, state = str(error.orig), getattr(error.orig, "sqlstate", None)
    if "locked" in text or state == _LOCK_TIMEOUT:
        return "another program holds the store; try again in a minute"
    if isinstance(error, exc.OperationalError):
        return f"the store cannot be used ({text}); run icp doctor"
    if state:  # a server's own words may hold values
        return f"the store's database refused, code {state}; run icp doctor"
    return "the store's file is damaged; restore it from a backup"


@dataclass(frozen=True)
class Transaction:
    """A write transaction: state and its event are kept together or not at all."""

    connection: Connection
    actor: str
    now: datetime

    def insert(self, table: sa.Table, /, **values: Any) -> int:
        """Insert a row that carries its time and author; returns its number."""
        origin = {"created_at": self.now, "author": self.actor}
        result = self.connection.execute(table.insert().values(**values, **origin))
        number: int = result.inserted_primary_key[0]  # type: ignore[index]  # one row
        return number

    def log(self, kind: str, subject: object, /, **payload: Any) -> None:
        """Append an event."""
        append_event(
            self.connection,
            at=self.now,
            actor=self.actor,
            kind=kind,
            subject=str(subject),
            payload=payload,
        )

    def keep(self, file: BulkFile, kind: str, /) -> str:
        """Record a stored table, once; returns its hash."""
        query = sa.select(bulk.c.hash).where(bulk.c.hash == file.hash)
        if self.connection.execute(query).scalar() is None:
            row = {"hash": file.hash, "rows": file.rows, "bytes": file.bytes}
            origin = {"kind": kind, "created_at": self.now}
            self.connection.execute(bulk.insert().values(**row, **origin))
        return file.hash


#: The hash before the first event.
GENESIS: Final = "0" * 64


# The event log is append-only, each entry sealing all before it:
# `hash_i = SHA-256(hash_(i-1) || canonical JSON of event i)`, with 64 zeros before the
# first. The newest number and hash are also kept in `meta`, so a cut-off tail shows.
# The first migration puts the empty chain's head there.


def verify_chain(connection: Connection, /) -> int:
    """Recompute the whole chain; returns its length, or raises StoreError."""
    previous, count = GENESIS, 0
    for row in connection.execute(sa.select(events).order_by(events.c.seq)):
        count += 1
        if row.seq != count or row.hash != event_hash(previous, row._mapping):
            message = (
                f"event {row.seq} of the log was changed or one before it removed; "
                "restore the store from a backup"
            )
            raise StoreError(message)
        previous = row.hash
    if _chain_head(connection) != (count, previous):
        message = (
            f"the log ends at event {count}, but more had been written; "
            "restore the store from a backup"
        )
        raise StoreError(message)
    return count


_CHAIN: Final = "event_chain"


def _chain_head(connection: Connection) -> tuple[int, str]:
    query = sa.select(meta.c.value).where(meta.c.name == _CHAIN)
    stored = connection.execute(query).scalar()
    if stored is None:
        message = "the head of the log is gone; restore the store from a backup"
        raise StoreError(message)
    last, _, digest = stored.partition(":")
    if not last.isdecimal():
        message = "the head of the log is damaged; restore the store from a backup"
        raise StoreError(message)
    return int(last), digest


def append_event(
    connection: Connection,
    /,
    *,
    at: datetime,
    actor: str,
    kind: str,
    subject: str,
    payload: Mapping[str, Any],
) -> int:
    """Write one event in the caller's transaction; returns its number."""
    last, previous = _chain_head(connection)
    event = {
        "seq": last + 1,
        "at": at,
        "actor": actor,
        "kind": kind,
        "subject": subject,
        "payload": canonical(payload),
    }
    event["hash"] = event_hash(previous, event)
    connection.execute(events.insert().values(**event))
    head = meta.update().where(meta.c.name == _CHAIN)
    connection.execute(head.values(value=f"{event['seq']}:{event['hash']}"))
    return last + 1


def event_hash(previous: str, event: Mapping[str, Any] | RowMapping, /) -> str:
    """The hash of an event after the one with hash `previous`."""
    sealed = {
        "seq": event["seq"],
        "at": event["at"].isoformat(timespec="microseconds"),
        "actor": event["actor"],
        "kind": event["kind"],
        "subject": event["subject"],
        "payload": event["payload"],
    }
    return hashlib.sha256((previous + canonical(sealed)).encode()).hexdigest()


def canonical(document: object, /) -> str:
    """JSON with sorted keys and without spaces: one text per value.

    >>> canonical({"b": 1, "a": [True, None]})
    '{"a":[true,null],"b":1}'
    """
    return json.dumps(
        document,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )


def revision(engine: Engine, /) -> str | None:
    """The schema's version, or None for an empty database."""
    with engine.execution_options(**{READ: True}).begin() as connection:
        return _revision(connection)


#: Schemas of builds before the first release.
_BEFORE_RELEASE: Final = ("0001", "0002", "0003")
_ALEMBIC = sa.table("alembic_version", sa.column("version_num", sa.String))


def _revision(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table(_ALEMBIC.name):
        return None
    return connection.execute(sa.select(_ALEMBIC.c.version_num)).scalar()


def upgrade(engine: Engine, url: URL, /) -> Path | None:
    """Upgrade to the newest schema; returns the backup that was made, if any.

    A schema newer than this version of icp raises StoreError and is left alone.
    """
    if revision(engine) == HEAD:
        return None
    migrating = make_engine(url, foreign_keys=False)
    try:
        with migrating.begin() as connection:
            return _upgrade_locked(connection, url)
    finally:
        migrating.dispose()


def _upgrade_locked(connection: Connection, url: URL) -> Path | None:
    from alembic import command

    current = _revision(connection)
    if current == HEAD:  # another process was faster
        return None
    config = _config(connection)
    backup = None
    if current:
        _refuse_unknown(config, current)
        backup = _back_up(url, current)
    command.upgrade(config, "head")
    _check_references(connection)
    return backup


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    # Alembic talks to the stdout of its import; results are the only ones to go there.
    config = Config(stdout=StringIO())
    config.set_main_option("script_location", "icp.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _refuse_unknown(config: Config, current: str) -> None:
    from alembic.script import ScriptDirectory

    if current in _BEFORE_RELEASE:
        message = (
            "the store was made by a build before the first release of icp (schema "
            f"{current}) and cannot be upgraded; back up its folder, start a new "
            "workspace with icp init, and import again"
        )
        raise StoreError(message)
    scripts = ScriptDirectory.from_config(config)
    if current not in {script.revision for script in scripts.walk_revisions()}:
        message = (
            f"the store has schema {current!r}, newer than {HEAD!r} of this version; "
            "upgrade icp"
        )
        raise StoreError(message)


def _back_up(url: URL, current: str) -> Path | None:
    """Copy an SQLite file beside itself; servers are backed up by their own tools."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    source = Path(url.database)
    target = source.with_name(f"{source.name}.before-{current}")
    with (
        closing(sqlite3.connect(source)) as old,
        closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
    return target


def _check_references(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        message = (
            f"the upgrade would break {len(broken)} references and was undone; "
            "keep the backup and report it"
        )
        raise StoreError(message)


def make_engine(url: str | URL, /, *, foreign_keys: bool = True) -> Engine:
    """An engine whose write transactions queue up and whose reads cannot write.

    `engine.begin()` writes; `engine.execution_options(icp_read=True).begin()` reads.
    Migrations go without `foreign_keys`: with them, SQLite's way to alter a table
    (copy, drop, rename) would silently delete the rows of dependent tables.
    """
    if sa.make_url(url).get_backend_name() != "sqlite":
        return _server_engine(url)
    engine = sa.create_engine(url, poolclass=NullPool, hide_parameters=True)
    _on_connect(engine, foreign_keys=foreign_keys)
    event.listen(engine, "begin", _begin)
    return engine


def _server_engine(url: str | URL, /) -> Engine:
    engine = sa.create_engine(url, pool_pre_ping=True, hide_parameters=True)
    event.listen(engine, "begin", _begin_on_server)
    return engine


_BUSY_MS = 10_000
#: Any number will do, as long as every version of icp takes the same one.
_WRITER = 7_241_905


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


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get(READ):
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.exec_driver_sql("BEGIN")
    else:
        # A plain BEGIN that writes later fails at once when another writer is ahead.
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def wal_is_safe(version: tuple[int, int, int], /) -> bool:
    """Whether this SQLite keeps a write-ahead log without a known corruption bug.

    The WAL-reset bug was fixed in 3.51.3, 3.50.7 and 3.44.6.

    >>> wal_is_safe((3, 51, 3)), wal_is_safe((3, 51, 2)), wal_is_safe((3, 50, 8))
    (True, False, True)
    """
    major, minor, patch = version
    fix = {(3, 50): 7, (3, 44): 6}.get((major, minor))
    return version >= (3, 51, 3) or (fix is not None and patch >= fix)
