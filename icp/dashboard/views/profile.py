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


def draw() -> None:
    """Draw the page."""
    components.heading(
        "Profile", "What sets your best customers apart from the regrettable ones."
    )
    records = session.workspace().profiles.list()
    if not records:
        components.empty(
            "No profile yet", "Import customers, label them, then learn.", "data"
        )
        return
    record = _choose(records)
    profile = session.profile(record.version)
    st.markdown(quiet(_origin(record)))
    parts = {
        "Segments": lambda: _segments(profile),
        "Attributes": lambda: _attributes(profile),
        "Evidence": lambda: _evidence(profile),
        "Card": lambda: _card(record),
        "Versions": lambda: _versions(records, record),
    }
    components.tabs(parts, key="tab")


def _choose(records: Sequence[ProfileRecord], /) -> ProfileRecord:
    """Let a person pick a version; the one in force first."""
    by_name = {r.version: r for r in sorted(records, key=_newest_first)}
    labels = {
        name: f"{name} (in force)" if r.active else name for name, r in by_name.items()
    }
    name = st.selectbox(
        "Version",
        list(by_name),
        format_func=labels.__getitem__,
        key="version",
        width=240,
        bind="query-params",
    )
    return by_name[name]


def _newest_first(record: ProfileRecord) -> tuple[bool, int]:
    return not record.active, -record.number


def _origin(record: ProfileRecord, /) -> str:
    """When, by whom and from what a version was learned; safe Markdown."""
    return (
        f"{record.version} · learned {day(record.created_at)} by "
        f"{escaped(record.author)} from {record.best:,} best and "
        f"{record.regrettable:,} regrettable customers · id {record.short_id}"
    )


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


def _attributes(profile: Profile, /) -> None:
    """Draw how much each attribute says, and one of them cell by cell."""
    components.chart(charts.attribute_weights(profile), key="weights")
    if not profile.tables:
        return
    components.section("One attribute at a time")
    tables = sorted(profile.tables, key=lambda t: (-t.information, t.name))
    names = _names(tables)
    place = st.selectbox(
        "Attribute", range(len(names)), format_func=names.__getitem__, key="attribute"
    )
    components.chart(charts.attribute_points(tables[place]), key="points")


def _names(tables: Sequence[AttributeTable]) -> list[str]:
    """Titles to choose by; those that two attributes share are told apart."""
    titles = [title_of(table) for table in tables]
    return [
        f"{title} ({table.name})" if titles.count(title) > 1 else title
        for title, table in zip(titles, tables, strict=True)
    ]


def _evidence(profile: Profile) -> None:
    provenance = profile.provenance
    drawing = charts.evidence_strip(
        provenance.evidence, best=provenance.best, regrettable=provenance.regrettable
    )
    components.chart(drawing, key="evidence")
    components.section("What a fit means")
    components.chart(charts.calibration_curve(profile), key="calibration")
    components.section("What was left out, and why")
    components.left_out(provenance.findings)
    if provenance.notes:
        components.section("Notes")
        components.bullets(provenance.notes)


def _card(record: ProfileRecord, /) -> None:
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


_ONE_TO_GO_BACK_TO = 2
_NOTICE = "version-notice"


def _versions(records: Sequence[ProfileRecord], record: ProfileRecord, /) -> None:
    """Draw all versions and what may be done with the one that is record."""
    components.table(_table(records), alt=some(len(records), "version"))
    reason = st.text_input(
        "Reason, for the log", key="reason", placeholder="Why this version?"
    )
    row = st.container(horizontal=True)
    row.button(
        f"Put {record.version} in force",
        type="primary",
        disabled=record.active,
        on_click=_switch,
        args=("activate", record.version, reason or ""),
    )
    row.button(
        "Go back to the previous version",
        disabled=len(records) < _ONE_TO_GO_BACK_TO,
        on_click=_switch,
        args=("rollback", "", reason or ""),
    )
    components.show_notice(_NOTICE)
    _changes(records, record)


def _table(records: Sequence[ProfileRecord]) -> pl.DataFrame:
    newest = sorted(records, key=lambda r: -r.number)
    return pl.DataFrame(
        {
            "version": [r.version for r in newest],
            "in force": ["yes" if r.active else "" for r in newest],
            "learned": [day(r.created_at) for r in newest],
            "by": [r.author for r in newest],
            "best": [r.best for r in newest],
            "regrettable": [r.regrettable for r in newest],
            "evidence": [r.evidence for r in newest],
            "pairs ranked correctly": [f"{100 * r.auc:.0f} of 100" for r in newest],
            "id": [r.short_id for r in newest],
        }
    )


def _switch(action: str, version: str, reason: str) -> None:
    space = session.workspace()
    try:
        active = (
            space.profiles.activate(version, reason=reason)
            if action == "activate"
            else space.profiles.rollback(reason=reason)
        )
    except IcpError as error:
        components.notice(_NOTICE, "error", str(error))
    else:
        components.notice(_NOTICE, "success", f"{active.version} is now in force.")


def _changes(records: Sequence[ProfileRecord], record: ProfileRecord) -> None:
    others = [r.version for r in records if r.number != record.number]
    if not others:
        return
    components.section("What changed", "Points that differ between two versions.")
    other = st.selectbox("Compare with", others, key="compare", width=240)
    points = session.workspace().profiles.diff(other, record.version)
    if points.is_empty():
        st.markdown("Both versions have the same points.")
    components.table(points, alt=f"Points that differ: {len(points):,}")
