"""What only a server can get wrong, and what a person is told about one."""

from __future__ import annotations

import subprocess
import sys

import pytest
import sqlalchemy as sa

from icp.database_url import database_url
from icp.errors import StoreError
from icp.store.database import Database
from icp.store.tables import mappings, meta

only_postgres = pytest.mark.parametrize(
    "url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
#: Each takes the newest version, adds one, and writes it: lost if two look at once.
WRITER = """
import sys
from pathlib import Path
from icp.store.store import Store

url, folder, name = sys.argv[1:]
store = Store(url, Path(folder))
for number in range(10):
    store.save_mapping("crm", f"{name} {number}", actor="ann")
store.close()
"""
OPENER = """
import sys
from icp.store.database import Database

Database(sys.argv[1]).close()
"""


def test_processes_that_look_and_then_write_lose_nothing(store, url, tmp_path):
    command = [sys.executable, "-c", WRITER, url, str(tmp_path / "bulk")]
    writers = [subprocess.Popen([*command, name]) for name in "abcdef"]
    assert [writer.wait() for writer in writers] == [0] * 6
    with store.database.read() as connection:
        versions = connection.scalars(sa.select(mappings.c.version)).all()
    assert sorted(versions) == list(range(1, 61))


@only_postgres
def test_reading_sees_one_moment(database):
    query = sa.select(sa.func.count()).select_from(meta)
    with database.read() as connection:
        before = connection.scalar(query)
        with database.write("ann") as tx:
            tx.connection.execute(meta.insert().values(name="a", value="b"))
        assert connection.scalar(query) == before
    with database.read() as connection:
        assert connection.scalar(query) == before + 1


@only_postgres
def test_a_writer_that_waits_too_long_is_told(database, monkeypatch):
    monkeypatch.setattr("icp.store.database._BUSY_MS", 1)
    with (
        database.write("ann"),
        pytest.raises(StoreError, match="another program holds the store"),
        database.write("bob"),
    ):
        pytest.fail("two writers at once")


@only_postgres
def test_the_log_cannot_be_emptied(database):
    with (
        pytest.raises(StoreError, match="code P0001"),
        database.write("eve") as tx,
    ):
        tx.connection.exec_driver_sql("TRUNCATE events")


@only_postgres
def test_what_a_server_refuses_is_told_without_values(database):
    with (
        pytest.raises(StoreError, match="code 22P02") as caught,
        database.write("ann") as tx,
    ):
        tx.connection.exec_driver_sql("SELECT 'secret'::integer")
    assert "secret" not in str(caught.value)


@only_postgres
def test_two_programs_may_open_a_new_database_at_once(url, tmp_path):
    code = "import sys; from icp.store.database import Database; Database(sys.argv[1])"
    command = [sys.executable, "-c", code, url]
    openers = [subprocess.Popen(command) for _ in range(3)]
    assert [opener.wait() for opener in openers] == [0] * 3


@pytest.mark.postgres
def test_a_server_that_is_not_there_is_told_without_the_password(tmp_path):
    address = f"postgresql://ann:secret@/crm?host={tmp_path}"
    with pytest.raises(StoreError, match="cannot be used") as caught:
        Database(address)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("mysql+nosuch://ann:secret@host/crm", "no driver"),
        (
            "postgresql+nosuch://ann:secret@host/crm",
            r"install ideal-customer-profile\[postgres\]",
        ),
        ("crm.db", "no database address"),
    ],
)
def test_an_address_of_no_use_is_refused(address, told):
    with pytest.raises(StoreError, match=told) as caught:
        Database(address)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "driver"),
    [
        ("postgresql://h/d", "postgresql+psycopg"),
        ("postgres://h/d", "postgresql+psycopg"),
        ("postgresql+pg8000://h/d", "postgresql+pg8000"),
        ("sqlite:///d", "sqlite"),
    ],
)
def test_a_driver_that_is_not_named_is_ours(address, driver):
    assert database_url(address).drivername == driver
