"""Learn a profile in the background, put it in force, score the prospects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl
import streamlit as st

from icp.dashboard import components, jobs, session
from icp.dashboard.components import escaped
from icp.dashboard.outcomes import readable
from icp.dashboard.routes import link
from icp.errors import IcpError, some

if TYPE_CHECKING:
    from collections.abc import Iterable

    from icp.profile import ColumnFinding
    from icp.store.records import ProfileRecord
    from icp.workflow import Workspace


# ---- Columns that learning refused, why, and a person's word that one is fine

#: Reasons that nobody's word can change: there is nothing to learn from.
_USELESS: Final = {"empty", "constant", "rare", "identifier", "copy"}
_REFUSAL_NOTICE: Final = "refused-said"


def draw_refusals(space: Workspace, version: str, /) -> None:
    """Draw what the given version refused, and what was accepted so far."""
    found = session.profile(version).provenance.findings
    accepted = {answer.column for answer in space.config.learning.accept}
    refused = to_accept(found, accepted)
    if not (refused or accepted):
        return
    components.section(
        "Columns that were refused",
        f"{version} did not learn from them: they look as if they were written after "
        "the outcome, which nobody knows of a prospect.",
    )
    components.said(_REFUSAL_NOTICE)
    if refused:
        components.reading(_listed(refused), alt=f"{len(refused)} columns refused")
        _accept(space, refused)
    for answer in space.config.learning.accept:
        column, who = escaped(readable(answer.column)), escaped(answer.who)
        st.markdown(f"- **{column}** is accepted by {who}: {escaped(answer.why)}")


def to_accept(
    found: Iterable[ColumnFinding], accepted: set[str], /
) -> tuple[ColumnFinding, ...]:
    """Refused columns that a person may still accept."""
    return tuple(
        finding
        for finding in found
        if finding.excluded
        and finding.code not in _USELESS
        and finding.column not in accepted
    )


def _listed(refused: Iterable[ColumnFinding]) -> pl.DataFrame:
    rows = [(readable(f.column), components.reason(f)) for f in refused]
    return pl.DataFrame(rows, ["column", "why"], orient="row")


def _accept(space: Workspace, refused: Iterable[ColumnFinding]) -> None:
    with (
        st.expander("Accept one that is known before the sale"),
        st.form("accept", border=False, clear_on_submit=True),
    ):
        first, second = st.columns([1, 2])
        column = first.selectbox(
            "Column", [f.column for f in refused], format_func=readable
        )
        why = second.text_input("Why", placeholder="When is it known, and from whom?")
        if st.form_submit_button("Accept it"):
            _accepted(space, column, why or "")


def _accepted(space: Workspace, column: str, why: str) -> None:
    try:
        space.profiles.accept_column(column, why=why)
    except IcpError as error:
        components.problem(str(error))
        return
    text = f"{readable(column)} is accepted. Learn again: the next profile may use it."
    components.say(_REFUSAL_NOTICE, "success", text)
    st.rerun()


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
    newest = next(iter(space.profiles.list()), None)
    if newest is not None:
        _learnt(space, newest, status.active)
    components.said(_SAID)
    if newest is not None:
        draw_refusals(space, newest.version)
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
        space.profiles.activate(version, reason="put in force after learning")
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
