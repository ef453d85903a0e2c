"""Disqualifiers: rules for walking away that wait for a person, decide, or are over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from icp import charts
from icp.dashboard import components, session
from icp.dashboard import disqualifiers as book

if TYPE_CHECKING:
    from icp.disqualifiers import Disqualifier
    from icp.workflow import Workspace

__all__ = ["draw"]


def draw() -> None:
    """Draw the page."""
    components.heading(
        "Disqualifiers",
        "When to walk away. A search proposes rules with their evidence; only people "
        "put one in force. Policy is written by people and no score buys it back.",
    )
    space = session.workspace()
    components.said(book.SAID)
    if space.status().active is None:
        components.empty(
            "Nothing to search yet", "It needs a profile in force.", "data"
        )
        return
    found = space.disqualifiers()
    components.tabs(
        {
            "Waiting for you": lambda: _waiting(space, found),
            "In force": lambda: _in_force(space, found),
            "Over": lambda: book.over(space, found),
        },
        key="state",
    )


def _waiting(space: Workspace, found: tuple[Disqualifier, ...]) -> None:
    book.search(space)
    names = book.titles(space)
    waiting = [r for r in found if r.state in {"proposed", "shadow", "probation"}]
    if not waiting:
        components.empty(
            "No rule waits for a decision",
            "A search through your customers proposes rules for walking away, with "
            "what each would have spared and cost. What is decided already is under "
            "*In force* and *Over*.",
        )
        return
    components.chart(charts.rule_shares(waiting, titles=names), key="waiting")
    for place, rule in enumerate(waiting):
        book.review(space, rule, names, open_=place == 0)


def _in_force(space: Workspace, found: tuple[Disqualifier, ...]) -> None:
    names = book.titles(space)
    deciding = [rule for rule in found if rule.decides]
    if any(rule.latest for rule in deciding):
        components.chart(charts.rule_shares(deciding, titles=names), key="in-force")
    for rule in deciding:
        book.review(space, rule, names, open_=False)
    if not deciding:
        components.empty(
            "No rule decides yet",
            "Put one in force under *Waiting for you*, or lay down a policy below.",
        )
    if book.may_judge(space):
        components.section("Lay down a policy", "Ethics, law, strategy: never learnt.")
        book.lay_down(space)
