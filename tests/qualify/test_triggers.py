from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from generators.qualify_cases import a_rule
from generators.strategies import LAWS, table_of
from hypothesis import given
from hypothesis import strategies as st

from icp.qualify.asking import (
    answers_of,
    bounds_of,
    chance_under,
    covers_by_answer,
)

NOTHING = pl.DataFrame({"vendors": [None]})
EDGES = (2.0, 5.0, 7.5)
VENDORS = table_of("vendors", "number", (0,) * 6, edges=EDGES)
numbers = st.sampled_from([-1.0, 0.0, 1.5, 2.0, 3.0, 5.0, 6.0, 7.5, 8.0, 99.0])
comparisons = st.builds(
    "vendors {} {}".format, st.sampled_from(["<", "<=", "=", "!=", ">", ">="]), numbers
)
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=4,
)


@LAWS
@given(conditions)
def test_a_cell_is_covered_where_each_of_its_values_is(text):
    rule = a_rule("active", text)
    values = np.concatenate([np.arange(-4, 120, 0.25), [-1e9, 1e9]])
    cells = np.searchsorted(EDGES, values, side="right")
    truth = [
        all(rule.condition.holds({"vendors": float(v)}) for v in values[cells == cell])
        for cell in range(4)
    ]
    assert covers_by_answer([rule], VENDORS, NOTHING)[0, :, 0].tolist() == truth


@LAWS
@given(conditions, st.sampled_from([None, 1.0, 3.0]))
def test_a_frame_says_what_each_account_says(text, deals):
    rules = [a_rule("active", text), a_rule("policy", "vendors > 4 and deals = 1")]
    frame = pl.DataFrame(
        {"vendors": [None, 3.0], "deals": [deals] * 2},
        schema={"vendors": pl.Float64, "deals": pl.Float64},
    )
    whole = covers_by_answer(rules, VENDORS, frame)
    cells = answers_of(VENDORS, [rule.condition for rule in rules])
    for place, row in enumerate(frame.to_dicts()):
        alone = [
            [
                all(rule.condition.holds({**row, "vendors": v}) is True for v in values)
                for rule in rules
            ]
            for values in cells
        ]
        assert whole[place].tolist() == alone


@pytest.mark.parametrize(
    ("table", "text", "covered"),
    [
        (table_of("team", "flag", (0,) * 4), "not team", [True, False]),
        (
            table_of("tools", "multi", (0,) * 4, value="SAP"),
            "tools has 'SAP'",
            [False, True],
        ),
        (
            table_of("tools", "multi", (0,) * 4, value="SAP"),
            "not tools has 'AWS'",
            [False, False],
        ),
        (
            table_of(
                "land", "category", (0,) * 4, levels=(("A", 2), ("B", 3), ("C", 3))
            ),
            "land in ('A', 'B')",
            [True, False],
        ),
        (
            table_of("code", "category", (0,) * 4, levels=(("1", 2), ("2", 3))),
            "code = 2",
            [False, True],
        ),
        (
            table_of("key", "category", (0,) * 4, levels=(("false", 2), ("true", 3))),
            "not key",
            [True, False],
        ),
    ],
)
def test_each_kind_of_answer(table, text, covered):
    rule = a_rule("active", text)
    assert covers_by_answer([rule], table, NOTHING)[0, :, 0].tolist() == covered


def test_a_cell_without_levels_is_covered_by_nothing():
    table = table_of("land", "category", (0,) * 4, levels=(("A", 2),))
    rule = a_rule("active", "land = 'A' or not land = 'A'")
    assert answers_of(table, [rule.condition]) == (("A",), ())
    covers = covers_by_answer([rule], table, NOTHING)
    assert covers[0, :, 0].tolist() == [True, False]


def test_only_rules_that_read_the_column_are_looked_at():
    rules = [a_rule("active", "deals > 3"), a_rule("active", "vendors > 3")]
    frame, exempt = pl.DataFrame({"deals": [9.0]}), np.zeros((1, 2), dtype=bool)
    assert bounds_of(rules, VENDORS, frame, exempt).tolist() == [[1.0, 1.0, 0.5, 0.5]]
    assert bounds_of(rules[:1], VENDORS, frame, exempt[:, :1]) is None


def test_the_strictest_rule_bounds_the_chance():
    rules = [a_rule("active", "vendors >= 2"), a_rule("policy", "vendors >= 5")]
    assert [chance_under(rule) for rule in rules] == [0.5, 0.0]
    exempt = np.array([[False, False], [False, True], [True, True]])
    frame = pl.DataFrame({"vendors": [None] * 3})
    assert bounds_of(rules, VENDORS, frame, exempt).tolist() == [
        [1.0, 0.5, 0.0, 0.0],
        [1.0, 0.5, 0.5, 0.5],
        [1.0] * 4,
    ]
