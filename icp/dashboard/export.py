"""Tables for people to take away: CSV and Excel that run nothing when opened."""

from __future__ import annotations

from io import BytesIO
from typing import Final

import polars as pl
import xlsxwriter

from icp.workflow.writing import for_people

__all__ = ["EXCEL_ROWS", "as_csv", "as_excel"]

#: An Excel sheet holds 1,048,576 rows; more than this is slow to open.
EXCEL_ROWS: Final = 200_000
_BOM: Final = b"\xef\xbb\xbf"


def as_csv(rows: pl.DataFrame | pl.LazyFrame, /) -> bytes:
    """UTF-8 with a byte-order mark, so that Excel reads it; formulas are disarmed.

    A text that a spreadsheet would compute gets an apostrophe in front. For people,
    not for loading into a CRM.
    """
    return _BOM + rows.lazy().pipe(for_people).collect().write_csv().encode()


def as_excel(rows: pl.DataFrame | pl.LazyFrame, /, *, sheet: str = "icp") -> bytes:
    """A workbook of the first 200,000 rows; texts stay texts."""
    frame = rows.lazy().pipe(_flat).head(EXCEL_ROWS).collect()
    target = BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(target, options) as book:
        frame.write_excel(book, worksheet=sheet, freeze_panes=(1, 0), autofit=True)
    return target.getvalue()


def _flat(rows: pl.LazyFrame) -> pl.LazyFrame:
    lists = [n for n, t in rows.collect_schema().items() if isinstance(t, pl.List)]
    return (
        rows.with_columns(
            pl.col(lists).cast(pl.List(pl.String)).list.join("; ", ignore_nulls=True)
        )
        if lists
        else rows
    )
