from __future__ import annotations

import polars as pl
import pytest
from generators.strategies import LAWS, frame_of, profile_of, scored_cases, table_of
from hypothesis import given
from polars.testing import assert_frame_equal

from icp.profile import Novelty, Profile, Segment
from icp.scoring import OUTLIER_COLUMNS, QUADRANTS, outliers, score, score_one

INDUSTRY = table_of(
    "industry",
    "category",
    (0, 0, 5, -3),
    cells=("Retail", "Mining"),
    pooled=(0, 5000, 0, 900),
    title="Industry",
)
STAFF = table_of(
    "staff",
    "number",
    (0, 0, 1, 2),
    edges=(50.0,),
    cells=("up to 50", "51 or more"),
    pooled=(0, 4000, 0, 700),
    unit="people",
)
BEST = Segment(
    name="shops", kind="best", size=9, surprises=((0, 90, 0, 300), (0, 50, 0, 10))
)


def icp() -> Profile:
    novelty = Novelty(closed=(700,) * 40, best=(10,) * 40)
    plain = profile_of([INDUSTRY, STAFF], segments=[BEST])
    return plain.model_copy(update={"novelty": novelty})


def frame() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "account_id": ["a", "b", "c", "d"],
            "industry": ["Retail", "Mining", "Fishing", None],
            "staff": [9.0, 60.0, float("inf"), 60.0],
        }
    )


@pytest.mark.parametrize("kind", [pl.DataFrame, pl.LazyFrame])
def test_how_far_and_what_by(kind: type) -> None:
    found = outliers(kind(frame()), icp())
    assert isinstance(found, kind)
    expected = frame().with_columns(
        distance_best=pl.Series([0, 310, 140, 10], dtype=pl.Int32),
        nearest_best=pl.Series(["shops"] * 4, dtype=pl.Categorical),
        best_p=pl.Series([1.0, 1 / 41, 1 / 41, 1.0]),
        distance_closed=pl.Series([0, 1600, 9000, 700], dtype=pl.Int32),
        novelty_p=pl.Series([1.0, 1 / 41, 1 / 41, 1.0]),
        quadrant=pl.Series(["ordinary", "far from both", "far from both", "ordinary"]),
        odd=pl.Series(
            [
                [],
                ["Industry: Mining", "staff: 51 or more people"],
                ["Industry: never seen", "staff: never seen"],
                ["staff: 51 or more people"],
            ]
        ),
    )
    assert_frame_equal(found.lazy().collect(), expected)


@pytest.mark.parametrize(
    ("closed", "best", "quadrant"),
    [
        ((9999,) * 40, (10,) * 40, "far from best only"),
        ((700,) * 40, (999,) * 40, "far from all closed only"),
        ((9999,) * 40, (999,) * 40, "ordinary"),
        ((), (), "ordinary"),
        ((1,) * 18, (1,) * 18, "ordinary"),
    ],
)
def test_quadrants(
    closed: tuple[int, ...], best: tuple[int, ...], quadrant: str
) -> None:
    novelty = Novelty(closed=closed, best=best)
    profile = icp().model_copy(update={"novelty": novelty})
    assert outliers(frame(), profile)["quadrant"].to_list()[1] == quadrant
    assert quadrant in QUADRANTS


def test_a_scored_list_may_be_given() -> None:
    assert_frame_equal(outliers(score(frame(), icp()), icp()), outliers(frame(), icp()))


def test_at_most_three_attributes_are_named_the_oddest_first() -> None:
    tables = [
        table_of(f"t{i}", "flag", (0,) * 4, pooled=(0, 0, 0, 1000 + i))
        for i in range(5)
    ]
    row = pl.DataFrame({f"t{i}": [True] for i in range(5)})
    assert outliers(row, profile_of(tables))["odd"].to_list() == [
        ["t4: yes", "t3: yes", "t2: yes"]
    ]


def test_a_profile_without_tables_finds_nothing_odd() -> None:
    found = outliers(frame(), profile_of())
    assert found["odd"].to_list() == [[]] * 4
    assert list(found.columns[3:]) == list(OUTLIER_COLUMNS)
    assert found.schema["odd"] == pl.List(pl.String)


@LAWS
@given(scored_cases())
def test_outliers_agree_with_scores_in_any_engine(
    case: tuple[Profile, list],
) -> None:
    profile, rows = case
    frame = frame_of(rows, profile)
    found = outliers(frame, profile)
    assert_frame_equal(
        outliers(frame.lazy(), profile).collect(engine="streaming"), found
    )
    assert dict(found.select(*OUTLIER_COLUMNS).schema) == OUTLIER_COLUMNS
    ones = [score_one(row, profile) for row in rows]
    assert found["distance_best"].to_list() == [one.distance_best for one in ones]
    assert found["novelty_p"].to_list() == [one.novelty_p for one in ones]
