from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from generators.strategies import (
    LAWS,
    accounts,
    frame_of,
    profile_of,
    profiles,
    table_of,
)
from hypothesis import given
from hypothesis import strategies as st
from oracles.naive_score import naive_code
from polars.testing import assert_frame_equal

from icp.errors import SchemaError
from icp.scoring import SIMILAR_COLUMNS, similar_customers
from icp.scoring.explain import agreement

if TYPE_CHECKING:
    from icp.profile import Profile

INDUSTRY = table_of(
    "industry", "category", (0,) * 4, cells=("Retail", "Wine"), information=300
)
STAFF = table_of(
    "staff",
    "number",
    (0,) * 9,
    edges=(1.0, 2.0, 3.0, 4.0, 5.0, 6.0),
    information=100,
    unit="people",
)
AWS = table_of("stack=AWS", "multi", (0,) * 4, value="AWS", information=0)


def icp() -> Profile:
    return profile_of([INDUSTRY, STAFF, AWS])


def test_the_most_similar_first_with_what_is_shared() -> None:
    customers = pl.DataFrame(
        {
            "account_id": ["d", "c", "b", "a", "me"],
            "account_name": ["Dora", "Cleo", None, "Ada", "Me"],
            "industry": ["Retail", "Wine", "Retail", None, "Retail"],
            "staff": [2.5, 1.5, 1.5, 5.5, 1.5],
            "stack": [["AWS"], [], None, [], ["AWS"]],
            "outcome": ["best", "regrettable", "best", "neutral", "best"],
        }
    )
    row = {"account_id": "me", "industry": "Retail", "staff": 1.5, "stack": ["AWS"]}
    assert_frame_equal(
        similar_customers(row, icp(), customers),
        pl.DataFrame(
            {
                "account_id": ["b", "d", "c", "a"],
                "account_name": [None, "Dora", "Cleo", "Ada"],
                "outcome": ["best", "best", "regrettable", "neutral"],
                "similarity": [1.0, 0.875, 0.25, 0.0],
                "shared": [
                    ["industry: Retail", "staff: 1.5 people"],
                    ["industry: Retail", "stack=AWS: yes"],
                    ["staff: 1.5 people"],
                    [],
                ],
                "different": [
                    [],
                    [],
                    ["industry: Wine", "stack=AWS: no"],
                    ["staff: 5.5 people", "stack=AWS: no"],
                ],
            }
        ),
    )


def test_ties_go_by_account_id_and_count_is_kept() -> None:
    ids = [f"c{i}" for i in (3, 1, 4, 2)]
    customers = pl.DataFrame({"account_id": ids, "industry": ["Wine"] * 4})
    found = similar_customers({"industry": "Wine"}, icp(), customers, count=3)
    assert found["account_id"].to_list() == ["c1", "c2", "c3"]
    assert found["outcome"].to_list() == [None] * 3


def test_an_account_that_tells_nothing_is_like_nobody() -> None:
    customers = pl.DataFrame({"account_id": ["a"], "industry": ["Wine"]})
    assert similar_customers({}, icp(), customers)["similarity"].to_list() == [0.0]


def test_without_information_all_attributes_count_alike() -> None:
    blank = profile_of(
        [t.model_copy(update={"information": 0}) for t in (INDUSTRY, STAFF)]
    )
    customers = pl.DataFrame(
        {"account_id": ["a"], "industry": ["Wine"], "staff": [0.5]}
    )
    found = similar_customers({"industry": "Wine", "staff": 9}, blank, customers)
    assert found["similarity"].to_list() == [0.5]


def test_no_customers_give_an_empty_frame() -> None:
    empty = pl.DataFrame(schema={"account_id": pl.String})
    found = similar_customers({"industry": "Wine"}, icp(), empty)
    assert found.is_empty()
    assert dict(found.schema) == SIMILAR_COLUMNS


def test_customers_without_an_id_are_refused() -> None:
    with pytest.raises(SchemaError, match="no column 'account_id'"):
        similar_customers({}, icp(), pl.DataFrame({"id": ["a"]}))


@pytest.mark.parametrize(
    ("code", "row"),
    [
        (0, (0,) * 9),
        (1, (0,) * 9),
        (2, (0, 0, 1000, 500, 0, 0, 0, 0, 0)),
        (5, (0, 0, 0, 0, 500, 1000, 500, 0, 0)),
    ],
)
def test_numbers_agree_less_the_further_apart(code: int, row: tuple[int, ...]) -> None:
    assert agreement(STAFF, code) == row


def test_levels_agree_or_not() -> None:
    assert [agreement(INDUSTRY, code) for code in (1, 2)] == [
        (0, 0, 0, 0),
        (0, 0, 1000, 0),
    ]


@LAWS
@given(st.data())
def test_similarity_is_what_the_loops_say(data: Any) -> None:
    profile = data.draw(profiles(max_tables=4))
    rows = data.draw(accounts(profile, max_size=5))
    asked = data.draw(accounts(profile, max_size=1))
    customers = frame_of(rows, profile)
    for row in asked:
        found = similar_customers(row, profile, customers, count=9)
        naive = {
            f"a{place}": naive_similarity(row, other, profile)
            for place, other in enumerate(rows)
        }
        got = dict(found.select("account_id", "similarity").iter_rows())
        assert got == pytest.approx(naive)
        assert list(got) == sorted(naive, key=lambda one: (-naive[one], one))
        assert all(0 <= value <= 1 for value in got.values())


def naive_similarity(row: Any, other: Any, profile: Profile) -> float:
    informed = any(t.information for t in profile.tables)
    agreed = total = 0.0
    for table in profile.tables:
        one = naive_code(table, row[table.column])
        two = naive_code(table, other[table.column])
        weight = table.information if informed else 1
        if one:
            total += weight
            agreed += weight * agreement(table, one)[two] / 1000
    return agreed / total if total else 0.0
