"""Outliers: accounts unlike your best, unlike any customer, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from streamlit import column_config as cc

from icp import charts
from icp.dashboard import components, odd, session

if TYPE_CHECKING:
    import polars as pl


__all__ = ["draw"]

_COLUMNS = {
    "account_name": cc.TextColumn("Company", width=160),
    "account_id": cc.TextColumn("Id", width="small"),
    "quadrant": cc.TextColumn("Where", width=165),
    "as odd": cc.TextColumn("As unusual", width=90, help="Share of past customers"),
    "odd": cc.TextColumn("What makes it odd", width="large"),
}


def draw() -> None:
    """Draw the page."""
    components.heading(
        "Outliers",
        "Accounts far from your best customers, from all that you closed, or both. "
        "Their fit is less certain; what makes them odd may be worth a look.",
    )
    space = session.workspace()
    status = space.status()
    last = status.last_import
    if status.active is None or last is None or not (last.prospects or last.customers):
        components.empty(
            "Nothing to compare yet",
            "It needs a profile in force, and prospects or customers.",
            "data",
        )
        return
    population = odd.population(last)
    rows = odd.rows(space, population, status.active.number, last.number)
    components.chart(charts.outlier_map(rows), key="map")
    far = odd.farthest(rows)
    components.section(
        "The farthest from everything you closed", "Select one to see why."
    )
    if far.is_empty():
        st.markdown("None of them is far from all closed customers.")
        return
    name, account = far.row(_selected(far))[:2]
    odd.draw(space, name, account)


def _selected(far: pl.DataFrame) -> int:
    event = st.dataframe(
        far,
        hide_index=True,
        column_config=_COLUMNS,
        height=min(420, 38 + 35 * len(far)),
        on_select="rerun",
        selection_mode="single-row-required",
        key=f"farthest-{far['account_id'][0]}",
        alt=f"The {len(far)} farthest accounts",
    )
    return event.selection.rows[0] if event.selection.rows else 0
