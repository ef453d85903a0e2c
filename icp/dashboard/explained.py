"""An explanation on the screen: fit, reasons, waterfall, look-alikes, unknowns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from icp import charts
from icp.charts.figure import signed
from icp.dashboard import components
from icp.dashboard.text import chance, escaped, likely, quiet

if TYPE_CHECKING:
    from icp.scoring import Explanation, Score

__all__ = ["draw", "look_alikes", "oddities"]


def draw(explanation: Explanation, name: str, /, *, cuts: tuple[int, int, int]) -> None:
    """Draw everything a rep needs about one account, the answer first."""
    score = explanation.score
    components.section(escaped(name))
    components.facts(_headline(score))
    if score.state == "not_evaluable":
        st.warning(escaped(f"No fit is given: {score.why_not}."))
    else:
        components.chart(charts.interval_strip(score, cuts=cuts), key="strip")
    _reasons(explanation)
    components.section("How the points add up")
    components.chart(charts.waterfall(explanation), key="waterfall")
    components.section("Whom it is like")
    components.bullets(str(nearest) for nearest in explanation.nearest)
    st.markdown(quiet("The most similar past customers:"))
    look_alikes(explanation)
    components.section(
        "What is not known yet", "By how much the answer could still move the points."
    )
    _unknown(explanation)


def _headline(score: Score) -> dict[str, tuple[str, str]]:
    fit = "–" if score.fit is None else f"{score.fit:.0f}"
    return {
        "Fit": (fit, "of 100"),
        "Grade": (score.grade or "–", "A is best, D is regrettable"),
        "Chance of best": (
            likely(score.p_best),
            f"90 % interval: {chance(score.p_low, score.p_high)}",
        ),
        "Known": (
            f"{100 * score.known_fraction:.0f} %",
            "of what the profile looks at",
        ),
    }


def _reasons(explanation: Explanation) -> None:
    moving = [c for c in explanation.contributions if c.known and c.points]
    sides = (
        ("Speaks for it", [c for c in moving if c.points > 0]),
        ("Speaks against it", [c for c in moving if c.points < 0]),
    )
    for column, (title, reasons) in zip(st.columns(2, gap="large"), sides, strict=True):
        with column:
            components.section(title)
            lines = [f"{c.title}: {c.text} ({signed(c.points)})" for c in reasons[:3]]
            components.bullets(lines or ["Nothing that is known."])


def look_alikes(explanation: Explanation, /) -> None:
    """The past customers that are most alike, with how they turned out."""
    similar = explanation.similar
    if similar is None or similar.is_empty():
        st.markdown("No past customers are at hand to compare with.")
        return
    components.reading(
        similar.select(
            pl.coalesce("account_name", "account_id").alias("company"),
            pl.col("outcome").fill_null("–").alias("turned out"),
            pl.format(
                "{} %", (100 * pl.col("similarity")).round(0).cast(pl.Int64)
            ).alias("alike"),
            pl.col("shared").list.join("; ").alias("in common"),
            pl.col("different").list.join("; ").alias("different"),
        ),
        alt="The most similar past customers and how they turned out",
    )


def _unknown(explanation: Explanation) -> None:
    if not explanation.unknown:
        st.markdown("Everything the profile looks at is known.")
        return
    widest = sorted(explanation.unknown, key=lambda c: c.lowest - c.highest)
    rows = pl.DataFrame(
        {
            "attribute": [c.title for c in widest],
            "at worst": [signed(c.lowest) for c in widest],
            "at best": [signed(c.highest) for c in widest],
        }
    )
    components.table(rows, alt=f"{len(rows)} attributes are not known")


def oddities(explanation: Explanation, /) -> None:
    """What makes the account unlike past customers, the oddest first."""
    if not explanation.unusual:
        st.markdown("Nothing about it is unusual.")
        return
    components.bullets(
        f"{c.title}: {c.value} ({c.text})" for c in explanation.unusual[:5]
    )
