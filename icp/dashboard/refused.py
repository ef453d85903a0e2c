"""Columns that learning refused, why, and a person's word that one is fine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl
import streamlit as st

from icp.dashboard import components, session
from icp.dashboard.rules import readable
from icp.dashboard.text import escaped
from icp.errors import IcpError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from icp.profile import ColumnFinding
    from icp.workflow import Workspace

__all__ = ["draw", "to_accept"]

#: Reasons that nobody's word can change: there is nothing to learn from.
_USELESS: Final = {"empty", "constant", "rare", "identifier", "copy"}
_SAID: Final = "refused-said"


def draw(space: Workspace, version: str, /) -> None:
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
    components.said(_SAID)
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
        space.accept_column(column, why=why)
    except IcpError as error:
        components.problem(str(error))
        return
    text = f"{readable(column)} is accepted. Learn again: the next profile may use it."
    components.say(_SAID, "success", text)
    st.rerun()
