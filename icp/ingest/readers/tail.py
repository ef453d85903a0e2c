"""Rows that are not customers: footers, repeated headers, further tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from icp.ingest.readers.grid import LAST, Record, as_records
from icp.ingest.readers.header import header_evidence
from icp.ingest.readers.notes import line_list
from icp.ingest.readers.shapes import shapes_of
from icp.ingest.readers.totals import is_surely_total
from icp.ingest.result import LINE

if TYPE_CHECKING:
    from icp.ingest.readers.draft import Draft
    from icp.ingest.readers.header import Header

__all__ = [
    "take_footer",
    "take_other_tables",
    "take_repeated_headers",
    "take_rules",
]

_FOOTER = re.compile(
    r"copyright\b|©|\(c\) ?\d{4}|confidential information|all rights reserved"
    r"|do not distribute|generated (?:by|on|at)\b|report (?:generated|run|date)\b"
    r"|exported (?:by|on|from)\b|as of \d|end of (?:report|file)|page \d+ of"
    r"|\(?\d[\d,]* (?:rows?|records?)\)?(?: (?:affected|returned|selected|exported))?$",
    re.IGNORECASE,
)
_RULE = r"^\s*[:+|]?[-=_~+]{3,}[:+|]?\s*$"
#: How many rows are looked at to know a further table.
_LOOK = 200


def take_footer(draft: Draft, /) -> None:
    """Set aside the lines below the table that only say who exported it."""
    records = _tail(draft)
    footer: list[Record] = []
    for record in reversed(records):
        known = _FOOTER.search(" ".join(record.cells)) and _is_thin(draft, record)
        if not (known or _is_thin(draft, record)):
            break
        footer.append(record)
    footer = _really_footer(draft, footer[::-1])
    footer = [record for record in footer if not is_surely_total(record)]
    if not footer:
        return
    draft.set_aside(footer, "footer")
    lines = [record.line for record in footer]
    draft.notes.note(
        "footer",
        f"{line_list(lines)} below the table "
        f"{'is' if len(lines) == 1 else 'are'} a footer and no customer; set aside",
        lines=lines,
    )


def _tail(draft: Draft) -> list[Record]:
    last = as_records(draft.rows.tail(30))
    odd = draft.odd[-30:]
    return sorted([*last, *odd], key=lambda record: record.line)[-30:]


def _is_thin(draft: Draft, record: Record) -> bool:
    """One value (two in a wide table), where the table has four columns or more."""
    allowed = 1 if draft.width < 8 else 2
    if draft.width < 4:
        joined = " ".join(record.cells)
        return record.filled <= 1 and bool(_FOOTER.search(joined))
    return record.filled <= allowed and not record.problem


def _really_footer(draft: Draft, thin: list[Record]) -> list[Record]:
    """Thin rows are a footer from the first known phrase or blank line on."""
    for place, record in enumerate(thin):
        known = _FOOTER.search(" ".join(record.cells))
        after_blank = record.line - 1 in draft.blank
        if known or after_blank:
            return thin[place:]
    return []


def take_repeated_headers(draft: Draft, header: Header, /) -> None:
    """Set aside rows that say the column names once more."""
    if not header.records:
        return
    again = _same_cells(draft, header.records[-1])
    if not again:
        return
    draft.set_aside(again, "header")
    lines = [record.line for record in again]
    draft.notes.note(
        "header",
        f"the header is repeated on {line_list(lines)}; set aside",
        lines=lines,
    )


def _same_cells(draft: Draft, record: Record) -> list[Record]:
    cells = record.cells
    odd = [other for other in draft.odd if other.cells == cells]
    if len(cells) != draft.width or not any(cells):
        return odd
    same = pl.all_horizontal(
        pl.col(str(index)).eq_missing(pl.lit(cell or None, dtype=pl.String))
        for index, cell in enumerate(cells)
    )
    return [*as_records(draft.rows.filter(same)), *odd]


def take_rules(draft: Draft, /) -> None:
    """Set aside rows that only draw a line (`----`), as printed tables have them."""
    cells = pl.all().exclude(LINE, LAST)
    drawn = cells.is_null() | cells.str.contains(_RULE)
    rows = as_records(draft.rows.filter(pl.all_horizontal(drawn)))
    pattern = re.compile(_RULE)
    rows += [r for r in draft.odd if r.filled and all(map(pattern.search, r.cells))]
    if not rows:
        return
    draft.set_aside(rows, "header")
    lines = [record.line for record in rows]
    draft.notes.note(
        "header", f"nothing but dashes on {line_list(lines)}; set aside", lines=lines
    )


def take_other_tables(draft: Draft, /) -> None:
    """Set aside a further table that begins below a blank line."""
    for start in _starts(draft):
        if not _is_table(draft, _block(draft, start, count=_LOOK)):
            continue
        block = _block(draft, start, count=draft.grid.lines)
        draft.set_aside(block, "other_table")
        names = ", ".join(repr(cell.strip()) for cell in start.cells if cell.strip())
        last = block[-1].last_line
        draft.notes.ask(
            "other-table",
            f"a second table starts here ({names}) and goes to line {last:,}; "
            "it was set aside",
            lines=[start.line],
            count=len(block),
            action="save it as a file of its own if you need it",
        )


def _starts(draft: Draft) -> list[Record]:
    """First rows below a blank line, at most two hundred."""
    gaps = (
        draft.rows.sort(LINE).filter(pl.col(LINE) > pl.col(LAST).shift(1) + 1).head(200)
    )
    records = sorted(
        [*as_records(gaps), *draft.odd[:2000]], key=lambda record: record.line
    )
    return [
        record
        for record in records
        if record.filled >= 2 and record.line - 1 in draft.blank
    ]


def _block(draft: Draft, start: Record, *, count: int) -> list[Record]:
    """From the start to the next row of the main table, or to the end."""
    records = draft.records(first=start.line, count=count)
    if not records or records[0].line != start.line:
        return []
    if len(start.cells) == draft.width:
        return records
    regular = (r.line for r in records if len(r.cells) == draft.width)
    end = next(regular, None)
    return [r for r in records if end is None or r.line < end]


def _is_table(draft: Draft, block: list[Record]) -> bool:
    if not block:
        return False
    start, rest = block[0], block[1:]
    width = len(start.cells)
    alike = [r for r in rest if len(r.cells) == width and not r.problem]
    if width != draft.width:
        return len(alike) >= 1 and len(alike) * 2 >= len(rest)
    own = shapes_of([r.cells for r in alike], width=width)
    if len(alike) < 1 or header_evidence(start.cells, own) < 2:
        return False
    above = as_records(draft.rows.filter(pl.col(LINE) < start.line).tail(200))
    main = shapes_of([r.cells for r in above], width=width)
    misfits = sum(
        1 for cell, shape in zip(start.cells, main, strict=True) if not shape.fits(cell)
    )
    return misfits >= 2
