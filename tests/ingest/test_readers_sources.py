from __future__ import annotations

import datetime
import decimal
import sqlite3

import polars as pl
import pytest

from icp.errors import SourceError
from icp.ingest.readers import ReadOptions, read_table
from icp.ingest.result import LINE, Ledger


def messages(table) -> str:
    return "\n".join(str(finding) for finding in table.report.findings)


# --- Parquet -----------------------------------------------------------------------


def test_parquet_values_become_text_without_loss(tmp_path):
    frame = pl.DataFrame(
        {
            "name": ["Acme", ""],
            "count": [9_007_199_254_740_993, None],
            "share": [0.1, 1e-7],
            "ok": [True, False],
            "day": [datetime.date(2026, 1, 31), None],
            "at": [datetime.datetime(2026, 1, 31, 12, 30), None],
            "tags": [["AWS", "Azure"], []],
            "price": [decimal.Decimal("1.50"), None],
        }
    )
    path = tmp_path / "accounts.csv"
    frame.write_parquet(path)
    table = read_table(path)
    assert table.frame.columns == [*frame.columns, LINE]
    assert table.frame.rows() == [
        (
            "Acme", "9007199254740993", "0.1", "true", "2026-01-31",
            "2026-01-31 12:30:00", "AWS;Azure", "1.50", 1,
        ),
        (None, None, "1e-7", "false", None, None, None, None, 2),
    ]  # fmt: skip
    assert set(table.frame.drop(LINE).dtypes) == {pl.String()}
    assert table.report.ledger == Ledger(read=2, used=2)
    assert [f.code for f in table.report.findings] == ["list-values"]


def test_a_list_value_that_holds_the_separator_is_asked_about(tmp_path):
    path = tmp_path / "a.parquet"
    pl.DataFrame({"tags": [["A;B", "C"]]}).write_parquet(path)
    assert "1 value contain ';' themselves" in messages(read_table(path))


def test_parquet_without_rows_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    pl.DataFrame({"name": []}, schema={"name": pl.String}).write_parquet(path)
    with pytest.raises(SourceError, match=r"has columns \('name'\) but no rows"):
        read_table(path)


def test_strict_holds_for_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    pl.DataFrame({"tags": [["A", "C"]]}).write_parquet(path)
    with pytest.raises(SourceError, match="strict"):
        read_table(path, options=ReadOptions(strict=True))


# --- databases ---------------------------------------------------------------------


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


def test_a_query_changes_nothing(url):
    query = "with gone as (select 1) select * from gone"
    read_table(url, options=ReadOptions(query=query))
    rest = read_table(url, options=ReadOptions(query="select * from account"))
    assert rest.frame.height == 2


def test_a_password_is_never_shown():
    source = "postgresql+nosuchdriver://ann:secret@host/crm"
    with pytest.raises(SourceError) as caught:
        read_table(source, options=ReadOptions(query="select 1"))
    assert "secret" not in str(caught.value)


# --- HTML called .xls --------------------------------------------------------------

PAGE = """<html><head><meta charset="{charset}"></head><body>
<table><tr><td>menu</td></tr></table>
<table>
<tr><th colspan="2">Account</th><th>Amount</th></tr>
<tr><td>Café &amp; Co</td><td>Köln<br>Ost</td><td>1.200,50</td></tr>
<tr><td>Bolt<td>Ulm<td>7</tr>
<tr><td>Acme</td><td></td><td>8</td></tr>
</table></body></html>"""


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "windows-1252"])
def test_an_html_table_is_read_with_its_charset(tmp_path, charset):
    path = tmp_path / "report.xls"
    path.write_bytes(PAGE.format(charset=charset).encode(charset))
    table = read_table(path, options=ReadOptions(header_line=1))
    assert table.frame.rows() == [
        ("Café & Co", "Köln Ost", "1.200,50", 2),
        ("Bolt", "Ulm", "7", 3),
        ("Acme", None, "8", 4),
    ]
    assert table.report.columns == ("Account", "B", "Amount")
    assert table.report.kind == "html"
    assert "2 tables in the page; the largest was read" in messages(table)
