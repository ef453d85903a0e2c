"""The versions of the profile: choose one to look at, put one in force, go back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from icp.dashboard import components, session
from icp.dashboard.text import day, escaped
from icp.errors import IcpError, some

if TYPE_CHECKING:
    from collections.abc import Sequence

    from icp.store.records import ProfileRecord

__all__ = ["choose", "draw", "origin"]


def choose(records: Sequence[ProfileRecord], /) -> ProfileRecord:
    """Let a person pick a version; the one in force first."""
    by_name = {r.version: r for r in sorted(records, key=_newest_first)}
    labels = {
        name: f"{name} (in force)" if r.active else name for name, r in by_name.items()
    }
    picked = st.selectbox(
        "Version",
        list(by_name),
        format_func=labels.__getitem__,
        key="version",
        width=240,
        bind="query-params",
    )
    return by_name[picked]


def origin(record: ProfileRecord, /) -> str:
    """When, by whom and from what a version was learnt; safe Markdown."""
    return (
        f"{record.version} · learnt {day(record.created_at)} by "
        f"{escaped(record.author)} from {record.best:,} best and "
        f"{record.regrettable:,} regrettable customers · id {record.short_id}"
    )


def _newest_first(record: ProfileRecord) -> tuple[bool, int]:
    return not record.active, -record.number


def draw(records: Sequence[ProfileRecord], shown: ProfileRecord, /) -> None:
    """Draw all versions and what may be done with the one that is shown."""
    components.table(_listed(records), alt=some(len(records), "version"))
    reason = st.text_input(
        "Reason, for the log", key="reason", placeholder="Why this version?"
    )
    row = st.container(horizontal=True)
    row.button(
        f"Put {shown.version} in force",
        type="primary",
        disabled=shown.active,
        on_click=_act,
        args=("activate", shown.version, reason or ""),
    )
    row.button(
        "Go back to the version before",
        disabled=len(records) < _ONE_TO_GO_BACK_TO,
        on_click=_act,
        args=("rollback", "", reason or ""),
    )
    components.said(_SAID)
    _changes(records, shown)


_ONE_TO_GO_BACK_TO = 2
_SAID = "version-said"


def _act(what: str, version: str, reason: str) -> None:
    space = session.workspace()
    try:
        record = (
            space.activate(version, reason=reason)
            if what == "activate"
            else space.rollback(reason=reason)
        )
    except IcpError as error:
        components.say(_SAID, "error", str(error))
    else:
        components.say(_SAID, "success", f"{record.version} is in force now.")


def _listed(records: Sequence[ProfileRecord]) -> pl.DataFrame:
    ordered = sorted(records, key=lambda r: -r.number)
    return pl.DataFrame(
        {
            "version": [r.version for r in ordered],
            "in force": ["yes" if r.active else "" for r in ordered],
            "learnt": [day(r.created_at) for r in ordered],
            "by": [r.author for r in ordered],
            "best": [r.best for r in ordered],
            "regrettable": [r.regrettable for r in ordered],
            "evidence": [r.evidence for r in ordered],
            "pairs ranked right": [f"{100 * r.auc:.0f} of 100" for r in ordered],
            "id": [r.short_id for r in ordered],
        }
    )


def _changes(records: Sequence[ProfileRecord], shown: ProfileRecord) -> None:
    others = [r.version for r in records if r.number != shown.number]
    if not others:
        return
    components.section("What changed", "Points that differ between two versions.")
    other = st.selectbox("Compare with", others, key="compare", width=240)
    changed = session.workspace().diff(other, shown.version)
    if changed.is_empty():
        st.markdown("Their points are the same.")
    components.table(changed, alt=f"Points that differ: {len(changed):,}")
