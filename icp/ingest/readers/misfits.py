"""Rows that have the right width but hold nothing their columns usually hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from icp.ingest.readers.grid import LAST, as_records, cell_columns
from icp.ingest.readers.header import LABEL_WORDS, looks_like_labels
from icp.ingest.readers.notes import line_list
from icp.ingest.result import LINE

if TYPE_CHECKING:
    from icp.ingest.readers.draft import Draft
    from icp.ingest.readers.shapes import Shape

__all__ = ["report_misfits"]

_ENOUGH = 2
_FEW = 3
_FULL = 4
_MANY = 2_000


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
        action="remove them from the file if they are no rows of the table",
    )


def _report_words(draft: Draft, shapes: list[Shape]) -> None:
    """Rows with words in every column of numbers and dates."""
    typed = [
        pl.col(str(index))
        for index, shape in enumerate(shapes)
        if shape.kind in {"number", "date"}
    ]
    if len(typed) < _ENOUGH:
        return
    wordy = [~cell.str.contains(r"\d") for cell in typed]
    found = draft.rows.filter(
        pl.all_horizontal(test.fill_null(value=True) for test in wordy)
        & (pl.sum_horizontal(test.fill_null(value=False) for test in wordy) >= _ENOUGH)
    )
    if not found.height:
        return
    lines = sorted(found[LINE].to_list())
    draft.notes.ask(
        "deviated-value",
        f"{line_list(lines)} {'holds' if len(lines) == 1 else 'hold'} words where all "
        "other rows hold numbers or dates",
        lines=lines,
        action="remove them from the file if they are no rows of the table",
    )
