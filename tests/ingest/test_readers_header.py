from __future__ import annotations

import pytest

from icp.errors import SourceError
from icp.ingest.readers.csv_text import read_text
from icp.ingest.readers.grid import Notes, shapes_of
from icp.ingest.readers.header import header_evidence, looks_like_labels
from icp.ingest.readers.options import ReadOptions
from icp.ingest.result import LINE

BODY = "Acme,Ulm,4,2024-01-31\nBolt,Bonn,7,2024-02-28\nCora,Kiel,9,2024-03-31\n"
LABELS = "Name,City,Size,Since\n"


def read(text: str, **options: object):
    return read_text(text.encode(), Notes("a.csv"), ReadOptions(**options))


@pytest.mark.parametrize(
    ("above", "columns", "header_line", "first", "levels"),
    [
        (LABELS, ("Name", "City", "Size", "Since"), 1, 2, []),
        ("\n" + LABELS, ("Name", "City", "Size", "Since"), 2, 3, []),
        ("Customers\n" + LABELS, ("Name", "City", "Size", "Since"), 2, 3, ["note"]),
        (
            "Customers,,,\nas of today,,,\n\n" + LABELS,
            ("Name", "City", "Size", "Since"), 4, 5, ["note"],
        ),
        ("", ("A", "B", "C", "D"), None, 1, ["ask"]),
        ("Who,Where,How many,When\n", ("Who", "Where", "How many", "When"), 1, 2, []),
        ("wer,wo,zahl,tag\n", ("wer", "wo", "zahl", "tag"), 1, 2, []),
        (
            "Account,,Facts,\n" + LABELS,
            ("Account Name", "Account City", "Facts Size", "Facts Since"), 2, 3,
            ["note"],
        ),
        (
            LABELS + ",,people,date\n",
            ("Name", "City", "Size people", "Since date"), 2, 3, ["note"],
        ),
    ],
)  # fmt: skip
def test_the_row_of_labels_is_found(above, columns, header_line, first, levels):
    table = read(above + BODY)
    assert table.report.columns == columns
    assert table.report.header_line == header_line
    assert table.frame[LINE].to_list() == [first, first + 1, first + 2]
    assert [finding.level for finding in table.report.findings] == levels


@pytest.mark.parametrize(
    ("options", "columns", "rows"),
    [
        ({"header_line": 1}, ("Name", "City", "Size", "Since"), 3),
        ({"header_line": 2}, ("Acme", "Ulm", "4", "2024-01-31"), 2),
        ({"no_header": True}, ("A", "B", "C", "D"), 4),
    ],
)
def test_a_person_may_say_where_it_is(options, columns, rows):
    table = read(LABELS + BODY, **options)
    assert table.report.columns == columns
    assert table.frame.height == rows


@pytest.mark.parametrize("line", [5, 6, 99])
def test_a_line_that_is_no_row_cannot_be_the_header(line):
    with pytest.raises(SourceError, match="is blank or does not exist, so"):
        read(LABELS + BODY + "\n", header_line=line)


@pytest.mark.parametrize(
    ("cells", "evidence"),
    [
        (["Name", "City", "Size", "Since"], 4),
        (["x", "y", "z", "w"], 2),
        (["Acme", "Ulm", "4", "2024-01-31"], -4),
        (["Dora", "Reno", "5", "2024-04-30"], -2),
        (["", "", "", ""], 0),
        (["Name", "City", "2023", "2024"], 2),
    ],
)
def test_labels_look_unlike_the_values_below_them(cells, evidence):
    shapes = shapes_of([line.split(",") for line in BODY.split()], width=4)
    assert header_evidence(cells, shapes) == evidence


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (["Account Name", "Stage"], True),
        (["AccountName", "CloseDate", ""], True),
        (["Name"], False),
        (["Name", "Name"], False),
        (["Name", "Acme"], False),
        (["Name", "2024"], False),
        (["", ""], False),
    ],
)
def test_words_that_name_columns(cells, labels):
    assert looks_like_labels(cells) is labels


@pytest.mark.parametrize("again", [0, 1, 3])
def test_labels_said_again_are_dropped_and_told(again):
    lines = BODY.splitlines(keepends=True)
    table = read(LABELS + "".join([*lines[:again], LABELS, *lines[again:]]))
    assert table.frame.height == 3
    (finding,) = table.report.findings
    assert (finding.level, finding.line) == ("note", again + 2)


@pytest.mark.parametrize(
    ("labels", "code"),
    [
        ("Name,City,Size\n", "missing-label"),
        ("Name,City,Size,Since,Note\n", "extra-label"),
    ],
)
def test_labels_of_another_number_than_values_are_asked_about(labels, code):
    table = read(labels + BODY)
    assert (code, "ask") in [(f.code, f.level) for f in table.report.findings]
    assert table.frame.height == 3
