from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from icp.charts import fit_distribution, outcome_split, outlier_map
from icp.scoring import QUADRANTS


def _accounts(number: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "account_id": [f"a{i}" for i in range(number)],
            "distance_best": list(range(number)),
            "distance_closed": [2 * i for i in range(number)],
            "quadrant": ["ordinary"] * number,
        }
    )


def test_outcomes_are_split_by_customers_and_money() -> None:
    split = pl.DataFrame(
        {
            "outcome": ["unknown", "regrettable", "best"],
            "customers": [4, 3, 12],
            "worth": [None, -500.0, 9000.0],
        }
    )
    chart = outcome_split(split, currency="EUR")
    assert_frame_equal(
        chart.table,
        pl.DataFrame(
            {
                "outcome": ["best", "regrettable", "unknown"],
                "customers": [12, 3, 4],
                "worth": [9000.0, -500.0, None],
            }
        ),
    )
    assert chart.alt == (
        "19 customers: 12 best (9.0k EUR), 3 regrettable (−500 EUR), 4 unknown."
    )
    assert len(chart.figure.data) == 2
    assert chart.figure.layout.xaxis2.title.text == "worth in EUR"


def test_without_money_there_is_one_panel() -> None:
    split = pl.DataFrame({"outcome": ["best"], "customers": [2], "worth": [None]})
    assert len(outcome_split(split).figure.data) == 1


def test_no_labels_give_no_figure() -> None:
    split = pl.DataFrame({"outcome": ["best"], "customers": [0], "worth": [None]})
    assert outcome_split(split).figure is None


def test_fits_are_counted_in_steps_of_five() -> None:
    chart = fit_distribution(pl.LazyFrame({"fit": [0.0, 4.9, 5.0, 99.9, 100.0, None]}))
    counts = dict(zip(chart.table["from"], chart.table["prospects"], strict=True))
    assert counts == {**dict.fromkeys(range(0, 100, 5), 0), 0: 2, 5: 1, 95: 2}
    assert chart.notes == ("1 more cannot be scored.",)
    assert (
        chart.alt
        == "5 prospects with a fit; 2 of them at 75 or more, where grade A begins."
    )


def test_no_fit_at_all_says_so() -> None:
    chart = fit_distribution(pl.DataFrame({"fit": [None]}, schema={"fit": pl.Float64}))
    assert chart.figure is None
    assert chart.notes == ("1 more cannot be scored.",)


@given(st.lists(st.none() | st.integers(0, 999).map(lambda i: i / 10), max_size=50))
def test_every_fit_is_in_exactly_one_step(fits: list[float | None]) -> None:
    frame = pl.DataFrame({"fit": fits}, schema={"fit": pl.Float64})
    table = fit_distribution(frame).table
    for low, high, count in table.iter_rows():
        assert count == sum(fit is not None and low <= fit < high for fit in fits)


def test_the_map_tells_odd_accounts_apart() -> None:
    quadrants = ["ordinary", "far from both", "far from all closed only"]
    chart = outlier_map(_accounts(3).with_columns(quadrant=pl.Series(quadrants)))
    drawn = {
        trace.name: [row[0] for row in trace.customdata] for trace in chart.figure.data
    }
    assert drawn == {
        "ordinary (1)": ["a0"],
        "far from best only (0)": [],
        "far from all closed only (1)": ["a2"],
        "far from both (1)": ["a1"],
    }
    assert chart.alt == (
        "3 accounts; 2 are unlike nearly all closed customers, 1 of these also unlike "
        "the best."
    )


def test_the_map_knows_every_quadrant_of_scoring() -> None:
    frame = _accounts(4).with_columns(quadrant=pl.Series(QUADRANTS))
    assert sum(len(trace.x) for trace in outlier_map(frame).figure.data) == 4


def test_the_map_draws_the_5000_farthest_in_svg() -> None:
    chart = outlier_map(_accounts(5_010))
    assert len(chart.table) == 5_000
    assert chart.table["account_id"][0] == "a5009"
    assert chart.notes == ("The 5,000 farthest are drawn.",)
    assert {trace.type for trace in chart.figure.data} == {"scatter"}


def test_names_on_the_map_are_text_and_fall_back_to_ids() -> None:
    frame = _accounts(2).with_columns(account_name=pl.Series(["<b>x</b>", None]))
    chart = outlier_map(frame)
    names = {row[1] for trace in chart.figure.data for row in trace.customdata}
    assert names == {"&lt;b&gt;x&lt;/b&gt;", "a1"}


def test_an_empty_map_says_so() -> None:
    assert outlier_map(_accounts(0)).figure is None


def test_charts_are_equal_run_to_run() -> None:
    first, second = (outlier_map(_accounts(50)).figure.to_json() for _ in "ab")
    assert first == second
