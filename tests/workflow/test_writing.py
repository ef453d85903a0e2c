import polars as pl
import pytest
from polars.testing import assert_frame_equal

from icp.workflow.writing import for_people, scan, write


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
