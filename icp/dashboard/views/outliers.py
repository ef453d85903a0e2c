"""Outliers: accounts unlike your best, unlike any customer, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl
import streamlit as st
from streamlit import column_config as cc

from icp import charts
from icp.dashboard import components, session
from icp.dashboard.components import escaped, quiet
from icp.dashboard.routes import link
from icp.dashboard.views import prospect, prospects

if TYPE_CHECKING:
    from icp.ingest.propose_plan import Population
    from icp.workflow import ImportSummary, Workspace


def draw() -> None:
    """Draw the page."""
    components.heading(
        "Outliers",
        "Accounts far from your best customers, from everything you closed, or from "
        "both. Their fit is less certain; what makes them unusual may be worth a look.",
    )
    space = session.workspace()
    status = space.status()
    last = status.last_import
    if status.active is None or last is None or not (last.prospects or last.customers):
        components.empty(
            "Nothing to compare yet",
            "You need a profile in force and imported prospects or customers.",
            "data",
        )
        return
    accounts = distances(space, population(last), status.active.number, last.number)
    components.chart(charts.outlier_map(accounts), key="map")
    far = farthest(accounts)
    components.section(
        "The farthest from everything you closed", "Select one to see why."
    )
    if far.is_empty():
        st.markdown("No account is far from all closed customers.")
        return
    name, account = far.row(_selection(far))[:2]
    _account(space, name, account)


def population(last: ImportSummary, /) -> Population:
    """Let a person choose prospects or customers, of those that were imported."""
    options: dict[Population, str] = {}
    if last.prospects:
        options["prospects"] = f"Prospects ({last.prospects:,})"
    if last.customers:
        options["customers"] = f"Customers ({last.customers:,})"
    return st.segmented_control(
        "Accounts to show",
        list(options),
        format_func=options.__getitem__,
        default=next(iter(options)),
        required=True,
        key="who",
        bind="query-params",
        label_visibility="collapsed",
    )


_COLUMNS: Final = (
    "account_id",
    "account_name",
    "distance_best",
    "distance_closed",
    "novelty_p",
    "quadrant",
    "odd",
)


def distances(
    space: Workspace, population: Population, profile: int, number: int, /
) -> pl.DataFrame:
    """Every account's distances; kept while profile and import are the same."""
    return _distances(space, str(space.path), population, profile, number)


@st.cache_resource(max_entries=4, show_spinner="Comparing the accounts …")
def _distances(
    _space: Workspace, folder: str, population: Population, profile: int, number: int
) -> pl.DataFrame:
    outliers = _space.scores.outliers(population=population)
    return outliers.pipe(prospects.named).select(_COLUMNS).collect()


_MOST: Final = 100
_FAR: Final = ("far from both", "far from all closed only")


def farthest(accounts: pl.DataFrame, /) -> pl.DataFrame:
    """At most 100 accounts far from all closed ones, the farthest first."""
    return (
        accounts.filter(pl.col("quadrant").is_in(_FAR))
        .sort("distance_closed", "account_id", descending=[True, False])
        .head(_MOST)
        .select(
            "account_name",
            "account_id",
            "quadrant",
            pl.format("{} %", (100 * pl.col("novelty_p")).round(1)).alias("as far"),
            pl.col("odd").list.join(" · "),
        )
    )


_COLUMN_CONFIG = {
    "account_name": cc.TextColumn("Company", width=160),
    "account_id": cc.TextColumn("Id", width="small"),
    "quadrant": cc.TextColumn("Where", width=165),
    "as far": cc.TextColumn(
        "As far", width=90, help="Share of past customers that were at least as far"
    ),
    "odd": cc.TextColumn("What is unusual", width="large"),
}


def _selection(far: pl.DataFrame) -> int:
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


def _account(space: Workspace, name: str, account: str, /) -> None:
    """One account: what is unusual about it, and its most similar past customers."""
    explanation = space.scores.check(account)
    components.section(escaped(name))
    st.markdown(quiet("What is unusual about it among the customers you closed:"))
    prospect.oddities(explanation)
    st.markdown(quiet("Its most similar past customers:"))
    prospect.similar_customers(explanation)
    link("prospect", "Open this account", query={"account": account})
