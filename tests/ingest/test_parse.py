from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pytest
from generators.raw_tables import raw
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.errors import MappingError
from icp.ingest.mapping_rules import ColumnMapping, ColumnRule
from icp.ingest.parse import parse
from icp.ingest.propose_mapping import propose_mapping
from icp.ingest.result import LINE, Ledger, Original, QuarantinedRow
from icp.schema import Kind, Role

if TYPE_CHECKING:
    from icp.ingest.parse import IngestResult


def _rule(name: str, kind: Kind, **other: object) -> ColumnRule:
    role = other.pop("role", Role.FIRST_CONTACT)
    return ColumnRule(source=name, name=name, role=role, kind=kind, **other)


def _parsed(values: list[str | None], kind: Kind, **other: object) -> IngestResult:
    """A table of the one column `x`, read by one rule."""
    source_kind = other.pop("source_kind", "csv")
    table = raw({"x": values}, kind=source_kind)
    mapping = ColumnMapping(source="t", columns=(_rule("x", kind, **other),))
    return parse(table, mapping)


def _values(result: IngestResult) -> list[object]:
    return result.accounts.collect()["x"].to_list()


def _told(result: IngestResult) -> list[tuple[str, str, int | None, int]]:
    return [
        (f.level, f.code, f.line, f.count)
        for f in result.report.findings
        if f.column == "x"
    ]


def test_a_messy_export_becomes_typed_accounts() -> None:
    table = raw(
        {
            "Account ID": ["001", "002", "003"],
            "Company": [" Acme\u00a0", "Beta", "Cora"],
            "Website": ["https://www.Acme.com/de", "beta.de", "n/a"],
            "Industry": ["Retail", "retail ", "Unknown"],
            "Employees": ["51-200", "10,000+", "TBD"],
            "Annual Revenue": ["$1,200.00", "1.2M", "(500)"],
            "Technologies": ["AWS; Azure;AWS", "AWS", "-"],
            "Churned": ["ja", "nein", ""],
            "Close Date": ["25/12/2025", "01/02/2025 10:00", "?"],
        }
    )
    result = parse(table, propose_mapping(table))
    assert result.accounts.collect().to_dict(as_series=False) == {
        "account_id": ["001", "002", "003"],
        "account_name": ["Acme", "Beta", "Cora"],
        "domain": ["acme.com", "beta.de", None],
        "industry": ["Retail", "Retail", None],
        "employees": [pytest.approx(100.995, abs=1e-3), 10000.0, None],
        "annual_revenue": [1200.0, 1.2e6, -500.0],
        "tech_stack": [["AWS", "Azure"], ["AWS"], None],
        "is_churned": [True, False, None],
        "close_date": [date(2025, 12, 25), date(2025, 2, 1), None],
        LINE: [2, 3, 4],
    }
    assert result.rejected.is_empty()
    assert result.report.ledger == table.report.ledger


def test_the_frame_is_lazy_and_matches_the_schema_with_the_line_last() -> None:
    table = raw({"Name": ["a"], "Employees": ["1"], "Flag": ["yes"], "Met": ["-"]})
    result = parse(table, propose_mapping(table))
    assert isinstance(result.accounts, pl.LazyFrame)
    schema = result.accounts.collect_schema()
    assert schema.names() == [*result.schema.names, LINE]
    assert [schema[a.name] for a in result.schema.attributes] == [
        a.kind.dtype for a in result.schema.attributes
    ]
    assert schema[LINE] == pl.Int64


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_its_type_even_without_rows(kind: Kind) -> None:
    for values in ([], [None], ["-"]):
        frame = _parsed(values, kind).accounts.collect()
        assert frame.schema["x"] == kind.dtype
        assert frame["x"].null_count() == len(values)


@pytest.mark.parametrize(
    ("decimal", "read"),
    [
        (".", [1200.5, 1234.0, None]),
        (",", [None, 1.234, 2.5]),
        (None, [1200.5, None, 2.5]),
    ],
)
def test_numbers_follow_the_column_s_decimal_sign(
    decimal: str | None, read: list[float | None]
) -> None:
    values = ["1,200.50", "1,234", "2,5"]
    assert _values(_parsed(values, Kind.NUMBER, decimal=decimal)) == read


@pytest.mark.parametrize(
    ("order", "read"),
    [
        ("dmy", [date(2025, 4, 3), date(2025, 12, 25), None, date(2025, 1, 9)]),
        ("mdy", [date(2025, 3, 4), None, date(2025, 12, 25), date(2025, 1, 9)]),
        (None, [None, None, None, date(2025, 1, 9)]),
    ],
)
def test_dates_follow_the_column_s_order(
    order: str | None, read: list[date | None]
) -> None:
    values = ["03/04/2025", "25/12/2025", "12/25/2025", "2025-01-09"]
    assert _values(_parsed(values, Kind.DATE, date_order=order)) == read


@pytest.mark.parametrize(
    ("source_kind", "confirmed", "read"),
    [("csv", False, None), ("csv", True, 1), ("excel", False, 1), ("excel", True, 1)],
)
def test_serial_dates_are_read_from_a_workbook_or_on_a_yes(
    source_kind: str, *, confirmed: bool, read: int | None
) -> None:
    result = _parsed(["45678"], Kind.DATE, source_kind=source_kind, confirmed=confirmed)
    assert _values(result) == [date(2025, 1, 21) if read else None]
    assert _told(result) == ([] if read else [("ask", "type-error", 2, 1)])


def test_spellings_become_the_most_frequent_one() -> None:
    values = ["closed won ", "Closed Won", "Closed  Won", "Closed Won", "Lost", "LOST"]
    result = _parsed(values, Kind.CATEGORY)
    assert _values(result) == ["Closed Won"] * 4 + ["Lost"] * 2
    assert _told(result) == [("note", "deviated-value", 2, 3)]


def test_text_and_identifiers_keep_their_spelling() -> None:
    for role in (Role.IGNORED, Role.IDENTIFIER):
        result = _parsed(["aB1", "AB1", " aB1"], Kind.TEXT, role=role)
        assert _values(result) == ["aB1", "AB1", "aB1"]


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (["660737.0", "660738.0", None], ["660737", "660738", None]),
        (["660737.0", "A1"], ["660737.0", "A1"]),
        (["007", "1.5"], ["007", "1.5"]),
        (["0123456789012345678", "NULL"], ["0123456789012345678", None]),
    ],
)
def test_ids_stay_text_digit_for_digit(
    values: list[str | None], read: list[str | None]
) -> None:
    assert _values(_parsed(values, Kind.TEXT, role=Role.IDENTIFIER)) == read


def test_a_domain_is_taken_from_an_address() -> None:
    table = raw({"domain": ["https://www.Acme.com/x", "Acme.COM", "acme"]})
    result = parse(table, propose_mapping(table))
    assert result.accounts.collect()["domain"].to_list() == [
        "acme.com",
        "acme.com",
        "acme",
    ]


def test_kept_words_are_values() -> None:
    assert _values(_parsed(["NA", "DE"], Kind.CATEGORY, keep=("NA",))) == ["NA", "DE"]
    assert _values(_parsed(["NA", "DE"], Kind.CATEGORY)) == [None, "DE"]


@pytest.mark.parametrize(
    ("values", "kind", "other", "told"),
    [
        (["1", "2"], Kind.NUMBER, {}, []),
        (["1", "TBD", "n/a"], Kind.NUMBER, {}, [("note", "missing-cell", 3, 2)]),
        (["1"] * 20 + ["soon"], Kind.NUMBER, {}, [("note", "type-error", 22, 1)]),
        (["1", "soon", "soon"], Kind.NUMBER, {}, [("ask", "type-error", 3, 2)]),
        (["1,234", "2"], Kind.NUMBER, {}, [("ask", "type-error", 2, 1)]),
        (["1,234"], Kind.NUMBER, {"decimal": "."}, [("ask", "type-error", 2, 1)]),
        (["1,234", "2.5"], Kind.NUMBER, {"decimal": "."}, []),
        (["1,234"], Kind.NUMBER, {"decimal": ".", "confirmed": True}, []),
        (["1,234"], Kind.NUMBER, {"decimal": ".", "unit": "people"}, []),
        (
            ["1,234.5", "1.234,5"],
            Kind.NUMBER,
            {"decimal": ".", "confirmed": True},
            [("ask", "type-error", 3, 1)],
        ),
        (["$5", "€5"], Kind.NUMBER, {}, [("ask", "deviated-value", 2, 2)]),
        (["$5", "5 USD", "7"], Kind.NUMBER, {}, []),
        (["12%", "0.12"], Kind.NUMBER, {}, [("ask", "deviated-value", 2, 1)]),
        (["12%", "13%"], Kind.NUMBER, {}, []),
        (["2025-01-02"], Kind.DATE, {"date_order": "ymd"}, []),
        (["03/04/2025"], Kind.DATE, {}, [("ask", "type-error", 2, 1)]),
        (["03/04/2025"], Kind.DATE, {"date_order": "dmy"}, []),
        (
            ["03/04/2025", "12/25/2025"],
            Kind.DATE,
            {"date_order": "dmy", "confirmed": True},
            [("ask", "type-error", 3, 1)],
        ),
        (["2025-01-02", "later"], Kind.DATE, {}, [("ask", "type-error", 3, 1)]),
        (["yes", "perhaps"], Kind.FLAG, {}, [("ask", "type-error", 3, 1)]),
        (["a", "A "], Kind.CATEGORY, {}, [("note", "deviated-value", 3, 1)]),
        (["a;b", "n/a"], Kind.MULTI, {}, [("note", "missing-cell", 3, 1)]),
    ],
)
def test_what_is_not_read_is_told(
    values: list[str],
    kind: Kind,
    other: dict[str, object],
    told: list[tuple[str, str, int, int]],
) -> None:
    result = _parsed(values, kind, **other)
    assert _told(result) == told
    for finding in result.report.findings:
        assert finding.file == "table.csv"
        assert finding.action or finding.code == "deviated-value"


def test_an_undecided_column_of_dates_counts_what_decides() -> None:
    result = _parsed(["03/04/2025", "25/12/2025", "12/25/2025"], Kind.DATE)
    (finding,) = [f for f in result.report.findings if f.column == "x"]
    assert "1 can only be day first, 1 only month first" in finding.message
    assert "date_order" in finding.action


def test_findings_hold_lines_but_no_values() -> None:
    result = _parsed(["1", "hush", "2", "secret", "hush"], Kind.NUMBER)
    (finding,) = [f for f in result.report.findings if f.column == "x"]
    assert "lines 3, 5" in finding.message
    assert "hush" not in str(finding)
    assert "secret" not in str(finding)


def test_many_lines_are_shortened() -> None:
    result = _parsed([f"word{i}" for i in range(9)], Kind.NUMBER)
    (finding,) = [f for f in result.report.findings if f.column == "x"]
    assert "lines 2, 3, 4, 5, 6 ..." in finding.message


def test_the_sheet_is_named() -> None:
    result = _parsed(["soon"], Kind.NUMBER, source_kind="excel")
    assert {f.sheet for f in result.report.findings} == {"Sheet1"}


# --- rows -------------------------------------------------------------------------


def test_a_row_without_any_key_is_quarantined_as_it_came() -> None:
    table = raw(
        {
            "Account ID": ["1", " ", None, "n/a"],
            "Company": ["Acme", "-", "Cora", None],
            "Note": [" a ", " b", "c", "d"],
        }
    )
    result = parse(table, propose_mapping(table))
    assert result.accounts.collect()[LINE].to_list() == [2, 4]
    assert result.rejected.rows() == [
        (3, 3, " \t-\t b", "no value in any column that identifies the row"),
        (5, 5, "n/a\t\td", "no value in any column that identifies the row"),
    ]
    ledger = result.report.ledger
    assert (ledger.used, ledger.quarantined, ledger.balanced) == (2, 2, True)
    told = [
        f for f in result.report.findings if f.code == "missing-cell" and not f.column
    ]
    assert [(f.line, f.count) for f in told] == [(3, 2)]


def test_a_row_is_quoted_from_its_source_with_all_its_lines() -> None:
    table = raw({"Company": [None, "Acme", None], "Note": ["a\nb", "c", "d"]})
    ledger = replace(table.report.ledger, read=5, used=2, repaired=2, header=1)
    text = {(2, 3): ',"a\r\nb"', (5, 5): ",d"}
    table = replace(
        table,
        frame=table.frame.with_columns(pl.Series(LINE, [2, 4, 5])),
        report=replace(table.report, ledger=ledger),
        original=Original(
            text=lambda first, last: text[first, last],
            ends={2: 3},
            repaired=frozenset({2}),
        ),
    )
    result = parse(table, propose_mapping(table))
    assert result.rejected.select("line", "last_line", "raw").rows() == [
        (2, 3, ',"a\r\nb"'),
        (5, 5, ",d"),
    ]
    assert result.report.ledger == Ledger(read=5, used=1, quarantined=3, header=1)


def test_rows_that_the_reader_kept_out_stay_listed_in_line_order() -> None:
    table = raw({"Company": [None, "Acme"]}, first_line=5)
    earlier = (
        QuarantinedRow(line=9, last_line=10, raw="x,y,z", reason="3 of 1 values"),
        QuarantinedRow(line=3, last_line=3, raw="p,q", reason="2 of 1 values"),
    )
    result = parse(replace(table, quarantined=earlier), propose_mapping(table))
    assert result.rejected.select("line", "last_line", "raw").rows() == [
        (3, 3, "p,q"),
        (5, 5, ""),
        (9, 10, "x,y,z"),
    ]


def test_without_a_mapped_key_no_row_is_refused_but_it_is_said() -> None:
    result = _parsed(["a", None], Kind.CATEGORY)
    assert len(result.accounts.collect()) == 2
    assert [(f.level, f.code) for f in result.report.findings] == [
        ("ask", "missing-label")
    ]


def test_a_deal_without_an_account_is_kept() -> None:
    table = raw({"Deal ID": ["1", "2"], "Company": ["Acme", None], "Stage": ["a", "b"]})
    result = parse(table, propose_mapping(table))
    assert result.rejected.is_empty()


def test_repeated_ids_are_told_for_accounts_and_not_for_deals() -> None:
    accounts = raw({"Account ID": ["1", "2", "1", "1"]})
    deals = raw({"Deal ID": list("abcd"), "Account ID": ["1", "2", "1", "1"]})
    found = [
        [
            (f.code, f.line, f.count)
            for f in parse(table, propose_mapping(table)).report.findings
        ]
        for table in (accounts, deals)
    ]
    assert found == [[("unique-error", 4, 2)], []]


# --- a mapping of last month ------------------------------------------------------


def test_a_column_that_is_gone_is_left_empty_and_told() -> None:
    march = raw({"Company": ["Acme"], "Employees": ["5"]})
    mapping = propose_mapping(march).confirm()
    result = parse(raw({"Company": ["Beta"]}), mapping)
    frame = result.accounts.collect()
    assert frame.to_dict(as_series=False) == {
        "account_name": ["Beta"],
        "employees": [None],
        LINE: [2],
    }
    assert frame.schema["employees"] == pl.Float64
    assert [f.code for f in result.report.findings] == ["missing-label"]


def test_a_column_that_is_new_is_left_out_and_told() -> None:
    mapping = propose_mapping(raw({"Company": ["Acme"]})).confirm()
    result = parse(raw({"Company": ["Beta"], "Size": ["5"]}), mapping)
    assert result.accounts.collect_schema().names() == ["account_name", LINE]
    assert [f.code for f in result.report.findings] == ["extra-label"]


def test_an_export_without_any_key_is_refused() -> None:
    mapping = propose_mapping(raw({"Company": ["Acme"], "Website": ["acme.com"]}))
    with pytest.raises(MappingError, match="lacks 2 columns: 'Company', 'Website'"):
        parse(raw({"Name of firm": ["Beta"]}), mapping)


def test_nothing_is_changed_in_the_raw_table() -> None:
    table = raw({"Company": [" Acme"], "Employees": ["1k"]})
    before = table.frame.clone()
    parse(table, propose_mapping(table))
    assert table.frame.equals(before)


_CELLS = st.one_of(
    st.none(),
    st.text(max_size=10),
    st.sampled_from(
        ["1,234", "03/04/2025", "yes", "n/a", "a;b", "51-200", "$5", "45678"]
    ),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(_CELLS, _CELLS, _CELLS), max_size=12))
def test_any_table_is_parsed_and_every_row_accounted_for(
    rows: list[tuple[str | None, str | None, str | None]],
) -> None:
    columns = {name: [row[i] for row in rows] for i, name in enumerate("abc")}
    table = raw(columns, kind="excel")
    mapping = propose_mapping(table)
    mapping = mapping.replace("a", name="account_name", role="identifier", kind="text")
    result = parse(table, mapping)
    kept = result.accounts.collect()
    assert len(kept) + len(result.rejected) == len(rows)
    assert result.report.ledger.balanced
    lines = [*kept[LINE], *result.rejected["line"]]
    assert sorted(lines) == table.frame[LINE].to_list()


_INVISIBLE = re.compile(r"[\x00-\x1f\x7f\xad\u200b-\u200f\u2060\ufeff]")


@settings(max_examples=40, deadline=None)
@given(st.lists(_CELLS, max_size=12), st.sampled_from(list(Kind)))
def test_a_value_is_read_missing_or_told(values: list[str | None], kind: Kind) -> None:
    result = _parsed(values, kind, separator=";" if kind is Kind.MULTI else None)
    empty = result.accounts.collect()["x"].null_count()
    blank = sum(not _INVISIBLE.sub("", value or "").strip() for value in values)
    told = sum(
        f.count
        for f in result.report.findings
        if f.code in {"type-error", "missing-cell"}
    )
    assert empty <= told + blank
