from __future__ import annotations

import pytest

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
