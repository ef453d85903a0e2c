"""Lists as files: the right rows, whole, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from icp.errors import NotFoundError, SourceError
from icp.workflow.writing import for_people, refuse_suffix, scan, write, write_text

if TYPE_CHECKING:
    from pathlib import Path

    from icp.workflow import Workspace


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


def test_newer_customers_are_exported_with_the_outcomes_of_the_older(
    scored: Workspace, tmp_path: Path
) -> None:
    table = scored.path / "sources" / "customers.csv"
    head, first, second, *rest = table.read_text().splitlines()
    new = "C90,=Firm 90,Retail,9,f.example,Good"
    changed = second.replace("Software", "Mining")
    table.write_text("\n".join([head, new, changed, *rest]) + "\n")
    assert first.startswith("C0,")
    scored.import_sources()
    assert scored.export_customers(tmp_path / "c.csv") == 90
    names, *rows = cells(tmp_path / "c.csv")
    found = {row[0]: dict(zip(names, row, strict=True)) for row in rows}
    assert "C0" not in found
    assert found["C90"]["account_name"] == "'=Firm 90"
    assert (found["C90"]["outcome"], found["C90"]["outcome_reason"]) == ("", "")
    assert found["C1"]["industry"] == "Mining"
    assert found["C1"]["outcome"] == "best"
    assert found["C1"]["outcome_reason"] == "customer status is Good"
    assert list(found) == scored.accounts().collect()["account_id"].to_list()
    scored.label()
    scored.export_customers(tmp_path / "c.parquet")
    written = scan(tmp_path / "c.parquet").collect()
    assert_frame_equal(written, scored.labelled().collect())


def test_customers_are_exported_as_they_are_until_they_are_labelled(
    imported: Workspace, tmp_path: Path
) -> None:
    assert imported.export_customers(tmp_path / "c.parquet") == 90
    written = scan(tmp_path / "c.parquet").collect()
    assert_frame_equal(written, imported.accounts().collect())


@pytest.mark.parametrize(
    ("run", "message"),
    [(None, "no prospects scored yet; run icp score"), (7, "no scored list '7'; run")],
)
def test_a_list_that_is_not_there_writes_nothing(
    imported: Workspace, tmp_path: Path, run: int | None, message: str
) -> None:
    with pytest.raises(NotFoundError, match=message):
        imported.export_scores(tmp_path / "s.csv", run=run)
    assert not (tmp_path / "s.csv").exists()


def test_an_older_list_is_exported_by_its_number(
    scored: Workspace, tmp_path: Path
) -> None:
    scored.score(verdicts=True)
    assert scored.export_scores(tmp_path / "new.parquet") == 4
    assert scored.export_scores(tmp_path / "old.parquet", run="1") == 4
    new, old = (scan(tmp_path / f"{n}.parquet").collect() for n in ("new", "old"))
    assert "verdict" in new.columns
    assert "verdict" not in old.columns
    assert_frame_equal(new.select(old.columns), old)


def test_a_file_that_was_scored_is_no_list_of_the_workspace(
    scored: Workspace, tmp_path: Path
) -> None:
    source = tmp_path / "list.parquet"
    pl.DataFrame({"account_id": ["x"], "employees": [20.0]}).write_parquet(source)
    run = scored.score_file(source, tmp_path / "out.csv")
    assert (run.number, run.target, run.rows, run.bulk) == (2, "out.csv", 1, None)
    assert scored.scored().collect().height == 4
    last = scored.status().last_run
    assert last is not None
    assert last.number == 1
    with pytest.raises(NotFoundError, match="no scored list '2'"):
        scored.scored(2)
    payload = json.loads(scored.events(limit=1)["payload"][0])
    assert payload == {"profile": 1, "rows": 1}


@pytest.mark.parametrize("bytes_", [b"", b"PAR1", b"PAR1xxPAR1"])
def test_a_broken_list_is_named_and_the_target_stays(
    scored: Workspace, tmp_path: Path, bytes_: bytes
) -> None:
    source, target = tmp_path / "list.parquet", tmp_path / "out.csv"
    source.write_bytes(bytes_)
    target.write_text("old")
    with pytest.raises(SourceError, match=r"list\.parquet"):
        scored.score_file(source, target)
    assert target.read_text() == "old"
