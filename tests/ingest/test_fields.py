from __future__ import annotations

from collections import Counter

import pytest

from icp.ingest.fields import (
    _book,
    guess_object,
    hint,
    looks_like_id,
    match_header,
    near_header,
    normalised,
    snake_case,
    squeezed,
)
from icp.schema import Kind, Role


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Annual Revenue", "annual revenue"),
        ("ANNUAL_REVENUE", "annual revenue"),
        ("AnnualRevenue", "annual revenue"),
        ("\ufeffAnnual\u00a0Revenue ", "annual revenue"),
        ("MainCompetitors__c", "main competitors"),
        ("No. of Employees", "no of employees"),
        ("Société", "societe"),
        ("Abschlußdatum", "abschlussdatum"),
        ("HTTPStatus", "http status"),
        ("# employees", "employees"),
        ("???", ""),
    ],
)
def test_normalised(header: str, words: str) -> None:
    assert normalised(header) == words


def test_squeezed_headers_of_all_capitals_equal_spaced_ones() -> None:
    assert squeezed("CUSTOMERNAME") == squeezed("Customer Name") == "customername"


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Tech Support?", "tech_support"),
        ("Umsatz (Mio. €)", "umsatz_mio"),
        ("2019 revenue", "column_2019_revenue"),
        ("!!", "column"),
        ("客户", "客户"),
    ],
)
def test_snake_case(header: str, name: str) -> None:
    assert snake_case(header) == name


@pytest.mark.parametrize(
    ("header", "table", "name"),
    [
        ("Id", "accounts", "account_id"),
        ("Id", "deals", "deal_id"),
        ("Id", "tickets", "ticket_id"),
        ("Record ID", "prospects", "account_id"),
        ("Name", "accounts", "account_name"),
        ("Name", "deals", "deal_name"),
        ("Name", "prospects", "account_name"),
        ("Vendors in Play", "deals", "vendors_in_play"),
        ("Last Reply Date", "deals", "last_reply_date"),
        ("Incumbent Contract End", "prospects", "incumbent_contract_end"),
        ("Type", "accounts", "company_type"),
        ("Type", "deals", "deal_type"),
        ("Status", "accounts", "customer_status"),
        ("Status", "deals", "deal_status"),
        ("Status", "prospects", "lead_status"),
        ("Created Date", "accounts", "account_created_date"),
        ("Created Date", "deals", "deal_created_date"),
        ("Revenue", "accounts", "annual_revenue"),
        ("Revenue", "deals", "amount"),
        ("Firma", "accounts", "account_name"),
        ("Mitarbeiter", "accounts", "employees"),
        ("Umsatz (Mio. €)", "accounts", "annual_revenue"),
        ("CHIFFRE D'AFFAIRES", "accounts", "annual_revenue"),
        ("Organization - Name", "deals", "account_name"),
        ("Organization - Industry (2)", "accounts", "industry"),
        ("Deal - Value", "deals", "amount"),
        ("Person - Email", "deals", "email"),
        ("Account: Industry", "deals", "industry"),
        ("Account Industry", "accounts", "industry"),
        ("Deal Value", "accounts", "amount"),
        ("ResellerKey", "deals", "account_id"),
        ("Customer Nr", "other", "account_id"),
        ("ORDERNUMBER", "deals", "deal_id"),
        ("Probability (%)", "deals", "probability"),
        ("Churn Flag", "accounts", "is_churned"),
        ("NPS", "accounts", "nps"),
    ],
)
def test_the_dictionary_knows(header: str, table: str, name: str) -> None:
    found = match_header(header, table)
    assert found is not None
    assert found.field.name == name
    assert repr(header.strip()) in found.reason


@pytest.mark.parametrize(
    "header", ["Company Sise Band", "Lines", "x", "", "Tech Support", "Offer"]
)
def test_the_dictionary_does_not_know(header: str) -> None:
    assert match_header(header, "accounts") is None


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Indusrty", None),
        ("Industrry", "industry"),
        ("Anual Revenue", "annual_revenue"),
    ],
)
def test_near_spellings_are_suggested(header: str, name: str | None) -> None:
    found = near_header(header, "accounts")
    assert (found.field.name if found else None) == name
    assert found is None or found.score < 0.8


@pytest.mark.parametrize(
    "header", ["Company Sizes Name", "Company Game", "Size", "Nam"]
)
def test_unlike_words_are_never_near(header: str) -> None:
    assert near_header(header, "accounts") is None


def test_company_size_is_no_company_name() -> None:
    found = match_header("Company Size", "accounts")
    assert found is not None
    assert found.field.name == "employees"


@pytest.mark.parametrize(
    ("header", "role"),
    [
        ("Churn risk band", Role.OUTCOME),
        ("Kündigung am", Role.OUTCOME),
        ("Number of refunds", Role.AFTER_SALE),
        ("Total extra data charges", Role.AFTER_SALE),
        ("Average weekly minutes", Role.AFTER_SALE),
        ("Regional rep", Role.OWNER),
        ("Contact birthday", Role.PROTECTED),
        ("Report type", None),
        ("Wonder", None),
        ("Total employees", None),
    ],
)
def test_hints(header: str, role: Role | None) -> None:
    found = hint(header)
    assert (found.role if found else None) == role


def test_looks_like_id() -> None:
    assert looks_like_id("ProductKey")
    assert looks_like_id("Auftrag Nr")
    assert not looks_like_id("Number of Employees")


@pytest.mark.parametrize(
    ("headers", "source", "told"),
    [
        (("Company", "Industry", "Employees"), "x.csv", "accounts"),
        (("Deal Name", "Stage", "Amount"), "x.csv", "deals"),
        (("Company", "Amount"), "Deals_2024.csv", "deals"),
        (("Invoice No", "Invoice Date", "Account Id"), "x.csv", "invoices"),
        (("Case Owner", "Status", "Case Origin"), "Cases.csv", "tickets"),
        (("Prospect ID", "Lead Source", "Converted"), "leads.csv", "prospects"),
        (("a", "b"), "x.csv", "accounts"),
        ((), "", "accounts"),
    ],
)
def test_guess_object(headers: tuple[str, ...], source: str, told: str) -> None:
    assert guess_object(headers, source) == told


def test_every_header_of_the_dictionary_means_one_field_per_object() -> None:
    keys = Counter(
        (key, field.object)
        for field in _book().fields
        for key in {squeezed(name) for name in field.names}
    )
    assert [key for key, times in keys.items() if times > 1] == []


def test_fields_are_named_and_typed_consistently() -> None:
    kinds: dict[str, set[tuple[Role, Kind]]] = {}
    for field in _book().fields:
        assert snake_case(field.name) == field.name
        kinds.setdefault(field.name, set()).add((field.role, field.kind))
    assert {name: found for name, found in kinds.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("probability", {Role.AFTER_SALE}),
        ("forecast_category", {Role.AFTER_SALE}),
        ("is_churned", {Role.OUTCOME}),
        ("nps", {Role.OUTCOME}),
        ("refunds", {Role.OUTCOME}),
        ("contract_end_date", {Role.AFTER_SALE}),
        ("gender", {Role.PROTECTED}),
        ("age", {Role.PROTECTED}),
        ("account_owner", {Role.OWNER}),
    ],
)
def test_leaks_and_people_may_not_be_learnt(name: str, roles: set[Role]) -> None:
    assert {f.role for f in _book().fields if f.name == name} == roles
