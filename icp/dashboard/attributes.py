"""The attributes of a profile: how much each says, and what its cells give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from icp import charts
from icp.dashboard import components
from icp.scoring.words import title_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from icp.profile import AttributeTable, Profile

__all__ = ["draw"]


def draw(profile: Profile, /) -> None:
    """Draw how much each attribute says, and one of them cell by cell."""
    components.chart(charts.attribute_weights(profile), key="weights")
    if not profile.tables:
        return
    components.section("One attribute at a time")
    ordered = sorted(profile.tables, key=lambda t: (-t.information, t.name))
    names = _names(ordered)
    place = st.selectbox(
        "Attribute", range(len(names)), format_func=names.__getitem__, key="attribute"
    )
    components.chart(charts.attribute_points(ordered[place]), key="points")


def _names(tables: Sequence[AttributeTable]) -> list[str]:
    """Titles to choose by; those that two attributes share are told apart."""
    titles = [title_of(table) for table in tables]
    return [
        f"{title} ({table.name})" if titles.count(title) > 1 else title
        for title, table in zip(titles, tables, strict=True)
    ]
