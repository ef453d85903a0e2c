from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from icp.errors import SourceError
from icp.ingest.readers import ReadOptions, read_table
from icp.ingest.result import LINE, Ledger

if TYPE_CHECKING:
    from icp.ingest.result import RawTable

ROWS = "Account Name,Industry,Employees\nAcme,Retail,40\nBolt,Steel,7\n"
TWO_ROWS = [("Acme", "Retail", "40"), ("Bolt", "Steel", "7")]


@pytest.fixture
def read(tmp_path):
    def read(content: str, /, **options: object) -> RawTable:
        path = tmp_path / "accounts.csv"
        path.write_bytes(content.encode())
        return read_table(path, options=ReadOptions(**options))

    return read


def cells(table: RawTable) -> list[tuple[str | None, ...]]:
    return table.frame.drop(LINE).rows()


def codes(table: RawTable) -> list[str]:
    return [finding.code for finding in table.report.findings]


def messages(table: RawTable) -> str:
    return "\n".join(str(finding) for finding in table.report.findings)


# --- headers -----------------------------------------------------------------------


def test_title_rows_are_excluded(read):
    table = read("Closed business\nExported by Ann\n\n" + ROWS)
    assert cells(table) == TWO_ROWS
    assert table.report.header_line == 4
    assert "header taken from line 4; lines 1 and 2 above it excluded" in messages(
        table
    )
    assert table.report.ledger.preamble == 2


def test_two_header_rows_are_joined(read):
    table = read(
        "Account,,Deal,,\nName,Industry,Value,Stage,Closed\n"
        "Acme,Retail,40,Won,2025-01-02\nBolt,Steel,7,Lost,2025-02-03\n"
    )
    assert table.report.columns == (
        "Account Name",
        "Account Industry",
        "Deal Value",
        "Deal Stage",
        "Deal Closed",
    )
    assert "lines 1 and 2 were joined into one header" in messages(table)


def test_a_row_of_units_is_joined(read):
    table = read("Name,Amount,Size\nfirm,EUR,people\nAcme,10,40\nBolt,20,7\n")
    assert table.report.columns == ("Name firm", "Amount EUR", "Size people")


def test_without_header_columns_get_letters_and_a_question(read):
    table = read("1|AW001|2011|Road\n2|AW002|2012|Road\n3|AW003|2013|Hill\n")
    assert table.report.columns == ("A", "B", "C", "D")
    assert table.frame.height == 3
    assert table.report.header_line is None
    assert [f.level for f in table.report.findings] == ["ask"]


def test_a_person_can_say_where_the_header_is(read):
    assert cells(read(ROWS, no_header=True))[0] == tuple(ROWS.split("\n")[0].split(","))
    table = read("a,b\nc,d\ne,f\n", header_line=2)
    assert table.report.columns == ("c", "d")
    assert cells(table) == [("e", "f")]
    with pytest.raises(SourceError, match="line 9: is blank or does not exist"):
        read(ROWS, header_line=9)


def test_a_repeated_header_is_dropped_and_named(read):
    table = read(ROWS + ROWS)
    assert cells(table) == TWO_ROWS * 2
    assert "the header is repeated on line 4" in messages(table)
    assert table.report.ledger == Ledger(read=6, used=4, header=2)


def test_a_header_of_another_width_is_asked_about(read):
    table = read("Name,City\nAcme,Köln,7\nBolt,Ulm,8\nCo,Bonn,9\n")
    assert "2 column names, but most rows have 3 values" in messages(table)


@pytest.mark.parametrize(
    ("header", "body", "columns", "told"),
    [
        ("Id,Rate,Id", ["1,a,1", "2,b,2"], ("Id", "Rate", "Id (2)"), "same values"),
        ("Id,Rate,Id", ["1,a,", "2,b,"], ("Id", "Rate", "Id (2)"), "A is the one with"),
        ("Id,Rate,Id", [",a,1", ",b,2"], ("Id (2)", "Rate", "Id"), "C is the one with"),
        (
            "Id,Rate,Id",
            ["1,a,3", "2,b,4"],
            ("Id", "Rate", "Id (2)"),
            "different values",
        ),
        (
            "Size,size,Id",
            ["1,a,3", "2,b,4"],
            ("Size", "size", "Id"),
            "only in capitals",
        ),
    ],
)
def test_duplicate_headers_are_made_distinct(read, header, body, columns, told):
    table = read("\n".join([header, *body]) + "\n", header_line=1)
    assert table.report.columns == columns
    assert told in messages(table)


def test_invisible_characters_and_blanks_leave_the_header(read):
    table = read("Zip\u200bCode , Customer\u00a0ID,Value\n02139,7,1\n02140,8,2\n")
    assert table.report.columns == ("ZipCode", "Customer ID", "Value")
    assert codes(table) == ["header", "header"]


def test_remarks_beside_the_table_are_kept_apart(read):
    body = [f"{i},{i * 2},,{'this means euro' if i == 3 else ''}" for i in range(30)]
    table = read("\n".join(["Amount,Price,,", *body]) + "\n")
    assert table.report.columns == ("Amount", "Price")
    (remark,) = [item for item in table.report.excluded if item.kind == "beside"]
    assert (remark.line, remark.raw) == (5, "this means euro")
    assert codes(table) == ["blank-label", "beside-table"]
    assert table.report.ledger == Ledger(read=31, used=30, header=1)


def test_a_table_beside_the_table_is_asked_about(read):
    body = [f"Firm {i},{i},,Deal {i},{i}" for i in range(30)]
    table = read("\n".join(["Account Name,Amount,,Deal Name,Value", *body]) + "\n")
    assert table.report.columns == ("Account Name", "Amount", "Deal Name", "Value")
    assert "column C is empty; the columns from D on may be" in messages(table)


def test_a_full_column_without_name_is_asked_about(read):
    body = [f"Firm {i},{i},extra {i}" for i in range(30)]
    table = read("\n".join(["Name,Amount,", *body]) + "\n")
    assert table.report.columns == ("Name", "Amount", "C")
    assert [f.level for f in table.report.findings] == ["ask"]


def test_a_column_called_like_the_line_column_does_not_collide(read):
    table = read(f"Name,{LINE}\nAcme,5\nBolt,6\n", header_line=1)
    assert table.frame.columns == ["Name", f"{LINE} (column)", LINE]


# --- footers, totals, other tables -------------------------------------------------

SALESFORCE = (
    '"Account Name","Stage","Amount","Close Date"\r\n'
    + "".join(f'"Firm {i}","Won","{i}00.00","3/{i}/2017"\r\n' for i in range(1, 9))
    + '\r\n\r\n"Grand Totals (8 records)"\r\n\r\n"Pipeline"\r\n'
    '"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."\r\n'
    '"Confidential Information - Do Not Distribute"\r\n'
    '"Generated By:  Ann  11/22/2025 12:40 AM"\r\n'
)


def test_a_salesforce_footer_is_no_customer(read):
    table = read(SALESFORCE)
    assert table.frame.height == 8
    assert table.report.ledger == Ledger(
        read=17, used=8, header=1, blank=3, totals=1, footer=4
    )
    kinds = [(item.line, item.kind) for item in table.report.excluded]
    assert kinds[1:] == [
        (12, "totals"),
        *[(line, "footer") for line in (14, 15, 16, 17)],
    ]


def test_totals_are_known_by_label_and_sum(read):
    body = "".join(f"Firm {i},Retail,{i}\n" for i in range(1, 6))
    table = read("Name,Industry,Amount\n" + body + "Total,,15\n")
    assert table.frame.height == 5
    assert table.report.ledger.totals == 1
    assert codes(table) == ["totals"]


def test_a_total_without_label_is_known_by_its_sum(read):
    body = "".join(f"Firm {i},Retail,{i}\n" for i in range(1, 9))
    table = read("Name,Industry,Amount\n" + body + ",,36\n")
    assert table.frame.height == 8
    assert table.report.ledger.totals == 1


def test_a_company_called_total_stays_and_is_asked_about(read):
    body = "".join(f"Firm {i},Retail,Köln,{i}\n" for i in range(1, 9))
    table = read("Name,Industry,City,Amount\n" + body + "Total,Oil,Paris,99\n")
    assert table.frame.height == 9
    assert "looks like a total, but its numbers are not the sums" in messages(table)


def test_a_subtotal_that_does_not_add_up_is_asked_about(read):
    body = "".join(f"Firm {i},Retail,Köln,{i}\n" for i in range(1, 9))
    table = read("Name,Industry,City,Amount\n" + body + "Subtotal,,,99\n")
    assert table.frame.height == 8
    assert "totals on line 10 differ from the sums" in messages(table)


PIVOT = "Region,Account,Deals,Value\n"


@pytest.mark.parametrize(
    ("rows", "totals", "asked"),
    [
        ("EU,A,1,5\n,B,2,6\nEU Total,,3,11\nUS,C,4,1\nUS Total,,4,1\n", [4, 6], []),
        ("EU,A,1,5\n,B,2,6\nEU Ergebnis,,3,11\nGesamtergebnis,,3,11\n", [4, 5], []),
        ("EU,A,1,5\nEU,B,2,6\nTotal for EU,,3,11\nGrand Total,,3,11\n", [4, 5], []),
        ("EU,A,1,5\nEU,B,2,6\nEU Total,,3,12\nUS,C,1,1\n", [], [4]),
        ("EU,A,1,5\nEU,B,2,6\nEU,Total Energies,3,12\nUS,C,1,1\n", [], []),
        ("EU,Total Care,1,5\nEU,B,2,6\nEU,C,4,2\n", [], []),
        (",A,1,5\n,B,2,6\n,Total,3,11\n", [4], []),
        (",A,1,5\n,B,2,6\n,C,4,3\n,,7,14\n", [5], []),
    ],
)
def test_named_subtotals_are_known_by_their_sums(read, rows, totals, asked):
    table = read(PIVOT + rows)
    assert [
        line.line for line in table.report.excluded if line.kind == "totals"
    ] == totals
    questions = [f for f in table.report.findings if f.level == "ask"]
    assert [f.line for f in questions if f.code == "totals"] == asked
    assert table.frame.height == rows.count("\n") - len(totals)


def test_a_total_that_does_not_add_up_is_asked_about_once(read):
    table = read("Account,Deals\nA,1\nB,2\nTotal,4\n")
    assert [f.code for f in table.report.findings] == ["totals"]


def test_a_second_table_is_excluded(read):
    other = "\nOpportunity Name,Stage\nx,won\ny,lost\n"
    table = read(ROWS + other)
    assert cells(table) == TWO_ROWS
    assert table.report.ledger == Ledger(
        read=7, used=2, header=1, blank=1, other_tables=3
    )
    assert "('Opportunity Name', 'Stage')" in messages(table)


def test_a_second_table_of_the_same_width_is_excluded(read):
    body = "".join(f"Firm {i},{i},2025-01-0{i}\n" for i in range(1, 9))
    other = "\nDeal Name,Owner Name,Stage\nx,Ann,won\ny,Bob,lost\n"
    table = read("Name,Amount,Created\n" + body + other)
    assert table.frame.height == 8
    assert table.report.ledger.other_tables == 3


# --- rows of the wrong width -------------------------------------------------------


def wide(*extra: str, at: int = 5) -> str:
    lines = [f"Firm {i},{i},2025-01-0{i},a{i}@x.org" for i in range(1, 10)] * 2
    lines[at:at] = extra
    return "\n".join(["Account Name,Amount,Created,Email", *lines]) + "\n"


def test_an_unquoted_comma_is_joined_when_only_one_reading_fits(read):
    table = read(wide("Café Noir, Inc.,5,2025-01-05,c@x.org"))
    assert cells(table)[5] == ("Café Noir, Inc.", "5", "2025-01-05", "c@x.org")
    assert table.report.ledger.repaired == 1
    assert "line 7 had an unquoted separator" in messages(table)


def test_repair_can_be_switched_off(read):
    bad = "Café Noir, Inc.,5,2025-01-05,c@x.org"
    table = read(wide(bad), repair=False)
    assert [(row.line, row.raw) for row in table.quarantined] == [(7, bad)]
    assert table.frame.height == 18


def test_a_short_row_is_quarantined_as_it_came(read):
    table = read(wide("Firm,5,x@x.org"))
    (row,) = table.quarantined
    assert (row.line, row.raw) == (7, "Firm,5,x@x.org")
    assert row.reason.startswith("has 3 of 4 values")
    assert "line 7 cannot be read in exactly one way" in messages(table)


def test_empty_values_beyond_the_last_column_are_harmless(read):
    table = read(wide("Firm,5,2025-01-05,c@x.org,,,"))
    assert cells(table)[5] == ("Firm", "5", "2025-01-05", "c@x.org")
    assert codes(table) == ["extra-cell"]


def test_a_writer_that_leaves_out_empty_ends_is_understood(read):
    lines = [f"Firm {i},{i},x{i},y{i}" for i in range(20)] + ["Firm,5"] * 10
    table = read("\n".join(["Account Name,Amount,Owner,Tag", *lines]) + "\n")
    assert cells(table)[-1] == ("Firm", "5", None, None)
    assert "10 rows end early" in messages(table)


def test_a_file_cut_off_is_reported(read):
    table = read(wide() + 'Firm,5,"2025-01-05')
    assert table.frame.height == 18
    assert "the file ends inside a quoted value" in table.quarantined[0].reason
    assert "no line end after the last line" in messages(table)


@pytest.mark.parametrize(("count", "told"), [(2_000, True), (1_999, False)])
def test_suspicious_row_counts_are_asked_about(read, count, told):
    body = "".join(f"Firm {i},{i}\n" for i in range(count))
    assert (codes(read("Name,Amount\n" + body)) == ["row-count"]) == told


def test_rows_of_words_among_numbers_are_asked_about(read):
    body = [f"Firm {i},{i},{i}" for i in range(1, 30)]
    body.insert(10, "Section,west,north")
    table = read("\n".join(["Account Name,Amount,Price", *body]) + "\n")
    assert "line 12 holds words where all other rows hold numbers" in messages(table)


def test_rules_between_rows_are_no_rows(read):
    printed = """+----+--------+
| id | name   |
+----+--------+
| 1  | Acme   |
| 2  | Bolt   |
+----+--------+
"""
    table = read(printed)
    assert table.frame.columns == ["id", "name", "__line__"]
    assert table.frame["__line__"].to_list() == [4, 5]
    assert "nothing but dashes on lines 3 and 6" in "\n".join(
        map(str, table.report.findings)
    )


def test_a_value_of_dashes_is_no_rule(read):
    table = read("Name,City,Trade\nAcme,---,Food\n---,Ulm,Food\nBolt,Kiel,---\n")
    assert table.frame.height == 3
    assert table.report.findings == ()


def test_a_row_of_one_value_may_be_a_heading(read):
    rows = "".join(f"Firm {n},Ulm,Food,{n}\n" for n in range(6))
    table = read("Name,City,Trade,Size\nGermany,,,\n" + rows)
    assert table.frame.height == 7
    (finding,) = table.report.findings
    assert (finding.level, finding.line) == ("note", 2)
    assert "line 2 holds one value only" in finding.message
