import os
import sqlite3
from contextlib import closing, contextmanager

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from icp.errors import StoreError
from icp.store import database
from icp.store.database import Database, make_engine
from icp.store.tables import HEAD, metadata

only_sqlite = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


@contextmanager
def migrating(url):
    engine = make_engine(url, foreign_keys=False)
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
    store = Database(url, clock=clock)
    with store.write("ann") as tx:
        tx.log("noted", "x")
    monkeypatch.setattr(database, "HEAD", "0099")
    backup = database.upgrade(make_engine(url), store.url)
    assert backup == tmp_path / f"icp.db.before-{HEAD}"
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (1,)
    store.close()


@only_sqlite
def test_an_upgrade_that_breaks_references_is_undone(url, clock, monkeypatch):
    store = Database(url, clock=clock)
    execute(
        url,
        "INSERT INTO activations VALUES (1, 7, 'activate', '', '2026-01-01', 'ann')",
    )
    monkeypatch.setattr(database, "HEAD", "0099")
    with pytest.raises(StoreError, match="1 references and was undone"):
        database.upgrade(make_engine(url), store.url)
    store.close()


@pytest.mark.parametrize("number", ["0001", "0002", "0003"])
def test_a_store_of_a_build_before_the_release_is_refused(url, clock, number, tmp_path):
    Database(url, clock=clock).close()
    execute(url, f"UPDATE alembic_version SET version_num = '{number}'")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(
        StoreError, match=r"before the first release .* back up .* icp init, and import"
    ):
        Database(url, clock=clock)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


#: A later migration that alters a table to which others refer.
NEXT = f"""
import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "{HEAD}"


def upgrade():
    with op.batch_alter_table("bulk", recreate="auto") as table:
        table.alter_column("kind", type_=sa.String(60), existing_type=sa.String(50))
        note = sa.Column("note", sa.Text(), server_default="", nullable=False)
        table.add_column(note)
"""
ROWS = (
    "INSERT INTO bulk VALUES ('a', 'customers', 1, 1, '2026-01-01')",
    "INSERT INTO imports VALUES (1, 'f', 'a', NULL, NULL, NULL, '{}', '{}', "
    "'2026-01-01', 'ann')",
)


def test_a_later_migration_keeps_every_row(url, clock, tmp_path, monkeypatch):
    Database(url, clock=clock).close()
    execute(url, *ROWS)
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "next.py").write_text(NEXT)

    def config(connection, plain=database._config):
        settings = plain(connection)
        ours = ScriptDirectory.from_config(settings).versions
        folders = os.pathsep.join([ours, str(tmp_path / "later")])
        settings.set_main_option("version_locations", folders)
        return settings

    monkeypatch.setattr(database, "_config", config)
    monkeypatch.setattr(database, "HEAD", "next")
    Database(url, clock=clock).close()
    with migrating(url) as connection:
        query = "SELECT number, note FROM imports JOIN bulk ON bulk.hash = customers"
        assert connection.exec_driver_sql(query).all() == [(1, "")]
    backup = tmp_path / f"icp.db.before-{HEAD}"
    assert backup.is_file() is url.startswith("sqlite")
