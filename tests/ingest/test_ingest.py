from __future__ import annotations

import csv
import io
import os
import tempfile
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.errors import ConfigError, MappingError, SchemaError, SourceError
from icp.ingest import ColumnMapping, ReadOptions, ingest, propose_mapping, read_table
from icp.ingest.result import LINE, Ledger
from icp.schema import AccountSchema, Attribute, Kind, Role

_SHARED = Path(
    os.environ.get("ICP_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data")
)
_SAMPLES = _SHARED / "ingestion-samples"

_CSV = """\
Record ID,Company name,Industry,Number of Employees,Create Date
101,Acme,RETAIL,"1,001-5,000",2024-03-01 09:00
102,Beta,retail,5000+,2024-04-01 10:00
103,"Cora, Inc.",Unknown,,2024-05-01 11:00
,,Retail,5,2024-06-01 12:00
"""


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "companies.csv"
    path.write_text(_CSV, encoding="utf-8")
    return path


def test_a_file_becomes_accounts(export: Path) -> None:
    result = ingest(export)
    frame = result.accounts.collect()
    assert frame.with_columns(pl.col("employees").round(0)).rows() == [
        ("101", "Acme", "RETAIL", 2237.0, date(2024, 3, 1), 2),
        ("102", "Beta", "RETAIL", 5000.0, date(2024, 4, 1), 3),
        ("103", "Cora, Inc.", None, None, date(2024, 5, 1), 4),
    ]
    assert frame.columns == [*result.schema.names, LINE]
    assert result.rejected["line"].to_list() == [5]
    ledger = result.report.ledger
    assert (ledger.read, ledger.used, ledger.quarantined, ledger.header) == (5, 3, 1, 1)
    assert ledger.balanced


_LINES = [
    "Company,Trade,Size\r\n",
    *(f"Firm {n},Food,{n}\r\n" for n in range(8)),
    '"","Food\r\n',
    'and more",3\r\n',
    ',Fo"od,4\r\n',
    'Dora,"say ""hi""\n',
    'twice",5\r\n',
    "Edda,Food,5,6,7\r\n",
    ' ,"Food, too",8\r\n',
    "Final,Food,9\r\n",
]


def test_rows_without_a_name_are_quoted_as_they_came(tmp_path: Path) -> None:
    path = tmp_path / "companies.csv"
    path.write_bytes("".join(_LINES).encode())
    result = ingest(path)
    assert result.rejected.select("line", "last_line", "raw").rows() == [
        (10, 11, '"","Food\r\nand more",3'),
        (12, 12, ',Fo"od,4'),
        (15, 15, "Edda,Food,5,6,7"),
        (16, 16, ' ,"Food, too",8'),
    ]
    assert result.accounts.collect()[LINE].to_list() == [*range(2, 10), 13, 17]
    assert result.report.ledger == Ledger(read=17, header=1, used=11, quarantined=5)


_CELL = st.text(st.sampled_from('ab1 ,;"\n\r'), max_size=4)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(_CELL, _CELL, _CELL), min_size=1, max_size=8),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_every_line_is_used_quarantined_or_excluded(
    rows: list[tuple[str, str, str]], quoting: int, end: str
) -> None:
    target = io.StringIO(newline="")
    writer = csv.writer(target, quoting=quoting, lineterminator=end)
    writer.writerows([("Company", "Trade", "Annual Revenue"), *rows])
    lines = io.StringIO(target.getvalue(), newline="").readlines()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "companies.csv"
        path.write_bytes(target.getvalue().encode())
        try:
            result = ingest(path)
        except (SourceError, MappingError):
            return
    assert result.report.ledger.balanced
    assert result.report.ledger.read == len(lines)
    for line, last, raw in result.rejected.drop("reason").rows():
        assert raw == "".join(lines[line - 1 : last]).rstrip("\r\n")
    seen = [*result.accounts.collect()[LINE], *result.rejected["line"]]
    assert len(set(seen)) == len(seen)


def test_an_agreed_mapping_is_applied_as_it_is(export: Path, tmp_path: Path) -> None:
    mapping = propose_mapping(read_table(export))
    mapping = mapping.replace("Industry", kind="text", role="ignored").confirm()
    saved = tmp_path / "mapping.json"
    saved.write_text(mapping.to_json(), encoding="utf-8")
    for agreed in (mapping, saved, str(saved)):
        result = ingest(export, mapping=agreed)
        assert result.mapping == mapping
        assert result.accounts.collect()["industry"].to_list() == [
            "RETAIL",
            "retail",
            None,
        ]


def test_next_month_s_changes_are_reported(export: Path) -> None:
    mapping = propose_mapping(read_table(export)).confirm()
    export.write_text(
        _CSV.replace("Create Date", "Creation Date").replace("RETAIL", "Mining")
    )
    codes = {
        (f.code, f.column) for f in ingest(export, mapping=mapping).report.findings
    }
    assert ("missing-label", "Create Date") in codes
    assert ("deviated-value", "Industry") in codes


@pytest.mark.parametrize("text", [None, "{", '{"source": "x", "columns": 1}'])
def test_a_mapping_that_cannot_be_read_is_refused(
    export: Path, tmp_path: Path, text: str | None
) -> None:
    path = tmp_path / "mapping.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match="mapping"):
        ingest(export, mapping=path)


def test_a_schema_sets_columns_roles_and_kinds(export: Path) -> None:
    schema = AccountSchema(
        attributes=(
            Attribute(name="industry", role=Role.QUALIFICATION, kind=Kind.TEXT),
            Attribute(name="account_id", role=Role.IDENTIFIER, kind=Kind.TEXT),
        )
    )
    result = ingest(export, schema=schema)
    assert result.schema == schema
    assert result.mapping.rule("Industry").role is Role.QUALIFICATION
    assert result.accounts.collect().rows() == [
        ("RETAIL", "101", 2),
        ("retail", "102", 3),
        (None, "103", 4),
    ]


def test_a_schema_that_asks_for_more_is_refused(export: Path) -> None:
    schema = AccountSchema(attributes=(Attribute(name="nps"), Attribute(name="arr")))
    with pytest.raises(SchemaError, match=r"2 schema columns: .* not in companies"):
        ingest(export, schema=schema)


def test_the_object_and_the_reader_s_options_are_passed_on(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("title\nId;Name\n1;a\n2;b\n", encoding="utf-8")
    options = ReadOptions(delimiter=";", header_line=2)
    result = ingest(path, object="deals", options=options)
    assert result.schema.names == ("deal_id", "deal_name")


def test_a_workbook_s_dates_and_numbers(tmp_path: Path) -> None:
    path = tmp_path / "kunden.xlsx"
    pl.DataFrame(
        {
            "Kundennummer": ["007", "008"],
            "Mitarbeiter": [40, 51200],
            "Kunde seit": [date(2024, 3, 1), date(2023, 12, 31)],
            "Aktiv": ["ja", "nein"],
        }
    ).write_excel(path)
    frame = ingest(path).accounts.collect()
    assert frame.rows() == [
        ("007", 40.0, date(2024, 3, 1), True, 2),
        ("008", 51200.0, date(2023, 12, 31), False, 3),
    ]


def test_the_same_file_gives_the_same_result(export: Path) -> None:
    one, two = ingest(export), ingest(export)
    assert one.mapping == two.mapping
    assert one.report == two.report
    assert one.accounts.collect().equals(two.accounts.collect())


# --- the real samples, where they are at hand ---------------------------------------

_ROWS_AND_KEY = {
    "bom_ddmmyyyy.csv": (199, "account_id"),
    "currency_text_and_long_dates.csv": (199, "invoice_id"),
    "decimals_lost_thousands.csv": (300, "deal_id"),
    "derived_european_semicolon_cp1252.csv": (200, "account_name"),
    "derived_excel_title_rows.xlsx": (150, "account_name"),
    "derived_hubspot_companies.csv": (85, "account_id"),
    "derived_salesforce_report_latin1.csv": (400, "account_name"),
    "dos_cp437_orders.csv": (2823, "deal_id"),
    "duplicate_column_name.csv": (199, "account_id"),
    "formula_cells.xlsx": (7043, "account_id"),
    "hubspot_deals_messy_excerpt.csv": (10, "deal_id"),
    "notes_in_spare_columns_latin1.csv": (440, None),
    "pipe_no_header.csv": (40, "account_id"),
    "trailing_space_headers.csv": (199, "account_id"),
    "workbook_named_csv.csv": (9240, "account_id"),
}


@pytest.mark.slow
@pytest.mark.skipif(not _SAMPLES.exists(), reason="the sample files are not here")
@pytest.mark.parametrize("name", sorted(_ROWS_AND_KEY))
def test_samples_come_in_with_every_line_accounted_for(name: str) -> None:
    rows, key = _ROWS_AND_KEY[name]
    result = ingest(_SAMPLES / name)
    frame = result.accounts.collect()
    assert len(frame) == rows
    assert result.report.ledger.balanced
    assert key is None or frame[key].null_count() == 0
    assert ColumnMapping.from_json(result.mapping.to_json()) == result.mapping


@pytest.mark.slow
@pytest.mark.skipif(not _SHARED.exists(), reason="the sample files are not here")
@pytest.mark.parametrize(
    ("file", "leaks"),
    [
        (
            "x-education/Leads.csv",
            {"Tags", "Lead Quality", "Lead Profile", "Converted"},
        ),
        (
            "zoho-crm-sample/Potentials.csv",
            {"Probability", "Expected Revenue", "Stage"},
        ),
        ("telco-ibm/Telco_customer_churn_status.xlsx", {"Satisfaction Score", "CLTV"}),
        ("maven-crm/sales_pipeline.csv", {"close_date", "close_value", "deal_stage"}),
    ],
)
def test_known_leaks_of_real_sets_may_not_be_learnt(file: str, leaks: set[str]) -> None:
    mapping = propose_mapping(read_table(_SHARED / file))
    assert not {s for s in leaks if mapping.rule(s).role.may_be_learnt}


@pytest.mark.slow
@pytest.mark.skipif(not _SAMPLES.exists(), reason="the sample files are not here")
def test_the_european_sample_is_read_to_the_cent() -> None:
    frame = ingest(_SAMPLES / "derived_european_semicolon_cp1252.csv").accounts
    assert frame.head(2).collect().rows() == [
        ("Cancity", "retail", 2448.0, 718.62, 1054.0, True, date(2017, 3, 1), 2),
        ("Isdom", "medical", 4540.0, 3178.24, 4514.0, True, date(2017, 3, 11), 3),
    ]
