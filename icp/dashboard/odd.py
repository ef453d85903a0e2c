"""The prospects' distances, read once per profile and import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl
import streamlit as st

from icp.dashboard import queue

if TYPE_CHECKING:
    from icp.workflow import Workspace

__all__ = ["farthest", "rows"]

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


def rows(space: Workspace, profile: int, number: int, /) -> pl.DataFrame:
    """Every prospect's distances; kept while profile and import are the same."""
    return _rows(space, str(space.path), profile, number)


@st.cache_resource(max_entries=4, show_spinner="Comparing the prospects …")
def _rows(_space: Workspace, folder: str, profile: int, number: int) -> pl.DataFrame:
    return _space.outliers().pipe(queue.named).select(_COLUMNS).collect()


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
