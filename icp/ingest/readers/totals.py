"""Totals and subtotals, which are no customers: by their label and by their sums."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from icp.ingest.readers.grid import LAST, Record, as_records
from icp.ingest.readers.notes import line_list
from icp.ingest.readers.shapes import amount
from icp.ingest.result import LINE

if TYPE_CHECKING:
    from icp.ingest.readers.draft import Draft

__all__ = ["is_surely_total", "take_totals", "take_unlabelled_total"]

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


def is_surely_total(record: Record, /) -> bool:
    """Whether a row is labelled with a word that only totals have."""
    return _label(record, _STRONG_TOTAL)


def _label(record: Record, pattern: re.Pattern[str]) -> bool:
    cells = [cell.strip() for cell in record.cells[:_LABEL_COLUMNS]]
    return any(pattern.fullmatch(cell) for cell in cells if cell)


def take_totals(draft: Draft, /) -> None:
    """Set aside totals: by their label, and checked against the sums above them."""
    rows, named = _totals_by_label(draft)
    taken = [r for r in draft.odd if r.filled and is_surely_total(r)] + named
    unsure: list[Record] = []
    for record in rows:
        many = len(rows) > _MAX_SUMS
        check = "none" if many else _sum_check(draft, record, [*rows, *named])
        strong, thin = is_surely_total(record), _is_sparse(draft, record)
        if check == "equal" or (strong and thin) or (thin and check == "none"):
            taken.append(record)
            if check == "different":
                unsure.append(record)
        else:
            _ask_about_total(draft, record)
    _report_totals(draft, taken, unsure)
    take_unlabelled_total(draft)


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


def _report_totals(draft: Draft, taken: list[Record], unsure: list[Record]) -> None:
    if not taken:
        return
    draft.set_aside(taken, "totals")
    lines = [record.line for record in taken]
    draft.notes.note(
        "totals",
        f"totals on {line_list(lines)} are no customers; set aside",
        lines=lines,
    )
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
    called = [r for r in records if is_surely_total(r) or _label(r, _WEAK_TOTAL)]
    named = [r for r in records if r not in called and _label(r, _NAMED_TOTAL)]
    return called, _summing(draft, named, called) if len(named) <= _MAX_SUMS else []


def _summing(draft: Draft, named: list[Record], totals: list[Record]) -> list[Record]:
    """Of rows called "... total" those whose every number is a sum of rows above."""
    found: list[Record] = []
    for record in named:
        numbers = _numbers(record)
        alone = record.filled == len(numbers) + 1
        parts = _above(draft, record, [*totals, *found])
        if numbers and any(
            all(_equal(n, part[str(i)], least=2 - alone) for i, n in numbers.items())
            for part in parts
        ):
            found.append(record)
        elif alone:
            _ask_about_total(draft, record)
    return found


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
    known = [number for number in amounts if number is not None]
    if len(known) < least or value == 0:
        return False
    return abs(sum(known) - value) <= max(0.006 * len(known), 1e-6 * abs(value))


def take_unlabelled_total(draft: Draft, /) -> None:
    """Set aside a last row without a label that holds the sum of a column."""
    last = as_records(draft.rows.sort(LINE).tail(1))
    if draft.rows.height <= _BLOCK or not last or last[0].cells[0].strip():
        return
    (record,) = last
    above = draft.rows.filter(pl.col(LINE) < record.line)
    numbers = _numbers(record)
    if any(_equal(value, above[str(index)]) for index, value in numbers.items()):
        _report_totals(draft, last, [])
