from __future__ import annotations

import polars as pl
import pytest
from generators.planted import closed_customers

from icp.learn import FitOptions, fit_profile
from icp.learn.cells import draft_tables
from icp.learn.leakage import population_findings
from icp.schema import AccountSchema

CUSTOMERS = pl.DataFrame(
    {
        "industry": ["Retail", "Bank", "Retail", "Bank"] * 10,
        "employees": [10.0, 200.0, None, float("nan")] * 10,
        "partner": [True, False] * 20,
        "tools": [["SAP"], ["AWS"]] * 20,
    }
)


def found(**columns) -> dict[str, str]:
    schema = AccountSchema.infer(CUSTOMERS)
    drafts = draft_tables(CUSTOMERS, schema, min_level=1, max_levels=9)
    prospects = pl.DataFrame(columns)
    findings = population_findings(
        prospects, CUSTOMERS, [draft.table for draft in drafts]
    )
    assert all(not f.excluded and f.code == "prospects_unlike" for f in findings)
    again = population_findings(prospects, CUSTOMERS, [draft.table for draft in drafts])
    return {f.column: f.message for f in again}


def test_numbers_outside_the_customers_range_are_named() -> None:
    assert found(employees=[9.0] * 20 + [2000.0] * 20 + [50.0] * 10) == {
        "employees": "employees: 80% of the prospects' values are outside the "
        "customers' range and count as its nearest end; check the unit"
    }


def test_levels_that_no_customer_has_are_named() -> None:
    assert found(industry=["retail"] * 30 + ["Bank"] * 10 + [None] * 50) == {
        "industry": "industry: 75% of the prospects' values are ones that no customer "
        "has and count for nothing; check the spelling"
    }


@pytest.mark.parametrize(
    "columns",
    [
        {"industry": ["Mining"] * 29},
        {"industry": ["Mining"] * 49 + ["Bank"] * 51},
        {"employees": [5.0] * 29 + [None] * 71},
        {"employees": [float("nan")] * 40},
        {"employees": ["many"] * 40},
        {"partner": [True] * 40, "tools": [["Zoho"]] * 40},
        {"colour": ["red"] * 40},
        {"industry": [None] * 40},
    ],
)
def test_nothing_is_said_of_few_or_of_other_columns(columns) -> None:
    assert found(**columns) == {}


def test_an_infinite_number_is_outside() -> None:
    assert list(found(employees=[float("inf")] * 40)) == ["employees"]


def test_learning_says_where_prospects_are_unlike() -> None:
    customers = closed_customers(120).drop("account_id")
    prospects = pl.DataFrame({"industry": ["Mining"] * 40, "employees": [50.0] * 40})
    quick = FitOptions(refits=0, max_segments=1)
    profile = fit_profile(customers, prospects=prospects, options=quick)
    (finding,) = profile.provenance.findings
    assert (finding.column, finding.code) == ("industry", "prospects_unlike")
    assert "industry" in profile.columns
