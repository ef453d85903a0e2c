from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp.dashboard.views import prospects

SCORED = pl.DataFrame(
    {
        "account_id": ["p1", "p2", "p3", "p4"],
        "account_name": ["Acme (EU)", None, "Beta", "ACME Two"],
        "fit": [50.0, None, 90.0, 50.0],
        "grade": ["B", None, "A-C", "B"],
        "p_low": [0.4, None, 0.5, 0.4],
        "p_high": [0.6, None, 0.95, 0.6],
        "nearest_best": ["Best 1", None, "Best 2", "Best 2"],
        "nearest_regrettable": ["Regrettable 1"] * 4,
        "distance_regrettable": [30, 10, 20, 40],
        "known_fraction": [0.9, 0.1, 1.0, 0.5],
    }
).lazy()
WALK_AWAY = pl.lit("walk_away")


def _ids(query: prospects.Query) -> list[str]:
    return prospects.matching(SCORED, query).collect()["account_id"].to_list()


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        (prospects.Query(), ["p3", "p1", "p4", "p2"]),
        (prospects.Query(text="acme"), ["p1", "p4"]),
        (prospects.Query(text=" (EU) "), ["p1"]),
        (prospects.Query(text="p2"), ["p2"]),
        (prospects.Query(text=".*"), []),
        (prospects.Query(grades=("B",)), ["p1", "p4"]),
        (prospects.Query(grades=("unsure", "cannot be scored")), ["p3", "p2"]),
        (prospects.Query(segment="Best 2"), ["p3", "p4"]),
        (prospects.Query(order="regret"), ["p2", "p3", "p1", "p4"]),
        (prospects.Query(order="unknown"), ["p2", "p4", "p1", "p3"]),
        (prospects.Query(order="name"), ["p4", "p1", "p3", "p2"]),
    ],
)
def test_prospects_are_found_and_sorted(query: prospects.Query, ids: list[str]) -> None:
    assert _ids(query) == ids


def test_a_page_shows_what_a_rep_reads() -> None:
    judged = prospects.matching(SCORED, prospects.Query()).with_columns(
        verdict=WALK_AWAY
    )
    rows = prospects.listing(judged)
    assert rows.row(0) == (
        "Beta",
        "p3",
        90.0,
        "A-C",
        "walk away",
        "50–95",
        100.0,
        "Best 2",
        "Regrettable 1",
    )
    assert rows["account_name"][3] == "p2"
    assert rows["grade"][3] == "cannot be scored"


def test_a_list_without_names_shows_ids() -> None:
    bare = prospects.named(SCORED.drop("account_name")).collect()
    assert bare["account_name"].to_list() == ["p1", "p2", "p3", "p4"]


def test_choices_hold_the_account_that_was_asked_for_first() -> None:
    assert prospects.choices(SCORED, "beta", "p2") == {"p2": "p2", "p3": "Beta (p3)"}
    assert prospects.choices(SCORED, "nobody", None) == {}
    assert len(prospects.choices(SCORED, "", None, most=2)) == 2


@given(st.integers(0, 450), st.sampled_from(list(prospects.ORDERS)))
def test_pages_cover_every_row_once(rows: int, order: prospects.Order) -> None:
    scored = pl.LazyFrame(
        {
            "account_id": [f"p{i}" for i in range(rows)],
            "fit": [float(i % 3) for i in range(rows)],
            "grade": ["B"] * rows,
            "p_low": [0.1] * rows,
            "p_high": [0.2] * rows,
            "nearest_best": ["x"] * rows,
            "nearest_regrettable": ["y"] * rows,
            "distance_regrettable": [i % 2 for i in range(rows)],
            "known_fraction": [1.0] * rows,
        },
        schema_overrides={"account_id": pl.String},
    )
    matched = prospects.matching(scored, prospects.Query(order=order))
    pages = max(1, -(-prospects.count(matched) // prospects.PAGE))
    seen = [
        i
        for p in range(1, pages + 1)
        for i in prospects.page_of(matched, p).collect()["account_id"]
    ]
    assert sorted(seen) == sorted(f"p{i}" for i in range(rows))
