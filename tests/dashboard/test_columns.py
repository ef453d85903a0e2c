from __future__ import annotations

from pathlib import Path

import polars as pl

from icp.dashboard.views import data
from icp.ingest.mapping_rules import ColumnMapping, ColumnRule
from icp.ingest.result import Ledger, SourceReport
from icp.schema import Kind, Role
from icp.workflow import SourcePreview

RULES = (
    ColumnRule(
        source="Kunde seit",
        name="customer_since",
        role=Role.DATE,
        kind=Kind.DATE,
        date_order="dmy",
        score=0.9,
        reason="a date",
    ),
    ColumnRule(
        source="Branche",
        name="industry",
        role=Role.FIRST_CONTACT,
        kind=Kind.CATEGORY,
        score=0.8,
        reason="a known name",
    ),
)
MAPPING = ColumnMapping(source="k", columns=RULES)
PREVIEW = SourcePreview(
    path=Path("k.csv"),
    object="accounts",
    head=pl.DataFrame({"Kunde seit": ["1.2.2024", None], "Branche": ["A", "A"]}),
    rows=2,
    report=SourceReport(
        file="k.csv",
        sheet=None,
        kind="csv",
        sha256="",
        size=0,
        ledger=Ledger(read=3, used=2, header=1),
        columns=("Kunde seit", "Branche"),
    ),
    mapping=MAPPING,
    findings=(),
)


def test_columns_are_listed_with_examples_and_reasons() -> None:
    assert data.mapping_table(PREVIEW).rows() == [
        (
            "Kunde seit",
            "1.2.2024",
            "customer_since",
            "date",
            "date",
            "dmy",
            "",
            "a date",
        ),
        (
            "Branche",
            "A",
            "industry",
            "known at first contact",
            "category",
            "",
            "",
            "a known name",
        ),
    ]


def test_an_untouched_table_changes_nothing() -> None:
    assert data.corrected(MAPPING, data.mapping_table(PREVIEW)) == MAPPING


def test_corrections_reach_the_mapping() -> None:
    table = data.mapping_table(PREVIEW).with_columns(
        pl.Series("role", ["date", "ignored"]),
        pl.Series("name", ["since", "sector"]),
    )
    changed = data.corrected(MAPPING, table)
    assert [(r.name, r.role) for r in changed.columns] == [
        ("since", Role.DATE),
        ("sector", Role.IGNORED),
    ]
    assert changed.columns[0].date_order == "dmy"
