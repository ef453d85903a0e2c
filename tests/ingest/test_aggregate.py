from __future__ import annotations

from statistics import fmean
from types import SimpleNamespace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.ingest.combine import SourceTable, sum_up
from icp.ingest.plan import Aggregate
from icp.schema import AccountSchema

_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "group": st.sampled_from([0, 1, None]),
            "amount": st.none() | st.integers(-9, 9).map(float),
            "paid": st.none() | st.booleans(),
            "kind": st.sampled_from(["a", "b", None]),
            "day": st.none() | st.integers(0, 5),
        }
    ),
    max_size=10,
)
_SCHEMA = {
    "group": pl.UInt32,
    "amount": pl.Float64,
    "paid": pl.Boolean,
    "kind": pl.String,
    "day": pl.Int64,
}


def part(rows):
    frame = pl.DataFrame(rows, schema=_SCHEMA)
    schema = AccountSchema.infer(frame)
    result = SimpleNamespace(report=SimpleNamespace(file="f"), schema=schema)
    return SourceTable.of("rows", result, frame)


def values(rows, **aggregate):
    source = part(rows)
    asked = (Aggregate.model_validate({"name": "x", **aggregate}),)
    groups = sum_up(source, asked, source.frame["group"])
    every = pl.DataFrame({"group": pl.Series([0, 1], dtype=pl.UInt32)})
    joined = every.join(groups.frame, on="group", how="left", maintain_order="left")
    return joined.with_columns(groups.where_no_rows)["x"].to_list()


def known(rows, group, column):
    return [r[column] for r in rows if r["group"] == group and r[column] is not None]


def any_row(rows, group):
    return any(r["group"] == group for r in rows)


_NAIVE = {
    "sum": lambda xs, rows: sum(xs) if xs else (None if rows else 0.0),
    "mean": lambda xs, rows: fmean(xs) if xs else None,
    "min": lambda xs, rows: min(xs, default=None),
    "max": lambda xs, rows: max(xs, default=None),
    "count": lambda xs, rows: len(xs),
    "first": lambda xs, rows: xs[0] if xs else None,
    "last": lambda xs, rows: xs[-1] if xs else None,
    "n_unique": lambda xs, rows: len(set(xs)),
    "values": lambda xs, rows: sorted(set(xs)) if rows else None,
}


@pytest.mark.parametrize("take", sorted(_NAIVE))
@settings(deadline=None, max_examples=12)
@given(rows=_ROWS)
def test_numbers_agree_with_a_naive_reading(take, rows):
    expected = [
        _NAIVE[take](known(rows, group, "amount"), any_row(rows, group))
        for group in (0, 1)
    ]
    found = values(rows, take=take, of="amount")
    assert found == pytest.approx(expected) if take == "mean" else found == expected


@settings(deadline=None, max_examples=12)
@given(rows=_ROWS)
def test_yes_and_no_agree_with_a_naive_reading(rows):
    paid = {group: known(rows, group, "paid") for group in (0, 1)}
    assert values(rows, take="any", of="paid") == [any(paid[0]), any(paid[1])]
    shares = [sum(xs) / len(xs) if xs else None for xs in paid.values()]
    assert values(rows, take="share", of="paid") == pytest.approx(shares)


@settings(deadline=None, max_examples=12)
@given(rows=_ROWS)
def test_where_is_the_same_as_leaving_rows_out(rows):
    kept = [r for r in rows if r["paid"]]
    for take in ("sum", "count", "max", "last"):
        asked = {"take": take, "of": "amount"}
        found, expected = values(rows, **asked, where="paid"), values(kept, **asked)
        assert found == expected


@pytest.mark.parametrize("take", ["first", "last"])
@settings(deadline=None, max_examples=20)
@given(rows=_ROWS)
def test_the_order_column_decides_and_unknown_days_count_least(take, rows):
    found = values(rows, take=take, of="kind", order="day")
    for group in (0, 1):
        mine = [r for r in rows if r["group"] == group and r["kind"] is not None]
        dated = [r for r in mine if r["day"] is not None]
        chosen = dated or mine
        if not chosen:
            assert found[group] is None
            continue
        days = [r["day"] for r in dated]
        edge = (min if take == "first" else max)(days, default=None)
        allowed = {r["kind"] for r in chosen if edge is None or r["day"] == edge}
        assert found[group] in allowed


@settings(deadline=None, max_examples=12)
@given(rows=_ROWS, order=st.randoms(use_true_random=False))
def test_row_order_changes_no_sum(rows, order):
    shuffled = list(rows)
    order.shuffle(shuffled)
    for take in ("sum", "count", "min", "n_unique", "values"):
        asked = {"take": take, "of": "amount"}
        assert values(rows, **asked) == values(shuffled, **asked)
