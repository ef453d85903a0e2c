from __future__ import annotations

import sqlite3

import pytest

from icp.errors import SourceError
from icp.ingest.readers import ReadOptions, read_table
from icp.ingest.result import LINE, Ledger


def messages(table) -> str:
    return "\n".join(str(finding) for finding in table.report.findings)


@pytest.fixture
def url(tmp_path):
    path = tmp_path / "crm.db"
    connection = sqlite3.connect(path)
    connection.execute("create table account (id text, size integer, share real)")
    rows = [("007", 40, 0.5), ("008", None, 3.0)]
    connection.executemany("insert into account values (?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


def test_a_query_gives_text(url):
    options = ReadOptions(query="select id, size, share, id from account order by id;")
    table = read_table(url, options=options)
    assert table.frame.rows() == [
        ("007", "40", "0.5", "007", 1),
        ("008", None, "3", "008", 2),
    ]
    assert table.report.columns == ("id", "size", "share", "id (2)")
    assert table.report.kind == "database"
    assert table.report.ledger == Ledger(read=2, used=2)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        (None, "needs a query; give a SELECT statement"),
        ("delete from account", "only one SELECT statement is read"),
        ("select * from nowhere", "the query failed: no such table: nowhere"),
        ("select 1 as a; drop table account", "the query failed"),
        ("select id from account where 0", r"has columns \('id'\) but no rows"),
    ],
)
def test_bad_queries_are_refused(url, query, told):
    with pytest.raises(SourceError, match=told):
        read_table(url, options=ReadOptions(query=query))


WITH = "with gone as (select 1)"


def test_a_query_changes_nothing(url):
    with pytest.raises(SourceError, match="readonly database"):
        read_table(url, options=ReadOptions(query=f"{WITH} delete from account"))
    rest = read_table(url, options=ReadOptions(query="select * from account"))
    assert rest.frame.height == 2


def test_a_password_is_never_shown():
    source = "postgresql+nosuchdriver://ann:secret@host/crm"
    with pytest.raises(SourceError) as caught:
        read_table(source, options=ReadOptions(query="select 1"))
    assert "secret" not in str(caught.value)


def test_a_database_file_that_is_not_there_is_not_made(tmp_path):
    path = tmp_path / "crm.db"
    with pytest.raises(SourceError, match=r"crm\.db: there is no such database file"):
        read_table(f"sqlite:///{path}", options=ReadOptions(query="select 1"))
    assert not path.exists()


def test_a_database_in_memory_needs_no_file():
    table = read_table("sqlite://", options=ReadOptions(query="select 1 as one"))
    assert table.frame.rows() == [("1", 1)]


def test_columns_called_alike_are_kept_and_told(url):
    query = 'select id, size as id, share as "id (2)" from account order by 1'
    table = read_table(url, options=ReadOptions(query=query))
    assert table.frame.columns == ["id", "id (3)", "id (2)", LINE]
    assert table.frame.rows()[0] == ("007", "40", "0.5", 1)
    assert "columns A and B are both called 'id'" in messages(table)


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("null", None),
        ("''", None),
        ("'NA'", "NA"),
        ("12345678901234567", "12345678901234567"),
        ("2.0", "2"),
        ("0.1", "0.1"),
        ("1e300", "1e+300"),
        ("x'ff00'", "ff00"),
        ("'50%'", "50%"),
        ("':name'", ":name"),
    ],
)
def test_values_of_a_query_are_text(url, sql, text):
    query = f"select id, {sql} as value from account limit 1"
    table = read_table(url, options=ReadOptions(query=query))
    assert table.frame["value"].to_list() == [text]


@pytest.mark.parametrize("start", ["-- all\n", "/* all */ ", "  \n", f"{WITH} "])
def test_a_select_may_have_something_in_front(url, start):
    query = f"{start}select * from account;"
    assert read_table(url, options=ReadOptions(query=query)).frame.height == 2


@pytest.fixture
def server_url(postgres):
    import psycopg

    url = postgres.database()
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("create table account (id text, size integer)")
        connection.execute("insert into account values ('007', 40), ('008', null)")
    return url


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("null", None),
        ("'NA'", "NA"),
        ("12345678901234567", "12345678901234567"),
        ("2.50::numeric", "2.50"),
        ("0.1::float8", "0.1"),
        ("true", "true"),
        ("date '2026-03-01'", "2026-03-01"),
        ("timestamptz '2026-03-01 12:00:00+00'", "2026-03-01 21:00:00+09:00"),
        (r"'\xff00'::bytea", "ff00"),
        ("'50%'", "50%"),
        ("':name'", ":name"),
    ],
)
def test_values_of_a_server_are_text(server_url, sql, text):
    query = f"select id, {sql} as value from account limit 1"
    table = read_table(server_url, options=ReadOptions(query=query))
    assert table.frame["value"].to_list() == [text]


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("select * from nowhere", 'the query failed: relation "nowhere" does not'),
        ("with gone as (delete from account returning 1) select * from gone", "read-"),
        ("select 1 as a; drop table account", "the query failed"),
    ],
)
def test_a_server_is_only_read(server_url, query, told):
    with pytest.raises(SourceError, match=told):
        read_table(server_url, options=ReadOptions(query=query))
    kept = read_table(server_url, options=ReadOptions(query="select id from account"))
    assert kept.frame.height == 2


@pytest.mark.postgres
def test_a_driver_need_not_be_named(server_url):
    url = server_url.replace("+psycopg", "")
    table = read_table(url, options=ReadOptions(query="select id from account"))
    assert table.frame["id"].to_list() == ["007", "008"]
