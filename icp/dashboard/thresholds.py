"""What changes when a threshold moves: how many customers turn out otherwise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import polars as pl
import streamlit as st

from icp.dashboard import components
from icp.dashboard.rules import readable
from icp.dashboard.text import quiet

if TYPE_CHECKING:
    from icp.outcomes import OutcomePolicy
    from icp.workflow import Workspace

__all__ = ["draw", "named", "one"]

_WORDS: Final = {
    "best_top": "best: the share worth most",
    "best_from": "best: worth from",
    "regrettable_below": "regrettable: worth below",
    "regrettable_bottom": "regrettable: the share worth least",
    "maturity_months": "unknown: months until a customer counts",
}
_SHARES: Final = ("best_top", "regrettable_bottom")
_AS_IT_IS: Final = "as it is"
_NAMED: Final = 3


def draw(space: Workspace, policy: OutcomePolicy, /) -> None:
    """Draw it on request: every row labels all customers anew."""
    panel = st.expander(
        "What changes when a threshold moves", key="sensitivity", on_change="rerun"
    )
    if not panel.open:
        return
    with panel:
        rows = named(space.label_sensitivity(policy))
        knobs = rows["knob"].drop_nulls().unique(maintain_order=True).to_list()
        if not knobs:
            st.markdown("No number decides here.")
            return
        st.markdown(quiet("The closer the counts stay, the safer the threshold is."))
        chosen = st.selectbox("Threshold", knobs, key="sensitivity-knob")
        shown = one(rows, chosen)
        components.table(
            shown, alt=f"What changes when {chosen} moves", height="content"
        )


def named(moves: pl.DataFrame, /) -> pl.DataFrame:
    """The moves with `knob`: the threshold in words, null for things as they are.

    Two rules may compare the same column with the same number. The values of one
    threshold rise, so a fall means that the next one has begun; it is numbered.
    """
    name, value = pl.col("threshold"), pl.col("value")
    begins = name.ne_missing(name.shift()) | (value < value.shift())
    rows = moves.with_columns(run=begins.fill_null(value=True).cum_sum())
    number = pl.col("run").rank("dense").over("threshold").cast(pl.String)
    words = name.map_elements(_in_words, return_dtype=pl.String)
    twice = pl.col("run").n_unique().over("threshold") > 1
    return rows.with_columns(
        knob=pl.when(name != "").then(
            words + pl.when(twice).then(" (rule " + number + ")").otherwise(pl.lit(""))
        )
    ).drop("run")


def _in_words(threshold: str) -> str:
    return _WORDS.get(threshold) or re.sub(r"\s+", " ", readable(threshold))


def one(rows: pl.DataFrame, knob: str, /) -> pl.DataFrame:
    """How things are, then one threshold moved, for people to read."""
    wanted = rows.filter(pl.col("knob").is_null() | (pl.col("knob") == knob))
    return wanted.select(
        pl.struct("threshold", "value")
        .map_elements(_moved_to, return_dtype=pl.String)
        .alias("moved to"),
        "best",
        "regrettable",
        "neutral",
        "unknown",
        pl.col("flipped").alias("turn out otherwise"),
        pl.col("flips").list.head(_NAMED).list.join("; ").alias("for instance"),
    )


def _moved_to(move: dict[str, str | float | None]) -> str:
    value = move["value"]
    if not isinstance(value, float):
        return _AS_IT_IS
    return f"{value:.1%}" if move["threshold"] in _SHARES else f"{value:,.10g}"
