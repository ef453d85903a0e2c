from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from generators.planted import closed_customers

from icp.learn import FitOptions, fit_profile
from icp.profile import Profile
from icp.report import Bullets, Origin, Table, as_html, as_markdown, model_card

QUICK = FitOptions(refits=5, max_segments=2, exclude=("colour",), accept=("nps",))
SECTIONS = [
    "What it is for",
    "What it was learned from",
    "What it looks at",
    "What was left out",
    "Look at these",
    "How it was learned",
    "Segments",
    "How sure it is",
    "What other choices would change",
    "Limits, and what is not claimed",
    "When to learn again",
]
ORIGIN = Origin(
    version="v3",
    author="ann",
    learnt="2026-03-01",
    in_force=True,
    history=("It was put in force by bob on 2026-03-02: agreed.",),
    outcomes=("best when worth >= 8000",),
    sensitivity=(
        "worth >= 8000: at 4000 the outcome of 81 customers would be another.",
    ),
)


def customers(count: int = 240) -> pl.DataFrame:
    """With one column to refuse, one to accept, and one that moved."""
    frame = closed_customers(count).drop("account_id")
    draw = np.random.default_rng(5)
    new = np.arange(count) >= 2 * count // 3
    return frame.with_columns(
        churned=pl.Series(draw.random(count) < 0.5),
        nps=pl.Series(draw.integers(0, 10, count).astype(float)),
        hosting=pl.Series(np.where(draw.random(count) < 0.1 + 0.7 * new, "P", "Q")),
        since=pl.Series([date(2022, 1, 1) + timedelta(days=i) for i in range(count)]),
    )


@pytest.fixture(scope="module")
def profile() -> Profile:
    return fit_profile(customers(), date="since", options=QUICK)


@pytest.fixture(scope="module")
def nothing() -> Profile:
    frame = closed_customers(60, strength=0.0).select("industry", "outcome")
    return fit_profile(frame, options=FitOptions(refits=0))


def blocks(profile: Profile, title: str, **options) -> list:
    card = model_card(profile, **options)
    return [b for s in card.sections if s.title == title for b in s.blocks]


def said(profile: Profile, title: str, **options) -> str:
    lines = []
    for block in blocks(profile, title, **options):
        if isinstance(block, Bullets):
            lines += block.lines
        elif isinstance(block, Table):
            lines += [" / ".join(row) for row in block.rows]
        else:
            lines.append(block)
    return "\n".join(lines)


def test_the_card_has_every_section_in_order(profile: Profile) -> None:
    card = model_card(profile)
    assert [section.title for section in card.sections] == SECTIONS
    assert card.title == f"Ideal customer profile {profile.short_id}"
    assert profile.id in card.lead


def test_what_is_not_there_has_no_section(nothing: Profile) -> None:
    titles = [section.title for section in model_card(nothing).sections]
    assert "Look at these" not in titles
    assert "Who answers for it" not in titles


def test_counts_and_dates_come_from_the_profile(profile: Profile) -> None:
    used = profile.provenance
    text = said(profile, "What it was learned from")
    assert f"{used.best:,} best and {used.regrettable:,} regrettable" in text
    assert "Dates from 2022-01-01 to 2022-08-28." in text
    assert used.data_hash in text
    assert f"carry about {used.capacity.effects} separate effect" in text
    assert "compared with 160 before, column by column, for drift" in text


def test_every_attribute_has_a_row_whose_weights_add_up(profile: Profile) -> None:
    (table,) = [b for b in blocks(profile, "What it looks at") if isinstance(b, Table)]
    assert {row[1] for row in table.rows} == {t.column for t in profile.tables}
    assert sum(int(row[4].rstrip("%")) for row in table.rows) == pytest.approx(
        100, abs=4
    )
    row = next(row for row in table.rows if row[1] == "employees")
    known = 1 - sum(
        t.best[0] + t.regrettable[0] for t in profile.tables if t.column == "employees"
    ) / (profile.provenance.best + profile.provenance.regrettable)
    assert row[3] == f"{known:.0%}"


def test_more_attributes_than_fit_are_named(profile: Profile) -> None:
    wide = [
        t.model_copy(
            update={"name": f"t{i}", "column": f"t{i}", "title": f"Column {i}"}
        )
        for i in range(30)
        for t in profile.tables[:1]
    ]
    rows = [
        s.model_copy(
            update={"surprises": s.surprises[:1] * 30, "shares": s.shares[:1] * 30}
        )
        for s in profile.segments
    ]
    many = profile.model_copy(
        update={"tables": tuple(wide), "pairs": (), "segments": tuple(rows)}
    )
    shown = blocks(many, "What it looks at")
    (table,) = [b for b in shown if isinstance(b, Table)]
    assert len(table.rows) == 15
    assert shown[-1].count("Column") == 15


def test_refusals_and_warnings_are_apart(profile: Profile) -> None:
    left_out = said(profile, "What was left out")
    assert (
        "churned / its name says it is filled in during or after the sale" in left_out
    )
    assert "Left out by a person: colour." in left_out
    warned = said(profile, "Look at these")
    assert "hosting / its values shifted" in warned
    assert "churned" not in warned
    assert "A person answered for using: nps." in warned


def test_nothing_left_out_is_said(nothing: Profile) -> None:
    assert said(nothing, "What was left out") == "No column."


def test_segments_are_listed_with_what_was_tried(profile: Profile) -> None:
    text = said(profile, "Segments")
    for segment in profile.segments:
        assert f"{segment.name} / {segment.kind} / {segment.size:,}" in text
    assert all(n in text for n in profile.provenance.notes if "segment" in n)


def test_how_sure_it_is_repeats_the_evidence(profile: Profile) -> None:
    text = said(profile, "How sure it is")
    found = profile.provenance.evidence
    assert f"Evidence: {found.level}." in text
    assert f"in {found.auc:.0%} of cases" in text
    assert f"Log loss {found.log_loss:.3f}" in text
    assert "Grade A from 75%, B from 50%, C from 25%" in text


def test_a_profile_without_evidence_says_so_first(nothing: Profile) -> None:
    assert said(nothing, "Limits, and what is not claimed").startswith("Nothing sep")
    assert "nothing separates, so no account is graded" in said(
        nothing, "How sure it is"
    )
    assert "Give a date column" in said(nothing, "When to learn again")


def test_what_the_store_knows_is_added(profile: Profile) -> None:
    card = model_card(profile, origin=ORIGIN)
    assert card.title == "Ideal customer profile v3"
    assert said(profile, "Who answers for it", origin=ORIGIN) == (
        "v3 was learned by ann on 2026-03-01. It is in force.\n" + ORIGIN.history[0]
    )
    means = said(profile, "What best and regrettable mean", origin=ORIGIN)
    assert means == ORIGIN.outcomes[0]
    assert ORIGIN.sensitivity[0] in said(
        profile, "What other choices would change", origin=ORIGIN
    )


def test_a_profile_not_in_force_says_so(profile: Profile) -> None:
    waiting = Origin(version="v1", author="ann", learnt="2026-03-01", in_force=False)
    assert said(profile, "Who answers for it", origin=waiting).endswith("not in force.")


def test_the_card_is_the_same_for_the_same_profile(profile: Profile) -> None:
    again = Profile.from_json(profile.to_json())
    assert as_markdown(model_card(again)) == as_markdown(model_card(profile))
    assert as_html(model_card(again)) == as_html(model_card(profile))


def test_both_formats_say_the_same(profile: Profile) -> None:
    card = model_card(profile, origin=ORIGIN)
    page, text = as_html(card), as_markdown(card)
    for section in card.sections:
        assert f"<h2>{section.title}</h2>" in page
        assert f"## {section.title}\n" in text


def test_names_of_columns_and_levels_are_only_text() -> None:
    frame = customers(60).select("outcome", pl.col("industry").alias("<b>x</b>|y"))
    learnt = fit_profile(frame, options=FitOptions(refits=0))
    card = model_card(learnt)
    assert "<b>" not in as_html(card)
    assert "\\<b\\>x\\</b\\>\\|y" in as_markdown(card).replace("/", "/")
