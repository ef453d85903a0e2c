from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp.errors import IcpError
from icp.ingest.readers.grid import (
    LAST,
    Fates,
    Grid,
    Record,
    as_records,
    cell_columns,
    frame_of,
    frame_of_cells,
)
from icp.ingest.result import LINE, Ledger

KINDS = ["used", "repaired", "quarantined", "blank", "preamble", "footer", "totals"]


def test_every_line_has_one_fate():
    fates = Fates(5)
    fates.decide([1], "header")
    fates.decide(range(3, 5), "used")
    assert fates.undecided() == [2, 5]
    fates.decide([2, 5], "blank")
    assert fates.ledger() == Ledger(read=5, header=1, used=2, blank=2)


def test_a_line_is_not_decided_twice():
    fates = Fates(2)
    fates.decide([1, 2], "used")
    with pytest.raises(IcpError, match="a line was counted twice"):
        fates.decide([2], "blank")


def test_a_forgotten_line_is_an_error():
    fates = Fates(3)
    fates.decide([1], "used")
    with pytest.raises(IcpError, match="2 lines have no fate"):
        fates.ledger()


@given(st.lists(st.sampled_from(KINDS), max_size=20))
def test_the_ledger_counts_each_kind(kinds):
    fates = Fates(len(kinds))
    for line, kind in enumerate(kinds, start=1):
        fates.decide([line], kind)
    ledger = fates.ledger()
    assert ledger.balanced
    assert {kind: getattr(ledger, kind) for kind in KINDS} == {
        kind: kinds.count(kind) for kind in KINDS
    }


def test_cells_become_a_frame_of_text_with_their_lines():
    frame = frame_of_cells([["a", ""], ["", " b"]], [2, 3], [2, 5], width=2)
    assert frame.columns == ["0", "1", LINE, LAST]
    assert frame.rows() == [("a", None, 2, 2), (None, " b", 3, 5)]
    assert frame.dtypes == [pl.String, pl.String, pl.Int64, pl.Int64]


def test_no_cells_are_a_frame_of_the_same_columns():
    frame = frame_of_cells([], [], [], width=2)
    assert frame.schema == frame_of_cells([["a", "b"]], [1], [1], width=2).schema
    assert frame.is_empty()


CELLS = st.lists(st.text(max_size=3), min_size=3, max_size=3)


@given(st.lists(CELLS, max_size=6))
def test_records_come_back_from_their_frame(rows):
    records = [
        Record(line=2 * n, last_line=2 * n + 1, cells=tuple(row))
        for n, row in enumerate(rows, start=1)
    ]
    assert as_records(frame_of(records, width=3)) == records


def test_blanks_do_not_fill_a_record():
    assert Record(line=1, last_line=1, cells=("a", " ", "", "\t", "b")).filled == 2


@pytest.mark.parametrize(("delimiter", "sheet"), [("", True), (",", False)])
def test_a_sheet_has_no_delimiter(delimiter, sheet):
    rows = frame_of([], width=1)
    grid = Grid(width=1, rows=rows, lines=0, raw=lambda *_: "", delimiter=delimiter)
    assert grid.sheet is sheet


def test_cell_columns_are_numbered():
    assert cell_columns(3) == ["0", "1", "2"]
