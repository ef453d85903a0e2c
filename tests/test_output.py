"""Files for people: whole, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from icp.errors import SourceError
from icp.output import for_people, refuse_suffix, scan, write, write_text

if TYPE_CHECKING:
    from pathlib import Path


def cells(file: Path) -> list[list[str]]:
    """What a spreadsheet sees."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))


@pytest.mark.parametrize(
    ("values", "kind", "written"),
    [
        ([[1, 2], [], None], pl.List(pl.Int64), ["1; 2", "", None]),
        ([[True]], pl.List(pl.Boolean), ["true"]),
        ([["=x"]], pl.List(pl.Categorical), ["'=x"]),
        ([["a", None, "b"]], pl.List(pl.String), ["a; b"]),
        (["\n=1+1"], pl.String, ["'\n=1+1"]),
        ([None], pl.Null, [None]),
        ([date(2026, 1, 31)], pl.Date, [date(2026, 1, 31)]),
    ],
)
def test_cells_are_text_that_does_nothing(
    values: list[Any], kind: Any, written: list[Any]
) -> None:
    frame = pl.LazyFrame({"v": pl.Series(values, dtype=kind)})
    assert for_people(frame).collect()["v"].to_list() == written


def test_names_of_columns_do_nothing_either() -> None:
    frame = pl.LazyFrame({"=cmd()": [1], "@x": [2], "a=b": [3]})
    assert for_people(frame).collect_schema().names() == ["'=cmd()", "'@x", "a=b"]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"b": 1}, pl.Struct({"b": pl.Int64})),
        ([1, 2], pl.Array(pl.Int64, 2)),
        ([["=1"]], pl.List(pl.List(pl.String))),
        (b"=1", pl.Binary()),
        (timedelta(1), pl.Duration()),
    ],
)
def test_what_no_cell_can_hold_is_refused_by_name(
    tmp_path: Path, value: Any, kind: Any
) -> None:
    frame = pl.DataFrame({"a": ["x"], "odd": pl.Series([value], dtype=kind)})
    target = tmp_path / "t.csv"
    target.write_text("old")
    with pytest.raises(SourceError, match=r"cannot hold 1 column: 'odd'; write .parq"):
        write(frame, target)
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]
    assert write(frame, tmp_path / "t.parquet") == 1
    assert_frame_equal(scan(tmp_path / "t.parquet").collect(), frame)


@pytest.mark.parametrize(
    "column",
    [["x\ny", '"q"\n\n"', "", None], [None] * 4, ["a,b", "c;d", "\r\n", "'"]],
)
def test_rows_are_counted_and_not_lines(
    tmp_path: Path, column: list[str | None]
) -> None:
    frame = pl.DataFrame({"a": column}, {"a": pl.String})
    assert write(frame, tmp_path / "t.csv") == 4
    assert write(frame.head(0), tmp_path / "t.csv") == 0
    assert cells(tmp_path / "t.csv") == [["a"]]


@pytest.mark.parametrize("name", ["t.xlsx", "t", "t.csv.gz", "csv"])
def test_other_endings_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceError, match=r"end the name with .csv or .parquet"):
        refuse_suffix(tmp_path / name)


def test_places_where_no_file_can_be_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "t.csv"
    folder.mkdir()
    frame = pl.DataFrame({"a": [1]})
    with pytest.raises(SourceError, match=r"'t.csv' is a folder; name a file in it"):
        write(frame, folder)
    with pytest.raises(SourceError, match=r"'t.csv' is a folder; name a file in it"):
        write_text("x", folder)
    with pytest.raises(SourceError, match=r"no folder for 'x.csv'; make the folder"):
        write(frame, tmp_path / "none" / "x.csv")
    with pytest.raises(SourceError, match=r"no folder for 'x.md'; make the folder"):
        write_text("x", tmp_path / "none" / "x.md")
    assert [p.name for p in tmp_path.rglob("*")] == ["t.csv"]


def test_a_text_takes_the_old_one_s_place_whole(tmp_path: Path) -> None:
    target = tmp_path / "card.md"
    target.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_text("new \ud800", target)
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]
    write_text("né\n", target)
    assert target.read_bytes() == "né\n".encode()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30 1", "'+49 30 1"),
        ("-x", "'-x"),
        ("@cmd", "'@cmd"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("\0x", "'\0x"),
        ("-5", "-5"),
        ("+1.5", "+1.5"),
        ("-1,200.50", "-1,200.50"),
        ("Ltd = x", "Ltd = x"),
        ("", ""),
        (None, None),
    ],
)
def test_no_text_is_a_formula(value, written):
    frame = pl.LazyFrame({"v": [value], "n": [-5]}, {"v": pl.String, "n": pl.Int64})
    expected = pl.DataFrame({"v": [written], "n": [-5]}, frame.collect_schema())
    assert_frame_equal(for_people(frame).collect(), expected)


@pytest.mark.parametrize("kind", [pl.Categorical(), pl.Enum(["=1", "x"])])
def test_no_repeated_word_is_a_formula(kind):
    frame = pl.LazyFrame({"v": ["=1", "x", None]}, {"v": kind})
    assert for_people(frame).collect()["v"].to_list() == ["'=1", "x", None]


def test_lists_become_text_that_is_no_formula():
    frame = pl.LazyFrame({"tags": [["=a", "b"], [], None]})
    assert for_people(frame).collect()["tags"].to_list() == ["'=a; b", "", None]


@pytest.mark.parametrize("name", ["t.csv", "t.CSV", "t.parquet"])
def test_what_is_written_can_be_read_back(tmp_path, name):
    frame = pl.DataFrame({"a": ["ü", None], "b": ["x,y", 'q"']})
    assert write(frame, tmp_path / name) == 2
    assert_frame_equal(scan(tmp_path / name).collect(), frame)


def test_a_failing_query_leaves_the_old_file(tmp_path):
    target = tmp_path / "t.csv"
    target.write_text("old")
    broken = pl.LazyFrame({"a": ["x"]}).with_columns(pl.col("a").cast(pl.Int64))
    with pytest.raises(pl.exceptions.InvalidOperationError):
        write(broken, target)
    assert target.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1
