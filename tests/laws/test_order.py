from __future__ import annotations

import numpy as np
import polars as pl
from generators.labelled import LAWS, customers, learnt
from hypothesis import given
from hypothesis import strategies as st

COLUMNS = ["industry", "staff", "tools", "group", "outcome"]


@LAWS
@given(
    customers(),
    st.booleans(),
    st.randoms(use_true_random=False),
    st.permutations(COLUMNS),
)
def test_order_of_rows_and_columns_changes_nothing(frame, by, random, columns) -> None:
    order = list(range(frame.height))
    random.shuffle(order)
    group = "group" if by else None
    chosen = frame if by else frame.drop("group")
    moved = chosen[order].select(c for c in columns if c in chosen.columns)
    assert learnt(moved, group=group).id == learnt(chosen, group=group).id


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
