from __future__ import annotations

import csv
import io
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from icp.errors import SourceError
from icp.ingest.readers.content import content_of
from icp.ingest.readers.csv_text import Dialect, _with_csv, _with_polars, read_text
from icp.ingest.readers.grid import LAST, Notes
from icp.ingest.readers.options import ReadOptions
from icp.ingest.result import LINE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from icp.ingest.result import RawTable

Rows = list[list[str]]
SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

ACCOUNTS: Rows = [
    ["Account ID", "Account Name", "Industry", "Zip", "Employees", "Created", "Notes"],
    ["0001", "Acme, Inc.", "Retail", "02139", "40", "2024-01-11", ""],
    ["0002", "Café Noir", "Steel", "00501", "7", "2024-02-12", "good fit"],
    ["0003", "Müller & Söhne", "Retail", "10115", "350", "2024-03-13", 'says "maybe"'],
    ["0004", "O'Neil Ltd", "Software", "94105", "12", "2024-04-14", "one\ntwo"],
    ["0005", "Zenith", "Steel", "60601", "88", "2024-05-15", ""],
    ["0006", "Quark SA", "Retail", "75001", "5", "2024-06-16", "called, no answer"],
    ["0007", "Bolt GmbH", "Software", "80331", "61", "2024-07-17", ""],
    ["0008", "Delta", "Retail", "30301", "19", "2024-08-18", "x"],
    ["0009", "Echo", "Steel", "33101", "23", "2024-09-19", ""],
    ["0010", "Fjord", "Retail", "98101", "77", "2024-10-20", "y"],
]
DEALS: Rows = [["Deal ID", "Amount", "Stage", "Close Date", "Lost Reason"]] + [
    [str(7000 + i), str(i * 37), "won" if i % 3 else "lost", f"{i}/2/2025", "price"]
    for i in range(1, 12)
]
TEXTS: Rows = [["Company", "Segment", "Comment"]] + [
    [f"red {a}", b, f"{b} {a}"]
    for a, b in product(["one", "two", "six"], ["north", "south", "west"])
]
TABLES = {"accounts": ACCOUNTS, "deals": DEALS, "texts": TEXTS}
QUOTING = [csv.QUOTE_MINIMAL, csv.QUOTE_ALL]


def text_of(rows: Rows, *, quoting: int = csv.QUOTE_MINIMAL, mark: str = ",") -> str:
    target = io.StringIO(newline="")
    csv.writer(target, delimiter=mark, quoting=quoting, lineterminator="\n").writerows(
        rows
    )
    return target.getvalue()


def read(content: str | bytes, **options: object) -> RawTable:
    data = content.encode() if isinstance(content, str) else content
    notes = Notes("accounts.csv")
    if content_of(data, notes) != "text":
        raise SourceError("not a text file")
    return read_text(data, notes, ReadOptions(**options))


def is_exact(table: RawTable, rows: Rows) -> bool:
    body = [tuple(cell or None for cell in row) for row in rows[1:]]
    same = table.frame.drop(LINE).rows() == body
    return same and list(table.report.columns) == rows[0]


def exact_or_reported(
    content: str | bytes, rows: Rows, *, placed: bool = False
) -> bool:
    try:
        table = read(content)
    except SourceError:
        return True
    findings = table.report.findings
    if placed and not any(finding.level == "ask" for finding in findings):
        return is_placed(table, rows) and (bool(findings) or is_exact(table, rows))
    return bool(findings) or is_exact(table, rows)


def is_placed(table: RawTable, rows: Rows) -> bool:
    """Whether every value is in its column, or missing; quotes and commas aside."""

    def bare(cell: str | None) -> str:
        return (cell or "").replace('"', "").replace(",", "")

    return all(
        cell is None or bare(cell) == bare(original)
        for row, line in zip(rows[1:], table.frame.drop(LINE).rows(), strict=True)
        for original, cell in zip(row, line, strict=True)
    )


# --- one way of pollution per function; each yields the polluted lines ---------------


def missing_value(rows: Rows, row: int, column: int, quoting: int) -> Iterator[str]:
    cells = rows[row][:column] + rows[row][column + 1 :]
    yield text_of([cells], quoting=quoting)


def merged_values(rows: Rows, row: int, column: int, quoting: int) -> Iterator[str]:
    if column:
        left, right = rows[row][column - 1], rows[row][column]
        cells = [*rows[row][: column - 1], left + right, *rows[row][column + 1 :]]
        yield text_of([cells], quoting=quoting)


def extra_value(rows: Rows, row: int, column: int, quoting: int) -> Iterator[str]:
    yield text_of([[*rows[row][:column], "", *rows[row][column:]]], quoting=quoting)


def torn_value(rows: Rows, row: int, column: int, quoting: int) -> Iterator[str]:
    value = rows[row][column]
    if len(value) > 1:
        cells = [*rows[row][:column], value[:1], value[1:], *rows[row][column + 1 :]]
        yield text_of([cells], quoting=quoting)


def stray_quote(rows: Rows, row: int, column: int, quoting: int) -> Iterator[str]:
    cells = [text_of([[cell]], quoting=quoting)[:-1] for cell in rows[row]]
    if quoting == csv.QUOTE_MINIMAL:
        cells = [cell.replace('""', "") if cell == '""' else cell for cell in cells]
    value = cells[column]
    for place in sorted({0, 1, len(value) // 2, len(value)}):
        cells[column] = f'{value[:place]}"{value[place:]}'
        yield ",".join(cells) + "\n"


def other_separator(rows: Rows, row: int, column: int, quoting: int) -> Iterator[str]:
    if not column:
        yield text_of([rows[row]], quoting=quoting, mark=";")


CELLWISE = [
    missing_value,
    merged_values,
    extra_value,
    torn_value,
    stray_quote,
    other_separator,
]


@pytest.mark.parametrize("quoting", QUOTING, ids=["minimal", "all"])
@pytest.mark.parametrize("pollute", CELLWISE, ids=lambda function: function.__name__)
@pytest.mark.parametrize("name", TABLES)
def test_one_damaged_row_is_never_silent(name, pollute, quoting):
    rows = TABLES[name]
    lines = [text_of([row], quoting=quoting) for row in rows]
    # Every column, and rows at the start, in the middle and at the end.
    for row, column in product({0, 1, 4, len(rows) - 1}, range(len(rows[0]))):
        for line in pollute(rows, row, column, quoting):
            content = "".join([*lines[:row], line, *lines[row + 1 :]])
            assert exact_or_reported(content, rows, placed=True), content


BETWEEN = ["\n", "Total,,\n", "Subtotal\n", "x\n", "Name,Stage,Amount\n", "a,b,c,d,e\n"]


@pytest.mark.parametrize("line", BETWEEN)
@pytest.mark.parametrize("name", TABLES)
def test_a_foreign_line_is_never_silent(name, line):
    rows = TABLES[name]
    lines = [text_of([row]) for row in rows]
    for row in range(1, len(rows) + 1):
        content = "".join([*lines[:row], line, *lines[row:]])
        assert exact_or_reported(content, rows), content


@pytest.mark.parametrize("name", TABLES)
def test_a_repeated_header_is_dropped_wherever_it_stands(name):
    rows = TABLES[name]
    lines = [text_of([row]) for row in rows]
    for row in range(1, len(rows) + 1):
        table = read("".join([*lines[:row], lines[0], *lines[row:]]))
        assert is_exact(table, rows)
        assert len(table.report.findings) == 1


BEFORE = ["Report\n", "Report\n\n", "Title,,\nDate: today\n\n", "A,B\nC,D\n\n"]
AFTER = [
    "\nGrand Totals (20 records)\n\nMy Report\nCopyright (c) 2000-2026 x\n",
    "\nExported by Ann\n",
    "Generated by Ann\n",
    "Total\n",
    "\nSource: CRM\n",
]


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(("before", "after"), [*product(BEFORE, AFTER)])
def test_titles_and_footers_are_cut_off_exactly(name, before, after):
    rows = TABLES[name]
    table = read(before + text_of(rows) + after)
    assert is_exact(table, rows)
    assert table.report.findings


@pytest.mark.parametrize("gap", ["", "\n"])
@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("width", [2, 3, 5, 7, 8])
def test_a_second_table_is_never_silent(name, gap, width):
    labels = ["Opportunity Name", "Stage", "Amount", "Owner", "Close Date", "Type"]
    labels = [*labels, "Region", "Country"][:width]
    other = [labels] + [["x", "won", "3", "Ann", "q", "r", "s", "t"][:width]] * 3
    content = text_of(TABLES[name]) + gap + text_of(other)
    assert exact_or_reported(content, TABLES[name])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quoting", QUOTING, ids=["minimal", "all"])
def test_every_dialect_of_a_clean_table_is_exact(encoding, end, mark, quoting):
    rows = [[cell.replace("\n", " / ") for cell in row] for row in ACCOUNTS]
    content = text_of(rows, quoting=quoting, mark=mark).replace("\n", end)
    assert is_exact(read(content.encode(encoding)), rows)


@pytest.mark.parametrize("quoting", QUOTING, ids=["minimal", "all"])
@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_a_file_cut_anywhere_is_exact_up_to_there_or_reported(name, quoting, step):
    rows = TABLES[name][:4]
    content = text_of(rows, quoting=quoting).encode()
    ends = [len(text_of(rows[:n], quoting=quoting).encode()) for n in range(len(rows))]
    for cut in range(1, len(content), step):
        whole = sum(end <= cut for end in ends) - 1
        assert exact_or_reported(content[:cut], rows[: max(1, whole)]), content[:cut]


@pytest.mark.slow
@pytest.mark.parametrize("flip", [0x00, 0x22, 0x2C, 0x0D, 0xE9])
def test_any_byte_may_be_wrong_without_a_crash(flip):
    content = bytearray(text_of(ACCOUNTS).encode())
    for place in range(0, len(content), 4):
        changed = bytes(content[:place]) + bytes([flip]) + bytes(content[place + 1 :])
        try:
            assert read(changed).report.ledger.balanced
        except SourceError:
            continue


# --- laws --------------------------------------------------------------------------

CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0\r\ufeff\ue000")
CELLS = st.text(CHARACTERS, max_size=8)
HEADER = ["Account Name", "Industry", "Amount", "Stage", "Owner"]


@st.composite
def tables(draw: st.DrawFn) -> Rows:
    width = draw(st.integers(2, 5))
    rows = st.lists(CELLS, min_size=width, max_size=width)
    # A row without any visible value is a blank line to every reader.
    body = draw(
        st.lists(rows.filter(lambda r: "".join(r).strip(' ,;\t|"\n')), min_size=1)
    )
    return [HEADER[:width], *body]


@SETTINGS
@given(tables(), st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(QUOTING))
def test_any_table_written_by_csv_is_read_back_or_reported(rows, mark, quoting):
    content = text_of(rows, quoting=quoting, mark=mark)
    try:
        table = read(content, delimiter=mark, header_line=1)
    except SourceError:
        return
    assert table.report.ledger.balanced
    assert is_exact(table, rows) or table.report.findings


SIMPLE = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1)
QUOTED = st.text(st.sampled_from('ab",\n; '), max_size=5)


@SETTINGS
@given(st.lists(st.tuples(SIMPLE, QUOTED, SIMPLE), min_size=12, max_size=30))
def test_a_valid_file_is_exact_with_nothing_to_decide(body):
    rows = [["Account Name", "Remark", "Stage"], *map(list, body)]
    table = read(text_of(rows, quoting=csv.QUOTE_ALL), header_line=1)
    levels = {finding.level for finding in table.report.findings}
    assert levels <= {"note"} or not is_exact(table, rows)
    assert is_exact(table, rows) or table.report.findings


@SETTINGS
@given(
    st.lists(st.lists(st.text(st.sampled_from('aé" ,;x1'), max_size=6), min_size=3,
                      max_size=3), min_size=1),
    st.sampled_from([",", ";"]),
)  # fmt: skip
def test_polars_and_csv_agree_on_regular_lines(rows, mark):
    dialect = Dialect(mark, width=3)
    lines = text_of(rows, mark=mark).split("\n")[:-1]
    regular = [i for i, line in enumerate(lines) if dialect.regular.fullmatch(line)]
    assert len(regular) == len(rows)
    by_polars = _with_polars(lines, regular, dialect)
    assert by_polars.equals(_with_csv(lines, regular, dialect))
    assert by_polars[LINE].equals(by_polars[LAST].alias(LINE))
