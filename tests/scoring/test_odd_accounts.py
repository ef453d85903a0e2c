"""Accounts whose columns, ids or numbers are not what one expects."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from generators.strategies import profile_of, steady_calibration, table_of
from polars.testing import assert_frame_equal

from icp.errors import SchemaError
from icp.profile import Abstention, Novelty, PairTable, Profile, Segment
from icp.scoring import (
    OUTLIER_COLUMNS,
    explain,
    outliers,
    score,
    score_one,
    similar_customers,
)
from icp.scoring.words import number_words

STAFF = table_of(
    "staff",
    "number",
    (0, 0, -20, 30),
    edges=(50.0,),
    cells=("up to 50", "51 or more"),
    pooled=(0, 4000, 0, 800),
    information=396,
)
CLOUD = table_of("cloud", "flag", (0, 0, -1, 1), information=604)
SHOPS = Segment(
    name="shops", kind="best", size=9, surprises=((0, 90, 0, 300), (0, 9, 0, 9))
)


def icp() -> Profile:
    plain = profile_of([STAFF, CLOUD], segments=[SHOPS])
    novelty = Novelty(closed=(700,) * 40, best=(10,) * 40)
    return plain.model_copy(update={"novelty": novelty})


def reading(column: str) -> Profile:
    return profile_of([table_of(column, "number", (0, 0, 5))])


def accounts(**columns: object) -> pl.DataFrame:
    given = {"account_id": ["a", "b"], "staff": [9.0, 60.0]}
    return pl.DataFrame({**given, **columns})


# -------------------------------------------------------------------------- outliers


def test_outliers_of_outliers_are_the_same() -> None:
    once = outliers(accounts(), icp())
    assert_frame_equal(outliers(once, icp()), once)
    assert_frame_equal(outliers(once.lazy(), icp()).collect(), once)


@pytest.mark.parametrize("name", ["outlier code 0", "icp 0", "icp code 0", "_icp 1"])
def test_columns_in_between_never_overwrite_a_column(name: str) -> None:
    frame = accounts(**{name: ["keep", "this"]})
    found = outliers(frame, icp())
    assert found[name].to_list() == ["keep", "this"]
    assert_frame_equal(found.drop(name), outliers(accounts(), icp()))
    assert score(frame, icp())[name].to_list() == ["keep", "this"]


@pytest.mark.parametrize("name", ["state", "odd", "quadrant", "novelty_p"])
def test_what_a_profile_reads_is_never_replaced_silently(name: str) -> None:
    with pytest.raises(SchemaError, match=f"{name}.* would be overwritten by scoring"):
        outliers(pl.DataFrame({name: [1.0]}), reading(name))


@pytest.mark.parametrize("columns", [{}, {"account_id": []}, {"other": []}])
def test_no_accounts_have_no_scores(columns: dict[str, list[str]]) -> None:
    empty = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    scored = score(empty, icp(), parts=True)
    assert scored.height == 0
    assert {"points__base", "points__staff", "margin"} <= set(scored.columns)
    assert outliers(empty, icp()).columns == [*columns, *OUTLIER_COLUMNS]


# --------------------------------------------------------------------------- similar


def test_a_customer_without_an_id_has_none() -> None:
    customers = accounts(account_id=[None, "b"])
    found = similar_customers({"account_id": "me", "staff": 9}, icp(), customers)
    assert found["account_id"].to_list() == [None, "b"]


@pytest.mark.parametrize("own", [7, "7"])
def test_ids_may_be_numbers(own: object) -> None:
    customers = accounts(account_id=[7, 10], account_name=[1, 2], outcome=["best", ""])
    found = similar_customers({"account_id": own, "staff": 9}, icp(), customers)
    assert found.select("account_id", "account_name", "outcome").row(0) == (
        *("10", "2", ""),
    )
    assert found.height == 1


def test_an_account_without_an_id_is_compared_with_all() -> None:
    found = similar_customers({"staff": 9}, icp(), accounts(account_id=["None", "b"]))
    assert found["account_id"].to_list() == ["None", "b"]


@pytest.mark.parametrize("name", ["similar points", "similar code 0", "icp 0"])
def test_a_profile_may_read_a_column_of_any_name(name: str) -> None:
    customers = pl.DataFrame({"account_id": ["a", "b"], name: [9.0, float("nan")]})
    found = similar_customers({name: 9.0}, reading(name), customers)
    assert found["shared"].to_list() == [[f"{name}: 9"], []]
    assert found["similarity"].to_list() == [1.0, 0.0]


def test_five_customers_are_shown() -> None:
    customers = pl.DataFrame({"account_id": [f"c{i}" for i in range(7)]})
    assert similar_customers({"staff": 9}, icp(), customers).height == 5


def test_that_both_lack_one_of_many_values_is_not_worth_a_word() -> None:
    aws = table_of("stack=AWS", "multi", (0, 0, 0, 0), value="AWS")
    customers = pl.DataFrame({"account_id": ["a", "b"], "stack": [[], ["AWS"]]})
    lacking = similar_customers({"stack": ["SAP"]}, profile_of([aws]), customers)
    assert lacking["shared"].to_list() == [[], []]
    assert lacking["different"].to_list() == [[], ["stack=AWS: yes"]]
    assert lacking["similarity"].to_list() == [1.0, 0.0]


def test_three_cells_have_nothing_between_alike_and_not() -> None:
    three = table_of("x", "number", (0,) * 5, edges=(1.0, 2.0))
    customers = pl.DataFrame({"account_id": ["a", "b"], "x": [0.5, 1.5]})
    found = similar_customers({"x": 0.5}, profile_of([three]), customers)
    assert found["similarity"].to_list() == [1.0, 0.0]


# ----------------------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("value", "dtype", "level"),
    [
        (np.int64(3), pl.Int64, "3"),
        (np.uint8(3), pl.UInt8, "3"),
        (np.int16(-3), pl.Int16, "-3"),
        (np.bool_(True), pl.Boolean, "true"),
        (np.bool_(False), pl.Boolean, "false"),
        (np.float64(1.5), pl.Float64, "1.5"),
        (np.float32(0.1), pl.Float32, "0.10000000149011612"),
        (np.str_("a"), pl.String, "a"),
    ],
)
def test_levels_of_other_libraries_are_those_of_a_frame(
    value: object, dtype: pl.DataType, level: str
) -> None:
    table = table_of("x", "category", (0, 0, 7), cells=(level,))
    frame = pl.DataFrame({"x": pl.Series([value], dtype=dtype)})
    assert score(frame, profile_of([table]))["margin"].to_list() == [7]
    assert score_one({"x": value}, profile_of([table])).margin == 7


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (-0.0001, "0"),
        (0.0004, "0"),
        (-0.0006, "-0.001"),
        (0.125, "0.125"),
        (-99.5, "-99.5"),
        (100.25, "100.2"),
        (999.94, "999.9"),
        (1000.5, "1,000"),
        (999_999_999_999_999.0, "999,999,999,999,999"),
        (1e15, "1e+15"),
        (-float("inf"), "-inf"),
    ],
)
def test_numbers_at_the_borders_of_how_they_are_written(
    value: float, words: str
) -> None:
    assert number_words(value) == words


# ---------------------------------------------------------------------------- why not


@pytest.mark.parametrize(
    ("least", "words"),
    [
        (397, "only 39% of what the profile looks at is known, 40% is needed"),
        (400, "only 39% of what the profile looks at is known, 40% is needed"),
        (900, "only 39% of what the profile looks at is known, 90% is needed"),
        (396, ""),
    ],
)
def test_too_little_never_reads_like_enough(least: int, words: str) -> None:
    limits = Abstention(known=least, novelty=0)
    profile = profile_of([STAFF, CLOUD], abstention=limits)
    assert score_one({"staff": 3}, profile).why_not == words


def test_all_reasons_are_told_in_order() -> None:
    profile = profile_of(
        [STAFF, CLOUD],
        calibration=steady_calibration(),
        closed=(1,) * 9,
        abstention=Abstention(known=999, novelty=200, width=100),
    )
    assert score_one({"staff": 90}, profile).why_not == (
        "only 39% of what the profile looks at is known, 100% is needed; "
        "it is unlike any customer closed so far; "
        "the estimate is too uncertain (40% to 60%)"
    )


# ---------------------------------------------------------------------- explanations


def test_a_name_is_told_as_it_is_written() -> None:
    name = "**<b>\u202eشركة 🏭</b>**\nA|B"
    table = table_of(
        "x", "category", (0, 0, 7), cells=(name,), best=(0, 0, 3), title=name
    )
    found = explain({"x": name}, profile_of([table]))
    assert found.sentences() == (
        f"For: {name}: {name}: 3 of your 3 best, 0 of 0 regrettable",
    )


def test_an_attribute_without_cells_says_nothing() -> None:
    empty = table_of("x", "category", (0, 4))
    (known,) = explain({"x": "a"}, profile_of([empty])).contributions
    assert (known.points, known.lowest, known.highest) == (4, 0, 0)
    (unknown,) = explain({}, profile_of([empty])).unknown
    assert unknown.text == "not known; +0 to +0 points once it is"


@pytest.mark.parametrize(
    ("value", "words"),
    [(10**400, "inf"), (-(10**400), "-inf"), (-float("inf"), "-inf")],
)
def test_a_number_beyond_all_numbers_is_told_of(value: object, words: str) -> None:
    found = explain({"staff": value}, icp())
    told = [(c.value, c.text) for c in found.contributions if c.name == "staff"]
    assert told == [(words, f"{words}: none of your closed customers")]
    (odd,) = found.unusual
    assert (odd.value, odd.points) == (words, 4000)


@pytest.mark.parametrize(
    ("value", "words"),
    [("", "an empty text"), (" \t", "an empty text"), (True, "true"), (7, "7")],
)
def test_a_level_is_told_so_that_it_can_be_seen(value: object, words: str) -> None:
    table = table_of("x", "category", (0, 0, 7), cells=("Retail",))
    (one,) = explain({"x": value}, profile_of([table])).contributions
    assert (one.value, one.text) == (words, f"{words}: none of your closed customers")


def test_a_pair_is_told_by_what_is_held_and_what_is_not() -> None:
    aws = table_of("stack=AWS", "multi", (0, 0, 1, 2), value="AWS")
    pair = PairTable(first="stack=AWS", second="cloud", points=tuple(range(16)))
    profile = profile_of([aws, CLOUD], pairs=[pair])
    texts = {
        (len(stack), cloud): [
            (c.text, c.points)
            for c in explain({"stack": stack, "cloud": cloud}, profile).contributions
            if c.name == pair.name
        ]
        for stack in ([], ["AWS"])
        for cloud in (False, True)
    }
    assert texts == {
        (0, False): [("without AWS and no, beyond what each says alone", 10)],
        (0, True): [("without AWS and yes, beyond what each says alone", 11)],
        (1, False): [("has AWS and no, beyond what each says alone", 14)],
        (1, True): [("has AWS and yes, beyond what each says alone", 15)],
    }


def test_a_pair_of_an_attribute_without_cells_says_nothing() -> None:
    empty = table_of("x", "category", (0, 4))
    pair = PairTable(first="x", second="cloud", points=(0, 3, 0, 0, 9, 9, 9, 9))
    profile = profile_of([empty, CLOUD], pairs=[pair])
    (unknown,) = [c for c in explain({}, profile).unknown if c.name == pair.name]
    assert (unknown.points, unknown.lowest, unknown.highest) == (0, 0, 0)
