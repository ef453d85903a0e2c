"""Learn a profile in the background, put it in force, score the prospects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from icp.dashboard import components, jobs, refused
from icp.dashboard.routes import link
from icp.errors import IcpError, some

if TYPE_CHECKING:
    from icp.store.records import ProfileRecord
    from icp.workflow import Workspace

__all__ = ["draw"]

_SAID = "learning-said"


def draw(space: Workspace, /) -> None:
    """Draw the last step."""
    status = space.status()
    if not status.labels:
        components.empty(
            "No customer is labelled yet",
            "Keep the labels under Outcomes first; a profile is learnt from them.",
        )
        return
    components.section(
        "Learn",
        f"From {status.labels.get('best', 0):,} best and "
        f"{status.labels.get('regrettable', 0):,} regrettable customers. It runs in "
        "the background: leave the page and come back as you like.",
    )
    jobs.button(space, "learn", "Learn a profile", primary=status.profiles == 0)
    jobs.panel(space, "learn")
    if status.active is not None:
        link("profile", f"{status.active.version} is in force. Look at it")
    newest = next(iter(space.profiles()), None)
    if newest is not None:
        _learnt(space, newest, status.active)
    components.said(_SAID)
    if newest is not None:
        refused.draw(space, newest.version)
    _scoring(space)


def _learnt(
    space: Workspace, newest: ProfileRecord, active: ProfileRecord | None
) -> None:
    """Offer the newest profile, wherever it was learnt, unless it is in force."""
    version = newest.version
    if active is not None and active.version == version:
        return
    st.markdown(f"{version} is learnt; evidence: {newest.evidence}.")
    link("profile", f"Look at {version} first", query={"version": version})
    st.button(
        f"Put {version} in force",
        type="primary",
        on_click=_put_in_force,
        args=(space, version),
    )


def _put_in_force(space: Workspace, version: str) -> None:
    try:
        space.activate(version, reason="put in force after learning")
    except IcpError as error:
        components.say(_SAID, "error", str(error))
    else:
        components.say(_SAID, "success", f"{version} is in force now.")


def _scoring(space: Workspace) -> None:
    status = space.status()
    components.section("Score the prospects")
    if status.active is None:
        st.markdown("Put a profile in force first.")
        return
    if status.last_import is None or not status.last_import.prospects:
        components.empty(
            "No prospects are imported",
            "Add a file of prospects under Files; it is scored with the profile in "
            "force.",
        )
        return
    jobs.button(
        space,
        "score",
        f"Score {some(status.last_import.prospects, 'prospect')}",
        primary=status.last_run is None,
    )
    job = jobs.panel(space, "score")
    if job is not None and job.state == "done":
        link("prospects", "Go to the prospects")
