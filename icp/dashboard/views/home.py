"""Home: what is loaded, which profile is in force, what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from icp import charts
from icp.dashboard import components, overview, session
from icp.dashboard.routes import link
from icp.dashboard.text import day, escaped

if TYPE_CHECKING:
    from icp.store.records import ScoreRun
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
    _next(status)
    left, right = st.columns(2, gap="large")
    with left:
        _customers(space, status)
    with right:
        _profile(status)
    if status.last_run is not None:
        _prospects(status.last_run)


def _welcome() -> None:
    folder = escaped(session.location().name)
    components.heading("Welcome")
    components.empty(
        "There is no workspace here yet",
        f"A workspace is a folder that holds your exports and what was learnt from "
        f"them. Run `icp demo {folder}` for one with example data, or `icp init "
        f"{folder}` for an empty one; then load this page again.",
    )


def _next(status: WorkspaceStatus) -> None:
    components.section("What to do next")
    with st.container(border=True):
        components.bullets(overview.steps(status))
        route, label = overview.next_page(status)
        link(route, label)


def _customers(space: Workspace, status: WorkspaceStatus) -> None:
    components.section("How your customers turned out")
    if not status.labels:
        components.empty(
            "No customer is labelled yet",
            "Import an export of your customers and say what best means.",
            "data",
        )
        return
    split = overview.split_of(space.labelled())
    components.chart(charts.outcome_split(split), key="split")


def _profile(status: WorkspaceStatus) -> None:
    components.section("The profile in force")
    if status.active is None:
        components.empty(
            "No profile is in force",
            "Learn one from your labelled customers.",
            "data",
        )
        return
    used = session.profile(status.active.version).provenance
    st.markdown(
        f"**{status.active.version}**, learnt on {day(status.active.created_at)} by "
        f"{escaped(status.active.author)}. Evidence: **{used.evidence.level}**."
    )
    drawing = charts.evidence_strip(
        used.evidence, best=used.best, regrettable=used.regrettable
    )
    components.chart(drawing, key="evidence")


def _prospects(run: ScoreRun) -> None:
    components.section("How your prospects compare")
    cuts = session.profile(f"v{run.profile}").calibration.grade_cuts
    drawing = charts.fit_distribution(session.scored(run.number), cuts=cuts)
    components.chart(drawing, key="fits")
