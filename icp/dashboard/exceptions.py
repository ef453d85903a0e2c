"""Pursuing one account although a rule or a policy says no."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from icp.dashboard import components, noted

if TYPE_CHECKING:
    from icp.qualify import Verdict
    from icp.workflow import Workspace

__all__ = ["draw"]


def draw(space: Workspace, verdict: Verdict, account: str | None, /) -> None:
    """Draw the form for an exception; nothing where no rule speaks against a deal."""
    rules = {
        ground.code: components.capital(ground.title)
        for ground in verdict.grounds
        if ground.kind in {"policy", "disqualifier"} and not ground.excepted_by
    }
    if account is None or not rules:
        return
    with (
        st.expander("Pursue it all the same", key="advice-except", type="compact"),
        st.form(f"except-{account}", border=False),
    ):
        rule = st.selectbox(
            "Set aside",
            list(rules),
            format_func=rules.__getitem__,
            key=f"except-rule-{account}",
        )
        reason = st.text_input("Why, for the log", key=f"except-reason-{account}")
        approver = st.text_input(
            "Who allows it",
            key=f"except-approver-{account}",
            help="Somebody else who may judge rules; a policy needs one.",
        )
        if st.form_submit_button("Make an exception"):
            noted.done(
                lambda: space.allow_exception(
                    rule, account, reason=reason, approver=approver.strip() or None
                ),
                "Set aside for this account, and logged.",
            )
            st.rerun()
