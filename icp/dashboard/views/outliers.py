"""Outliers: accounts unlike your best, unlike any customer, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from streamlit import column_config as cc

from icp import charts
from icp.dashboard import components, explained, odd, session
from icp.dashboard.routes import link
from icp.dashboard.text import escaped, quiet

if TYPE_CHECKING:
    import polars as pl

    from icp.workflow import Workspace

__all__ = ["draw"]

_COLUMNS = {
    "account_name": cc.TextColumn("Company", width="medium"),
    "account_id": cc.TextColumn("Id", width="small"),
    "quadrant": cc.TextColumn("Where", width=130),
    "as odd": cc.TextColumn("As unusual", width=90, help="Share of past customers"),
    "odd": cc.TextColumn("What makes it odd", width="large"),
}


def draw() -> None:
    """Draw the page."""
    components.heading(
        "Outliers",
        "Accounts far from your best customers, far from every customer you closed, or "
        "both. Their fit is worth less; their reasons may be worth a look.",
    )
    space = session.workspace()
    status = space.status()
    last = status.last_import
    if status.active is None or last is None or not last.prospects:
        components.empty(
            "Nothing to compare yet",
            "It needs a profile in force and a list of prospects.",
            "data",
        )
        return
    rows = odd.rows(space, status.active.number, last.number)
    components.chart(charts.outlier_map(rows), key="map")
    far = odd.farthest(rows)
    components.section(
        "The farthest from everything you closed", "Select one to see why."
    )
    if far.is_empty():
        st.markdown("No prospect is far from all closed customers.")
        return
    _one(space, far, _selected(far))


def _selected(far: pl.DataFrame) -> int:
    event = st.dataframe(
        far,
        hide_index=True,
        column_config=_COLUMNS,
        height=min(420, 38 + 35 * len(far)),
        on_select="rerun",
        selection_mode="single-row-required",
        key="farthest",
        alt=f"The {len(far)} farthest prospects",
    )
    return event.selection.rows[0] if event.selection.rows else 0


def _one(space: Workspace, far: pl.DataFrame, place: int) -> None:
    name, account = far.row(place)[:2]
    explanation = space.check(account)
    components.section(escaped(name))
    st.markdown(quiet("What makes it odd among the customers you closed:"))
    explained.oddities(explanation)
    st.markdown(quiet("The past customers that are still the most alike:"))
    explained.look_alikes(explanation)
    link("prospect", "Open it with its fit", query={"account": account})
