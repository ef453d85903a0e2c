from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.ingest.readers.grid import Notes, frame_of_cells, letter, line_list, plural
from icp.ingest.readers.header import Named, name_columns
from icp.ingest.result import LINE, ExcludedLine


def named(
    labels: list[str], *rows: tuple[str, ...], lettered: bool = False
) -> tuple[Named, list[tuple[str, str]]]:
    width = len(rows[0]) if rows else len(labels)
    lines = range(2, len(rows) + 2)
    frame = frame_of_cells(rows, lines, lines, width=width)
    notes = Notes("a.csv")
    result = name_columns(frame, labels, notes, lettered=lettered)
    return result, [(f.level, f.code) for f in notes.findings]


@pytest.mark.parametrize(
    ("labels", "columns", "told"),
    [
        (["a", "b"], ["a", "b"], []),
        ([" a ", "b"], ["a", "b"], [("note", "header")]),
        (["\ufeffa", "b\u200b"], ["a", "b"], [("note", "header")]),
        (["a\nb", "c  d"], ["a b", "c d"], [("note", "header")]),
        (["a", "a"], ["a", "a (2)"], [("ask", "duplicate-label")]),
        (["a", "A"], ["a", "A"], [("ask", "duplicate-label")]),
        (["a", ""], ["a", "B"], [("ask", "blank-label")]),
        (
            ["B", ""],
            ["B", "B (2)"],
            [("ask", "blank-label"), ("ask", "duplicate-label")],
        ),
        (["a"], ["a", "B"], [("ask", "blank-label")]),
        ([LINE, "b"], [f"{LINE} (column)", "b"], []),
    ],
)
def test_labels_become_distinct_names(labels, columns, told):
    result, findings = named(labels, ("1", "2"), ("3", "4"))
    assert result.frame.columns == [*columns, LINE]
    assert result.frame.rows() == [("1", "2", 2), ("3", "4", 3)]
    assert findings == told


def test_three_columns_of_one_name_and_one_that_has_the_second_name_already():
    result, _ = named(["a", "a", "a (2)", "a"], ("1", "2", "3", "4"))
    assert result.frame.row(0) == ("1", "2", "3", "4", 2)
    assert result.frame.columns == ["a", "a (3)", "a (2)", "a (4)", LINE]


def test_of_two_columns_of_one_name_the_filled_one_keeps_it():
    result, findings = named(["a", "a"], ("", "1"), ("", "2"))
    assert result.frame.columns == ["a (2)", "a", LINE]
    assert findings == [("note", "duplicate-label")]


def test_two_equal_columns_of_one_name_are_no_question():
    _, findings = named(["a", "a"], ("1", "1"), ("2", "2"))
    assert findings == [("note", "duplicate-label")]


def test_without_any_label_columns_are_letters_and_no_surprise():
    result, findings = named(["", "", ""], ("1", "2", ""), lettered=True)
    assert result.frame.rows() == [("1", "2", None, 2)]
    assert result.frame.columns == ["A", "B", "C", LINE]
    assert findings == []


def test_remarks_beside_the_table_are_kept_with_their_lines():
    rows = [(f"n{i}", "look" if i == 3 else "") for i in range(8)]
    result, findings = named(["a", ""], *rows)
    assert result.frame.columns == ["a", LINE]
    assert result.beside == (ExcludedLine(line=5, kind="beside", raw="look"),)
    assert findings == [("note", "beside-table")]


def test_a_column_of_nothing_is_left_out_and_parts_two_tables():
    result, findings = named(["a", "", "b"], ("1", "", "2"))
    assert result.frame.rows() == [("1", "2", 2)]
    assert findings == [("note", "blank-label"), ("ask", "other-table")]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["a", "A", "a (2)", "", "B", " b", LINE]), min_size=1))
def test_no_column_of_values_is_lost_and_no_name_is_twice(labels):
    row = tuple(f"v{n}" for n in range(len(labels)))
    result, _ = named(labels, row, row)
    assert len(set(result.frame.columns)) == len(labels) + 1
    assert result.frame.row(0) == (*row, 2)


# --- words of findings -------------------------------------------------------------


@pytest.mark.parametrize(
    ("index", "name"),
    [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (701, "ZZ"), (702, "AAA")],
)
def test_columns_have_a_spreadsheet_s_letters(index, name):
    assert letter(index) == name


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([4], "line 4"),
        ([7, 3, 3], "lines 3 and 7"),
        ([1, 2, 3], "lines 1, 2 and 3"),
        ([1_234], "line 1,234"),
        (range(1, 14), "lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 3 more"),
    ],
)
def test_lines_are_listed_in_order_and_not_endlessly(lines, text):
    assert line_list(lines) == text


def test_a_finding_names_its_first_line_and_counts_its_lines():
    notes = Notes("a.csv", sheet="S")
    notes.note("header", "told", lines=[9, 4])
    notes.ask("header", "asked", column="C", count=7, action="do it")
    first, second = notes.findings
    assert (first.level, first.line, first.count, first.sheet) == ("note", 4, 2, "S")
    assert str(second) == "a.csv, sheet 'S', column 'C': asked; do it"
    assert plural(second.count, "value") == "7 values"
