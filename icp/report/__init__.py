"""Documents for people: the model card of a profile, as Markdown and as HTML."""

from __future__ import annotations

from icp.report.card import Origin, model_card
from icp.report.document import Block, Bullets, Document, Section, Table
from icp.report.render import as_html, as_markdown

__all__ = [
    "Block",
    "Bullets",
    "Document",
    "Origin",
    "Section",
    "Table",
    "as_html",
    "as_markdown",
    "model_card",
]
