from __future__ import annotations

import datetime
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import xlsxwriter

from icp.errors import SourceError
from icp.ingest.readers import (
    ReadOptions,
    excel,
    excel_child,
    list_sheets,
    read_table,
)
from icp.ingest.result import LINE, Ledger, SheetInfo

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = [("Account Name", "Industry", "Employees"), ("Acme", "Retail", 40)]
ROWS += [("Bolt", "Steel", 7), ("Café", "Retail", 8)]


@pytest.fixture
def book(tmp_path):
    def book(fill: Callable[[xlsxwriter.Workbook], None], name: str = "a.xlsx") -> Path:
        target = io.BytesIO()
        workbook = xlsxwriter.Workbook(target)
        fill(workbook)
        workbook.close()
        path = tmp_path / name
        path.write_bytes(target.getvalue())
        return path

    return book


def write_rows(sheet, rows, *, top: int = 0, left: int = 0) -> None:
    for index, row in enumerate(rows):
        sheet.write_row(top + index, left, row)


def plain(workbook) -> None:
    write_rows(workbook.add_worksheet("Data"), ROWS)


def messages(table) -> str:
    return "\n".join(str(finding) for finding in table.report.findings)


def test_a_workbook_is_known_by_content_not_by_name(book):
    table = read_table(book(plain, "accounts.csv"))
    assert table.frame.columns == ["Account Name", "Industry", "Employees", LINE]
    assert table.frame.rows() == [
        ("Acme", "Retail", "40", 2),
        ("Bolt", "Steel", "7", 3),
        ("Café", "Retail", "8", 4),
    ]
    assert table.report.findings == ()
    assert table.report.kind == "excel"
    assert table.report.sheet == "Data"


def test_late_text_in_a_column_of_numbers_is_kept(book):
    def fill(workbook):
        sheet = workbook.add_worksheet()
        write_rows(sheet, [("Account Name", "Employees")])
        write_rows(sheet, [(f"Firm {i}", i) for i in range(1_200)], top=1)
        write_rows(sheet, [("Late", "51-200"), ("Later", "TBD")], top=1_201)

    table = read_table(book(fill))
    assert table.frame["Employees"].to_list()[-3:] == ["1199", "51-200", "TBD"]


def test_titles_merged_headers_subtotals_and_other_sheets(book):
    def fill(workbook):
        sheet = workbook.add_worksheet("FY17")
        sheet.merge_range("A1:F1", "Closed business")
        write_rows(sheet, [("Exported by Sales Ops",)], top=1)
        write_rows(sheet, [("Account", None, "Deal", None, None, None)], top=3)
        write_rows(
            sheet, [("Name", "Industry", "Product", "Won", "Value", "Closed")], top=4
        )
        date = workbook.add_format({"num_format": "dd/mm/yyyy"})
        for i in range(6):
            row = 5 + i + (i > 2)
            write_rows(sheet, [(f"Firm {i}", "retail", "GTX", "Won", i + 1)], top=row)
            sheet.write_datetime(row, 5, datetime.datetime(2017, 3, i + 1), date)
        write_rows(sheet, [("Subtotal", None, None, None, 6)], top=8)
        write_rows(sheet, [("Subtotal", None, None, None, 15)], top=12)
        sheet.write(13, 0, "Grand total")
        sheet.write_formula(13, 4, "SUM(E6:E12)", None, "")
        write_rows(workbook.add_worksheet("Notes"), [("Internal use only",)])

    table = read_table(book(fill))
    assert table.report.columns == (
        "Account Name", "Account Industry", "Deal Product", "Deal Won", "Deal Value",
        "Deal Closed",
    )  # fmt: skip
    assert table.frame.rows()[0][:6] == (
        "Firm 0", "retail", "GTX", "Won", "1", "2017-03-01 00:00:00",
    )  # fmt: skip
    assert table.report.ledger == Ledger(
        read=14, used=6, blank=1, preamble=2, header=2, totals=3
    )
    told = messages(table)
    assert "1 other sheet not read: 'Notes' (1 x 1)" in told
    assert "totals on lines 9, 13 and 14" in told


def test_sheets_are_listed_and_chosen(book):
    def fill(workbook):
        workbook.add_worksheet("Cover")
        write_rows(workbook.add_worksheet("Data"), ROWS)
        hidden = workbook.add_worksheet("Old")
        write_rows(hidden, [("Name", "City"), ("x", "y")])
        hidden.hide()

    path = book(fill)
    assert list_sheets(path) == (
        SheetInfo(name="Cover", rows=0, columns=0),
        SheetInfo(name="Data", rows=4, columns=3),
        SheetInfo(name="Old", rows=2, columns=2, hidden=True),
    )
    assert read_table(path).report.sheet == "Data"
    old = read_table(path, options=ReadOptions(sheet="Old", header_line=1))
    assert old.frame.rows() == [("x", "y", 2)]
    with pytest.raises(
        SourceError, match="no sheet 'New'; name one of: 'Cover', 'Data'"
    ):
        read_table(path, options=ReadOptions(sheet="New"))
    with pytest.raises(SourceError, match="sheet 'Cover': is empty"):
        read_table(path, options=ReadOptions(sheet="Cover"))


def test_what_the_reader_hides_is_told(book):
    def fill(workbook):
        sheet = workbook.add_worksheet("Data")
        write_rows(sheet, [("Account Name", "Zip", "Value", "Number")], top=1, left=1)
        zeros = workbook.add_format({"num_format": "00000"})
        for i in range(9):
            write_rows(sheet, [(f"Firm {i}",)], top=2 + i, left=1)
            sheet.write_number(2 + i, 2, 2139 + i, zeros)
            sheet.write_number(2 + i, 3, i + 0.5)
            sheet.write_number(2 + i, 4, 12345678901234567890)
        sheet.write_formula(3, 3, "1/0", None, "#DIV/0!")
        sheet.write_formula(4, 3, "B1", None, "")
        sheet.write_formula(5, 1, 'IF(B1="","","x")', None, "Firm 3")
        sheet.set_row(6, None, None, {"hidden": True})
        sheet.set_column(3, 4, None, None, {"hidden": True})

    table = read_table(book(fill))
    assert table.report.columns == ("Account Name", "Zip", "Value", "Number")
    assert table.frame["Zip"].to_list()[:2] == ["02139", "02140"]
    assert table.frame["Value"].to_list()[:4] == ["0.5", None, None, "3.5"]
    told = messages(table)
    assert "line 3, column 'C': 9 numbers with a format of zeros" in told
    assert "1 formula without a stored value came in empty: D5" in told
    assert "1 formula error (such as #N/A) came in empty: D4" in told
    assert "9 numbers of over 15 digits already rounded by Excel: E3, E4" in told
    assert "1 hidden row read" in told
    assert "hidden columns read like the others: D to E" in told


def test_a_narrow_table_below_and_its_footer_are_excluded(book):
    def fill(workbook):
        sheet = workbook.add_worksheet("Data")
        write_rows(sheet, [("Account Name", "Stage", "Amount", "Owner")])
        write_rows(sheet, [(f"Firm {i}", "won", i, "Ann") for i in range(9)], top=1)
        write_rows(sheet, [("Deal Name", "Value"), ("x", 1), ("y", 2)], top=12)
        write_rows(sheet, [("Copyright (c) 2026",)], top=17)

    table = read_table(book(fill))
    assert table.report.ledger.used == 9
    assert table.report.ledger.other_tables == 4
    assert [item.line for item in table.report.excluded] == [1, 13, 14, 15, 18]


def test_a_cell_far_away_is_refused_by_name(book):
    def fill(workbook):
        plain(workbook)
        workbook.get_worksheet_by_name("Data").write(1_048_575, 16_383, 1)

    with pytest.raises(SourceError, match=r"17,179,869,184 cells.*XFD1048576"):
        read_table(book(fill))


def test_a_far_cell_on_another_sheet_does_no_harm(book):
    def fill(workbook):
        plain(workbook)
        workbook.add_worksheet("Solver").write(1_048_575, 16_383, 1)

    assert read_table(book(fill)).frame.height == 3


def repacked(path: Path, part: str, change: Callable[[bytes], bytes]) -> Path:
    source = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, change(data) if name == part else data)
    return path


SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/sharedStrings.xml"])
def test_a_document_type_is_refused(book, part):
    def bomb(data: bytes) -> bytes:
        return data.replace(b"?>", b'?><!DOCTYPE x [<!ENTITY a "b">]>', 1)

    with pytest.raises(SourceError, match="declares a document type"):
        read_table(repacked(book(plain), part, bomb))


def test_a_zip_bomb_is_refused_before_it_is_unpacked(book):
    path = repacked(book(plain), SHEET, lambda data: data + b" " * 5_000_000)
    with pytest.raises(SourceError, match="times its size"):
        read_table(path)


def test_a_workbook_of_many_parts_is_refused(book):
    path = book(plain)
    with zipfile.ZipFile(path, "a") as target:
        for number in range(2_001):
            target.writestr(f"junk/{number}", b"")
    with pytest.raises(SourceError, match=r"has 2,0\d\d parts \(limit 2,000\)"):
        read_table(path)


def test_cut_and_damaged_workbooks_are_refused(book):
    path = book(plain)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match="damaged or cut off"):
        read_table(path)
    path.write_bytes(whole)
    with pytest.raises(SourceError, match="is no readable workbook"):
        read_table(repacked(path, SHEET, lambda data: data[: len(data) // 2]))


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("xl/workbook.bin", r"binary workbook \(.xlsb\); open it in Excel and save"),
        ("word/document.xml", "is a Word document"),
        ("content.xml", "is an OpenDocument file"),
        ("readme.txt", "is a zip archive"),
    ],
)
def test_other_zip_files_are_refused_by_kind(tmp_path, part, told):
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as target:
        target.writestr(part, b"x")
    with pytest.raises(SourceError, match=told):
        read_table(path)


def test_an_old_workbook_that_cannot_be_read_is_refused(tmp_path):
    path = tmp_path / "a.xls"
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    path.write_bytes(head + b"\0" * 600 + "Workbook".encode("utf-16-le"))
    with pytest.raises(SourceError, match=r"a.xls: (is no readable|makes the reader)"):
        read_table(path)


@pytest.mark.parametrize(
    ("number", "name"), [(1, "A"), (26, "Z"), (27, "AA"), (703, "AAA"), (16_384, "XFD")]
)
def test_column_names_and_numbers_are_inverse(number, name):
    assert excel_child.column_name(number) == name
    assert excel_child.column_of(f"{name}7") == number


def test_merged_cells_stand_in_every_row_they_cover(book):
    def fill(workbook):
        sheet = workbook.add_worksheet()
        write_rows(sheet, [("Region", "Name", "City", "Value")])
        sheet.merge_range("A2:A4", "EU")
        write_rows(
            sheet, [("Acme", "Ulm"), ("Bolt", "Bonn"), ("Cora", "Kiel")], top=1, left=1
        )
        sheet.merge_range("D2:D3", 900)
        write_rows(sheet, [("US", "Dora", "Reno", 5)], top=4)

    table = read_table(book(fill))
    assert table.frame.rows() == [
        ("EU", "Acme", "Ulm", "900", 2),
        ("EU", "Bolt", "Bonn", "900", 3),
        ("EU", "Cora", "Kiel", None, 4),
        ("US", "Dora", "Reno", "5", 5),
    ]
    (finding,) = table.report.findings
    assert (finding.level, finding.line, finding.count) == ("ask", 3, 3)
    assert "3 values of merged cells repeated" in finding.message


def test_merged_labels_over_two_header_rows_are_said_once(book):
    def fill(workbook):
        sheet = workbook.add_worksheet()
        sheet.merge_range("A1:A2", "Name")
        sheet.merge_range("B1:C1", "Deals")
        write_rows(sheet, [("Won", "Lost")], top=1, left=1)
        write_rows(sheet, [(f"Firm {n}", n, 9 - n) for n in range(4)], top=2)

    table = read_table(book(fill))
    assert table.report.columns == ("Name", "Deals Won", "Deals Lost")


@pytest.mark.parametrize("since_1904", [False, True])
def test_a_time_of_day_is_no_date(book, since_1904):
    def fill(workbook):
        workbook.date_1904 = since_1904
        sheet = workbook.add_worksheet()
        write_rows(sheet, [("Name", "Opens", "Met")])
        clock = workbook.add_format({"num_format": "hh:mm"})
        day = workbook.add_format({"num_format": "dd/mm/yyyy"})
        for row, hour in enumerate((0, 9, 23), start=1):
            sheet.write(row, 0, f"Firm {hour}")
            sheet.write_datetime(row, 1, datetime.time(hour, 30), clock)
            sheet.write_datetime(row, 2, datetime.datetime(2024, 2, row), day)

    table = read_table(book(fill))
    assert table.frame["Opens"].to_list() == ["00:30:00", "09:30:00", "23:30:00"]
    assert table.frame["Met"].to_list()[0] == "2024-02-01 00:00:00"


@pytest.mark.parametrize("name", ["*", "//", "nowhere", "Data "])
def test_a_sheet_that_is_not_there_is_named(book, name):
    with pytest.raises(SourceError, match=r"has no sheet .*; name one of: 'Data'"):
        read_table(book(plain), options=ReadOptions(sheet=name))


# --- a child that takes too long ------------------------------------------------------

LIMITED = f"""
import sys, time
sys.path.insert(0, {str(Path(excel_child.__file__).parent)!r})
import excel_child
excel_child.SECONDS = 1
excel_child.limit()
"""


def replaced(monkeypatch, tmp_path, book, program):
    child = tmp_path / "child.py"
    child.write_text(program)
    monkeypatch.setattr(excel, "_CHILD", child)
    return book(plain)


def test_a_child_that_works_too_long_is_ended(monkeypatch, tmp_path, book):
    pytest.importorskip("resource")
    data = replaced(monkeypatch, tmp_path, book, LIMITED + "while True: pass")
    with pytest.raises(SourceError, match="too much of the processor's time"):
        read_table(data)


def test_a_child_that_has_to_wait_is_not_ended(monkeypatch, tmp_path, book):
    pytest.importorskip("resource")
    # It lives longer than its second, and then dies of something else.
    data = replaced(monkeypatch, tmp_path, book, LIMITED + "time.sleep(1.5)")
    with pytest.raises(SourceError, match="makes the reader fail"):
        read_table(data)


def test_a_child_that_hangs_is_given_up(monkeypatch, tmp_path, book):
    data = replaced(monkeypatch, tmp_path, book, "import time; time.sleep(60)")
    monkeypatch.setattr(excel, "_PATIENCE", 0.2)
    with pytest.raises(SourceError, match=r"could not be read within 0.2 s"):
        read_table(data)
