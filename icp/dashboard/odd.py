"""Outliers: the accounts' distances, the farthest of them, and one looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl
import streamlit as st

from icp.dashboard import components, explained, queue
from icp.dashboard.routes import link
from icp.dashboard.text import escaped, quiet

if TYPE_CHECKING:
    from icp.workflow import ImportSummary, Workspace
    from icp.workflow.imports import Population

__all__ = ["draw", "farthest", "population", "rows"]

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
    outliers = _space.outliers(population=population)
    return outliers.pipe(queue.named).select(_COLUMNS).collect()


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


def draw(space: Workspace, name: str, account: str, /) -> None:
    """One account: what makes it odd, and the past customers most like it."""
    explanation = space.check(account)
    components.section(escaped(name))
    st.markdown(quiet("What makes it odd among the customers you closed:"))
    explained.oddities(explanation)
    st.markdown(quiet("The past customers that are still the most alike:"))
    explained.look_alikes(explanation)
    link("prospect", "Open it with its fit", query={"account": account})
