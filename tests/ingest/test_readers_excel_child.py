from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.ingest.readers.excel_child import (
    RefusedError,
    SheetScan,
    check_start,
    column_name,
    column_of,
    first_filled,
    padded_styles,
    part_of,
)

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def scanned(cells: str, *, styles: dict[str, int] | None = None, rest: str = ""):
    scan = SheetScan("Data", styles or {})
    xml = f"<worksheet>{rest}<sheetData><row>{cells}</row></sheetData></worksheet>"
    scan.read(io.BytesIO(xml.encode()))
    return scan.answer()


def archive(**parts: str) -> zipfile.ZipFile:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as written:
        for name, text in parts.items():
            written.writestr(name.replace("__", "/").replace("_xml", ".xml"), text)
    return zipfile.ZipFile(io.BytesIO(target.getvalue()))


# --- what a sheet's XML says -------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "what"),
    [
        ('<c r="B2"><v>1</v></c>', None),
        ('<c r="B2" t="s"><v>0</v></c>', None),
        ('<c r="B2"><f>A1+1</f><v>2</v></c>', None),
        ('<c r="B2"><f>A1+1</f></c>', "uncalculated"),
        ('<c r="B2" s="3"><f>A1+1</f><v></v></c>', "uncalculated"),
        ('<c r="B2"><f t="shared" si="0"/><v/></c>', "uncalculated"),
        ('<x:c r="B2"><x:f>A1+1</x:f></x:c>', "uncalculated"),
        ('<c r="B2" t="str"><f>""</f><v></v></c>', None),
        ('<c r="B2" t="e"><v>#N/A</v></c>', "errors"),
        ('<c r="B2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "errors"),
        ('<c r="B2"><v>1234567890123456</v></c>', "rounded"),
        ('<c r="B2"><v>123456789012345</v></c>', None),
        ('<c r="B2"><v>1.2345678901234568E+17</v></c>', "rounded"),
        ('<c r="B2"><v>1.5E+3</v></c>', None),
        ('<c r="B2"><v>0.12345678901234568</v></c>', None),
        ('<c r="B2" t="s"><v>1234567890123456</v></c>', None),
        ('<c r="B2" t="n"><f>A1</f><v>-1234567890123456</v></c>', "rounded"),
    ],
)
def test_a_cell_a_program_cannot_read_rightly_is_named(cell, what):
    found = scanned('<c r="A2"><v>7</v></c>' + cell)
    counts = {"uncalculated": 0, "errors": 0, "rounded": 0}
    assert found["counts"] == counts | ({what: 1} if what else {})
    assert what is None or found[what] == ["B2"]


@pytest.mark.parametrize(
    ("cell", "padded"),
    [
        ('<c r="A1" s="4"><v>2139</v></c>', [("A1", 5)]),
        ('<c r="A1" s="4"><v>12139</v></c>', []),
        ('<c r="A1" s="4" t="n"><v>7</v></c>', [("A1", 5)]),
        ('<c r="A1" s="4" t="s"><v>7</v></c>', []),
        ('<c r="A1" s="5"><v>7</v></c>', []),
    ],
)
def test_numbers_shown_with_zeros_in_front_are_named(cell, padded):
    assert scanned(cell, styles={"4": 5})["padded"] == padded


def test_size_merges_and_what_is_hidden():
    found = scanned(
        '<c r="C4"><v>1</v></c><c r="E4" t="s"><v>0</v></c><c r="Z9"/>'
        '</row><row r="9" hidden="1">',
        rest='<cols><col min="2" max="3" hidden="1"/><col min="5" max="5"/></cols>'
        '<mergeCells><mergeCell ref="A1:C2"/><mergeCell ref="D1"/></mergeCells>'
        '<mergeCells><mergeCell ref="E:E"/></mergeCells>',
    )
    assert (found["first_column"], found["rows"], found["columns"]) == (3, 4, 5)
    assert found["merged"] == ["A1:C2"]
    assert (found["hidden_rows"], found["hidden_columns"]) == (1, ["2:3"])


def test_an_empty_sheet_has_no_size():
    found = scanned("")
    assert (found["first_column"], found["rows"], found["columns"]) == (1, 0, 0)


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        (
            '<c r="XFD1048576"><v>1</v></c>',
            r"claims 17,179,869,184 cells .* XFD1048576",
        ),
        ('<c r="A1048577"><v>1</v></c>', "last cell is A1048577"),
        ('<c r="XFE1"><v>1</v></c>', "last cell is XFE1"),
        ("<!DOCTYPE x>", "declares a document type"),
        ("<!ENTITY x 'y'>", "declares a document type"),
    ],
)
def test_a_sheet_that_would_harm_is_refused(cell, told):
    with pytest.raises(RefusedError, match=told):
        scanned(cell)


VALUES = st.sampled_from(["1", "", "12", "1234567890123456", "0.5"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(VALUES, min_size=1, max_size=5), min_size=1, max_size=12))
def test_the_scan_agrees_with_a_parser_of_xml(rows):
    body = "".join(
        f'<row r="{r}">'
        + "".join(
            f'<c r="{column_name(c)}{r}">{f"<v>{v}</v>" if v else ""}</c>'
            for c, v in enumerate(row, start=1)
        )
        + "</row>"
        for r, row in enumerate(rows, start=1)
    )
    xml = f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData></worksheet>'
    scan = SheetScan("Data", {})
    scan.read(io.BytesIO(xml.encode()))
    cells = [c for c in ET.fromstring(xml).iter(f"{{{MAIN}}}c") if len(c)]
    places = [c.attrib["r"] for c in cells]
    long = [c.attrib["r"] for c in cells if len(c[0].text or "") == 16]
    found = scan.answer()
    assert found["rows"] == max((int(p.lstrip("ABCDE")) for p in places), default=0)
    assert found["columns"] == max(map(column_of, places), default=0)
    assert (found["counts"]["rounded"], found["rounded"]) == (len(long), long[:10])


# --- other parts -------------------------------------------------------------------


@pytest.mark.parametrize(
    "number_format",
    ['numFmtId="170" formatCode="00000"', 'formatCode="00000" numFmtId="170"'],
)
def test_styles_of_zeros_are_found_in_any_order_of_attributes(number_format):
    styles = (
        f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt {number_format}/>'
        '<numFmt numFmtId="171" formatCode="0.00"/></numFmts>'
        '<cellStyleXfs><xf numFmtId="170"/></cellStyleXfs>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="170"/><xf numFmtId="171"/></cellXfs>'
        "</styleSheet>"
    )
    assert padded_styles(archive(xl__styles_xml=styles)) == {"1": 5}


def test_without_styles_nothing_is_padded():
    assert padded_styles(archive(xl__workbook_xml="<x/>")) == {}


@pytest.mark.parametrize(
    ("target", "part"),
    [
        ("worksheets/s1.xml", "xl/worksheets/s1.xml"),
        ("/xl/worksheets/s1.xml", "xl/worksheets/s1.xml"),
        ("../xl/worksheets/s1.xml", "xl/worksheets/s1.xml"),
        ("worksheets/gone.xml", None),
    ],
)
def test_a_sheet_s_part_is_found_through_the_workbook_s_links(target, part):
    parts = {
        "xl/workbook.xml": '<workbook xmlns:r="r"><sheets>'
        '<sheet name="A &amp; B" sheetId="7" r:id="rId3"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": "<Relationships>"
        f'<Relationship Id="rId3" Target="{target}"/></Relationships>',
        "xl/worksheets/s1.xml": "<worksheet/>",
    }
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as written:
        for name, text in parts.items():
            written.writestr(name, text)
    assert part_of(zipfile.ZipFile(data), "A & B") == part
    assert part_of(zipfile.ZipFile(data), "Other") is None


@pytest.mark.parametrize(
    "start", ["<!DOCTYPE x>", "<?xml version='1.0'?>\n<!doctype x [", "<!ENTITY a 'b'>"]
)
def test_a_part_with_a_document_type_is_refused(start):
    with pytest.raises(RefusedError, match=r"'xl/a\.xml' declares a document type"):
        check_start(archive(xl__a_xml=start), "xl/a.xml")
    with pytest.raises(RefusedError):
        check_start(
            zipfile.ZipFile(_written("xl/a.xml", start.encode("utf-16"))), "xl/a.xml"
        )


def _written(name: str, data: bytes) -> io.BytesIO:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as written:
        written.writestr(name, data)
    return target


@pytest.mark.parametrize(
    ("scans", "chosen"),
    [
        ({"a": (2, False), "b": (9, False)}, "a"),
        ({"a": (0, False), "b": (9, False)}, "b"),
        ({"a": (9, True), "b": (2, False)}, "b"),
        ({"a": (9, True), "b": (0, False)}, "b"),
        ({"a": (9, True)}, "a"),
    ],
)
def test_the_first_visible_sheet_with_cells_is_read(scans, chosen):
    found = {name: {"rows": r, "hidden": hidden} for name, (r, hidden) in scans.items()}
    assert first_filled(found) == chosen
