from __future__ import annotations

import polars as pl
import pytest
from generators.strategies import profile_of, table_of

from icp.profile import Segment
from icp.qualify import Terms, UsualTerms, terms_of, usual
from icp.qualify.money import Usual


def two_segments():
    table = table_of("size", "category", (0, 0, 0, 0), cells=("small", "large"))
    segments = [
        Segment(name="S", kind="best", size=3, surprises=((0, 0, 0, 900),)),
        Segment(name="L", kind="best", size=3, surprises=((0, 0, 900, 0),)),
    ]
    return profile_of([table], segments=segments)


LABELLED = pl.DataFrame(
    {
        "size": ["small", "small", "small", "large", "large"],
        "discount": [5.0, 9.0, 10.0, 20.0, None],
        "support_cost": [100.0, 300.0, None, None, None],
        "outcome": ["best", "best", "best", "best", "regrettable"],
    }
)


def test_what_is_usual_is_the_median_of_the_segments_best():
    found = usual(LABELLED, two_segments())
    assert found.scale == 100
    assert found.of("S") == Usual(discount=0.09, care=200.0)
    assert found.of("L") == Usual(discount=0.2, care=None)
    assert found.of(None) == found.of("elsewhere") == Usual()


def test_shares_are_taken_as_shares():
    small = LABELLED.with_columns(pl.col("discount") / 100)
    assert usual(small.lazy(), two_segments()).of("S").discount == 0.09


@pytest.mark.parametrize(
    "frame", [LABELLED.drop("discount", "support_cost"), LABELLED[4:]]
)
def test_nothing_is_usual_where_nothing_is_known(frame):
    assert usual(frame, two_segments()) == UsualTerms.unknown()


def test_a_column_that_holds_no_numbers_says_nothing():
    odd = LABELLED.with_columns(discount=pl.lit("much"))
    assert usual(odd, two_segments()).of("S") == Usual(care=200.0)


def test_the_terms_of_an_account_stand_beside_the_usual_ones():
    known = usual(LABELLED, two_segments())
    row = {"discount": 12.0, "support_cost": None, "incumbent_contract_months": 4}
    assert terms_of(row, "S", known) == Terms(
        discount=0.12,
        usual_discount=0.09,
        cost_to_keep=None,
        usual_cost_to_keep=200.0,
        incumbent_months=4.0,
    )


@pytest.mark.parametrize("value", [None, "ten", True, float("nan")])
def test_what_is_no_number_is_not_known(value):
    assert terms_of({"discount": value}, None, UsualTerms.unknown()) == Terms()
