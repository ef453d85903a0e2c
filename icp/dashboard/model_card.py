"""The model card of a profile: to read here, and to take away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from icp.dashboard import components, session
from icp.dashboard.text import escaped, quiet
from icp.report import Bullets, Table, as_html, as_markdown

if TYPE_CHECKING:
    from icp.report import Block, Document
    from icp.store.records import ProfileRecord

__all__ = ["draw"]


def draw(record: ProfileRecord, /) -> None:
    """Draw the card of a version, with its downloads."""
    card = session.workspace().card(record.number)
    with st.container(horizontal=True):
        _download("Web page", as_html(card), f"card-{record.version}.html", "text/html")
        _download(
            "Markdown", as_markdown(card), f"card-{record.version}.md", "text/markdown"
        )
    st.markdown(quiet(escaped(card.lead)))
    _sections(card)


def _download(label: str, text: str, name: str, kind: str) -> None:
    st.download_button(
        label,
        text,
        name,
        kind,
        on_click="ignore",
        icon=":material/download:",
        key=f"card-{kind}",
    )


def _sections(card: Document) -> None:
    for section in card.sections:
        components.section(escaped(section.title))
        for block in section.blocks:
            _block(block, section.title)


def _block(block: Block, title: str) -> None:
    if isinstance(block, Table):
        columns = dict(zip(block.headers, zip(*block.rows, strict=True), strict=True))
        components.reading(pl.DataFrame(columns), alt=title)
    elif isinstance(block, Bullets):
        components.bullets(block.lines)
    else:
        st.markdown(escaped(block))
