"""One prospect: its fit, how sure it is, why, whom it resembles, what to find out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from icp.dashboard import advice, components, explained, form, picking, session
from icp.dashboard.text import quiet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from icp.workflow import Workspace

__all__ = ["draw"]

_PICK, _FILL = "Pick a company", "Fill in a form"
_HINT = "Leave out what you do not know; it is never held against it."


def draw() -> None:
    """Draw the page."""
    components.heading("One prospect", "How good it is, what to do, and why.")
    space = session.workspace()
    status = space.status()
    if status.active is None:
        components.empty("No profile is in force", "Learn one first.", "data")
        return
    way = st.segmented_control(
        "How to choose it",
        [_PICK, _FILL],
        default=_PICK,
        required=True,
        key="way",
        bind="query-params",
        label_visibility="collapsed",
    )
    if way == _FILL:
        _filled(space)
    elif status.last_run is None and not st.query_params.get("account"):
        todo = "Score your prospects, or fill in the form above."
        components.empty("No prospects are scored yet", todo, "data")
    elif picked := picking.draw(status.last_run):
        _show(space, *picked)


def _filled(space: Workspace) -> None:
    values = form.values(session.profile())
    if values is None:
        st.markdown(quiet(_HINT))
    else:
        _show(space, values, "This company")


def _show(space: Workspace, asked: str | Mapping[str, object], name: str) -> None:
    judged, profile = space.judge(asked), session.profile()
    if name == judged.account_id:
        name = str(judged.facts.get("account_name") or name)
    advice.draw(space, judged, profile)
    explained.draw(judged.explanation, name, cuts=profile.calibration.grade_cuts)
