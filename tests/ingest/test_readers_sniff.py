from __future__ import annotations

import io
import zipfile

import pytest

from icp.errors import SourceError
from icp.ingest.readers.content import check_zip, content_of
from icp.ingest.readers.grid import Notes

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
PAGE = "<table><tr><td>Näme</td></tr></table>"


def zipped(*parts: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for part in parts:
            archive.writestr(part, "<x/>")
    return target.getvalue()


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (b"a,b\n1,2\n", "text"),
        (b"<none>,b\n1,2\n", "text"),
        (b"[Sales],b\n1,2\n", "text"),
        (b'{id};"x"\n1;2\n', "text"),
        ("a;\u0001b\n".encode("utf-16"), "text"),
        (b"a\x01b\x02c\n1\x012\x023\n", "text"),
        (b"PAR1....", "parquet"),
        (zipped("xl/workbook.xml"), "xlsx"),
        (OLE + "Workbook".encode("utf-16-le"), "xls"),
        (PAGE.encode(), "html"),
        (b"\xef\xbb\xbf \r\n<!DOCTYPE html>" + PAGE.encode(), "html"),
        (b"<!-- made by a CRM -->\n<body>" + PAGE.encode(), "html"),
        (b"<style>td{x:y}</style>" + PAGE.encode(), "html"),
        (b"<DIV><b>Report</b>" + PAGE.upper().encode(), "html"),
        (b"<?xml version='1.0'?><html>" + PAGE.encode(), "html"),
        (PAGE.encode("utf-16"), "html"),
        (PAGE.encode("utf-32"), "html"),
    ],
)
def test_content_is_known_by_its_bytes(data, content):
    assert content_of(data, Notes("a")) == content


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", r"is empty \(0 bytes\)"),
        (b"\xff\xfe \r\n", r"is empty \(5 bytes\)"),
        (b"%PDF-1.7", "PDF document"),
        (b"\x1f\x8b\x08", "gzip archive; unpack it"),
        (b"SQLite format 3\0...", "database file; give its URL"),
        (b"MIME-Version: 1.0\n\n<table>", "web archive .* save it as .xlsx"),
        (b"ID;PWXL;N;E\nP;PGeneral\n", "SYLK file; open it in Excel"),
        (b"TABLE\r\n0,1\r\n", "DIF file"),
        (b'{"a": 1}', "JSON file"),
        (b'[{"a": 1}]', "JSON file"),
        ('{"a": 1}'.encode("utf-16"), "JSON file"),
        (b"<?xml version='1.0'?><Workbook/>", "XML file"),
        (bytes(range(1, 256)), "is not text or a workbook"),
        (b"PK\x03\x04 cut", "damaged or cut off"),
        (zipped("xl/workbook.bin"), "binary workbook"),
        (zipped("word/document.xml"), "Word document"),
        (zipped("content.xml"), "OpenDocument"),
        (zipped("a.csv"), "zip archive"),
        (
            OLE + "EncryptedPackage".encode("utf-16-le"),
            "protected by a password",
        ),
        (OLE + b"....", "old Office document"),
    ],
)
def test_what_holds_no_table_is_refused_with_what_it_is(data, told):
    with pytest.raises(SourceError, match=told):
        content_of(data, Notes("a"))


def test_a_workbook_of_too_many_parts_is_refused():
    data = zipped(*(f"xl/{n}.xml" for n in range(2_001)))
    with pytest.raises(SourceError, match=r"has 2,001 parts \(limit 2,000\)"):
        check_zip(data, Notes("a"))


def test_a_part_that_unpacks_to_far_more_is_refused():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "0" * 2_000_000)
    with pytest.raises(SourceError, match="times its size"):
        check_zip(target.getvalue(), Notes("a"))
