from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.learn.cells import build_cells, draft_tables
from icp.schema import AccountSchema


def ordered(frame: pl.DataFrame, labels=None, groups=None):
    drafts = draft_tables(frame, AccountSchema.infer(frame), min_level=1, max_levels=50)
    chosen = np.zeros(frame.height) if labels is None else np.asarray(labels)
    numbers = None if groups is None else np.asarray(groups)
    return build_cells(frame, drafts, chosen.astype(np.int8), groups=numbers)


def table(cells, name: str):
    return next(t for t in cells.tables if t.name == name)


def test_levels_come_by_how_many_customers_have_them() -> None:
    cells = ordered(pl.DataFrame({"one": list("bbbaac")}))
    assert table(cells, "one").cells == ("b", "a", "c")
    assert dict(table(cells, "one").levels) == {"a": 3, "b": 2, "c": 4}


def test_pooled_levels_come_last_however_many_there_are() -> None:
    frame = pl.DataFrame({"one": ["a", "a", *"uvwxyz"]})
    drafts = draft_tables(frame, AccountSchema.infer(frame), min_level=2, max_levels=9)
    (found,) = build_cells(frame, drafts, np.zeros(8, dtype=np.int8)).tables
    assert found.cells == ("a", "other (6 rare ones)")


def test_list_values_come_by_how_many_customers_have_them() -> None:
    lists = [["x", "z"], ["z"], ["z", "y"], ["y", "x"], ["y", "z"], ["z"], ["x", "y"]]
    cells = ordered(pl.DataFrame({"two": lists, "one": list("aabbaab")}))
    assert [t.name for t in cells.tables] == ["one", "two=z", "two=y", "two=x"]


def test_rows_keep_their_codes_and_say_where_they_were() -> None:
    frame = pl.DataFrame({"one": list("abcab"), "size": [1.0, 2.0, 3.0, None, 2.0]})
    cells = ordered(frame)
    names = dict(table(cells, "one").levels)
    place = [t.name for t in cells.tables].index("one")
    assert sorted(cells.rows.tolist()) == [0, 1, 2, 3, 4]
    for row, code in zip(cells.rows, cells.codes[:, place], strict=True):
        assert names[frame["one"][int(row)]] == code


rows = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.integers(0, 1)),
    min_size=2,
    max_size=24,
)


@settings(max_examples=80)
@given(rows)
def test_exchanging_the_labels_gives_the_same_order(data) -> None:
    frame = pl.DataFrame(data, schema=["one", "two", "label"], orient="row")
    labels = frame["label"].to_numpy()
    frame = frame.drop("label")
    one, other = ordered(frame, labels), ordered(frame, 1 - labels)
    assert one.codes.tolist() == other.codes.tolist()
    if 2 * labels.sum() != len(labels):
        assert one.tables == other.tables
        assert labels[one.rows].tolist() == labels[other.rows].tolist()


@settings(max_examples=80)
@given(rows, st.randoms(use_true_random=False))
def test_groups_are_found_in_the_same_pattern(data, random) -> None:
    frame = pl.DataFrame(data, schema=["one", "two", "group"], orient="row")
    order = list(range(frame.height))
    random.shuffle(order)

    def pattern(shuffled):
        groups = shuffled["group"].to_numpy()
        cells = ordered(shuffled.drop("group"), groups=groups)
        _, first = np.unique(groups[cells.rows], return_index=True)
        names = np.argsort(np.argsort(first))
        return cells.codes.tolist(), names[groups[cells.rows] - groups.min()].tolist()

    if frame["group"].n_unique() == 2:
        assert pattern(frame) == pattern(frame[order])


@pytest.mark.parametrize("copies", [1, 3])
def test_levels_that_play_the_same_part_may_be_exchanged(copies: int) -> None:
    frame = pl.DataFrame({"one": list("abcd") * copies, "two": list("wxyz") * copies})
    swapped = frame.with_columns(
        pl.col("one").replace_strict({"a": "d", "b": "c", "c": "b", "d": "a"})
    )
    assert ordered(frame).codes.tolist() == ordered(swapped).codes.tolist()


def test_numbers_take_part_by_their_cell_only() -> None:
    frame = pl.DataFrame({"one": list("aabb"), "size": [1.0, 2.0, 3.0, 4.0]})
    stretched = frame.with_columns(size=pl.col("size") ** 3)
    assert ordered(frame).rows.tolist() == ordered(stretched).rows.tolist()


def test_no_tables_keep_the_rows() -> None:
    cells = ordered(
        pl.DataFrame({"since": [None, None, None]}, schema={"since": pl.Date})
    )
    assert cells.tables == ()
    assert sorted(cells.rows.tolist()) == [0, 1, 2]
