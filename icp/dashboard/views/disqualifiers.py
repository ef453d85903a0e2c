"""Disqualifiers: rules for walking away that wait for a person, decide, or are over."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import polars as pl
import streamlit as st

from icp import charts
from icp.charts.figure import percent
from icp.dashboard import components, session
from icp.dashboard.components import amount, day, escaped, quiet
from icp.errors import IcpError, some
from icp.workflow.access import LADDER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from icp.disqualifiers import Disqualifier, Evidence, Move, State
    from icp.workflow import Workspace


# ---- Rules for walking away: what each would have done, and what a person does with it

SAID: Final = "rules-said"
_ACTIONS: Final[dict[State, str]] = {
    "active": "Put in force",
    "shadow": "Watch only",
    "probation": "Put on probation",
    "retired": "Retire",
    "proposed": "Propose again",
}
#: What was done to a rule, and the tab on which it is from then on.
_DONE: Final[dict[State, tuple[str, str]]] = {
    "proposed": ("proposed", "Waiting for you"),
    "shadow": ("watched only", "Waiting for you"),
    "probation": ("put on probation", "Waiting for you"),
    "active": ("put in force", "In force"),
    "policy": ("laid down", "In force"),
    "retired": ("retired", "Over"),
}
_BADGES: Final[dict[State, str]] = {
    "proposed": ":blue-badge[proposed]",
    "shadow": ":gray-badge[watched only]",
    "probation": ":orange-badge[on probation]",
    "active": ":green-badge[in force]",
    "policy": ":violet-badge[policy]",
    "retired": ":gray-badge[over]",
}
_WHEN, _WHY = "policy-when", "policy-why"
_SPELLING: Final = (
    "For instance `industry = 'Arms'`, `employees < 24 and not operations_team` or "
    "`budget is missing`; columns are called as in your accounts."
)


def titles(space: Workspace, /) -> dict[str, str]:
    """How columns are called."""
    return {a.name: a.title for a in space.accounts.schema("customers").attributes}


def may_judge(space: Workspace, /) -> bool:
    """Whether this person may search, judge and lay down rules."""
    return LADDER.index(space.role) >= LADDER.index("analyst")


def search(space: Workspace, /) -> None:
    """The button that looks for rules, and what came of it."""
    if not may_judge(space):
        st.markdown(quiet(f"You are {space.role} here; analysts and admins decide."))
        return
    if st.button(
        "Search the customers for rules",
        help="Tries every rule of one and two conditions; takes seconds to a minute.",
    ):
        with st.spinner("Trying every rule of one and two conditions …"):
            _searched(space)
        st.rerun()


def _searched(space: Workspace) -> None:
    try:
        found = space.rules.search()
    except IcpError as error:
        components.say(SAID, "error", str(error))
    else:
        components.say(SAID, "success", ". ".join(found.sentences) + ".")


def review(
    space: Workspace, rule: Disqualifier, names: Mapping[str, str], /, *, open_: bool
) -> None:
    """One rule: evidence, doubts, history, and the buttons to decide about it."""
    title = f"**{escaped(rule.words(names))}** {_BADGES[rule.state]}"
    with st.expander(title, expanded=open_, key=f"rule-{rule.id}"):
        if rule.latest:
            components.bullets(_evidence(rule.latest, components.currency(space)))
        else:
            st.markdown(f"{escaped(rule.moves[0].reason)}")
        _history(rule)
        if may_judge(space) and rule.open_moves:
            _decision(rule, rule.words(names))


def _evidence(seen: Evidence, unit: str) -> list[str]:
    strong = ["Strong: beyond chance, confirmed, and leaving pays"]
    return [
        components.capital(seen.sentence()),
        f"{percent(seen.low)} to {percent(seen.high)} of those it covers are "
        f"regrettable: {seen.later_regrettable:,} of {seen.later_covered:,} customers "
        f"that took no part in finding it. Leaving pays from "
        f"{percent(seen.break_even)}",
        f"Money: {amount(seen.spared, unit)} spared, {amount(seen.cost, unit)} lost "
        "with the best",
        *([f"In doubt: {doubt}" for doubt in seen.doubts] or strong),
    ]


def _history(rule: Disqualifier) -> None:
    for before, move in pairwise(rule.moves):
        who = move.by or "the search"
        line = f"{day(move.on)}: {_done(before, move)} by {who}: {move.reason}"
        st.markdown(quiet(escaped(line)))
    if len(rule.evidence) > 1:
        components.chart(charts.rule_history(rule), key=f"history-{rule.id}")


def _done(before: Move, move: Move) -> str:
    rejected = (before.state, move.state) == ("proposed", "retired")
    return "rejected" if rejected else _DONE[move.state][0]


def _decision(rule: Disqualifier, words: str) -> None:
    components.said(f"said-{rule.id}")
    st.text_input(
        "Reason, for the log", key=f"why-{rule.id}", placeholder="Say why, then decide"
    )
    row = st.container(horizontal=True)
    for state in rule.open_moves:
        reject = rule.state == "proposed" and state == "retired"
        row.button(
            "Reject" if reject else _ACTIONS[state],
            key=f"{state}-{rule.id}",
            type="primary" if state == "active" else "secondary",
            on_click=_move,
            args=(rule.id, state, words),
        )


def _move(rule: str, state: State, words: str) -> None:
    # The reason as it is now: a click on a button may come with the last word typed.
    reason = str(st.session_state.get(f"why-{rule}", "")).strip()
    if not reason:
        components.say(f"said-{rule}", "error", "Say why first; the log keeps it.")
        return
    try:
        moved = session.workspace().rules.move(rule, state, reason=reason)
    except IcpError as error:
        components.say(f"said-{rule}", "error", str(error))
    else:
        components.say(SAID, "success", f"{words}: {_outcome(moved)}")


def _outcome(moved: Disqualifier) -> str:
    done = _done(*moved.moves[-2:])
    if moved.kind == "policy":
        return f"{done}. It is out of icp.toml; the log keeps it."
    return f"{done}. You find it under “{_DONE[moved.state][1]}”."


def lay_down(space: Workspace, /) -> None:
    """The form for a policy rule."""
    if not may_judge(space):
        return
    with st.form("policy", border=False):
        st.text_input("When", key=_WHEN, placeholder="industry = 'Arms'")
        st.markdown(quiet(_SPELLING))
        st.text_input("Why", key=_WHY, placeholder="the board decided so")
        row = st.container(horizontal=True)
        with row:
            st.form_submit_button("Lay down", on_click=_laid)
            st.form_submit_button("What would it have done?", on_click=_tried)


def _laid() -> None:
    when, why = (str(st.session_state[key]) for key in (_WHEN, _WHY))
    try:
        laid = session.workspace().rules.add_policy(when, why=why)
    except IcpError as error:
        components.say(SAID, "error", str(error))
        return
    components.say(SAID, "success", f"Policy from now on: {laid.words()}")
    st.session_state.update({_WHEN: "", _WHY: ""})


def _tried() -> None:
    when = str(st.session_state[_WHEN])
    try:
        seen = session.workspace().rules.try_rule(when)
    except IcpError as error:
        components.say(SAID, "error", str(error))
    else:
        components.say(SAID, "success", f"{when} {seen.sentence()}")


def _listed(rules: Sequence[Disqualifier], names: Mapping[str, str], /) -> None:
    """Rules that are over, with who ended them and why."""
    frame = pl.DataFrame(
        {
            "rule": [rule.words(names) for rule in rules],
            "since": [day(rule.moves[-1].on) for rule in rules],
            "by": [rule.moves[-1].by or "the search" for rule in rules],
            "why": [rule.moves[-1].reason for rule in rules],
        }
    )
    components.reading(frame, alt=f"{some(len(rules), 'rule')} over")


def over(space: Workspace, found: Sequence[Disqualifier], /) -> None:
    """The rules that are over: what happened to them, and each by itself."""
    past = [rule for rule in found if rule.state == "retired"]
    if not past:
        components.empty(
            "No rule is over",
            "Rules that you retire or reject stay here with the reason, and can be "
            "proposed again.",
        )
        return
    _listed(past, titles(space))
    for rule in past:
        review(space, rule, titles(space), open_=False)


def draw() -> None:
    """Draw the page."""
    components.heading(
        "Disqualifiers",
        "When to walk away. A search proposes rules with their evidence; only people "
        "put one in force. Policy is written by people and no score buys it back.",
    )
    space = session.workspace()
    components.said(SAID)
    if space.status().active is None:
        components.empty(
            "Nothing to search yet", "It needs a profile in force.", "data"
        )
        return
    found = space.rules.list()
    components.tabs(
        {
            "Waiting for you": lambda: _waiting(space, found),
            "In force": lambda: _in_force(space, found),
            "Over": lambda: over(space, found),
        },
        key="state",
    )


def _waiting(space: Workspace, found: tuple[Disqualifier, ...]) -> None:
    search(space)
    names = titles(space)
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
        review(space, rule, names, open_=place == 0)


def _in_force(space: Workspace, found: tuple[Disqualifier, ...]) -> None:
    names = titles(space)
    deciding = [rule for rule in found if rule.decides]
    if any(rule.latest for rule in deciding):
        components.chart(charts.rule_shares(deciding, titles=names), key="in-force")
    for rule in deciding:
        review(space, rule, names, open_=False)
    if not deciding:
        components.empty(
            "No rule decides yet",
            "Put one in force under *Waiting for you*, or lay down a policy below.",
        )
    if may_judge(space):
        components.section("Lay down a policy", "Ethics, law, strategy: never learnt.")
        lay_down(space)
