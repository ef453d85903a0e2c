"""Home: what is loaded, which profile is in force, what to do next."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Final

import polars as pl
import streamlit as st

from icp import charts
from icp.dashboard import components, session
from icp.dashboard.components import code, day, escaped, quiet
from icp.dashboard.routes import link
from icp.errors import some

if TYPE_CHECKING:
    from icp.dashboard.routes import Route
    from icp.outcomes import LabelPreview
    from icp.store.records import ScoreRun
    from icp.workflow import Workspace, WorkspaceStatus


def draw() -> None:
    """Draw the page."""
    if not session.is_workspace(session.location()):
        _welcome()
        return
    space = session.workspace()
    status = space.status()
    components.heading(
        escaped(status.name),
        "Which customers you would want again, which you regret, and what that says "
        "about your prospects.",
    )
    components.facts(headline(status))
    _next(space, status)
    _due(space)
    left, right = st.columns(2, gap="large")
    with left:
        _outcomes(space, status)
    with right:
        _in_force(status)
    if status.last_run is not None:
        _fits(status.last_run)


def _welcome() -> None:
    folder = quote(session.location().name)
    demo, empty = code(f"icp demo {folder}"), code(f"icp init {folder}")
    components.heading("Welcome")
    components.empty(
        "No workspace here yet",
        "A workspace is a folder with your sources, settings and results. Run "
        f"{demo} to create one with example data or {empty} to start with an empty "
        "one, then reload this page.",
    )


def headline(status: WorkspaceStatus, /) -> dict[str, tuple[str, str]]:
    """The four numbers on top: label -> (value, basis)."""
    return {
        "Customers": _customers(status),
        "Best and regrettable": _labels(status),
        "Profile in force": _profile(status),
        "Prospects with a fit": _prospects(status),
    }


def _customers(status: WorkspaceStatus) -> tuple[str, str]:
    last = status.last_import
    if last is None:
        return "–", "nothing imported yet"
    files = "file" if len(last.sources) == 1 else "files"
    return (
        f"{last.customers:,}",
        f"from {len(last.sources)} {files}, {day(last.created_at)}",
    )


def _labels(status: WorkspaceStatus) -> tuple[str, str]:
    if not status.labels:
        return "–", "no customers labelled yet"
    best, bad = (status.labels.get(name, 0) for name in ("best", "regrettable"))
    rest = sum(status.labels.values()) - best - bad
    return f"{best:,} / {bad:,}", f"{rest:,} neutral or too early to tell"


def _profile(status: WorkspaceStatus) -> tuple[str, str]:
    if status.active is None:
        return "–", "none in force"
    return status.active.version, f"evidence: {status.active.evidence}"


def _prospects(status: WorkspaceStatus) -> tuple[str, str]:
    run = status.last_run
    if run is None:
        return "–", "no prospects scored yet"
    return f"{run.evaluable:,}", f"of {run.rows:,}, {day(run.created_at)}"


def _next(space: Workspace, status: WorkspaceStatus) -> None:
    components.section("What to do next")
    with st.container(border=True):
        components.bullets(steps(status))
        route, label = next_page(status)
        link(route, label)
        if space.rules.list("proposed"):
            link("disqualifiers", "Review the proposed rules")


def steps(status: WorkspaceStatus, /) -> tuple[str, ...]:
    """What to do next, without the commands that do the same elsewhere."""
    waiting = [
        step.partition(": icp ")[0]
        for step in status.next_steps
        if not step.endswith("icp dashboard")
    ]
    return tuple(waiting[:3]) or ("You are up to date. Look through your prospects.",)


def next_page(status: WorkspaceStatus, /) -> tuple[Route, str]:
    """Where the next step is taken, and how the link to it reads."""
    if status.active is None:
        return "data", "Go to import and learn"
    if status.last_run is None:
        return "data", "Score your prospects"
    return "prospects", "Go to the prospects"


_DUE_ROWS: Final = 5


def _due(space: Workspace, /) -> None:
    """Accounts that were left and are due for another look, each with a link."""
    due = space.deals.awake()
    if not due:
        return
    verb = "is" if len(due) == 1 else "are"
    components.section(f"{some(len(due), 'account')} {verb} due for another look")
    with st.container(border=True):
        for left in due[:_DUE_ROWS]:
            account = left.exit.account_id
            why = quiet(escaped(left.woke_why or ""))
            label = f"{escaped(account)} {why}".rstrip()
            link("prospect", label, query={"account": account})
        if len(due) > _DUE_ROWS:
            st.markdown(quiet(f"and {len(due) - _DUE_ROWS:,} more"))


def _outcomes(space: Workspace, status: WorkspaceStatus, /) -> None:
    """How the customers turned out, in number and money."""
    components.section("How your customers turned out")
    if not status.labels:
        components.empty(
            "No customers are labelled yet",
            "Import your customers and define what best means.",
            "data",
        )
        return
    drawing = charts.outcome_split(
        split_of(space.labels.labelled()), currency=components.currency(space)
    )
    components.chart(drawing, key="split")


def split_of(labelled: pl.LazyFrame, /) -> pl.DataFrame:
    """The same of customers whose labels were kept."""
    worth = pl.col("worth").drop_nulls()
    return (
        labelled.group_by("outcome")
        .agg(
            pl.len().cast(pl.Int64).alias("customers"),
            pl.when(worth.len() > 0).then(worth.sum()).alias("worth"),
        )
        .collect()
    )


def split(preview: LabelPreview, /) -> pl.DataFrame:
    """`outcome`, `customers`, `worth` of a label preview, for the chart."""
    return pl.DataFrame(
        {
            "outcome": list(preview.counts),
            "customers": list(preview.counts.values()),
            "worth": [preview.money[outcome] for outcome in preview.counts],
        },
        schema={"outcome": pl.String, "customers": pl.Int64, "worth": pl.Float64},
    )


def _in_force(status: WorkspaceStatus, /) -> None:
    """Which profile is in force and how far it can be relied on."""
    components.section("The profile in force")
    if status.active is None:
        components.empty(
            "No profile is in force",
            "Learn one from your labelled customers.",
            "data",
        )
        return
    provenance = session.profile(status.active.version).provenance
    st.markdown(
        f"**{status.active.version}**, learned on {day(status.active.created_at)} by "
        f"{escaped(status.active.author)}. Evidence: **{provenance.evidence.level}**."
    )
    drawing = charts.evidence_strip(
        provenance.evidence, best=provenance.best, regrettable=provenance.regrettable
    )
    components.chart(drawing, key="evidence")


def _fits(run: ScoreRun, /) -> None:
    """How the scored prospects are spread over the fit."""
    components.section("How your prospects compare")
    cuts = session.profile(f"v{run.profile}").calibration.grade_cuts
    drawing = charts.fit_distribution(session.scored(run.number), cuts=cuts)
    components.chart(drawing, key="fits")
