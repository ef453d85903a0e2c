"""One page of the list of prospects, the pages around it, and its downloads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from streamlit import column_config as cc

from icp.dashboard import export, queue
from icp.dashboard.routes import go
from icp.dashboard.text import quiet

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

__all__ = ["draw"]

_COLUMNS = {
    "account_id": cc.TextColumn("Id", width=80),
    "account_name": cc.TextColumn("Company", width=170),
    "fit": cc.ProgressColumn(
        "Fit", format="%.0f", min_value=0, max_value=100, width=90
    ),
    "grade": cc.TextColumn("Grade", width=70),
    "verdict": cc.TextColumn(
        "Verdict", width=110, help="With all that is noted about the account so far"
    ),
    "chance": cc.TextColumn("Chance, in %", width=95, help="Chance of best, 90 % sure"),
    "known": cc.NumberColumn("Known", format="%.0f %%", width=70),
    "nearest_best": cc.TextColumn("Nearest best segment", width=230),
    "nearest_regrettable": cc.TextColumn("Nearest regrettable segment", width=230),
}


def draw(
    matched: pl.LazyFrame,
    total: int,
    /,
    *,
    judged: Callable[[pl.LazyFrame], pl.LazyFrame],
) -> None:
    """Draw the page of the list that the address asks for, with its downloads.

    `judged` adds verdicts to rows: to those of the page, and to all for a download.
    """
    count = queue.count(matched)
    pages = max(1, -(-count // queue.PAGE))
    above = st.container(horizontal=True, vertical_alignment="center")
    slot = st.empty()
    page = min(st.pagination(pages, key="p", bind="query-params"), pages)
    with above:
        st.markdown(quiet(f"{count:,} of {total:,} prospects"))
        _downloads(lambda: judged(matched))
    rows = queue.shown(judged(queue.page_of(matched, page)))
    if rows.is_empty():
        slot.info("No prospect matches. Clear the search or a filter.")
        return
    event = slot.dataframe(
        rows,
        hide_index=True,
        column_config=_COLUMNS,
        height=min(640, 38 + 35 * len(rows)),
        on_select="rerun",
        selection_mode="single-row",
        key=f"list-{page}-{abs(hash(tuple(rows['account_id'])))}",
        alt=f"Prospects, page {page} of {pages}",
        placeholder="–",
    )
    if event.selection.rows:
        go("prospect", query={"account": rows["account_id"][event.selection.rows[0]]})


def _downloads(judged: Callable[[], pl.LazyFrame]) -> None:
    st.download_button(
        "CSV",
        lambda: export.as_csv(judged()),
        "prospects.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/download:",
        key="csv",
    )
    st.download_button(
        "Excel",
        lambda: export.as_excel(judged()),
        "prospects.xlsx",
        on_click="ignore",
        icon=":material/download:",
        key="excel",
    )
