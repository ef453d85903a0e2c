from __future__ import annotations

import polars as pl
import pytest
from generators.strategies import profile_of, steady_calibration, table_of
from polars.testing import assert_frame_equal

from icp.errors import SchemaError
from icp.profile import Abstention, Calibration, PairTable, Profile, Segment
from icp.scoring import SCORE_COLUMNS, score
from icp.scoring import plan as module

INDUSTRY = table_of(
    "industry",
    "category",
    (0, -5, 400, -300),
    cells=("Retail", "Wine"),
    pooled=(0, 5000, 0, 900),
    information=300,
)
STAFF = table_of(
    "staff",
    "number",
    (0, 0, -200, 100),
    edges=(50.0,),
    pooled=(0, 4000, 0, 100),
    information=100,
)
SEGMENTS = (
    Segment(
        name="shops",
        kind="best",
        size=9,
        surprises=((100, 900, 0, 700), (50, 900, 20, 0)),
    ),
    Segment(
        name="cellars",
        kind="best",
        size=9,
        surprises=((100, 900, 700, 0), (50, 900, 20, 0)),
    ),
    Segment(
        name="kiosks",
        kind="regrettable",
        size=9,
        surprises=((10, 900, 90, 80), (50, 900, 0, 400)),
    ),
)


def icp(**changes: object) -> Profile:
    given = {
        "base": 50,
        "segments": SEGMENTS,
        "closed": (0, 100, 900, 900, 1000),
        "abstention": Abstention(known=250, novelty=0),
        "calibration": steady_calibration(scale=2),
    }
    return profile_of((INDUSTRY, STAFF), **{**given, **changes})  # type: ignore[arg-type]  # keywords of profile_of


def frame() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "account_id": ["a", "b", "c"],
            "industry": ["Retail", "Wine", None],
            "staff": [120.0, 7.0, None],
        }
    )


@pytest.mark.parametrize("kind", [pl.DataFrame, pl.LazyFrame])
def test_three_accounts(kind: type) -> None:
    scored = score(kind(frame()), icp())
    assert isinstance(scored, kind)
    words = pl.Categorical()
    expected = frame().with_columns(
        fit=pl.Series([77.5, 27.5, None]),
        grade=pl.Series(["A", "C", None], dtype=words),
        state=pl.Series(["scored", "scored", "not_evaluable"], dtype=words),
        margin=pl.Series([550, -450, 50], dtype=pl.Int32),
        p_best=pl.Series([0.78, 0.28, None]),
        p_low=pl.Series([0.675, 0.175, None]),
        p_high=pl.Series([0.875, 0.375, None]),
        distance_best=pl.Series([0, 20, 150], dtype=pl.Int32),
        nearest_best=pl.Series(["shops", "cellars", "shops"], dtype=words),
        distance_regrettable=pl.Series([490, 80, 60], dtype=pl.Int32),
        nearest_regrettable=pl.Series(["kiosks"] * 3, dtype=words),
        known_fraction=pl.Series([1.0, 1.0, 0.0]),
        novelty_p=pl.Series([5 / 6, 4 / 6, 1.0]),
        disqualified_by=pl.Series([[], [], []], dtype=pl.List(pl.String)),
    )
    assert_frame_equal(scored.lazy().collect(), expected)


def test_columns_and_types_are_those_promised() -> None:
    schema = score(frame(), icp()).schema
    assert list(schema.items())[3:] == list(SCORE_COLUMNS.items())
    assert score(frame().lazy(), icp()).collect_schema() == schema


def test_parts_follow_in_the_order_of_the_profile() -> None:
    pair = PairTable(first="staff", second="industry", points=tuple(range(16)))
    scored = score(frame(), icp(pairs=[pair]), parts=True)
    parts = scored.select(pl.col("^points__.*$"))
    assert parts.to_dict(as_series=False) == {
        "points__base": [50, 50, 50],
        "points__industry": [400, -300, 0],
        "points__staff": [100, -200, 0],
        "points__staff*industry": [14, 11, 0],
    }
    assert scored["margin"].to_list() == parts.sum_horizontal().to_list()


def test_an_absent_column_is_missing_in_every_row() -> None:
    pair = PairTable(first="staff", second="industry", points=tuple(range(16)))
    profile = icp(pairs=[pair])
    empty = frame().with_columns(staff=pl.lit(None, pl.Float64))
    assert_frame_equal(
        score(frame().drop("staff"), profile, parts=True),
        score(empty, profile, parts=True).drop("staff"),
    )


def test_nothing_the_profile_reads_is_there() -> None:
    scored = score(frame().select("account_id"), icp(abstention=Abstention(known=0)))
    assert scored["margin"].to_list() == [50, 50, 50]
    assert scored["fit"].to_list() == [52.5, 52.5, 52.5]


def test_columns_that_are_not_read_pass_through() -> None:
    extra = frame().with_columns(note=pl.lit("=1+1"), day=pl.date(2024, 1, 1))
    scored = score(extra, icp())
    assert_frame_equal(scored.select(extra.columns), extra)


@pytest.mark.parametrize("rows", [0, 1])
def test_frames_of_no_row_and_of_one(rows: int) -> None:
    head = frame().head(rows)
    assert_frame_equal(score(head, icp()), score(frame(), icp()).head(rows))


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_no_column_is_there_at_any_height(rows: int) -> None:
    pair = PairTable(first="staff", second="industry", points=tuple(range(16)))
    ids = frame().select("account_id").head(rows)
    scored = score(ids, icp(pairs=[pair]), parts=True)
    assert scored["margin"].to_list() == [50] * rows
    assert scored.height == rows


def test_a_frame_without_columns_stays_empty() -> None:
    scored = score(pl.DataFrame(), icp())
    assert scored.shape == (0, len(SCORE_COLUMNS))
    assert dict(scored.schema) == SCORE_COLUMNS


def test_a_profile_without_tables_gives_everyone_its_base() -> None:
    scored = score(frame(), profile_of(base=7))
    assert scored["margin"].to_list() == [7, 7, 7]
    assert scored["known_fraction"].to_list() == [1.0, 1.0, 1.0]
    assert scored["distance_best"].to_list() == [0, 0, 0]
    assert scored["nearest_best"].to_list() == [None, None, None]
    assert scored["novelty_p"].to_list() == [None, None, None]


@pytest.mark.parametrize("taken", ["fit", "disqualified_by"])
def test_a_taken_name_is_refused(taken: str) -> None:
    with pytest.raises(SchemaError, match=f"1 column: '{taken}' would be overwritten"):
        score(frame().with_columns(pl.lit(1).alias(taken)), icp())


def test_names_of_parts_are_free_unless_parts_are_asked_for() -> None:
    mine = frame().with_columns(points__base=pl.lit("mine"))
    assert score(mine, icp())["points__base"].to_list() == ["mine"] * 3
    with pytest.raises(SchemaError, match="points__base"):
        score(mine, icp(), parts=True)


def test_no_column_name_is_in_the_way_of_the_plan() -> None:
    names = ["_icp code 0", "__icp sum 0", "code 0", ""]
    mine = frame().with_columns(pl.lit("mine").alias(name) for name in names)
    scored = score(mine, icp())
    assert_frame_equal(scored.drop(names), score(frame(), icp()))


@pytest.mark.parametrize(
    "changes",
    [
        {"level": "none"},
        {"calibration": Calibration(method="none")},
        {"abstention": Abstention(known=1000, width=100)},
    ],
)
def test_nobody_is_evaluable(changes: dict[str, object]) -> None:
    scored = score(frame(), icp(**changes))
    assert scored["state"].unique().to_list() == ["not_evaluable"]
    answers = scored.select("fit", "grade", "p_best", "p_low", "p_high")
    assert answers.null_count().row(0) == (3,) * 5
    assert scored["margin"].to_list() == [550, -450, 50]


def test_unusual_accounts_are_not_evaluable() -> None:
    odd = pl.DataFrame({"industry": ["Retail", "Mining"], "staff": [120.0, 120.0]})
    profile = icp(closed=range(1, 200), abstention=Abstention(novelty=10))
    assert score(odd, profile)["novelty_p"].to_list() == [0.505, 0.005]
    assert score(odd, profile)["state"].to_list() == ["scored", "not_evaluable"]


def test_the_first_of_equally_near_segments_is_named() -> None:
    twins = [
        SEGMENTS[2],
        *(SEGMENTS[0].model_copy(update={"name": name}) for name in ("z", "a")),
    ]
    assert score(frame(), icp(segments=twins))["nearest_best"].to_list() == ["z"] * 3


@pytest.mark.parametrize("limit", [0, 10**9])
def test_ranks_are_alike_by_look_up_and_by_search(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_RANKS", limit)
    few = tuple(sorted((-450, -449, 50, 550, 551)[i % 5] for i in range(999)))
    calibration = steady_calibration().model_copy(update={"thresholds": few})
    scored = score(
        frame(), icp(calibration=calibration, abstention=Abstention(known=0))
    )
    assert scored["fit"].to_list() == [80.0, 20.0, 60.0]
    assert scored["novelty_p"].to_list() == [5 / 6, 4 / 6, 1.0]


def test_every_step_streams() -> None:
    plan = score(frame().lazy(), icp(), parts=True)
    graph = plan.show_graph(
        engine="streaming", plan_stage="physical", raw_output=True, show=False
    )
    assert graph is not None
    for slow in ("columnar-function", "multiplexer", "in-memory-map"):
        assert slow not in graph
