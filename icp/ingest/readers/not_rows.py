"""Rows that are not customers: totals, footers, repeated headers, further tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from icp.ingest.readers.grid import (
    LAST,
    Record,
    amount,
    as_records,
    cell_columns,
    line_list,
    shapes_of,
)
from icp.ingest.readers.header import LABEL_WORDS, header_evidence, looks_like_labels
from icp.ingest.result import LINE

if TYPE_CHECKING:
    from icp.ingest.readers.grid import Draft, Shape
    from icp.ingest.readers.header import Header

_STRONG_TOTAL = re.compile(
    r"(?:sub[ -]?totals?|grand[ -]?totals?|gesamtsumme|zwischensumme|endsumme"
    r"|gesamtergebnis|teilergebnis"
    r"|sous[ -]total|total g[eé]n[eé]ral|subtotaal|eindtotaal)\b.{0,40}",
    re.IGNORECASE,
)
_WEAK_TOTAL = re.compile(
    r"(?:totals?|sum|summe|gesamt|insgesamt|suma|totale|totaal|итого|合計|average|mean)"
    r" ?(?:\([^)]{0,30}\))? ?:?",
    re.IGNORECASE,
)
#: "EU Total", "Total for Retail": companies are called so too, hence only by sums.
_NAMED_TOTAL = re.compile(
    r".{1,60}[ :-](?:totals?|summe|ergebnis|gesamt|totaal|totale)"
    r"|(?:totals?|summe|ergebnis|gesamt|totaal|totale)[ :-].{1,60}",
    re.IGNORECASE,
)
_LABEL_COLUMNS = 3
_BLOCK = 3
#: With more labelled totals than this their sums are not checked.
_MAX_SUMS = 100
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
_ENOUGH = 2
_FEW = 3
_FULL = 4
_MANY = 2_000


def take_repeated_headers(draft: Draft, header: Header, /) -> None:
    """Exclude rows that repeat the column names."""
    if header.records:
        repeats = _same_cells(draft, header.records[-1])
        draft.exclude(repeats, "header", "the header is repeated on {lines}; excluded")


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
    """Exclude rows that only draw a line (`----`), as printed tables have them."""
    cells = pl.all().exclude(LINE, LAST)
    is_line = cells.is_null() | cells.str.contains(_RULE)
    rows = as_records(draft.rows.filter(pl.all_horizontal(is_line)))
    pattern = re.compile(_RULE)
    rows += [r for r in draft.odd if r.filled and all(map(pattern.search, r.cells))]
    draft.exclude(rows, "header", "nothing but dashes on {lines}; excluded")


def take_other_tables(draft: Draft, /) -> None:
    """Exclude a further table that begins below a blank line."""
    for start in _starts(draft):
        if not _is_table(draft, _block(draft, start, count=_LOOK)):
            continue
        block = _block(draft, start, count=draft.grid.lines)
        draft.exclude(block, "other_table")
        names = ", ".join(repr(cell.strip()) for cell in start.cells if cell.strip())
        last = block[-1].last_line
        draft.notes.ask(
            "other-table",
            f"a second table starts here ({names}) and goes to line {last:,}; "
            "it was excluded",
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


def take_totals(draft: Draft, /) -> None:
    """Exclude totals: by their label, and checked against the sums above them."""
    rows, by_sum = _totals_by_label(draft)
    totals = [r for r in draft.odd if r.filled and is_surely_total(r)] + by_sum
    unsure: list[Record] = []
    for record in rows:
        many = len(rows) > _MAX_SUMS
        check = "none" if many else _sum_check(draft, record, [*rows, *by_sum])
        strong, thin = is_surely_total(record), _is_sparse(draft, record)
        if check == "equal" or (strong and thin) or (thin and check == "none"):
            totals.append(record)
            if check == "different":
                unsure.append(record)
        else:
            _ask_about_total(draft, record)
    _report_totals(draft, totals, unsure)
    take_unlabelled_total(draft)


def is_surely_total(record: Record, /) -> bool:
    """Whether a row is labelled with a word that only totals have."""
    return _label(record, _STRONG_TOTAL)


def _label(record: Record, pattern: re.Pattern[str]) -> bool:
    cells = [cell.strip() for cell in record.cells[:_LABEL_COLUMNS]]
    return any(pattern.fullmatch(cell) for cell in cells if cell)


def _is_sparse(draft: Draft, record: Record) -> bool:
    """Whether a row holds no more than a total would."""
    return record.filled <= max(2, _typical_fill(draft) / 2)


def _ask_about_total(draft: Draft, record: Record) -> None:
    draft.notes.ask(
        "totals",
        "looks like a total, but its numbers are not the sums above it; "
        "it was kept as a row",
        lines=[record.line],
        action="remove the line from the file if it is a total",
    )


def _report_totals(draft: Draft, rows: list[Record], unsure: list[Record]) -> None:
    draft.exclude(rows, "totals", "totals on {lines} are not customers; excluded")
    if unsure:
        wrong = [record.line for record in unsure]
        draft.notes.ask(
            "totals",
            f"totals on {line_list(wrong)} differ from the sums of the rows above",
            lines=wrong,
            action="check that no row is missing from the export",
        )


def _totals_by_label(draft: Draft) -> tuple[list[Record], list[Record]]:
    """Rows that are called a total, and those called "... total" whose sums agree."""
    words = r"(?i)total|sum|gesamt|ergebnis|totaal|итого|合計|average|mean"
    columns = [str(i) for i in range(min(_LABEL_COLUMNS, draft.width))]
    hits = draft.rows.filter(
        pl.any_horizontal(pl.col(columns).str.contains(words).fill_null(value=False))
    )
    records = as_records(hits.sort(LINE))
    by_label = [r for r in records if is_surely_total(r) or _label(r, _WEAK_TOTAL)]
    by_sum = [r for r in records if r not in by_label and _label(r, _NAMED_TOTAL)]
    return by_label, _summing(draft, by_sum, by_label) if len(
        by_sum
    ) <= _MAX_SUMS else []


def _summing(draft: Draft, records: list[Record], totals: list[Record]) -> list[Record]:
    """Of rows called "... total" those whose every number is a sum of rows above."""
    sums: list[Record] = []
    for record in records:
        numbers = _numbers(record)
        alone = record.filled == len(numbers) + 1
        parts = _above(draft, record, [*totals, *sums])
        if numbers and any(
            all(_equal(n, part[str(i)], least=2 - alone) for i, n in numbers.items())
            for part in parts
        ):
            sums.append(record)
        elif alone:
            _ask_about_total(draft, record)
    return sums


def _typical_fill(draft: Draft) -> float:
    cells = pl.all().exclude(LINE, LAST)
    filled = draft.rows.head(2000).select(
        pl.sum_horizontal(cells.is_not_null()).median()
    )
    return float(filled.item() or 0)


def _sum_check(draft: Draft, record: Record, totals: list[Record]) -> str:
    """Whether a number of the row is the sum of the block or of everything above."""
    numbers = _numbers(record)
    if not numbers:
        return "none"
    parts = _above(draft, record, totals)
    for index, value in numbers.items():
        if any(_equal(value, part[str(index)]) for part in parts):
            return "equal"
    return "different"


def _numbers(record: Record) -> dict[int, float]:
    return {
        index: value
        for index, cell in enumerate(record.cells)
        if (value := amount(cell)) is not None
    }


def _above(
    draft: Draft, record: Record, totals: list[Record]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows since the last total, and all rows above, without the totals."""
    lines = [total.line for total in totals]
    above = draft.rows.filter((pl.col(LINE) < record.line) & ~pl.col(LINE).is_in(lines))
    start = max((line for line in lines if line < record.line), default=0)
    return above.filter(pl.col(LINE) > start), above


def _equal(value: float, column: pl.Series, *, least: int = 2) -> bool:
    amounts = [amount(cell) for cell in column.drop_nulls()]
    numbers = [number for number in amounts if number is not None]
    if len(numbers) < least or value == 0:
        return False
    return abs(sum(numbers) - value) <= max(0.006 * len(numbers), 1e-6 * abs(value))


def take_unlabelled_total(draft: Draft, /) -> None:
    """Exclude a last row without a label that holds the sum of a column."""
    last = as_records(draft.rows.sort(LINE).tail(1))
    if draft.rows.height <= _BLOCK or not last or last[0].cells[0].strip():
        return
    (record,) = last
    above = draft.rows.filter(pl.col(LINE) < record.line)
    numbers = _numbers(record)
    if any(_equal(value, above[str(index)]) for index, value in numbers.items()):
        _report_totals(draft, last, [])


def take_footer(draft: Draft, /) -> None:
    """Exclude the lines below the table that only say who exported it."""
    records = _tail(draft)
    footer: list[Record] = []
    for record in reversed(records):
        is_phrase = _FOOTER.search(" ".join(record.cells)) and _is_thin(draft, record)
        if not (is_phrase or _is_thin(draft, record)):
            break
        footer.append(record)
    footer = _really_footer(draft, footer[::-1])
    footer = [record for record in footer if not is_surely_total(record)]
    draft.exclude(footer, "footer", "footer on {lines} excluded")


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
        is_phrase = _FOOTER.search(" ".join(record.cells))
        after_blank = record.line - 1 in draft.blank
        if is_phrase or after_blank:
            return thin[place:]
    return []


def report_misfits(draft: Draft, shapes: list[Shape], /) -> None:
    """Ask about rows that may be titles, headers of other tables, or shifted.

    They are kept; a person decides.
    """
    _report_gaps(draft)
    _report_lonely(draft)
    _report_words(draft, shapes)
    _report_labels(draft)


def _report_gaps(draft: Draft) -> None:
    """Blank lines inside the table may part it from another one."""
    first, last = draft.rows[LINE].min(), draft.rows[LINE].max()
    if not isinstance(first, int) or not isinstance(last, int):
        return
    gaps = [line for line in draft.blank if first < line < last]
    if gaps:
        draft.notes.note(
            "blank-row",
            f"{line_list(gaps)} inside the table "
            f"{'is' if len(gaps) == 1 else 'are'} blank",
            lines=gaps,
            action="check that the rows below belong to the same table",
        )


def _report_lonely(draft: Draft) -> None:
    """Rows of one value in a wide, full table may be headings of groups."""
    cells = pl.all().exclude(LINE, LAST)
    filled = draft.rows.select(LINE, filled=pl.sum_horizontal(cells.is_not_null()))
    lonely = filled.filter(pl.col("filled") == 1)[LINE].to_list()
    few = len(lonely) <= _FEW + draft.rows.height // 100
    typical = filled.select(pl.col("filled").median()).item()
    if not lonely or not few or typical < _FULL:
        return
    draft.notes.note(
        "deviated-value",
        f"{line_list(lonely)} {'holds' if len(lonely) == 1 else 'hold'} one value only",
        lines=lonely,
        action="remove them from the file if they are headings, not rows",
    )


def _report_labels(draft: Draft) -> None:
    """Rows made of nothing but words that name columns."""
    words = "|".join(sorted(LABEL_WORDS))
    first = pl.col(cell_columns(draft.width)[:2])
    hits = draft.rows.filter(
        pl.all_horizontal(
            first.str.contains(rf"(?i)\b(?:{words})").fill_null(value=True)
        )
    ).head(_MANY)
    records = [r for r in as_records(hits) if looks_like_labels(r.cells)]
    if not records or len(records) > _FEW + draft.rows.height // 100:
        return
    lines = [record.line for record in records]
    draft.notes.ask(
        "deviated-value",
        f"{line_list(lines)} {'looks' if len(lines) == 1 else 'look'} like column "
        "names",
        lines=lines,
        action="remove them from the file if they are not rows of the table",
    )


def _report_words(draft: Draft, shapes: list[Shape]) -> None:
    """Rows with words in every column of numbers and dates."""
    cells = [
        pl.col(str(index))
        for index, shape in enumerate(shapes)
        if shape.kind in {"number", "date"}
    ]
    if len(cells) < _ENOUGH:
        return
    wordy = [~cell.str.contains(r"\d") for cell in cells]
    rows = draft.rows.filter(
        pl.all_horizontal(test.fill_null(value=True) for test in wordy)
        & (pl.sum_horizontal(test.fill_null(value=False) for test in wordy) >= _ENOUGH)
    )
    if not rows.height:
        return
    lines = sorted(rows[LINE].to_list())
    draft.notes.ask(
        "deviated-value",
        f"{line_list(lines)} {'holds' if len(lines) == 1 else 'hold'} words where all "
        "other rows hold numbers or dates",
        lines=lines,
        action="remove them from the file if they are not rows of the table",
    )
