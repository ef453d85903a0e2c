import sqlite3
import threading
from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from icp.errors import StoreError
from icp.store.database import (
    READ,
    Database,
    make_engine,
    wal_is_safe,
)
from icp.store.tables import UtcDateTime, meta

only_sqlite = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
NAIVE = datetime(2026, 3, 1, 12)
BERLIN = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), True),
        ((4, 0, 0), True),
    ],
)
def test_wal_only_where_its_bug_was_fixed(version, safe):
    assert wal_is_safe(version) is safe


@only_sqlite
def test_every_connection_is_told_the_same(url):
    engine = make_engine(url)
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    with engine.begin() as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {n}").scalar() for n in names]
    journal = "wal" if wal_is_safe(sqlite3.sqlite_version_info[:3]) else "delete"
    assert found == [journal, 2, 1, 10_000]


@only_sqlite
def test_migrations_run_without_foreign_keys(url):
    with make_engine(url, foreign_keys=False).begin() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 0


def test_reading_cannot_write(database):
    with (
        pytest.raises(StoreError, match=r"readonly|code 25006"),
        database.read() as connection,
    ):
        connection.execute(meta.insert().values(name="a", value="b"))


def test_reading_does_not_wait_for_a_writer(database):
    with database.write("ann"), database.read() as connection:
        assert len(connection.execute(sa.select(meta)).all()) == 1


def test_values_never_appear_in_errors(database):
    with (
        pytest.raises(StoreError) as caught,
        database.read() as connection,
    ):
        connection.execute(meta.insert().values(name="secret name", value="b"))
    assert "secret name" not in f"{caught.value} {caught.value.__cause__}"


def test_writers_queue_up_and_none_is_lost(url, clock):
    writers, times = 4, 10
    Database(url, clock=clock).close()

    def add():
        database = Database(url, clock=clock)
        for _ in range(times):
            with database.write("ann") as tx:
                tx.log("counted", "x")
        database.close()

    threads = [threading.Thread(target=add) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database = Database(url, clock=clock)
    with database.read() as connection:
        count = connection.execute(sa.text("SELECT count(*), max(seq) FROM events"))
        assert count.one() == (writers * times, writers * times)
    database.close()


@only_sqlite
def test_a_locked_store_says_what_to_do(database, clock, monkeypatch):
    monkeypatch.setattr("icp.store.database._BUSY_MS", 1)
    other = Database(str(database.url), clock=clock)
    with (
        database.write("ann"),
        pytest.raises(StoreError, match="another program holds the store"),
        other.write("bob"),
    ):
        pytest.fail("two writers at once")
    other.close()


def test_times_are_aware_utc_on_both_sides():
    kind = UtcDateTime()
    with pytest.raises(ValueError, match="without zone"):
        kind.process_bind_param(NAIVE, None)
    assert kind.process_bind_param(None, None) is None
    assert kind.process_result_value(None, None) is None
    berlin = kind.process_bind_param(BERLIN, None)
    assert berlin.isoformat() == "2026-03-01T11:00:00"
    assert kind.process_result_value(berlin, None) == BERLIN


@only_sqlite
def test_read_is_an_option_of_the_connection(url):
    engine = make_engine(url).execution_options(**{READ: True})
    with engine.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA query_only").scalar() == 1
