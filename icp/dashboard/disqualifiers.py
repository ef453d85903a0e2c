"""Rules for walking away: what each would have done, and what a person does with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl
import streamlit as st

from icp import charts
from icp.dashboard import components, session
from icp.dashboard.text import escaped, quiet
from icp.errors import IcpError
from icp.workflow.access import LADDER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from icp.disqualifiers import Disqualifier, Evidence, State
    from icp.workflow import Workspace

__all__ = ["SAID", "lay_down", "listed", "may_judge", "review", "search", "titles"]

SAID: Final = "rules-said"
_ACTIONS: Final[dict[State, str]] = {
    "active": "Put in force",
    "shadow": "Watch only",
    "probation": "Put on probation",
    "retired": "Retire",
    "proposed": "Propose again",
}


def titles(space: Workspace, /) -> dict[str, str]:
    """How columns are called."""
    return {a.name: a.title for a in space.schema("customers").attributes}


def may_judge(space: Workspace, /) -> bool:
    """Whether this person may search, judge and lay down rules."""
    return LADDER.index(space.role) >= LADDER.index("analyst")


def search(space: Workspace, /) -> None:
    """The button that looks for rules, and what came of it."""
    if st.button(
        "Search the customers for rules",
        disabled=not may_judge(space),
        help="Tries every rule of one and two conditions; takes seconds to a minute.",
    ):
        with st.spinner("Trying every rule of one and two conditions …"):
            _searched(space)
        st.rerun()


def _searched(space: Workspace) -> None:
    try:
        found = space.find_disqualifiers()
    except IcpError as error:
        components.say(SAID, "error", str(error))
    else:
        components.say(SAID, "success", f"{found.sentences[0]}.")


def review(
    space: Workspace, rule: Disqualifier, names: Mapping[str, str], /, *, open_: bool
) -> None:
    """One rule: evidence, doubts, history, and the buttons to decide about it."""
    with st.expander(f"**{escaped(rule.words(names))}**", expanded=open_):
        if rule.latest:
            components.bullets(_evidence(rule.latest))
        else:
            st.markdown(f"{escaped(rule.moves[0].reason)} {quiet('policy')}")
        _history(rule)
        if may_judge(space) and rule.open_moves:
            _decision(rule)


def _evidence(seen: Evidence) -> list[str]:
    strong = ["Strong: beyond chance, confirmed, and leaving pays"]
    return [
        seen.sentence()[:1].upper() + seen.sentence()[1:],
        f"{seen.low:.0%} to {seen.high:.0%} of those it covers are regrettable: "
        f"{seen.later_regrettable:,} of {seen.later_covered:,} customers that took no "
        f"part in finding it. Leaving pays from {seen.break_even:.0%}",
        f"Money: {seen.spared:,.0f} spared, {seen.cost:,.0f} lost with the best",
        *([f"In doubt: {doubt}" for doubt in seen.doubts] or strong),
    ]


def _history(rule: Disqualifier) -> None:
    moves = (
        f"{move.on}: {move.state} by {move.by or 'the search'}, {move.reason}"
        for move in rule.moves[1:]
    )
    for line in moves:
        st.markdown(quiet(escaped(line)))
    if len(rule.evidence) > 1:
        components.chart(charts.rule_history(rule), key=f"history-{rule.id}")


def _decision(rule: Disqualifier) -> None:
    key = f"why-{rule.id}"
    reason = st.text_input("Reason, for the log", key=key, placeholder="Why?")
    row = st.container(horizontal=True)
    for state in rule.open_moves:
        reject = rule.state == "proposed" and state == "retired"
        row.button(
            "Reject" if reject else _ACTIONS[state],
            key=f"{state}-{rule.id}",
            type="primary" if state == "active" else "secondary",
            on_click=_move,
            args=(rule.id, state, reason or ""),
        )


def _move(rule: str, state: State, reason: str) -> None:
    try:
        moved = session.workspace().move_disqualifier(rule, state, reason=reason)
    except IcpError as error:
        components.say(SAID, "error", str(error))
    else:
        components.say(SAID, "success", f"{moved.words()}: {moved.state} now")


def lay_down(space: Workspace, /) -> None:
    """The form for a policy rule."""
    with st.form("policy", border=False, clear_on_submit=True):
        when = st.text_input("When", placeholder="industry = 'Arms'")
        why = st.text_input("Why", placeholder="the board decided so")
        sent = st.form_submit_button("Lay down", disabled=not may_judge(space))
    if sent:
        try:
            laid = space.add_policy_rule(when, why=why)
        except IcpError as error:
            components.say(SAID, "error", str(error))
        else:
            components.say(SAID, "success", f"Policy: {laid.words()}")
        st.rerun()


def listed(rules: Sequence[Disqualifier], names: Mapping[str, str], /) -> None:
    """Rules that are over, with who ended them and why."""
    frame = pl.DataFrame(
        {
            "rule": [rule.words(names) for rule in rules],
            "since": [str(rule.moves[-1].on) for rule in rules],
            "by": [rule.moves[-1].by or "the search" for rule in rules],
            "why": [rule.moves[-1].reason for rule in rules],
        }
    )
    components.reading(frame, alt=f"{len(rules)} rules that are over")
