from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.ingest.values import is_numeric_date, is_serial, read_date


def _read(text: str, order: str | None = None, *, serials: bool = False) -> date | None:
    frame = pl.DataFrame({"text": [text]})
    return frame.select(read_date(pl.col("text"), order=order, serials=serials)).item()


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-01",
        "2024/3/1",
        "2024.03.01",
        "20240301",
        "2024-03-01 09:30",
        "2024-03-01T09:30:00Z",
        "2024-03-01T09:30:00.123+02:00",
        "2024-03-01 00:00:00",
        "1 Mar 2024",
        "01-Mar-24",
        "1. März 2024",
        "1er mars 2024",
        "1 de marzo de 2024",
        "Mar 1, 2024",
        "March 1st, 2024",
        "Friday, 1 March 2024",
        "01 Mar, 2024 07:49:50",
    ],
)
@pytest.mark.parametrize("order", [None, "ymd", "dmy", "mdy"])
def test_a_date_with_one_reading_is_read_in_any_order(
    text: str, order: str | None
) -> None:
    assert _read(text, order) == date(2024, 3, 1)


@pytest.mark.parametrize(
    ("text", "dmy", "mdy"),
    [
        ("03/04/2025", date(2025, 4, 3), date(2025, 3, 4)),
        ("3.4.25", date(2025, 4, 3), date(2025, 3, 4)),
        ("25/12/2025", date(2025, 12, 25), None),
        ("12/25/2025", None, date(2025, 12, 25)),
        ("9/9/2026 4:05 PM", date(2026, 9, 9), date(2026, 9, 9)),
        ("02/24/03", None, date(2003, 2, 24)),
        ("31/12/99", date(1999, 12, 31), None),
        ("31/02/2024", None, None),
    ],
)
def test_day_and_month_need_an_order(
    text: str, dmy: date | None, mdy: date | None
) -> None:
    assert _read(text) is None
    assert _read(text, "ymd") is None
    assert _read(text, "dmy") == dmy
    assert _read(text, "mdy") == mdy


@pytest.mark.parametrize(
    "text",
    [
        "2024-13-01",
        "2024-02-30",
        "00:00.0",
        "TBD",
        "10",
        "May",
        "2017",
        "12.5",
        "1-2-3",
    ],
)
@pytest.mark.parametrize("order", [None, "dmy", "mdy"])
def test_what_is_no_date_is_null(text: str, order: str | None) -> None:
    assert _read(text, order) is None


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("45678", date(2025, 1, 21)),
        ("45678.5", date(2025, 1, 21)),
        ("25569", date(1970, 1, 1)),
        ("123", None),
        ("99999", None),
    ],
)
def test_serials_only_when_asked(text: str, read: date | None) -> None:
    assert _read(text) is None
    assert _read(text, serials=True) == read


def test_tests_of_form() -> None:
    frame = pl.DataFrame(
        {"text": ["03/04/2025", "3.4.25 10:00", "2024-01-01", "45678"]}
    )
    found = frame.select(
        numeric=is_numeric_date(pl.col("text")), serial=is_serial(pl.col("text"))
    )
    assert found.rows() == [
        (True, False),
        (True, False),
        (False, False),
        (False, True),
    ]


_DAYS = st.dates(date(1970, 1, 1), date(2068, 12, 31))


@settings(max_examples=20, deadline=None)
@given(st.lists(_DAYS, min_size=1, max_size=20), st.sampled_from("/-."))
def test_written_dates_come_back(days: list[date], sign: str) -> None:
    forms = [
        ("%Y-%m-%d", None),
        (f"%d{sign}%m{sign}%Y", "dmy"),
        (f"%m{sign}%d{sign}%Y", "mdy"),
        ("%d %b %Y", None),
        ("%B %d, %Y", None),
    ]
    for form, order in forms:
        frame = pl.DataFrame({"text": [day.strftime(form) for day in days]})
        read = frame.select(read_date(pl.col("text"), order=order)).to_series()
        assert read.to_list() == days, form


@settings(max_examples=20, deadline=None)
@given(_DAYS)
def test_a_spreadsheet_s_day_number_is_its_day(day: date) -> None:
    serial = str((day - date(1899, 12, 30)) // timedelta(days=1))
    assert _read(serial, serials=True) == day


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=14), min_size=1, max_size=20))
def test_no_text_raises(texts: list[str]) -> None:
    frame = pl.DataFrame({"text": texts})
    for order in (None, "dmy", "mdy"):
        read = frame.select(read_date(pl.col("text"), order=order, serials=True))
        assert read.dtypes == [pl.Date]
