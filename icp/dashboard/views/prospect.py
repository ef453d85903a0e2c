"""One prospect: its fit, how sure it is, why, whom it resembles, what to find out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from icp.dashboard import components, session, verdict
from icp.dashboard.components import quiet
from icp.dashboard.views import prospects

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from icp.store.records import ScoreRun
    from icp.workflow import Workspace


# ---- Picking one company: by search, from the list, or from the page's address


def pick(run: ScoreRun | None, /) -> tuple[str, str] | None:
    """Draw the fields; returns the id and name of what is picked, None for nothing.

    The account of the page's address counts whether or not it is among the prospects.
    """
    search, choice = st.columns([1, 2], vertical_alignment="bottom")
    text = search.text_input("Search a company", key="find")
    asked = st.query_params.get("account")
    listed = session.scored(run.number) if run else None
    found = _choices(listed, text or "", asked)
    if not found or (text and not _choices(listed, text, None)):
        st.info("No prospect has that name or id. Try fewer letters.")
    if not found:
        return None
    account = choice.selectbox(
        "Company",
        list(found),
        format_func=found.__getitem__,
        key=f"pick-{text}",
        index=list(found).index(asked) if asked in found else 0,
    )
    st.query_params["account"] = account
    return account, found[account]


def _choices(
    scored: pl.LazyFrame | None, text: str, asked: str | None
) -> dict[str, str]:
    """Prospects by id; the account of the address too, a customer or not yet scored."""
    found = {} if scored is None else prospects.choices(scored, text, asked)
    return {asked: asked, **found} if asked and asked not in found else found


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
    elif picked := pick(status.last_run):
        _show(space, *picked)


def _filled(space: Workspace) -> None:
    values = components.values(session.profile())
    if values is None:
        st.markdown(quiet(_HINT))
    else:
        _show(space, values, "This company")


def _show(space: Workspace, asked: str | Mapping[str, object], name: str) -> None:
    judged, profile = space.verdicts.judge(asked), session.profile()
    if name == judged.account_id:
        name = str(judged.facts.get("account_name") or name)
    verdict.draw(space, judged, profile)
    verdict.draw_explanation(
        judged.explanation, name, cuts=profile.calibration.grade_cuts
    )
