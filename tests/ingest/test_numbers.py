from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.ingest.values import number_column, with_numbers


def _read(text: str, decimal: str | None = None) -> float | None:
    frame = with_numbers(pl.DataFrame({"text": [text]}))
    return frame[number_column(decimal)][0]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1200", 1200),
        ("00123", 123),
        ("-4", -4),
        ("- 4", -4),
        ("−4", -4),
        ("+4", 4),
        (".5", 0.5),
        ("1.", 1),
        ("0.123", 0.123),
        ("0,5047", 0.5047),
        ("$1,200.00", 1200),
        ("$0.27", 0.27),
        ("US$ 5", 5),
        ("$21,000.50", 21000.5),
        ("1.200,50 EUR", 1200.5),
        ("1.054,00 €", 1054),
        ("€ 3", 3),
        ("CHF 1'200.50", 1200.5),
        ("1’200’300", 1200300),
        ("1 234 567", 1234567),
        ("1,00,000", 100000),
        ("2,024,994", 2024994),
        ("2.024.994", 2024994),
        ("(500)", -500),
        ("($1,234.50)", -1234.5),
        ("1.2M", 1.2e6),
        ("58.8k", 58800),
        ("$1,100.0M", 1.1e9),
        ("3 Mio", 3e6),
        ("1 Mrd.", 1e9),
        ("2bn", 2e9),
        ("12%", 12),
        ("12.5 %", 12.5),
        ("100%", 100),
        ("12 months", 12),
        ("250 employees", 250),
        ("1e5", 1e5),
        ("1.2E+3", 1200),
        ("2E-3", 0.002),
    ],
)
def test_a_number_with_one_reading_is_read(text: str, number: float) -> None:
    assert _read(text) == pytest.approx(number)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("51-200", (51 * 200) ** 0.5),
        ("51 – 200", (51 * 200) ** 0.5),
        ("11 to 50", (11 * 50) ** 0.5),
        ("11 bis 50", (11 * 50) ** 0.5),
        ("1-10", 10**0.5),
        ("0-50", 25),
        ("50 - 100 employees", 5000**0.5),
        ("10-50M", (10e6 * 50e6) ** 0.5),
        ("500-1M", (500 * 1e6) ** 0.5),
        ("500K-1M", (500e3 * 1e6) ** 0.5),
        ("$20,001 - $30K", (20001 * 30000) ** 0.5),
        ("5000+", 5000),
        ("over 50", 50),
        ("> 50", 50),
        ("1000 or more", 1000),
        ("<10", 5),
        ("under 10", 5),
        ("bis 10", 5),
    ],
)
def test_a_band_becomes_one_number(text: str, number: float) -> None:
    assert _read(text) == pytest.approx(number)


@pytest.mark.parametrize(
    "text",
    [
        "TBD",
        "20 Apr",
        "3. $20,001 - $30K",
        "245-555-0173",
        "100-50",
        "1.2.3",
        "1,23,4",
        "2021-03-04",
        "03/04/2025",
        "NaN",
        "inf",
        "",
        "-",
        "%",
        "Q3 2024 plan",
        "A1",
        "12 12 12 x",
    ],
)
@pytest.mark.parametrize("decimal", [None, ".", ","])
def test_what_is_no_number_is_null(text: str, decimal: str | None) -> None:
    assert _read(text, decimal) is None


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("1,234", 1234, 1.234),
        ("1.234", 1.234, 1234),
        ("2.448", 2.448, 2448),
        ("10,000+", 10000, 10),
        ("1,001-5,000", (1001 * 5000) ** 0.5, (1.001 * 5) ** 0.5),
        ("$1,234", 1234, 1.234),
        ("1,234M", 1234e6, 1.234e6),
    ],
)
def test_two_readings_are_read_only_with_a_decimal_sign(
    text: str, point: float, comma: float
) -> None:
    assert _read(text) is None
    assert _read(text, ".") == pytest.approx(point)
    assert _read(text, ",") == pytest.approx(comma)


def test_the_other_convention_is_not_read() -> None:
    assert _read("1.200,50", ".") is None
    assert _read("1,200.50", ",") is None


def test_bands_keep_their_order() -> None:
    bands = ["<10", "11-50", "51-200", "201-500", "501-1000", "1001-5000", "5001+"]
    numbers = [_read(band) for band in bands]
    assert numbers == sorted(numbers)


def test_a_column_without_digits_is_all_null() -> None:
    frame = with_numbers(pl.DataFrame({"text": ["a", "b"], "rows": [1, 2]}))
    assert frame.columns == ["text", "rows", "point", "comma", "either"]
    assert frame.select("point", "comma", "either").null_count().row(0) == (2, 2, 2)
    assert frame.schema["either"] == pl.Float64


def _naive(text: str, decimal: str) -> float | None:
    """Reads plain and grouped numbers the slow and obvious way."""
    group = "," if decimal == "." else "."
    whole, sign, part = text.partition(decimal)
    groups = whole.split(group)
    lengths = [len(g) for g in groups[1:]]
    if len(groups) > 1 and (lengths != [3] * len(lengths) or not groups[0]):
        return None
    if len(groups) > 1 and (len(groups[0]) > 3 or groups[0].startswith("0")):
        return None
    if group in part or not re.fullmatch(r"\d*", part + "".join(groups)):
        return None
    return float("".join(groups) + "." + part) if sign else float("".join(groups))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.from_regex(r"\A[0-9]{1,4}([.,][0-9]{3}){0,2}\Z"), min_size=1))
def test_plain_numbers_are_read_as_the_naive_reader_reads_them(
    texts: list[str],
) -> None:
    frame = with_numbers(pl.DataFrame({"text": texts}))
    for text, point, comma, either in frame.rows():
        expected = (_naive(text, "."), _naive(text, ","))
        assert (point, comma) == expected
        readings = {value for value in expected if value is not None}
        assert either == (readings.pop() if len(readings) == 1 else None)


@settings(max_examples=60, deadline=None)
@given(st.floats(-1e9, 1e9, allow_nan=False).map(lambda x: round(x, 2)))
def test_written_money_comes_back(number: float) -> None:
    english = f"${number:,.2f}"
    german = english.replace(",", "#").replace(".", ",").replace("#", ".")
    assert _read(english.replace("$-", "-$"), ".") == pytest.approx(number)
    assert _read(german.replace("$-", "-$"), ",") == pytest.approx(number)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=20))
def test_no_text_raises(texts: list[str]) -> None:
    frame = with_numbers(pl.DataFrame({"text": texts}))
    assert frame["text"].to_list() == texts
    assert frame["either"].is_finite().fill_null(value=True).all()
