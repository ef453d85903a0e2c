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
    with pytest.raises(SourceError, match="unknown encoding 'nope'"):
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
