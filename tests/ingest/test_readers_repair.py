from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.ingest.readers import ReadOptions
from icp.ingest.readers.csv_text import read_text
from icp.ingest.readers.grid import Notes, shapes_of
from icp.ingest.readers.repair import readings
from icp.ingest.result import LINE

BODY = [(f"Firm {n}", "won" if n % 2 else "lost", str(n * 10), "") for n in range(10)]
SHAPES = shapes_of(BODY, width=4)


def found(*cells: str) -> dict[tuple[str, ...], str]:
    return dict(readings(cells, SHAPES))


@pytest.mark.parametrize(
    ("cells", "repairs"),
    [
        (("Acme", " Inc.", "won", "5", ""), {("Acme, Inc.", "won", "5", ""): "joined"}),
        (("A", "B", "C", "won", "5", ""), {("A,B,C", "won", "5", ""): "joined"}),
        (("Acme", "", "won", "5", ""), {("Acme", "won", "5", ""): "dropped"}),
        (("Acme", "won", "5"), {("Acme", "won", "5", ""): "padded"}),
        (("Acme", "won", ""), {}),
        (("Acme", "5", ""), {}),
        (("Acme", "maybe", "5"), {}),
        (
            ("Acme", "won", "1", "200", ""),
            {
                ("Acme", "won", "1,200", ""): "joined",
                ("Acme", "won", "1", "200"): "dropped",
            },
        ),
        (("Acme",), {}),
    ],
)
def test_a_row_is_read_in_every_way_that_fits(cells, repairs):
    assert found(*cells) == repairs


def test_a_few_rows_prove_nothing():
    few = shapes_of(BODY[:5], width=4)
    assert dict(readings(("Acme", "won", "5"), few)) == {}


def naive(cells: tuple[str, ...]) -> set[tuple[str, ...]]:
    """Every way to cut the row into four, one place joined, dropped or filled."""
    ways = []
    extra = len(cells) - 4
    for place in range(len(cells) + 1):
        if extra > 0 and place + extra < len(cells):
            run = cells[place : place + extra + 1]
            if all(run):
                ways.append(
                    (*cells[:place], ",".join(run), *cells[place + extra + 1 :])
                )
        if extra > 0 and not any(cells[place : place + extra]):
            ways.append((*cells[:place], *cells[place + extra :]))
        if extra < 0:
            ways.append((*cells[:place], *[""] * -extra, *cells[place:]))
    return {
        way
        for way in ways
        if len(way) == 4 and all(s.fits(c) for s, c in zip(SHAPES, way, strict=True))
    }


CELL = st.sampled_from(["Acme", "Inc", "won", "lost", "5", "70", ""])


@settings(max_examples=300, deadline=None)
@given(st.lists(CELL, min_size=1, max_size=7).filter(lambda cells: len(cells) != 4))
def test_the_readings_are_those_of_the_naive_search(cells):
    assert set(found(*cells)) == naive(tuple(cells))


# --- in a file ---------------------------------------------------------------------


def read(lines: list[str], **options: object):
    text = "".join(f"{line}\n" for line in ["Name,Stage,Size,Note", *lines])
    return read_text(text.encode(), Notes("a.csv"), ReadOptions(**options))


LINES = [",".join(row) for row in BODY]
DAMAGED = "Acme, Inc.,won,5,"


def test_one_reading_is_used_and_told():
    table = read([*LINES[:4], DAMAGED, *LINES[4:]])
    assert table.frame.filter(table.frame[LINE] == 6).rows() == [
        ("Acme, Inc.", "won", "5", None, 6)
    ]
    assert table.report.ledger.repaired == 1
    (finding,) = table.report.findings
    assert (finding.level, finding.line) == ("note", 6)


def test_nothing_is_repaired_where_it_is_not_wanted():
    table = read([*LINES[:4], DAMAGED, *LINES[4:]], repair=False)
    (row,) = table.quarantined
    assert (row.line, row.raw) == (6, DAMAGED)
    assert row.reason == "has 5 of 4 values and fits no reading"


def test_the_last_row_is_never_repaired_as_the_file_may_be_cut_off():
    table = read([*LINES, "Acme,won,5"])
    (row,) = table.quarantined
    assert row.reason == "has 3 of 4 values; the file may end inside this row"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Acme,maybe,5", "has 3 of 4 values and fits no reading"),
        ("Acme,,won,,5,", "has 6 of 4 values and fits no reading"),
        ("A,B,lose,5,x", "has 5 of 4 values and fits no reading"),
        ("Acme,won,1,200,", "has 5 of 4 values and can be read in more than one way"),
    ],
)
def test_what_fits_no_reading_is_kept_out_as_it_came(line, reason):
    table = read([*LINES[:4], line, *LINES[4:]])
    assert [(row.line, row.raw, row.reason) for row in table.quarantined] == [
        (6, line, reason)
    ]
    assert table.frame.height == len(LINES)


@pytest.mark.parametrize(("place", "count"), [*product([0, 3, 9], [1, 3])])
def test_empty_values_beyond_the_last_column_do_no_harm(place, count):
    lines = [line + "," * count if n == place else line for n, line in enumerate(LINES)]
    table = read(lines)
    assert table.frame.rows() == read(LINES).frame.rows()
    assert [finding.code for finding in table.report.findings] == ["extra-cell"]


def test_an_empty_value_in_front_is_no_empty_value_at_the_end():
    table = read([*LINES[:3], ",Acme,won,5,", *LINES[3:]])
    assert ("Acme", "won", "5", None, 5) in table.frame.rows()
    assert [finding.code for finding in table.report.findings] == ["deviated-value"]


def test_a_comma_in_a_name_is_no_empty_value_at_the_end():
    few = [*LINES[:3], DAMAGED, *LINES[3:5]]
    (row,) = read(few).quarantined
    assert (row.line, row.raw) == (5, DAMAGED)
    many = read([*LINES[:3], DAMAGED, *LINES[3:]])
    assert ("Acme, Inc.", "won", "5", None, 5) in many.frame.rows()
