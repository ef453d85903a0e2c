import os
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from icp.errors import StoreError
from icp.store import bulk
from icp.store.bulk import BulkFolder, replaced, sha256_of

FRAME = pl.DataFrame({"account_id": ["a", "b"], "tags": [["x"], None]})


@pytest.fixture
def folder(tmp_path):
    return BulkFolder(tmp_path / "bulk")


@pytest.mark.parametrize("frame", [FRAME, FRAME.lazy()])
def test_what_is_written_is_read_back(folder, frame):
    file = folder.write(frame)
    assert_frame_equal(folder.scan(file.hash).collect(), FRAME)
    assert (file.rows, file.bytes) == (2, folder.file(file.hash).stat().st_size)


def test_a_table_is_named_by_its_content(folder):
    first, again = folder.write(FRAME), folder.write(FRAME)
    other = folder.write(FRAME.head(1))
    assert first == again
    assert first.hash == sha256_of(folder.file(first.hash))
    names = {file.name for file in folder.path.iterdir()}
    assert names == {f"{first.hash}.parquet", f"{other.hash}.parquet"}


@settings(deadline=None)  # a busy disk is no fault
@given(st.lists(st.text(max_size=4), max_size=5))
def test_the_same_rows_have_the_same_hash(tmp_path_factory, values):
    folder = BulkFolder(tmp_path_factory.mktemp("bulk"))
    frame = pl.DataFrame({"v": values}, {"v": pl.String})
    assert folder.write(frame).hash == folder.write(frame.clone()).hash


def test_an_empty_table_can_be_kept(folder):
    file = folder.write(FRAME.clear())
    assert file.rows == 0
    assert folder.damage(file) == ""


def test_a_missing_table_says_what_to_do(folder):
    with pytest.raises(StoreError, match="stored table aaaaaaaaaaaa is missing"):
        folder.scan("a" * 64)


def test_damage_is_told_apart(folder):
    file = folder.write(FRAME)
    assert folder.damage(file) == ""
    assert folder.damage(replace(file, rows=3)) == "has another number of rows"
    place = folder.file(file.hash)
    place.write_bytes(place.read_bytes() + b"x")
    assert folder.damage(file) == "was changed after it was written"
    place.unlink()
    assert folder.damage(file) == "is missing"


@pytest.mark.parametrize("step", ["_write", "_sync", "_rows", "sha256_of"])
def test_a_failure_at_any_step_leaves_nothing(folder, monkeypatch, step):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(bulk, step, fail)
    with pytest.raises(OSError, match="disk full"):
        folder.write(FRAME)
    assert list(folder.path.iterdir()) == []


def test_a_failing_query_leaves_nothing(folder):
    broken = FRAME.lazy().with_columns(pl.col("account_id").cast(pl.Int64))
    with pytest.raises(pl.exceptions.InvalidOperationError):
        folder.write(broken)
    assert list(folder.path.iterdir()) == []


def test_leftovers_of_dead_processes_go_away_and_others_stay(folder):
    folder.path.mkdir()
    old, young = folder.path / "old.tmp", folder.path / "young.tmp"
    for file in (old, young):
        file.touch()
    os.utime(old, (0, 0))
    folder.write(FRAME)
    assert (old.exists(), young.exists()) == (False, True)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    target = tmp_path / "t.txt"
    target.write_text("old")
    with pytest.raises(FileNotFoundError), replaced(target) as temporary:
        temporary.write_text("half") and (tmp_path / "no folder" / "x").touch()
    assert target.read_text() == "old"
    with replaced(target) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["t.txt"]
