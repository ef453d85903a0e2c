from __future__ import annotations

from math import inf, nan

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp.errors import PolicyError
from icp.outcomes import Economics

LABELLED = pl.DataFrame(
    {
        "outcome": [
            "best",
            "best",
            "best",
            "regrettable",
            "regrettable",
            "regrettable",
        ],
        "worth": [10.0, 30.0, None, -4.0, -8.0, 100.0],
    }
)


def test_from_labelled_takes_medians():
    assert Economics.from_labelled(LABELLED) == Economics(V=20.0, L=6.0, C=0.0)
    assert Economics.from_labelled(LABELLED.lazy()).break_even == 6 / 26


def test_given_amounts_stand_over_the_data():
    assert Economics.from_labelled(
        LABELLED.clear(), value=100.0, loss=50.0, cost=10.0
    ) == Economics(V=100.0, L=50.0, C=10.0)


def test_without_losses_the_loss_is_nothing():
    earned = LABELLED.filter(pl.col("worth") > 0)
    assert Economics.from_labelled(earned) == Economics(V=20.0, L=0.0, C=0.0)


def test_without_a_known_best_worth_it_must_be_given():
    with pytest.raises(PolicyError, match="set value_of_best"):
        Economics.from_labelled(LABELLED.clear())


@pytest.mark.parametrize("amounts", [(-1, 1, 1), (1, nan, 1), (1, 1, inf), (0, 0, 0)])
def test_impossible_amounts_are_refused(amounts):
    with pytest.raises(PolicyError, match=r"\[economics\]"):
        Economics(*amounts)


_AMOUNT = st.integers(1, 10**6)


@given(_AMOUNT, _AMOUNT, _AMOUNT)
def test_pursuing_at_break_even_neither_gains_nor_loses(value, loss, cost):
    p = Economics(V=value, L=loss, C=cost).break_even
    assert p * value - (1 - p) * loss - cost == pytest.approx(0, abs=1e-6)
