import sqlite3
from contextlib import closing, contextmanager

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from icp.errors import StoreError
from icp.store import database
from icp.store.database import Database, make_engine, migration_engine
from icp.store.store import Store
from icp.store.tables import HEAD, metadata

only_sqlite = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


@contextmanager
def migrating(url):
    engine = migration_engine(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def execute(url, *statements):
    with migrating(url) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def tables_of(url):
    with migrating(url) as connection:
        return set(sa.inspect(connection).get_table_names())


def test_an_empty_database_gets_all_tables(url, clock):
    Database(url, clock=clock).close()
    assert tables_of(url) == {*metadata.tables, "alembic_version"}


def test_migrations_give_exactly_the_declared_tables(url, clock):
    Database(url, clock=clock).close()
    with migrating(url) as connection:
        command.check(database._config(connection))


def test_the_newest_migration_is_the_one_the_code_knows(url):
    with migrating(url) as connection:
        scripts = ScriptDirectory.from_config(database._config(connection))
    assert scripts.get_heads() == [HEAD]


@only_sqlite
def test_opening_again_changes_nothing(url, clock, tmp_path):
    Database(url, clock=clock).close()
    before = (tmp_path / "icp.db").read_bytes()
    Database(url, clock=clock).close()
    assert (tmp_path / "icp.db").read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["icp.db"]


@only_sqlite
@pytest.mark.parametrize("number", ["0099", "9999", "later"])
def test_a_newer_schema_is_refused_and_left_alone(url, clock, tmp_path, number):
    Database(url, clock=clock).close()
    execute(url, f"UPDATE alembic_version SET version_num = '{number}'")
    before = (tmp_path / "icp.db").read_bytes()
    with pytest.raises(StoreError, match=r"newer than .* upgrade icp"):
        Database(url, clock=clock)
    assert (tmp_path / "icp.db").read_bytes() == before


@only_sqlite
def test_a_file_that_is_no_database_is_refused(url, clock, tmp_path):
    (tmp_path / "icp.db").write_bytes(b"not a database at all, but a text " * 40)
    with pytest.raises(StoreError, match="restore it from a backup"):
        Database(url, clock=clock)


def test_the_revision_of_an_empty_database_is_none(url):
    engine = make_engine(url)
    assert database.revision(engine) is None
    engine.dispose()


@only_sqlite
def test_a_backup_comes_before_an_upgrade(url, clock, tmp_path, monkeypatch):
    database = Database(url, clock=clock)
    with database.write("ann") as tx:
        tx.log("noted", "x")
    monkeypatch.setattr(database, "HEAD", "0099")
    backup = database.upgrade(make_engine(url), database.url)
    assert backup == tmp_path / f"icp.db.before-{HEAD}"
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (1,)
    database.close()


@only_sqlite
def test_an_upgrade_that_breaks_references_is_undone(url, clock, monkeypatch):
    database = Database(url, clock=clock)
    execute(
        url,
        "INSERT INTO activations VALUES (1, 7, 'activate', '', '2026-01-01', 'ann')",
    )
    monkeypatch.setattr(database, "HEAD", "0099")
    with pytest.raises(StoreError, match="1 references and was undone"):
        database.upgrade(make_engine(url), database.url)
    database.close()


LATER = {
    "0002": ("disqualifiers", "exceptions"),
    "0003": ("signals", "answers", "attempts", "exits", "referrals"),
}


def go_back_to(url, version):
    """Make of a new store one as that version left it."""
    gone = [table for v, tables in LATER.items() if v > version for table in tables]
    version = f"UPDATE alembic_version SET version_num = '{version}'"
    execute(url, *(f"DROP TABLE {table}" for table in gone), version)


def test_a_store_of_the_second_version_gets_the_deals(url, clock, tmp_path):
    Database(url, clock=clock).close()
    go_back_to(url, "0002")
    store = Store(url, tmp_path / "bulk", clock=clock)
    assert store.deals.signals() == {}
    assert store.deals.exits() == []
    assert (tmp_path / "icp.db.before-0002").is_file() is url.startswith("sqlite")
    store.close()


def test_a_store_of_the_first_version_gets_the_disqualifiers(url, clock, tmp_path):
    database = Database(url, clock=clock)
    database.close()
    go_back_to(url, "0001")
    store = Store(url, tmp_path / "bulk", clock=clock)
    assert store.rules.all() == []
    assert store.rules.exceptions() == []
    assert (tmp_path / "icp.db.before-0001").is_file() is url.startswith("sqlite")
    store.close()
