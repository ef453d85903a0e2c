"""Brings the store's schema up to date: under a lock, after a backup, or not at all."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from icp.errors import StoreError
from icp.store.engine import READ, migration_engine
from icp.store.tables import HEAD

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.engine import URL, Connection, Engine

__all__ = ["revision", "upgrade"]

_ALEMBIC = sa.table("alembic_version", sa.column("version_num", sa.String))


def revision(engine: Engine, /) -> str | None:
    """The schema's version, or None for an empty database."""
    with engine.execution_options(**{READ: True}).begin() as connection:
        return _revision(connection)


def upgrade(engine: Engine, url: URL, /) -> Path | None:
    """Upgrade to the newest schema; returns the backup that was made, if any.

    A schema newer than this version of icp raises StoreError and is left alone.
    """
    if revision(engine) == HEAD:
        return None
    migrating = migration_engine(url)
    try:
        with migrating.begin() as connection:
            return _upgrade_locked(connection, url)
    finally:
        migrating.dispose()


def _upgrade_locked(connection: Connection, url: URL) -> Path | None:
    from alembic import command

    found = _revision(connection)
    if found == HEAD:  # another process was faster
        return None
    config = _config(connection)
    _refuse_unknown(config, found)
    backup = _back_up(url, found) if found else None
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


def _refuse_unknown(config: Config, found: str | None) -> None:
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    if found is not None and found not in known:
        message = (
            f"the store has schema {found!r}, newer than {HEAD!r} of this version; "
            "upgrade icp"
        )
        raise StoreError(message)


def _revision(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table(_ALEMBIC.name):
        return None
    return connection.execute(sa.select(_ALEMBIC.c.version_num)).scalar()


def _back_up(url: URL, found: str) -> Path | None:
    """Copy an SQLite file beside itself; servers are backed up by their own tools."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    source = Path(url.database)
    target = source.with_name(f"{source.name}.before-{found}")
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
