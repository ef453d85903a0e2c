from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from generators.raw_tables import raw
from hypothesis import given, settings
from hypothesis import strategies as st

from icp.ingest.mapping_rules import ColumnRule
from icp.ingest.parse import read_column
from icp.schema import Kind, Role


def column(
    values: list[str | None], kind: Kind, *, source_kind: str = "csv", **other: object
) -> pl.Series:
    fields = {"source": "x", "name": "x", "role": Role.FIRST_CONTACT, **other}
    rule = ColumnRule.model_validate({**fields, "kind": kind})
    return read_column(raw({"x": values}, kind=source_kind), rule).values


@pytest.mark.parametrize(
    ("kind", "values", "read", "other"),
    [
        (Kind.TEXT, [" a ", "A", "n/a", None], ["a", "A", None, None], {}),
        (Kind.CATEGORY, ["a", "A", "A", "-"], ["A", "A", "A", None], {}),
        (Kind.CATEGORY, ["b", "B"], ["b", "b"], {}),
        (Kind.CATEGORY, ["x  y", "x y", "x y"], ["x y"] * 3, {}),
        (Kind.CATEGORY, ["NA", "EU"], ["NA", "EU"], {"keep": ("NA",)}),
        (Kind.NUMBER, ["1,234.5", "x", None], [1234.5, None, None], {}),
        (Kind.NUMBER, ["1,234"], [None], {}),
        (Kind.NUMBER, ["1,234"], [1234.0], {"decimal": "."}),
        (Kind.NUMBER, ["1,234"], [1.234], {"decimal": ","}),
        (Kind.FLAG, ["ja", "NO", "maybe"], [True, False, None], {}),
        (Kind.MULTI, ["a;b; a", "", "-"], [["a", "b"], None, None], {}),
        (Kind.MULTI, ["a|b;c"], [["a", "b;c"]], {"separator": "|"}),
        (Kind.DATE, ["03/04/2025"], [None], {}),
        (Kind.DATE, ["03/04/2025"], [date(2025, 4, 3)], {"date_order": "dmy"}),
        (Kind.DATE, ["45678"], [None], {}),
        (Kind.DATE, ["45678"], [date(2025, 1, 21)], {"source_kind": "excel"}),
        (Kind.DATE, ["45678"], [date(2025, 1, 21)], {"confirmed": True}),
    ],
)
def test_a_column_is_read_as_its_rule_says(kind, values, read, other):
    found = column(values, kind, **other)
    assert found.to_list() == read
    assert found.dtype == kind.dtype


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (["1.0", "2.0"], ["1", "2"]),
        (["1.0", "2.5"], ["1.0", "2.5"]),
        (["1.0", "x"], ["1.0", "x"]),
        (["007", "7"], ["007", "7"]),
        (["1.0", "n/a"], ["1", None]),
    ],
)
def test_ids_lose_a_spreadsheet_s_decimals_only_all_together(values, read):
    assert column(values, Kind.TEXT, role="identifier").to_list() == read


def test_a_domain_is_the_bare_host():
    values = ["https://www.Acme.com/de", "info@Bolt.de", "Cora GmbH", "n/a"]
    assert column(values, Kind.TEXT, name="domain").to_list() == [
        "acme.com", "bolt.de", "cora gmbh", None,
    ]  # fmt: skip


def test_a_column_that_is_gone_is_all_missing_in_its_type():
    found = column(["a", "b"], Kind.DATE, source="y")
    assert (found.to_list(), found.dtype, found.name) == ([None, None], pl.Date(), "x")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.none() | st.text("aA 1-\u200b", max_size=3), min_size=1, max_size=12),
    st.sampled_from([Kind.TEXT, Kind.CATEGORY, Kind.NUMBER, Kind.FLAG, Kind.DATE]),
)
def test_equal_cells_are_read_alike_wherever_they_stand(values, kind):
    once = dict(zip(values, column(values, kind).to_list(), strict=True))
    back = column(values[::-1] + values, kind).to_list()
    if kind is Kind.CATEGORY:
        same = [str(value).casefold() for value in back]
        assert same == [str(once[v]).casefold() for v in values[::-1] + values]
    else:
        assert back == [once[value] for value in values[::-1] + values]
