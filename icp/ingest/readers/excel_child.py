"""Reads one sheet of a workbook in a process of its own, as text.

Run as a script by `icp.ingest.readers.excel`: a workbook can make the native reader
abort the whole process, so it never runs in ours. Takes the workbook's path, the folder
for the answer and the sheet's name ("" for the first visible one, "*" to only list the
sheets); writes `answer.json` and `sheet.arrow` there. Imports nothing of `icp`, which
keeps its start short and its memory small.
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
LISTED = 10
MAX_DIGITS = 15


class RefusedError(Exception):
    """The workbook must not be given to the native reader."""


def limit() -> None:
    """Bound this process's memory and time, where the system can."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


class SheetScan:
    """What a sheet's XML says that the native reader keeps to itself."""

    def __init__(self, name: str, padded: dict[int, int]) -> None:
        self._name = name
        self._padded_styles = padded
        self._row = 0
        self._column = 0
        self._cell: dict[str, str] = {}
        self._formula = self._content = self._in_value = False
        self._text = ""
        self.first_column = MAX_COLUMNS
        self.last = (0, 0)
        self.uncalculated: list[str] = []
        self.errors: list[str] = []
        self.rounded: list[str] = []
        self.padded: list[tuple[str, int]] = []
        self.merged: list[str] = []
        self.hidden_rows = 0
        self.hidden_columns: list[str] = []
        self.counts = {"uncalculated": 0, "errors": 0, "rounded": 0}

    def read(self, stream: Any) -> None:
        """Stream the sheet's XML once.

        Raises:
            RefusedError: a document type, or a cell too far out.
        """
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = refuse_doctype
        try:
            parser.ParseFile(stream)
        except expat.ExpatError as error:
            raise RefusedError(
                f"sheet {self._name!r} is damaged (line {error.lineno} of its XML); "
                "open it in Excel and save it again"
            ) from None

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "c":
            self._start_cell(attributes)
        elif tag == "v":
            self._in_value = True
        elif tag == "f":
            self._formula = True
        elif tag == "is":
            self._content = True
        elif tag == "row":
            self._row = int(attributes.get("r", self._row + 1))
            self._column = 0
            self.hidden_rows += attributes.get("hidden") in {"1", "true"}
        elif tag == "mergeCell":
            self.merged.append(attributes.get("ref", ""))
        elif tag == "col" and attributes.get("hidden") in {"1", "true"}:
            self.hidden_columns.append(f"{attributes['min']}:{attributes['max']}")

    def _start_cell(self, attributes: dict[str, str]) -> None:
        reference = attributes.get("r", "")
        self._column = column_of(reference) if reference else self._column + 1
        self._cell = attributes
        self._formula = self._content = False
        self._text = ""

    def _characters(self, text: str) -> None:
        if self._in_value:
            self._text += text

    def _end(self, tag: str) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "v":
            self._in_value = False
        elif tag == "c":
            self._end_cell()

    def _end_cell(self) -> None:
        if self._formula and not self._text:
            self._list("uncalculated")
        if not (self._text or self._content):
            return
        self._check_distance()
        kind = self._cell.get("t", "n")
        if kind == "e":
            self._list("errors")
        elif kind == "n":
            self._check_number()

    def _check_number(self) -> None:
        digits = self._text.lstrip("-")
        if len(digits) > MAX_DIGITS and digits.isdigit():
            self._list("rounded")
        width = self._padded_styles.get(int(self._cell.get("s", 0)), 0)
        if width and digits == self._text and digits.isdigit() and len(digits) < width:
            self.padded.append((self._reference, width))

    def _check_distance(self) -> None:
        self.first_column = min(self.first_column, self._column)
        self.last = (max(self.last[0], self._row), max(self.last[1], self._column))
        rows, columns = self.last
        too_far = rows > MAX_ROWS or columns > MAX_COLUMNS
        if too_far or rows * columns > MAX_CELLS:
            raise RefusedError(
                f"sheet {self._name!r} claims {rows * columns:,} cells (limit "
                f"{MAX_CELLS:,}); its last cell is {self._reference}: delete the rows "
                "or columns beyond the table and save it again"
            )

    def _list(self, what: str) -> None:
        self.counts[what] += 1
        listed: list[str] = getattr(self, what)
        if len(listed) < LISTED:
            listed.append(self._reference)

    @property
    def _reference(self) -> str:
        return f"{column_name(self._column)}{self._row}"

    def answer(self) -> dict[str, Any]:
        """Everything found, as plain values."""
        return {
            "first_column": min(self.first_column, self.last[1] or 1),
            "uncalculated": self.uncalculated,
            "errors": self.errors,
            "rounded": self.rounded,
            "counts": self.counts,
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
        found = SheetScan(sheet, padded_styles(archive))
        with archive.open(sheet_part) as stream:
            found.read(stream)
    return found.answer()


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
    found: list[dict[str, str]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] == tag:
            found.append({k.rpartition(":")[2]: v for k, v in attributes.items()})

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.Parse(archive.read(part), True)  # noqa: FBT003 - expat's own signature
    return found


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


def padded_styles(archive: zipfile.ZipFile) -> dict[int, int]:
    """Styles whose number format is only zeros (00000), and how many."""
    try:
        text = archive.read("xl/styles.xml").decode("utf-8", errors="replace")
    except KeyError:
        return {}
    formats = dict(re.findall(r'numFmtId="(\d+)" formatCode="(0{2,})"', text))
    block = re.search(r"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", text, re.DOTALL)
    styles = re.findall(r"<(?:\w+:)?xf\b[^>]*>", block.group() if block else "")
    widths: dict[int, int] = {}
    for index, style in enumerate(styles):
        number = re.search(r'numFmtId="(\d+)"', style)
        if number and number[1] in formats:
            widths[index] = len(formats[number[1]])
    return widths


def sizes(reader: Any) -> list[dict[str, Any]]:
    """Name, size and visibility of every sheet."""
    found = []
    for name in reader.sheet_names:
        sheet = reader.load_sheet(name, header_row=None, dtypes="string", n_rows=0)
        found.append(
            {
                "name": name,
                "rows": sheet.total_height,
                "columns": sheet.width,
                "hidden": sheet.visible != "visible",
            }
        )
    return found


def answer(path: str, folder: Path, sheet: str) -> dict[str, Any]:
    """Do what was asked; the sheet itself goes into a file."""
    import fastexcel

    zipped = zipfile.is_zipfile(path)
    names = names_of(path) if zipped else []
    scans = {name: scan(path, name) for name in names} if sheet == "*" else {}
    if sheet not in {"", "*"} and names:
        scans[sheet] = scan(path, sheet)
    elif not sheet and names:
        scans = {name: scan(path, name) for name in names}
    reader = fastexcel.read_excel(path)
    sheets = sizes(reader)
    if sheet == "*":
        return {"sheets": sheets}
    visible = [s["name"] for s in sheets if not s["hidden"]] or reader.sheet_names
    filled = [s["name"] for s in sheets if s["rows"] and s["name"] in visible]
    wanted = sheet or (filled or visible)[0]
    if wanted not in reader.sheet_names:
        listed = ", ".join(repr(name) for name in reader.sheet_names)
        raise RefusedError(f"has no sheet {wanted!r}; name one of: {listed}")
    loaded = reader.load_sheet(wanted, header_row=None, skip_rows=0, dtypes="string")
    loaded.to_polars().write_ipc(folder / "sheet.arrow")
    return {"sheets": sheets, "sheet": wanted, **scans.get(wanted, {})}


def names_of(path: str) -> list[str]:
    """Names of the sheets, as the workbook's index lists them."""
    with zipfile.ZipFile(path) as archive:
        try:
            found = attributes_of(archive, "xl/workbook.xml", "sheet")
        except (KeyError, expat.ExpatError):
            return []
    return [sheet.get("name", "") for sheet in found]


def main(path: str, folder: str, sheet: str) -> None:
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
