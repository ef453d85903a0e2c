"""Profile: segments, attributes, evidence and versions, for people to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from icp import charts
from icp.dashboard import attributes, components, model_card, session, versions
from icp.dashboard.text import quiet

if TYPE_CHECKING:
    from icp.profile import Profile

__all__ = ["draw"]


def draw() -> None:
    """Draw the page."""
    components.heading(
        "Profile", "What your best customers share, and what those you regret share."
    )
    records = session.workspace().profiles()
    if not records:
        components.empty(
            "No profile is learnt yet", "Import customers, label them, learn.", "data"
        )
        return
    record = versions.choose(records)
    profile = session.profile(record.version)
    st.markdown(quiet(versions.origin(record)))
    parts = {
        "Segments": lambda: _segments(profile),
        "Attributes": lambda: attributes.draw(profile),
        "Evidence": lambda: _evidence(profile),
        "Card": lambda: model_card.draw(record),
        "Versions": lambda: versions.draw(records, record),
    }
    components.tabs(parts, key="tab")


def _segments(profile: Profile) -> None:
    components.chart(charts.segment_sizes(profile), key="sizes")
    if not profile.segments:
        return
    components.section("What sets a segment apart")
    names = [segment.name for segment in profile.segments]
    place = st.selectbox(
        "Segment", range(len(names)), format_func=names.__getitem__, key="segment"
    )
    components.chart(charts.segment_shares(profile, place), key="shares")


def _evidence(profile: Profile) -> None:
    used = profile.provenance
    drawing = charts.evidence_strip(
        used.evidence, best=used.best, regrettable=used.regrettable
    )
    components.chart(drawing, key="evidence")
    components.section("What a fit means")
    components.chart(charts.calibration_curve(profile), key="calibration")
    components.section("What was left out, and why")
    components.left_out(used.findings)
    if used.notes:
        components.section("Also good to know")
        components.bullets(used.notes)
