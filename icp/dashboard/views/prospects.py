"""Prospects: the scored list, searched, filtered and sorted on the server."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from icp import charts
from icp.dashboard import components, listing, queue, session

if TYPE_CHECKING:
    from icp.profile import Profile

__all__ = ["draw"]


def draw() -> None:
    """Draw the page."""
    components.heading(
        "Prospects", "Every prospect with its fit and verdict. Select a row to open it."
    )
    space = session.workspace()
    run = space.status().last_run
    if run is None:
        components.empty(
            "No prospects are scored yet",
            "Import a list of prospects and score it with the profile in force.",
            "data",
        )
        return
    scored, profile = session.scored(run.number), session.profile(f"v{run.profile}")
    with st.expander("How they are spread", key="spread"):
        cuts = profile.calibration.grade_cuts
        components.chart(charts.fit_distribution(scored, cuts=cuts), key="fits")
    matched = queue.matching(scored, _query(profile))
    listing.draw(matched, run.rows, judged=partial(space.verdicts, profile=run.profile))


def _query(profile: Profile) -> queue.Query:
    search, grades, nearest, order = st.columns(4, vertical_alignment="bottom")
    text = search.text_input(
        "Search a company", key="q", bind="query-params", on_change=_first_page
    )
    picked = grades.multiselect(
        "Grades", queue.GRADES, key="grade", bind="query-params", on_change=_first_page
    )
    segment = nearest.selectbox(
        "Nearest best segment",
        [s.name for s in profile.segments if s.kind == "best"],
        index=None,
        placeholder="Any",
        key="segment",
        bind="query-params",
        on_change=_first_page,
    )
    by = order.selectbox(
        "Order",
        list(queue.ORDERS),
        format_func=queue.ORDERS.__getitem__,
        key="order",
        bind="query-params",
        on_change=_first_page,
    )
    return queue.Query(text=text or "", grades=tuple(picked), segment=segment, order=by)


def _first_page() -> None:
    """Another list starts on its first page; both places that remember forget."""
    st.session_state.pop("p", None)
    st.query_params.pop("p", None)
