"""The pages, and how they link to one another."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, Literal

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamlit.navigation.page import Page


Route = Literal[
    "home", "prospects", "prospect", "outliers", "disqualifiers", "profile", "data"
]


@dataclass(frozen=True, kw_only=True)
class _Entry:
    title: str
    icon: str


#: Route -> entry, in the order of the menu. The first is the page without a path.
_ENTRIES: Final[dict[Route, _Entry]] = {
    "home": _Entry(title="Home", icon=":material/home:"),
    "prospects": _Entry(title="Prospects", icon=":material/list_alt:"),
    "prospect": _Entry(title="One prospect", icon=":material/search_insights:"),
    "outliers": _Entry(title="Outliers", icon=":material/scatter_plot:"),
    "disqualifiers": _Entry(title="Disqualifiers", icon=":material/do_not_disturb_on:"),
    "profile": _Entry(title="Profile", icon=":material/target:"),
    "data": _Entry(title="Import and learn", icon=":material/upload_file:"),
}


def pages() -> list[Page]:
    """All pages in the order of the menu."""
    return [_page(route) for route in _ENTRIES]


def _page(route: Route) -> Page:
    entry = _ENTRIES[route]
    # As the page's own icon a Material icon becomes the favicon, which the browser
    # would fetch from a foreign host; in the title it comes from the local font.
    return st.Page(
        import_module(f"icp.dashboard.views.{route}").draw,
        title=f"{entry.icon} {entry.title}",
        icon="",
        url_path=route,
        default=route == "home",
    )


def link(
    route: Route, label: str | None = None, /, *, query: Mapping[str, str] | None = None
) -> None:
    """Draw a link to a page; `label` is Markdown and must be safe already."""
    st.page_link(
        _page(route),
        label=f":blue[{label or _ENTRIES[route].title}]",
        icon=":material/arrow_forward:",
        query_params=dict(query or {}),
    )


def go(route: Route, /, *, query: Mapping[str, str] | None = None) -> None:
    """Leave for another page at once."""
    st.switch_page(_page(route), query_params=dict(query or {}))
