from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from icp.learn.cells import draft_tables
from icp.learn.rule_search import split_customers
from icp.schema import AccountSchema


def customers(rows=12, **columns):
    frame = pl.DataFrame(
        {
            "id": [f"C-{n}" for n in range(rows)],
            "size": [float(n % 5) for n in range(rows)],
            "outcome": ["regrettable" if n % 3 == 0 else "best" for n in range(rows)],
        }
    )
    return frame.with_columns(**{k: pl.Series(v) for k, v in columns.items()})


def split(frame, *, date=None, group=None, seed=0):
    schema = AccountSchema.infer(frame.select("size"))
    tables = [
        draft.table for draft in draft_tables(frame, schema, min_level=2, max_levels=9)
    ]
    return split_customers(
        frame, tables, outcome="outcome", date=date, group=group, seed=seed
    )


def days(count):
    return [date(2024, 1, 1) + timedelta(days=100 * n) for n in range(count)]


def test_the_newer_third_confirms():
    part = split(customers(day=days(12)), date="day")
    assert sorted(part.newer["id"]) == ["C-10", "C-11", "C-8", "C-9"]
    assert part.older.height == 8
    assert part.words == "closed before 2026-03-11"
    assert part.regretted.tolist() == (part.older["outcome"] == "regrettable").to_list()


def test_labels_are_permuted_within_years():
    part = split(customers(day=days(12)), date="day")
    years = part.older["day"].dt.year().to_list()
    assert part.strata.tolist() == [year - 1970 for year in years]


def test_one_day_is_never_split():
    same = [date(2024, 1, 1)] * 7 + [date(2025, 1, 1)] * 5
    part = split(customers(day=same), date="day")
    assert part.newer["day"].unique().to_list() == [date(2025, 1, 1)]
    assert part.newer.height == 5


def test_when_nearly_all_are_of_the_first_day_only_later_ones_confirm():
    part = split(
        customers(day=[date(2024, 1, 1)] * 11 + [date(2025, 1, 1)]), date="day"
    )
    assert part.newer.height == 1
    part = split(
        customers(day=[date(2024, 1, 1)] + [date(2025, 1, 1)] * 11), date="day"
    )
    assert part.older.height == 1


def test_unknown_days_count_as_the_oldest():
    part = split(customers(day=[None, None, *days(10)]), date="day")
    assert part.newer["day"].null_count() == 0


@pytest.mark.parametrize(
    "day", [[None] * 12, [date(2024, 1, 1)] * 12, ["2024"] * 12], ids=str
)
def test_without_two_days_a_third_is_drawn(day):
    part = split(customers(day=day), date="day")
    assert (part.older.height, part.newer.height) == (8, 4)
    assert part.words == "a random third held out"


def test_a_third_of_each_outcome_is_drawn_by_the_seed():
    frame = customers(90)
    part = split(frame)
    assert part.newer.height == 30
    assert (part.newer["outcome"] == "regrettable").sum() == 10
    assert sorted(part.newer["id"]) == sorted(split(frame).newer["id"])
    assert sorted(part.newer["id"]) != sorted(split(frame, seed=1).newer["id"])
    assert set(part.strata) == {0}


@pytest.mark.parametrize("date_column", [None, "day"])
def test_groups_stay_whole(date_column):
    frame = customers(60, day=days(60), group=[f"g{n % 20}" for n in range(60)])
    part = split(frame, date=date_column, group="group")
    assert not set(part.older["group"]) & set(part.newer["group"])
    assert 0 < part.newer.height < 60
    same = part.older["group"].to_numpy()
    for number in set(part.groups.tolist()):
        assert len(set(same[part.groups == number])) == 1


def test_a_group_that_is_not_known_is_one_of_its_own():
    frame = customers(12, group=[None] * 12)
    assert len(set(split(frame, group="group").groups)) == 8


@pytest.mark.parametrize("date_column", [None, "day"])
def test_the_order_of_rows_does_not_matter(date_column):
    frame = customers(60, day=days(60))
    frame = frame.with_columns(size=pl.Series(np.arange(60.0)))
    mixed = frame.sample(fraction=1, shuffle=True, seed=4)
    one, other = (split(f, date=date_column) for f in (frame, mixed))
    assert one.older["id"].to_list() == other.older["id"].to_list()
    assert one.newer["id"].to_list() == other.newer["id"].to_list()
