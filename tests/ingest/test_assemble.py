from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from pydantic import ValidationError

from icp.errors import ConfigError, PolicyError
from icp.ingest.assemble import assemble
from icp.ingest.parse import IngestResult
from icp.ingest.plan import AssemblyPlan
from icp.ingest.result import LINE
from icp.schema import AccountSchema, match_to_schema


def source(columns, **roles):
    frame = pl.DataFrame(columns)
    return IngestResult(
        accounts=frame.with_row_index(LINE, offset=2).lazy(),
        rejected=pl.DataFrame(),
        report=SimpleNamespace(file="file.csv"),
        mapping=None,
        schema=AccountSchema.infer(frame, roles=roles),
    )


def assembled(tables, **plan):
    return assemble(tables, AssemblyPlan.model_validate(plan))


def crm(**more):
    return source({"account_id": ["1", "2"], **more}, account_id="identifier")


def messages(result):
    return [finding.message for finding in result.findings]


def test_one_source_passes_through():
    result = assembled({"crm": crm(size=[3.0, None])}, base="crm")
    assert_frame_equal(
        result.accounts.collect(),
        pl.DataFrame({"account_id": ["1", "2"], "size": [3.0, None]}),
    )
    assert result.schema.names == ("account_id", "size")
    assert result.findings == ()
    assert result.unmatched == {}
    assert result.repeated.is_empty()


def test_the_accounts_match_their_schema():
    result = assembled(
        {
            "crm": crm(
                tags=[["a"], None], since=[date(2020, 1, 1), None], old=[True, None]
            )
        },
        base="crm",
        derived=[{"name": "n", "expression": "1"}],
    )
    accounts = result.accounts.collect()
    assert_frame_equal(
        match_to_schema(accounts.lazy(), result.schema).collect(), accounts
    )


def test_a_foreign_key_column_becomes_the_account_id():
    table = source(
        {"customer no": [" 7", "8.0"], "firm": ["A", "B"]},
        **{"customer no": "identifier"},
    )
    result = assembled({"crm": table}, base="crm", name="firm")
    assert_frame_equal(
        result.accounts.collect(),
        pl.DataFrame(
            {"account_id": ["7", "8"], "account_name": ["A", "B"], "firm": ["A", "B"]}
        ),
    )
    assert result.schema["account_name"].role == "identifier"


def test_without_identifier_the_line_number_identifies_and_is_asked_about():
    table = {"crm": source({"size": [1.0, 2.0]})}
    result = assembled(table, base="crm")
    assert result.accounts.collect()["account_id"].to_list() == ["line 2", "line 3"]
    assert [(f.level, f.code) for f in result.findings] == [("ask", "no-identifier")]
    assert assembled(table, base="crm", key="line").findings == ()


def test_rows_without_identifier_are_counted():
    table = source({"account_id": ["1", None, " "]}, account_id="identifier")
    result = assembled({"crm": table}, base="crm")
    assert result.accounts.collect().height == 1
    assert messages(result) == ["2 rows without 'account_id' belong to no account"]


@pytest.mark.parametrize(
    ("plan", "size", "city"),
    [
        ({"keep": "last"}, 5.0, "Bonn"),
        ({"keep": "first"}, 3.0, "Köln"),
        ({"keep": "last", "order": "seen"}, 3.0, "Köln"),
        ({"keep": "first", "order": "seen"}, 4.0, "Bonn"),
    ],
)
def test_repeated_accounts_keep_the_known_value_asked_for(plan, size, city):
    table = source(
        {
            "account_id": ["1", "1", "2", "1"],
            "size": [3.0, 4.0, 9.0, 5.0],
            "city": ["Köln", "Bonn", "Rom", None],
            "seen": [date(2024, 1, 3), date(2024, 1, 1), None, date(2024, 1, 2)],
        },
        account_id="identifier",
    )
    result = assembled({"crm": table}, base="crm", **plan)
    first = result.accounts.collect().row(0, named=True)
    assert (first["account_id"], first["size"], first["city"]) == ("1", size, city)
    assert_frame_equal(
        result.repeated, pl.DataFrame({"account_id": ["1"], "lines": [[2, 3, 5]]})
    )
    assert messages(result) == [
        f"1 account with 3 rows in total; the {plan['keep']} known value of each "
        "column was kept"
    ]


def test_events_may_repeat_without_remark():
    lines = source({"customer": ["b", "a", "b"], "country": ["DE", "UK", "DE"]})
    result = assembled(
        {"lines": lines},
        base="lines",
        key="customer",
        rows="events",
        columns=["country"],
        joins=[
            {
                "source": "lines",
                "on": [{"by": "id", "right": "customer"}],
                "aggregates": [{"name": "orders", "take": "count"}],
            }
        ],
    )
    assert_frame_equal(
        result.accounts.collect(),
        pl.DataFrame(
            {"account_id": ["b", "a"], "country": ["DE", "UK"], "orders": [2.0, 1.0]}
        ),
    )
    assert result.repeated.is_empty()


def test_where_chooses_the_accounts():
    table = {"crm": crm(stage=["Won", None])}
    result = assembled(table, base="crm", where="stage IN ('Won', 'Lost')")
    assert result.accounts.collect()["account_id"].to_list() == ["1"]


def test_fetched_columns_keep_their_roles_and_both_sides_are_listed():
    erp = source(
        {"account_id": ["2", "3"], "region": ["EU", "US"], "size": [1.0, 1.0]},
        account_id="identifier",
        region="protected",
    )
    result = assembled(
        {"crm": crm(size=[5.0, 6.0]), "erp": erp}, base="crm", joins=[{"source": "erp"}]
    )
    assert_frame_equal(
        result.accounts.collect(),
        pl.DataFrame(
            {"account_id": ["1", "2"], "size": [5.0, 6.0], "region": [None, "EU"]}
        ),
    )
    assert result.schema["region"].role == "protected"
    assert_frame_equal(
        result.unmatched["erp"], pl.DataFrame({"line": [3], "account_id": ["3"]})
    )
    assert_frame_equal(
        result.unmatched["crm without erp"],
        pl.DataFrame({"line": [2], "account_id": ["1"], "problem": ["no match"]}),
    )
    assert messages(result) == [
        "1 column: 'size' left out, as 'crm' has them too",
        "1 of 2 rows of 'crm' match a row of 'erp' (1 no match); "
        "1 row of 'erp' without a match",
    ]


def test_many_accounts_may_fetch_the_same_row():
    deals = source({"account_id": ["a", "b"], "buyer": ["Acme", "ACME Inc."]})
    firms = source({"account_name": ["Acme"], "sector": ["Retail"]})
    result = assembled(
        {"deals": deals, "firms": firms},
        base="deals",
        joins=[{"source": "firms", "on": [{"by": "name", "left": "buyer"}]}],
    )
    assert result.accounts.collect()["sector"].to_list() == ["Retail", "Retail"]


def test_an_ambiguous_name_is_not_guessed():
    firms = source({"account_name": ["Acme", "Acme Ltd"], "sector": ["a", "b"]})
    base = crm(account_name=["Acme", "Beta"])
    result = assembled(
        {"crm": base, "firms": firms},
        base="crm",
        joins=[{"source": "firms", "on": "name", "columns": ["sector"]}],
    )
    assert result.accounts.collect()["sector"].to_list() == [None, None]
    problems = result.unmatched["crm without firms"]["problem"].to_list()
    assert problems == ["ambiguous", "no match"]
    assert [(f.level, f.action) for f in result.findings] == [
        ("ask", "check the keys of this join")
    ]


def test_a_join_that_would_repeat_accounts_is_refused():
    erp = source({"account_id": ["1", "1"], "x": [1.0, 2.0]}, account_id="identifier")
    tables = {"crm": crm(), "erp": erp}
    with pytest.raises(ConfigError, match="would repeat accounts: 1 values of 'acc"):
        assembled(tables, base="crm", joins=[{"source": "erp"}])
    kept = assembled(tables, base="crm", joins=[{"source": "erp", "keep": "last"}])
    assert kept.accounts.collect()["x"].to_list() == [2.0, None]


def test_a_repeated_row_that_no_account_asks_for_is_no_harm():
    erp = source({"account_id": ["9", "9", "1"], "x": [1.0, 2.0, 3.0]})
    result = assembled(
        {"crm": crm(), "erp": erp}, base="crm", joins=[{"source": "erp"}]
    )
    assert result.accounts.collect()["x"].to_list() == [3.0, None]


def tickets(**more):
    return source(
        {
            "customer": ["1", "1", "1", "9"],
            "hours": [1.0, 4.0, None, 8.0],
            "urgent": [True, False, None, True],
            "topic": ["b", "a", "b", "c"],
            "day": [date(2024, 1, 2), date(2024, 1, 1), None, None],
            **more,
        }
    )


def summed(**aggregate):
    join = {
        "source": "tickets",
        "on": [{"by": "id", "right": "customer"}],
        "aggregates": [{"name": "x", **aggregate}],
    }
    return assembled({"crm": crm(), "tickets": tickets()}, base="crm", joins=[join])


@pytest.mark.parametrize(
    ("aggregate", "some", "none"),
    [
        ({"take": "sum", "of": "hours"}, 5.0, 0.0),
        ({"take": "sum", "of": "hours * 2", "where": "urgent"}, 2.0, 0.0),
        ({"take": "sum", "of": "urgent"}, 1.0, 0.0),
        ({"take": "mean", "of": "hours"}, 2.5, None),
        ({"take": "min", "of": "hours"}, 1.0, None),
        ({"take": "max", "of": "day"}, date(2024, 1, 2), None),
        ({"take": "count"}, 3.0, 0.0),
        ({"take": "count", "of": "hours"}, 2.0, 0.0),
        ({"take": "count", "where": "topic = 'b'"}, 2.0, 0.0),
        ({"take": "first", "of": "topic"}, "b", None),
        ({"take": "first", "of": "topic", "order": "day"}, "a", None),
        ({"take": "last", "of": "hours"}, 4.0, None),
        ({"take": "last", "of": "hours", "order": "day"}, 1.0, None),
        ({"take": "last", "of": "topic", "where": "topic = 'a'"}, "a", None),
        ({"take": "any", "of": "hours > 3"}, True, False),
        ({"take": "any", "of": "hours > 9"}, False, False),
        ({"take": "n_unique", "of": "topic"}, 2.0, 0.0),
        ({"take": "share", "of": "topic = 'b'"}, 2 / 3, None),
        ({"take": "share", "of": "urgent"}, 0.5, None),
        ({"take": "values", "of": "topic"}, ["a", "b"], None),
    ],
)
def test_aggregates(aggregate, some, none):
    result = summed(**aggregate)
    assert result.accounts.collect()["x"].to_list() == [some, none]
    assert result.schema["x"].role == "after_sale"


def test_a_sum_of_rows_without_any_known_value_is_not_known():
    result = summed(take="sum", of="hours", where="day IS NULL")
    assert result.accounts.collect()["x"].to_list() == [None, 0.0]


def test_rows_of_no_account_are_listed():
    result = summed(take="count", role="outcome", unit="pieces", label="Tickets")
    assert_frame_equal(
        result.unmatched["tickets"],
        pl.DataFrame({"line": [5], "customer": ["9"], "problem": ["no match"]}),
    )
    assert_frame_equal(
        result.unmatched["crm without tickets"],
        pl.DataFrame({"line": [3], "account_id": ["2"]}),
    )
    assert messages(result) == [
        "3 of 4 rows of 'tickets' match a row of 'crm' (1 no match); "
        "1 row of 'crm' without a match"
    ]
    attribute = result.schema["x"]
    assert (attribute.role, attribute.unit, attribute.title, attribute.reason) == (
        "outcome",
        "pieces",
        "Tickets",
        "count of rows of tickets",
    )


def test_a_source_joined_twice_lists_the_rows_of_both_joins():
    rows = source({"buyer": ["1", "9"], "seller": ["8", "2"]})
    joins = [
        {
            "source": "rows",
            "on": [{"by": "id", "right": side}],
            "aggregates": [{"name": f"{side}s", "take": "count"}],
        }
        for side in ("buyer", "seller")
    ]
    result = assembled({"crm": crm(), "rows": rows}, base="crm", joins=joins)
    assert result.unmatched["rows"].rows() == [
        (3, "9", "no match", None),
        (2, None, "no match", "8"),
    ]


def test_lookups_come_before_sums():
    lines = source(
        {"account_id": ["1", "1"], "product": ["p", "q"], "pieces": [2.0, 3.0]},
        account_id="identifier",
    )
    products = source({"product": ["p", "q"], "cost": [10.0, 1.0]})
    result = assembled(
        {"crm": crm(), "lines": lines, "products": products},
        base="crm",
        lookups=[
            {
                "source": "products",
                "into": "lines",
                "on": [{"by": "id", "left": "product", "right": "product"}],
                "columns": ["cost"],
            }
        ],
        joins=[
            {
                "source": "lines",
                "aggregates": [{"name": "cost", "take": "sum", "of": "pieces * cost"}],
            }
        ],
    )
    assert result.accounts.collect()["cost"].to_list() == [23.0, 0.0]
    assert "2 of 2 rows of 'lines' match a row of 'products'" in messages(result)[0]


@pytest.mark.parametrize(
    ("expression", "values", "kind", "role"),
    [
        ("size * 2", [6.0, None], "number", "known_at_first_contact"),
        ("size > 2", [True, None], "flag", "known_at_first_contact"),
        ("COALESCE(size, 0) + paid", [4.0, 5.0], "number", "after_sale"),
        (
            "CASE WHEN size > 2 THEN 'big' ELSE 'not big' END",
            ["big", "not big"],
            "category",
            "known_at_first_contact",
        ),
        ("EXTRACT(year FROM since)", [2020.0, None], "number", "date"),
    ],
)
def test_derived_columns(expression, values, kind, role):
    table = source(
        {
            "account_id": ["1", "2"],
            "size": [3.0, None],
            "paid": [1.0, 5.0],
            "since": [date(2020, 1, 1), None],
        },
        account_id="identifier",
        paid="after_sale",
    )
    derived = [{"name": "x", "expression": expression}]
    result = assembled({"crm": table}, base="crm", derived=derived)
    assert result.accounts.collect()["x"].to_list() == values
    assert (result.schema["x"].kind, result.schema["x"].role) == (kind, role)


def test_roles_may_be_set_last():
    result = assembled(
        {"crm": crm(size=[1.0, 2.0])}, base="crm", roles={"size": "ignored"}
    )
    assert result.schema["size"].role == "ignored"


@pytest.mark.parametrize(
    ("plan", "error", "message"),
    [
        (
            {"base": "cmr"},
            ConfigError,
            r"1 unknown source: 'cmr'; did you mean 'crm'\?",
        ),
        (
            {"key": "id"},
            ConfigError,
            "'crm' has no column 'id'; it has 3 names: 'acc",
        ),
        ({"columns": ["sise"]}, ConfigError, "no column 'sise'; did you mean 'size'"),
        ({"order": "nope"}, ConfigError, "'crm' has no column 'nope'; it has"),
        ({"roles": {"x": "owner"}}, ConfigError, "no column 'x'"),
        ({"where": "size"}, PolicyError, "'where' of 'crm'.*not a condition"),
        (
            {"derived": [{"name": "d", "expression": "siz + 1"}]},
            PolicyError,
            r"derived column 'd': cannot use \"siz \+ 1\".*did you mean 'size'\?",
        ),
        (
            {"derived": [{"name": "d", "expression": "size +"}]},
            PolicyError,
            "derived column 'd'.*write it as in SQL",
        ),
        (
            {"derived": [{"name": "d", "expression": "CAST(city AS DOUBLE)"}]},
            PolicyError,
            "derived column 'd'.*use TRY_CAST",
        ),
        (
            {"joins": [{"source": "crm", "on": "domain"}]},
            ConfigError,
            "no column that is surely its domain; name it in 'on'",
        ),
        (
            {"joins": [{"source": "crm", "columns": ["size"]}]},
            ConfigError,
            "1 column: 'size' of 'crm' exist already",
        ),
        (
            {
                "joins": [
                    {
                        "source": "crm",
                        "aggregates": [{"name": "size", "take": "count"}],
                    }
                ]
            },
            ConfigError,
            "give the aggregate another name",
        ),
        (
            {
                "joins": [
                    {
                        "source": "crm",
                        "aggregates": [{"name": "x", "take": "any", "of": "size"}],
                    }
                ]
            },
            PolicyError,
            "aggregate 'x' of 'crm': \"size\" is not yes or no",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_a_next_action(plan, error, message):
    table = crm(size=[1.0, 2.0], city=["Bonn", "Köln"])
    repeated = {
        "order": {"crm": source({"account_id": ["1", "1"], "size": [1.0, 2.0]})}
    }
    tables = next((repeated[k] for k in plan if k in repeated), {"crm": table})
    with pytest.raises(error, match=message):
        assembled(tables, **{"base": "crm", **plan})


def test_messages_hold_no_values():
    table = crm(city=["Secretville", "Köln"])
    with pytest.raises(PolicyError) as caught:
        assembled(
            {"crm": table},
            base="crm",
            derived=[{"name": "d", "expression": "CAST(city AS DOUBLE)"}],
        )
    assert "Secretville" not in str(caught.value)


@pytest.mark.parametrize(
    "plan",
    [
        {"base": "a", "lookups": [{"source": "b"}]},
        {"base": "a", "joins": [{"source": "b", "on": []}]},
        {"base": "a", "joins": [{"source": "b", "on": "phone"}]},
        {"base": "a", "joins": [{"source": "b", "on": 3}]},
        {
            "base": "a",
            "joins": [
                {
                    "source": "b",
                    "keep": "last",
                    "aggregates": [{"name": "n", "take": "count"}],
                }
            ],
        },
        {
            "base": "a",
            "joins": [{"source": "b", "aggregates": [{"name": "n", "take": "sum"}]}],
        },
        {"base": "a", "bse": 1},
    ],
)
def test_a_plan_that_says_too_little_or_too_much_is_refused(plan):
    with pytest.raises(ValidationError):
        AssemblyPlan.model_validate(plan)


_ROWS = st.lists(
    st.tuples(st.sampled_from(["1", "2", "3", None]), st.integers(-5, 5)), max_size=12
)


@settings(deadline=None, max_examples=30)
@given(_ROWS)
def test_every_row_is_summed_once_or_listed(rows):
    table = pl.DataFrame(rows, {"who": pl.String, "x": pl.Float64}, orient="row")
    result = assembled(
        {"crm": crm(), "rows": source(table)},
        base="crm",
        joins=[
            {
                "source": "rows",
                "on": [{"by": "id", "right": "who"}],
                "aggregates": [
                    {"name": "n", "take": "count"},
                    {"name": "x", "take": "sum", "of": "x"},
                ],
            }
        ],
    )
    accounts = result.accounts.collect()
    naive = {i: [x for who, x in rows if who == i] for i in ("1", "2")}
    assert accounts["n"].to_list() == [len(xs) for xs in naive.values()]
    assert accounts["x"].to_list() == [sum(xs) for xs in naive.values()]
    assert accounts["n"].sum() + result.unmatched["rows"].height == len(rows)
