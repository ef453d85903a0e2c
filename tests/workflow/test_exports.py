"""Lists of a workspace as files: the right rows, whole."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from icp.errors import NotFoundError, SourceError
from icp.output import scan

if TYPE_CHECKING:
    from pathlib import Path

    from icp.workflow import Workspace


def cells(file: Path) -> list[list[str]]:
    """What a spreadsheet sees."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))


def test_newer_customers_are_exported_with_the_outcomes_of_the_older(
    scored: Workspace, tmp_path: Path
) -> None:
    table = scored.path / "sources" / "customers.csv"
    head, first, second, *rest = table.read_text().splitlines()
    new = "C90,=Firm 90,Retail,9,f.example,Good"
    changed = second.replace("Software", "Mining")
    table.write_text("\n".join([head, new, changed, *rest]) + "\n")
    assert first.startswith("C0,")
    scored.imports.run()
    assert scored.labels.export_customers(tmp_path / "c.csv") == 90
    names, *rows = cells(tmp_path / "c.csv")
    found = {row[0]: dict(zip(names, row, strict=True)) for row in rows}
    assert "C0" not in found
    assert found["C90"]["account_name"] == "'=Firm 90"
    assert (found["C90"]["outcome"], found["C90"]["outcome_reason"]) == ("", "")
    assert found["C1"]["industry"] == "Mining"
    assert found["C1"]["outcome"] == "best"
    assert found["C1"]["outcome_reason"] == "customer status is Good"
    assert list(found) == scored.accounts.table().collect()["account_id"].to_list()
    scored.labels.label()
    scored.labels.export_customers(tmp_path / "c.parquet")
    written = scan(tmp_path / "c.parquet").collect()
    assert_frame_equal(written, scored.labels.labelled().collect())


def test_customers_are_exported_as_they_are_until_they_are_labelled(
    imported: Workspace, tmp_path: Path
) -> None:
    assert imported.labels.export_customers(tmp_path / "c.parquet") == 90
    written = scan(tmp_path / "c.parquet").collect()
    assert_frame_equal(written, imported.accounts.table().collect())


@pytest.mark.parametrize(
    ("run", "message"),
    [(None, "no prospects scored yet; run icp score"), (7, "no scored list '7'; run")],
)
def test_a_list_that_is_not_there_writes_nothing(
    imported: Workspace, tmp_path: Path, run: int | None, message: str
) -> None:
    with pytest.raises(NotFoundError, match=message):
        imported.scores.export(tmp_path / "s.csv", run=run)
    assert not (tmp_path / "s.csv").exists()


def test_an_older_list_is_exported_by_its_number(
    scored: Workspace, tmp_path: Path
) -> None:
    scored.scores.run(verdicts=True)
    assert scored.scores.export(tmp_path / "new.parquet") == 4
    assert scored.scores.export(tmp_path / "old.parquet", run="1") == 4
    new, old = (scan(tmp_path / f"{n}.parquet").collect() for n in ("new", "old"))
    assert "verdict" in new.columns
    assert "verdict" not in old.columns
    assert_frame_equal(new.select(old.columns), old)


def test_a_file_that_was_scored_is_no_list_of_the_workspace(
    scored: Workspace, tmp_path: Path
) -> None:
    source = tmp_path / "list.parquet"
    pl.DataFrame({"account_id": ["x"], "employees": [20.0]}).write_parquet(source)
    run = scored.scores.score_file(source, tmp_path / "out.csv")
    assert (run.number, run.target, run.rows, run.bulk) == (2, "out.csv", 1, None)
    assert scored.scores.scored().collect().height == 4
    last = scored.status().last_run
    assert last is not None
    assert last.number == 1
    with pytest.raises(NotFoundError, match="no scored list '2'"):
        scored.scores.scored(2)
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
        scored.scores.score_file(source, target)
    assert target.read_text() == "old"
