from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp.learn.cells import draft_tables
from icp.learn.rule_candidates import Space, candidates, combine, round_between
from icp.schema import AccountSchema

FRAME = pl.DataFrame(
    {
        "industry": ["Retail"] * 5 + ["Law"] * 4 + ["Arms"] * 3,
        "size": [float(n) for n in range(12)],
        "key": [True, False, None] * 4,
        "tools": [["SAP"], ["SAP", "AWS"], None] * 4,
    }
)


def tables(frame, kinds=None):
    schema = AccountSchema.infer(frame, kinds=kinds)
    drafts = draft_tables(frame, schema, min_level=2, max_levels=20)
    return [draft.table for draft in drafts]


def texts(frame=FRAME, kinds=None, *, least=3, most_edges=3, sets=True):
    space = candidates(
        frame, tables(frame, kinds), least=least, most_edges=most_edges, sets=sets
    )
    return [str(condition) for condition in space.conditions]


def test_every_kind_of_condition_is_made_once():
    assert texts() == [
        "industry = 'Retail'",
        "industry = 'Law'",
        "industry = 'Arms'",
        "industry in ('Law', 'Retail')",
        "industry in ('Arms', 'Retail')",
        "industry in ('Arms', 'Law')",
        "key",
        "key = false",
        "size >= 3",
        "size < 3",
        "size >= 6",
        "size < 6",
        # Those from 9 on sell arms, those below do not: said by industry already.
        "tools has 'SAP'",
    ]


def test_masks_are_what_the_conditions_cover():
    space = candidates(FRAME, tables(FRAME), least=2, most_edges=5, sets=True)
    for place, condition in enumerate(space.conditions):
        covered = [condition.holds(row) is True for row in FRAME.iter_rows(named=True)]
        assert space.masks[:, place].tolist() == covered
    assert space.masks.shape == (12, len(space.conditions))


def test_a_condition_covers_enough_and_not_nearly_all():
    space = candidates(FRAME, tables(FRAME), least=4, most_edges=9, sets=False)
    counts = space.masks.sum(axis=0)
    assert counts.min() >= 4
    assert counts.max() <= 8


def test_conditions_that_cover_the_same_are_kept_once():
    twice = FRAME.with_columns(same=pl.col("industry"))
    assert texts(twice, least=2) == texts(FRAME, least=2)


def test_sets_of_levels_only_where_asked_for():
    assert not [text for text in texts(sets=False) if " in " in text]


def test_levels_are_compared_as_the_column_holds_them():
    frame = pl.DataFrame({"code": [1, 1, 2, 2, 3, 3], "yes": [True, False] * 3})
    kinds = {"code": "category", "yes": "category"}
    found = texts(frame, kinds, least=2)
    assert found[:3] == ["code = 1", "code = 2", "code = 3"]
    assert "yes" in found[3:] or "yes = false" in found[3:]


def test_missing_is_a_condition_only_where_the_profile_says_that_it_tells():
    table = tables(FRAME)[1]
    assert table.column == "key"
    telling = table.model_copy(update={"points": (5, *table.points[1:])})
    quiet = candidates(FRAME, [table], least=2, most_edges=3, sets=True)
    loud = candidates(FRAME, [telling], least=2, most_edges=3, sets=True)
    assert [str(c) for c in loud.conditions] == [
        *(str(c) for c in quiet.conditions),
        "key is missing",
    ]


def test_a_column_that_is_not_there_gives_nothing():
    assert texts(FRAME.drop("industry"))[0] != "industry = 'Retail'"
    space = candidates(
        FRAME.drop("industry"), tables(FRAME), least=3, most_edges=3, sets=True
    )
    assert all("industry" not in condition.columns for condition in space.conditions)


def test_a_column_of_one_value_gives_nothing():
    assert texts(pl.DataFrame({"x": [1.0] * 9})) == []


def naive(masks, least, deepest):
    """All sets of conditions that cover enough, and fewer than each part."""
    count = masks.shape[1]
    found = [(j,) for j in range(count)]
    for size in range(2, deepest + 1):
        for rule in combinations(range(count), size):
            inside = masks[:, rule].all(axis=1).sum()
            wholes = [
                masks[:, [c for c in rule if c != left]].all(axis=1).sum()
                for left in (rule[-1],)
            ]
            narrower = inside < min(*wholes, masks[:, rule[-1]].sum())
            if inside >= least and narrower and rule[:-1] in found:
                found.append(rule)
    return found


@pytest.mark.parametrize("deepest", [1, 2, 3])
def test_combinations_equal_the_naive_ones(deepest):
    masks = np.random.default_rng(3).random((40, 7)) < 0.6
    space = Space(conditions=(None,) * 7, masks=masks, columns=np.arange(7))
    found = combine(space, least=4, deepest=deepest, most_rules=10_000)
    rules = [tuple(c for c in rule if c >= 0) for rule in found.tolist()]
    assert sorted(rules) == sorted(naive(masks, 4, deepest))
    assert found.shape[1] == deepest


def test_too_many_rules_are_none():
    masks = np.random.default_rng(3).random((40, 20)) < 0.6
    space = Space(conditions=(None,) * 20, masks=masks, columns=np.arange(20))
    assert combine(space, least=4, deepest=2, most_rules=100) is None
    assert combine(space, least=4, deepest=2, most_rules=10) is None


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_a_round_number_lies_between(below, gap):
    above = below + gap
    if above > below:
        assert below < round_between(below, above) <= above


@pytest.mark.parametrize(
    ("below", "above", "found"),
    [
        (4, 5, 5),
        (0, 1, 1),
        (-1, 0, 0),
        (12, 31, 20),
        (2012, 2014, 2013),
        (5.85e6, 5.92e6, 5.9e6),
        (0.1234, 0.1311, 0.13),
        (-31, -12, -20),
    ],
)
def test_the_roundest_number_is_taken(below, above, found):
    assert round_between(below, above) == found
