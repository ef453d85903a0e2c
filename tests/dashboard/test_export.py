from __future__ import annotations

from io import BytesIO

import polars as pl
import pytest

from icp.dashboard.views.prospects import as_csv, as_excel


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_csv_disarms_what_a_spreadsheet_would_compute(start: str) -> None:
    frame = pl.DataFrame({"name": [f"{start}cmd()", "Acme", None], "n": [-1, 2, 3]})
    read = pl.read_csv(BytesIO(as_csv(frame)), quote_char='"')
    assert read["name"].to_list() == [f"'{start}cmd()", "Acme", None]
    assert read["n"].to_list() == [-1, 2, 3]


def test_csv_starts_with_a_byte_order_mark_and_joins_lists() -> None:
    frame = pl.LazyFrame({"tags": [["a", "b"], [], None]})
    assert as_csv(frame) == '\ufefftags\na; b\n""\n\n'.encode()


def test_excel_keeps_texts_as_texts() -> None:
    fastexcel = pytest.importorskip("fastexcel")
    frame = pl.DataFrame(
        {"name": ["=1+1", "http://x.test"], "tags": [["a"], ["b", "c"]]}
    )
    sheet = fastexcel.read_excel(as_excel(frame)).load_sheet(0)
    rows = sheet.to_polars().rows()
    assert rows == [("=1+1", "a"), ("http://x.test", "b; c")]
