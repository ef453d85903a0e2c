"""Workbooks: read as text by a child process, then laid out like any other table."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from icp.ingest.readers.content import check_zip, protection
from icp.ingest.readers.grid import (
    LAST,
    Grid,
    Notes,
    amount,
    cell_columns,
    letter,
    line_list,
    plural,
)
from icp.ingest.readers.table import Origin, build_table
from icp.ingest.result import LINE, SheetInfo

if TYPE_CHECKING:
    from typing import Literal

    from icp.errors import SourceError
    from icp.ingest.readers.options import ReadOptions
    from icp.ingest.result import RawTable

_CHILD = Path(__file__).with_name("excel_child.py")
#: The child bounds its own processor time; this is for one that hangs.
_PATIENCE = 900
#: What the child counts: level, code, noun, remark and action of the finding.
_UNREADABLE = {
    "uncalculated": (
        "ask",
        "missing-cell",
        "formula",
        "without a stored value came in empty",
        "open the workbook in Excel, let it calculate, and save it again",
    ),
    "errors": (
        "note",
        "type-error",
        "formula error",
        "(such as #N/A) came in empty",
        "",
    ),
    "rounded": (
        "ask",
        "deviated-value",
        "number",
        "of over 15 digits already rounded by Excel",
        "export these columns as text",
    ),
}
_AGAIN = "open it in Excel and save it again as .xlsx, or export CSV"


def read_workbook(
    data: bytes, kind: Literal["xlsx", "xls"], notes: Notes, options: ReadOptions, /
) -> RawTable:
    """Read one sheet of a workbook; every cell arrives as text, dates as ISO.

    Raises:
        SourceError: damaged, protected, too large, or without such a sheet.
    """
    with tempfile.TemporaryDirectory() as folder:
        answer = _ask_child(data, kind, options.sheet or "", Path(folder), notes)
        frame = pl.read_ipc(Path(folder) / "sheet.arrow")
    notes.sheet = answer["sheet"]
    sheets = _sheets(answer)
    if not frame.height or not frame.width:
        raise notes.stop("source-error", "is empty", action="name another sheet")
    left = answer.get("first_column", 1) - 1
    frame = _from_column_a(frame, left)
    frame = _with_leading_zeros(frame, answer.get("padded", []), notes)
    frame = _with_merged(frame, answer.get("merged", []), notes)
    frame = frame.select(_time_of_day(name, answer["epoch"]) for name in frame.columns)
    _report_answer(answer, sheets, notes, is_choice=options.sheet is not None)
    origin = Origin(data=data, kind="excel", sheets=sheets)
    return build_table(_grid(frame), origin, notes, options)


def sheets_of(
    data: bytes, kind: Literal["xlsx", "xls"], notes: Notes, /
) -> tuple[SheetInfo, ...]:
    """The sheets of a workbook, with their sizes.

    Raises:
        SourceError: the workbook cannot be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        return _sheets(_ask_child(data, kind, None, Path(folder), notes))


def _ask_child(
    data: bytes, kind: str, sheet: str | None, folder: Path, notes: Notes
) -> dict[str, Any]:
    """Have the workbook read by a process that may die; None lists its sheets."""
    if kind == "xlsx":
        check_zip(data, notes)
    workbook = folder / f"workbook.{kind}"
    workbook.write_bytes(data)
    # -P keeps this folder, whose modules have everyday names, off the child's path.
    command = [sys.executable, "-P", str(_CHILD), str(workbook), str(folder)]
    command += [] if sheet is None else [sheet]
    try:
        process = subprocess.run(
            command, capture_output=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        remark = f"could not be read within {_PATIENCE} s"
        raise notes.stop("source-error", remark, action=_AGAIN) from None
    path = folder / "answer.json"
    if not path.exists():
        raise notes.stop("source-error", _death(process.returncode), action=_AGAIN)
    answer: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if "refused" in answer:
        raise notes.stop("source-error", answer["refused"])
    if "failed" in answer:
        raise _failure(answer["failed"], notes)
    return answer


def _death(code: int) -> str:
    """Why a child died without an answer."""
    if code == -getattr(signal, "SIGXCPU", 0) and code:
        return "takes too much of the processor's time to read"
    return "makes the reader fail"


def _failure(message: str, notes: Notes) -> SourceError:
    if "password" in message.lower():
        return protection(notes)
    return notes.stop(
        "format-error", f"is no readable workbook ({message})", action=_AGAIN
    )


def _sheets(answer: dict[str, Any]) -> tuple[SheetInfo, ...]:
    return tuple(SheetInfo(**sheet) for sheet in answer["sheets"])


def _from_column_a(frame: pl.DataFrame, left: int) -> pl.DataFrame:
    """Empty columns left of the first filled one, so that letters are Excel's own."""
    names = (str(i + left) for i in range(frame.width))
    frame = frame.rename(dict(zip(frame.columns, names, strict=True)))
    empty = [pl.lit(None, dtype=pl.String).alias(str(i)) for i in range(left)]
    return frame.select(*empty, *frame.columns).select(
        pl.all().cast(pl.String).replace("", None)
    )


def _with_leading_zeros(
    frame: pl.DataFrame, padded: list[list[Any]], notes: Notes
) -> pl.DataFrame:
    """Numbers shown as 02139 by their format 00000 get their zeros back."""
    by_column: dict[str, dict[int, int]] = {}
    for reference, width in padded:
        name = reference.rstrip("0123456789")
        by_column.setdefault(name, {})[int(reference[len(name) :])] = width
    for name, rows in by_column.items():
        column = _index_of(name)
        cells = frame[str(column)].to_list()
        for row, width in rows.items():
            cells[row - 1] = (cells[row - 1] or "").zfill(width)
        frame = frame.with_columns(pl.Series(str(column), cells, dtype=pl.String))
        notes.note(
            "leading-zero",
            f"{plural(len(rows), 'number')} with a format of zeros; "
            "the leading zeros Excel shows were restored",
            lines=list(rows),
            column=name,
        )
    return frame


def _with_merged(frame: pl.DataFrame, merged: list[str], notes: Notes) -> pl.DataFrame:
    """A cell merged over several rows stands in each of them, not just the first."""
    repeated: list[tuple[int, str]] = []
    columns: dict[int, list[str | None]] = {}
    for reference in merged:
        first, last = (_place(cell) for cell in reference.split(":"))
        row, column = first
        if last[0] == row or column >= frame.width or row >= frame.height:
            continue
        cells = columns.setdefault(column, frame[str(column)].to_list())
        value = cells[row] or ""
        for place in range(row + 1, min(last[0] + 1, frame.height)) if value else ():
            cells[place] = value
            repeated.append((place + 1, value))
    report_repeated(repeated, notes)
    return frame.with_columns(
        pl.Series(str(column), cells, dtype=pl.String)
        for column, cells in columns.items()
    )


def _place(reference: str) -> tuple[int, int]:
    """0-based row and column of a cell."""
    name = reference.rstrip("0123456789")
    return int(reference[len(name) :]) - 1, _index_of(name)


def _index_of(name: str) -> int:
    index = 0
    for ch in name:
        index = index * 26 + ord(ch) - 64
    return index - 1


def report_repeated(repeated: list[tuple[int, str]], notes: Notes, /) -> None:
    """Report values (line, text) that were repeated in rows that one cell covered.

    A number may be meant for all of these rows together, so it is asked about.
    """
    if not repeated:
        return
    lines = [line for line, _ in repeated]
    numbers = any(amount(value) is not None for _, value in repeated)
    add = notes.ask if numbers else notes.note
    add(
        "merged-cells",
        f"{plural(len(lines), 'value')} of merged cells repeated in the rows they "
        f"cover: {line_list(lines)}",
        lines=lines,
        action="check whether a number is each row's own" if numbers else "",
    )


def _time_of_day(name: str, epoch: str) -> pl.Expr:
    """A time or a duration below a day, which the reader gives the day zero."""
    text = pl.col(name)
    return (
        pl.when(text.str.starts_with(f"{epoch} "))
        .then(text.str.strip_prefix(f"{epoch} "))
        .otherwise(text)
        .alias(name)
    )


def _grid(frame: pl.DataFrame) -> Grid:
    width = frame.width
    lines = pl.Series(LINE, range(1, frame.height + 1), dtype=pl.Int64)
    rows = frame.with_columns(lines, lines.alias(LAST))

    def raw(first: int, last: int) -> str:
        rows = frame.slice(first - 1, last - first + 1).fill_null("").rows()
        return "\n".join("\t".join(cells).rstrip("\t") for cells in rows)

    return Grid(width=width, rows=rows, lines=frame.height, raw=raw)


def grid_of_rows(rows: list[list[str]], /) -> Grid:
    """Rows of cells with borders of their own (an HTML table) as a grid."""
    width = max(map(len, rows))
    filled = [[*row, *[""] * (width - len(row))] for row in rows]
    columns = zip(cell_columns(width), zip(*filled, strict=True), strict=True)
    frame = pl.DataFrame({name: pl.Series(name, cells) for name, cells in columns})
    return _grid(frame.select(pl.all().replace("", None)))


def _report_answer(
    answer: dict[str, Any],
    sheets: tuple[SheetInfo, ...],
    notes: Notes,
    *,
    is_choice: bool,
) -> None:
    _report_sheets(sheets, notes, is_choice=is_choice)
    counts = answer.get("counts", {})
    for fault, (level, code, noun, remark, action) in _UNREADABLE.items():
        if count := counts.get(fault):
            add = notes.ask if level == "ask" else notes.note
            add(
                code,
                f"{plural(count, noun)} {remark}: {', '.join(answer[fault])}",
                lines=_rows(answer[fault]),
                count=count,
                action=action,
            )
    _report_hidden(answer, notes)


def _rows(references: list[str]) -> list[int]:
    return [int(r.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")) for r in references]


def _report_sheets(
    sheets: tuple[SheetInfo, ...], notes: Notes, *, is_choice: bool
) -> None:
    others = [sheet for sheet in sheets if sheet.name != notes.sheet]
    if not others or is_choice:
        return
    names = ", ".join(
        f"{s.name!r} ({s.rows:,} x {s.columns}{', hidden' if s.hidden else ''})"
        for s in others
    )
    notes.note(
        "sheets",
        f"{plural(len(others), 'other sheet')} not read: {names}",
        count=len(others),
        action="name another sheet (sheet=...) if you need it",
    )


def _report_hidden(answer: dict[str, Any], notes: Notes) -> None:
    if rows := answer.get("hidden_rows"):
        notes.note(
            "hidden", f"{plural(rows, 'hidden row')} read like the others", count=rows
        )
    spans = [span.split(":") for span in answer.get("hidden_columns", [])]
    names = [
        letter(int(first) - 1)
        if first == last
        else f"{letter(int(first) - 1)} to {letter(int(last) - 1)}"
        for first, last in spans
    ]
    if names:
        notes.note("hidden", f"hidden columns read like the others: {', '.join(names)}")
