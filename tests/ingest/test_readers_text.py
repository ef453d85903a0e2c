from __future__ import annotations

import pytest

from icp.errors import SourceError
from icp.ingest.readers import ReadOptions, read_table
from icp.ingest.result import LINE, Ledger


@pytest.fixture
def read(tmp_path):
    def read(text: str, **options: object):
        path = tmp_path / "a.csv"
        path.write_bytes(text.encode())
        return read_table(path, options=ReadOptions(**options))

    return read


def told(table) -> list[tuple[str, str]]:
    return [(f.level, f.code) for f in table.report.findings]


# --- the separator -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "delimiter", "findings"),
    [
        ("a,b\n1,2\n", ",", []),
        ("a;b\n1;2\n", ";", []),
        ("a\tb\n1\t2\n", "\t", []),
        ("a|b\n1|2\n", "|", []),
        ("sep=;\na;b\n1;2\n", ";", [("note", "separator")]),
        ("sep=\t\na\tb\n1\t2\n", "\t", [("note", "separator")]),
        ('"sep=,"\r\na,b\r\n1,2\r\n', ",", [("note", "separator")]),
        ("a, b\n1, 2\n", ",", [("note", "header")]),
    ],
)
def test_a_separator_is_found_or_declared(read, text, delimiter, findings):
    table = read(text)
    assert table.report.delimiter == delimiter
    assert table.report.columns == ("a", "b")
    assert [value.strip() for value in table.frame.row(0)[:2]] == ["1", "2"]
    assert told(table) == findings


@pytest.mark.parametrize("delimiter", ["||", "", '"', "\n"])
def test_what_cannot_separate_is_refused(read, delimiter):
    with pytest.raises(SourceError, match="cannot separate values; name one character"):
        read("a,b\n1,2\n", delimiter=delimiter)


def test_a_blank_after_the_separator_may_stand_before_a_quote(read):
    table = read('Name, Trade, Size\n"Acme", "Retail, B2B", 4\n"Bolt", "Steel", 7\n')
    assert table.frame.drop(LINE).rows() == [
        ("Acme", "Retail, B2B", "4"),
        ("Bolt", "Steel", "7"),
    ]


# --- lines quoted as a whole -------------------------------------------------------

WRAPPED = ['"Acme,""Retail, B2B"",4"', '"Bolt,Steel,7"', '"""Cora"",Food,9"']
ROWS = [("Acme", "Retail, B2B", "4"), ("Bolt", "Steel", "7"), ("Cora", "Food", "9")]


@pytest.mark.parametrize("header", ["Name,Trade,Size", '"Name,Trade,Size"'])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_quotes_round_whole_lines_are_taken_off(read, header, end):
    table = read("".join(line + end for line in [header, *WRAPPED]))
    assert table.report.columns == ("Name", "Trade", "Size")
    assert table.frame.drop(LINE).rows() == ROWS
    assert told(table) == [("ask", "quotes")]
    assert table.report.ledger == Ledger(read=4, used=3, header=1)


def test_such_a_line_is_quarantined_as_it_came(read):
    lines = ["Name,Trade,Size", *WRAPPED * 4, '"Dora,Food"', '"Edda,Steel,8"']
    table = read("".join(f"{line}\n" for line in lines))
    (row,) = table.quarantined
    assert (row.line, row.raw) == (14, '"Dora,Food"')


@pytest.mark.parametrize(
    "text",
    [
        'Company\n"Acme, Inc."\n"Bolt, Ltd."\n',
        '"Company"\n"Acme, Inc."\n"Bolt, Inc., Ltd."\n',
        '"Name","Size"\n"Acme","4"\n"Bolt","7"\n',
    ],
)
def test_quoted_values_are_not_taken_for_quoted_lines(read, text):
    table = read(text)
    assert ("ask", "quotes") not in told(table)
    assert table.frame.height == 2


# --- line ends ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\r1,2\r3,4\r", "lines end with CR alone"),
        ("a,b\r\n1,2\n3,4\r\n", "mixed line ends: line 2 differ"),
        ("a,b\n1,2\r\n3,4\n", "mixed line ends: line 2 differ"),
        ("a,b\n1,2\r3,4\n", "mixed line ends: CR alone on line 2"),
        ("a,b\n1,2\n3,4", "no line end after the last line, 3"),
    ],
)
def test_line_ends_are_read_and_told(read, text, message):
    table = read(text)
    assert table.frame.rows() == [("1", "2", 2), ("3", "4", 3)]
    (finding,) = table.report.findings
    assert message in finding.message


# --- values written for a spreadsheet ----------------------------------------------


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('"=""007"""', "007"),
        ('="007"', "007"),
        ('"="""""', None),
        ('"=""a""&""b"""', '="a"&"b"'),
        ("=1+1", "=1+1"),
        ("'007", "'007"),
    ],
)
def test_text_written_as_a_formula_is_the_text(read, cell, value):
    table = read(f"ID,Name\n{cell},Acme\n012,Bolt\n")
    assert table.frame["ID"].to_list() == [value, "012"]
    changed = value not in {cell, '="a"&"b"'}
    assert ("escaped-text" in [code for _, code in told(table)]) == changed


def test_a_label_written_as_a_formula_is_the_label(read):
    table = read('="ID",="Name"\n="007",="Acme"\n="008",="Bolt"\n')
    assert table.report.columns == ("ID", "Name")
    assert table.frame.rows() == [("007", "Acme", 2), ("008", "Bolt", 3)]
