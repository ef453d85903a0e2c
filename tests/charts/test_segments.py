from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from polars.testing import assert_frame_equal

from icp.charts import BEST, REGRETTABLE, segment_shares, segment_sizes

if TYPE_CHECKING:
    from icp.profile import Profile


def test_segments_are_listed_best_first_with_their_share(profile: Profile) -> None:
    chart = segment_sizes(profile)
    assert_frame_equal(
        chart.table,
        pl.DataFrame(
            {
                "segment": [
                    "Best 1: Retail",
                    "Best 2: Banking",
                    "Regrettable 1: small",
                ],
                "kind": ["best", "best", "regrettable"],
                "customers": [38, 22, 45],
                "share of kind": [38 / 60, 22 / 60, 1.0],
                "what sets it apart": [
                    "Industry: Retail; Uses a cloud: yes",
                    "Industry: Banking",
                    "Employees: under 50",
                ],
            }
        ),
    )
    assert list(chart.figure.data[0].marker.color) == [BEST, BEST, REGRETTABLE]
    assert list(chart.figure.data[0].x) == chart.table["customers"].to_list()
    assert "2 segments of best customers (n = 60)" in chart.alt
    assert "1 segment of regrettable ones (n = 45)" in chart.alt


def test_a_profile_without_segments_says_so(profile: Profile) -> None:
    chart = segment_sizes(profile.model_copy(update={"segments": ()}))
    assert chart.figure is None
    assert chart.table.is_empty()
    assert chart.alt == "The profile has no segments."


def test_shares_compare_a_segment_with_everyone(profile: Profile) -> None:
    chart = segment_shares(profile, 0, top=2)
    assert_frame_equal(
        chart.table,
        pl.DataFrame(
            {
                "attribute": ["Industry", "Industry"],
                "cell": ["Retail", "Banking"],
                "segment": [0.95, 0.05],
                "all closed": [44 / 105, 58 / 105],
                "difference": [0.95 - 44 / 105, 0.05 - 58 / 105],
            }
        ),
    )
    assert chart.alt.startswith("Best 1: Retail, n = 38. Industry Retail: 95%")


def test_shares_leave_out_missing_and_the_no_of_a_flag(profile: Profile) -> None:
    cells = segment_shares(profile, 0, top=99).table["cell"].to_list()
    assert "not known" not in cells
    assert "no" not in cells
    assert "yes" in cells


def test_a_segment_without_shares_says_so(profile: Profile) -> None:
    bare = profile.segments[0].model_copy(update={"shares": ()})
    chart = segment_shares(profile.model_copy(update={"segments": (bare,)}), 0)
    assert chart.figure is None
    assert chart.alt


def test_a_hostile_segment_name_is_shown_as_text(profile: Profile) -> None:
    hostile = profile.segments[0].model_copy(update={"name": "<b>x</b>"})
    chart = segment_sizes(profile.model_copy(update={"segments": (hostile,)}))
    assert list(chart.figure.layout.yaxis.ticktext) == ["&lt;b&gt;x&lt;/b&gt;"]
