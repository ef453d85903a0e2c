from __future__ import annotations

import pytest
from generators.strategies import table_of

from icp.scoring.words import cell_words, number_words, title_of, value_words

STAFF = table_of("staff_count", "number", (0,) * 4, edges=(5.0,), unit="people")
FOUNDED = table_of("founded", "number", (0,) * 4, edges=(1990.0,), unit="year")
CLOUD = table_of("cloud", "flag", (0,) * 4, title="Uses a cloud")


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.0, "", "0"),
        (-0.5, "%", "-0.5 %"),
        (40.0, "people", "40 people"),
        (99.9996, "", "100"),
        (234.56, "EUR", "234.6 EUR"),
        (999.97, "EUR", "1,000 EUR"),
        (1234.56, "EUR", "1,235 EUR"),
        (-0.0, "", "0"),
        (1e6, "EUR", "1,000,000 EUR"),
        (1.7e308, "", "1.7e+308"),
        (float("inf"), "", "inf"),
        (100.0, "", "100"),
        (1944.0, "year", "1944"),
    ],
)
def test_numbers(value: float, unit: str, words: str) -> None:
    assert number_words(value, unit) == words


@pytest.mark.parametrize(
    ("table", "code", "value", "words"),
    [
        (STAFF, 0, None, "not known"),
        (STAFF, 3, 7, "7 people"),
        (STAFF, 1, float("inf"), "inf people"),
        (CLOUD, 3, True, "yes"),
        (CLOUD, 2, 0.0, "no"),
    ],
)
def test_values(table: object, code: int, value: object, words: str) -> None:
    assert value_words(table, code, value) == words  # type: ignore[arg-type]  # a table


def test_titles_and_cells() -> None:
    assert [title_of(table) for table in (STAFF, CLOUD)] == [
        *("staff count", "Uses a cloud")
    ]
    assert [cell_words(STAFF, code) for code in range(3)] == [
        *("not known", "never seen", "cell 2 people")
    ]
    assert cell_words(FOUNDED, 2) == "cell 2"
