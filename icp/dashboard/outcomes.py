"""What best and regrettable mean here: rules in words, thresholds, preview, by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from streamlit import column_config as cc

from icp import charts
from icp.dashboard import components, overview, rules, thresholds
from icp.dashboard.text import escaped, quiet
from icp.errors import IcpError
from icp.outcomes import OUTCOMES

if TYPE_CHECKING:
    from icp.outcomes import LabelPreview, OutcomePolicy
    from icp.workflow import Workspace

__all__ = ["draw"]

_SAID = "labels-said"
_EXAMPLES = {
    "outcome": cc.TextColumn("Outcome", width="small"),
    "account_id": cc.TextColumn("Id", width="small"),
    "account_name": cc.TextColumn("Company", width="medium"),
    "worth": cc.NumberColumn("Worth", format="localized"),
    "reason": cc.TextColumn("Why", width="large"),
}


def draw(space: Workspace, /) -> None:
    """Draw the outcomes of the imported customers."""
    last = space.last_import()
    if last is None or not last.customers:
        components.empty(
            "No customers are imported yet",
            "Add a file of customers under Files, then import.",
        )
        return
    kept = _policy(space)
    components.section("What decides", "In this order; the first that applies counts.")
    st.markdown("\n".join(f"- {line}" for line in rules.in_words(kept)))
    for note in kept.notes:
        st.markdown(quiet(escaped(components.capital(note))))
    policy = _moved(kept)
    preview = space.label_preview(policy)
    components.section("What that gives")
    if policy != kept:
        st.info(_differs(space.label_preview(kept), preview))
    drawing = charts.outcome_split(overview.split(preview), currency=policy.currency)
    components.chart(drawing, key="split")
    with st.expander("Examples of each"):
        components.table(preview.examples, alt="Examples", columns=_EXAMPLES)
    st.button("Keep these labels", type="primary", on_click=_keep, args=(space, policy))
    components.said(_SAID)
    thresholds.draw(space, policy)
    _by_hand(space)


def _policy(space: Workspace) -> OutcomePolicy:
    if space.config.outcome is not None:
        return space.config.outcome
    last = space.last_import()
    return _proposed(space, str(space.path), last.number if last else 0)


@st.cache_resource(max_entries=8, show_spinner=False)
def _proposed(_space: Workspace, folder: str, number: int) -> OutcomePolicy:
    return _space.propose_policy()


def _moved(policy: OutcomePolicy) -> OutcomePolicy:
    """Fields for the numbers that decide; moving one shows what changes."""
    given = rules.knobs(policy)
    if not given:
        return policy
    st.markdown(quiet("Move a number to see what changes; nothing is kept yet."))
    for place in range(len(given)):
        if place % _COLUMNS == 0:
            cells = st.columns(_COLUMNS, vertical_alignment="bottom")
        # A number that has moved may have moved the place of those behind it.
        knob = rules.knobs(policy)[place]
        with cells[place % _COLUMNS]:
            policy = rules.moved(policy, knob, _field(place, knob))
    return policy


_COLUMNS = 4


def _field(place: int, knob: rules.Knob) -> float:
    months = knob.part == "maturity"
    step = 1.0 if knob.share or months else max(1.0, abs(knob.value) / 20)
    # A share may have been written finer than the field's own steps.
    low, high = min(1.0, knob.value), max(99.0, knob.value)
    value = st.number_input(
        components.capital(knob.label),
        value=knob.value,
        min_value=low if knob.share else 0.0 if months else None,
        max_value=high if knob.share else 240.0 if months else None,
        step=step,
        format=None if knob.value % 1 else "%.0f",
        # A number that was kept starts its field anew.
        key=f"knob-{place}-{knob.value}",
    )
    return knob.value if value is None else value


def _differs(before: LabelPreview, after: LabelPreview) -> str:
    """How many customers more or fewer each outcome has."""
    changes = {name: after.counts[name] - before.counts[name] for name in OUTCOMES}
    said = [f"{change:+,} {name}" for name, change in changes.items() if change]
    return f"Not kept yet: {', '.join(said) or 'the same number of each'}."


def _keep(space: Workspace, policy: OutcomePolicy) -> None:
    try:
        preview = space.label(policy)
    except IcpError as error:
        components.say(_SAID, "error", str(error))
        return
    best, bad = preview.counts["best"], preview.counts["regrettable"]
    text = f"Kept: {best:,} best, {bad:,} regrettable. Next: learn a profile."
    components.say(_SAID, "success", text)


def _by_hand(space: Workspace) -> None:
    with (
        st.expander("Decide one customer by hand"),
        st.form("override", border=False, clear_on_submit=True),
    ):
        account, outcome, reason = st.columns([1, 1, 2])
        chosen = account.text_input("Customer: id or name")
        given = outcome.selectbox("Outcome", OUTCOMES)
        why = reason.text_input("Reason", placeholder="Why, in a few words")
        if st.form_submit_button("Decide"):
            _decide(space, chosen or "", given, why or "")


def _decide(space: Workspace, customer: str, outcome: str, reason: str) -> None:
    try:
        space.override_label(customer, outcome, reason=reason)
    except IcpError as error:
        components.problem(str(error))
    else:
        st.success("Noted. It counts from the next time labels are kept.")
