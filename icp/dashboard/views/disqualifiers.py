"""Disqualifiers: rules for walking away, to decide on, active and retired."""

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


_NOTICE: Final = "rules-notice"


def draw() -> None:
    """Draw the page."""
    components.heading(
        "Disqualifiers",
        "When to walk away. A search proposes rules with their evidence; only people "
        "activate them. Policies are written by people, and no score outweighs them.",
    )
    space = session.workspace()
    components.show_notice(_NOTICE)
    if space.status().active is None:
        components.empty(
            "Nothing to search yet",
            "Learn a profile and put it in force first.",
            "data",
        )
        return
    rules = space.rules.list()
    components.tabs(
        {
            "Waiting for you": lambda: _waiting(space, rules),
            "Active": lambda: _active(space, rules),
            "Retired": lambda: _retired(space, rules),
        },
        key="state",
    )


def _titles(space: Workspace, /) -> dict[str, str]:
    """The titles of the columns."""
    return {a.name: a.title for a in space.accounts.schema("customers").attributes}


def _may_decide(space: Workspace, /) -> bool:
    """Whether this person may search for rules, decide on them and add policies."""
    return LADDER.index(space.role) >= LADDER.index("analyst")


def _waiting(space: Workspace, rules: tuple[Disqualifier, ...]) -> None:
    _search(space)
    names = _titles(space)
    waiting = [r for r in rules if r.state in {"proposed", "shadow", "probation"}]
    if not waiting:
        components.empty(
            "No rules to decide on",
            "A search through your customers proposes rules for walking away, with "
            "what each would have spared and cost. Rules that you decided on are under "
            "*Active* and *Retired*.",
        )
        return
    components.chart(charts.rule_shares(waiting, titles=names), key="waiting")
    for place, rule in enumerate(waiting):
        _review(space, rule, names, open_=place == 0)


def _search(space: Workspace, /) -> None:
    """The button that looks for rules, and what came of it."""
    if not _may_decide(space):
        st.markdown(quiet(f"Your role is {space.role}; analysts and admins decide."))
        return
    if st.button(
        "Search for rules",
        help="Tries every rule of one or two conditions. Takes up to a minute.",
    ):
        with st.spinner("Trying every rule of one or two conditions …"):
            _run_search(space)
        st.rerun()


def _run_search(space: Workspace) -> None:
    try:
        proposals = space.rules.search()
    except IcpError as error:
        components.notice(_NOTICE, "error", str(error))
    else:
        components.notice(_NOTICE, "success", ". ".join(proposals.sentences) + ".")


_ACTIONS: Final[dict[State, str]] = {
    "active": "Activate",
    "shadow": "Watch only",
    "probation": "Put on probation",
    "retired": "Retire",
    "proposed": "Propose again",
}
#: What a move does to a rule, and the tab that holds it from then on.
_MOVES: Final[dict[State, tuple[str, str]]] = {
    "proposed": ("proposed", "Waiting for you"),
    "shadow": ("set to watch only", "Waiting for you"),
    "probation": ("put on probation", "Waiting for you"),
    "active": ("activated", "Active"),
    "policy": ("added", "Active"),
    "retired": ("retired", "Retired"),
}
_BADGES: Final[dict[State, str]] = {
    "proposed": ":blue-badge[proposed]",
    "shadow": ":gray-badge[watch only]",
    "probation": ":orange-badge[on probation]",
    "active": ":green-badge[active]",
    "policy": ":violet-badge[policy]",
    "retired": ":gray-badge[retired]",
}


def _review(
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
        if _may_decide(space) and rule.open_moves:
            _decision(rule, rule.words(names))


def _evidence(evidence: Evidence, unit: str) -> list[str]:
    strong = ["Strong: beyond chance, confirmed, and leaving pays"]
    return [
        components.capital(evidence.sentence()),
        f"{percent(evidence.low)} to {percent(evidence.high)} of those it covers are "
        f"regrettable: {evidence.later_regrettable:,} of {evidence.later_covered:,} "
        f"customers that took no part in finding it. Leaving pays from "
        f"{percent(evidence.break_even)}",
        f"Money: {amount(evidence.spared, unit)} spared, "
        f"{amount(evidence.cost, unit)} lost with the best",
        *([f"In doubt: {doubt}" for doubt in evidence.doubts] or strong),
    ]


def _history(rule: Disqualifier) -> None:
    for before, move in pairwise(rule.moves):
        who = move.by or "the search"
        line = f"{day(move.on)}: {_action(before, move)} by {who}: {move.reason}"
        st.markdown(quiet(escaped(line)))
    if len(rule.evidence) > 1:
        components.chart(charts.rule_history(rule), key=f"history-{rule.id}")


def _action(before: Move, move: Move) -> str:
    reject = (before.state, move.state) == ("proposed", "retired")
    return "rejected" if reject else _MOVES[move.state][0]


def _decision(rule: Disqualifier, words: str) -> None:
    components.show_notice(f"notice-{rule.id}")
    st.text_input(
        "Reason, for the log",
        key=f"why-{rule.id}",
        placeholder="Give a reason, then decide",
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
        components.notice(
            f"notice-{rule}", "error", "Enter a reason first; the log keeps it."
        )
        return
    try:
        result = session.workspace().rules.move(rule, state, reason=reason)
    except IcpError as error:
        components.notice(f"notice-{rule}", "error", str(error))
    else:
        components.notice(_NOTICE, "success", f"{words}: {_outcome(result)}")


def _outcome(rule: Disqualifier) -> str:
    action = _action(*rule.moves[-2:])
    if rule.kind == "policy":
        return f"{action}. It was removed from icp.toml; the log keeps it."
    return f"{action}. It is now under “{_MOVES[rule.state][1]}”."


def _active(space: Workspace, rules: tuple[Disqualifier, ...]) -> None:
    names = _titles(space)
    deciding = [rule for rule in rules if rule.decides]
    if any(rule.latest for rule in deciding):
        components.chart(charts.rule_shares(deciding, titles=names), key="active")
    for rule in deciding:
        _review(space, rule, names, open_=False)
    if not deciding:
        components.empty(
            "No active rules",
            "Activate one under *Waiting for you*, or add a policy below.",
        )
    if _may_decide(space):
        components.section(
            "Add a policy", "For ethics, law and strategy. A policy is never learned."
        )
        _policy_form(space)


_WHEN, _WHY = "policy-when", "policy-why"
_SPELLING: Final = (
    "For example, `industry = 'Arms'`, `employees < 24 and not operations_team` or "
    "`budget is missing`. Use the column names of your accounts."
)


def _policy_form(space: Workspace, /) -> None:
    """The form for a policy."""
    if not _may_decide(space):
        return
    with st.form("policy", border=False):
        st.text_input("When", key=_WHEN, placeholder="industry = 'Arms'")
        st.markdown(quiet(_SPELLING))
        st.text_input("Why", key=_WHY, placeholder="a decision of the board")
        row = st.container(horizontal=True)
        with row:
            st.form_submit_button("Add policy", on_click=_add_policy)
            st.form_submit_button("What would it have done?", on_click=_try_policy)


def _add_policy() -> None:
    when, why = (str(st.session_state[key]) for key in (_WHEN, _WHY))
    try:
        policy = session.workspace().rules.add_policy(when, why=why)
    except IcpError as error:
        components.notice(_NOTICE, "error", str(error))
        return
    components.notice(_NOTICE, "success", f"Policy added: {policy.words()}")
    st.session_state.update({_WHEN: "", _WHY: ""})


def _try_policy() -> None:
    when = str(st.session_state[_WHEN])
    try:
        evidence = session.workspace().rules.try_rule(when)
    except IcpError as error:
        components.notice(_NOTICE, "error", str(error))
    else:
        components.notice(_NOTICE, "success", f"{when} {evidence.sentence()}")


def _retired(space: Workspace, rules: Sequence[Disqualifier], /) -> None:
    """Retired and rejected rules in a table, then one by one."""
    past = [rule for rule in rules if rule.state == "retired"]
    if not past:
        components.empty(
            "No retired rules",
            "Rules that you retire or reject stay here with the reason, and can be "
            "proposed again.",
        )
        return
    _table(past, _titles(space))
    for rule in past:
        _review(space, rule, _titles(space), open_=False)


def _table(rules: Sequence[Disqualifier], names: Mapping[str, str], /) -> None:
    """Retired rules, with who retired them and why."""
    frame = pl.DataFrame(
        {
            "rule": [rule.words(names) for rule in rules],
            "since": [day(rule.moves[-1].on) for rule in rules],
            "by": [rule.moves[-1].by or "the search" for rule in rules],
            "why": [rule.moves[-1].reason for rule in rules],
        }
    )
    components.reading(frame, alt=f"{some(len(rules), 'retired rule')}")
