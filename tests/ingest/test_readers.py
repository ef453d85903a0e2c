from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from icp.errors import SourceError
from icp.ingest.readers import ReadOptions, list_sheets, read_table
from icp.ingest.result import LINE, Ledger

if TYPE_CHECKING:
    from pathlib import Path

    from icp.ingest.result import RawTable

ROWS = "Account Name,Industry,Employees\nAcme,Retail,40\nBolt,Steel,7\n"


@pytest.fixture
def read(tmp_path):
    def read(content: str | bytes, /, **options: object) -> RawTable:
        path = write(tmp_path, content)
        return read_table(path, options=ReadOptions(**options))

    return read


def write(folder: Path, content: str | bytes, name: str = "accounts.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def cells(table: RawTable) -> list[tuple[str | None, ...]]:
    return table.frame.drop(LINE).rows()


def codes(table: RawTable) -> list[str]:
    return [finding.code for finding in table.report.findings]


def messages(table: RawTable) -> str:
    return "\n".join(str(finding) for finding in table.report.findings)


TWO_ROWS = [("Acme", "Retail", "40"), ("Bolt", "Steel", "7")]


def test_a_plain_file_has_no_findings(read):
    table = read(ROWS)
    assert table.frame.columns == ["Account Name", "Industry", "Employees", LINE]
    assert table.frame.rows() == [
        ("Acme", "Retail", "40", 2),
        ("Bolt", "Steel", "7", 3),
    ]
    assert table.report.findings == ()
    assert table.report.ledger == Ledger(read=3, used=2, header=1)


def test_strict_refuses_any_finding(read):
    content = ROWS.replace("Acme", "Acmé").encode("cp1252")
    assert codes(read(content)) == ["encoding"]
    with pytest.raises(SourceError, match="1 finding, and strict"):
        read(content, strict=True)


def test_values_stay_digit_for_digit_and_empty_is_null(read):
    table = read("ID,Zip,Value\n007,02139,1e5\n008,,NA\n009,00501, x \n")
    assert cells(table) == [
        ("007", "02139", "1e5"),
        ("008", None, "NA"),
        ("009", "00501", " x "),
    ]
    assert table.report.findings == ()


def test_the_same_bytes_give_the_same_result(read):
    content = "Report\n\n" + ROWS.replace("7\n", '7"\n') + "\nExported by Ann\n"
    first, second = read(content), read(content)
    assert first.frame.equals(second.frame)
    assert first.report == second.report


# --- encodings ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("cp1252", "cp1252"),
        ("cp437", "cp437"),
        ("cp850", "cp437"),
        ("mac_roman", "mac_roman"),
    ],
)
def test_encodings_are_found(read, encoding, named):
    rows = [("Café Martín", "Köln"), ("Señor Müller", "Malmö")]
    text = "Account Name,City\n" + "".join(f"{a},{b}\n" for a, b in rows)
    table = read(text.encode(encoding))
    assert cells(table) == rows
    assert table.report.columns == ("Account Name", "City")
    assert table.report.encoding == named
    assert ("encoding" in codes(table)) == (named not in {"utf-8", "utf-8-sig"})


def test_a_guessed_code_page_shows_words_and_lines(read):
    table = read(
        "Name,City\nAbc,Köln\nDef,Łódź\n".replace("Łódź", "Lüz").encode("cp437")
    )
    (finding,) = table.report.findings
    assert finding.level == "ask"
    assert "DOS code page 437: “Köln” (line 2), “Lüz” (line 3)" in finding.message


def test_two_encodings_in_one_file_lose_nothing(read):
    content = "Name,City\nMüller,Köln\n".encode() + "Señor,Malmö\n".encode("cp1252")
    table = read(content)
    assert cells(table) == [("Müller", "Köln"), ("Señor", "Malmö")]
    assert "line 3 also had Windows-1252" in messages(table)


def test_the_encoding_that_is_asked_for_wins(read):
    table = read("Name,City\nAcme,Š\n".encode("cp1250"), encoding="cp1250")
    assert cells(table) == [("Acme", "Š")]
    with pytest.raises(SourceError, match="line 2: is not ascii"):
        read("Name,City\nAcme,Š\n", encoding="ascii")
    with pytest.raises(SourceError, match="no encoding called 'nope'"):
        read(ROWS, encoding="nope")


def test_bytes_that_windows_1252_lacks_do_not_stop_the_file(read):
    table = read(b"Name,City\nAcme,K\xf6ln\nBolt,\x81\n")
    assert cells(table)[0] == ("Acme", "Köln")
    assert codes(table) == ["encoding"]


def test_a_damaged_utf_16_file_is_asked_about(read):
    table = read("Name,City\nAcme,Köln\n".encode("utf-16") + b"\x00")
    assert "encoding-error" in codes(table)


def test_nul_characters_are_removed_and_reported(read):
    table = read(ROWS.replace("Acme", "Ac\0me"))
    assert cells(table) == TWO_ROWS
    assert "NUL characters were removed from line 2" in messages(table)


# --- separators, quotes, line ends -------------------------------------------------


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_are_found(read, mark, end):
    table = read(ROWS.replace(",", mark).replace("\n", end))
    assert cells(table) == TWO_ROWS
    assert table.report.delimiter == mark
    assert table.report.findings == ()


def test_decimal_commas_do_not_hide_semicolons(read):
    table = read("Name;Amount\n1,5;2,5\n3,5;4,5\n5,5;6,5\n")
    assert table.report.delimiter == ";"
    assert cells(table)[0] == ("1,5", "2,5")


def test_a_declared_separator_is_no_data(read):
    table = read("sep=;\n" + ROWS.replace(",", ";"))
    assert cells(table) == TWO_ROWS
    assert table.report.ledger == Ledger(read=4, used=2, header=1, preamble=1)
    assert codes(table) == ["separator"]


def test_a_given_separator_wins(read):
    table = read("Name^Amount\nAcme^1,5\nBolt^2,5\n", delimiter="^")
    assert cells(table) == [("Acme", "1,5"), ("Bolt", "2,5")]


def test_two_separators_that_fit_alike_are_asked_about(read):
    table = read("Name,City;State\nA,b;c\nD,e;f\n")
    assert "comma and semicolon split every line equally well" in messages(table)


def test_one_column_is_asked_about(read):
    table = read("Account Name\nAcme\nBolt\n")
    assert cells(table) == [("Acme",), ("Bolt",)]
    assert "only one column was found" in messages(table)


def test_line_breaks_and_separators_inside_quotes(read):
    table = read('Name,Address\n"Acme, Inc.","1 Main St\nTown"\n"B ""C"" D",x\n')
    assert table.frame.rows() == [
        ("Acme, Inc.", "1 Main St\nTown", 2),
        ('B "C" D', "x", 4),
    ]
    assert table.report.ledger == Ledger(read=4, used=3, header=1)
    assert table.report.findings == ()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("Name,City\n'Acme, Inc.','Köln'\n'Bolt','Ulm'\n", [("Acme, Inc.", "Köln")]),
        ('Name,City\n"A \\"b\\" c","Köln"\n"x","y"\n', [('A "b" c', "Köln")]),
        ('Name, City\n"Acme", "Köln, Ost"\n"Bolt", "Ulm"\n', [("Acme", "Köln, Ost")]),
        ('Name\tCity\n5" pipe\tKöln\n6" pipe\tUlm\n', [('5" pipe', "Köln")]),
    ],
    ids=["apostrophes", "backslash", "blank after comma", "quotes as text"],
)
def test_unusual_quoting(read, text, rows):
    table = read(text)
    assert cells(table)[:1] == rows
    assert table.report.columns == ("Name", "City")
    assert set(codes(table)) & {"quotes", "separator", "deviated-value"}


@pytest.mark.parametrize(
    ("line", "repaired"),
    [
        ('"Acme,Retail,40', ('"Acme', "Retail", "40")),
        ('Ac"me,Retail,40', ('Ac"me', "Retail", "40")),
        ('"Ac"me",Retail,40', ('Ac"me', "Retail", "40")),
        ('"Acme"",Retail,40', ('Acme"', "Retail", "40")),
        ('"The "Best" Co",Retail,40', ('The "Best" Co', "Retail", "40")),
    ],
)
def test_a_stray_quote_stays_in_its_line(read, line, repaired):
    lines = ["Account Name,Industry,Employees"] + ["Bolt,Steel,7"] * 5
    lines.insert(3, line)
    table = read("\n".join(lines) + "\n")
    assert cells(table) == [TWO_ROWS[1]] * 2 + [repaired] + [TWO_ROWS[1]] * 3
    assert table.report.ledger == Ledger(read=7, used=5, repaired=1, header=1)
    assert "line 4 had a quote inside a value" in messages(table)


def test_a_quote_without_any_reading_is_quarantined_as_it_came(read):
    bad = '"a"b,c,d,e'
    table = read("Name,City,Tag\nx,y,z\nq,r,s\n" + bad + "\nt,u,v\n")
    assert cells(table) == [("x", "y", "z"), ("q", "r", "s"), ("t", "u", "v")]
    assert [row.raw for row in table.quarantined] == [bad]


def test_carriage_returns_alone_and_line_separators_in_values(read):
    assert cells(read(ROWS.replace("\n", "\r"))) == TWO_ROWS
    table = read("Name,City\nA\u2028B,x\nC,y\n")
    assert cells(table) == [("A\u2028B", "x"), ("C", "y")]


def test_mixed_line_ends_are_reported_with_lines(read):
    table = read("Name,City\r\na,b\nc,d\r\n")
    assert cells(table) == [("a", "b"), ("c", "d")]
    assert "mixed line ends: line 2 differ" in messages(table)


# --- headers -----------------------------------------------------------------------


def test_title_rows_are_set_aside(read):
    table = read("Closed business\nExported by Ann\n\n" + ROWS)
    assert cells(table) == TWO_ROWS
    assert table.report.header_line == 4
    assert "header taken from line 4; lines 1 and 2 above it were" in messages(table)
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
    (remark,) = [item for item in table.report.aside if item.kind == "beside"]
    assert (remark.line, remark.raw) == (5, "this means euro")
    assert codes(table) == ["blank-label", "beside-table"]
    assert table.report.ledger == Ledger(read=31, used=30, header=1)


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
    kinds = [(item.line, item.kind) for item in table.report.aside]
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


def test_a_second_table_is_set_aside(read):
    other = "\nOpportunity Name,Stage\nx,won\ny,lost\n"
    table = read(ROWS + other)
    assert cells(table) == TWO_ROWS
    assert table.report.ledger == Ledger(
        read=7, used=2, header=1, blank=1, other_tables=3
    )
    assert "('Opportunity Name', 'Stage')" in messages(table)


def test_a_second_table_of_the_same_width_is_set_aside(read):
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
    assert "line 7 cannot be read in one way only" in messages(table)


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
    assert "line 12 hold words where all other rows hold numbers" in messages(table)


# --- what is refused ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", r"accounts.csv: is empty \(0 bytes\)"),
        (b"  \r\n\t\n", "is empty"),
        (b"Account Name,Industry\n", "'Account Name', 'Industry'.*below line 1"),
        (b"%PDF-1.7 x", "is a PDF document; export it again as CSV"),
        (b'{"rows": [1]}', "is a JSON file"),
        (b'[{"name": "Acme"}]', "is a JSON file"),
        (b"<?xml version='1.0'?><rows/>", "is an XML file"),
        (b"<html><p>Sign in</p></html>", "is a web page without a table"),
        (b"PK\x03\x04 cut off", "damaged or cut off"),
        (b"PAR1 cut off", "damaged or cut-off Parquet"),
        (b"\x1f\x8b\x08\x00", "is a gzip archive; unpack it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
         "is protected by a password; open it in Excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"),
         "is an old Office document"),
        (b"a," * 6000 + b"b\n" + b"1," * 6000 + b"2\n", "6,001 columns"),
        (b"Name,City\nAcme," + b"x" * 10_000_001, "line 2: has a line of"),
        (b"Name,City\nAcme," + b"x" * 1_000_001, "a value of over 1,000,000"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused_by_content(read, content, told):
    with pytest.raises(SourceError, match=f"(?s){told}"):
        read(content)


def test_a_folder_and_a_large_file_are_refused(tmp_path):
    with pytest.raises(SourceError, match="is a folder"):
        read_table(tmp_path)
    path = write(tmp_path, ROWS)
    with pytest.raises(SourceError, match=r"has 60 bytes \(limit 10\)"):
        read_table(path, options=replace(ReadOptions(), max_bytes=10))


def test_a_text_file_has_no_sheets(tmp_path):
    assert list_sheets(write(tmp_path, ROWS)) == ()
