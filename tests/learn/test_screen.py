from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from generators.planted import closed_customers as planted_customers

from icp.errors import ConfigError, SchemaError, TooFewCustomersError
from icp.learn import fit_profile
from icp.learn.screen import (
    FitOptions,
    check_columns,
    check_counts,
    closed_customers,
    renumber,
    screen,
)
from icp.schema import AccountSchema


def screened(frame: pl.DataFrame, *, group: str | None = None, **options):
    left_out = {name: "ignored" for name in ("outcome", group) if name}
    schema = AccountSchema.infer(frame, roles=left_out)
    chosen = FitOptions(**options)
    return screen(frame, schema, "outcome", group, None, chosen, 0)


def labelled(**columns) -> pl.DataFrame:
    count = len(next(iter(columns.values())))
    return pl.DataFrame(columns).with_columns(
        outcome=pl.Series((["best", "regrettable"] * count)[:count])
    )


def test_only_customers_with_a_known_outcome_are_closed() -> None:
    frame = pl.DataFrame(
        {"outcome": ["best", "neutral", "unknown", None, "regrettable", "Best"]}
    )
    assert closed_customers(frame, "outcome")["outcome"].to_list() == [
        "best",
        "neutral",
        "regrettable",
    ]


@pytest.mark.parametrize(("best", "bad"), [(4, 5), (5, 4), (0, 9)])
def test_fewer_than_five_of_a_kind_are_too_few(best: int, bad: int) -> None:
    frame = pl.DataFrame({"outcome": ["best"] * best + ["regrettable"] * bad})
    with pytest.raises(TooFewCustomersError, match=f"^{best} best and {bad} regret"):
        check_counts(frame, "outcome")


def test_five_of_each_are_enough() -> None:
    check_counts(pl.DataFrame({"outcome": ["best", "regrettable"] * 5}), "outcome")


def test_every_missing_column_is_named_at_once() -> None:
    frame = pl.DataFrame({"outcome": ["best"]})
    with pytest.raises(SchemaError, match="3 missing columns: 'a', 'group', 'since'"):
        check_columns(frame, "outcome", "group", "since", ["a"])


@pytest.mark.parametrize(
    ("groups", "wanted"),
    [([7, 7, 3, 7, 9], [0, 0, 1, 0, 2]), ([-1, -2, -1], [0, 1, 0]), ([], [])],
)
def test_groups_are_numbered_by_their_first_row(groups, wanted) -> None:
    assert renumber(np.array(groups, dtype=np.int64)).tolist() == wanted


def test_identical_customers_are_one_group() -> None:
    frame = labelled(one=list("aabbaabb") * 5, two=list("xyxyxyxy") * 5)
    found = screened(frame, accept=("one", "two"))
    same = {tuple(row): set() for row in found.cells.codes.tolist()}
    for row, group in zip(found.cells.codes.tolist(), found.groups, strict=True):
        same[tuple(row)].add(int(group))
    assert len(same) == 4
    assert all(len(groups) == 1 for groups in same.values())
    assert len(set().union(*same.values())) == 4


def test_a_given_group_wins_and_unknown_ones_stand_alone() -> None:
    frame = labelled(one=list("aabb") * 5, house=(["x"] * 3 + [None]) * 5)
    found = screened(frame, group="house")
    sizes = sorted(np.bincount(found.groups).tolist())
    assert sizes == [1] * 5 + [15]


def test_excluded_columns_are_neither_learnt_nor_told_of() -> None:
    frame = labelled(one=list("aabb") * 5, two=list("abab") * 5, three=["x"] * 20)
    found = screened(frame, exclude=("two", "three"))
    assert [t.name for t in found.cells.tables] == ["one"]
    assert found.findings == ()


def test_findings_say_what_was_accepted() -> None:
    frame = labelled(one=list("aabb") * 5, churn=list("ab") * 10)
    refused, accepted = screened(frame), screened(frame, accept=("churn",))
    assert [(f.column, f.code, f.excluded) for f in refused.findings] == [
        ("churn", "name", True)
    ]
    assert [(f.column, f.code, f.excluded) for f in accepted.findings] == [
        ("churn", "name", False)
    ]
    assert [t.name for t in accepted.cells.tables] == ["churn", "one"]


def filled(share_best: float, share_bad: float, count: int = 400) -> pl.DataFrame:
    draw = np.random.default_rng(0)
    frame = labelled(one=draw.choice(list("ab"), count).tolist())
    best = (frame["outcome"] == "best").to_numpy()
    known = draw.random(count) < np.where(best, share_best, share_bad)
    return frame.with_columns(one=pl.when(pl.Series(known)).then("one"))


@pytest.mark.parametrize(
    ("frame", "counts"),
    [
        (filled(0.8, 0.5), True),
        (filled(0.5, 0.8), True),
        (filled(0.7, 0.7), False),
        (filled(1.0, 1.0), False),
        (filled(0.9, 0.5, count=80), True),
        (filled(0.7, 0.5, count=20), False),
    ],
    ids=["fewer bad", "fewer best", "as many", "all", "few rows", "too few rows"],
)
def test_missing_counts_where_it_differs_beyond_chance(frame, counts) -> None:
    found = screened(frame, accept=("one",))
    assert found.missing_counts.tolist() == [counts]


def test_rows_and_labels_belong_together() -> None:
    frame = labelled(one=list("aabb") * 10).with_columns(
        outcome=pl.when(pl.int_range(40) < 4)
        .then(pl.lit("neutral"))
        .otherwise("outcome")
    )
    found = screened(frame)
    outcomes = frame["outcome"].to_numpy()[found.cells.rows]
    assert set(outcomes[found.rows]) == {"best", "regrettable"}
    assert (outcomes[found.rows] == "best").tolist() == found.positive.tolist()
    assert len(found.of("best")) + len(found.of("regrettable")) == len(found.rows) == 36


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"one": list("aabb") * 3}, "10 of 12 customers repeat another one"),
        ({"size": [float(i) for i in range(6)] * 2}, "6 of 12 customers repeat"),
    ],
)
def test_repetition_is_counted(columns, words) -> None:
    (note,) = screened(labelled(**columns), min_level=1).notes
    assert words in note


@pytest.mark.parametrize("seed", [-1, -(2**40)])
def test_a_negative_seed_is_refused_in_words(seed: int) -> None:
    frame = planted_customers(40).drop("account_id")
    with pytest.raises(ConfigError, match=f"seed {seed} is negative; use 0 or more"):
        fit_profile(frame, seed=seed)


def test_more_attributes_than_a_profile_keeps_are_refused_in_words(monkeypatch) -> None:
    monkeypatch.setattr("icp.learn.screen.MAX_TABLES", 3)
    frame = planted_customers(40).drop("account_id")
    words = "4 attributes, each value of a list counted; at most 3 fit into a profile"
    with pytest.raises(SchemaError, match=words):
        fit_profile(frame)
