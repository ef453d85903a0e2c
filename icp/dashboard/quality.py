"""What came in and what did not: the ledger of lines, findings, quarantined rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from icp.dashboard import components, export
from icp.dashboard.text import day, quiet
from icp.errors import some

if TYPE_CHECKING:
    from icp.workflow import ImportSummary, SourceImport, Workspace

__all__ = ["draw"]

_SHOWN = 200


def draw(space: Workspace, /) -> None:
    """Draw the quality of the last import."""
    last = space.last_import()
    if last is None:
        components.empty(
            "Nothing is imported yet", "Add a file under Files, then import.", None
        )
        return
    st.markdown(
        quiet(
            f"Import {last.number}, {day(last.created_at)}: "
            f"{some(last.customers, 'customer')}, {some(last.prospects, 'prospect')}."
        )
    )
    components.section(
        "Where every line went", "Used, mended, kept out and set aside add up to read."
    )
    components.table(ledger(last), alt="Lines per file", height="content")
    components.section("What you should know", "Worst first.")
    components.findings(last.findings, key="findings")
    _unmatched(last)
    _quarantine(space)


def ledger(last: ImportSummary, /) -> pl.DataFrame:
    """One row per file: how many lines were read and where they went."""
    return pl.DataFrame([_line(source) for source in last.sources])


def _line(source: SourceImport) -> dict[str, object]:
    book = source.report.ledger
    return {
        "file": source.name,
        "what": source.object,
        "lines read": book.read,
        "used": book.used,
        "mended": book.repaired,
        "kept out": book.quarantined,
        "set aside": book.set_aside,
        "adds up": "yes" if book.balanced else "no",
        "rows": source.rows,
    }


def _unmatched(last: ImportSummary) -> None:
    if not last.unmatched:
        return
    components.section(
        "What did not find its partner", "Rows of one file that no row of another fits."
    )
    components.bullets(f"{name}: {rows:,}" for name, rows in last.unmatched.items())


def _quarantine(space: Workspace) -> None:
    kept_out = space.quarantine()
    if kept_out.is_empty():
        return
    components.section(
        "Rows kept out", "As they came, with the reason. Mend them at the source."
    )
    components.table(
        kept_out.head(_SHOWN), alt=f"{some(len(kept_out), 'row')} kept out"
    )
    st.download_button(
        f"All {len(kept_out):,} as CSV",
        lambda: export.as_csv(kept_out),
        "kept_out.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/download:",
    )
