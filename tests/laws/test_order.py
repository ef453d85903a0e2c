from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from labelled import LAWS, customers, learnt


@LAWS
@given(customers(), st.booleans(), st.randoms(use_true_random=False))
def test_row_order_changes_nothing_with_or_without_groups(frame, by, random) -> None:
    order = list(range(frame.height))
    random.shuffle(order)
    group = "group" if by else None
    chosen = frame if by else frame.drop("group")
    assert learnt(chosen[order], group=group).id == learnt(chosen, group=group).id


@LAWS
@given(customers(), st.permutations(["industry", "staff", "tools", "group", "outcome"]))
def test_column_order_changes_nothing(frame, columns) -> None:
    assert learnt(frame.select(columns)).id == learnt(frame).id


def test_a_hundred_ties_are_broken_by_name_and_not_by_row() -> None:
    draw = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "outcome": draw.choice(["best", "regrettable"], 400).tolist(),
            "town": [f"t{i // 4:03}" for i in range(400)],
        }
    )
    order = draw.permutation(400)
    assert learnt(frame[order]).id == learnt(frame).id
