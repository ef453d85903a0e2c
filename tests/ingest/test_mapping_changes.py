from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from generators.raw_tables import raw

from icp.ingest.propose_mapping import check_mapping, propose_mapping

if TYPE_CHECKING:
    from icp.ingest.mapping_rules import ColumnMapping

_MARCH = {
    "Account Name": ["Acme", "Beta", "Cora"],
    "Industry": ["Retail", "Bank", "Media"],
    "Employees": ["10", "20", "30"],
}


def _agreed() -> ColumnMapping:
    return propose_mapping(raw(_MARCH)).confirm()


def _found(columns: dict[str, list[str | None]]) -> list[tuple[str, str, str | None]]:
    return [
        (finding.level, finding.code, finding.column)
        for finding in check_mapping(raw(columns, file="april.csv"), _agreed())
    ]


def test_the_same_export_has_no_findings() -> None:
    assert _found(_MARCH) == []


def test_fewer_levels_rows_and_another_order_are_no_change() -> None:
    assert _found({name: _MARCH[name][:1] for name in reversed(_MARCH)}) == []


def test_a_column_that_is_gone() -> None:
    april = {name: _MARCH[name] for name in ("Account Name", "Industry")}
    assert _found(april) == [("ask", "missing-label", "Employees")]


def test_a_column_that_is_new() -> None:
    assert _found({**_MARCH, "Remarks": ["a", "b", "c"]}) == [
        ("ask", "extra-label", "Remarks")
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Employees", "employees "),
        ("Employees", "Employees (FTE)"),
        ("Employees", "Number Employees"),
        ("Industry", "Vertical market"),
    ],
)
def test_a_column_that_was_renamed_is_found_by_name_or_values(
    old: str, new: str
) -> None:
    april = {(new if name == old else name): v for name, v in _MARCH.items()}
    (finding,) = check_mapping(raw(april), _agreed())
    assert (finding.level, finding.code, finding.column) == (
        "ask",
        "missing-label",
        old,
    )
    assert repr(new) in finding.message
    assert repr(new) in finding.action


def test_an_unlike_column_is_new_and_the_old_one_gone() -> None:
    april = {**_MARCH, "Favourite colour": ["red", "blue", "red"]}
    del april["Industry"]
    assert _found(april) == [
        ("ask", "missing-label", "Industry"),
        ("ask", "extra-label", "Favourite colour"),
    ]


def test_new_levels_are_counted_and_named() -> None:
    april = {**_MARCH, "Industry": ["Retail", "Mining", "mining"]}
    (finding,) = check_mapping(raw(april), _agreed())
    assert (finding.level, finding.code) == ("note", "deviated-value")
    assert "'Mining'" in finding.message
    assert (finding.line, finding.count, finding.column) == (3, 2, "Industry")


def test_many_new_levels_are_shortened() -> None:
    values = [f"Level {i}" for i in range(9)]
    columns = {name: ["x"] * 9 for name in _MARCH} | {"Industry": values}
    found = check_mapping(raw(columns), _agreed())
    assert "and 4 more" in found[0].message


def test_spelling_and_placeholders_are_no_new_levels() -> None:
    assert _found({**_MARCH, "Industry": ["RETAIL ", "n/a", "bank"]}) == []


def test_levels_of_an_unconfirmed_mapping_are_not_compared() -> None:
    proposed = propose_mapping(raw(_MARCH))
    april = raw({**_MARCH, "Industry": ["a", "b", "c"]})
    assert check_mapping(april, proposed) == ()


def test_findings_name_the_file_and_what_to_do() -> None:
    april = raw({"Account Name": ["Acme"]}, file="april.csv")
    for finding in check_mapping(april, _agreed()):
        assert finding.file == "april.csv"
        assert finding.action
