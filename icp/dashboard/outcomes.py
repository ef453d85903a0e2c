"""What best and regrettable mean here: rules in words, thresholds, preview, by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from streamlit import column_config as cc

from icp import charts
from icp.dashboard import components, overview
from icp.dashboard.text import quiet
from icp.errors import IcpError
from icp.outcomes import OUTCOMES, OutcomePolicy, propose_policy

if TYPE_CHECKING:
    from icp.workflow import Workspace

__all__ = ["draw", "moved"]

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
    policy = _policy(space)
    components.section("What decides", "In this order; the first that applies counts.")
    components.bullets([*policy.describe(), *policy.notes])
    policy = _thresholds(policy)
    preview = space.label_preview(policy)
    components.section("What that gives")
    drawing = charts.outcome_split(overview.split(preview), currency=policy.currency)
    components.chart(drawing, key="split")
    with st.expander("Examples of each"):
        components.table(preview.examples, alt="Examples", columns=_EXAMPLES)
    st.button("Keep these labels", type="primary", on_click=_keep, args=(space, policy))
    components.said(_SAID)
    _by_hand(space)


def _policy(space: Workspace) -> OutcomePolicy:
    if space.config.outcome is not None:
        return space.config.outcome
    last = space.last_import()
    return _proposed(space, str(space.path), last.number if last else 0)


@st.cache_resource(max_entries=8, show_spinner=False)
def _proposed(_space: Workspace, folder: str, number: int) -> OutcomePolicy:
    return propose_policy(_space.accounts(), _space.schema())


def _thresholds(policy: OutcomePolicy) -> OutcomePolicy:
    """Fields for the thresholds that are set; moving one shows what changes."""
    cuts = {k: v for k, v in policy.thresholds.model_dump().items() if v is not None}
    if not cuts:
        return policy
    st.markdown(quiet("Move a threshold to see what changes; nothing is kept yet."))
    cells = st.columns(max(2, len(cuts)))
    for cell, (name, value) in zip(cells, cuts.items(), strict=False):
        label, share = _LABELS[name]
        cuts[name] = cell.number_input(
            label,
            value=100.0 * value if share else float(value),
            min_value=1.0 if share else None,
            max_value=99.0 if share else None,
            step=1.0 if share else max(1.0, abs(value) / 20),
            key=f"cut-{name}",
        )
    return moved(policy, cuts)


#: Threshold -> how it reads, and whether it is a share.
_LABELS = {
    "best_top": ("Best: the top, in % of customers", True),
    "best_from": ("Best: worth from", False),
    "regrettable_below": ("Regrettable: worth below", False),
    "regrettable_bottom": ("Regrettable: the bottom, in % of customers", True),
}


def moved(policy: OutcomePolicy, cuts: dict[str, float], /) -> OutcomePolicy:
    """The policy with other thresholds; shares come in per cent."""
    values = {name: v / 100 if _LABELS[name][1] else v for name, v in cuts.items()}
    thresholds = policy.thresholds.model_copy(update=values)
    return policy.model_copy(update={"thresholds": thresholds})


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
        chosen = account.text_input("Customer id")
        given = outcome.selectbox("Outcome", OUTCOMES)
        why = reason.text_input("Reason", placeholder="Why, in a few words")
        if st.form_submit_button("Decide"):
            space.override_label(chosen or "", given, reason=why or "")
            st.success("Noted. It counts from the next time labels are kept.")
