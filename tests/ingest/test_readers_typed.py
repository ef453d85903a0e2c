from __future__ import annotations

import datetime
import decimal

import polars as pl
import pytest

from icp.errors import SourceError
from icp.ingest.readers import ReadOptions, read_table
from icp.ingest.readers.grid import Notes
from icp.ingest.readers.typed import as_text
from icp.ingest.result import LINE, Ledger


def messages(table) -> str:
    return "\n".join(str(finding) for finding in table.report.findings)


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


AT = datetime.datetime(2026, 1, 31, 4, 5, 6)


@pytest.mark.parametrize(
    ("values", "dtype", "text"),
    [
        ([AT], pl.Datetime("ns"), "2026-01-31 04:05:06"),
        ([AT], pl.Datetime("ms"), "2026-01-31 04:05:06"),
        ([AT], pl.Datetime("us", "UTC"), "2026-01-31 04:05:06+00:00"),
        (
            [AT.replace(microsecond=500_000)],
            pl.Datetime("ms"),
            "2026-01-31 04:05:06.500",
        ),
        ([datetime.time(9, 30)], pl.Time, "09:30:00"),
        ([datetime.timedelta(days=2)], pl.Duration, "P2D"),
        (["x"], pl.Categorical, "x"),
        ([None], pl.Null, None),
        ([b"\xff\x00"], pl.Binary, "ff00"),
        ([{"a": 1}], pl.Struct({"a": pl.Int64}), '{"a":1}'),
        ([[AT.date(), None]], pl.List(pl.Date), "2026-01-31"),
        ([[b"a", b"\xff"]], pl.List(pl.Binary), "61;ff"),
        (
            [[{"a": 1}, {"a": 2}]],
            pl.List(pl.Struct({"a": pl.Int64})),
            '{"a":1};{"a":2}',
        ),
        ([[[1, 2], [3]]], pl.List(pl.List(pl.Int64)), "1;2;3"),
        ([[[1, 2], [3, 4]]], pl.Array(pl.Int64, (2, 2)), "1;2;3;4"),
        ([[]], pl.List(pl.String), None),
    ],
)
def test_a_value_of_any_type_becomes_text(values, dtype, text):
    column = pl.Series("x", values, dtype=dtype)
    assert as_text(column.to_frame(), Notes("a"))["x"].to_list() == [text]


def test_columns_called_like_our_own_stay_apart(tmp_path):
    path = tmp_path / "a.parquet"
    frame = pl.DataFrame({LINE: [8], "__last_line__": [9], "0": ["p"], "Name": ["a"]})
    frame.write_parquet(path)
    table = read_table(path)
    assert table.frame.columns == [
        f"{LINE} (column)", "__last_line__", "0", "Name", LINE,
    ]  # fmt: skip
    assert table.frame.rows() == [("8", "9", "p", "a", 1)]


def test_a_cut_off_parquet_file_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    pl.DataFrame({"name": ["Acme"]}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SourceError, match="damaged or cut-off Parquet file"):
        read_table(path)
