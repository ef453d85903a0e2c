"""Picking one company: by search, from the list, or from the page's address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from icp.dashboard import queue, session

if TYPE_CHECKING:
    import polars as pl

    from icp.store.records import ScoreRun

__all__ = ["draw"]


def draw(run: ScoreRun | None, /) -> tuple[str, str] | None:
    """Draw the fields; returns the id and name of what is picked, None for nothing.

    The account of the page's address counts whether or not it is among the prospects.
    """
    search, choice = st.columns([1, 2], vertical_alignment="bottom")
    text = search.text_input("Search a company", key="find")
    asked = st.query_params.get("account")
    listed = session.scored(run.number) if run else None
    found = _choices(listed, text or "", asked)
    if not found or (text and not _choices(listed, text, None)):
        st.info("No prospect has that name or id. Try fewer letters.")
    if not found:
        return None
    account = choice.selectbox(
        "Company",
        list(found),
        format_func=found.__getitem__,
        key=f"pick-{text}",
        index=list(found).index(asked) if asked in found else 0,
    )
    st.query_params["account"] = account
    return account, found[account]


def _choices(
    scored: pl.LazyFrame | None, text: str, asked: str | None
) -> dict[str, str]:
    """Prospects by id; the account of the address too, a customer or not yet scored."""
    found = {} if scored is None else queue.choices(scored, text, asked)
    return {asked: asked, **found} if asked and asked not in found else found
