"""What the home page shows: customers, the profile in force, prospects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from icp import charts
from icp.dashboard import components, overview, session
from icp.dashboard.routes import link
from icp.dashboard.text import day, escaped, quiet
from icp.errors import some

if TYPE_CHECKING:
    from icp.store.records import ScoreRun
    from icp.workflow import Workspace, WorkspaceStatus

__all__ = ["awake", "customers", "profile", "prospects"]

_SHOWN: Final = 5


def awake(space: Workspace, /) -> None:
    """Accounts that were left and woke since, each with a link; nothing where none."""
    woke = space.awake()
    if not woke:
        return
    components.section(f"{some(len(woke), 'account')} woke up")
    with st.container(border=True):
        for kept in woke[:_SHOWN]:
            account = kept.exit.account_id
            why = quiet(escaped(kept.woke_why or ""))
            label = f"{escaped(account)} {why}".rstrip()
            link("prospect", label, query={"account": account})
        if len(woke) > _SHOWN:
            st.markdown(quiet(f"and {len(woke) - _SHOWN:,} more"))


def customers(space: Workspace, status: WorkspaceStatus, /) -> None:
    """How the customers turned out, in number and money."""
    components.section("How your customers turned out")
    if not status.labels:
        components.empty(
            "No customer is labelled yet",
            "Import an export of your customers and say what best means.",
            "data",
        )
        return
    split = overview.split_of(space.labelled())
    policy = space.config.outcome
    currency = policy.currency if policy else ""
    components.chart(charts.outcome_split(split, currency=currency), key="split")


def profile(status: WorkspaceStatus, /) -> None:
    """Which profile is in force and how far it can be relied on."""
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


def prospects(run: ScoreRun, /) -> None:
    """How the scored prospects are spread over the fit."""
    components.section("How your prospects compare")
    cuts = session.profile(f"v{run.profile}").calibration.grade_cuts
    drawing = charts.fit_distribution(session.scored(run.number), cuts=cuts)
    components.chart(drawing, key="fits")
