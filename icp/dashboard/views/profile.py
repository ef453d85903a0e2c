"""Profile: segments, attributes, evidence and versions, for people to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from icp import charts
from icp.dashboard import components, session
from icp.dashboard.components import day, escaped, quiet
from icp.errors import IcpError, some
from icp.report import Bullets, Table, as_html, as_markdown
from icp.scoring.words import title_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from icp.profile import AttributeTable, Profile
    from icp.report import Block, Document
    from icp.store.records import ProfileRecord


# ---- The attributes of a profile: how much each says, and what its cells give


def draw_attributes(profile: Profile, /) -> None:
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


# ---- The model card of a profile: to read here, and to take away


def draw_card(record: ProfileRecord, /) -> None:
    """Draw the card of a version, with its downloads."""
    card = session.workspace().profiles.card(record.number)
    with st.container(horizontal=True):
        _download("Web page", as_html(card), f"card-{record.version}.html", "text/html")
        _download(
            "Markdown", as_markdown(card), f"card-{record.version}.md", "text/markdown"
        )
    st.markdown(quiet(escaped(card.lead)))
    _sections(card)


def _download(label: str, text: str, name: str, kind: str) -> None:
    st.download_button(
        label,
        text,
        name,
        kind,
        on_click="ignore",
        icon=":material/download:",
        key=f"card-{kind}",
    )


def _sections(card: Document) -> None:
    for section in card.sections:
        components.section(escaped(section.title))
        for block in section.blocks:
            _block(block, section.title)


def _block(block: Block, title: str) -> None:
    if isinstance(block, Table):
        columns = dict(zip(block.headers, zip(*block.rows, strict=True), strict=True))
        components.reading(pl.DataFrame(columns), alt=title)
    elif isinstance(block, Bullets):
        components.bullets(block.lines)
    else:
        st.markdown(escaped(block))


# ---- The versions of the profile: choose one to look at, put one in force, go back


def choose(records: Sequence[ProfileRecord], /) -> ProfileRecord:
    """Let a person pick a version; the one in force first."""
    by_name = {r.version: r for r in sorted(records, key=_newest_first)}
    labels = {
        name: f"{name} (in force)" if r.active else name for name, r in by_name.items()
    }
    picked = st.selectbox(
        "Version",
        list(by_name),
        format_func=labels.__getitem__,
        key="version",
        width=240,
        bind="query-params",
    )
    return by_name[picked]


def origin(record: ProfileRecord, /) -> str:
    """When, by whom and from what a version was learnt; safe Markdown."""
    return (
        f"{record.version} · learnt {day(record.created_at)} by "
        f"{escaped(record.author)} from {record.best:,} best and "
        f"{record.regrettable:,} regrettable customers · id {record.short_id}"
    )


def _newest_first(record: ProfileRecord) -> tuple[bool, int]:
    return not record.active, -record.number


def draw_versions(records: Sequence[ProfileRecord], shown: ProfileRecord, /) -> None:
    """Draw all versions and what may be done with the one that is shown."""
    components.table(_listed(records), alt=some(len(records), "version"))
    reason = st.text_input(
        "Reason, for the log", key="reason", placeholder="Why this version?"
    )
    row = st.container(horizontal=True)
    row.button(
        f"Put {shown.version} in force",
        type="primary",
        disabled=shown.active,
        on_click=_act,
        args=("activate", shown.version, reason or ""),
    )
    row.button(
        "Go back to the version before",
        disabled=len(records) < _ONE_TO_GO_BACK_TO,
        on_click=_act,
        args=("rollback", "", reason or ""),
    )
    components.said(_NOTICE)
    _changes(records, shown)


_ONE_TO_GO_BACK_TO = 2
_NOTICE = "version-said"


def _act(what: str, version: str, reason: str) -> None:
    space = session.workspace()
    try:
        record = (
            space.profiles.activate(version, reason=reason)
            if what == "activate"
            else space.profiles.rollback(reason=reason)
        )
    except IcpError as error:
        components.say(_NOTICE, "error", str(error))
    else:
        components.say(_NOTICE, "success", f"{record.version} is in force now.")


def _listed(records: Sequence[ProfileRecord]) -> pl.DataFrame:
    ordered = sorted(records, key=lambda r: -r.number)
    return pl.DataFrame(
        {
            "version": [r.version for r in ordered],
            "in force": ["yes" if r.active else "" for r in ordered],
            "learnt": [day(r.created_at) for r in ordered],
            "by": [r.author for r in ordered],
            "best": [r.best for r in ordered],
            "regrettable": [r.regrettable for r in ordered],
            "evidence": [r.evidence for r in ordered],
            "pairs ranked right": [f"{100 * r.auc:.0f} of 100" for r in ordered],
            "id": [r.short_id for r in ordered],
        }
    )


def _changes(records: Sequence[ProfileRecord], shown: ProfileRecord) -> None:
    others = [r.version for r in records if r.number != shown.number]
    if not others:
        return
    components.section("What changed", "Points that differ between two versions.")
    other = st.selectbox("Compare with", others, key="compare", width=240)
    changed = session.workspace().profiles.diff(other, shown.version)
    if changed.is_empty():
        st.markdown("Their points are the same.")
    components.table(changed, alt=f"Points that differ: {len(changed):,}")


def draw() -> None:
    """Draw the page."""
    components.heading(
        "Profile", "What your best customers share, and what those you regret share."
    )
    records = session.workspace().profiles.list()
    if not records:
        components.empty(
            "No profile is learnt yet", "Import customers, label them, learn.", "data"
        )
        return
    record = choose(records)
    profile = session.profile(record.version)
    st.markdown(quiet(origin(record)))
    parts = {
        "Segments": lambda: _segments(profile),
        "Attributes": lambda: draw_attributes(profile),
        "Evidence": lambda: _evidence(profile),
        "Card": lambda: draw_card(record),
        "Versions": lambda: draw_versions(records, record),
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
