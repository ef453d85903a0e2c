"""Outliers: accounts unlike your best, unlike any customer, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl
import streamlit as st
from streamlit import column_config as cc

from icp import charts
from icp.dashboard import components, session, verdict
from icp.dashboard.components import escaped, quiet
from icp.dashboard.routes import link
from icp.dashboard.views import prospects

if TYPE_CHECKING:
    from icp.ingest.propose_plan import Population
    from icp.workflow import ImportSummary, Workspace


# ---- Outliers: the accounts' distances, the farthest of them, and one looked at

_LISTED: Final = 100
_COLUMNS: Final = (
    "account_id",
    "account_name",
    "distance_best",
    "distance_closed",
    "novelty_p",
    "quadrant",
    "odd",
)


def population(last: ImportSummary, /) -> Population:
    """Let a person choose prospects or customers, whichever were imported."""
    offered: dict[Population, str] = {}
    if last.prospects:
        offered["prospects"] = f"Prospects ({last.prospects:,})"
    if last.customers:
        offered["customers"] = f"Customers ({last.customers:,})"
    return st.segmented_control(
        "Whom to look at",
        list(offered),
        format_func=offered.__getitem__,
        default=next(iter(offered)),
        required=True,
        key="who",
        bind="query-params",
        label_visibility="collapsed",
    )


def rows(
    space: Workspace, population: Population, profile: int, number: int, /
) -> pl.DataFrame:
    """Every account's distances; kept while profile and import are the same."""
    return _rows(space, str(space.path), population, profile, number)


@st.cache_resource(max_entries=4, show_spinner="Comparing the accounts …")
def _rows(
    _space: Workspace, folder: str, population: Population, profile: int, number: int
) -> pl.DataFrame:
    outliers = _space.scores.outliers(population=population)
    return outliers.pipe(prospects.named).select(_COLUMNS).collect()


def farthest(accounts: pl.DataFrame, /) -> pl.DataFrame:
    """At most 100 accounts far from all closed ones, the farthest first."""
    return (
        accounts.filter(pl.col("quadrant").is_in(_FAR))
        .sort("distance_closed", "account_id", descending=[True, False])
        .head(_LISTED)
        .select(
            "account_name",
            "account_id",
            "quadrant",
            pl.format("{} %", (100 * pl.col("novelty_p")).round(1)).alias("as odd"),
            pl.col("odd").list.join(" · "),
        )
    )


_FAR: Final = ("far from both", "far from all closed only")


def draw_oddities(space: Workspace, name: str, account: str, /) -> None:
    """One account: what makes it odd, and the past customers most like it."""
    explanation = space.scores.check(account)
    components.section(escaped(name))
    st.markdown(quiet("What makes it odd among the customers you closed:"))
    verdict.oddities(explanation)
    st.markdown(quiet("The past customers that are still the most alike:"))
    verdict.look_alikes(explanation)
    link("prospect", "Open it with its fit", query={"account": account})


_COLUMN_CONFIG = {
    "account_name": cc.TextColumn("Company", width=160),
    "account_id": cc.TextColumn("Id", width="small"),
    "quadrant": cc.TextColumn("Where", width=165),
    "as odd": cc.TextColumn("As unusual", width=90, help="Share of past customers"),
    "odd": cc.TextColumn("What makes it odd", width="large"),
}


def draw() -> None:
    """Draw the page."""
    components.heading(
        "Outliers",
        "Accounts far from your best customers, from all that you closed, or both. "
        "Their fit is less certain; what makes them odd may be worth a look.",
    )
    space = session.workspace()
    status = space.status()
    last = status.last_import
    if status.active is None or last is None or not (last.prospects or last.customers):
        components.empty(
            "Nothing to compare yet",
            "It needs a profile in force, and prospects or customers.",
            "data",
        )
        return
    accounts = rows(space, population(last), status.active.number, last.number)
    components.chart(charts.outlier_map(accounts), key="map")
    far = farthest(accounts)
    components.section(
        "The farthest from everything you closed", "Select one to see why."
    )
    if far.is_empty():
        st.markdown("None of them is far from all closed customers.")
        return
    name, account = far.row(_selected(far))[:2]
    draw_oddities(space, name, account)


def _selected(far: pl.DataFrame) -> int:
    event = st.dataframe(
        far,
        hide_index=True,
        column_config=_COLUMN_CONFIG,
        height=min(420, 38 + 35 * len(far)),
        on_select="rerun",
        selection_mode="single-row-required",
        key=f"farthest-{far['account_id'][0]}",
        alt=f"The {len(far)} farthest accounts",
    )
    return event.selection.rows[0] if event.selection.rows else 0
