from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.errors import SourceError
from icp.ingest.readers.csv_text import (
    Dialect,
    as_it_came,
    find_dialect,
    physical_lines,
    split,
)
from icp.ingest.readers.grid import LAST, Notes, Record, as_records

COMMA = Dialect(",", width=3)


def cut(text: str, dialect: Dialect = COMMA, *, skip: int = 0):
    return split(physical_lines(text), dialect, Notes("a.csv"), skip=skip)


def rows(text: str, dialect: Dialect = COMMA) -> list[tuple[object, ...]]:
    return cut(text, dialect).rows.rows()


# --- physical lines ----------------------------------------------------------------


@given(st.text(st.sampled_from("ab\r\n\u2028\x0b\x85"), max_size=20))
def test_lines_end_at_cr_and_lf_only(text):
    lines = physical_lines(text)
    assert "".join(lines) == text
    bare = re.split(r"\r\n|\n|\r", text)
    assert [line.rstrip("\r\n") for line in lines] == (bare if bare[-1] else bare[:-1])


def test_lines_are_quoted_as_they_came():
    text = as_it_came(["a\r\n", "b\n", "c"])
    assert (text(1, 1), text(1, 2), text(2, 3)) == ("a", "a\r\nb", "b\nc")


# --- rows --------------------------------------------------------------------------


def test_regular_lines_become_rows_with_their_lines():
    assert rows('a,b,c\n1,"2, x",\n') == [
        ("a", "b", "c", 1, 1),
        ("1", "2, x", None, 2, 2),
    ]


def test_a_row_may_span_lines():
    assert rows('a,b,c\n1,"x\r\ny\n\nz",3\n4,5,6\n') == [
        ("a", "b", "c", 1, 1),
        ("1", "x\r\ny\n\nz", "3", 2, 5),
        ("4", "5", "6", 6, 6),
    ]


def test_blank_lines_and_lines_of_separators_are_no_rows():
    grid = cut("a,b,c\n\n,,\n \t\n,,,,\n1,2,3\n")
    assert grid.blank == (2, 3, 4, 5)
    assert grid.rows.height == 2


def test_lines_that_only_declare_something_are_skipped():
    grid = cut("sep=,\na,b,c\n", skip=1)
    assert grid.rows.rows() == [("a", "b", "c", 2, 2)]
    assert grid.lines == 2


@pytest.mark.parametrize(
    ("line", "cells", "problem", "repair"),
    [
        ("1,2", ("1", "2"), "", ""),
        ("1,2,3,4", ("1", "2", "3", "4"), "", ""),
        ('1,5" pipe,3', ("1", '5" pipe', "3"), "", "stray quote"),
        ('1,"2" x,3', ("1", '"2" x', "3"), "", "stray quote"),
        ('"1,2,3', ('"1', "2", "3"), "", "stray quote"),
        ('"1",""2,3', ("1", '""2', "3"), "", "stray quote"),
        (
            '1,"2,3,4',
            ("1", '"2', "3", "4"),
            "has a quote that no reading explains",
            "",
        ),
    ],
)
def test_an_odd_line_harms_no_other(line, cells, problem, repair):
    grid = cut(f"a,b,c\n{line}\n4,5,6\n7,8,9\n")
    assert grid.odd == (
        Record(line=2, last_line=2, cells=cells, problem=problem, repair=repair),
    )
    assert grid.rows[LAST].to_list() == [1, 3, 4]


def test_a_file_that_ends_inside_a_value_says_so():
    (record,) = cut('a,b,c\n1,2,3\n4,"5\nand so on').odd
    assert (record.line, record.last_line) == (3, 4)
    assert record.problem == "the file ends inside a quoted value"


def test_a_quote_that_swallows_rows_is_a_question():
    (record,) = cut('a,b,c\n1,"2,3\n4,5,6\n7,8",9\n1,2,3\n').odd[:1]
    assert record.line == 2
    assert record.last_line == 2 or record.problem


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x" * 10_000_001, "a line of 10,000,001 characters"),
        (
            "a,b,c\n1," + "x" * 1_000_001 + ",3\n",
            "line 2: has a value of over 1,000,000",
        ),
    ],
)
def test_sizes_beyond_any_table_are_refused(text, told):
    with pytest.raises(SourceError, match=told):
        cut(text)


def test_too_many_columns_are_refused():
    with pytest.raises(SourceError, match=r"has 5,001 columns \(limit 5,000\)"):
        cut("a\n", Dialect(",", width=5_001))


# --- the oracle: the standard library ----------------------------------------------

CELLS = st.text(st.sampled_from('a1 ,;"\n\r\u2028é'), max_size=5)
TABLES = st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(TABLES, st.sampled_from(",;\t|"), st.booleans())
def test_a_quoted_table_is_cut_as_csv_cuts_it(table, mark, escaped):
    target = io.StringIO(newline="")
    form = {"doublequote": False, "escapechar": "\\"} if escaped else {}
    csv.writer(
        target, delimiter=mark, quoting=csv.QUOTE_ALL, lineterminator="\n", **form
    ).writerows(table)
    dialect = Dialect(mark, width=3, escape="\\" if escaped else None)
    grid = cut(target.getvalue(), dialect)
    by_line = sorted(
        [*as_records(grid.rows), *grid.odd], key=lambda record: record.line
    )
    if not grid.blank and not any(r.problem or r.repair for r in by_line):
        assert [r.cells for r in by_line] == [tuple(row) for row in table]
    covered = {n for r in by_line for n in range(r.line, r.last_line + 1)}
    assert covered | set(grid.blank) == set(range(1, grid.lines + 1))


# --- the dialect -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dialect", "line", "regular", "strict", "is_open"),
    [
        (COMMA, "1,2,3", True, True, False),
        (COMMA, "1,2", False, True, False),
        (COMMA, '1,"2,x",3', True, True, False),
        (COMMA, '1,"2""x",3', True, True, False),
        (COMMA, '1,"2,3', False, False, True),
        (COMMA, '1,2"x,3', False, False, False),
        (COMMA, '1, "2",3', False, False, False),
        (Dialect(",", width=3, blank_after=True), '1, "2",3', True, True, False),
        (Dialect(",", width=3, quote=None), '1,2"x,3', True, True, False),
        (Dialect(",", width=3, quote="'"), "1,'2,x',3", True, True, False),
        (Dialect(",", width=3, escape="\\"), '1,"2\\"x",3', True, True, False),
        (Dialect(",", width=3, escape="\\"), '1,"2\\",3', False, False, True),
        (Dialect("|", width=2), "1|2", True, True, False),
    ],
)
def test_a_line_is_regular_strict_or_open(dialect, line, regular, strict, is_open):
    assert bool(dialect.regular.fullmatch(line)) is regular
    assert bool(dialect.strict.fullmatch(line)) is strict
    assert bool(dialect.open.fullmatch(line)) is is_open


@pytest.mark.parametrize(
    ("lines", "dialect"),
    [
        (["a,b,c", "1,2,3"], COMMA),
        (["a;b;c", "1,5;2,5;3,5"], Dialect(";", width=3)),
        (["a;b", "x, y;2"], Dialect(";", width=2)),
        (["a|b", "1|2"], Dialect("|", width=2)),
        (["a", "b"], Dialect(",", width=1)),
        (['a,"b"', '1,"x, y"'], Dialect(",", width=2)),
        (["'a','b'", "'x, y','2'"], Dialect(",", width=2, quote="'")),
        (['"a","b"', '"x \\"y\\"","2"', '"\\"z\\"","3"'], Dialect(",", 2, escape="\\")),
        (['"a", "b"', '"x", "y, z"'], Dialect(",", width=2, blank_after=True)),
        (["a,b", '5",6"', '7",8"'], Dialect(",", width=2, quote=None)),
    ],
)
def test_the_dialect_is_the_one_that_fits_the_lines(lines, dialect):
    found, declared = find_dialect([f"{line}\n" for line in lines], Notes("a"))
    assert (found, declared) == (dialect, 0)


def test_separators_that_fit_alike_are_asked_about():
    notes = Notes("a")
    find_dialect(["a,b;c\n", "1,2;3\n"], notes)
    (finding,) = notes.findings
    assert "comma and semicolon split every line equally well" in finding.message
