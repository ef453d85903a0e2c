"""From a grid to the table: each step takes out rows that are not its own."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from icp.ingest.readers.grid import LAST, Draft, line_list, plural
from icp.ingest.readers.header import name_columns, take_header
from icp.ingest.readers.not_rows import (
    report_misfits,
    take_footer,
    take_other_tables,
    take_repeated_headers,
    take_rules,
    take_totals,
    take_unlabelled_total,
)
from icp.ingest.readers.repair import place_odd_rows
from icp.ingest.result import LINE, RawTable, SourceReport

if TYPE_CHECKING:
    from typing import Literal

    from icp.ingest.readers.grid import Grid, Notes
    from icp.ingest.readers.header import Header
    from icp.ingest.readers.options import ReadOptions
    from icp.ingest.result import SheetInfo

_ESCAPED = re.compile(r'^="([^"]*)"$')
#: Row counts at which well-known exports stop, and whose limit it is.
_LIMITS = {
    2_000: "the limit of a Salesforce report on screen",
    100_000: "the limit of a formatted Salesforce export",
    65_535: "the limit of an old Excel sheet (.xls)",
    1_048_575: "the limit of an Excel sheet",
    1_048_576: "the limit of an Excel sheet",
}


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a grid came from."""

    data: bytes
    kind: Literal["csv", "excel", "html"]
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    sheets: tuple[SheetInfo, ...] = ()
    #: Lines that only declare the separator.
    declared: int = 0


def build_table(
    grid: Grid, origin: Origin, notes: Notes, options: ReadOptions, /
) -> RawTable:
    """Find the table in a grid and account for every line.

    Raises:
        SourceError: no row is left, or `options.strict` and there is a finding.
    """
    draft = Draft(grid, notes, options)
    draft.exclude_lines(range(1, origin.declared + 1), "preamble")
    header = take_header(draft)
    _take_the_rest(draft, header)
    rows, ledger, original = draft.finish()
    if not rows.height:
        raise _no_rows(draft, header)
    labels = [_ESCAPED.sub(r"\1", label) for label in header.labels]
    lettered = not any(label.strip() for label in labels)
    table = name_columns(_unescaped(rows, notes), labels, notes, lettered=lettered)
    _check_count(rows.height, notes)
    frame = table.frame
    report = SourceReport(
        file=notes.file,
        sheet=notes.sheet,
        kind=origin.kind,
        sha256=hashlib.sha256(origin.data).hexdigest(),
        size=len(origin.data),
        ledger=ledger,
        columns=tuple(name for name in frame.columns if name != LINE),
        findings=notes.findings,
        encoding=origin.encoding,
        delimiter=origin.delimiter,
        quote=origin.quote,
        header_line=header.line,
        sheets=origin.sheets,
        excluded=(*draft.excluded, *table.beside),
    )
    if options.strict:
        notes.refuse_any()
    return RawTable(
        frame=frame,
        report=report,
        quarantined=tuple(draft.quarantined),
        original=original,
    )


def _unescaped(rows: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    """Values such as `="0012"`, written so that a spreadsheet keeps their zeros."""
    cells = pl.all().exclude(LINE, LAST)
    likely = rows.filter(pl.any_horizontal(cells.str.starts_with('="')))
    escaped = likely.filter(pl.any_horizontal(cells.str.contains(_ESCAPED.pattern)))
    if escaped.is_empty():
        return rows
    notes.note(
        "escaped-text",
        f'values written as ="..." for a spreadsheet on {line_list(escaped[LINE])}; '
        "these characters were removed",
        lines=escaped[LINE].to_list(),
    )
    plain = cells.str.replace(_ESCAPED.pattern, "${1}").replace("", None)
    return rows.with_columns(plain)


def _take_the_rest(draft: Draft, header: Header) -> None:
    take_repeated_headers(draft, header)
    take_rules(draft)
    take_other_tables(draft)
    take_totals(draft)
    take_footer(draft)
    take_unlabelled_total(draft)
    shapes = draft.shapes()
    place_odd_rows(draft, shapes)
    report_misfits(draft, shapes)


def _no_rows(draft: Draft, header: Header) -> Exception:
    names = ", ".join(repr(label.strip()) for label in header.labels[:8])
    rows = plural(len(draft.quarantined), "row")
    if draft.quarantined:
        return draft.notes.stop(
            "row-count",
            f"no row could be read; {rows} quarantined",
            action="name the separator (delimiter=...) or export it again",
        )
    return draft.notes.stop(
        "row-count",
        f"has column names ({names}) but no data rows below line {header.line}",
        action="export it again and check that the export holds rows",
    )


def _check_count(rows: int, notes: Notes) -> None:
    if limit := _LIMITS.get(rows):
        notes.ask(
            "row-count",
            f"exactly {rows:,} rows: {limit}",
            action="check that the export is complete",
        )
