from __future__ import annotations

import polars as pl
import pytest
from generators.strategies import LAWS, profile_of, scored_cases, table_of
from hypothesis import given

from icp.errors import SchemaError
from icp.profile import PairTable, Profile, Segment
from icp.scoring import Contribution, explain, score_one

INDUSTRY = table_of(
    "industry",
    "category",
    (0, 0, 500, -300),
    cells=("Retail", "Mining"),
    best=(0, 0, 41, 19),
    regrettable=(0, 0, 3, 42),
    pooled=(0, 5000, 0, 900),
    title="Industry",
)
STAFF = table_of(
    "staff",
    "number",
    (0, 0, -200, 100, 300),
    edges=(50.0, 2000.0),
    cells=("up to 50", "51 to 2,000", "2,001 or more"),
    best=(5, 0, 20, 20, 15),
    regrettable=(0, 0, 30, 10, 5),
    pooled=(0, 4000, 0, 300, 800),
    unit="people",
    title="Staff",
)
CLOUD = table_of(
    "stack=AWS", "multi", (0, 0, -10, 40), value="AWS", best=(0, 0, 1, 2), title="Stack"
)
RETAILERS = Segment(
    name="Retailers",
    kind="best",
    size=1,
    traits=("Industry: Retail",),
    surprises=((0, 0, 0, 900), (0,) * 5, (0,) * 4),
)
STRUGGLING = Segment(
    name="Small",
    kind="regrettable",
    size=1200,
    surprises=((7,) * 4, (7,) * 5, (7,) * 4),
)


def icp() -> Profile:
    pair = PairTable(first="industry", second="staff", points=tuple(range(20)))
    return profile_of(
        [INDUSTRY, STAFF, CLOUD],
        base=50,
        pairs=[pair],
        segments=[RETAILERS, STRUGGLING],
    )


def test_contributions_in_order_and_in_words() -> None:
    row = {"industry": "Retail", "staff": 120_000.0, "stack": ["AWS", "SAP"]}
    found = explain(row, icp())
    assert [(c.name, c.value, c.points, c.text) for c in found.contributions] == [
        ("industry", "Retail", 500, "Retail: 41 of your 60 best, 3 of 45 regrettable"),
        (
            "staff",
            "120,000 people",
            300,
            "2,001 or more people: 15 of your 60 best, 5 of 45 regrettable",
        ),
        ("stack=AWS", "yes", 40, "has AWS: 2 of your 3 best, 0 of 0 regrettable"),
        (
            "industry*staff",
            "Retail and 2,001 or more people",
            14,
            "Retail and 2,001 or more people, beyond what each says alone",
        ),
    ]
    assert found.score == score_one(row, icp())
    assert found.unknown == ()
    assert found.similar is None


def test_what_is_not_known_comes_last_with_its_range() -> None:
    found = explain({"industry": "Fishing", "staff": float("nan")}, icp())
    assert [c.name for c in found.contributions] == [
        *("industry", "industry*staff", "stack=AWS", "staff")
    ]
    assert found.contributions[0].text == "Fishing: none of your closed customers"
    assert found.contributions[0].known
    assert found.unknown == (
        Contribution(
            name="staff",
            title="Staff",
            value="not known",
            points=0,
            text="not known; -200 to +300 points once it is",
            known=False,
            lowest=-200,
            highest=300,
        ),
        Contribution(
            name="stack=AWS",
            title="Stack",
            value="not known",
            points=0,
            text="not known; -10 to +40 points once it is",
            known=False,
            lowest=-10,
            highest=40,
        ),
        Contribution(
            name="industry*staff",
            title="Industry and Staff together",
            value="not known",
            points=5,
            text="not known; +12 to +19 points once it is",
            known=False,
            lowest=12,
            highest=19,
        ),
    )


def test_nearest_segments_in_a_sentence_each() -> None:
    assert [str(n) for n in explain({"industry": "Mining"}, icp()).nearest] == [
        "Nearest best segment: Retailers, 1 customer (Industry: Retail)",
        "Nearest regrettable segment: Small, 1,200 customers",
    ]
    assert [n.distance for n in explain({"industry": "Mining"}, icp()).nearest] == [
        *(900, 21)
    ]
    assert explain({}, profile_of([INDUSTRY])).nearest == ()


def test_what_makes_it_unusual() -> None:
    row = {"industry": "Fishing", "staff": 9_000, "stack": []}
    found = explain(row, icp()).unusual
    assert [(c.title, c.value, c.points, c.text) for c in found] == [
        ("Industry", "Fishing", 5000, "none of 105 closed customers are like this"),
        ("Staff", "9,000 people", 800, "20 of 105 closed customers are like this"),
    ]
    assert explain({"staff": 60}, icp()).unusual == ()


def test_sentences_are_at_most_three_each_way() -> None:
    many = [
        table_of(f"t{i}", "flag", (0, 0, -1 - i, 1 + i), title=f"T{i}")
        for i in range(9)
    ]
    row = {f"t{i}": i % 2 == 0 for i in range(9)}
    sentences = explain(row, profile_of(many)).sentences()
    assert [s.split(":")[:2] for s in sentences] == [
        ["For", " T8"],
        ["For", " T6"],
        ["For", " T4"],
        ["Against", " T7"],
        ["Against", " T5"],
        ["Against", " T3"],
    ]
    assert explain({}, profile_of(many)).sentences() == ()


def test_similar_customers_are_those_of_the_frame() -> None:
    customers = pl.DataFrame({"account_id": ["c"], "industry": ["Retail"]})
    found = explain({"industry": "Retail"}, icp(), customers=customers)
    assert found.similar is not None
    assert found.similar["similarity"].to_list() == [1.0]


def test_a_wrong_type_is_refused_as_in_scoring() -> None:
    with pytest.raises(SchemaError, match="'staff' needs a number"):
        explain({"staff": "many"}, icp())


@LAWS
@given(scored_cases())
def test_an_explanation_adds_up_whatever_comes(case: tuple[Profile, list]) -> None:
    profile, rows = case
    for row in rows:
        found = explain(row, profile)
        total = profile.base + sum(c.points for c in found.contributions)
        assert total == found.score.margin == score_one(row, profile).margin
        assert set(found.unknown) == {c for c in found.contributions if not c.known}
        sizes = [abs(c.points) for c in found.contributions if c.known]
        assert sizes == sorted(sizes, reverse=True)
        assert all(c.lowest <= c.highest for c in found.contributions)
        assert len(found.sentences()) <= 6
