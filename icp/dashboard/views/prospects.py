"""Prospects: the scored list, searched, filtered and sorted on the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from streamlit import column_config as cc

from icp import charts
from icp.dashboard import components, export, queue, session
from icp.dashboard.routes import go
from icp.dashboard.text import quiet

if TYPE_CHECKING:
    import polars as pl

__all__ = ["draw"]

_COLUMNS = {
    "account_id": cc.TextColumn("Id", width="small"),
    "account_name": cc.TextColumn("Company", width="medium"),
    "fit": cc.ProgressColumn(
        "Fit", format="%.0f", min_value=0, max_value=100, width="small"
    ),
    "grade": cc.TextColumn("Grade", width="small"),
    "chance": cc.TextColumn("Chance of best, in %"),
    "nearest_best": cc.TextColumn("Nearest best segment"),
    "nearest_regrettable": cc.TextColumn("Nearest regrettable segment"),
    "known": cc.NumberColumn("Known", format="%.0f %%", width="small"),
}


def draw() -> None:
    """Draw the page."""
    components.heading(
        "Prospects", "Every prospect with its fit. Select a row to open it."
    )
    run = session.workspace().status().last_run
    if run is None:
        components.empty(
            "No prospects are scored yet",
            "Import a list of prospects and score it with the profile in force.",
            "data",
        )
        return
    scored = session.scored(run.number)
    with st.expander("How they are spread", key="spread"):
        cuts = session.profile(f"v{run.profile}").calibration.grade_cuts
        components.chart(charts.fit_distribution(scored, cuts=cuts), key="fits")
    matched = queue.matching(scored, _query(scored))
    _list(matched, run.rows)


def _query(scored: pl.LazyFrame) -> queue.Query:
    search, grades, order = st.columns([2, 2, 2], vertical_alignment="bottom")
    text = search.text_input(
        "Search a company", key="q", bind="query-params", on_change=_first_page
    )
    picked = grades.multiselect(
        "Grades", queue.GRADES, key="grade", bind="query-params", on_change=_first_page
    )
    by = order.selectbox(
        "Order",
        list(queue.ORDERS),
        format_func=queue.ORDERS.__getitem__,
        key="order",
        bind="query-params",
        on_change=_first_page,
    )
    return queue.Query(text=text or "", grades=tuple(picked), order=by)


def _first_page() -> None:
    """Another list starts on its first page; both places that remember forget."""
    st.session_state.pop("p", None)
    st.query_params.pop("p", None)


def _list(matched: pl.LazyFrame, total: int) -> None:
    count = queue.count(matched)
    pages = max(1, -(-count // queue.PAGE))
    above = st.container(horizontal=True, vertical_alignment="center")
    slot = st.empty()
    page = min(st.pagination(pages, key="p", bind="query-params"), pages)
    with above:
        st.markdown(quiet(f"{count:,} of {total:,} prospects"))
        _downloads(matched)
    rows = queue.shown(matched, page)
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


def _downloads(matched: pl.LazyFrame) -> None:
    st.download_button(
        "CSV",
        lambda: export.as_csv(matched),
        "prospects.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/download:",
        key="csv",
    )
    st.download_button(
        "Excel",
        lambda: export.as_excel(matched),
        "prospects.xlsx",
        on_click="ignore",
        icon=":material/download:",
        key="excel",
    )
