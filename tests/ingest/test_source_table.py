from __future__ import annotations

from types import SimpleNamespace

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from icp.errors import ConfigError
from icp.ingest.combine import SourceTable
from icp.ingest.result import LINE
from icp.schema import AccountSchema, Kind


def part(columns, **roles):
    frame = pl.DataFrame(columns)
    schema = AccountSchema.infer(frame, roles=roles)
    result = SimpleNamespace(report=SimpleNamespace(file="f.csv"), schema=schema)
    return SourceTable.of("crm", result, frame)


def test_a_frame_without_lines_gets_numbers():
    assert part({"x": [1, 2]}).frame[LINE].to_list() == [1, 2]


@pytest.mark.parametrize(
    ("columns", "roles", "expected"),
    [
        ({"account_id": ["1"], "other": ["2"]}, {"other": "identifier"}, "account_id"),
        ({"customer_no": ["1"]}, {"customer_no": "identifier"}, "customer_no"),
        (
            {"customer_no": ["1"], "domain": ["a.com"], "account_name": ["A"]},
            {
                "customer_no": "identifier",
                "domain": "identifier",
                "account_name": "identifier",
            },
            "customer_no",
        ),
        ({"a": ["1"], "b": ["2"]}, {"a": "identifier", "b": "identifier"}, None),
        ({"a": ["1"]}, {}, None),
    ],
)
def test_the_identifier_is_named_only_where_it_is_sure(columns, roles, expected):
    assert part(columns, **roles).identifier() == expected


def test_keys_are_made_of_the_usual_columns_or_the_given_ones():
    crm = part(
        {
            "account_id": [" 1 "],
            "website": ["https://www.acme.com/x"],
            "email": ["a@other.com"],
            "account_name": ["Acme Inc."],
            "trade": ["Beta Ltd"],
        }
    )
    wanted = [("id", ""), ("domain", ""), ("name", ""), ("name", "trade")]
    assert_frame_equal(
        crm.keys(wanted),
        pl.DataFrame({"0": ["1"], "1": ["acme.com"], "2": ["acme"], "3": ["beta"]}),
    )


def test_a_key_that_nobody_can_know_is_asked_for():
    with pytest.raises(ConfigError, match="no column that is surely its name"):
        part({"x": ["a"]}).keys([("name", "")])
    with pytest.raises(
        ConfigError, match="'crm' has no column 'y'; it has 1 name: 'x'"
    ):
        part({"x": ["a"]}).keys([("name", "y")])


def test_where_keeps_rows_for_which_it_holds():
    crm = part({"x": [1.0, None, 3.0]})
    assert crm.where("x > 2").frame["x"].to_list() == [3.0]
    assert crm.where("") is crm


def test_listed_shows_line_numbers_and_what_there_is():
    assert_frame_equal(
        part({"x": ["a"]}).listing(["x", "nope", "x"]),
        pl.DataFrame({"line": [1], "x": ["a"]}),
    )


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        (pl.Boolean(), "flag"),
        (pl.Int8(), "number"),
        (pl.Date(), "date"),
        (pl.Datetime(), "date"),
        (pl.List(pl.String()), "multi"),
        (pl.String(), "category"),
        (pl.Null(), "category"),
    ],
)
def test_kinds_of_computed_columns(dtype, kind):
    assert Kind.of(dtype) == kind
