"""The project's own copies of fifteen files may be elsewhere; absent, these skip."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from icp.ingest.readers import read_table

SHARED = Path(
    os.environ.get("ICP_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data")
)
SAMPLES = SHARED / "ingestion-samples"

pytestmark = pytest.mark.skipif(not SAMPLES.exists(), reason="needs the sample files")

# name: rows, columns, header line, codes of the findings
FILES = {
    "bom_ddmmyyyy.csv": (199, 10, 1, []),
    "currency_text_and_long_dates.csv": (199, 16, 1, []),
    "decimals_lost_thousands.csv": (300, 27, 1, []),
    "derived_european_semicolon_cp1252.csv": (200, 7, 1, ["encoding"]),
    "derived_excel_title_rows.xlsx": (
        150,
        6,
        5,
        ["sheets", "missing-cell", "preamble", "header", "totals"],
    ),
    "derived_hubspot_companies.csv": (85, 12, 1, []),
    "derived_salesforce_report_latin1.csv": (
        400,
        14,
        1,
        ["encoding", "totals", "footer"],
    ),
    "dos_cp437_orders.csv": (2823, 25, 1, ["encoding"]),
    "duplicate_column_name.csv": (199, 8, 1, ["duplicate-label"]),
    "formula_cells.xlsx": (7043, 28, 1, []),
    "hubspot_deals_messy_excerpt.csv": (10, 16, 1, []),
    "notes_in_spare_columns_latin1.csv": (
        440,
        8,
        1,
        ["encoding-error", "blank-label", "beside-table"],
    ),
    "pipe_no_header.csv": (40, 20, None, ["blank-header"]),
    "trailing_space_headers.csv": (199, 38, 1, ["header"]),
    "workbook_named_csv.csv": (9240, 37, 1, []),
}


SLOW = {"formula_cells.xlsx", "workbook_named_csv.csv"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in FILES],
)
def test_every_sample_comes_in_and_every_line_is_accounted_for(name):
    rows, columns, header_line, codes = FILES[name]
    table = read_table(SAMPLES / name)
    assert table.frame.height == rows
    assert len(table.report.columns) == columns
    assert table.report.header_line == header_line
    assert [finding.code for finding in table.report.findings] == codes
    assert table.report.ledger.balanced
    assert table.quarantined == ()


def test_the_table_is_of_every_sample():
    assert {path.name for path in SAMPLES.iterdir()} - {"NOTE.md"} == set(FILES)
