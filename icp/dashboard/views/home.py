"""Home: what is loaded, which profile is in force, what to do next."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

import streamlit as st

from icp.dashboard import cards, components, overview, session
from icp.dashboard.routes import link
from icp.dashboard.text import code, escaped

if TYPE_CHECKING:
    from icp.workflow import Workspace, WorkspaceStatus

__all__ = ["draw"]


def draw() -> None:
    """Draw the page."""
    if not session.is_workspace(session.location()):
        _welcome()
        return
    space = session.workspace()
    status = space.status()
    components.heading(
        escaped(status.name),
        "Which customers you would want again, which you regret, and which prospects "
        "are like either.",
    )
    components.facts(overview.headline(status))
    _next(space, status)
    cards.awake(space)
    left, right = st.columns(2, gap="large")
    with left:
        cards.customers(space, status)
    with right:
        cards.profile(status)
    if status.last_run is not None:
        cards.prospects(status.last_run)


def _welcome() -> None:
    folder = quote(session.location().name)
    demo, empty = code(f"icp demo {folder}"), code(f"icp init {folder}")
    components.heading("Welcome")
    components.empty(
        "There is no workspace here yet",
        f"A workspace is a folder that holds your exports and what was learnt from "
        f"them. Run {demo} for one with example data, or {empty} for an empty one; "
        "then load this page again.",
    )


def _next(space: Workspace, status: WorkspaceStatus) -> None:
    components.section("What to do next")
    with st.container(border=True):
        components.bullets(overview.steps(status))
        route, label = overview.next_page(status)
        link(route, label)
        if space.disqualifiers("proposed"):
            link("disqualifiers", "Go to the rules that wait for you")
