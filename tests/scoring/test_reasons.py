from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from generators.strategies import LAWS, profiles, table_of, tables, values
from hypothesis import given
from hypothesis import strategies as st

from icp.profile import PairTable
from icp.schema import Kind
from icp.scoring.cells import coder
from icp.scoring.words import ODD, Reasons, Together, title_of, value_words

if TYPE_CHECKING:
    from icp.profile import AttributeTable, Profile

STAFF = table_of(
    "staff",
    "number",
    (0, 0, -200, 100),
    edges=(50.0,),
    best=(5, 0, 20, 20),
    regrettable=(0, 0, 30, 10),
    pooled=(9_000, ODD, ODD - 1, ODD),
    unit="people",
)
PLAN = table_of(
    "plan",
    "category",
    (0, 7, 500, -300),
    levels=(("-", 0), ("Basic", 2), ("Pro", 3), ("Pro+", 3)),
    cells=("Basic", "Pro or Pro+"),
)
LIVE = table_of("live", "flag", (0, 0, -10, 40), pooled=(0, 0, ODD, 0))


def said(table: AttributeTable, code: int, value: object) -> tuple[str, str, int]:
    _, one = Reasons(table=table, order=0).contribution(code, value)
    return one.value, one.text, one.points


@pytest.mark.parametrize(
    ("table", "code", "value", "words"),
    [
        (STAFF, 0, None, ("not known", "not known; -200 to +100 points once it is", 0)),
        (
            STAFF,
            1,
            float("inf"),
            ("inf people", "inf people: none of your closed customers", 0),
        ),
        (
            STAFF,
            2,
            7,
            (
                "7 people",
                "cell 2 people: 20 of your 45 best, 30 of 40 regrettable",
                -200,
            ),
        ),
        (PLAN, 0, "-", ("not known", "not known; -300 to +500 points once it is", 0)),
        (PLAN, 1, "Gold", ("Gold", "Gold: none of your closed customers", 7)),
        (
            PLAN,
            3,
            "Pro+",
            ("Pro+", "Pro or Pro+: 0 of your 0 best, 0 of 0 regrettable", -300),
        ),
        (LIVE, 1, 7, ("never seen", "never seen: none of your closed customers", 0)),
        (LIVE, 3, True, ("yes", "yes: 0 of your 0 best, 0 of 0 regrettable", 40)),
    ],
)
def test_what_is_said_of_a_value(
    table: AttributeTable, code: int, value: object, words: tuple[str, str, int]
) -> None:
    assert said(table, code, value) == words


def test_odd_are_the_cells_from_the_limit_on_but_never_what_is_missing() -> None:
    odd = Reasons(table=STAFF, order=0).odd
    assert sorted(odd) == [1, 3]
    _, one = odd[3](3, 60.0)
    assert (one.value, one.points, one.lowest, one.highest) == (
        *("60 people", ODD),
        *(ODD - 1, 9_000),
    )
    assert one.text == "30 of 85 closed customers are like this"
    assert list(Reasons(table=LIVE, order=0).odd) == [2]


def test_pairs_are_told_by_their_cells() -> None:
    pair = PairTable(first="live", second="plan", points=tuple(range(16)))
    told = Together(pair, (LIVE, PLAN), 3)
    assert told[14][1].text == "yes and Basic, beyond what each says alone"
    assert told[14][1].points == 14
    assert told[2][1].value == "not known"
    assert told[2][1].text == "not known; +10 to +15 points once it is"
    assert told[5][1].known
    assert sorted(told) == [2, 5, 14]


@LAWS
@given(st.sampled_from(list(Kind)[:4]), st.data())
def test_own_values_are_in_the_words_of_a_value(kind: Kind, data: Any) -> None:
    table = data.draw(tables("x=aws" if kind is Kind.MULTI else "x", kind))
    value = data.draw(values(table))
    code = coder(table)(value)
    value_said, _, points = said(table, code, value)
    assert value_said == value_words(table, code, value)
    assert points == table.points[code]


@LAWS
@given(profiles())
def test_ranks_sort_by_what_is_known_then_points_then_name(profile: Profile) -> None:
    names = sorted(table.name for table in profile.tables)
    entries = [
        Reasons(table=table, order=names.index(table.name)).contribution(code, 1.0)
        for table in profile.tables
        for code in range(table.size)
    ]
    for (rank, one), (other_rank, other) in product(entries, entries):
        key = (not one.known, -abs(one.points), one.name)
        other_key = (not other.known, -abs(other.points), other.name)
        assert (rank < other_rank) == (key < other_key)
    assert {one.title for _, one in entries} == set(map(title_of, profile.tables))
