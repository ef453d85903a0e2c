from __future__ import annotations

import pytest

from icp.errors import SourceError
from icp.ingest.readers import ReadOptions, read_table


def messages(table) -> str:
    return "\n".join(str(finding) for finding in table.report.findings)


PAGE = """<html><head><meta charset="{charset}"></head><body>
<table><tr><td>menu</td></tr></table>
<table>
<tr><th colspan="2">Account</th><th>Amount</th></tr>
<tr><td>Café &amp; Co</td><td>Köln<br>Ost</td><td>1.200,50</td></tr>
<tr><td>Bolt<td>Ulm<td>7</tr>
<tr><td>Acme</td><td></td><td>8</td></tr>
</table></body></html>"""


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "windows-1252"])
def test_an_html_table_is_read_with_its_charset(tmp_path, charset):
    path = tmp_path / "report.xls"
    path.write_bytes(PAGE.format(charset=charset).encode(charset))
    table = read_table(path, options=ReadOptions(header_line=1))
    assert table.frame.rows() == [
        ("Café & Co", "Köln Ost", "1.200,50", 2),
        ("Bolt", "Ulm", "7", 3),
        ("Acme", None, "8", 4),
    ]
    assert table.report.columns == ("Account", "B", "Amount")
    assert table.report.kind == "html"
    assert "2 tables in the page; the largest was read" in messages(table)


def read_page(tmp_path, body: str, **options: object):
    path = tmp_path / "report.xls"
    path.write_text(body, encoding="utf-8")
    return read_table(path, options=ReadOptions(**options))


def rows(*lines: str) -> str:
    cells = ("".join(f"<td>{cell}" for cell in line.split(",")) for line in lines)
    return "<table>" + "".join(f"<tr>{line}" for line in cells) + "</table>"


def test_a_cell_over_several_rows_stands_in_each_of_them(tmp_path):
    page = """<table><tr><th>Region<th>Name<th>City<th>Size
    <tr><td rowspan="3">EU<td>Acme<td rowspan="2">Ulm<td>4
    <tr><td>Bolt<td>7
    <tr><td>Cora<td>Bonn<td>9
    <tr><td>US<td>Dora<td>Reno<td rowspan=9>5</table>"""
    table = read_page(tmp_path, page)
    assert table.frame.rows() == [
        ("EU", "Acme", "Ulm", "4", 2),
        ("EU", "Bolt", "Ulm", "7", 3),
        ("EU", "Cora", "Bonn", "9", 4),
        ("US", "Dora", "Reno", "5", 5),
    ]
    assert "3 values of merged cells repeated" in messages(table)
    assert [f.level for f in table.report.findings] == ["note", "note"]


def test_a_number_over_several_rows_is_asked_about(tmp_path):
    page = """<table><tr><th>Name<th>Value<th>City
    <tr><td>Acme<td rowspan="2">900<td>Ulm<tr><td>Bolt<td>Bonn</table>"""
    table = read_page(tmp_path, page)
    assert table.frame["Value"].to_list() == ["900", "900"]
    assert [f.level for f in table.report.findings] == ["note", "ask"]


def test_a_cell_over_several_rows_at_the_end_of_a_row(tmp_path):
    page = """<table><tr><th>Name<th>City<th>Trade
    <tr><td>Acme<td>Ulm<td rowspan="2">Food<tr><td>Bolt<td>Bonn
    <tr><td>Cora<td colspan="2">Kiel</table>"""
    assert read_page(tmp_path, page).frame.rows() == [
        ("Acme", "Ulm", "Food", 2),
        ("Bolt", "Bonn", "Food", 3),
        ("Cora", "Kiel", None, 4),
    ]


def test_a_table_inside_a_cell_is_a_table_of_its_own(tmp_path):
    inner = "<table><tr><td>x</td></tr></table>"
    table = read_page(tmp_path, rows("Name,City", f"Ac{inner}me,Ulm", "Bolt,Bonn"))
    assert table.frame.rows() == [("Acme", "Ulm", 2), ("Bolt", "Bonn", 3)]
    assert "2 tables in the page" in messages(table)


def test_the_table_inside_a_page_of_tables_is_read(tmp_path):
    inner = rows("Name,City", "Acme,Ulm", "Bolt,Bonn")
    table = read_page(tmp_path, f"<table><tr><td>menu<td>{inner}</table>")
    assert table.frame.rows() == [("Acme", "Ulm", 2), ("Bolt", "Bonn", 3)]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("A &amp; B", "A & B"),
        ("A&nbsp;B", "A\u00a0B"),
        ("A<br/>B", "A B"),
        ("<b>A</b> <i>B</i>", "A B"),
        ("<script>var a = 1;</script>A", "A"),
        ("<style>td {color: red}</style>A", "A"),
        ("A<!-- B -->", "A"),
        ("&#61;1+1", "=1+1"),
        ("  A\n  B ", "A B"),
    ],
)
def test_a_cell_is_what_a_browser_shows(tmp_path, cell, text):
    table = read_page(tmp_path, rows("Name,City", f"{cell},Ulm", "Bolt,Bonn"))
    assert table.frame["Name"].to_list() == [text, "Bolt"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252"])
def test_a_wrong_charset_in_the_page_does_no_harm(tmp_path, encoding):
    path = tmp_path / "report.xls"
    page = "<meta charset=utf-16>" + rows("Name,City", "Café,Köln", "Bolt,Ulm ")
    path.write_bytes(page.encode(encoding))
    assert read_table(path).frame["City"].to_list() == ["Köln", "Ulm"]


@pytest.mark.parametrize("page", ["<html><p>x</p></html>", "<html><table></table>"])
def test_a_page_without_a_table_is_refused(tmp_path, page):
    with pytest.raises(SourceError, match="is a web page without a table"):
        read_page(tmp_path, page)
