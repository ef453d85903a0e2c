from __future__ import annotations

import pytest
from generators.raw_tables import raw

from icp.ingest.mapping_rules import ColumnRule
from icp.ingest.parse import read_column
from icp.schema import Kind, Role


def remarks(values: list[str], kind: Kind, **other: object) -> list[tuple[str, str]]:
    rule = ColumnRule(source="x", name="x", role=Role.FIRST_CONTACT, kind=kind, **other)
    return [
        (f.level, f.message) for f in read_column(raw({"x": values}), rule).findings
    ]


@pytest.mark.parametrize(
    ("values", "kind", "other", "told"),
    [
        (["5", "6"], Kind.NUMBER, {}, []),
        (
            ["5", "n/a", "-", "n/a"],
            Kind.NUMBER,
            {},
            [("note", "3 values that only say unknown, taken as missing")],
        ),
        (
            ["5", "x"] + ["6"] * 20,
            Kind.NUMBER,
            {},
            [("note", "1 value not understood as numbers, left empty (line 3)")],
        ),
        (
            ["5", "x", "y"],
            Kind.NUMBER,
            {},
            [("ask", "2 values not understood as numbers, left empty (lines 3, 4)")],
        ),
        (
            ["1,234", "1,234"],
            Kind.NUMBER,
            {},
            [
                (
                    "ask",
                    "2 values such as 1,234 can be read in two ways, left empty "
                    "(line 2)",
                )
            ],
        ),
        (
            ["1,234"],
            Kind.NUMBER,
            {"decimal": ","},
            [
                (
                    "ask",
                    "1 value such as 1,234 can be read in two ways; the decimal mark "
                    "is taken to be ','",
                )
            ],
        ),
        (
            ["$5", "€6"],
            Kind.NUMBER,
            {},
            [("ask", "amounts in 2 currencies: $, EUR")],
        ),
        (
            ["45678"],
            Kind.DATE,
            {},
            [
                (
                    "ask",
                    "1 value look like a spreadsheet's day numbers, left empty "
                    "(line 2)",
                )
            ],
        ),
        (
            ["0001-01-01", "2024-01-31", "9999-12-31", "1900-01-01", "2100-12-31"],
            Kind.DATE,
            {},
            [("ask", "3 values before 1901 or after 2100 (lines 2, 4, 5)")],
        ),
        (
            ["Retail", "retail", "Retail"],
            Kind.CATEGORY,
            {},
            [
                (
                    "note",
                    "1 value spelled like another except for case or blanks, taken "
                    "as the most frequent spelling (line 3)",
                )
            ],
        ),
        (["Retail", "retail"], Kind.TEXT, {}, []),
    ],
)
def test_a_column_is_remarked_on_in_counts_and_lines(
    values: list[str],
    kind: Kind,
    other: dict[str, object],
    told: list[tuple[str, str]],
) -> None:
    assert remarks(values, kind, **other) == told


def test_a_remark_names_file_column_and_first_line() -> None:
    rule = ColumnRule(source="x", name="x", role=Role.DATE, kind=Kind.DATE)
    (found,) = read_column(raw({"x": ["2024-01-31", "soon"]}), rule).findings
    assert (found.file, found.column, found.line, found.count) == (
        "table.csv", "x", 3, 1,
    )  # fmt: skip
    assert found.action.startswith("correct the source")
