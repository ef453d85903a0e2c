"""Reads one sheet of a workbook in a process of its own, as text.

Run as a script by `icp.ingest.readers.excel`: a workbook can make the native reader
abort the whole process, so it never runs in ours. Takes the workbook's path, the folder
for the answer and the sheet's name ("" for the first visible one; left out, the sheets
are only listed); writes `answer.json` and `sheet.arrow` there. Imports nothing of
`icp`, which keeps its start short and its memory small.
"""

from __future__ import annotations

import json
import posixpath
import re
import sys
import zipfile
from pathlib import Path
from typing import Any
from xml.parsers import expat

MEMORY = 2_000_000_000
SECONDS = 60
MAX_CELLS = 20_000_000
MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
MOST_EXAMPLES = 10
PIECE = 4_000_000
# A sheet's cells by pattern: a parser's call-backs take ten times as long. `P` is a
# name-space prefix, `R` looks ahead for the cell's reference, `F` is its formula.
P = rb"(?:\w+:)?"
R = rb"<" + P + rb'c\b(?=[^>]*?\sr="([A-Z]+\d+)")'
F = rb"<" + P + rb"f\b[^>]*?(?:/>|>[^<]*</" + P + rb"f>)"
NUMBER = rb'(?![^>]*?\st="(?!n"))[^>]*>\s*(?:' + F + rb")?\s*<" + P + rb"v>"
CELL = re.compile(
    rb"<" + P + rb'c\b(?=[^>]*?\sr="([A-Z]+)(\d+)")[^>]*(?<!/)>(?!</)', re.ASCII
)
SPECIAL = {
    "uncalculated": re.compile(
        R
        + rb'(?![^>]*?\st="str")[^>]*>\s*'
        + F
        + rb"\s*(?:<"
        + P
        + rb"v\s*/>|<"
        + P
        + rb"v>\s*</"
        + P
        + rb"v>)?\s*</"
        + P
        + rb"c>"
    ),
    "errors": re.compile(R + rb'(?=[^>]*?\st="e")'),
    "rounded": re.compile(
        R + NUMBER + rb"-?(?:\d{16,}(?:\.0*)?|\d(?:\.\d+)?E\+(?:1[5-9]|[2-9]\d))</"
    ),
}
STYLED = re.compile(
    R + rb'(?=[^>]*?\ss="(\d+)")(?![^>]*?\st="(?!n"))[^>]*>\s*<' + P + rb"v>(\d+)</"
)
MERGED = re.compile(rb"<" + P + rb'mergeCell\b[^>]*?ref="([A-Z]+\d+:[A-Z]+\d+)"')
HIDDEN_ROW = re.compile(rb"<" + P + rb'row\b[^>]*?\shidden="(?:1|true)"')
HIDDEN_COLUMN = re.compile(rb"<" + P + rb'col\b[^>]*?\shidden="(?:1|true)"[^>]*>')


class RefusedError(Exception):
    """The workbook must not be given to the native reader."""


def limit() -> None:
    """Bound this process's memory and processor time, where the system can.

    Time on the clock is the parent's business: a busy machine must not fail a file.
    """
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    # At the lower limit the system says why it ends the process, at the upper not.
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))


class SheetScan:
    """What a sheet's XML says that the native reader keeps to itself."""

    def __init__(self, name: str, padded_styles: dict[str, int]) -> None:
        self._name = name
        self._padded_styles = padded_styles
        self.first_column = MAX_COLUMNS
        self.last = (0, 0)
        self.faults: dict[str, list[str]] = {fault: [] for fault in SPECIAL}
        self.padded: list[tuple[str, int]] = []
        self.merged: list[str] = []
        self.hidden_rows = 0
        self.hidden_columns: list[str] = []

    def read(self, stream: Any) -> None:
        """Read the sheet's XML once, some rows at a time.

        Raises:
            RefusedError: a document type, or a cell too far out.
        """
        rest = b""
        while piece := stream.read(PIECE):
            head, end, rest = (rest + piece).rpartition(b"row>")
            self._scan(head + end)
        self._scan(rest)

    def _scan(self, xml: bytes) -> None:
        if b"<!DOCTYPE" in xml or b"<!ENTITY" in xml:
            refuse_doctype()
        cells = CELL.findall(xml)
        self._measure({column for column, _ in cells}, cells[-1:])
        for fault, pattern in SPECIAL.items():
            self.faults[fault] += [cell.decode() for cell in pattern.findall(xml)]
        if self._padded_styles:
            self._scan_padded(xml)
        self.merged += [ref.decode() for ref in MERGED.findall(xml)]
        self.hidden_rows += len(HIDDEN_ROW.findall(xml))
        for tag in HIDDEN_COLUMN.findall(xml):
            low, high = (
                re.search(rb' %b="(\d+)"' % key, tag) for key in (b"min", b"max")
            )
            if low and high:
                self.hidden_columns.append(f"{int(low[1])}:{int(high[1])}")

    def _scan_padded(self, xml: bytes) -> None:
        for reference, style, digits in STYLED.findall(xml):
            width = self._padded_styles.get(style.decode(), 0)
            if len(digits) < width:
                self.padded.append((reference.decode(), width))

    def _measure(self, columns: set[bytes], last: list[tuple[bytes, bytes]]) -> None:
        if not columns:
            return
        numbers = [column_of(column.decode()) for column in columns]
        self.first_column = min(self.first_column, *numbers)
        rows, columns_so_far = self.last
        rows = max(rows, int(last[0][1]))
        wide = max(columns_so_far, *numbers)
        self.last = (rows, wide)
        too_far = rows > MAX_ROWS or wide > MAX_COLUMNS
        if too_far or rows * wide > MAX_CELLS:
            raise RefusedError(
                f"sheet {self._name!r} claims {rows * wide:,} cells (limit "
                f"{MAX_CELLS:,}); its last cell is {column_name(wide)}{rows}: delete "
                "the rows and columns beyond the table and save it again"
            )

    def answer(self) -> dict[str, Any]:
        """Everything found, as plain values."""
        return {
            "first_column": min(self.first_column, self.last[1] or 1),
            "rows": self.last[0],
            "columns": self.last[1],
            "counts": {fault: len(cells) for fault, cells in self.faults.items()},
            **{fault: cells[:MOST_EXAMPLES] for fault, cells in self.faults.items()},
            "padded": self.padded,
            "merged": self.merged,
            "hidden_rows": self.hidden_rows,
            "hidden_columns": self.hidden_columns,
        }


def refuse_doctype(*_: object) -> None:
    """Refuse a document type: no workbook needs one."""
    raise RefusedError("the workbook declares a document type; save it again in Excel")


def column_of(reference: str) -> int:
    """1-based column of a cell reference such as "AB12"."""
    number = 0
    for ch in reference:
        if not ch.isalpha():
            break
        number = number * 26 + ord(ch.upper()) - 64
    return number


def column_name(number: int) -> str:
    """Letters of a 1-based column."""
    name = ""
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(65 + rest) + name
    return name


def scan(path: str, sheet: str) -> dict[str, Any]:
    """Read a sheet's XML before the native reader may."""
    with zipfile.ZipFile(path) as archive:
        for part in archive.namelist():
            if part.endswith((".xml", ".rels")):
                check_start(archive, part)
        sheet_part = part_of(archive, sheet)
        if sheet_part is None:
            return {}
        sheet_scan = SheetScan(sheet, padded_styles(archive))
        with archive.open(sheet_part) as stream:
            sheet_scan.read(stream)
    return sheet_scan.answer()


def check_start(archive: zipfile.ZipFile, part: str) -> None:
    """Refuse a part that declares a document type."""
    with archive.open(part) as stream:
        start = stream.read(4096).replace(b"\0", b"").lower()
    if b"<!doctype" in start or b"<!entity" in start:
        raise RefusedError(
            f"part {part!r} declares a document type; save it again in Excel"
        )


def attributes_of(
    archive: zipfile.ZipFile, part: str, tag: str
) -> list[dict[str, str]]:
    """Attributes of every element of one name in a small part."""
    elements: list[dict[str, str]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] == tag:
            elements.append({k.rpartition(":")[2]: v for k, v in attributes.items()})

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.Parse(archive.read(part), True)  # noqa: FBT003 - expat's own signature
    return elements


def part_of(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The part that holds a sheet; None where the workbook's own index is unusual."""
    try:
        sheets = attributes_of(archive, "xl/workbook.xml", "sheet")
        links = attributes_of(archive, "xl/_rels/workbook.xml.rels", "Relationship")
    except (KeyError, expat.ExpatError):
        return None
    # `r:id` and `sheetId` end alike once the prefix is cut off: "id" is the link.
    link = next((s.get("id") for s in sheets if s.get("name") == sheet), None)
    target = next((r["Target"] for r in links if r.get("Id") == link), None)
    if target is None:
        return None
    part = posixpath.normpath(posixpath.join("xl", target)).lstrip("/")
    return part if part in archive.namelist() else None


def padded_styles(archive: zipfile.ZipFile) -> dict[str, int]:
    """Styles whose number format is only zeros (00000), and how many."""
    try:
        text = archive.read("xl/styles.xml").decode("utf-8", errors="replace")
    except KeyError:
        return {}
    formats = {
        style["numFmtId"]: style["formatCode"]
        for style in attributes_of(archive, "xl/styles.xml", "numFmt")
        if re.fullmatch("0{2,}", style.get("formatCode", ""))
    }
    block = re.search(r"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", text, re.DOTALL)
    styles = re.findall(r"<(?:\w+:)?xf\b[^>]*>", block.group() if block else "")
    widths: dict[str, int] = {}
    for index, style in enumerate(styles):
        number = re.search(r'numFmtId="(\d+)"', style)
        if number and number[1] in formats:
            widths[str(index)] = len(formats[number[1]])
    return widths


def sheets_by_scan(path: str) -> dict[str, dict[str, Any]]:
    """Scan every sheet; one that must not be read says so under "refused"."""
    scans = {}
    for sheet in index_of(path):
        name = sheet.get("name", "")
        try:
            scans[name] = scan(path, name)
        except RefusedError as error:
            scans[name] = {"refused": str(error), "rows": 0, "columns": 0}
        scans[name]["hidden"] = sheet.get("state", "visible") != "visible"
    return scans


def sheets_by_reader(reader: Any) -> dict[str, dict[str, Any]]:
    """The same from the native reader, for workbooks that are not zip files."""
    scans = {}
    for name in reader.sheet_names:
        sheet = reader.load_sheet(name, header_row=None, dtypes="string", n_rows=0)
        hidden = sheet.visible != "visible"
        size = {"rows": sheet.total_height, "columns": sheet.width}
        scans[name] = {**size, "hidden": hidden}
    return scans


def answer(path: str, folder: Path, sheet: str | None) -> dict[str, Any]:
    """List the sheets, or scan one; the sheet itself goes into a file."""
    import fastexcel

    scans = sheets_by_scan(path) if zipfile.is_zipfile(path) else {}
    reader = fastexcel.read_excel(path)
    if not any("rows" in one for one in scans.values()):
        scans = sheets_by_reader(reader)
    sheets = [
        {"name": name, **{key: one.get(key, 0) for key in ("rows", "columns")}}
        | {"hidden": one["hidden"]}
        for name, one in scans.items()
    ]
    if sheet is None:
        return {"sheets": sheets}
    name = sheet or first_filled(scans)
    if name not in reader.sheet_names:
        names = ", ".join(map(repr, reader.sheet_names))
        raise RefusedError(f"has no sheet {name!r}; name one of: {names}")
    if "refused" in scans[name]:
        raise RefusedError(scans[name]["refused"])
    content = reader.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
    content.to_polars().write_ipc(folder / "sheet.arrow")
    return {**scans[name], "sheets": sheets, "sheet": name, "epoch": epoch(path)}


def epoch(path: str) -> str:
    """The day that the native reader gives to a time of day."""
    if not zipfile.is_zipfile(path):
        return "1899-12-31"
    with zipfile.ZipFile(path) as archive:
        try:
            settings = attributes_of(archive, "xl/workbook.xml", "workbookPr")
        except (KeyError, expat.ExpatError):
            settings = []
    since_1904 = any(s.get("date1904") in {"1", "true"} for s in settings)
    return "1904-01-01" if since_1904 else "1899-12-31"


def first_filled(scans: dict[str, dict[str, Any]]) -> str:
    """The first visible sheet with cells, else the first one."""
    visible = [name for name, one in scans.items() if not one["hidden"]]
    filled = [n for n in visible if scans[n].get("rows") or "refused" in scans[n]]
    return [*filled, *visible, *scans][0]


def index_of(path: str) -> list[dict[str, str]]:
    """The sheets, as the workbook's index lists them."""
    with zipfile.ZipFile(path) as archive:
        try:
            check_start(archive, "xl/workbook.xml")
            return attributes_of(archive, "xl/workbook.xml", "sheet")
        except (KeyError, expat.ExpatError):
            return []


def main(path: str, folder: str, sheet: str | None = None) -> None:
    """Write the answer, or why there is none."""
    limit()
    target = Path(folder)
    try:
        result = answer(path, target, sheet)
    except RefusedError as error:
        result = {"refused": str(error)}
    except MemoryError:
        result = {"refused": "needs more than 2 GB of memory; export CSV instead"}
    except Exception as error:  # a native reader's own errors have no common class
        result = {"failed": str(error).splitlines()[0][:300]}
    (target / "answer.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:4])
