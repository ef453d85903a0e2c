from __future__ import annotations

import polars as pl
from polars.testing import assert_frame_equal

from icp.charts import (
    BEST,
    REGRETTABLE,
    attribute_points,
    attribute_weights,
    calibration_curve,
    evidence_strip,
)
from icp.profile import AttributeTable, Calibration, Profile


def test_weights_are_shares_of_all_information(profile: Profile) -> None:
    chart = attribute_weights(profile, top=2)
    assert_frame_equal(
        chart.table,
        pl.DataFrame(
            {
                "attribute": ["Industry", "Employees"],
                "share": [300 / 420, 100 / 420],
                "lowest points": [-510, -300],
                "highest points": [620, 240],
            }
        ),
    )
    assert chart.alt == "3 attributes; Industry says the most, 71%."


def test_no_attributes_gives_no_figure(profile: Profile) -> None:
    bare = profile.model_copy(update={"tables": (), "pairs": (), "segments": ()})
    assert attribute_weights(bare).figure is None


def test_levels_are_sorted_by_points_with_their_counts(profile: Profile) -> None:
    chart = attribute_points(profile.tables[0])
    assert_frame_equal(
        chart.table,
        pl.DataFrame(
            {
                "cell": ["Retail", "not known", "never seen", "Banking"],
                "points": [620, 0, -40, -510],
                "best": [41, 2, 0, 17],
                "regrettable": [3, 1, 0, 41],
            }
        ),
    )
    bars = chart.figure.data[0]
    assert list(bars.marker.color) == [BEST, BEST, REGRETTABLE, REGRETTABLE]
    assert "Retail (+620; 41 best, 3 regrettable)" in chart.alt
    counts = [note.text for note in chart.figure.layout.annotations]
    assert counts[0] == "41 best, 3 regrettable"


def test_numbers_keep_their_order_and_carry_their_unit(profile: Profile) -> None:
    chart = attribute_points(profile.tables[1])
    assert list(chart.figure.layout.yaxis.ticktext) == [
        "not known",
        "under 50 people",
        "50 to 200 people",
        "200 and more people",
    ]


def test_many_levels_are_drawn_by_size_and_all_in_the_table() -> None:
    levels = [f"L{i:02}" for i in range(40)]
    table = AttributeTable(
        name="code",
        column="code",
        kind="category",
        levels=tuple((level, code + 2) for code, level in enumerate(levels)),
        cells=tuple(levels),
        points=(0, 0, *range(1, 41)),
        pooled=(1,) * 42,
        best=(0, 0, *([3] * 40)),
        regrettable=(0,) * 42,
        information=10,
    )
    chart = attribute_points(table)
    assert len(chart.figure.data[0].x) == 24
    assert min(chart.figure.data[0].x) == 17
    assert len(chart.table) == 40
    assert chart.notes == ("16 cells with smaller points are in the table only.",)


def test_evidence_is_said_in_pairs_of_customers(profile: Profile) -> None:
    chart = evidence_strip(profile.provenance.evidence, best=60, regrettable=45)
    assert chart.alt == (
        "Of 100 pairs of one best and one regrettable customer it ranks 81 right "
        "(90% interval 74 to 88; a coin: 50; n = 60 best, 45 regrettable)."
    )
    assert chart.notes == ("5 folds, repeated 10 times",)
    assert chart.table.row(0) == (0.81, 0.74, 0.88, 60, 45)


def test_calibration_shows_the_band_of_every_fit(profile: Profile) -> None:
    chart = calibration_curve(profile)
    assert chart.table.row(0) == (0.0, 0.0, 0.08)
    assert chart.table["fit"].to_list() == [step / 10 for step in range(0, 1000, 25)]
    low, high, _ = chart.figure.data
    assert list(low.y) == chart.table["low"].to_list()
    assert list(high.y) == chart.table["high"].to_list()


def test_no_calibration_gives_no_figure(profile: Profile) -> None:
    bare = profile.model_copy(update={"calibration": Calibration(method="none")})
    chart = calibration_curve(bare)
    assert chart.figure is None
    assert "Too few" in chart.alt
