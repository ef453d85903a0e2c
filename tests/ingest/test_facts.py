from __future__ import annotations

from collections import Counter

import pytest
from generators.raw_tables import raw
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.ingest.facts import ColumnFacts, column_facts, currencies, distinct_values


def facts(values: list[str | None], **other: tuple[str, ...]) -> ColumnFacts:
    return column_facts(raw({"x": values}).frame, "x", **other)


# --- distinct values ---------------------------------------------------------------


def test_distinct_values_are_cleaned_counted_and_in_the_order_of_their_lines() -> None:
    frame = raw({"x": ["b", " a", None, "a\u00a0", " ", "b", "A"]}).frame
    assert distinct_values(frame, "x").rows() == [("b", 2, 2), ("a", 2, 3), ("A", 1, 8)]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.none() | st.text("ab \t\u200b", max_size=3), max_size=20))
def test_distinct_values_agree_with_a_counter(values: list[str | None]) -> None:
    bare = [(v or "").replace("\u200b", "").replace("\t", " ").strip() for v in values]
    found = distinct_values(raw({"x": values}).frame, "x")
    counts = Counter(text for text in bare if text)
    assert dict(found.select("text", "rows").iter_rows()) == counts
    lines = {text: bare.index(text) + 2 for text in counts}
    assert dict(found.select("text", "line").iter_rows()) == lines


# --- shares and counts -------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "name", "share"),
    [
        (["yes", "no", "perhaps", None], "flags", 2 / 3),
        (["1", "1.5", "$2k", "x"], "numbers", 3 / 4),
        (["51-200", "10+", "<5", "7"], "bands", 3 / 4),
        (["12%", "0.5"], "percents", 1 / 2),
        (["007", "0", "12"], "leading_zeros", 1 / 3),
        (["12", "1.5"], "whole", 1 / 2),
        (["2024-01-31", "31/01/2024", "20240131", "x"], "dates", 1 / 2),
        (["20240131", "20241331", "2024-01-31"], "compact_dates", 1 / 3),
        (["45678", "123"], "serials", 1 / 2),
        (["a@x.de", "a@x"], "emails", 1 / 2),
        (["+49 30 123456", "030123456"], "phones", 1 / 2),
        (["www.x.de", "https://x.de/a", "x"], "web_addresses", 2 / 3),
        (["A-17", "B 17", "CD"], "codes", 1 / 3),
        (["ab", "abcd"], "mean_length", 3),
        (["a", "a", "n/a", "-"], "placeholders", 1 / 2),
    ],
)
def test_a_share_is_of_the_rows_that_hold_a_value(
    values: list[str | None], name: str, share: float
) -> None:
    assert getattr(facts(values), name) == pytest.approx(share)
    assert getattr(facts(values * 3), name) == pytest.approx(share)


def test_the_plain_counts() -> None:
    found = facts(["a", "a", "A ", None, "n/a", "b"])
    assert (found.rows, found.values, found.distinct) == (6, 4, 3)
    assert found.coverage == pytest.approx(4 / 6)
    assert found.levels == ("a", "b")
    assert not found.near_unique


def test_a_column_without_values_has_no_facts() -> None:
    found = facts([None, " ", "n/a"])
    assert (found.values, found.distinct, found.coverage) == (0, 0, 0)
    assert (found.decimal, found.date_order, found.separator) == (None, None, None)
    assert found.levels == ()


def test_a_word_for_missing_may_be_a_value() -> None:
    assert facts(["NA", "EU"]).values == 1
    assert facts(["NA", "EU"], keep=("NA",)).values == 2


# --- what a column settles ---------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "decimal", "either_way"),
    [
        (["1,234.5", "1,234"], ".", 1),
        (["1.234,5", "1,234"], ",", 1),
        (["1,234"], None, 1),
        (["1,234.5", "1.234,5"], None, 0),
        (["12", "13"], None, 0),
        (["12%", "0.5%"], ".", 0),
    ],
)
def test_the_decimal_sign_is_settled_by_all_values_together(
    values: list[str], decimal: str | None, either_way: int
) -> None:
    assert facts(values).decimal == decimal
    assert facts(values).either_way == either_way


@pytest.mark.parametrize(
    ("values", "sign"), [(["1,234"], ","), (["1.234"], "."), (["1.5"], None)]
)
def test_the_sign_in_doubt_is_known(values: list[str], sign: str | None) -> None:
    assert facts(values).either_sign == sign


@pytest.mark.parametrize(
    ("values", "order"),
    [
        (["2024-01-31"], "ymd"),
        (["31/01/2024"], "dmy"),
        (["01/31/2024"], "mdy"),
        (["01/02/2024"], None),
        (["31/01/2024", "01/31/2024"], None),
        (["31.01.24", "15.02.24", "28.03.25"], "dmy"),
        (["24-01-31", "24-02-15", "25-03-28"], None),
        (["24-01-31", "24-02-15", "25-03-28", "31-12-2025"], "dmy"),
        (["25.12.24"], None),
        (["25.12.99"], "dmy"),
        (["x"], None),
    ],
)
def test_the_order_of_a_date_is_never_guessed(
    values: list[str], order: str | None
) -> None:
    assert facts(values).date_order == order


@pytest.mark.parametrize(
    ("values", "separator"),
    [
        (["a;b", "b;a", "a"], ";"),
        (["a|b", "b|a", "a"], "|"),
        (["a,b", "b,a", "a"], None),
        (["a;b", "c", "d", "e"], None),
        (["a;b", "c;d", "e;f"], None),
        (["a" * 60 + ";b", "b;" + "a" * 60, "b", "b"], ";"),
        (["a" * 90 + ";" + "a" * 90] * 4, None),
    ],
)
def test_lists_have_short_items_that_repeat(
    values: list[str], separator: str | None
) -> None:
    assert facts(values).separator == separator


@pytest.mark.parametrize(
    ("values", "zero_one"),
    [(["0", "1"], True), (["1.0", "0.0"], True), (["1"], False), (["0", "2"], False)],
)
def test_zero_and_one_are_known_as_such(values: list[str], zero_one: bool) -> None:
    assert facts(values).zero_one is zero_one


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["$5", "7"], ("$",)),
        (["$5", "5 USD"], ("USD",)),
        (["$5", "US$ 5"], ("USD",)),
        (["€5", "5 EUR", "5 euro"], ("EUR",)),
        (["$5", "£5"], ("$", "GBP")),
        (["5 CHF", "5 kr"], ("CHF",)),
        (["euro zone"], ()),
    ],
)
def test_currencies_are_named_once(values: list[str], found: tuple[str, ...]) -> None:
    assert currencies(distinct_values(raw({"x": values}).frame, "x")) == found
