from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from generators.raw_tables import raw

from icp.ingest.propose_mapping import propose_mapping
from icp.schema import Kind, Role

if TYPE_CHECKING:
    from icp.ingest.mapping_rules import ColumnRule


def _one(header: str, values: list[str | None], **other: object) -> ColumnRule:
    return propose_mapping(raw({header: values}), **other).rule(header)


def _shape(rule: ColumnRule) -> tuple[str, str, str]:
    return rule.name, str(rule.role), str(rule.kind)


_IDS = [f"A-{i}x{i * 7}" for i in range(30)]
_WORDS = ["Retail", "Bank", "Retail", "Media"]


def test_a_crm_export_of_accounts() -> None:
    table = raw(
        {
            "Account ID": ["001", "002", "003"],
            "Account Name": ["Acme", "Beta", "Cora"],
            "Website": ["acme.com", "beta.de", None],
            "Industry": ["Retail", "Bank", "Retail"],
            "Employees": ["51-200", "10,000+", "40"],
            "Annual Revenue": ["$1,200.00", "$2.5M", "TBD"],
            "Account Owner": ["Ann", "Bob", "Ann"],
            "NPS": ["9", "3", ""],
            "Churned": ["no", "yes", "no"],
            "Created Date": ["2024-01-05", "2024-02-06", "2024-03-07"],
            "Contact Email": ["a@acme.com", "b@beta.de", "c@cora.com"],
        }
    )
    mapping = propose_mapping(table)
    assert [(*_shape(r), r.unit, r.decimal, r.date_order) for r in mapping.columns] == [
        ("account_id", "identifier", "text", "", None, None),
        ("account_name", "identifier", "text", "", None, None),
        ("domain", "identifier", "text", "", None, None),
        ("industry", "known_at_first_contact", "category", "", None, None),
        ("employees", "known_at_first_contact", "number", "people", ".", None),
        ("annual_revenue", "known_at_first_contact", "number", "$", ".", None),
        ("account_owner", "owner", "category", "", None, None),
        ("nps", "outcome", "number", "", None, None),
        ("is_churned", "outcome", "flag", "", None, None),
        ("account_created_date", "date", "date", "", None, "ymd"),
        ("email", "protected", "text", "", None, None),
    ]
    assert all(rule.reason and 0 < rule.score <= 1 for rule in mapping.columns)
    assert not any(rule.confirmed for rule in mapping.columns)
    assert mapping.source == "table.csv"


def test_an_export_of_deals_in_german() -> None:
    table = raw(
        {
            "Firma": ["Acme", "Beta"],
            "Mitarbeiter": ["2.448", "40"],
            "Umsatz (Mio. €)": ["718,62", "3.178,24"],
            "Angebotswert": ["1.054,00 €", "50,00 €"],
            "Gewonnen": ["ja", "nein"],
            "Abschlussdatum": ["25.03.2017", "01.03.2017"],
        }
    )
    mapping = propose_mapping(table)
    assert [(*_shape(r), r.unit, r.decimal, r.date_order) for r in mapping.columns] == [
        ("account_name", "identifier", "text", "", None, None),
        ("employees", "known_at_first_contact", "number", "people", ",", None),
        ("annual_revenue", "known_at_first_contact", "number", "Mio. €", ",", None),
        ("amount", "outcome", "number", "EUR", ",", None),
        ("is_won", "outcome", "flag", "", None, None),
        ("close_date", "after_sale", "date", "", None, "dmy"),
    ]


@pytest.mark.parametrize(
    ("header", "values", "shape"),
    [
        ("Lines", _WORDS, ("lines", "known_at_first_contact", "category")),
        ("Wanted", ["yes", "no"], ("wanted", "known_at_first_contact", "flag")),
        ("Wanted", ["1", "0"], ("wanted", "known_at_first_contact", "flag")),
        ("Wanted", ["1", "2"], ("wanted", "known_at_first_contact", "number")),
        ("Wanted", ["1", "1"], ("wanted", "known_at_first_contact", "number")),
        ("Pages", ["1.5", "2k"], ("pages", "known_at_first_contact", "number")),
        ("Pages", ["007", "008"], ("pages", "known_at_first_contact", "category")),
        ("Moved", ["2024-01-05", "2024-02-01"], ("moved", "date", "date")),
        ("Moved", ["20240105"], ("moved", "known_at_first_contact", "number")),
        ("Moved date", ["20240105"], ("moved_date", "date", "date")),
        ("Moved date", ["45678", "45679"], ("moved_date", "date", "date")),
        ("Moved date", [None], ("moved_date", "date", "date")),
        ("Nothing", [None, " "], ("nothing", "known_at_first_contact", "category")),
        (
            "Tools",
            ["a;b", "b;a", "a", "b"],
            ("tools", "known_at_first_contact", "multi"),
        ),
        (
            "Tools",
            ["a|b", "b|a", "a", "b"],
            ("tools", "known_at_first_contact", "multi"),
        ),
        ("Whom", ["a@x.de", "b@x.de"], ("whom", "protected", "text")),
        ("Line", ["+49 30 123456", "(030) 12345-6"], ("line", "protected", "category")),
        ("Ref", _IDS, ("account_id", "identifier", "text")),
        ("Story", ["word " * 20 + i for i in _IDS], ("story", "ignored", "text")),
        ("Deals Key", ["1", "2", "1"], ("deals_key", "identifier", "text")),
    ],
)
def test_unknown_headers_are_understood_from_their_values(
    header: str, values: list[str | None], shape: tuple[str, str, str]
) -> None:
    rule = _one(header, values)
    name, role, kind = _shape(rule)
    assert (name, role) == shape[:2]
    assert kind == shape[2] or (role == "protected" and kind in {"text", "category"})
    assert rule.score <= 0.8


@pytest.mark.parametrize(
    ("header", "role"),
    [
        ("Probability (%)", Role.AFTER_SALE),
        ("Forecast Category", Role.AFTER_SALE),
        ("Churn Reason", Role.OUTCOME),
        ("Churn Score", Role.AFTER_SALE),
        ("Satisfaction Score", Role.OUTCOME),
        ("CLTV", Role.OUTCOME),
        ("Total Refunds", Role.OUTCOME),
        ("Contract End", Role.AFTER_SALE),
        ("Vertragsende", Role.AFTER_SALE),
        ("Kündigungsgrund", Role.OUTCOME),
        ("Motif de perte", Role.OUTCOME),
        ("Ganado", Role.OUTCOME),
        ("Last Activity", Role.AFTER_SALE),
        ("Lead Quality", Role.AFTER_SALE),
        ("Tags", Role.AFTER_SALE),
        ("Average monthly minutes", Role.AFTER_SALE),
        ("Senior Citizen", Role.PROTECTED),
        ("Gender", Role.PROTECTED),
        ("Nationality", Role.PROTECTED),
        ("First Name", Role.PROTECTED),
        ("Age", Role.PROTECTED),
        ("Sales Rep", Role.OWNER),
        ("Budget", Role.QUALIFICATION),
        ("Industry", Role.FIRST_CONTACT),
    ],
)
def test_roles_that_may_not_be_learnt_are_known_by_name(
    header: str, role: Role
) -> None:
    assert _one(header, ["x", "y", "x"], object="accounts").role is role


def test_an_inverse_flag_says_so() -> None:
    rule = _one("Active", ["true", "false"])
    assert rule.name == "is_active"
    assert rule.role is Role.OUTCOME
    assert "opposite of churned" in rule.reason


@pytest.mark.parametrize(
    ("header", "values", "shape"),
    [
        ("Employees", ["Big", "Mid", "Small"], ("employees", Kind.CATEGORY)),
        ("Comp_size", ["Big", "Mid", "Small"], ("comp_size", Kind.CATEGORY)),
        ("Close Date", ["Q1", "Q2", "Q1"], ("close_date", Kind.CATEGORY)),
        ("Competitors", ["Yes", "No", "Unknown"], ("competitors", Kind.FLAG)),
        ("Competitors", ["Acme", "Beta", "Acme"], ("competitors", Kind.CATEGORY)),
        ("SIC Code", ["7372", "7371", "7372"], ("sic_code", Kind.CATEGORY)),
        ("Technologies", ["AWS", "Azure"], ("tech_stack", Kind.MULTI)),
    ],
)
def test_values_overrule_the_dictionary_s_kind(
    header: str, values: list[str], shape: tuple[str, Kind]
) -> None:
    rule = _one(header, values)
    assert (rule.name, rule.kind) == shape


def test_a_column_client_of_few_words_is_no_account_name() -> None:
    assert _one("Client", ["Current", "New"] * 30).name == "client"
    assert _one("Client", ["Acme", "Beta"]).name == "account_name"


def test_partner_is_a_company_unless_it_is_yes_or_no() -> None:
    assert _one("Partner", ["Yes", "No"]).role is Role.PROTECTED
    assert _one("Partner", ["Acme", "Beta", "Acme"]).role is Role.FIRST_CONTACT


@pytest.mark.parametrize(
    ("values", "keep"),
    [
        (["NA", "DE", "FR"], ("NA",)),
        (["NA", "EMEA", "APAC", "Japan"], ("NA",)),
        (["NA", "Germany", "France", "Japan"], ()),
    ],
)
def test_na_is_namibia_among_country_codes(
    values: list[str], keep: tuple[str, ...]
) -> None:
    assert _one("Country", values).keep == keep


@pytest.mark.parametrize(
    ("columns", "decimal"),
    [
        ({"Fee": ["1,234", "2,345"]}, None),
        ({"Fee": ["1,234", "2,345.50"]}, "."),
        ({"Fee": ["1.234", "2,5"]}, ","),
        ({"Fee": ["1.5", "2,5"]}, None),
        ({"Fee": ["1,234"], "Other": ["2.5"]}, "."),
        ({"Fee": ["1,234"], "Other": ["2,5"]}, ","),
        ({"Fee": ["1,234", "1"], "A": ["2,5", "1"], "B": ["2.5", "1"]}, None),
        ({"Fee": ["12", "13"]}, None),
    ],
)
def test_the_decimal_sign_comes_from_values_that_tell(
    columns: dict[str, list[str]], decimal: str | None
) -> None:
    assert propose_mapping(raw(columns)).rule("Fee").decimal == decimal


@pytest.mark.parametrize(
    ("values", "order"),
    [
        (["25/12/2025", "01/02/2025"], "dmy"),
        (["12/25/2025", "01/02/2025"], "mdy"),
        (["03/04/2025", "01/02/2025"], None),
        (["25/12/2025", "12/25/2025"], None),
        (["2025-01-02", "1 Mar 2025"], "ymd"),
        (["2025-01-02", "12/25/2025"], "mdy"),
    ],
)
def test_the_order_of_dates_comes_from_values_that_tell(
    values: list[str], order: str | None
) -> None:
    rule = _one("Met", values)
    assert (rule.kind, rule.date_order) == (Kind.DATE, order)


def test_one_name_goes_to_the_surest_and_fullest_column() -> None:
    table = raw(
        {
            "Organization - Industry": [None, None],
            "Industry": ["Retail", "Bank"],
            "Branche": ["Handel", None],
        }
    )
    mapping = propose_mapping(table)
    assert [rule.name for rule in mapping.columns] == [
        "organization_industry",
        "industry",
        "branche",
    ]
    assert "taken by column 'Industry'" in mapping.rule("Branche").reason
    assert {rule.role for rule in mapping.columns} == {Role.FIRST_CONTACT}


@pytest.mark.parametrize("header", ["Outcome note", "Fit", "Margin", "State", "Worth"])
def test_names_of_results_are_never_taken(header: str) -> None:
    reserved = {"fit", "margin", "state", "worth", "outcome", "grade"}
    assert _one(header, _WORDS).name not in reserved


def test_the_object_can_be_told() -> None:
    table = raw({"Id": ["1", "2"], "Name": ["a", "b"], "Type": ["x", "y"]})
    told = {
        object_: [rule.name for rule in propose_mapping(table, object=object_).columns]
        for object_ in ("accounts", "deals", "prospects")
    }
    assert told == {
        "accounts": ["account_id", "account_name", "company_type"],
        "deals": ["deal_id", "deal_name", "deal_type"],
        "prospects": ["account_id", "account_name", "company_type"],
    }


def test_levels_are_remembered_for_categories_only() -> None:
    mapping = propose_mapping(
        raw(
            {
                "Industry": ["Retail", "retail ", "Retail", "Bank", "n/a"],
                "Employees": ["1", "2", "3", "4", "5"],
                "Gender": ["m", "w", "m", "w", "m"],
            }
        )
    )
    assert mapping.rule("Industry").levels == ("Bank", "Retail")
    assert mapping.rule("Employees").levels == ()
    assert mapping.rule("Gender").levels == ()


def test_more_than_200_levels_are_not_remembered() -> None:
    values = [f"level {i} x" for i in range(230)] * 2
    rule = _one("Lines", values)
    assert (rule.kind, rule.levels) == (Kind.CATEGORY, ())


def test_placeholders_are_mentioned() -> None:
    assert (
        "50 % are placeholders" in _one("City", ["Select", "Select", "A", "B"]).reason
    )


def test_columns_and_rows_in_any_order_give_the_same_rules() -> None:
    columns = {
        "Name": ["Acme", "Beta", "Cora"],
        "Fee": ["1,234", "2.5", "3"],
        "Met": ["25/12/2025", "01/02/2025", ""],
    }
    first = propose_mapping(raw(columns))
    swapped = {name: values[::-1] for name, values in reversed(columns.items())}
    second = propose_mapping(raw(swapped))
    for name in columns:
        assert first.rule(name) == second.rule(name)


def test_a_known_mapping_is_kept_and_only_new_columns_are_proposed() -> None:
    known = propose_mapping(raw({"Name": ["Acme"], "Lines": ["a"], "Old": ["x"]}))
    known = known.replace("Lines", name="product", role="ignored").confirm()
    table = raw({"Lines": ["b"], "Name": ["Beta"], "Industry": ["Bank"]})
    mapping = propose_mapping(table, known=known)
    assert mapping.columns[:3] == known.columns
    assert [(r.source, r.name, r.confirmed) for r in mapping.columns[3:]] == [
        ("Industry", "industry", False)
    ]
    assert mapping.source == known.source


def test_a_new_column_never_takes_a_known_name() -> None:
    known = propose_mapping(raw({"Sector": ["Retail"]})).confirm()
    table = raw({"Sector": ["Retail"], "Industry": ["Handel"]})
    names = [rule.name for rule in propose_mapping(table, known=known).columns]
    assert names == ["industry", "industry_2"]


def test_the_rule_of_a_renamed_column_moves_unconfirmed() -> None:
    known = propose_mapping(raw({"Account Name": ["Acme"], "Industry": ["Bank"]}))
    table = raw({"Account Name": ["Beta"], "Industries": ["Bank"]})
    mapping = propose_mapping(table, known=known.confirm())
    assert [(r.source, r.name, r.confirmed) for r in mapping.columns] == [
        ("Account Name", "account_name", True),
        ("Industries", "industry", False),
    ]


def test_a_table_without_rows_is_mapped_by_its_headers() -> None:
    mapping = propose_mapping(raw({"Account Name": [], "Employees": [], "Odd": []}))
    assert [_shape(rule) for rule in mapping.columns] == [
        ("account_name", "identifier", "text"),
        ("employees", "known_at_first_contact", "number"),
        ("odd", "known_at_first_contact", "category"),
    ]
